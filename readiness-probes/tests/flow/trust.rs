//! Who gets a secret, and who does not.

use super::*;

#[tokio::test]
async fn nothing_secret_goes_over_a_channel_nobody_vouches_for() {
    let stranger = Authority::new();
    let peer = Peer::http(
        Some(stranger.issue(&["shop.test"], |_| {}).server("http/1.1")),
        |_| ok("{}"),
    )
    .await;
    let url = format!("https://kim:s3cr3t-value@shop.test:{}", peer.address.port());
    let live = Live::new().resolve("shop.test", peer.address.ip());
    let steps = [
        step("open", "/open"),
        step("closed", "/closed").credential(),
        step("after", "/after"),
    ];
    let suite = Suite::new(live.sources().unwrap())
        .with(Requirement::new(
            Arc::new(Flow::new(steps)),
            Arc::new(Target::parse(&url).unwrap()),
        ))
        .unwrap();
    let outcome = run(&suite).await;
    assert!(outcome.status.is_unknown(), "{outcome:#?}");
    assert_eq!(
        outcome.summary,
        "step `closed` (2 of 3): not answered, 1 not sent"
    );
    assert!(
        format!("{outcome:?}").contains("credential_withheld"),
        "{outcome:?}"
    );
    let sent = peer.requests().join("\n");
    assert!(
        sent.contains("/open") && !sent.contains("/closed") && !sent.contains("uthorization"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_trusted_peer_gets_what_it_needs_over_both_versions() {
    for alpn in ["http/1.1", "h2"] {
        let authority = Authority::new();
        let server = authority.issue(&["shop.test"], |_| {}).server(alpn);
        let peer = Peer::http(Some(server), |request| {
            let header = |name: &str| {
                let value = request.headers().get(name);
                value.map(|value| value.to_str().unwrap().to_owned())
            };
            match request.method().as_str() {
                "POST" => {
                    let length = header("content-length");
                    let is_right = header("content-type").as_deref() == Some("application/json")
                        && length.as_deref() == Some("22");
                    let body = json!({ "token": TOKEN, "length": length });
                    if is_right {
                        with(body.to_string())
                    } else {
                        with("{}".to_owned())
                    }
                }
                _ if header("x-token").as_deref() == Some(TOKEN) => ok("known"),
                _ => ok("unknown"),
            }
        })
        .await;
        let live = Live::new()
            .ca_pem(authority.pem())
            .resolve("shop.test", peer.address.ip());
        let target = Target::parse(&format!(
            "https://kim:s3cr3t-value@shop.test:{}",
            peer.address.port()
        ));
        let steps = [
            FlowStep::new("log_in", "POST", "/session")
                .credential()
                .json(&json!({ "for": "{{credential.user}}", "n": 1234 }))
                .extract("token", FlowExtract::json("/token")),
            step("call", "/call")
                .header("x-token", "{{token}}")
                .expect(FlowExpect::default().not_contains("unknown")),
        ];
        let flow = Flow::new(steps).allow_unsafe();
        let suite = Suite::new(live.sources().unwrap())
            .with(Requirement::new(Arc::new(flow), Arc::new(target.unwrap())))
            .unwrap();
        let outcome = run(&suite).await;
        assert!(outcome.status.is_pass(), "{alpn}: {outcome:#?}");
        assert_eq!(peer.connections(), 1, "{alpn}");
        let sent = peer.requests().join("\n");
        assert!(
            sent.contains("authorization: Basic a2ltOnMzY3IzdC12YWx1ZQ=="),
            "{alpn}: {sent}"
        );
    }
}

#[tokio::test]
async fn another_origin_is_asked_where_it_is_named_and_gets_no_secret_unless_it_may() {
    let other = Peer::http(None, |_| ok("{\"code\":\"code-1234567\"}")).await;
    let own = Peer::http(None, |_| ok("fine")).await;
    let elsewhere = format!("http://127.0.0.1:{}", other.address.port());
    let code = FlowExtract::json("/code").secret(true);
    let ask = |code: FlowExtract| step("ask", "/code").origin(&elsewhere).extract("code", code);
    let use_it = step("use", "/home").header("x-code", "{{code}}");
    let withheld = Flow::new([ask(code.clone()), use_it.clone()]);
    let error = withheld.check().unwrap_err();
    assert!(error.contains("taken at another origin"), "{error}");

    let to_own = format!("http://127.0.0.1:{}", own.address.port());
    let outcome = flow(
        own.address.port(),
        Flow::new([ask(code.also_for(to_own)), use_it]),
    )
    .await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    assert!(own.requests().join("\n").contains("x-code: code-1234567"));
    let asked = other.requests().join("\n");
    assert!(
        asked.contains("/code") && !asked.contains("uthorization"),
        "{asked}"
    );
    let told = format!("{outcome:?}");
    assert!(!told.contains("code-1234567"), "{told}");
}

#[tokio::test]
async fn a_secret_goes_only_where_it_is_allowed_to_go() {
    let other = Peer::http(None, |_| ok("{\"code\":\"code-1234567\"}")).await;
    let own = Peer::http(None, |_| ok("fine")).await;
    let elsewhere = format!("http://127.0.0.1:{}", other.address.port());
    // The settings name somebody else: that this is not the target shows when the target is known.
    let code = FlowExtract::json("/code")
        .secret(true)
        .also_for("https://third.example");
    let steps = [
        step("ask", "/code").origin(&elsewhere).extract("code", code),
        step("use", "/home").header("x-code", "{{code}}"),
    ];
    let outcome = flow(own.address.port(), Flow::new(steps)).await;
    assert!(outcome.status.is_unknown(), "{outcome:#?}");
    assert_eq!(faults(&outcome), ["not_answered: step `use`"], "{outcome:#?}");
    assert!(
        format!("{outcome:?}").contains("credential_withheld"),
        "{outcome:#?}"
    );
    let sent = own.requests();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn a_log_in_by_header_and_link_tells_neither() {
    let peer = Peer::http(None, |_| {
        let response = http::Response::builder()
            .status(303)
            .header("x-session", "sid-77c1e0aa41f2")
            .header("location", "/magic/at-51f0c3a7d2e94b");
        response.body(bytes::Bytes::new().into()).unwrap()
    })
    .await;
    let expect = FlowExpect::default()
        .status(serde_json::from_value(json!([303])).unwrap())
        .header(HeaderAssertion::exists("x-session"))
        .header(HeaderAssertion::exists("location").contains("/magic/"));
    let steps = [step("log_in", "/session").credential().expect(expect)];
    // That neither is told is asserted of every flow here.
    let outcome = flow(peer.address.port(), Flow::new(steps)).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    let told = format!("{outcome:?}");
    assert!(
        told.contains("it is as expected, and its value is secret"),
        "{told}"
    );
}

#[tokio::test]
async fn a_credential_set_in_a_program_is_used() {
    let served = serve(Shop::default()).await;
    let steps = [
        FlowStep::new("log_in", "POST", "/session")
            .json(&json!({ "user": "{{credential.user}}", "password": "{{credential.password}}" }))
            .expect(FlowExpect::default().status(serde_json::from_value(json!([201])).unwrap()))
            .extract("token", FlowExtract::json("/token")),
        FlowStep::new("orders", "GET", "/users/kim/orders").header("authorization", "Bearer {{token}}"),
    ];
    let outcome = flow(served.address.port(), Flow::new(steps).allow_unsafe()).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
}
