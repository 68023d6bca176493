//! What an HTML page says about itself is told without its body.

use super::*;

const PAGE: &str = "<!doctype html><title>Shop</title><meta http-equiv=refresh content='9; url=/?t=s3cr3t'>\
                    <script src='//cdn.test/a.js?k=s3cr3t'></script><p>s3cr3t";

fn answer(path: &str) -> Response<Full<Bytes>> {
    let html = |body: Vec<u8>| {
        let body = Full::new(Bytes::from(body));
        Response::builder()
            .header("content-type", "Text/HTML; charset=utf-8")
            .body(body)
            .unwrap()
    };
    match path {
        "/json" => ok("<title>x</title>"),
        "/coded" => {
            let mut response = html(PAGE.into());
            response
                .headers_mut()
                .insert("content-encoding", "br".parse().unwrap());
            response
        }
        "/large" => html(format!("{PAGE}{}<img src=late>", " ".repeat(2 << 20)).into()),
        _ => html(PAGE.into()),
    }
}

#[tokio::test]
async fn a_page_is_read_where_its_body_is_not_kept() {
    let peer = Peer::http(None, |request| answer(request.uri().path())).await;
    let looks = looks(&live(&Authority::new()));
    let exchange = looks.observe(get(http(&peer), "/")).await.unwrap();
    let document = exchange.document.as_deref().unwrap();
    assert_eq!((&*document.title, document.is_complete), ("Shop", true));
    assert_eq!(document.resources[0].url, "//cdn.test/a.js?k=[redacted]");
    assert_eq!(exchange.body_bytes, PAGE.len() as u64);
    assert!(exchange.body.is_empty() && exchange.body_complete);
    let fact = serde_json::to_string(&*exchange).unwrap();
    assert!(!fact.contains("s3cr3t"), "{fact}");

    let kept = looks.observe(get(http(&peer), "/").keep_body(9)).await.unwrap();
    assert_eq!(
        (kept.body.to_str(), kept.body_complete),
        (Some("<!doctype"), false)
    );
    assert_eq!(kept.document, exchange.document);
}

#[tokio::test]
async fn what_is_no_page_or_not_all_of_one_is_told_apart() {
    let peer = Peer::http(None, |request| answer(request.uri().path())).await;
    let looks = looks(&live(&Authority::new()));
    for path in ["/json", "/coded"] {
        let exchange = looks.observe(get(http(&peer), path)).await.unwrap();
        assert_eq!(exchange.document, None, "{path}");
    }
    let large = looks.observe(get(http(&peer), "/large")).await.unwrap();
    let document = large.document.as_deref().unwrap();
    assert_eq!((&*document.title, document.is_complete), ("Shop", false));
    assert_eq!(document.resources.len(), 1);
    assert!(!large.body_complete && large.body.is_empty());
    let mut head = get(http(&peer), "/");
    head.method = "HEAD".to_owned();
    assert_eq!(looks.observe(head).await.unwrap().document, None);
}
