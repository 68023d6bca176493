use futures_util::future::join;
use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Unit, async_trait,
    fact::{Channel, Exchange},
    probe,
};

use super::{
    applicability::{Rule, Weight, by_status, is_challenge, not_the_page, weigh},
    page::{Looked, judge_page},
    pages::Pages,
    strict_transport::{StrictTransport, parse},
    syntax::shown,
    trail::check_hops,
};
use crate::address::is_loopback_host;

mod chain;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod peers;

probe! {
    /// Browsers come back over https only (HTTP Strict Transport Security).
    ///
    /// # What it checks
    /// The first `Strict-Transport-Security` line of the response to each page, read as browsers read it, and
    /// of every https response on the way there: from plain http on, and from the target's own path on. A
    /// redirect and an error response are judged as well: every https response can set the policy.
    ///
    /// # Why it matters
    /// Without it the first request of each visit may go over plain HTTP, where anybody on the way can answer in
    /// the service's place.
    ///
    /// # How it is judged
    /// A missing line fails, and so does one that browsers ignore: no `max-age` or one that is no number, a
    /// directive given twice, a value where none belongs, a stray quote. `max-age=0` switches the policy off and
    /// fails; less than `min_max_age_seconds` fails, and more is never too much. `includeSubDomains` is asked for
    /// only where `include_subdomains` is set. Lines after the first have no effect; where they say something
    /// else, that is a warning. On the way, the first https response is held to the same, and later ones warn;
    /// those of another organisation's hosts inform. What of the way was not looked at is told, and a host of the
    /// service's own that cannot be resolved leaves it unknown. It does not apply to plain HTTP and to addresses,
    /// for which browsers ignore the header.
    ///
    /// It is told where the policy reaches further than one may think: it holds for every port of the host,
    /// also where it was sent from another port than 443, and for everything else on `localhost`. It is told,
    /// too, where it is sent in vain: over plain HTTP, and while the certificate is not trusted.
    ///
    /// # How to fix
    /// Send `Strict-Transport-Security: max-age=31536000` on every https response, errors and redirects among
    /// them (nginx: `add_header … always`). Begin with `max-age=300` where plain HTTP is still in use.
    pub struct Hsts {
        /// The least `max-age` that passes, in seconds. Default: 15552000 (180 days).
        pub min_max_age_seconds: u64 = 15_552_000,
        /// Whether a policy without `includeSubDomains` fails. Default: false.
        pub include_subdomains: bool = false,
        /// The port of plain http, from which the redirects are followed; 0 means 80 where https is on 443, and
        /// otherwise that they are followed from https alone. Default: 0.
        pub plain_port: u16 = 0,
        /// The most redirects from the first request to the last page; 0 looks at the pages alone. Default: 5.
        pub max_hops: usize = 5,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.hsts",
    title: "browsers come back over https only",
    priority: High,
    references: [
        "RFC 6797 section 6.1" => "https://www.rfc-editor.org/rfc/rfc6797#section-6.1",
        "RFC 6797 section 7.2" => "https://www.rfc-editor.org/rfc/rfc6797#section-7.2",
        "RFC 6797 section 8.1" => "https://www.rfc-editor.org/rfc/rfc6797#section-8.1",
        "RFC 6797 section 8.3" => "https://www.rfc-editor.org/rfc/rfc6797#section-8.3",
    ],
}

#[async_trait]
impl Probe for Hsts {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let pages = judge_page(cx, &self.pages, |looked| judge(self, looked));
        let (pages, chain) = join(pages, chain::look(cx, self)).await;
        Ok(chain::together(pages?, chain?))
    }
}

impl Hsts {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.min_max_age_seconds == 0 {
            return Err("`min_max_age_seconds` is 0, expected at least 1: 0 switches the policy off".into());
        }
        check_hops(self.max_hops, 0)?;
        self.pages.check()
    }
}

const HEADER: &str = "Strict-Transport-Security";
const NAME: &str = "strict-transport-security";

/// The least `max-age` the preload list asks for, in seconds: one year.
const PRELOAD_SECONDS: u64 = 31_536_000;

fn judge(settings: &Hsts, looked: Looked<'_>) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let host = &key.endpoint.name;
    if !exchange.channel.is_secure() {
        let mut outcome = Outcome::not_applicable("browsers ignore HSTS over plain http");
        outcome.findings.extend(sent_in_vain(exchange, &key.url()));
        return outcome;
    }
    if host.parse::<std::net::IpAddr>().is_ok() {
        // RFC 6797, section 8.1.1.
        return Outcome::not_applicable("browsers keep no HSTS policy for an address");
    }
    let kind = page.kind.unwrap_or_else(|| by_status(exchange));
    let weight = weigh(Rule::Hsts, kind, exchange);
    if let Weight::None(because) = weight {
        return Outcome::not_applicable(because);
    }
    let Some(said) = Said::of(settings, exchange) else {
        let declared = page.is_declared(exchange.status);
        if !declared && is_challenge(exchange) {
            // The filter in front made this response; it says nothing about the service's own.
            return not_the_page(&format!("a challenge page (HTTP {})", exchange.status));
        }
        return Outcome::judged(
            "no Strict-Transport-Security header",
            weight.apply(vec![missing()]),
        );
    };
    let mut findings = weight.apply(said.findings);
    findings.extend(advice(host, key.endpoint.address.port(), exchange, said.policy));
    let outcome = Outcome::judged(said.summary, findings).evidence(HEADER, shown(said.line));
    match said.measure {
        Some(measure) => outcome.measure(measure),
        None => outcome,
    }
}

fn missing() -> Finding {
    Finding::fail("missing", format!("expected a `{HEADER}` header and found none")).remedy(format!(
        "send `{HEADER}: max-age=31536000` on every https response; begin with `max-age=300` where plain http is \
         still in use"
    ))
}

/// The note that a plain response holds the header. RFC 6797, sections 7.2 and 8.1.
fn sent_in_vain(exchange: &Exchange, url: &str) -> Option<Finding> {
    let line = exchange.first(NAME)?;
    let message = format!("`{url}` sends `{HEADER}` over plain http, where browsers ignore it");
    Some(Finding::note("sent_over_http", message).evidence(HEADER, shown(line)))
}

/// What the lines of one response say, and what is wrong with that.
struct Said<'a> {
    /// The first line, which is the one that counts.
    line: &'a [u8],
    summary: String,
    findings: Vec<Finding>,
    measure: Option<Measure>,
    /// `None` where browsers ignore the line.
    policy: Option<StrictTransport>,
}

impl<'a> Said<'a> {
    /// `None` where there is no line.
    fn of(settings: &Hsts, exchange: &'a Exchange) -> Option<Self> {
        let mut lines = exchange.all(NAME);
        let line = lines.next()?;
        let mut said = Self {
            line,
            summary: "browsers ignore the header, as it does not parse".to_owned(),
            findings: Vec::new(),
            measure: None,
            policy: None,
        };
        let others = lines.filter(|other| *other != line).count();
        if others > 0 {
            said.findings.push(
                Finding::warn(
                    "conflicting_lines",
                    format!("{others} more `{HEADER}` lines differ from the first, expected one line"),
                )
                .evidence("first line", shown(line))
                .remedy("send the header from one place: browsers obey the first line only"),
            );
        }
        match parse(line) {
            Err(fault) => said.findings.push(
                Finding::fail(
                    "ignored",
                    format!(
                        "browsers ignore the header: {}, at byte {}",
                        fault.problem, fault.at
                    ),
                )
                .evidence(HEADER, shown(line))
                .remedy(format!("send `{HEADER}: max-age=31536000`")),
            ),
            Ok(policy) => said.weigh(settings, policy),
        }
        Some(said)
    }

    fn weigh(&mut self, settings: &Hsts, policy: StrictTransport) {
        let age = policy.max_age_seconds;
        let least = settings.min_max_age_seconds;
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.measure = Some(Measure::new("max-age", whole(age), Unit::Seconds).at_least(whole(least), 0));
        self.policy = Some(policy);
        if age == 0 {
            self.findings.push(
                Finding::fail(
                    "switched_off",
                    "`max-age` is 0 s, which makes browsers forget the policy",
                )
                .evidence(HEADER, shown(self.line))
                .remedy(format!("send `{HEADER}: max-age=31536000`")),
            );
        } else if age < least {
            self.findings.push(
                Finding::fail(
                    "max_age_too_short",
                    format!("`max-age` is {age} s, expected at least {least} s"),
                )
                .evidence(HEADER, shown(self.line))
                .remedy(format!(
                    "raise it to 31536000, or lower `min_max_age_seconds` (now {least})"
                )),
            );
        }
        if settings.include_subdomains && !policy.include_subdomains && age > 0 {
            self.findings.push(
                Finding::fail(
                    "no_include_subdomains",
                    "expected `includeSubDomains`, without which the names below may be reached over plain http",
                )
                .evidence(HEADER, shown(self.line))
                .remedy("add `includeSubDomains` once every name below answers over https"),
            );
        }
        let subdomains = if policy.include_subdomains {
            ", with subdomains"
        } else {
            ""
        };
        self.summary = format!("max-age is {age} s{subdomains}");
    }
}

/// What a policy that browsers take brings along, and what keeps them from taking it just now. All of it is
/// worth knowing and no fault.
fn advice(host: &str, port: u16, exchange: &Exchange, policy: Option<StrictTransport>) -> Vec<Finding> {
    let mut notes = Vec::new();
    let Some(policy) = policy.filter(|policy| policy.max_age_seconds > 0) else {
        return notes;
    };
    if exchange.channel == Channel::UntrustedTls {
        // RFC 6797, section 8.1: only over a connection without any error or warning.
        let message = "browsers take no policy while the certificate is not trusted";
        notes.push(Finding::note("not_taken", message));
    }
    if is_loopback_host(host) {
        let subdomains = if policy.include_subdomains {
            " and every name below it"
        } else {
            ""
        };
        let message = format!(
            "for browsers that heed it there, the policy holds for all ports of `{host}`{subdomains}: whatever \
             else runs there over plain http is out of their reach"
        );
        notes.push(Finding::note("localhost", message).remedy("send no HSTS from a development server"));
    } else if port != 443 {
        // RFC 6797, section 8.3: the scheme changes, an explicit port stays.
        let message = format!(
            "sent from port {port}, the policy holds for every port of `{host}`: a browser makes \
             `http://{host}:8080` into `https://{host}:8080`"
        );
        notes.push(Finding::note("every_port", message));
    }
    let lacks = match (
        policy.include_subdomains,
        policy.max_age_seconds < PRELOAD_SECONDS,
    ) {
        (true, false) => return notes,
        (false, false) => "without `includeSubDomains`".to_owned(),
        (true, true) => format!("with a `max-age` under {PRELOAD_SECONDS} s"),
        (false, true) => {
            format!("without `includeSubDomains` and with a `max-age` under {PRELOAD_SECONDS} s")
        }
    };
    if policy.preload {
        let message = format!(
            "`preload` says that the host may be put on the list built into browsers, which takes none {lacks}"
        );
        notes.push(Finding::note("preload_in_vain", message).remedy("take `preload` out of the header"));
    }
    notes
}

#[cfg(test)]
mod tests;
