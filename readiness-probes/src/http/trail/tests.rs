use super::*;

fn from(path: &str) -> Place {
    Place {
        tls: false,
        host: "example.com".into(),
        port: 80,
        path: path.into(),
    }
}

fn leads(location: &[u8]) -> Result<String, &'static str> {
    match next(&from("/a/b?c"), &Exchange::new(301, [("location", location)])) {
        Next::To { place, .. } => Ok(place.url()),
        Next::Broken(code, _) => Err(code),
        Next::End => Err("end"),
    }
}

#[test]
fn locations_are_resolved() {
    for (location, to) in [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com.:443/x", "https://example.com/x"),
        ("//www.example.com/x", "http://www.example.com/x"),
        ("/login?next={run.0}&x", "http://example.com/login?next={run.0}&x"),
        ("d?e#f", "http://example.com/a/d?e"),
        ("?q", "http://example.com/a/b?q"),
        ("https://example.com:8443/../x", "https://example.com:8443/x"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]/"),
        ("https://0x7f.1/", "https://127.0.0.1/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        (" https://example.com/ ", "https://example.com/"),
    ] {
        assert_eq!(leads(location.as_bytes()).as_deref(), Ok(to), "{location}");
    }
}

#[test]
fn what_leads_nowhere_is_told() {
    for location in [
        &b""[..],
        b" ",
        b"https://",
        b"https://exa mple/",
        b"https://example.com:99999/",
        b"https://example.com:0/",
        b"javascript:alert(1)",
        b"ftp://example.com/",
        b"\xff\xfe",
        &[b'x'; LONGEST_LOCATION + 1],
    ] {
        assert_eq!(leads(location), Err("invalid_location"), "{location:?}");
    }
    assert!(leads(&[b'x'; LONGEST_LOCATION]).is_ok());
    let none = Exchange::new(301, [("server", "x")]);
    assert!(matches!(next(&from("/"), &none), Next::Broken("no_location", _)));
    let both = |a, b| {
        next(
            &from("/"),
            &Exchange::new(301, [("location", a), ("location", b)]),
        )
    };
    assert!(matches!(both("/a", "/b"), Next::Broken("several_locations", _)));
    assert!(matches!(both("/a", "/a"), Next::To { .. }));
}

#[test]
fn only_five_statuses_lead_on() {
    for status in (100..600).filter(|status| is_redirect(*status)) {
        assert!([301, 302, 303, 307, 308].contains(&status));
    }
    assert_eq!(
        next(&from("/"), &Exchange::new(304, [("location", "/x")])),
        Next::End
    );
}

#[test]
fn userinfo_and_query_values_are_not_shown() {
    let exchange = Exchange::new(301, [("location", "https://joe:pw@example.com/?token=s3cret")]);
    let Next::To {
        place,
        has_userinfo,
        secrets,
    } = next(&from("/"), &exchange)
    else {
        panic!("no place")
    };
    assert!(has_userinfo);
    assert_eq!(secrets, ["token"]);
    assert_eq!(place.to_string(), "https://example.com/?…");
    assert!(!place.url().contains("joe"));
}

#[test]
fn parameters_named_like_secrets_are_told() {
    let names = |location: &str| match next(&from("/"), &Exchange::new(302, [("location", location)])) {
        Next::To { secrets, .. } => secrets.join(" "),
        other => panic!("{other:?}"),
    };
    for (location, told) in [
        ("/?token={run.0}", "token"),
        ("/?Access-Token={run.0}&x=1", "Access-Token"),
        (
            "/?api_key=a&client_secret=b&sid=c&PHPSESSID=d",
            "api_key client_secret sid PHPSESSID",
        ),
        ("/?new_password=x", "new_password"),
        ("/login;jsessionid=A1B2?next=/", "jsessionid"),
        ("/?jwt=x&jwt=y", "jwt"),
        (
            "/?a_token=1&b_token=1&c_token=1&d_token=1&e_token=1&f_token=1",
            "a_token b_token c_token d_token e_token",
        ),
        // Good for one use, made to be handed on, or no secret at all.
        ("/?code=x&state=y&nonce=z", ""),
        ("/?X-Amz-Signature=x&sig=y", ""),
        ("/?token=", ""),
        ("/?token", ""),
        ("/?tokens=2&author=x&side=left", ""),
        ("/token=x", ""),
        // As facts hold them: values and whole fragments may be redacted already.
        ("/cb#access_token=[redacted]&state=[redacted]", "access_token"),
        ("https://app/#access_token=s3cret", "access_token"),
        ("/cb#[redacted]", "#…"),
        ("/?token=x#id_token=y", "token id_token"),
        ("/?token=x&sid=y&token=z&sid=w", "token sid"),
        ("/#tab=2", ""),
        ("/#top", ""),
        ("/#access_token=", ""),
    ] {
        assert_eq!(names(location), told, "{location}");
    }
}

#[test]
fn parameters_of_the_path_are_not_shown() {
    let exchange = Exchange::new(302, [("location", "/a;jsessionid=s3cr3t/b;v?c=d")]);
    let Next::To { place, .. } = next(&from("/"), &exchange) else {
        panic!("no place")
    };
    assert_eq!(place.to_string(), "http://example.com/a;jsessionid=…/b;v?…");
    assert!(place.url().contains("s3cr3t"), "the request still has it");
}

#[test]
fn handles_in_the_path_reach_the_next_request() {
    for (location, to) in [
        (
            "/a;jsessionid={run.0a.1}/b",
            "http://example.com/a;jsessionid={run.0a.1}/b",
        ),
        (
            "/a;x={run.0};y={run.1}?z={run.2}",
            "http://example.com/a;x={run.0};y={run.1}?z={run.2}",
        ),
        // What the peer wrote stays escaped.
        ("/a;x=%7Btarget.0%7D", "http://example.com/a;x=%7Btarget.0%7D"),
        ("/a%7B;x={run.0}", "http://example.com/a%7B;x={run.0}"),
    ] {
        assert_eq!(leads(location.as_bytes()).as_deref(), Ok(to), "{location}");
    }
    let base = from("/a;x={run.0}/b");
    let exchange = Exchange::new(302, [("location", "c")]);
    let Next::To { place, .. } = next(&base, &exchange) else {
        panic!("no place")
    };
    assert_eq!(place.path, "/a;x={run.0}/c");
    assert_eq!(place.to_string(), "http://example.com/a;x=…/c");
}

#[test]
fn the_number_of_redirects_is_limited() {
    for (max_hops, least, right) in [
        (0, 0, true),
        (0, 1, false),
        (1, 1, true),
        (20, 1, true),
        (21, 0, false),
    ] {
        assert_eq!(check_hops(max_hops, least).is_ok(), right, "{max_hops} {least}");
    }
}

#[test]
fn a_host_is_below_itself_and_its_parents() {
    let at = |host: &str| Place {
        host: host.into(),
        ..from("/")
    };
    for (host, other, is_below) in [
        ("example.com", "example.com", true),
        ("www.example.com", "example.com", true),
        ("a.b.example.com", "example.com", true),
        ("example.com", "www.example.com", false),
        ("badexample.com", "example.com", false),
        ("192.0.2.1", "2.1", false),
    ] {
        assert_eq!(at(host).is_below(&at(other)), is_below, "{host} {other}");
    }
}
