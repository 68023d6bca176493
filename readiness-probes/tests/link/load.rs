//! Loads against real servers: connections of their own, what is counted, what is never sent.

use readiness_probes::{
    Probe,
    http::{LoadRun, Objectives, RateLimit},
};

use super::*;

fn status(status: u16, headers: &[(&str, &str)]) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Full::new(Bytes::from_static(b"body"))).unwrap()
}

async fn judged(probe: Arc<dyn Probe>, peer: &Peer) -> Outcome {
    let target = Target::parse(&format!("http://{}/items", peer.address)).unwrap();
    let suite = Suite::new(Live::new().sources().unwrap())
        .with(Requirement::new(probe, target))
        .unwrap();
    let report = Runner::new().run(&suite).await;
    report.results[0].targets[0].outcome.clone()
}

#[tokio::test]
async fn every_request_is_counted_over_each_protocol() {
    for (tls, alpn) in [(false, ""), (true, "http/1.1"), (true, "h2")] {
        let ca = Authority::new();
        let config = tls.then(|| ca.issue(&[NAME], |_| ()).server(alpn));
        let peer = Peer::http(config, |_| ok("well")).await;
        let endpoint = Endpoint::new(peer.address, NAME, tls);
        let looks = looks(&live(&ca));
        let load = LoadRun::new(get(endpoint, "/"), 100, 1_000).warm_up(10);
        let facts = looks.observe(load).await.unwrap();
        assert_eq!(
            (facts.answered(), facts.warm_up, facts.meant()),
            (100, 10, 100),
            "{alpn}"
        );
        assert_eq!(facts.latencies.iter().map(|of| of.count).sum::<u64>(), 100);
        assert_eq!(peer.requests().len(), 110);
        assert!(peer.connections() <= 64, "{}", peer.connections());
        assert_eq!(count(&looks.finish(), "http_requests"), 110);
    }
}

#[tokio::test]
async fn a_server_that_closes_each_connection_is_no_failure() {
    let peer = Peer::http(None, |_| status(200, &[("connection", "close")])).await;
    let load = LoadRun::new(get(http(&peer), "/"), 50, 1_000);
    let facts = looks(&Live::new()).observe(load).await.unwrap();
    assert_eq!((facts.answered(), facts.broken), (50, 0), "{facts:?}");
}

#[tokio::test]
async fn what_must_not_be_sent_is_not_sent() {
    let peer = Peer::http(None, |_| ok("well")).await;
    let mut request = get(http(&peer), "/");
    "DELETE".clone_into(&mut request.method);
    let error = looks(&Live::new())
        .observe(LoadRun::new(request, 10, 1_000))
        .await
        .unwrap_err();
    assert!(error.message.contains("only safe methods"), "{error:?}");
    assert_eq!(peer.connections(), 0);
    // Nobody vouches for this certificate, so the credential stays here.
    let stranger = Authority::new();
    let config = stranger.issue(&[NAME], |_| ()).server("http/1.1");
    let peer = Peer::http(Some(config), |_| ok("well")).await;
    let mut credentials = Credentials::default();
    let origin = Origin::new("https", NAME, peer.address.port());
    credentials.insert("key", Credential::header(origin, "X-Api-Key", "s3cr3t-key"));
    let looks = Looks::with_credentials(live(&Authority::new()).sources().unwrap(), credentials);
    let request = get(https(&peer), "/").credential(Some("key".to_owned()));
    let error = looks.observe(LoadRun::new(request, 10, 1_000)).await.unwrap_err();
    assert_eq!(error.reason, Reason::CREDENTIAL_WITHHELD);
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn a_port_that_refuses_is_told_with_its_cause() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let request = get(Endpoint::new(address, NAME, false), "/");
    let error = looks(&Live::new())
        .observe(LoadRun::new(request, 300, 1_000))
        .await
        .unwrap_err();
    assert_eq!(error.root_reason(), &Reason::TCP_REFUSED);
}

#[tokio::test]
async fn an_answer_that_breaks_off_and_one_that_never_comes_are_failures() {
    let broken = Peer::raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 999]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
            .await;
    })
    .await;
    let load = |peer: &Peer| LoadRun::new(get(http(peer), "/"), 5, 1_000).timeout_ms(100);
    let error = looks(&Live::new()).observe(load(&broken)).await.unwrap_err();
    assert_eq!(error.reason, Reason::HTTP_BROKEN, "{error:?}");
    let silent =
        Peer::raw(|mut stream| async move { while stream.read(&mut [0; 999]).await.is_ok_and(|n| n > 0) {} })
            .await;
    let facts = looks(&Live::new()).observe(load(&silent)).await.unwrap();
    assert_eq!((facts.timed_out, facts.answered()), (5, 0), "{facts:?}");
}

#[tokio::test]
async fn objectives_of_a_well_and_of_a_failing_service_are_told_apart() {
    let mut objectives = Objectives::default();
    objectives.rate_per_second = 1_000;
    objectives.latency = vec!["p90 <= 5 s".parse().unwrap()];
    let objectives = Arc::new(objectives);
    let well = Peer::http(None, |_| ok("well")).await;
    let outcome = judged(objectives.clone(), &well).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert!(
        outcome.summary.starts_with("300 requests, 0 failed, p99 "),
        "{outcome:?}"
    );
    assert!(well.requests()[0].starts_with("GET /items"));
    let n = Arc::new(AtomicUsize::new(0));
    let failing = Peer::http(None, move |_| {
        let is_bad = n.fetch_add(1, Ordering::SeqCst) % 10 == 9;
        status(if is_bad { 500 } else { 200 }, &[])
    })
    .await;
    let outcome = judged(objectives, &failing).await;
    assert!(outcome.status.is_fail(), "{outcome:?}");
    assert_eq!(outcome.findings[0].code, "error_rate");
}

#[tokio::test]
async fn a_limit_is_met_and_read() {
    let mut probe = RateLimit::default();
    probe.rate_per_second = 1_000;
    let probe = Arc::new(probe);
    let n = Arc::new(AtomicUsize::new(0));
    let limited = Peer::http(None, move |_| match n.fetch_add(1, Ordering::SeqCst) {
        0..20 => ok("well"),
        _ => status(429, &[("retry-after", "1"), ("ratelimit", "\"default\";r=0;t=1")]),
    })
    .await;
    let outcome = judged(probe.clone(), &limited).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert!(limited.requests().len() < 100, "it ends with the first 429");
    let open = Peer::http(None, |_| ok("well")).await;
    let outcome = judged(probe, &open).await;
    assert!(outcome.status.is_fail(), "{outcome:?}");
    assert_eq!(open.requests().len(), 100);
}
