//! Calls to other systems' APIs.

use readiness_probes::{
    Looking, Source,
    fact::{DnsAnswer, DnsLookup, DnsResult, Route},
    live::api::ApiCall,
};

use super::*;

fn looks(live: &Live, peer: &Peer) -> Looks {
    let origin = Origin::new("https", NAME, peer.address.port());
    let mut credentials = Credentials::default();
    credentials.insert("api", Credential::bearer(origin.clone(), "s3cr3t-token"));
    credentials.insert("q", Credential::text(origin, "s3cr3t-query"));
    let live = live.clone().resolve(NAME, peer.address.ip());
    Looks::with_credentials(live.sources().unwrap(), credentials)
}

#[tokio::test]
async fn an_api_is_asked_with_its_credential_and_echoes_nothing() {
    let ca = Authority::new();
    for alpn in ["h2", "http/1.1"] {
        let config = ca.issue(&[NAME], |_| ()).server(alpn);
        let peer = Peer::http(Some(config), |request| {
            let said = request.headers()["authorization"].to_str().unwrap();
            let body = format!("{{\"said\":\"{said} {}\"}}", request.uri());
            let mut response = Response::new(Full::new(Bytes::from(body)));
            *response.status_mut() = http::StatusCode::FOUND;
            response
                .headers_mut()
                .insert("location", "/other".parse().unwrap());
            response
                .headers_mut()
                .insert("content-type", "application/json".parse().unwrap());
            response
        })
        .await;
        let looks = looks(&live(&ca), &peer);
        let call = ApiCall::get(format!("https://{NAME}:{}/a?k={{q}}", peer.address.port()))
            .credential(Some("api".to_owned()));
        let answer = looks.observe(call).await.unwrap();
        assert_eq!((answer.status, &*answer.content_type), (302, "application/json"));
        let requests = peer.requests();
        assert_eq!(requests.len(), 1, "a redirect was followed");
        assert!(
            requests[0].contains("authorization: Bearer s3cr3t-token"),
            "{requests:?}"
        );
        assert!(requests[0].contains("/a?k=s3cr3t-query"), "{requests:?}");
        let body = answer.body.to_str().unwrap();
        assert!(!body.contains("s3cr3t") && body.contains("[redacted]"), "{body}");
    }
}

#[tokio::test]
async fn an_api_that_is_not_trusted_gets_nothing() {
    let (ca, other) = (Authority::new(), Authority::new());
    let peer = Peer::http(Some(other.issue(&[NAME], |_| ()).server("h2")), |_| ok("{}")).await;
    let looks = looks(&live(&ca), &peer);
    let call = ApiCall::get(format!("https://{NAME}:{}/?k={{q}}", peer.address.port()));
    let error = looks.observe(call).await.unwrap_err();
    assert_eq!(*error.root_reason(), Reason::TLS_UNTRUSTED, "{error}");
    assert!(!error.message.contains("s3cr3t"), "{error}");
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn an_api_outside_gets_no_credential_in_clear() {
    let peer = Peer::http(None, |_| ok("{}")).await;
    let origin = Origin::new("http", NAME, peer.address.port());
    let mut credentials = Credentials::default();
    credentials.insert("api", Credential::bearer(origin, "s3cr3t-token"));
    // No inner address by its kind, and the kernel takes it for this machine.
    let live = Live::new().resolve(NAME, [0, 0, 0, 0].into());
    let looks = Looks::with_credentials(live.sources().unwrap(), credentials);
    let call = ApiCall::get(format!("http://{NAME}:{}/", peer.address.port()));
    let error = looks
        .observe(call.clone().credential(Some("api".to_owned())))
        .await
        .unwrap_err();
    assert_eq!(error.reason, Reason::CREDENTIAL_WITHHELD, "{error}");
    assert!(peer.requests().is_empty());
    assert_eq!(looks.observe(call).await.unwrap().status, 200);
}

/// Says of every name what it holds, and that there is no way to any address.
struct Says(DnsAnswer);

impl Source<DnsLookup> for Says {
    async fn look(&self, _: DnsLookup, _: Looking) -> Result<DnsAnswer, ObserveError> {
        Ok(self.0.clone())
    }
}

impl Source<LocalRoute> for Says {
    async fn look(&self, _: LocalRoute, _: Looking) -> Result<Route, ObserveError> {
        Ok(Route::new(false))
    }
}

#[tokio::test]
async fn what_keeps_an_api_from_being_found_is_the_cause_that_all_have() {
    let outside = DnsAnswer::of_addresses("a.test", &["192.0.2.1".parse().unwrap()], "t");
    for (answer, reason, subject) in [
        (
            DnsAnswer::new(DnsResult::NxDomain, "t"),
            Reason::DNS_NXDOMAIN,
            "address of a.test",
        ),
        (
            DnsAnswer::new(DnsResult::ServFail, "t"),
            Reason::DNS_SERVFAIL,
            "address of a.test",
        ),
        (
            DnsAnswer::new(DnsResult::NoData, "t"),
            Reason::DNS_NODATA,
            "address of a.test",
        ),
        (outside, Reason::NO_ROUTE, "route to a.test"),
    ] {
        let sources = Live::new().sources().unwrap();
        let sources = sources
            .with::<DnsLookup, _>(Says(answer.clone()))
            .with::<LocalRoute, _>(Says(answer));
        let looks = Looks::new(sources);
        let call = ApiCall::get("http://a.test/");
        let error = looks.observe(call).await.unwrap_err();
        let cause = error.cause.unwrap();
        assert_eq!((&cause.reason, &*cause.subject), (&reason, subject));
    }
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_told_apart() {
    let peer = Peer::raw(|_| async {}).await;
    let address = peer.address;
    let looks = looks(&Live::new(), &peer);
    drop(peer);
    tokio::task::yield_now().await;
    let ask = |url: String| looks.observe(ApiCall::get(url));
    let refused = ask(format!("http://{address}/")).await.unwrap_err();
    assert_eq!(*refused.root_reason(), Reason::TCP_REFUSED, "{refused}");
    for url in ["ftp://a.test/", "http://u:s3cr3t@a.test/", "nothing"] {
        let error = ask(url.to_owned()).await.unwrap_err();
        assert!(
            error.reason == Reason::ERROR && !error.message.contains("s3cr3t"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_large_document_is_cut() {
    let ca = Authority::new();
    let config = ca.issue(&[NAME], |_| ()).server("h2");
    let peer = Peer::http(Some(config), |_| {
        Response::new(Full::new(Bytes::from(vec![b' '; 3 << 20])))
    })
    .await;
    let looks = looks(&live(&ca), &peer);
    let answer = looks
        .observe(ApiCall::get(format!("https://{NAME}:{}/", peer.address.port())))
        .await
        .unwrap();
    assert_eq!((answer.body.len(), answer.body_complete), (1 << 20, false));
}
