use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, probe,
};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use self::features::{POWERFUL, is_known};
use super::{
    applicability::{Rule, applies},
    page::{Looked, judge_page},
    pages::Pages,
    structured::broken,
    syntax::{count, excerpt, shown},
};

mod features;

probe! {
    /// Powerful features of the browser are not open to any site in a frame.
    ///
    /// # What it checks
    /// `Permissions-Policy`, a dictionary of features and who may use them, and its predecessor `Feature-Policy`.
    ///
    /// # Why it matters
    /// Powerful features, such as camera, microphone and position, are the page's own unless it says otherwise.
    /// Where `*` stands for one, any site the page puts into a frame may be given it, by `allow` on the frame: no
    /// policy holds back a frame that is injected or that shows another site than was meant.
    ///
    /// # How it is judged
    /// Without the header the browsers' own limits hold, which passes unless `required` is set. A header that is no
    /// structured dictionary has no effect at all and warns, saying where it breaks; so does a powerful feature
    /// that any site in a frame may be given, and a member of a list that browsers skip. Features that no browser knows,
    /// `Feature-Policy` and a policy that only reports are noted.
    ///
    /// # How to fix
    /// Name the sites that may be given a feature, or none: `Permissions-Policy: camera=(), geolocation=(self "https://maps.example.com")`.
    pub struct PermissionsPolicy {
        /// Whether a page without the header fails. Default: false.
        pub required: bool = false,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.permissions_policy",
    title: "powerful features are not open to any site in a frame",
    priority: Info,
    references: [
        "Permissions Policy section 5.2" => "https://www.w3.org/TR/permissions-policy/#permissions-policy-http-header-field",
        "RFC 9651 section 3.2" => "https://www.rfc-editor.org/rfc/rfc9651#section-3.2",
    ],
}

#[async_trait]
impl Probe for PermissionsPolicy {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl PermissionsPolicy {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

/// A hostile header may name thousands of features.
const MOST_FINDINGS: usize = 32;

const HEADER: &str = "Permissions-Policy";

fn judge(settings: &PermissionsPolicy, looked: Looked<'_>) -> Outcome {
    let Looked { page, exchange, .. } = looked;
    let applies = applies(Rule::PermissionsPolicy, exchange, page);
    let (_, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let mut findings = Vec::new();
    for (name, code, message) in [
        (
            "Feature-Policy",
            "feature_policy",
            "`Feature-Policy` was replaced by `Permissions-Policy`",
        ),
        (
            "Permissions-Policy-Report-Only",
            "report_only",
            "`Permissions-Policy-Report-Only` reports and does not enforce",
        ),
    ] {
        if let Some(value) = exchange.joined(name) {
            findings.push(Finding::note(code, message).evidence(name, shown(&value)));
        }
    }
    let Some(value) = exchange.joined(HEADER) else {
        if settings.required {
            findings.push(
                Finding::fail(
                    "missing",
                    format!("expected a `{HEADER}` header and found none"),
                )
                .remedy(format!(
                    "send `{HEADER}: camera=(), geolocation=(), microphone=()` and what else the page does not use"
                )),
            );
            return Outcome::judged("no Permissions-Policy header", weight.apply(findings));
        }
        return Outcome::judged(
            "no Permissions-Policy; the browsers' own limits hold",
            weight.apply(findings),
        );
    };
    let summary = match Parser::new(&value).parse::<Dictionary>() {
        Err(error) => {
            let place = broken(&value, &error);
            findings.push(
                Finding::warn(
                    "ignored",
                    format!("the header is no structured dictionary and has no effect: {place}"),
                )
                .evidence("Permissions-Policy", shown(&value))
                .remedy("write it as `camera=(), geolocation=(self)`, features between commas"),
            );
            "browsers ignore Permissions-Policy, as it does not parse".to_owned()
        }
        Ok(features) => {
            findings.extend(unknown(&features));
            let given: Vec<Finding> = features
                .iter()
                .flat_map(|(feature, allowed)| judge_feature(feature.as_str(), allowed))
                .collect();
            let open = given.iter().filter(|finding| finding.code == "wildcard").count();
            let left_out = given.len().saturating_sub(MOST_FINDINGS);
            findings.extend(given.into_iter().take(MOST_FINDINGS));
            if left_out > 0 {
                findings.push(
                    Finding::warn(
                        "more",
                        format!("{left_out} more findings like these are not shown"),
                    )
                    .remedy("mend those that are shown, and look again"),
                );
            }
            let named = count(features.len(), "feature is named", "features are named");
            match open {
                0 => named,
                open => format!("{named}, {open} of them for any site in a frame"),
            }
        }
    };
    Outcome::judged(summary, weight.apply(findings)).evidence("Permissions-Policy", shown(&value))
}

/// Names that browsers skip. One finding holds them all: a newer browser may know them.
fn unknown(features: &Dictionary) -> Option<Finding> {
    let mut names = features
        .keys()
        .map(|key| key.as_str())
        .filter(|name| !is_known(name));
    let first = names.next()?;
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first = excerpt(first.as_bytes());
    Some(Finding::note(
        "unknown_feature",
        format!("no browser is known to have the feature `{first}`{more}"),
    ))
}

fn judge_feature(feature: &str, allowed: &ListEntry) -> Vec<Finding> {
    let shown = excerpt(feature.as_bytes());
    let members = match allowed {
        ListEntry::Item(item) => std::slice::from_ref(item),
        ListEntry::InnerList(list) => &list.items,
    };
    let mut findings = Vec::new();
    let is_token = |item: &BareItem, word: &str| matches!(item, BareItem::Token(t) if t.as_str() == word);
    if members.iter().any(|member| is_token(&member.bare_item, "*")) && POWERFUL.contains(&feature) {
        findings.push(
            Finding::warn(
                "wildcard",
                format!("any site the page puts into a frame may be given `{shown}`, expected a list"),
            )
            .subject(format!("feature `{shown}`"))
            .remedy(format!("send `{shown}=()`, or list who may use it")),
        );
    }
    // Permissions Policy, section 5.2: tokens other than these and values of other types are skipped.
    let skipped = members.iter().find(|member| match &member.bare_item {
        BareItem::String(_) => false,
        item => !["*", "self", "src"].iter().any(|word| is_token(item, word)),
    });
    if skipped.is_some() {
        findings.push(
            Finding::warn(
                "skipped_member",
                format!(
                    "the list of `{shown}` holds a member that browsers skip, expected origins in quotes"
                ),
            )
            .subject(format!("feature `{shown}`"))
            .remedy(format!("write `{shown}=(self \"https://frame.example.com\")`")),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use readiness_core::{Status, Target};

    use readiness_core::fact::Exchange;

    use super::*;
    use crate::http::{Page, samples};

    fn of(lines: &[&str]) -> Outcome {
        let headers: Vec<_> = lines.iter().map(|line| ("permissions-policy", *line)).collect();
        judge(
            &PermissionsPolicy::default(),
            samples::looked(&samples::html(&headers)),
        )
    }

    fn codes(outcome: &Outcome) -> Vec<&str> {
        outcome
            .findings
            .iter()
            .map(|finding| finding.code.as_str())
            .collect()
    }

    #[test]
    fn features_and_who_may_use_them() {
        // RFC 9651, section 4.2.2, and Permissions Policy, section 5.2.
        for (lines, wanted) in [
            (&["camera=()"][..], &[][..]),
            (&["camera=(), microphone=(), geolocation=()"], &[]),
            (&["camera=()", "microphone=*"], &["wildcard"]),
            (&["camera=self"], &[]),
            (&["camera=(self)"], &[]),
            (&["camera=(self \"https://a.example\")"], &[]),
            (&["camera=\"https://a.example\""], &[]),
            (&["camera=*"], &["wildcard"]),
            (&["camera=(*)"], &["wildcard"]),
            (&["camera=(self *)"], &["wildcard"]),
            (&["camera=(\"*\")"], &[]),
            (&["camera=*;report-to=group"], &["wildcard"]),
            (&["fullscreen=*"], &[]),
            (&["unknown-feature=*"], &["unknown_feature"]),
            (
                &["unknown-feature=(), other-one=(), camera=*"],
                &["unknown_feature", "wildcard"],
            ),
            // The last one of a name counts.
            (&["camera=*, camera=()"], &[]),
            (&["camera=(), camera=*"], &["wildcard"]),
            (&["camera=(https://a.example)"], &["skipped_member"]),
            (&["camera=(none)"], &["skipped_member"]),
            (&["camera"], &["skipped_member"]),
            (&["camera=1"], &["skipped_member"]),
            (&["camera=('self')"], &["ignored"]),
            (&["camera 'none'; microphone 'none'"], &["ignored"]),
            (&["camera=(self"], &["ignored"]),
            (&["camera=(),"], &["ignored"]),
            (&["camera=();microphone=()"], &["ignored"]),
            (&["Camera=()"], &["ignored"]),
            (&["*"], &["unknown_feature", "skipped_member"]),
            (&[""], &[]),
        ] {
            assert_eq!(codes(&of(lines)), wanted, "{lines:?}");
        }
    }

    #[test]
    fn the_place_of_the_fault_is_shown() {
        let outcome = of(&["camera=(), microphone 'none'"]);
        assert!(
            outcome.findings[0].message.contains("at byte 22"),
            "{}",
            outcome.findings[0].message
        );
    }

    #[test]
    fn absent_passes_and_the_old_header_is_noted() {
        assert!(of(&[]).status.is_pass());
        let old = samples::html(&[("feature-policy", "camera 'none'")]);
        let outcome = judge(&PermissionsPolicy::default(), samples::looked(&old));
        assert_eq!(
            (codes(&outcome), &outcome.status),
            (vec!["feature_policy"], &Status::Pass)
        );
    }

    #[test]
    fn it_can_be_demanded() {
        let strict = PermissionsPolicy {
            required: true,
            ..PermissionsPolicy::default()
        };
        let of = |headers: &[(&str, &str)]| judge(&strict, samples::looked(&samples::html(headers)));
        assert_eq!(codes(&of(&[])), ["missing"]);
        assert!(of(&[]).status.is_fail());
        assert!(of(&[("permissions-policy", "camera=()")]).status.is_pass());
        // Neither the old header nor one that only reports is the policy.
        for name in ["feature-policy", "permissions-policy-report-only"] {
            assert!(of(&[(name, "camera=()")]).status.is_fail(), "{name}");
        }
    }

    #[test]
    fn only_pages_use_features() {
        let of = |status, content_type: &str| {
            let headers = [("content-type", content_type), ("permissions-policy", "camera=*")];
            judge(
                &PermissionsPolicy::default(),
                samples::looked(&Exchange::new(status, headers)),
            )
            .status
        };
        assert!(of(200, "text/html").is_warn());
        assert!(of(200, "application/json").is_not_applicable());
        assert!(of(200, "text/css").is_not_applicable());
        assert!(of(404, "text/html").is_not_applicable());
        assert!(of(403, "text/html").is_unknown());
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let facts = samples::facts(
            "https://example.com/",
            &[("permissions-policy", "camera=*, usb=()")],
        );
        let outcome = facts.judge(&PermissionsPolicy::default(), &target);
        assert_eq!(
            outcome.summary,
            "2 features are named, 1 of them for any site in a frame"
        );
        assert_eq!(outcome.findings[0].subject, "feature `camera`");
        assert!(
            PermissionsPolicy {
                pages: Pages::new([Page::default().accept_status([1])]),
                ..Default::default()
            }
            .check()
            .is_err()
        );
        assert!(PermissionsPolicy::default().check().is_ok());
    }

    #[test]
    fn hostile_values_make_few_findings() {
        for value in samples::hostile() {
            let exchange = samples::html(&[("permissions-policy", value)]);
            let outcome = judge(&PermissionsPolicy::default(), samples::looked(&exchange));
            assert!(outcome.findings.len() <= MOST_FINDINGS + 2);
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let of_many = |most: usize| {
            let names: Vec<String> = (0..most).map(|n| format!("a{n}=none")).collect();
            of(&[&names.join(", ")])
        };
        // One finding holds all unknown names.
        let all = of_many(MOST_FINDINGS);
        assert_eq!(all.findings.len(), MOST_FINDINGS + 1);
        let more = of_many(MOST_FINDINGS + 2);
        assert_eq!(more.findings.len(), MOST_FINDINGS + 2);
        assert_eq!(
            more.findings[MOST_FINDINGS + 1].message,
            "2 more findings like these are not shown"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let exchange = samples::html(&[("permissions-policy", value)]);
            let _ = judge(&PermissionsPolicy::default(), samples::looked(&exchange));
        }
    }
}
