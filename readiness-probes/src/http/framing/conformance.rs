//! Who may frame a page, case by case from the HTML standard and CSP Level 3.

use super::{
    ancestors::Own,
    effective::{Scope, effective},
};
use crate::http::samples;

use Scope::{Listed, Nobody, Open};

const XFO: &str = "X-Frame-Options";
const CSP: &str = "Content-Security-Policy";
const REPORT_ONLY: &str = "Content-Security-Policy-Report-Only";

type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Scope);

fn hold(standard: &str, cases: &[Case<'_>]) {
    for (section, headers, wanted) in cases {
        let exchange = samples::html(headers);
        let options = exchange.joined(XFO);
        let found = effective(
            &Own::of(&samples::key("example.com")),
            &exchange,
            options.as_deref(),
        )
        .scope();
        assert_eq!(found, *wanted, "{standard}, {section}: {headers:?}");
    }
}

#[test]
fn x_frame_options() {
    // HTML, "The `X-Frame-Options` header", by the steps of its algorithm.
    hold(
        "HTML, X-Frame-Options",
        &[
            ("step 3, no header", &[], Open),
            ("step 3, split at commas", &[(XFO, "DENY,DENY")], Nobody),
            (
                "step 3, several lines are one list",
                &[(XFO, "DENY"), (XFO, "DENY")],
                Nobody,
            ),
            ("step 3, blanks are stripped", &[(XFO, "\t DENY \t")], Nobody),
            ("step 3, no other space is", &[(XFO, "\u{b}DENY")], Open),
            ("step 3, quotes are kept", &[(XFO, "\"DENY\"")], Open),
            (
                "step 3, a quoted comma is no delimiter",
                &[(XFO, "\"DENY,DENY\"")],
                Open,
            ),
            ("step 5, case does not matter", &[(XFO, "dEnY")], Nobody),
            (
                "step 5, equal values are one",
                &[(XFO, "SAMEORIGIN, sameorigin")],
                Scope::Own,
            ),
            (
                "step 6, deny and same origin",
                &[(XFO, "DENY, SAMEORIGIN")],
                Nobody,
            ),
            (
                "step 6, over lines",
                &[(XFO, "SAMEORIGIN"), (XFO, "DENY")],
                Nobody,
            ),
            (
                "step 6, a known value before junk",
                &[(XFO, "SAMEORIGIN, junk")],
                Nobody,
            ),
            ("step 6, a known value after junk", &[(XFO, "junk, DENY")], Nobody),
            (
                "step 6, an empty value is a value",
                &[(XFO, "SAMEORIGIN,")],
                Nobody,
            ),
            (
                "step 6, an empty line is one too",
                &[(XFO, ""), (XFO, "DENY")],
                Nobody,
            ),
            (
                "step 6, allow all among others",
                &[(XFO, "ALLOWALL, junk")],
                Nobody,
            ),
            (
                "step 6, allow all and same origin",
                &[(XFO, "ALLOWALL, SAMEORIGIN")],
                Nobody,
            ),
            (
                "step 6, beside ALLOW-FROM",
                &[(XFO, "ALLOW-FROM https://a.example, DENY")],
                Nobody,
            ),
            ("step 7, junk alone", &[(XFO, "junk, rubbish")], Open),
            (
                "step 7, junk over lines",
                &[(XFO, "junk"), (XFO, "rubbish")],
                Open,
            ),
            ("step 8, deny", &[(XFO, "DENY")], Nobody),
            ("step 9, same origin", &[(XFO, "SAMEORIGIN")], Scope::Own),
            ("step 10, allow all", &[(XFO, "ALLOWALL")], Open),
            ("step 10, allow all twice", &[(XFO, "ALLOWALL, allowall")], Open),
            (
                "step 10, ALLOW-FROM",
                &[(XFO, "ALLOW-FROM https://a.example")],
                Open,
            ),
            ("step 10, parameters", &[(XFO, "DENY; x")], Open),
            ("step 10, two words", &[(XFO, "SAME ORIGIN")], Open),
            ("step 10, an empty header", &[(XFO, "")], Open),
            ("step 10, a keyword of another header", &[(XFO, "'none'")], Open),
        ],
    );
}

#[test]
fn frame_ancestors() {
    hold(
        "CSP Level 3",
        &[
            ("section 6.4.2, none", &[(CSP, "frame-ancestors 'none'")], Nobody),
            ("section 6.4.2, no source", &[(CSP, "frame-ancestors")], Nobody),
            (
                "section 6.4.2, self",
                &[(CSP, "frame-ancestors 'self'")],
                Scope::Own,
            ),
            (
                "section 6.4.2, a host",
                &[(CSP, "frame-ancestors a.example")],
                Listed,
            ),
            (
                "section 6.4.2, self and a host",
                &[(CSP, "frame-ancestors 'self' a.example")],
                Listed,
            ),
            (
                "section 2.3.1, below a host",
                &[(CSP, "frame-ancestors https://*.a.example")],
                Listed,
            ),
            ("section 2.3.1, every host", &[(CSP, "frame-ancestors *")], Open),
            (
                "section 2.3.1, a scheme",
                &[(CSP, "frame-ancestors https:")],
                Open,
            ),
            (
                "section 2.3.1, any host on a port",
                &[(CSP, "frame-ancestors https://*:443")],
                Open,
            ),
            (
                "section 2.3.1, a whole registry",
                &[(CSP, "frame-ancestors *.co.uk")],
                Open,
            ),
            (
                "section 2.3.1, none beside others is none",
                &[(CSP, "frame-ancestors 'none' *")],
                Open,
            ),
            (
                "section 2.2.1, names in any case",
                &[(CSP, "Frame-Ancestors 'NONE'")],
                Nobody,
            ),
            (
                "section 2.2.1, the first of a name",
                &[(CSP, "frame-ancestors 'self'; frame-ancestors *")],
                Scope::Own,
            ),
            (
                "section 2.2.2, a list of policies",
                &[(CSP, "frame-ancestors *, frame-ancestors 'self'")],
                Scope::Own,
            ),
            (
                "section 2.2.2, several lines",
                &[
                    (CSP, "frame-ancestors a.example"),
                    (CSP, "frame-ancestors 'none'"),
                ],
                Nobody,
            ),
            (
                "section 2.2.2, two ports that no site has both of",
                &[(
                    CSP,
                    "frame-ancestors https://*:8443, frame-ancestors https://*:9443",
                )],
                Nobody,
            ),
            (
                "section 2.2.2, one port of all",
                &[(CSP, "frame-ancestors https://*:8443, frame-ancestors *:*")],
                Open,
            ),
            (
                "section 2.2.2, one registry of all",
                &[(CSP, "frame-ancestors https:, frame-ancestors *.com *.org")],
                Open,
            ),
            (
                "section 2.2.2, two registries",
                &[(CSP, "frame-ancestors *.com, frame-ancestors *.org")],
                Nobody,
            ),
            (
                "section 2.2.2, a host that both list",
                &[(
                    CSP,
                    "frame-ancestors a.test b.test, frame-ancestors b.test c.test",
                )],
                Listed,
            ),
            (
                "section 2.2.2, a host among those of a wildcard",
                &[(CSP, "frame-ancestors *.a.test, frame-ancestors b.a.test:*")],
                Listed,
            ),
            (
                "section 2.2.2, no host that both list",
                &[(CSP, "frame-ancestors a.test, frame-ancestors b.test")],
                Nobody,
            ),
            (
                "section 2.2.2, its own origin by its name",
                &[(CSP, "frame-ancestors 'self' a.test, frame-ancestors example.com")],
                Scope::Own,
            ),
            (
                "section 2.2.2, its own origin at another port",
                &[(CSP, "frame-ancestors 'self', frame-ancestors example.com:8443")],
                Nobody,
            ),
            (
                "section 2.3.1, a provider whose customers have names below it",
                &[(CSP, "frame-ancestors *.amazonaws.com")],
                Open,
            ),
            (
                "section 2.3.1, what fits no grammar is skipped",
                &[(CSP, "frame-ancestors *:99999 [bad")],
                Nobody,
            ),
            (
                "section 2.2.2, one policy without it",
                &[(CSP, "default-src *, frame-ancestors 'none'")],
                Nobody,
            ),
            (
                "section 6.4.2, no fallback to default-src",
                &[(CSP, "default-src 'none'")],
                Open,
            ),
            (
                "section 6.4.2, nor to frame-src",
                &[(CSP, "frame-src 'none'")],
                Open,
            ),
            (
                "section 6.4.2.2, it overrides X-Frame-Options",
                &[(CSP, "frame-ancestors *"), (XFO, "DENY")],
                Open,
            ),
            (
                "section 6.4.2.2, in both directions",
                &[(CSP, "frame-ancestors 'self'"), (XFO, "DENY")],
                Scope::Own,
            ),
            (
                "section 6.4.2.2, from any policy of a list",
                &[(CSP, "img-src *, frame-ancestors *"), (XFO, "DENY")],
                Open,
            ),
            (
                "HTML step 2.1, report-only does not count",
                &[(REPORT_ONLY, "frame-ancestors 'none'")],
                Open,
            ),
            (
                "HTML step 2.1, and overrides nothing",
                &[(REPORT_ONLY, "frame-ancestors *"), (XFO, "DENY")],
                Nobody,
            ),
            (
                "HTML step 2.2, another directive overrides nothing",
                &[(CSP, "default-src *"), (XFO, "SAMEORIGIN")],
                Scope::Own,
            ),
        ],
    );
}
