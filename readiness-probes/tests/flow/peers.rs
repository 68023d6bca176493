//! Peers that mean harm, or never end.

use super::*;

/// A listener that hands each connection to `talk`.
async fn raw<F>(talk: impl Fn(TcpStream, String) -> F + Clone + Send + 'static) -> (u16, JoinSet<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut talks = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let talk = talk.clone();
            talks.spawn(async move {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let line = String::from_utf8_lossy(&head[..read])
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                talk(stream, line).await;
            });
        }
    });
    (port, tasks)
}

#[tokio::test]
async fn endless_and_broken_answers_end_with_a_named_reason() {
    let (port, _tasks) = raw(|mut stream, line| async move {
        let chunk = vec![b'x'; 64 * 1024];
        if line.contains("/gigabyte") {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n{\"token\":\"";
            let _ = stream.write_all(head).await;
            while stream.write_all(&chunk).await.is_ok() {}
        } else if line.contains("/endless") {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            let size = format!("{:x}\r\n", chunk.len());
            loop {
                let piece = [size.as_bytes(), &chunk, b"\r\n"].concat();
                if stream.write_all(&piece).await.is_err() {
                    break;
                }
            }
        } else if line.contains("/drip") {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
                .await;
            let _ = stream.read(&mut [0]).await;
        } else {
            let body = if line.contains("/deep") {
                "[".repeat(200_000)
            } else {
                "{\"token\":".to_owned()
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    })
    .await;
    for (path, wanted) in [
        ("/gigabyte", "not_read_to_its_end: step `a`, variable `token`"),
        ("/endless", "not_read_to_its_end: step `a`, variable `token`"),
        ("/drip", "not_read_to_its_end: step `a`, variable `token`"),
        ("/deep", "not_taken: step `a`, variable `token`"),
        ("/half", "not_taken: step `a`, variable `token`"),
    ] {
        let steps = [
            step("a", path).extract("token", FlowExtract::json("/token")),
            step("b", "/b").header("x-token", "{{token}}"),
        ];
        let outcome = flow(port, Flow::new(steps)).await;
        assert_eq!(faults(&outcome), [wanted], "{path}: {outcome:#?}");
    }
}

#[tokio::test]
async fn what_a_peer_sends_writes_no_header_and_no_path() {
    let evil = Peer::http(None, |request| match request.uri().path() {
        "/value" => {
            let body = json!({
                "line": "1\r\nx-admin: yes", "up": "..", "over": "../../admin", "away": "//evil.example/",
                "quote": "\"}&x=y",
            });
            with(body.to_string())
        }
        _ => ok("reached"),
    })
    .await;
    let port = evil.address.port();
    let take = |pointer: &str| step("take", "/value").extract("v", FlowExtract::json(pointer));
    for (pointer, then) in [
        ("/line", step("use", "/b").header("x-v", "{{v}}")),
        ("/line", step("use", "/b/{{v}}")),
        ("/up", step("use", "/b/{{v}}/c")),
        ("/over", step("use", "/b/{{v}}")),
        ("/away", step("use", "{{v}}")),
    ] {
        let outcome = flow(port, Flow::new([take(pointer), then])).await;
        assert_eq!(
            faults(&outcome),
            ["unsafe_value: step `use`"],
            "{pointer}: {outcome:#?}"
        );
    }
    let before = evil.requests().len();
    let outcome = flow(port, Flow::new([take("/line"), step("use", "/b?q={{v}}")])).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    let sent = evil.requests()[before..].join("\n");
    assert!(sent.contains("/b?q=1%0D%0Ax-admin%3A%20yes"), "{sent}");
    let all = evil.requests().join("\n");
    assert!(
        !all.contains("x-admin: yes") && !all.contains("/admin") && !all.contains("evil"),
        "{all}"
    );
}

#[tokio::test]
async fn of_more_secrets_than_are_looked_for_nothing_is_kept() {
    let (port, _tasks) = raw(|mut stream, line| async move {
        let n: u32 = line.trim_start_matches(|c: char| !c.is_ascii_digit())[..1]
            .parse()
            .unwrap();
        let mut head = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-echo: last-session-{n}\r\n");
        for cookie in 0..90 {
            head.push_str(&format!("set-cookie: c{cookie}=session-{n}-{cookie}; Path=/\r\n"));
        }
        head.push_str(&format!(
            "set-cookie: last=last-session-{n}; Path=/\r\nconnection: close\r\n\r\n"
        ));
        let _ = stream.write_all(head.as_bytes()).await;
    })
    .await;
    let echo = |n: u32| {
        step(&format!("s{n}"), &format!("/{n}"))
            .expect(FlowExpect::default().header(HeaderAssertion::exists("x-echo")))
    };
    for (steps, shown) in [(1, "found `[redacted]`"), (5, "found `[redacted]`")] {
        let outcome = flow(port, Flow::new((1..=steps).map(echo))).await;
        assert!(outcome.status.is_pass(), "{outcome:#?}");
        let told = format!("{outcome:?}");
        assert!(told.contains(shown) && !told.contains("last-session"), "{told}");
    }
}

#[tokio::test]
async fn the_time_of_a_flow_ends_and_what_cleans_up_is_sent() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (port, _tasks) = raw(move |mut stream, line| {
        let log = Arc::clone(&log);
        async move {
            log.lock().unwrap().push(line.clone());
            if line.contains("/slow") {
                let _ = stream.read(&mut [0]).await;
            } else {
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .await;
            }
        }
    })
    .await;
    let mut timed = Flow::new([
        step("slow", "/slow"),
        step("after", "/after"),
        step("clean", "/clean").always(),
    ]);
    timed.max_seconds = 1;
    let outcome = flow(port, timed).await;
    assert_eq!(faults(&outcome), ["not_answered: step `slow`"], "{outcome:#?}");
    assert!(
        format!("{outcome:?}").contains("was not answered within the 1 s of the flow"),
        "{outcome:#?}"
    );
    let lines = seen.lock().unwrap().clone();
    assert_eq!(lines, ["GET /slow HTTP/1.1", "GET /clean HTTP/1.1"]);
}

#[tokio::test]
async fn bodies_of_all_steps_are_bounded_together() {
    let page = "x".repeat(1024 * 1024);
    let peer = Peer::http(None, move |_| with(page.clone())).await;
    let steps = (0..12).map(|n| step(&format!("s{n}"), "/page").expect(FlowExpect::default().contains("x")));
    let outcome = flow(peer.address.port(), Flow::new(steps)).await;
    assert!(outcome.status.is_unknown(), "{outcome:#?}");
    let reason = outcome
        .findings
        .iter()
        .find(|finding| !finding.is_note())
        .unwrap();
    assert!(reason.message.contains("8 MiB"), "{reason:?}");
    assert!(peer.requests().len() <= 9, "{}", peer.requests().len());
}
