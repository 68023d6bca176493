//! The schedule over services that are made by hand, on paused time.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use readiness_core::{
    ObserveError, Reason,
    fact::{Endpoint, Exchange, HttpExchange},
};
use tokio::time::{Instant, sleep, sleep_until};

use super::schedule::{Sent, drive};
use crate::http::LoadRun;

fn run(requests: u32, rate: u32) -> LoadRun {
    let endpoint = Endpoint::new(([127, 0, 0, 1], 80).into(), "localhost", false);
    LoadRun::new(HttpExchange::get(endpoint, "localhost", "/"), requests, rate)
}

fn ok() -> Sent {
    answer(200)
}

fn answer(status: u16) -> Sent {
    Sent::Answered(Box::new(Exchange::new(status, [] as [(&str, &str); 0])))
}

#[tokio::test(start_paused = true)]
async fn requests_begin_at_their_instants() {
    let begun = RefCell::new(Vec::new());
    let start = Instant::now();
    let facts = drive(&run(10, 100), || async {
        begun.borrow_mut().push(start.elapsed().as_millis());
        sleep(Duration::from_millis(25)).await;
        ok()
    })
    .await
    .unwrap();
    assert_eq!(*begun.borrow(), [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    assert_eq!((facts.meant(), facts.answered(), facts.not_begun), (10, 10, 0));
    assert_eq!(
        facts.statuses[0].in_window, 8,
        "the last two came after the hundredth millisecond"
    );
    let slowest = facts.latencies.last().unwrap();
    assert!(
        slowest.up_to_us() >= 25_000 && slowest.from_us <= 27_000,
        "{facts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stall_is_seen_by_every_request_that_met_it() {
    // The service answers at once, but for one second in which it answers nothing.
    let start = Instant::now();
    let facts = drive(&run(300, 100).in_flight(512), || async {
        let since = start.elapsed();
        if (Duration::from_secs(1)..Duration::from_secs(2)).contains(&since) {
            sleep_until(start + Duration::from_secs(2)).await;
        }
        ok()
    })
    .await
    .unwrap();
    let slow: u64 = facts
        .latencies
        .iter()
        .filter(|of| of.from_us > 100_000)
        .map(|of| of.count)
        .sum();
    assert!(
        (85..=91).contains(&slow),
        "a client that waits would have seen one: {slow}"
    );
}

#[tokio::test(start_paused = true)]
async fn waiting_for_room_is_latency_and_what_never_gets_room_is_held_back() {
    // One at a time, 100 ms each, ten times as many asked: each waits longer than the one before.
    let facts = drive(&run(20, 100).in_flight(1).timeout_ms(450), || async {
        sleep(Duration::from_millis(100)).await;
        ok()
    })
    .await
    .unwrap();
    assert_eq!(facts.meant(), 20);
    assert!(facts.held_back > 10, "{facts:?}");
    assert!(facts.answered() >= 4, "{facts:?}");
    assert!(facts.latencies.last().unwrap().up_to_us() > 300_000, "{facts:?}");
    assert!(
        facts.own_delay_us < 5_000,
        "the service's delay is not ours: {facts:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_time_is_counted_and_costs_no_more_time() {
    let start = Instant::now();
    let facts = drive(&run(5, 100).timeout_ms(200), || async {
        std::future::pending::<()>().await;
        ok()
    })
    .await
    .unwrap();
    assert_eq!((facts.timed_out, facts.answered(), facts.held_back), (5, 0, 0));
    assert!(start.elapsed() < Duration::from_millis(300));
}

#[tokio::test(start_paused = true)]
async fn the_warm_up_is_counted_and_not_measured() {
    let sent = Cell::new(0);
    let facts = drive(&run(10, 100).warm_up(5), || {
        sent.set(sent.get() + 1);
        let n = sent.get();
        async move {
            if n <= 5 {
                sleep(Duration::from_secs(1)).await;
            }
            ok()
        }
    })
    .await
    .unwrap();
    assert_eq!((facts.warm_up, facts.meant(), sent.get()), (5, 10, 15));
    assert!(facts.latencies.last().unwrap().up_to_us() < 100_000, "{facts:?}");
}

#[tokio::test(start_paused = true)]
async fn the_time_cap_ends_it_and_the_rest_is_named() {
    let facts = drive(&run(300, 100).max_seconds(1), || async { ok() })
        .await
        .unwrap();
    assert_eq!((facts.answered(), facts.not_begun), (100, 200));
}

#[tokio::test(start_paused = true)]
async fn the_status_that_ends_it_is_kept() {
    let sent = Cell::new(0);
    let load = run(100, 100).until_status(429);
    let facts = drive(&load, || {
        sent.set(sent.get() + 1);
        let status = if sent.get() > 7 { 429 } else { 200 };
        async move { answer(status) }
    })
    .await
    .unwrap();
    let (before, exchange) = *facts.ended_by.clone().unwrap();
    assert_eq!((before, exchange.status), (7, 429));
    assert_eq!((facts.answered(), facts.not_begun, sent.get()), (8, 92, 8));
}

#[tokio::test(start_paused = true)]
async fn what_never_answers_is_not_asked_to_the_end() {
    let sent = Cell::new(0);
    let refused = || ObserveError::new(Reason::TCP_REFUSED, "refused");
    let error = drive(&run(300, 100), || {
        sent.set(sent.get() + 1);
        async { Sent::Broken(refused()) }
    })
    .await
    .unwrap_err();
    assert_eq!((error, sent.get()), (refused(), 10));
    // After one answer, broken connections are failures of a service that is there.
    let sent = Cell::new(0);
    let facts = drive(&run(300, 100), || {
        sent.set(sent.get() + 1);
        let first = sent.get() == 1;
        async move { if first { ok() } else { Sent::Broken(refused()) } }
    })
    .await
    .unwrap();
    assert_eq!(
        (facts.answered(), facts.broken, facts.first_error),
        (1, 299, Some(refused()))
    );
    let withheld = ObserveError::new(Reason::CREDENTIAL_WITHHELD, "withheld");
    let error = drive(&run(3, 100), || async { Sent::Impossible(withheld.clone()) })
        .await
        .unwrap_err();
    assert_eq!(error, withheld);
}
