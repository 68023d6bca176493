use super::*;

fn with_headers(headers: &[(&str, &str)]) -> Outcome {
    judge(&Csp::default(), samples::looked(&samples::html(headers)), None)
}

#[test]
fn a_missing_policy_fails_and_report_only_does_not_enforce() {
    assert_eq!(codes(&of(&[])), ["missing"]);
    assert_eq!(codes(&of(&[""])), ["empty"]);
    assert_eq!(codes(&of(&[" ;, ; "])), ["empty"]);
    let report = |policy| with_headers(&[(REPORTED, policy)]);
    let quiet = report("default-src 'self'; report-to csp");
    assert_eq!(codes(&quiet), ["not_enforced"]);
    assert_eq!(quiet.summary, "not enforced; if it were: scripts are limited");
    let loud = report("default-src *; report-uri /csp");
    assert_eq!(codes(&loud), ["not_enforced", "any_host", "any_plugin"]);
    assert_eq!(
        loud.findings[1].message,
        "`default-src *` would let `https://evil.example/x.js` run, expected a list of hosts or nonces"
    );
    let nobody = report("default-src 'self'");
    assert_eq!(codes(&nobody), ["not_enforced", "no_report_endpoint"]);
}

#[test]
fn beside_an_enforced_policy_report_only_warns_at_most() {
    let beside = |reported| with_headers(&[(ENFORCED, "default-src 'self'"), (REPORTED, reported)]);
    let looser = beside("default-src *; report-to csp");
    assert!(looser.status.is_pass(), "{looser:?}");
    let note = looser
        .findings
        .iter()
        .find(|finding| finding.code == "any_host")
        .unwrap();
    assert_eq!(note.subject, "report-only policy");
    assert!(note.message.contains("would let"), "{}", note.message);
    // What it is silent about is left to the enforced one.
    let silent = beside("require-trusted-types-for 'script'; report-to csp");
    assert!(
        !silent
            .findings
            .iter()
            .any(|finding| finding.subject == "report-only policy")
    );
    assert!(
        beside("default-src 'self'").status.is_warn(),
        "it reports to nobody"
    );
    // What it would stop is said of the enforced one.
    let stricter = with_headers(&[
        (ENFORCED, "default-src 'self'; script-src *"),
        (REPORTED, "script-src 'self'; report-to csp"),
    ]);
    assert_eq!(codes(&stricter), ["any_host"]);
    let message = &stricter.findings[0].message;
    assert!(
        message.ends_with("; the report-only policy stops it once it is enforced"),
        "{message}"
    );
    let remedy = &stricter.findings[0].remedy;
    assert!(
        remedy.starts_with("enforce the report-only policy, or list the hosts"),
        "{remedy}"
    );
}

#[test]
fn a_sandbox_that_only_reports_closes_nothing() {
    // CSP Level 3, section 6.3.2: it is left aside where a policy only reports.
    let beside = with_headers(&[
        (ENFORCED, "default-src 'self'; script-src *"),
        (REPORTED, "sandbox; report-to csp"),
    ]);
    let message = &beside.findings[0].message;
    assert!(!message.contains("report-only"), "{message}");
    let alone = with_headers(&[(REPORTED, "sandbox; report-to csp")]);
    assert_eq!(codes(&alone)[..2], ["not_enforced", "no_script_policy"]);
    // Enforced it closes what the other leaves open.
    let enforced = with_headers(&[(ENFORCED, "script-src *, sandbox")]);
    assert!(!codes(&enforced).contains(&"any_host"));
}
