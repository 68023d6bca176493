use super::*;

fn shown(name: &'static str, value: &str) -> String {
    let name = HeaderName::from_static(name);
    let clean = value_of(&name, value.as_bytes(), |text| {
        url_text(text, |_| "{x}".to_owned())
    });
    String::from_utf8(clean).unwrap()
}

#[test]
fn cookie_values_go_and_the_rest_stays() {
    for (line, clean) in [
        ("sid=s3cr3t; Path=/; Secure", "sid=[redacted]; Path=/; Secure"),
        ("sid=a=b", "sid=[redacted]"),
        ("sid=; Max-Age=0", "sid=; Max-Age=0"),
        ("__Host-a = x", "__Host-a =[redacted]"),
        ("s3cr3t", "[redacted]"),
        ("s3cr3t; Secure", "[redacted]; Secure"),
        ("", ""),
        ("=s3cr3t", "=[redacted]"),
        ("=__Host-s3cr3t; Secure", "=__Host-[redacted]; Secure"),
        ("__secure-s3cr3t", "__Secure-[redacted]"),
        ("__Host-a=__Host-s3cr3t", "__Host-a=[redacted]"),
    ] {
        assert_eq!(shown("set-cookie", line), clean, "{line}");
    }
    let long = |n: usize| shown("set-cookie", &format!("sid={}; Secure", "x".repeat(n)));
    assert_eq!(long(4093), "sid=[redacted]; Secure");
    assert_eq!(long(4094), "sid=[redacted 4094 bytes]; Secure");
}

#[test]
fn query_values_and_userinfo_go_from_urls() {
    for (text, clean) in [
        ("/a?b=s&c=&d", "/a?b={x}&c=&{x}"),
        (
            "https://u:p@h.test/a@b?x=1#top",
            "https://[redacted]@h.test/a@b?x={x}#top",
        ),
        ("//u@h/", "//[redacted]@h/"),
        ("https:\\\\u:p@h\\x", "https:\\\\[redacted]@h\\x"),
        ("https:///u:p@h/x", "https:///[redacted]@h/x"),
        ("/cb#access_token=s", "/cb#access_token=[redacted]"),
        ("/cb#a=s&id_token=t", "/cb#a=[redacted]&id_token=[redacted]"),
        ("/cb#czNjcjN0==", "/cb#[redacted]"),
        ("/cb#s&a=b", "/cb#[redacted]"),
        ("/a;jsessionid=s?b=t", "/a;jsessionid={x}?b={x}"),
        ("/a;v=1;w/b;x=;y=2/c", "/a;v={x};w/b;x=;y={x}/c"),
        ("https://h/;k=s;", "https://h/;k={x};"),
        ("data:text/html;charset=utf-8", "data:text/html;charset=utf-8"),
        ("/a{api}?{api}={api}", "/a%7Bapi%7D?%7Bapi%7D={x}"),
        ("mailto:a@b", "mailto:a@b"),
        ("", ""),
        ("?", "?"),
    ] {
        assert_eq!(shown("location", text), clean, "{text}");
    }
}

#[test]
fn urls_inside_other_headers_are_found() {
    assert_eq!(shown("refresh", "5; URL='/a?t=s'"), "5; URL='/a?t={x}'");
    assert_eq!(shown("refresh", "5"), "5");
    assert_eq!(shown("refresh", "0,/a?t=s"), "0,/a?t={x}");
    assert_eq!(shown("refresh", "0; url="), "0; url=");
    assert_eq!(
        shown("link", "</a?t=s>; rel=next, <b?u=s>; rel=\"x?y=z\""),
        "</a?t={x}>; rel=next, <b?u={x}>; rel=\"x?y=z\""
    );
    assert_eq!(shown("link", "<?t=s"), "<?t={x}");
    assert_eq!(shown("x-auth-token", "s3cr3t"), "[redacted]");
    assert_eq!(shown("server", "a?b=c"), "a?b=c");
}

#[test]
fn values_go_from_the_urls_of_all_other_headers() {
    const CSP: &str = "content-security-policy";
    for (name, value, clean) in [
        (
            CSP,
            "script-src 'self' 'nonce-YQ==' https://a.test/x; report-uri https://in.test/?dd-api-key=s&e",
            "script-src 'self' 'nonce-YQ==' https://a.test/x; report-uri https://in.test/?dd-api-key=[redacted]&[redacted]",
        ),
        (
            CSP,
            "report-uri /r?k=s,default-src 'none'",
            "report-uri /r?k=[redacted],default-src 'none'",
        ),
        (
            CSP,
            "img-src  https://u:p@h.test ;;",
            "img-src  https://[redacted]@h.test ;;",
        ),
        (CSP, "script-src 'sha256-a//b='", "script-src 'sha256-a//b='"),
        (
            "content-security-policy-report-only",
            "report-uri //h/?k=s",
            "report-uri //h/?k=[redacted]",
        ),
        (
            "reporting-endpoints",
            "a=\"https://h.test/r?k=s\", b=\"/r?s\";p=1",
            "a=\"https://h.test/r?k=[redacted]\", b=\"/r?[redacted]\";p=1",
        ),
        (
            "report-to",
            r#"{"group":"d","endpoints":[{"url":"https:\/\/u:p@h.test\/r?k\u003ds"}]}"#,
            r#"{"group":"d","endpoints":[{"url":"https://[redacted]@h.test/r?k=[redacted]"}]}"#,
        ),
        (
            "report-to",
            r#"{"a":"\\","b":"\"","c":"/?k=s"#,
            r#"{"a":"\\","b":"\"","c":"/?k=[redacted]"#,
        ),
        (
            "nel",
            r#"{"report_to":"d","max_age":1}"#,
            r#"{"report_to":"d","max_age":1}"#,
        ),
        ("content-location", "/a?t=s", "/a?t={x}"),
        (
            "link",
            "</a>; anchor=\"https://h/?t=s\"",
            "</a>; anchor=\"https://h/?t=[redacted]\"",
        ),
        (
            "www-authenticate",
            "Bearer realm=\"https://h/?s=t\"",
            "Bearer realm=\"https://h/?s=[redacted]\"",
        ),
        ("sourcemap", "https://u:p@h/a.map", "https://[redacted]@h/a.map"),
        (
            "cache-control",
            "max-age=60, private=\"a\"",
            "max-age=60, private=\"a\"",
        ),
        (
            "x-frame-options",
            "ALLOW-FROM https://h.test/",
            "ALLOW-FROM https://h.test/",
        ),
    ] {
        assert_eq!(shown(name, value), clean, "{name}: {value}");
    }
}

#[test]
fn headers_named_like_secrets_go() {
    for name in [
        "x-access-token",
        "x-amz-security-token",
        "x-session-token",
        "x-csrf-token",
        "x-client-secret",
        "x-api-key",
        "dd-api-key",
        "token",
    ] {
        assert_eq!(shown(name, "s3cr3t"), "[redacted]", "{name}");
    }
    for name in ["x-token-count", "tokens", "etag", "x-secretary"] {
        assert_eq!(shown(name, "kept"), "kept", "{name}");
    }
}

#[test]
fn structured_fields_and_policies_parse_as_before() {
    let clean = shown(
        "reporting-endpoints",
        "a=\"https://u:p@h.test/r?k=s\", b=\"/x?y={z}\"",
    );
    let fields: sfv::Dictionary = sfv::Parser::new(clean.as_bytes()).parse().unwrap();
    assert_eq!(fields.len(), 2);
    let clean = shown(
        "report-to",
        r#"{"endpoints":[{"url":"https://h.test/?k=\u0022s\"t"}]}"#,
    );
    let read: serde_json::Value = serde_json::from_str(&clean).unwrap();
    assert_eq!(read["endpoints"][0]["url"], "https://h.test/?k=[redacted]");
    let clean = shown("content-security-policy", "report-uri https://u:p@h.test/?k=s");
    let url = clean.strip_prefix("report-uri ").unwrap();
    assert_eq!(Url::parse(url).unwrap().host_str(), Some("h.test"));
}

#[test]
fn no_text_is_taken_apart_wrongly() {
    for text in [
        "\\",
        "\"",
        "\"\\",
        "\"\\u00",
        "\"é\\é?é",
        "é://?é=é",
        "://",
        ";",
        "\"?\\u003",
    ] {
        for name in [
            "content-security-policy",
            "report-to",
            "server",
            "location",
            "link",
        ] {
            let once = shown(name, text);
            assert!(once.len() >= text.len().min(1), "{name} {text}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_escaped() {
    assert_eq!(ascii(b"/a\xff?b"), "/a%FF?b");
    assert_eq!(ascii("/é".as_bytes()), "/é");
}

#[test]
fn the_origin_is_the_one_of_the_next_hop() {
    let of = |text: &str| origin_of(&Url::parse(text).unwrap()).map(|origin| origin.to_string());
    assert_eq!(of("https://A.test./x").unwrap(), "https://a.test:443");
    assert_eq!(of("http://[::1]:81/").unwrap(), "http://[::1]:81");
    assert_eq!(of("app://x/"), None);
}
