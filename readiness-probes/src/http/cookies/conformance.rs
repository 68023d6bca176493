//! What browsers do with a `Set-Cookie` line, case by case from RFC 6265bis.

use readiness_core::{Timestamp, fact::Channel};

use super::{
    rules::{Demands, Site, judge_cookie},
    set_cookie::{SameSite, SetCookie, parse},
};

/// What becomes of a cookie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    /// It ends the moment it is stored, and with it an earlier one of its name.
    Deleted,
    /// Browsers drop it.
    Dropped,
    Stored,
}
use Fate::{Deleted, Dropped, Stored};

fn fate(host: &str, path: &str, channel: Channel, line: &[u8]) -> Fate {
    const DROPS: [&str; 6] = [
        "broken_prefix",
        "foreign_domain",
        "partitioned",
        "public_suffix",
        "same_site_none",
        "secure_over_http",
    ];
    let now: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
    let Ok(cookie) = parse(line) else { return Dropped };
    let site = Site {
        host,
        path,
        channel,
        https_required: true,
    };
    let demands = Demands {
        is_session: false,
        max_session_days: 90,
        now,
    };
    let findings = judge_cookie(&cookie, demands, site);
    if findings
        .iter()
        .any(|finding| DROPS.contains(&finding.code.as_str()))
    {
        Dropped
    } else if cookie.is_expired(now) {
        Deleted
    } else {
        Stored
    }
}

#[test]
fn what_browsers_store() {
    for (section, line, wanted) in [
        // The whole line.
        ("5.6 step 1", "a=b", Stored),
        ("5.6 step 1", "a=\u{1}b", Dropped),
        ("5.6 step 1", "a=b\0", Dropped),
        ("5.6 step 1", "a=b\r", Dropped),
        ("5.6 step 1", "a=b; Path=/\n", Dropped),
        ("5.6 step 1", "a=b\u{7f}", Dropped),
        ("5.6 step 1", "a=b\tc", Stored),
        ("5.6 step 3", "value", Stored),
        ("5.6 step 3", "=value", Stored),
        ("5.6 step 3", "a=b=c", Stored),
        ("5.6 step 4", " a\t=  b ", Stored),
        ("5.7 step 2", "", Dropped),
        ("5.7 step 2", "=", Dropped),
        ("5.7 step 2", " = ; Secure", Dropped),
        ("5.7 step 2", "; a=b", Dropped),
        ("5.7 step 2", "a=", Stored),
        // The end of its life.
        ("5.6.1", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", Deleted),
        ("5.6.1", "a=b; Expires=Fri, 20 Nov 2026 00:00:01 GMT", Stored),
        ("5.6.1", "a=b; Expires=yesterday", Stored),
        ("5.6.1", "a=b; Expires=0", Stored),
        ("5.1.1", "a=b; expires=Thursday, 01-Jan-70 00:00:00 GMT", Deleted),
        ("5.1.1", "a=b; expires=Thu Jan  1 00:00:00 1970", Deleted),
        ("5.1.1", "a=b; expires=1 Jan 69 0:0:0", Stored),
        ("5.6.2", "a=b; Max-Age=0", Deleted),
        ("5.6.2", "a=b; Max-Age=-1", Deleted),
        ("5.6.2", "a=b; Max-Age=1", Stored),
        ("5.6.2", "a=b; Max-Age=+0", Stored),
        ("5.6.2", "a=b; Max-Age=0x", Stored),
        ("5.6.2", "a=b; Max-Age=", Stored),
        (
            "5.7 step 6",
            "a=b; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            Stored,
        ),
        (
            "5.7 step 6",
            "a=b; Expires=Fri, 20 Nov 2099 00:00:00 GMT; Max-Age=0",
            Deleted,
        ),
        ("5.7 step 6", "a=b; Max-Age=0; Max-Age=9", Stored),
        // Whom it goes to.
        ("5.6.3", "a=b; Domain=example.com", Stored),
        ("5.6.3", "a=b; Domain=.example.com", Stored),
        ("5.6.3", "a=b; Domain=EXAMPLE.com", Stored),
        ("5.6.3", "a=b; Domain=", Stored),
        ("5.7 step 7", "a=b; Domain=other.org; Domain=example.com", Stored),
        ("5.7 step 7", "a=b; Domain=example.com; Domain=other.org", Dropped),
        ("5.7 step 7", "a=b; Domain=other.org; Domain=", Stored),
        ("5.7 step 8", "a=b; Domain=ex\u{e4}mple.com", Dropped),
        ("5.7 step 9", "a=b; Domain=com", Dropped),
        ("5.7 step 9", "a=b; Domain=.com", Dropped),
        ("5.7 step 10", "a=b; Domain=app.example.com", Stored),
        ("5.7 step 10", "a=b; Domain=x.app.example.com", Dropped),
        ("5.7 step 10", "a=b; Domain=ample.com", Dropped),
        ("5.7 step 10", "a=b; Domain=other.org", Dropped),
        ("5.1.3", "a=b; Domain=example.com.", Dropped),
        // Flags.
        ("5.6.5", "a=b; SECURE=no", Stored),
        ("5.6.7", "a=b; SameSite=Lax", Stored),
        ("5.6.7", "a=b; SameSite=nonsense", Stored),
        ("5.7 step 19", "a=b; SameSite=None", Dropped),
        ("5.7 step 19", "a=b; samesite=NONE; secure", Stored),
        ("5.7 step 19", "a=b; SameSite=None; SameSite=Lax", Stored),
        ("5.7 step 19", "a=b; SameSite=Lax; SameSite=None", Dropped),
        ("CHIPS 2.1", "a=b; Partitioned", Dropped),
        ("CHIPS 2.1", "a=b; Partitioned; Secure", Stored),
        // Prefixes.
        ("4.1.3.1", "__Secure-a=b; Secure", Stored),
        ("4.1.3.1", "__Secure-a=b", Dropped),
        (
            "4.1.3.1",
            "__Secure-a=b; Secure; Domain=example.com; Path=/x",
            Stored,
        ),
        ("5.7 step 20", "__SECURE-a=b", Dropped),
        ("5.7 step 20", "__Secure=b", Stored),
        ("4.1.3.2", "__Host-a=b; Secure; Path=/", Stored),
        ("4.1.3.2", "__Host-a=b; Path=/", Dropped),
        ("4.1.3.2", "__Host-a=b; Secure", Dropped),
        ("4.1.3.2", "__Host-a=b; Secure; Path=/x", Dropped),
        (
            "4.1.3.2",
            "__Host-a=b; Secure; Path=/; Domain=app.example.com",
            Dropped,
        ),
        ("5.7 step 21", "__hoST-a=b; Secure; Path=/x", Dropped),
        ("5.7 step 21", "__Host-a=b; Secure; Path=/x; Path=/", Stored),
        ("5.7 step 21", "__Host-a=b; Secure; Path=/; Path=/x", Dropped),
        ("5.7 step 21", "__Host-a=b; Secure; Path=/; Domain=", Stored),
        ("5.7 step 21", "__Host-a=b; Secure; Path=", Stored),
        ("5.7 step 21", "__Host-a=b; Secure; Path=x", Stored),
        ("4.1.3.3", "__Http-a=b; Secure; HttpOnly", Stored),
        ("4.1.3.3", "__Http-a=b; Secure", Dropped),
        ("4.1.3.3", "__Http-a=b; HttpOnly", Dropped),
        (
            "4.1.3.3",
            "__Http-a=b; Secure; HttpOnly; Domain=example.com",
            Stored,
        ),
        ("4.1.3.4", "__Host-Http-a=b; Secure; HttpOnly; Path=/", Stored),
        ("4.1.3.4", "__Host-Http-a=b; Secure; Path=/", Dropped),
        ("4.1.3.4", "__Host-Http-a=b; Secure; HttpOnly", Dropped),
        (
            "4.1.3.4",
            "__Host-Http-a=b; Secure; HttpOnly; Path=/; Domain=example.com",
            Dropped,
        ),
        ("5.7 step 22", "=__Secure-a", Dropped),
        ("5.7 step 22", "__host-a", Dropped),
        ("5.7 step 22", "=__Http-a=b; Secure; HttpOnly", Dropped),
        ("5.7 step 22", "=_Host-a", Stored),
    ] {
        let found = fate("app.example.com", "/", Channel::TrustedTls, line.as_bytes());
        assert_eq!(found, wanted, "RFC 6265bis, section {section}: {line:?}");
    }
}

#[test]
fn what_browsers_store_depends_on_where_it_comes_from() {
    use Channel::{Plain, TrustedTls};
    for (section, host, path, channel, line, wanted) in [
        ("5.1.3", "192.0.2.1", "/", TrustedTls, "a=b; Domain=2.1", Dropped),
        (
            "5.1.3",
            "192.0.2.1",
            "/",
            TrustedTls,
            "a=b; Domain=192.0.2.1",
            Stored,
        ),
        (
            "5.7 step 9",
            "me.github.io",
            "/",
            TrustedTls,
            "a=b; Domain=github.io",
            Dropped,
        ),
        (
            "5.7 step 9",
            "github.io",
            "/",
            TrustedTls,
            "a=b; Domain=github.io",
            Stored,
        ),
        (
            "5.7 step 9",
            "github.io",
            "/",
            TrustedTls,
            "__Host-a=b; Secure; Path=/; Domain=github.io",
            Stored,
        ),
        (
            "5.7 step 9",
            "shop.co.uk",
            "/",
            TrustedTls,
            "a=b; Domain=co.uk",
            Dropped,
        ),
        ("5.7 step 13", "example.com", "/", Plain, "a=b; Secure", Dropped),
        ("5.7 step 13", "example.com", "/", Plain, "a=b", Stored),
        ("5.7 step 13", "localhost", "/", Plain, "a=b; Secure", Stored),
        // The default path is that of the request up to its last slash.
        (
            "5.1.4",
            "example.com",
            "/a/b",
            TrustedTls,
            "__Host-a=b; Secure; Path=",
            Dropped,
        ),
        (
            "5.1.4",
            "example.com",
            "/a",
            TrustedTls,
            "__Host-a=b; Secure; Path=x",
            Stored,
        ),
        (
            "5.1.4",
            "example.com",
            "/a/",
            TrustedTls,
            "__Host-a=b; Secure; Path=x",
            Dropped,
        ),
        (
            "5.1.4",
            "example.com",
            "/?/a/b",
            TrustedTls,
            "__Host-a=b; Secure; Path=",
            Stored,
        ),
    ] {
        let found = fate(host, path, channel, line.as_bytes());
        assert_eq!(
            found, wanted,
            "RFC 6265bis, section {section}: {line:?} from {host}{path}"
        );
    }
}

#[test]
fn sizes_at_below_and_above_the_limits() {
    let of = |line: String| fate("app.example.com", "/", Channel::TrustedTls, line.as_bytes());
    for (section, name, value, wanted) in [
        ("5.6 step 5", 1, 4094, Stored),
        ("5.6 step 5", 1, 4095, Stored),
        ("5.6 step 5", 1, 4096, Dropped),
        ("5.6 step 5", 4096, 0, Stored),
        ("5.6 step 5", 4097, 0, Dropped),
    ] {
        let line = format!("{}={}", "n".repeat(name), "v".repeat(value));
        assert_eq!(
            of(line),
            wanted,
            "RFC 6265bis, section {section}: {name} + {value}"
        );
    }
    // The redacted form tells the size where it is over the limit.
    assert_eq!(of("sid=[redacted]; Secure".into()), Stored);
    assert_eq!(of("sid=[redacted 4094 bytes]; Secure".into()), Dropped);
    // RFC 6265bis, section 5.6: an attribute of more than 1024 octets is left out.
    let domain = |n: usize| of(format!("a=b; Domain={}", "x".repeat(n)));
    assert_eq!((domain(1024), domain(1025)), (Dropped, Stored));
}

#[test]
fn what_browsers_read() {
    type Is = fn(&SetCookie<'_>) -> bool;
    let cases: [(&str, &str, Is); 16] = [
        ("5.6", "a=b;;;Secure", |cookie| cookie.secure),
        ("5.6", "a=\"b; Secure\"", |cookie| !cookie.secure),
        ("5.6", "a=b, Secure", |cookie| !cookie.secure),
        ("5.6", "a=b ; sEcUrE ; x", |cookie| cookie.secure),
        ("5.6.5", "a=b; Secure=false", |cookie| cookie.secure),
        ("5.6.5", "a=b; Secured", |cookie| !cookie.secure),
        ("5.6.6", "a=b; httponly=x", |cookie| cookie.http_only),
        ("5.6.6", "a=b; Http-Only", |cookie| !cookie.http_only),
        ("5.6.7", "a=b; SameSite=STRICT", |cookie| {
            cookie.same_site == SameSite::Strict
        }),
        ("5.6.7", "a=b; SameSite", |cookie| {
            cookie.same_site == SameSite::Other(String::new())
        }),
        ("5.6.7", "a=b; SameSite=\"Lax\"", |cookie| {
            matches!(cookie.same_site, SameSite::Other(_))
        }),
        ("5.6.3", "a=b; Domain=..x.example", |cookie| {
            cookie.domain.as_deref() == Some(".x.example")
        }),
        ("5.6.4", "a=b; Path=/x; path=/y", |cookie| {
            cookie.path.as_deref() == Some("/y")
        }),
        ("5.6.2", "a=b; Max-Age=5; Max-Age=x", |cookie| {
            cookie.max_age == Some(5)
        }),
        ("CHIPS 2.1", "a=b; partitioned=0", |cookie| cookie.partitioned),
        ("5.6", "a=b; x=1; X=2; Secure", |cookie| {
            let names: Vec<&str> = cookie.attributes.iter().map(|(name, _)| name.as_ref()).collect();
            names == ["x", "X", "Secure"]
        }),
    ];
    for (section, line, is) in cases {
        let cookie = parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line}: {e:?}"));
        assert!(is(&cookie), "RFC 6265bis, section {section}: {line}: {cookie:?}");
    }
}
