use proptest::prelude::*;
use readiness_core::{
    Target,
    fact::{Document, Meta},
};

use super::{effective::read_options, *};
use crate::http::{Page, ResponseKind, samples};

fn of(headers: &[(&str, &str)]) -> Outcome {
    judge(samples::looked(&samples::html(headers)))
}

#[test]
fn x_frame_options_as_the_html_standard_reads_them() {
    use Options::{AllowFrom, Conflict, Deny, Nothing, SameOrigin};
    for (lines, wanted) in [
        (&["DENY"][..], Deny),
        (&["deny"], Deny),
        (&[" \tDeNy\t "], Deny),
        (&["DENY, DENY"], Deny),
        (&["DENY", "deny"], Deny),
        (&["SAMEORIGIN"], SameOrigin),
        (&["sameorigin,SAMEORIGIN"], SameOrigin),
        (&["SAMEORIGIN, DENY"], Conflict),
        (&["SAMEORIGIN", "DENY"], Conflict),
        (&["SAMEORIGIN,"], Conflict),
        (&["", "SAMEORIGIN"], Conflict),
        (&["DENY, x"], Conflict),
        (&["x", "DENY"], Conflict),
        (&["DENY, ALLOW-FROM https://a.example"], Conflict),
        // Alone it allows; with anything else it is a known value that differs.
        (&["ALLOWALL"], Nothing),
        (&["ALLOWALL, ALLOWALL"], Nothing),
        (&["ALLOWALL, x"], Conflict),
        (&["ALLOW-FROM https://a.example"], AllowFrom),
        (&["allow-from https://a.example, x"], AllowFrom),
        (&["ALLOW-FROM"], AllowFrom),
        (&[""], Nothing),
        (&["x"], Nothing),
        (&["x, y"], Nothing),
        (&["DENY;"], Nothing),
        (&["\"DENY\""], Nothing),
        (&["'DENY'"], Nothing),
        (&["SAME-ORIGIN"], Nothing),
        (&["same origin"], Nothing),
        (&["NONE"], Nothing),
        (&["\"DENY, DENY"], Nothing),
        (&["\u{b}DENY"], Nothing),
    ] {
        assert_eq!(read_options(lines.join(", ").as_bytes()), wanted, "{lines:?}");
        let headers: Vec<_> = lines.iter().map(|line| ("x-frame-options", *line)).collect();
        let protected = matches!(wanted, Deny | SameOrigin | Conflict);
        assert_eq!(of(&headers).status.is_pass(), protected, "{lines:?}");
    }
}

#[test]
fn frame_ancestors_wins_over_x_frame_options() {
    for (policy, protected) in [
        ("frame-ancestors 'none'", true),
        ("frame-ancestors", true),
        ("FRAME-ANCESTORS 'SELF'", true),
        ("frame-ancestors 'self' https://partner.example", true),
        ("frame-ancestors https://*.partner.example", true),
        ("frame-ancestors *", false),
        ("frame-ancestors https:", false),
        ("frame-ancestors http: https:", false),
        ("frame-ancestors https://*", false),
        ("frame-ancestors *:443", false),
        ("frame-ancestors *.com", false),
        ("frame-ancestors 'self' *", false),
        // The first directive of a name counts.
        ("frame-ancestors *; frame-ancestors 'none'", false),
        // Every policy must allow it.
        ("frame-ancestors *, frame-ancestors 'none'", true),
        ("frame-ancestors *, frame-ancestors https:", false),
    ] {
        let alone = of(&[("content-security-policy", policy)]);
        assert_eq!(alone.status.is_pass(), protected, "{policy}");
        let both = of(&[("content-security-policy", policy), ("x-frame-options", "DENY")]);
        assert_eq!(both.status.is_pass(), protected, "{policy}");
    }
    let lines = [
        ("content-security-policy", "frame-ancestors *"),
        ("content-security-policy", "frame-ancestors 'self'"),
    ];
    assert!(of(&lines).status.is_pass());
}

#[test]
fn other_policies_leave_x_frame_options_in_force() {
    let other = ("content-security-policy", "default-src 'none'");
    assert!(of(&[other]).status.is_fail());
    assert!(of(&[other, ("x-frame-options", "DENY")]).status.is_pass());
    let report = ("content-security-policy-report-only", "frame-ancestors 'none'");
    assert_eq!(of(&[report]).findings[0].code, "missing");
}

#[test]
fn the_kind_decides() {
    let of = |status, headers: &[(&str, &str)]| {
        judge(samples::looked(&Exchange::new(status, headers.iter().copied()))).status
    };
    assert!(of(200, &[("content-type", "application/json")]).is_not_applicable());
    assert!(of(200, &[("content-type", "image/png")]).is_not_applicable());
    assert!(of(302, &[("location", "/")]).is_not_applicable());
    assert!(of(404, &[("content-type", "application/json")]).is_not_applicable());
    assert!(of(404, &[("content-type", "text/html")]).is_warn());
    assert!(of(503, &[("content-type", "text/html")]).is_unknown());
    let redirect = judge(samples::looked(&Exchange::new(302, [("location", "/")])));
    assert_eq!(redirect.summary, "a redirect has no page to frame");
    let declared = Framing {
        pages: Pages::new([Page::default().kind(ResponseKind::Page)]),
        ..Framing::default()
    };
    assert!(
        judge(
            samples::looked(&Exchange::new(503, [("a", "b")]))
                .declared(declared.pages.iter().next().unwrap())
        )
        .status
        .is_fail()
    );
}

#[test]
fn the_probe_judges_the_targets_own_path() {
    let target = Target::parse("https://example.com/").unwrap();
    let facts = samples::facts("https://example.com/", &[("content-type", "text/html")]);
    assert_eq!(
        facts.judge(&Framing::default(), &target).summary,
        "every site may frame the page"
    );
    assert!(
        Framing {
            pages: Pages::new([Page::default().accept_status([1])]),
            ..Framing::default()
        }
        .check()
        .is_err()
    );
    assert!(Framing::default().check().is_ok());
}

#[test]
fn hostile_values_do_not_panic() {
    for value in samples::hostile() {
        let headers = [
            ("content-security-policy", value.clone()),
            ("x-frame-options", value),
        ];
        let outcome = judge(samples::looked(&samples::html(&headers)));
        assert_eq!(outcome.evidence.len(), 3);
    }
}

#[test]
fn many_policies_are_judged_together() {
    let scope = |policy: &str| {
        let outcome = of(&[("content-security-policy", policy)]);
        outcome.evidence[0].value.clone()
    };
    let many = |unit: &str| vec![unit; 1000].join(",");
    assert_eq!(scope(&many("frame-ancestors https://*:1 *.com")), "open");
    assert_eq!(
        scope(&format!("{},frame-ancestors 'none'", many("frame-ancestors *"))),
        "none"
    );
    // Of more hosts than are tried one may be in both.
    let hosts = |from: usize| {
        let names: Vec<String> = (from..from + 99).map(|n| format!("a{n}.test")).collect();
        format!("frame-ancestors {}", names.join(" "))
    };
    assert_eq!(scope(&format!("{}, {}", hosts(0), hosts(98))), "listed");
    let few = "frame-ancestors a.test b.test, frame-ancestors c.test d.test";
    assert_eq!(scope(few), "none");
}

proptest! {
    #[test]
    fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
        let headers = [("content-security-policy", value.clone()), ("x-frame-options", value)];
        let _ = judge(samples::looked(&samples::html(&headers)));
    }
}

#[test]
fn what_has_no_effect_is_noted() {
    let document = |meta: Meta| {
        let mut document = Document::new();
        document.metas.push(meta);
        judge(samples::looked(&samples::html::<&str>(&[]).document(document)))
    };
    for (name, content, noted) in [
        ("Content-Security-Policy", "frame-ancestors 'none'", true),
        ("Content-Security-Policy", "default-src 'none'", false),
        ("X-Frame-Options", "DENY", true),
        ("refresh", "frame-ancestors 'none'", false),
    ] {
        let outcome = document(Meta::http_equiv(name, content));
        assert_eq!(outcome.findings[0].code, "missing", "{name}");
        assert_eq!(
            outcome.findings.get(1).map(|finding| finding.code.as_str()),
            noted.then_some("meta"),
            "{name}: {content}"
        );
    }
    let report = of(&[
        ("x-frame-options", "DENY"),
        ("content-security-policy-report-only", "frame-ancestors *"),
    ]);
    assert!(report.status.is_pass());
    assert_eq!(report.findings[0].code, "report_only");
}

#[test]
fn the_scope_is_said() {
    let scope = |headers: &[(&str, &str)]| of(headers).evidence[0].value.clone();
    assert_eq!(scope(&[("x-frame-options", "DENY")]), "none");
    assert_eq!(scope(&[("x-frame-options", "SAMEORIGIN")]), "self");
    assert_eq!(
        scope(&[("content-security-policy", "frame-ancestors a.example")]),
        "listed"
    );
    assert_eq!(scope(&[]), "open");
}
