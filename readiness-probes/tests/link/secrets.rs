//! What goes to whom, and what is written down of it.

use super::*;

#[tokio::test]
async fn a_credential_goes_to_its_origin_only_and_its_echo_is_hidden() {
    let ca = Authority::new();
    let echo = |request: &http::Request<hyper::body::Incoming>| {
        let said: Vec<String> = ["authorization", "x-api-key"]
            .iter()
            .filter_map(|name| request.headers().get(*name))
            .map(|value| value.to_str().unwrap().to_owned())
            .chain([request.uri().to_string()])
            .collect();
        let said = said.join(" ");
        Response::builder()
            .header("x-echo", &said)
            .body(Full::new(Bytes::from(format!("{}{said}", "x".repeat(90)))))
            .unwrap()
    };
    let peer = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("http/1.1")), echo).await;
    let stranger = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("http/1.1")), echo).await;
    let origin = Origin::new("https", NAME, peer.address.port());
    let mut credentials = Credentials::default();
    credentials.insert("basic", Credential::login(origin.clone(), "joe", "s3cr3t-word"));
    credentials.insert(
        "key",
        Credential::header(origin.clone(), "X-Api-Key", "s3cr3t-key"),
    );
    credentials.insert("q", Credential::text(origin, "s3cr3t-query"));
    let looks = Looks::with_credentials(live(&ca).sources().unwrap(), credentials);
    for (handle, sent) in [
        ("basic", "authorization: Basic am9lOnMzY3IzdC13b3Jk"),
        ("key", "x-api-key: s3cr3t-key"),
    ] {
        // The body is cut in the middle of the echo: its part must not be shown either.
        let key = get(https(&peer), "/?k={q}")
            .credential(Some(handle.to_owned()))
            .keep_body(100);
        let exchange = looks.observe(key.clone()).await.unwrap();
        assert!(
            peer.requests().last().unwrap().contains(sent),
            "{:?}",
            peer.requests()
        );
        assert!(
            peer.requests()
                .last()
                .unwrap()
                .starts_with("GET /?k=s3cr3t-query")
        );
        let fact = serde_json::to_string(&*exchange).unwrap() + &serde_json::to_string(&key).unwrap();
        for secret in ["s3cr3t", "am9l"] {
            assert!(!fact.contains(secret), "{fact}");
        }
        let error = looks
            .observe(get(https(&stranger), "/").credential(Some(handle.to_owned())))
            .await
            .unwrap_err();
        assert_eq!(error.reason, Reason::MISSING_CREDENTIAL);
    }
    assert!(looks.observe(get(https(&stranger), "/?k={q}")).await.is_err());
    assert_eq!(stranger.connections(), 0);
}

#[tokio::test]
async fn cookies_and_query_values_are_hidden_and_the_next_hop_carries_them() {
    let ca = Authority::new();
    let tls = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("http/1.1")), |_| ok("")).await;
    let to = format!(
        "https://joe:pw@{NAME}:{}/a;jsessionid=p4th/next?token=s3cr3t&{{run.0}}=1",
        tls.address.port()
    );
    let peer = Peer::http(None, move |_| {
        Response::builder()
            .status(308)
            .header("location", &to)
            .header("set-cookie", "sid=s3cr3t; Secure")
            .header("set-cookie", "gone=; Max-Age=0")
            .header("reporting-endpoints", "a=\"https://in.test/?key=s3cr3t\"")
            .header("x-session-token", "s3cr3t")
            .body(Full::new(Bytes::new()))
            .unwrap()
    })
    .await;
    let looks = looks(&live(&ca));
    let exchange = looks.observe(get(http(&peer), "/")).await.unwrap();
    let cookies: Vec<&[u8]> = exchange.all("set-cookie").collect();
    assert_eq!(cookies, [&b"sid=[redacted]; Secure"[..], b"gone=; Max-Age=0"]);
    let location = exchange.first_str("location").unwrap();
    let path = location
        .split_once(&format!(":{}", tls.address.port()))
        .unwrap()
        .1;
    // A handle names the place it came from: what came from elsewhere has another.
    let handle = |n: usize| {
        let place = path.split_once("={run.").unwrap().1.split_once('.').unwrap().0;
        format!("{{run.{place}.{n}}}")
    };
    assert_eq!(
        location,
        format!(
            "https://[redacted]@{NAME}:{}/a;jsessionid={}/next?token={}&%7Brun.0%7D={}",
            tls.address.port(),
            handle(0),
            handle(1),
            handle(2)
        )
    );
    let kept = exchange.headers.iter().map(|header| header.value.as_bytes());
    let kept: Vec<_> = kept.map(String::from_utf8_lossy).collect();
    assert!(!kept.iter().any(|value| value.contains("s3cr3t")), "{kept:?}");
    looks.observe(get(https(&tls), path)).await.unwrap();
    assert!(
        tls.requests()[0].starts_with("GET /a;jsessionid=p4th/next?token=s3cr3t&%7Brun.0%7D=1\n"),
        "{:?}",
        tls.requests()
    );
    // To another origin the value does not go.
    assert_eq!(
        looks.observe(get(http(&peer), path)).await.unwrap_err().reason,
        Reason::MISSING_CREDENTIAL
    );
}

#[tokio::test]
async fn no_credential_leaves_the_inner_network_in_clear() {
    let peer = Peer::http(None, |_| ok("")).await;
    // No inner address by its kind, and the kernel takes it for this machine.
    let outside = std::net::SocketAddr::new([0, 0, 0, 0].into(), peer.address.port());
    let origin = Origin::new("http", NAME, outside.port());
    let mut credentials = Credentials::default();
    credentials.insert("basic", Credential::login(origin.clone(), "joe", "s3cr3t-word"));
    credentials.insert("q", Credential::text(origin, "s3cr3t-query"));
    let looks = Looks::with_credentials(Live::new().sources().unwrap(), credentials);
    let endpoint = |address| Endpoint::new(address, NAME, false);
    for key in [
        get(endpoint(outside), "/").credential(Some("basic".to_owned())),
        get(endpoint(outside), "/?k={q}"),
    ] {
        let error = looks.observe(key).await.unwrap_err();
        assert_eq!(error.reason, Reason::CREDENTIAL_WITHHELD);
        assert!(error.message.contains("not encrypted"), "{error}");
    }
    assert!(peer.requests().is_empty());
    // What carries none goes there, and to an inner address a credential goes.
    assert!(looks.observe(get(endpoint(outside), "/")).await.is_ok());
    let inner = get(endpoint(peer.address), "/").credential(Some("basic".to_owned()));
    assert!(looks.observe(inner).await.is_ok());
}
