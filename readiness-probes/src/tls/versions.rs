mod tried;

use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{ServerHello, StartTls, TlsVersion},
};

pub(super) use self::tried::{Tried, nothing_agreed, try_versions};
use crate::{
    address,
    tls::{
        alpn, group,
        hello::{Offer, Verdict},
        key_exchange,
        opening::Opening,
        protocol::check_min_version,
        refusal,
        suite::{Fault, Suite},
    },
};

readiness_core::probe! {
    /// Only current versions of TLS are offered.
    ///
    /// # What it checks
    /// Which of SSLv3, TLS 1.0, 1.1, 1.2 and 1.3 each address of the target would speak. Each version is
    /// offered alone, with a hello written by hand, over a connection of its own, which ends after the
    /// server's first answer: five connections for each address, beyond those of the other probes. A version
    /// is offered once more where nothing came back. What the server picks for TLS 1.2 is judged too. SSLv2
    /// is not tried.
    ///
    /// # Why it matters
    /// SSLv3 and TLS 1.0 and 1.1 are forbidden (RFC 7568, RFC 8996): what is sent over them can be read or
    /// changed. A server that still takes them lets an attacker choose them for a client that does too, and
    /// the agreement on TLS 1.3 that everybody sees says nothing of it.
    ///
    /// # How it is judged
    /// A version below `min_version` that is offered fails, and so does offering none at or above it. TLS 1.2
    /// or 1.3 alone is told. A suite, a group or a key that is too weak fails; no forward secrecy and CBC
    /// suites warn, where they are all the server picks. A version counts as not offered only where the
    /// server says so or answers with another; where it is silent, it is unknown.
    ///
    /// # How to fix
    /// Allow TLS 1.2 and 1.3 and nothing else: `ssl_protocols TLSv1.2 TLSv1.3` in nginx, `SSLProtocol -all
    /// +TLSv1.2 +TLSv1.3` in Apache, `ssl-min-ver TLSv1.2` in HAProxy, the security policy of a load
    /// balancer.
    pub struct TlsVersions {
        /// The oldest version that may be offered: `1.2` or `1.3`. Default: `1.2`.
        pub min_version: String = "1.2".to_owned(),
        /// The dialogue before TLS: `smtp`, `imap`, `pop3`, `lmtp`, `postgres`, `mysql`, or a table of one's
        /// own. Default: that of the target's scheme, and none where it speaks TLS from the first byte.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.versions",
    title: "only current versions of TLS are offered",
    priority: Info,
    timeout_seconds: 20,
    references: [
        "RFC 7568" => "https://www.rfc-editor.org/rfc/rfc7568",
        "RFC 8996" => "https://www.rfc-editor.org/rfc/rfc8996",
        "RFC 9325 section 3.1.1" => "https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1",
    ],
}

impl TlsVersions {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        check_min_version(&self.min_version)
    }
}

#[async_trait]
impl Probe for TlsVersions {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let opening = match Opening::of(target, self.starttls.as_ref()) {
            Ok(opening) => opening,
            Err(because) => return Ok(Outcome::not_applicable(because)),
        };
        let endpoints = address::endpoints(cx, target.port(), opening.at_once()).await?;
        let offers = endpoints
            .into_iter()
            .map(|endpoint| (endpoint.address, Offer::new(endpoint, &opening)));
        let looks = offers.map(|(address, offer)| async move {
            let outcome = match try_versions(cx, &offer).await {
                Ok(tried) => judge(&tried, self),
                Err(error) => address::not_seen(&error),
            };
            (address, outcome)
        });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}

fn judge(tried: &[Tried], settings: &TlsVersions) -> Outcome {
    let outcome = match nothing_agreed(tried) {
        Some((reason, why)) => Outcome::judged(
            format!("no version was agreed upon: {}", reason.describe()),
            vec![refusal::finding(&reason, why)],
        ),
        None => Outcome::judged(summary(tried), findings(tried, settings)),
    };
    let outcome = tried.iter().fold(outcome, |outcome, tried| {
        outcome.evidence(tried.version.to_string(), shown(tried))
    });
    let hellos: usize = tried.iter().map(|tried| tried.hellos).sum();
    outcome
        .evidence(
            "connections",
            format!("{hellos}, one for each version and second try"),
        )
        .evidence(
            "scope",
            "SSLv3 to TLS 1.3, each offered alone; SSLv2 was not tried",
        )
}

fn summary(tried: &[Tried]) -> String {
    let offered: Vec<String> = tried
        .iter()
        .rev()
        .filter(|tried| tried.agreed().is_some())
        .map(|tried| tried.version.to_string())
        .collect();
    match offered.as_slice() {
        [one] => format!("{one} alone is offered"),
        many => format!("offered are {}", many.join(", ")),
    }
}

fn findings(tried: &[Tried], settings: &TlsVersions) -> Vec<Finding> {
    let minimum = match settings.min_version.as_str() {
        "1.3" => TlsVersion::Tls13,
        _ => TlsVersion::Tls12,
    };
    let mut findings = Vec::new();
    for tried in tried {
        match &tried.verdict {
            Verdict::Agreed(hello) if tried.version < minimum => {
                findings.push(too_old(tried.version, hello, minimum));
            }
            Verdict::Agreed(hello) => findings.extend(of_hello(tried.version, hello)),
            Verdict::Unclear(reason, why) => findings.push(
                Finding::unknown(
                    "unclear",
                    reason.clone(),
                    format!("whether {} is offered cannot be told: {why}", tried.version),
                )
                .subject(tried.version.to_string())
                .remedy("look again, and from nearby: something on the way may drop such a hello"),
            ),
            Verdict::Refused(_) | Verdict::Ended(..) => {}
        }
    }
    findings.extend(of_current(tried, minimum));
    findings
}

fn too_old(version: TlsVersion, hello: &ServerHello, minimum: TlsVersion) -> Finding {
    Finding::fail(
        "old_version",
        format!("{version} is offered, expected {minimum} as the oldest"),
    )
    .subject(version.to_string())
    .evidence("suite", suite_name(hello.suite))
    .remedy(format!(
        "turn {version} off, at whatever ends TLS: the server, or the load balancer before it"
    ))
}

/// What the server picked when it had all to pick from.
fn of_hello(version: TlsVersion, hello: &ServerHello) -> Vec<Finding> {
    let suite = Suite::of(hello.suite);
    let name = suite_name(hello.suite);
    let mut findings: Vec<Finding> = suite
        .and_then(|suite| Fault::of(&suite))
        .map(|fault| fault.finding(&name))
        .into_iter()
        .chain(alpn::allowed(&hello.alpn, &name))
        .map(|finding| finding.subject(version.to_string()))
        .collect();
    findings.extend(key_exchange::findings(hello));
    findings
}

/// What is to be said of those versions that should be there.
fn of_current(tried: &[Tried], minimum: TlsVersion) -> Option<Finding> {
    let at = |version| tried.iter().find(|tried| tried.version == version);
    let (newer, older) = (at(TlsVersion::Tls13)?, at(TlsVersion::Tls12)?);
    let is_unclear = |tried: &Tried| matches!(tried.verdict, Verdict::Unclear(..));
    match (newer.agreed(), older.agreed()) {
        (None, None) if is_unclear(newer) || is_unclear(older) => None,
        (None, None) => Some(
            Finding::fail(
                "no_current_version",
                "neither TLS 1.2 nor TLS 1.3 is offered, expected one of them",
            )
            .evidence("TLS 1.3", shown(newer))
            .evidence("TLS 1.2", shown(older))
            .remedy("allow TLS 1.2 and TLS 1.3 on the server (OpenSSL 1.1.1 and later speak both)"),
        ),
        (None, Some(_)) if minimum == TlsVersion::Tls13 => None,
        (None, Some(_)) if !is_unclear(newer) => Some(Finding::note(
            "only_tls_1_2",
            "of the current versions TLS 1.2 alone is offered; TLS 1.3 is quicker, and strong by itself",
        )),
        (Some(_), None) if !is_unclear(older) => Some(Finding::note(
            "only_tls_1_3",
            "TLS 1.3 alone is offered; clients from before 2018 cannot connect",
        )),
        _ => None,
    }
}

fn shown(tried: &Tried) -> String {
    match &tried.verdict {
        Verdict::Agreed(hello) => {
            let mut text = format!("offered: {}", suite_name(hello.suite));
            if let Some(group) = hello.group {
                text += &format!(", {}", group::name(group));
            }
            if let Some(bits) = hello.dh_bits {
                text += &format!(", a prime of {bits} bits");
            }
            if let Some(cut) = &hello.cut {
                text += &format!(" (then {cut})");
            }
            text
        }
        Verdict::Refused(how) => format!("not offered: {how}"),
        Verdict::Ended(_, how) | Verdict::Unclear(_, how) => format!("unknown: {how}"),
    }
}

fn suite_name(number: u16) -> String {
    Suite::of(number).map_or_else(|| format!("{number:#06x}"), |suite| suite.name.to_owned())
}

#[cfg(test)]
mod tests;
