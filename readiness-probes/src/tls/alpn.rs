//! The protocol that both sides agree upon within TLS (RFC 7301).

use readiness_core::Finding;

use super::suite::Suite;

/// What is offered in every handshake.
const OFFERED: [&str; 2] = ["h2", "http/1.1"];

/// Whether what is expected can be agreed upon at all.
pub(super) fn check(expected: &[String]) -> Result<(), String> {
    match expected.iter().find(|name| !OFFERED.contains(&name.as_str())) {
        None => Ok(()),
        Some(other) => Err(format!(
            "`alpn` has `{}`, expected `h2` or `http/1.1`: no other protocol is offered",
            other.chars().take(20).collect::<String>()
        )),
    }
}

/// The fault where none of the protocols that are expected was agreed upon.
pub(super) fn expected(agreed: &str, expected: &[String]) -> Option<Finding> {
    if expected.is_empty() || expected.iter().any(|name| name == agreed) {
        return None;
    }
    let wanted: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
    let wanted = wanted.join(" or ");
    let found = match agreed {
        "" => "no protocol was agreed upon by ALPN".to_owned(),
        agreed => format!("`{agreed}` was agreed upon by ALPN"),
    };
    Some(
        Finding::fail("alpn", format!("{found}, expected {wanted}"))
            .evidence("ALPN", agreed)
            .remedy("turn the protocol on at whatever ends TLS: the server, or the load balancer before it"),
    )
}

/// The weakness where HTTP/2 goes with a suite that it forbids: clients may hang up.
pub(super) fn allowed(agreed: &str, suite: &str) -> Option<Finding> {
    let is_forbidden =
        agreed == "h2" && Suite::named(suite).is_some_and(|suite| suite.is_banned_from_http2());
    is_forbidden.then(|| {
        let message = format!(
            "`h2` was agreed upon with `{suite}`, which HTTP/2 forbids (RFC 9113, appendix A): clients may \
             end the connection"
        );
        Finding::warn("h2_with_forbidden_suite", message)
            .evidence("suite", suite)
            .remedy("offer ECDHE suites with AES-GCM or ChaCha20-Poly1305 before all others")
    })
}
