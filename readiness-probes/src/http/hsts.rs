use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Unit, async_trait,
    probe,
};

use super::{
    applicability::{Rule, Weight, by_status, is_challenge, not_the_page, weigh},
    page::{Looked, judge_page},
    pages::Pages,
    strict_transport::parse,
    syntax::shown,
};

probe! {
    /// Browsers come back over https only (HTTP Strict Transport Security).
    ///
    /// # What it checks
    /// The first `Strict-Transport-Security` line of the response to the target's own path, read as browsers
    /// read it. A redirect and an error response are judged as well: every https response can set the policy.
    ///
    /// # Why it matters
    /// Without it the first request of each visit may go over plain HTTP, where anybody on the way can answer in
    /// the service's place.
    ///
    /// # How it is judged
    /// A missing line fails, and so does one that browsers ignore: no `max-age` or one that is no number, a
    /// directive given twice, a value where none belongs, a stray quote. `max-age=0` switches the policy off and
    /// fails; less than `min_max_age_seconds` fails. Lines after the first have no effect; where they say
    /// something else, that is a warning. It does not apply to plain HTTP and to addresses, for which browsers
    /// ignore the header.
    ///
    /// # How to fix
    /// Send `Strict-Transport-Security: max-age=31536000` on every https response, errors and redirects among
    /// them (nginx: `add_header … always`). Begin with a short `max-age` where plain HTTP is still in use.
    pub struct Hsts {
        /// The least `max-age` that passes, in seconds. Default: 15552000 (180 days).
        pub min_max_age_seconds: u64 = 15_552_000,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.hsts",
    title: "browsers come back over https only",
    priority: High,
    references: [
        "RFC 6797 section 6.1" => "https://www.rfc-editor.org/rfc/rfc6797#section-6.1",
        "RFC 6797 section 8.1" => "https://www.rfc-editor.org/rfc/rfc6797#section-8.1",
    ],
}

#[async_trait]
impl Probe for Hsts {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl Hsts {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.min_max_age_seconds == 0 {
            return Err("`min_max_age_seconds` is 0, expected at least 1: 0 switches the policy off".into());
        }
        self.pages.check()
    }
}

const HEADER: &str = "Strict-Transport-Security";

fn judge(settings: &Hsts, looked: Looked<'_>) -> Outcome {
    let Looked { key, page, exchange } = looked;
    if !exchange.channel.is_secure() {
        return Outcome::not_applicable("browsers ignore HSTS over plain http");
    }
    let host = &key.endpoint.name;
    if host.parse::<std::net::IpAddr>().is_ok() {
        // RFC 6797, section 8.1.1.
        return Outcome::not_applicable("browsers keep no HSTS policy for an address");
    }
    let kind = page.kind.unwrap_or_else(|| by_status(exchange));
    let weight = weigh(Rule::Hsts, kind, exchange);
    if let Weight::None(because) = weight {
        return Outcome::not_applicable(because);
    }
    let mut lines = exchange.all("strict-transport-security");
    let Some(first) = lines.next() else {
        let declared = page.is_declared(exchange.status);
        if !declared && is_challenge(exchange) {
            // The filter in front made this response; it says nothing about the service's own.
            return not_the_page(&format!("a challenge page (HTTP {})", exchange.status));
        }
        let finding = Finding::fail("missing", format!("expected a `{HEADER}` header and found none"))
            .remedy(format!(
                "send `{HEADER}: max-age=31536000` on every https response"
            ));
        return Outcome::judged("no Strict-Transport-Security header", weight.apply(vec![finding]));
    };
    let mut findings = Vec::new();
    let others = lines.filter(|line| *line != first).count();
    if others > 0 {
        findings.push(
            Finding::warn(
                "conflicting_lines",
                format!("{others} more `{HEADER}` lines differ from the first, expected one line"),
            )
            .evidence("first line", shown(first))
            .remedy("send the header from one place: browsers obey the first line only"),
        );
    }
    let mut measure = None;
    let summary = match parse(first) {
        Err(fault) => {
            findings.push(
                Finding::fail(
                    "ignored",
                    format!(
                        "browsers ignore the header: {}, at byte {}",
                        fault.problem, fault.at
                    ),
                )
                .evidence(HEADER, shown(first))
                .remedy(format!("send `{HEADER}: max-age=31536000`")),
            );
            "browsers ignore the header, as it does not parse".to_owned()
        }
        Ok(policy) => {
            let age = policy.max_age_seconds;
            let least = settings.min_max_age_seconds;
            let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            measure = Some(Measure::new("max-age", whole(age), Unit::Seconds).at_least(whole(least), 0));
            if age == 0 {
                findings.push(
                    Finding::fail(
                        "switched_off",
                        "`max-age` is 0 s, which makes browsers forget the policy",
                    )
                    .evidence(HEADER, shown(first))
                    .remedy(format!("send `{HEADER}: max-age=31536000`")),
                );
            } else if age < least {
                findings.push(
                    Finding::fail(
                        "max_age_too_short",
                        format!("`max-age` is {age} s, expected at least {least} s"),
                    )
                    .evidence(HEADER, shown(first))
                    .remedy(format!(
                        "raise it to 31536000, or lower `min_max_age_seconds` (now {least})"
                    )),
                );
            }
            let subdomains = if policy.include_subdomains {
                ", with subdomains"
            } else {
                ""
            };
            format!("max-age is {age} s{subdomains}")
        }
    };
    let outcome = Outcome::judged(summary, weight.apply(findings)).evidence(HEADER, shown(first));
    match measure {
        Some(measure) => outcome.measure(measure),
        None => outcome,
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        Reason, Status, Target,
        fact::{Channel, Exchange},
    };

    use super::*;
    use crate::http::{Page, samples};

    fn judged(value: &str) -> Outcome {
        judge(
            &Hsts::default(),
            samples::looked(&samples::html(&[("strict-transport-security", value)]))
                .by(&samples::key("example.com")),
        )
    }

    #[test]
    fn the_age_is_judged_at_below_and_above_its_bound() {
        for (age, code) in [
            (0, Some("switched_off")),
            (1, Some("max_age_too_short")),
            (15_551_999, Some("max_age_too_short")),
            (15_552_000, None),
            (15_552_001, None),
            // More than a year gains nothing in some browsers and does no harm.
            (63_072_000, None),
        ] {
            let outcome = judged(&format!("max-age={age}"));
            assert_eq!(outcome.findings.first().map(|f| f.code.as_str()), code, "{age}");
            assert_eq!(outcome.status.is_pass(), code.is_none(), "{age}");
            let wanted = "(wanted at least 15552000 s";
            assert!(
                outcome.measures[0].to_string().contains(wanted),
                "{:?}",
                outcome.measures
            );
        }
    }

    #[test]
    fn the_advice_never_names_preload() {
        for outcome in [
            judged("max-age=1"),
            judged("x"),
            judged("max-age=31536000; includeSubDomains"),
        ] {
            assert!(!format!("{outcome:?}").contains("preload"));
        }
        assert!(!Hsts::described().fix.contains("preload"));
    }

    #[test]
    fn only_the_first_line_counts() {
        // RFC 6797, section 8.1.
        let two = |a: &str, b: &str| {
            let exchange =
                samples::html(&[("strict-transport-security", a), ("Strict-Transport-Security", b)]);
            judge(
                &Hsts::default(),
                samples::looked(&exchange).by(&samples::key("example.com")),
            )
        };
        assert!(two("max-age=31536000", "max-age=31536000").status.is_pass());
        let outcome = two("max-age=31536000", "max-age=0");
        assert_eq!(
            (outcome.findings[0].code.as_str(), outcome.findings.len()),
            ("conflicting_lines", 1)
        );
        assert!(outcome.status.is_warn());
        assert!(two("max-age=0", "max-age=31536000").status.is_fail());
        assert!(two("junk", "max-age=31536000").status.is_fail());
    }

    #[test]
    fn it_does_not_apply_to_plain_http_and_addresses() {
        let exchange = samples::html(&[("strict-transport-security", "junk")]);
        let plain = judge(
            &Hsts::default(),
            samples::looked(&samples::plain(exchange.clone())).by(&samples::key("example.com")),
        );
        assert!(plain.status.is_not_applicable());
        for address in ["192.0.2.1", "2001:db8::1"] {
            let outcome = judge(
                &Hsts::default(),
                samples::looked(&exchange).by(&samples::key(address)),
            );
            assert!(outcome.status.is_not_applicable(), "{address}");
        }
        let untrusted = exchange.channel(Channel::UntrustedTls);
        assert!(
            judge(
                &Hsts::default(),
                samples::looked(&untrusted).by(&samples::key("example.com"))
            )
            .status
            .is_fail()
        );
    }

    #[test]
    fn redirects_and_errors_are_judged_and_assets_inform() {
        let status = |status, headers: &[(&str, &str)]| {
            let exchange = Exchange::new(status, headers.iter().copied());
            judge(
                &Hsts::default(),
                samples::looked(&exchange).by(&samples::key("example.com")),
            )
            .status
        };
        assert!(status(301, &[("location", "https://www.example.com/")]).is_fail());
        for code in [401, 403, 404, 500, 503] {
            assert!(status(code, &[("content-type", "text/html")]).is_fail(), "{code}");
            assert!(status(code, &[("strict-transport-security", "max-age=31536000")]).is_pass());
        }
        assert!(status(200, &[("content-type", "image/png")]).is_pass());
        assert_eq!(
            status(403, &[("cf-mitigated", "challenge")]),
            Status::unknown(Reason::UNEXPECTED_RESPONSE)
        );
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let facts = samples::facts(
            "https://example.com/",
            &[("strict-transport-security", "max-age=31536000")],
        );
        let outcome = facts.judge(&Hsts::default(), &target);
        assert_eq!(
            (outcome.status, outcome.summary.as_str()),
            (Status::Pass, "max-age is 31536000 s")
        );
        let facts = samples::facts("https://example.com/", &[("content-type", "text/html")]);
        assert!(facts.judge(&Hsts::default(), &target).status.is_fail());
    }

    #[test]
    fn settings_are_checked() {
        let with = |min_max_age_seconds, status: &[u16]| {
            Hsts {
                min_max_age_seconds,
                pages: Pages::new([Page::default().accept_status(status.iter().copied())]),
                ..Hsts::default()
            }
            .check()
        };
        assert!(with(1, &[503]).is_ok());
        assert!(with(0, &[]).unwrap_err().contains("min_max_age_seconds"));
        assert!(with(1, &[99]).is_err());
    }

    #[test]
    fn hostile_values_are_ignored_as_a_whole() {
        for value in samples::hostile() {
            let exchange = samples::html(&[("strict-transport-security", value)]);
            let outcome = judge(
                &Hsts::default(),
                samples::looked(&exchange).by(&samples::key("example.com")),
            );
            assert!(outcome.status.is_fail());
        }
    }
}
