use readiness_core::{
    ObserveError, Reason, Target,
    fact::{Exchange, HttpExchange},
};

use super::*;

/// The outcome where two looks at a page give these policies.
fn twice(first: &str, second: Result<&str, ObserveError>) -> Outcome {
    let headers = |policy| [("content-type", "text/html"), (ENFORCED, policy)];
    let url = "https://example.com/";
    let key: HttpExchange = samples::key("example.com").sample(1);
    let facts = samples::facts(url, &headers(first));
    let facts = match second {
        Ok(policy) => facts.with(key, Exchange::new(200, headers(policy))),
        Err(error) => facts.with_error(key, error),
    };
    facts.judge(&Csp::default(), &Target::parse(url).unwrap())
}

#[test]
fn a_nonce_is_new_in_each_response() {
    let policy = |nonce: &str| format!("default-src 'self'; base-uri 'none'; script-src 'nonce-{nonce}'");
    let (one, other) = (policy(NONCE), policy("zQ3tU8wYb1Nd6GfK5hJ2cA=="));
    assert!(twice(&one, Ok(&other)).status.is_pass());
    let again = twice(&one, Ok(&one));
    assert_eq!(codes(&again), ["repeated_nonce"]);
    assert!(again.status.is_fail());
    let finding = again
        .findings
        .iter()
        .find(|finding| finding.code == "repeated_nonce")
        .unwrap();
    assert_eq!(
        finding.evidence[0].value,
        format!("<script nonce=\"{NONCE}\">alert(1)</script>")
    );
    // Another policy keeps the script from running all the same.
    let shut = format!("{one}, script-src 'self'");
    assert!(twice(&shut, Ok(&shut)).status.is_warn());
    // What cannot be seen again says nothing.
    assert!(
        twice(&one, Err(ObserveError::new(Reason::TCP_REFUSED, "refused")))
            .status
            .is_pass()
    );
    assert!(twice(&one, Ok("default-src 'self'")).status.is_pass());
}
