use readiness_core::{
    Reason, Status,
    fact::{Document, Meta},
};

use super::*;

fn notes(outcome: &Outcome) -> Vec<&str> {
    let notes = outcome.findings.iter().filter(|finding| finding.is_note());
    notes.map(|finding| finding.code.as_str()).collect()
}

fn with_metas(headers: &[(&str, &str)], metas: Vec<Meta>) -> Outcome {
    let mut document = Document::new();
    document.metas = metas;
    let exchange = samples::html(headers).document(document);
    judge(&Csp::default(), samples::looked(&exchange), None)
}

#[test]
fn policies_in_meta_elements_count() {
    let policy = |content: &str| Meta::http_equiv(ENFORCED, content);
    let alone = with_metas(&[], vec![policy("default-src 'self'")]);
    assert!(alone.status.is_pass(), "{alone:?}");
    assert_eq!(alone.summary, "1 policy in `meta`, scripts are limited");
    let open = with_metas(&[], vec![policy("default-src 'self'; script-src *")]);
    assert_eq!(codes(&open), ["any_host"]);
    // Both are enforced.
    let both = with_metas(
        &[(ENFORCED, "default-src *; object-src 'none'")],
        vec![policy("script-src 'self'")],
    );
    assert_eq!(codes(&both), [""; 0]);
    assert_eq!(
        both.summary,
        "2 policies in headers and `meta`, scripts are limited"
    );
    // What a `meta` element cannot hold.
    let sandboxed = with_metas(&[], vec![policy("sandbox; object-src 'none'")]);
    assert_eq!(codes(&sandboxed), ["no_script_policy", "ignored_in_meta"]);
    let framed = with_metas(&[], vec![policy("default-src 'self'; frame-ancestors 'none'")]);
    assert_eq!(codes(&framed), ["ignored_in_meta"]);
    assert!(notes(&framed).contains(&"any_frame"));
    let covered = with_metas(
        &[(ENFORCED, "frame-ancestors 'none'")],
        vec![policy("default-src 'self'; frame-ancestors 'none'")],
    );
    assert_eq!(codes(&covered), [""; 0]);
    // A header holds a list, a `meta` element one policy.
    let comma = with_metas(&[], vec![policy("default-src 'self', script-src *")]);
    assert_eq!(
        codes(&comma),
        [
            "any_host",
            "any_plugin",
            "comma_in_meta",
            "malformed_source",
            "missing_semicolon"
        ]
    );
    let mut outside = policy("default-src 'self'");
    outside.is_in_head = false;
    assert_eq!(
        codes(&with_metas(&[], vec![outside])),
        ["missing", "outside_head"]
    );
    let reported = Meta::http_equiv(REPORTED, "default-src 'self'");
    assert_eq!(
        codes(&with_metas(&[], vec![reported])),
        ["missing", "report_only_meta"]
    );
}

#[test]
fn what_was_looked_at_is_said_where_nothing_was_found() {
    let bare = of(&[]).findings[0].message.clone();
    assert!(bare.ends_with("header and found none"), "{bare}");
    let looked = with_metas(&[], Vec::new()).findings[0].message.clone();
    assert!(looked.ends_with(", in no `meta` element either"), "{looked}");
}

#[test]
fn a_page_that_nobody_read_is_unknown() {
    let judged = |exchange: &Exchange| {
        let outcome = judge(&Csp::default(), samples::looked(exchange), None);
        let finding = &outcome.findings[0];
        (
            finding.code.clone(),
            outcome.status.clone(),
            finding.message.clone(),
        )
    };
    let page = || samples::html::<&str>(&[]);
    let mut unseen = page();
    unseen.body_complete = false;
    for (exchange, reason) in [
        // Without `html`, or coded.
        (page().body("<p>"), Reason::UNEXPECTED_RESPONSE),
        (unseen, Reason::UNEXPECTED_RESPONSE),
        (page().document(Document::default()), Reason::HTTP_TOO_LARGE),
    ] {
        let (code, status, message) = judged(&exchange);
        assert_eq!(
            (code.as_str(), status),
            ("meta_not_read", Status::unknown(reason))
        );
        assert!(message.contains("for a `meta` element"), "{message}");
    }
    // Nothing to read, and what was read.
    for exchange in [page(), page().body("<p>").document(Document::new())] {
        let (code, status, _) = judged(&exchange);
        assert_eq!((code.as_str(), status), ("missing", Status::Fail));
    }
    // An API has no elements, and an error page warns at most.
    let api = Exchange::new(200, [("content-type", "application/json")]).body("{}");
    assert_eq!(judged(&api).1, Status::Pass);
    let error = Exchange::new(404, [("content-type", "text/html")]).body("<p>");
    assert!(judged(&error).1.is_warn());
    // A header says enough.
    let headed = samples::html(&[(ENFORCED, "default-src 'self'")]).body("<p>");
    assert!(judged(&headed).1.is_pass());
}

#[test]
fn a_policy_that_may_be_cut_is_not_judged_as_whole() {
    let policy = Meta::http_equiv(ENFORCED, "default-src 'self'");
    let of = |headers: &[(&str, &str)], metas: &[Meta], is_complete| {
        let mut document = Document::new();
        document.metas = metas.to_vec();
        document.is_complete = is_complete;
        let exchange = samples::html(headers).document(document);
        judge(&Csp::default(), samples::looked(&exchange), None)
    };
    let metas = [policy];
    let cut = of(&[], &metas, false);
    assert_eq!(codes(&cut), ["not_read_to_its_end"]);
    assert_eq!(cut.status, Status::unknown(Reason::HTTP_TOO_LARGE));
    assert!(of(&[], &metas, true).status.is_pass());
    // A header is whole in any case.
    assert!(
        of(&[(ENFORCED, "default-src 'self'")], &[], false)
            .status
            .is_pass()
    );
}

#[cfg(feature = "html")]
#[test]
fn a_policy_in_a_page_is_read_up_to_8_kib() {
    let of = |length: usize| {
        let head = "default-src 'self'; img-src ";
        let policy = format!("{head}{}", "a".repeat(length - head.len()));
        let html = format!("<meta http-equiv=content-security-policy content=\"{policy}\">");
        let document = crate::live::read_document(html.as_bytes());
        let exchange = samples::html::<&str>(&[]).document(document);
        judge(&Csp::default(), samples::looked(&exchange), None).status
    };
    for (length, is_whole) in [(8191, true), (8192, true), (8193, false)] {
        assert_eq!(of(length).is_pass(), is_whole, "{length}");
        assert_eq!(of(length).is_unknown(), !is_whole, "{length}");
    }
}
