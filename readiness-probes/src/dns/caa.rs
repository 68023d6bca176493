use std::net::SocketAddr;

use async_trait::async_trait;
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    fact::DnsAnswer,
};

use self::{
    climb::{Climb, Found},
    property::{Issue, Property, Read},
};
use super::records::nameservers;

mod climb;
mod property;
#[cfg(test)]
mod tests;

readiness_core::probe! {
    /// The name's CAA records let the right authorities issue.
    ///
    /// # What it checks
    /// The CAA records that an authority must heed before it issues a certificate for the target's name: those of
    /// the name, or of the closest name above it that has any.
    ///
    /// # Why it matters
    /// Without them every authority in the world may issue for the name, and the weakest one decides. With wrong
    /// ones the next renewal fails, weeks after somebody changed them.
    ///
    /// # How it is judged
    /// Each of `issuers` must be allowed to issue, with `wildcard` for `*.` the name too, and no other one may be;
    /// where the records name methods or accounts, so must `methods` and `accounts` be allowed. Without `issuers` a
    /// missing set is a note, and so is one that forbids everybody. A property that is critical and unknown fails: no
    /// authority may issue. A value that cannot be read warns: it lets nobody in. A nameserver that fails on the way leaves it unknown, as it does for an authority.
    ///
    /// # How to fix
    /// Add `0 issue "ca.example"` at the apex of the zone, with the name that the authority gives in its documentation;
    /// `0 issuewild ";"` forbids wildcards.
    pub struct DnsCaa {
        /// The name that a certificate is for, as an absolute one. Default: the target's host.
        pub name: Option<String> = None,
        /// The authorities that should be allowed, by the names they give for CAA, such as `letsencrypt.org`. Default: none
        /// are expected.
        pub issuers: Vec<String> = Vec::new(),
        /// Whether other authorities may be allowed besides. Default: false.
        pub allow_others: bool = false,
        /// Whether certificates for `*.` the name are wanted too. Default: false.
        pub wildcard: bool = false,
        /// The methods by which control is proven, such as `dns-01`; all must be allowed. RFC 8657. Default: none are
        /// expected.
        pub methods: Vec<String> = Vec::new(),
        /// The URIs of the accounts that ask for certificates; all must be allowed. RFC 8657. Default: none are expected.
        pub accounts: Vec<String> = Vec::new(),
        /// Whether there must be a way to report to (`iodef`). Default: false.
        pub require_iodef: bool = false,
        /// The nameservers to ask, in this order, as `192.0.2.53` or `192.0.2.53:5353`. Default: the machine's.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
    }
    id: "dns.caa",
    title: "the name's CAA records let the right authorities issue",
    priority: Info,
    references: [
        "RFC 8659 section 3" => "https://www.rfc-editor.org/rfc/rfc8659#section-3",
        "RFC 8659 section 4" => "https://www.rfc-editor.org/rfc/rfc8659#section-4",
        "RFC 8657" => "https://www.rfc-editor.org/rfc/rfc8657",
        "CA/Browser Forum Baseline Requirements, 3.2.2.8" => "https://cabforum.org/working-groups/server/baseline-requirements/requirements/",
    ],
}

impl DnsCaa {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(wrong) = self.issuers.iter().find(|issuer| !property::is_issuer(issuer)) {
            let shown: String = wrong.chars().take(60).collect();
            return Err(format!(
                "`issuers` holds `{}`, which is no domain name; write it as `letsencrypt.org`",
                shown.escape_debug()
            ));
        }
        let wants_parameters = !self.methods.is_empty() || !self.accounts.is_empty();
        if self.issuers.is_empty() && (wants_parameters || self.allow_others) {
            return Err(
                "`methods`, `accounts` and `allow_others` are about `issuers`, and none are given".into(),
            );
        }
        match &self.name {
            Some(name) if climb::names(name).is_empty() => {
                Err("`name` is no domain name, expected one such as `www.example.com`".into())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Probe for DnsCaa {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let host = cx.target().host();
        let name = match &self.name {
            Some(name) => name.as_str(),
            None if cx.target().address().is_some() => {
                return Ok(Outcome::not_applicable(format!(
                    "`{host}` is an address, and CAA is about names"
                )));
            }
            None => host,
        };
        let climb = climb::look(cx, &self.nameservers, name).await;
        Ok(judge(self, &climb))
    }
}

/// A look, owned, so that a judgement needs nothing else.
type Look = Result<DnsAnswer, ObserveError>;

fn judge(settings: &DnsCaa, climb: &Climb) -> Outcome {
    let outcome = match climb.found() {
        Found::Nothing => without(settings, &climb.name),
        Found::NotLookedUp { at, reason, problem } => {
            let message = format!(
                "the CAA records of `{at}` could not be looked up, and no authority may issue for `{}`: {problem}",
                climb.name
            );
            let finding = Finding::unknown("not_looked_up", reason, message.clone())
                .subject(at)
                .remedy("look at the nameservers of the zone: they must answer for CAA, if only that there is none");
            Outcome::judged(message, vec![finding])
        }
        Found::Records { at, records } => {
            let all: Vec<Read> = records
                .iter()
                .map(|(flags, tag, value)| property::read(*flags, tag, value))
                .collect();
            let outcome = with(settings, &climb.name, at, &all);
            let shown = records
                .iter()
                .take(SHOWN)
                .map(|(flags, tag, value)| format!("{flags} {tag} \"{value}\""));
            outcome
                .evidence("found at", at)
                .evidence("records", shown.collect::<Vec<_>>().join(", "))
        }
    };
    let way: Vec<String> = climb.steps.iter().map(|(name, _)| name.clone()).collect();
    outcome.evidence("asked for", way.join(", "))
}

/// The most records that are shown.
const SHOWN: usize = 20;

/// No set anywhere: RFC 8659, section 3, then allows everybody.
fn without(settings: &DnsCaa, name: &str) -> Outcome {
    let message = format!("neither `{name}` nor a name above it has CAA records: every authority may issue");
    let remedy = "add `0 issue \"ca.example\"` with the name of your authority at the apex of the zone";
    let finding = match settings.issuers.as_slice() {
        [] => Finding::note("no_caa", message),
        _ if settings.allow_others => Finding::note("no_caa", message),
        _ => Finding::fail("no_caa", message),
    };
    let summary = "no CAA records: every authority may issue";
    Outcome::judged(summary, vec![finding.remedy(remedy)])
}

fn with(settings: &DnsCaa, name: &str, at: &str, all: &[Read]) -> Outcome {
    let mut findings = Vec::new();
    // The rest says the same once more; what forbids everything is told in any case.
    let (mut shown, mut has_critical) = (0, false);
    for read in all {
        let is_critical = matches!(read, Read::Unknown { critical: true, .. });
        shown += usize::from(!matches!(read, Read::Property(_)));
        if shown > SHOWN && (has_critical || !is_critical) {
            continue;
        }
        has_critical |= is_critical;
        match read {
            Read::Unknown { tag, critical: true } => {
                let message = format!(
                    "the property `{tag}` of `{at}` is critical and unknown: no authority may issue for `{name}`"
                );
                findings.push(
                    Finding::fail("unknown_critical", message)
                        .subject(tag.clone())
                        .remedy(format!("correct `{tag}`, or take its record away")),
                );
            }
            Read::Unknown { tag, .. } => {
                let message =
                    format!("the property `{tag}` of `{at}` is unknown, and authorities pass over it");
                findings.push(Finding::note("unknown_property", message).subject(tag.clone()));
            }
            Read::Malformed { tag, value, problem } => {
                let message = format!(
                    "the value `{}` of `{tag}` at `{at}` cannot be read: {problem}",
                    value.escape_debug()
                );
                let finding = Finding::warn("malformed_value", message)
                    .subject(format!("{tag} {}", value.escape_debug()))
                    .remedy(if tag == "iodef" {
                        "write it as `0 iodef \"mailto:security@example.com\"`"
                    } else {
                        "write it as `0 issue \"ca.example; name=value\"`"
                    });
                findings.push(finding);
            }
            Read::Property(_) => {}
        }
    }
    let plain = issuers(all, false);
    findings.extend(judge_issuers(settings, name, at, plain.as_deref(), false));
    if settings.wildcard {
        let wildcard = issuers(all, true);
        findings.extend(judge_issuers(settings, name, at, wildcard.as_deref(), true));
    }
    let has_iodef = all
        .iter()
        .any(|read| matches!(read, Read::Property(Property::Iodef)));
    if settings.require_iodef && !has_iodef {
        let message = format!("`{at}` should name somebody to report to (`iodef`), and does not");
        findings
            .push(Finding::warn("no_iodef", message).remedy("add `0 iodef \"mailto:security@example.com\"`"));
    }
    let worst = findings.iter().find(|finding| finding.status.is_fail());
    let worst = worst.or_else(|| findings.iter().find(|finding| !finding.is_note()));
    let summary = match worst {
        Some(finding) => finding.message.clone(),
        None => format!("{} may issue, says `{at}`", who(plain.as_deref())),
    };
    Outcome::judged(summary, findings)
}

fn who(issuers: Option<&[&Issue]>) -> String {
    let Some(issuers) = issuers else {
        return "every authority".to_owned();
    };
    let mut names: Vec<&str> = issuers
        .iter()
        .filter_map(|issue| issue.issuer.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => "no authority".to_owned(),
        names => names.join(", "),
    }
}

/// The properties that decide, as an authority chooses them; `None` where none says anything about it.
///
/// One that cannot be read counts: it lets nobody in, and forbids all others (RFC 8659, section 4.2).
fn issuers(all: &[Read], wildcard: bool) -> Option<Vec<&Issue>> {
    let of = |wanted: &str| {
        let mut any = false;
        let mut issues = Vec::new();
        for read in all {
            match read {
                Read::Property(Property::Issue(issue)) if wanted == "issue" => issues.push(issue),
                Read::Property(Property::IssueWild(issue)) if wanted == "issuewild" => issues.push(issue),
                Read::Malformed { tag, .. } if tag == wanted => any = true,
                _ => {}
            }
        }
        (any || !issues.is_empty()).then_some(issues)
    };
    // RFC 8659, section 4.3: `issuewild` alone decides about wildcards where there is one.
    if wildcard {
        of("issuewild").or_else(|| of("issue"))
    } else {
        of("issue")
    }
}

fn judge_issuers(
    settings: &DnsCaa,
    name: &str,
    at: &str,
    allowed: Option<&[&Issue]>,
    wildcard: bool,
) -> Vec<Finding> {
    let (what, tag) = if wildcard {
        (format!("*.{name}"), "issuewild")
    } else {
        (name.to_owned(), "issue")
    };
    let mut findings = Vec::new();
    let Some(allowed) = allowed else {
        let message =
            format!("the CAA records of `{at}` do not say who may issue for `{what}`: every authority may");
        let finding = if settings.issuers.is_empty() || settings.allow_others {
            Finding::note("every_issuer_allowed", message)
        } else {
            Finding::fail("every_issuer_allowed", message)
        };
        let finding = finding
            .subject(what)
            .remedy("add `0 issue \"ca.example\"` with the name of your authority");
        return vec![finding];
    };
    for wanted in &settings.issuers {
        let wanted = wanted.trim_end_matches('.').to_ascii_lowercase();
        let own = || {
            allowed
                .iter()
                .filter(|issue| issue.issuer.as_deref() == Some(wanted.as_str()))
        };
        if own().next().is_none() {
            let message = format!(
                "`{wanted}` should be allowed to issue for `{what}`, and `{at}` allows {}",
                who(Some(allowed))
            );
            findings.push(
                Finding::fail("issuer_not_allowed", message)
                    .subject(format!("{wanted} for {what}"))
                    .remedy(format!("add `0 {tag} \"{wanted}\"` to `{at}`")),
            );
            continue;
        }
        for (kind, demanded) in [("method", &settings.methods), ("account", &settings.accounts)] {
            for value in demanded {
                if own().any(|issue| issue.allows(kind, value)) {
                    continue;
                }
                let message =
                    format!("`{at}` lets `{wanted}` issue for `{what}`, and not by the {kind} `{value}`");
                findings.push(
                    Finding::fail(format!("{kind}_not_allowed"), message)
                        .subject(format!("{value} of {wanted} for {what}"))
                        .remedy(format!(
                            "add the {kind} to the record of `{wanted}`, or change how you ask"
                        )),
                );
            }
        }
    }
    let mut others: Vec<&str> = allowed
        .iter()
        .filter_map(|issue| issue.issuer.as_deref())
        .filter(|issuer| {
            let is = |wanted: &String| wanted.trim_end_matches('.').eq_ignore_ascii_case(issuer);
            !settings.issuers.iter().any(is)
        })
        .collect();
    others.sort_unstable();
    others.dedup();
    if !settings.issuers.is_empty() && !settings.allow_others {
        for other in others.into_iter().take(SHOWN) {
            let message = format!("`{other}` may issue for `{what}` too, says `{at}`, and is not expected");
            findings.push(
                Finding::fail("unexpected_issuer", message)
                    .subject(format!("{other} for {what}"))
                    .remedy(format!(
                        "take `{other}` out of the CAA records, or add it to `issuers`"
                    )),
            );
        }
    } else if settings.issuers.is_empty() && allowed.iter().all(|issue| issue.issuer.is_none()) {
        let message = format!("the CAA records of `{at}` let no authority issue for `{what}`");
        findings.push(Finding::note("no_issuer_allowed", message).subject(what));
    }
    findings
}

/// Why a name could not be looked up.
fn not_looked_up(look: &Look) -> Option<(Reason, String)> {
    super::records::not_looked_up(look.as_ref())
}
