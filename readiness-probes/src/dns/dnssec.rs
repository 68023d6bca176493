use std::{fmt, net::SocketAddr};

use async_trait::async_trait;
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Timestamp,
    fact::{DnsAnswer, DnsResult, RecordType},
};
use serde::Deserialize;

use self::{
    chain::{Not, Why},
    name::Name,
    state::Judged,
};
use super::records::nameservers;

mod anchor;
mod chain;
mod crypto;
mod denial;
mod habits;
mod look;
mod name;
mod record;
mod said;
mod state;
#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests;
mod verify;

readiness_core::probe! {
    /// The name's signatures lead to a trust anchor.
    ///
    /// # What it checks
    /// The keys and DS records of every zone from the trust anchor down to the target's name, and the name's own
    /// records, with their signatures. They are checked here, whatever the nameserver that passes them on says.
    /// Aliases are followed, and so is what they lead to.
    ///
    /// # Why it matters
    /// A zone whose signatures do not hold is gone for everybody behind a resolver that checks them, and there
    /// for everybody else: half of the users cannot reach the service, and the other half cannot see why.
    ///
    /// # How it is judged
    /// A name is *secure* where every step is signed, *insecure* where a zone above says that nobody need expect
    /// signatures, *bogus* where what is there contradicts what is signed, and *indeterminate* where it could not
    /// be told (RFC 4035, section 4.3). Bogus fails, but only where a second look over TCP says so too; indeterminate
    /// is unknown; `expected` says what the other two are worth.
    ///
    /// The signatures of the name's own zone must last: fewer than `warn_hours` left, or a quarter of their whole
    /// life where that is less, warns; fewer than `fail_hours`, or an eighth, fails; more than `max_days` warns.
    /// RSASHA1 and DS records by SHA-1 alone warn; RSAMD5, DSA and GOST fail. Iterations and a salt of NSEC3 are
    /// notes up to 100 iterations, and so is a signed zone without a DS record above it.
    ///
    /// # How to fix
    /// Sign the zone again, or correct the DS records at the registrar. To leave DNSSEC, have the DS records removed
    /// first and the signatures a day after them.
    pub struct Dnssec {
        /// The name, as an absolute one. Default: the target's host.
        pub name: Option<String> = None,
        /// The types of its records that are looked at, besides SOA. Default: A and AAAA.
        pub types: Vec<RecordType> = vec![RecordType::A, RecordType::Aaaa],
        /// What the name should be: `allowed` to be insecure, `required` to be secure, or `forbidden` to be.
        /// Default: `allowed`.
        pub expected: DnssecExpected = DnssecExpected::Allowed,
        /// The nameservers to ask, in this order, as `192.0.2.53` or `192.0.2.53:5353`. They must pass signatures on.
        /// Default: the machine's.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
        /// The nameservers to ask again before a name is called bogus. Default: those asked first.
        #[serde(deserialize_with = "nameservers")]
        pub second_opinion: Vec<SocketAddr> = Vec::new(),
        /// DS records of the keys that are trusted by themselves, as `example.com. DS 12345 13 2 49FD…`. Default: those
        /// of the root.
        pub trust_anchor: Vec<String> = Vec::new(),
        /// How long a signature should last at least, in hours. Default: 72.
        pub warn_hours: u32 = 72,
        /// How long it must last at least, in hours. Default: 12.
        pub fail_hours: u32 = 12,
        /// How long it should last at most, in days. Default: 180.
        pub max_days: u32 = 180,
        /// How long one try may take, in milliseconds; the source may allow less. Default: 2000.
        pub attempt_ms: u32 = 2_000,
    }
    id: "dns.dnssec",
    title: "the name's signatures lead to a trust anchor",
    priority: Info,
    timeout_seconds: 20,
    references: [
        "RFC 4035 section 5" => "https://www.rfc-editor.org/rfc/rfc4035#section-5",
        "RFC 5155 section 8" => "https://www.rfc-editor.org/rfc/rfc5155#section-8",
        "RFC 6781 section 4.4.2" => "https://www.rfc-editor.org/rfc/rfc6781#section-4.4.2",
        "RFC 6840" => "https://www.rfc-editor.org/rfc/rfc6840",
        "RFC 8624 section 3" => "https://www.rfc-editor.org/rfc/rfc8624#section-3",
        "RFC 9276 section 3" => "https://www.rfc-editor.org/rfc/rfc9276#section-3",
        "RFC 9364" => "https://www.rfc-editor.org/rfc/rfc9364",
    ],
}

/// What a name should be.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DnssecExpected {
    /// Secure or insecure.
    #[default]
    Allowed,
    /// Insecure.
    Forbidden,
    /// Secure.
    Required,
}

impl fmt::Display for DnssecExpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed => "allowed",
            Self::Forbidden => "forbidden",
            Self::Required => "required",
        })
    }
}

impl Dnssec {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        anchor::anchors(&self.trust_anchor)?;
        if let Some(name) = &self.name
            && Name::parse(name).is_none()
        {
            return Err("`name` is no domain name, expected one such as `www.example.com`".into());
        }
        if self.types.is_empty() {
            return Err("`types` is empty, expected a type such as `A`".into());
        }
        if self.types.len() > MOST_TYPES {
            return Err(format!("`types` holds more than {MOST_TYPES} types"));
        }
        if self.attempt_ms == 0 {
            return Err("`attempt_ms` is 0, expected at least 1".into());
        }
        if self.fail_hours > self.warn_hours {
            return Err(format!(
                "`fail_hours` ({}) is more than `warn_hours` ({})",
                self.fail_hours, self.warn_hours
            ));
        }
        if u64::from(self.warn_hours) >= u64::from(self.max_days) * 24 {
            return Err(format!(
                "`warn_hours` ({}) leaves nothing below `max_days` ({})",
                self.warn_hours, self.max_days
            ));
        }
        Ok(())
    }
}

/// The most types that are looked at.
const MOST_TYPES: usize = 16;

#[async_trait]
impl Probe for Dnssec {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let host = cx.target().host();
        let name = match &self.name {
            Some(name) => name.as_str(),
            None if cx.target().address().is_some() => {
                return Ok(Outcome::not_applicable(format!(
                    "`{host}` is an address: there is no name to look up"
                )));
            }
            None => host,
        };
        let Some(name) = Name::parse(name) else {
            let problem = format!("`{}` is no domain name", name.escape_debug());
            return Ok(Outcome::unknown(Reason::ERROR, problem));
        };
        // RFC 6761, section 6.3: no nameserver is asked for it.
        if name.is_within(&Name::localhost()) {
            return Ok(Outcome::not_applicable(format!(
                "`{name}` is this machine: no zone signs it"
            )));
        }
        if !crypto::AVAILABLE {
            return Ok(Outcome::unknown(
                Reason::ERROR,
                "this build cannot check signatures: it has neither the feature `aws-lc-rs` nor `ring`",
            ));
        }
        let anchors = anchor::anchors(&self.trust_anchor).map_err(ProbeError::other)?;
        let seen = look::look(cx, self, &anchors, &name, look::Time::First).await;
        let first = state::judge(&anchors, &seen, cx.now());
        if !matches!(first.state, Err(Not::Bogus(_))) {
            return Ok(judge(self, &name, &first, None, cx.now()));
        }
        let again = look::look(cx, self, &anchors, &name, look::Time::Second).await;
        let second = Second {
            judged: state::judge(&anchors, &again, cx.now()),
            checked: look::checked(cx, self, &name).await,
        };
        Ok(judge(self, &name, &first, Some(&second), cx.now()))
    }
}

/// A look, owned, so that a judgement needs nothing else.
type Look = Result<DnsAnswer, ObserveError>;

/// One name on the way: the target, or what an alias leads to.
#[derive(Debug)]
struct Step {
    name: String,
    /// What was said of the DS records of this name and those above it.
    ds: Vec<(String, Look)>,
    /// And of the DNSKEY records.
    keys: Vec<(String, Look)>,
    /// The name's own records, the SOA record first.
    answers: Vec<(RecordType, Look)>,
}

impl Step {
    fn ds(&self, zone: &Name) -> Option<&Look> {
        of(&self.ds, zone)
    }

    fn keys(&self, zone: &Name) -> Option<&Look> {
        of(&self.keys, zone)
    }
}

fn of<'a>(looks: &'a [(String, Look)], zone: &Name) -> Option<&'a Look> {
    let zone = zone.to_string();
    looks.iter().find(|(name, _)| *name == zone).map(|(_, look)| look)
}

/// What was seen of a name.
#[derive(Debug, Default)]
struct Seen {
    steps: Vec<Step>,
    /// An alias that was not followed: there were too many, or they lead back.
    not_followed: Option<String>,
}

/// What is seen where the first look says bogus.
#[derive(Debug)]
struct Second {
    judged: Judged,
    /// What a resolver says that is asked to check.
    checked: Look,
}

fn judge(settings: &Dnssec, name: &Name, first: &Judged, second: Option<&Second>, now: Timestamp) -> Outcome {
    let (judged, mut findings) = match second {
        Some(second) => (&second.judged, second_opinion(name, first, second)),
        None => (first, Vec::new()),
    };
    let mut summary = findings.first().map(|finding| finding.message.clone());
    if findings.iter().all(|finding| finding.status.is_warn()) {
        findings.extend(expectation(settings, name, &judged.state));
        findings.extend(habits::findings(settings, judged, now));
    }
    let worst = findings.iter().find(|finding| !finding.is_note());
    if let (None, Some(finding)) = (&summary, worst) {
        summary = Some(finding.message.clone());
    }
    let summary = summary.unwrap_or_else(|| in_short(judged));
    let outcome = Outcome::judged(summary, findings)
        .evidence("state", word(&judged.state))
        .evidence("zones", zones(judged));
    match second {
        Some(second) => outcome.evidence("asked to check", said_of_check(&second.checked)),
        None => outcome,
    }
}

/// What two looks say where the first one says bogus.
fn second_opinion(name: &Name, first: &Judged, second: &Second) -> Vec<Finding> {
    let at_first = first
        .troubles
        .first()
        .map_or("", |trouble| trouble.message.as_str());
    match &second.judged.state {
        Err(Not::Bogus(_)) => {
            if second.checked.as_ref().is_ok_and(|answer| answer.authenticated) {
                let message = format!(
                    "`{name}` is bogus here, and a resolver that was asked to check says it is not: {at_first}"
                );
                let finding = Finding::unknown("opinions_differ", Reason::UNEXPECTED_RESPONSE, message)
                    .remedy(
                        "ask again when its cache has run out, or name another resolver in `second_opinion`",
                    );
                return vec![finding];
            }
            second
                .judged
                .troubles
                .iter()
                .map(said::Trouble::finding)
                .collect()
        }
        Err(Not::Indeterminate(reason, problem)) => {
            let message = format!("`{name}` was bogus ({at_first}), and a second look failed: {problem}");
            vec![
                Finding::unknown("bogus_not_confirmed", reason.clone(), message)
                    .remedy("look again, or name other nameservers in `second_opinion`"),
            ]
        }
        state => {
            let message = format!(
                "`{name}` was bogus at first and {} when asked again: {at_first}",
                word(state)
            );
            vec![
                Finding::warn("bogus_at_first", message)
                    .remedy("compare the nameservers of the zone: one of them may have an old copy of it"),
            ]
        }
    }
}

/// What a state is worth.
fn expectation(settings: &Dnssec, name: &Name, state: &Result<(), Not>) -> Vec<Finding> {
    match (state, settings.expected) {
        (Ok(()), DnssecExpected::Forbidden) => vec![
            Finding::fail("signed", format!("`{name}` is secure, and should not be signed"))
                .remedy("have the DS records removed at the registrar, and then the signatures"),
        ],
        (Err(Not::Insecure(why)), DnssecExpected::Required) => vec![not_signed(name, why)],
        (Err(Not::Indeterminate(reason, problem)), _) => vec![
            Finding::unknown("indeterminate", reason.clone(), problem.clone()).remedy(
                "name nameservers in `nameservers` that pass signatures on, even those that do not verify",
            ),
        ],
        _ => Vec::new(),
    }
}

fn not_signed(name: &Name, why: &Why) -> Finding {
    let because = said::why(why);
    if let Why::Unsupported { kinds, .. } = why {
        let is_sound = |(algorithm, digest): &(u8, u8)| {
            crypto::algorithm_standing(*algorithm) == crypto::Standing::Sound
                && crypto::digest_standing(*digest) == crypto::Standing::Sound
        };
        if kinds.iter().any(is_sound) {
            let message = format!("whether `{name}` is secure is not known: {because}");
            return Finding::unknown("unsupported_algorithm", Reason::ERROR, message)
                .remedy("add a key of ECDSAP256SHA256, which every resolver checks");
        }
    }
    Finding::fail("not_signed", format!("`{name}` should be secure: {because}"))
        .remedy("sign the zone, and enter its DS record at the registrar")
}

fn word(state: &Result<(), Not>) -> &'static str {
    match state {
        Ok(()) => "secure",
        Err(Not::Bogus(_)) => "bogus",
        Err(Not::Indeterminate(..)) => "indeterminate",
        Err(Not::Insecure(_)) => "insecure",
    }
}

fn in_short(judged: &Judged) -> String {
    match &judged.state {
        Ok(()) => habits::in_short(judged),
        Err(Not::Insecure(why)) => format!("insecure: {}", said::why(why)),
        Err(Not::Bogus(trouble)) => trouble.message.clone(),
        Err(Not::Indeterminate(_, problem)) => problem.clone(),
    }
}

fn zones(judged: &Judged) -> String {
    let all: Vec<String> = judged.met.verified.keys().map(ToString::to_string).collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

/// What a resolver says that is asked to check.
fn said_of_check(checked: &Look) -> String {
    match checked {
        Err(e) => e.message.clone(),
        Ok(answer) => {
            let by = &answer.answered_by;
            match answer.result {
                DnsResult::ServFail => format!("{by} fails (SERVFAIL), as one that checks does"),
                _ if answer.authenticated => format!("{by} says it is authentic (AD)"),
                _ => format!("{by} does not say that it checked"),
            }
        }
    }
}
