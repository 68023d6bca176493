//! Several looks at one thing: so many good ones of so many, each fresh, each told, and the same in a replay.

#![allow(clippy::unwrap_used, reason = "only tests use it")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use readiness_core::{
    FixedClock, Looking, Observation, ObserveError, Outcome, Policy, ProbeError, Reason, Report, Requirement,
    Retry, Runner, Source, Sources, Status, Suite, Target, Timestamp, gate, probe_fn,
    report::{Looks, TargetResult, TextOptions},
};
use serde::{Deserialize, Serialize};

/// A look at a thing that changes: the letter of the pattern it comes to.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
struct Letter(u8);
impl Observation for Letter {
    const KIND: &'static str = "test.letter";
    type Fact = char;
}

struct Pattern(&'static str, Arc<AtomicUsize>);
impl Source<Letter> for Pattern {
    async fn look(&self, _: Letter, _: Looking) -> Result<char, ObserveError> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let n = self.1.fetch_add(1, SeqCst);
        match self.0.chars().nth(n) {
            Some('E') => Err(ObserveError::new(Reason::DNS_NXDOMAIN, "no such name")),
            Some(letter) => Ok(letter),
            None => panic!("look {n} was not to be made"),
        }
    }
}

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn target() -> Target {
    Target::parse("https://example.test/").unwrap()
}

fn requirement(retry: Retry) -> Requirement {
    let probe = probe_fn("a.b", |cx| async move {
        let letter = *cx.observe(Letter(0)).await?;
        Ok(match letter {
            'P' => Outcome::pass("well"),
            'W' => Outcome::warn("slow"),
            'F' => Outcome::fail("down"),
            'N' => Outcome::not_applicable("not here"),
            'M' => return Err(ProbeError::unknown(Reason::MISSING_CREDENTIAL, "no credential")),
            _ => return Err(ProbeError::unknown(Reason::TIMEOUT, "silent")),
        })
    });
    Requirement::new(probe, target()).retry(retry).blocker(true)
}

fn suite(pattern: &'static str, looks: &Arc<AtomicUsize>, retry: Retry) -> Suite {
    Suite::new(Sources::default().with(Pattern(pattern, Arc::clone(looks))))
        .with(requirement(retry))
        .unwrap()
}

fn runner() -> Runner {
    Runner::new().clock(FixedClock::new(NOW))
}

fn row(report: &Report) -> &TargetResult {
    &report.results[0].targets[0]
}

fn letters(looks: &Looks) -> String {
    let letter = |status: &Status| match status {
        Status::Pass => 'P',
        Status::Warn { .. } => 'W',
        Status::Fail => 'F',
        Status::NotApplicable { .. } => 'N',
        Status::Unknown { .. } => 'U',
    };
    looks.seen.iter().map(|look| letter(&look.status)).collect()
}

#[tokio::test(start_paused = true)]
async fn so_many_good_ones_of_so_many_decide() {
    for (why, pattern, needed, most, word, is_flaky) in [
        ("one is asked for", "P", 1, 1, "pass", false),
        ("a retry mends it", "FP", 1, 3, "pass", true),
        ("a retry may end with a warning", "FW", 1, 3, "warn", true),
        ("no retry mends it", "FFF", 1, 3, "fail", false),
        ("it ends when there are enough", "PP", 2, 3, "pass", false),
        ("a blip in the middle", "PFP", 2, 3, "pass", true),
        ("a blip at the start", "FPP", 2, 3, "pass", true),
        ("a lucky pass at the start", "PFF", 2, 3, "fail", true),
        ("a lucky pass in the middle", "FPF", 2, 3, "fail", true),
        (
            "it ends when it cannot be reached any more",
            "FF",
            2,
            3,
            "fail",
            false,
        ),
        ("all of them", "PPP", 3, 3, "pass", false),
        ("all but the last", "PPF", 3, 3, "fail", true),
        ("all, and the first is not", "F", 3, 3, "fail", false),
        ("the last is the third good one", "FFPPP", 3, 5, "pass", true),
        ("one too many is not", "FPFPF", 3, 5, "fail", true),
        ("the worst of the good ones counts", "PWP", 3, 3, "warn", false),
        (
            "what could not be looked at is not good",
            "EPP",
            2,
            3,
            "pass",
            true,
        ),
        ("silence at the end", "PUU", 2, 3, "unknown", true),
        (
            "where it does not apply no look helps",
            "N",
            2,
            3,
            "not_applicable",
            false,
        ),
        (
            "where something is missing no look helps",
            "PM",
            2,
            3,
            "unknown",
            true,
        ),
    ] {
        let count = Arc::default();
        let suite = suite(pattern, &count, Retry::attempts(most).needing(needed));
        let (report, recording) = runner().run_recorded(&suite).await;
        let row = row(&report);
        assert_eq!(row.outcome.status.word(), word, "{why}");
        assert_eq!(row.flaky, is_flaky, "{why}");
        let made = pattern.len();
        assert_eq!((row.attempts as usize, count.load(SeqCst)), (made, made), "{why}");
        let told = row.looks.as_ref().map(letters);
        let expected = pattern.replace(['E', 'M'], "U");
        assert_eq!(told, (made > 1 || needed > 1).then_some(expected), "{why}");
        if let Some(looks) = &row.looks {
            assert_eq!((looks.needed, looks.most), (needed, most), "{why}");
            assert!(looks.seen.iter().all(|look| look.duration_ms == 5), "{why}");
        }
        // The recording holds each of them, and says the same again.
        let rounds: Vec<u32> = recording
            .facts
            .iter()
            .filter(|f| f.kind == "test.letter")
            .map(|f| f.round)
            .collect();
        assert_eq!(
            rounds,
            (1..=u32::try_from(made).unwrap()).collect::<Vec<_>>(),
            "{why}"
        );
        assert_eq!(
            runner().run(&suite.clone().replaying(&recording)).await,
            report,
            "{why}"
        );
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report, "{why}");
        assert_eq!(json.contains("\"looks\""), row.looks.is_some(), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_report_tells_what_disagrees() {
    for (pattern, retry, words) in [
        (
            "PFP",
            Retry::attempts(3).needing(2),
            "(2 of 3 looks good, 2 needed: flaky)",
        ),
        (
            "PFF",
            Retry::attempts(3).needing(2),
            "(1 of 3 looks good, 2 needed: flaky)",
        ),
        (
            "PP",
            Retry::attempts(3).needing(2),
            "(2 of 2 looks good, 2 needed)",
        ),
        ("FP", Retry::attempts(3), "(only at attempt 2: flaky)"),
    ] {
        let text = runner()
            .run(&suite(pattern, &Arc::default(), retry))
            .await
            .to_text(TextOptions::default());
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{pattern}: {text}");
        let bad = pattern.find('F').map_or(0, |at| at + 1);
        assert_eq!(flat.contains("- look"), bad > 0, "{pattern}: {text}");
        assert!(
            bad == 0 || flat.contains(&format!("- look {bad}: fail down")),
            "{pattern}: {text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_look_is_fresh_where_several_count() {
    // The probe goes on without the second thing, which cannot be looked at: a retry would look at that alone.
    struct Two(Arc<AtomicUsize>, Arc<AtomicUsize>);
    impl Source<Letter> for Two {
        async fn look(&self, key: Letter, _: Looking) -> Result<char, ObserveError> {
            if key.0 == 0 {
                self.0.fetch_add(1, SeqCst);
                return Ok('P');
            }
            self.1.fetch_add(1, SeqCst);
            Err(ObserveError::new(Reason::TCP_REFUSED, "refused"))
        }
    }
    let (one, two) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let both = probe_fn("a.both", |cx| async move {
        cx.observe(Letter(0)).await?;
        let _ = cx.observe(Letter(1)).await;
        Ok(Outcome::pass(""))
    });
    let suite = Suite::new(Sources::default().with(Two(Arc::clone(&one), Arc::clone(&two))))
        .with(Requirement::new(both, target()).retry(Retry::attempts(3).needing(3)))
        .unwrap();
    assert!(row(&runner().run(&suite).await).outcome.status.is_pass());
    assert_eq!((one.load(SeqCst), two.load(SeqCst)), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn pauses_are_as_long_as_they_are_asked_for() {
    let four = |retry: Retry| async move {
        let begun = tokio::time::Instant::now();
        runner()
            .run(&suite("PPPP", &Arc::default(), retry.needing(4)))
            .await;
        begun.elapsed().as_millis() - 4 * 5
    };
    assert_eq!(four(Retry::attempts(4)).await, 200 + 400 + 800);
    assert_eq!(
        four(Retry::attempts(4).every(Duration::from_secs(5))).await,
        15_000
    );
    assert_eq!(four(Retry::attempts(4).every(Duration::ZERO)).await, 0);
}

#[test]
fn more_are_made_where_more_are_needed() {
    for (retry, needed, attempts) in [
        (Retry::attempts(0), 1, 1),
        (Retry::attempts(2).needing(0), 1, 2),
        (Retry::attempts(2).needing(2), 2, 2),
        (Retry::attempts(2).needing(3), 3, 3),
    ] {
        assert_eq!((retry.needed, retry.attempts), (needed, attempts));
    }
    // Fields that contradict each other are no way out.
    let mut retry = Retry::attempts(1);
    (retry.needed, retry.attempts) = (7, 2);
    let report = suite("PP", &Arc::default(), retry).run_blocking().unwrap();
    assert_eq!(row(&report).looks.as_ref().unwrap().needed, 2);
    assert!(row(&report).outcome.status.is_pass());
}

#[tokio::test(start_paused = true)]
async fn what_the_deadline_leaves_is_told_and_is_no_pass() {
    for (why, deadline_ms, letters_seen, attempts) in [
        ("in the first look", 4, "U", 1),
        ("in the pause after the first", 9_000, "PU", 2),
        ("in the second look", 10_008, "PU", 2),
        ("in the pause after the second", 15_000, "PPU", 3),
        ("after the third", 21_000, "PPP", 3),
    ] {
        let retry = Retry::attempts(5).needing(3).every(Duration::from_secs(10));
        let suite = suite("PPP", &Arc::default(), retry);
        let runner = runner().deadline(Duration::from_millis(deadline_ms));
        let (report, recording) = runner.run_recorded(&suite).await;
        let row = row(&report);
        let looks = row.looks.as_ref().unwrap();
        assert_eq!(letters(looks), letters_seen, "{why}");
        assert_eq!(row.attempts, attempts, "{why}");
        assert_eq!(row.outcome.status.is_pass(), letters_seen == "PPP", "{why}");
        assert!(!row.flaky, "{why}");
        assert_eq!(row.duration_ms, 5 * u64::from(looks.good()), "{why}");
        assert_eq!(
            runner.run(&suite.clone().replaying(&recording)).await,
            report,
            "{why}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_waits_with_fresh_looks_and_keeps_the_first() {
    for (pattern, retry, seen, attempts) in [
        // A name that does not exist yet is asked for again, not remembered.
        ("EEP", Retry::attempts(1), "UUP", 3),
        ("FFP", Retry::attempts(2), "FFP", 3),
        // One lucky pass does not open it: each round needs two in a row.
        ("FPFPP", Retry::attempts(2).needing(2), "FPFPP", 5),
    ] {
        let count = Arc::default();
        let report = gate(suite(pattern, &count, retry))
            .within(Duration::from_secs(20))
            .await
            .unwrap();
        let row = row(&report);
        assert!(row.outcome.status.is_pass() && row.flaky, "{pattern}");
        assert_eq!(letters(row.looks.as_ref().unwrap()), seen, "{pattern}");
        assert_eq!(
            (row.attempts, count.load(SeqCst)),
            (attempts, pattern.len()),
            "{pattern}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_is_dropped_releases_everything() {
    struct Held(Arc<AtomicUsize>, Arc<AtomicUsize>);
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }
    impl Source<Letter> for Held {
        async fn look(&self, _: Letter, cx: Looking) -> Result<char, ObserveError> {
            self.0.fetch_add(2, SeqCst);
            let (look, kept) = (Guard(Arc::clone(&self.0)), Guard(Arc::clone(&self.0)));
            cx.keep(async move {
                let _kept = kept;
                std::future::pending().await
            });
            // The first round ends, the second does not.
            if self.1.fetch_add(1, SeqCst) > 0 {
                std::future::pending::<()>().await;
            }
            drop(look);
            Ok('F')
        }
    }
    let (held, looks) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let suite = Suite::new(Sources::default().with(Held(Arc::clone(&held), Arc::clone(&looks))))
        .with(requirement(Retry::attempts(1)))
        .unwrap();
    let waiting = gate(suite).within(Duration::from_secs(20));
    assert!(
        tokio::time::timeout(Duration::from_secs(2), waiting)
            .await
            .is_err()
    );
    assert_eq!((looks.load(SeqCst), held.load(SeqCst)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn an_old_result_of_several_looks_is_stale_when_it_is_scored_again() {
    let count = Arc::default();
    let suite = Suite::new(Sources::default().with(Pattern("PFP", Arc::clone(&count))))
        .with(requirement(Retry::attempts(3).needing(2)).max_age(Duration::from_secs(60)))
        .unwrap();
    let report = runner().run(&suite).await;
    for (age, word) in [
        (-1, "pass"),
        (0, "pass"),
        (60, "pass"),
        (61, "unknown"),
        (86_400, "unknown"),
    ] {
        let again = report.rescored(Policy::default(), NOW.plus_seconds(age));
        assert_eq!(row(&again).status().word(), word, "{age}");
        assert_eq!(again.verdict().is_ready(), word == "pass", "{age}");
        assert_eq!(row(&again).looks, row(&report).looks, "what was seen stays");
    }
}
