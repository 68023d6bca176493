use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
};

use readiness_core::{Evidence, Finding, Outcome, Report, Status, report::Accepted};

/// Who reads a report.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Audience {
    /// Those who run the deployment: everything is shown.
    #[default]
    Internal,
    /// Everybody: addresses, internal names and banners are left out.
    Public,
}

/// The report as this audience may see it.
pub fn for_audience(report: &Report, audience: Audience) -> Cow<'_, Report> {
    match audience {
        Audience::Internal => Cow::Borrowed(report),
        Audience::Public => Cow::Owned(public(report)),
    }
}

/// The report without addresses, internal names and banners.
///
/// In every text an IP address becomes `[address 1]`, `[address 2]` and so on, the same address always
/// the same, and a name under a domain that is never public (`.internal`, `.local`, `.svc` …) becomes
/// `[internal name]`. Evidence that tells an address, a nameserver, a server or a banner is left out, and
/// so are its values wherever else its outcome quotes them. Of the view the machine's name, its resolvers and the given
/// addresses are left out. The verdict, the score and the digests are those of the full report.
pub fn public(report: &Report) -> Report {
    let mut public = report.clone();
    public.view.from.host.clear();
    public.view.from.resolvers.clear();
    public.view.from.overrides.clear();
    for result in &mut public.results {
        for target in &mut result.targets {
            withhold(&mut target.outcome);
        }
    }
    // First every address is gathered, so that the numbers do not depend on where one stands first.
    let mut found = BTreeSet::new();
    each_text(&mut public, &mut |text| {
        for word in words(text) {
            found.extend(address(word).map(|(_, address)| address));
        }
    });
    let numbers: BTreeMap<IpAddr, usize> = found.into_iter().zip(1..).collect();
    each_text(&mut public, &mut |text| {
        if let Some(clean) = replace(text, &numbers) {
            *text = clean;
        }
    });
    public
}

/// Drops the evidence that tells where and what a server is, and its values in the outcome's texts.
fn withhold(outcome: &mut Outcome) {
    /// Shorter values are words like `on`, and hiding them would spoil the text.
    const SHORTEST: usize = 4;
    let mut values = Vec::new();
    let mut sift = |evidence: &mut Vec<Evidence>| {
        evidence.retain(|Evidence { label, value, .. }| {
            let kept = !is_revealing(label);
            if !kept && value.len() >= SHORTEST {
                values.push(value.clone());
            }
            kept
        });
    };
    sift(&mut outcome.evidence);
    outcome
        .findings
        .iter_mut()
        .for_each(|finding| sift(&mut finding.evidence));
    // The longest first: one may hold another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    each_outcome_text(outcome, &mut |text| {
        for value in &values {
            if text.contains(value.as_str()) {
                *text = text.replace(value.as_str(), "[withheld]");
            }
        }
    });
}

fn is_revealing(label: &str) -> bool {
    label
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_ascii_lowercase)
        .any(|word| {
            [
                "address",
                "nameserver",
                "resolver",
                "banner",
                "server",
                "via",
                "powered",
            ]
            .iter()
            .any(|revealing| word.starts_with(revealing))
        })
}

/// Every text of a report that may hold what a peer, a resolver or a configuration said.
fn each_text(report: &mut Report, change: &mut dyn FnMut(&mut String)) {
    report.decision.because.iter_mut().for_each(&mut *change);
    change(&mut report.decision.rule);
    let view = &mut report.view;
    change(&mut view.from.trust_store);
    view.not_looked_at.iter_mut().for_each(&mut *change);
    view.profiles = std::mem::take(&mut view.profiles)
        .into_iter()
        .map(|(mut target, mut profile)| {
            change(&mut target);
            change(&mut profile);
            (target, profile)
        })
        .collect();
    for result in &mut report.results {
        change(&mut result.id);
        change_cow(&mut result.title, change);
        change_cow(&mut result.why, change);
        change_cow(&mut result.fix, change);
        each_status_text(&mut result.status, change);
        for target in &mut result.targets {
            change(&mut target.target);
            change(&mut target.url);
            each_outcome_text(&mut target.outcome, change);
            target
                .counts_as
                .iter_mut()
                .for_each(|status| each_status_text(status, change));
            if let Some(Accepted::Waiver { owner, reason, .. }) = &mut target.accepted {
                change(owner);
                change(reason);
            }
        }
    }
    for record in &mut report.waivers {
        let waiver = &mut record.waiver;
        change(&mut waiver.requirement);
        change(&mut waiver.reason);
        change(&mut waiver.owner);
        let optional = [
            &mut waiver.target,
            &mut waiver.code,
            &mut waiver.subject,
            &mut waiver.approver,
        ];
        optional.into_iter().flatten().for_each(&mut *change);
    }
    for record in &mut report.attestations {
        let attestation = &mut record.attestation;
        change(&mut record.note);
        change(&mut attestation.requirement);
        change(&mut attestation.statement);
        change(&mut attestation.signer);
        change(&mut attestation.role);
        attestation
            .evidence
            .iter_mut()
            .for_each(|evidence| change(&mut evidence.url));
    }
    if let Some(baseline) = &mut report.baseline {
        baseline.refused.iter_mut().for_each(&mut *change);
        for known in baseline.known.iter_mut().chain(&mut baseline.stale) {
            change(&mut known.requirement);
            change(&mut known.target);
            change(&mut known.subject);
        }
    }
    for trend in report.trend.iter_mut().flat_map(|trend| &mut trend.changes) {
        change(&mut trend.requirement);
        change(&mut trend.target);
    }
}

fn each_outcome_text(outcome: &mut Outcome, change: &mut dyn FnMut(&mut String)) {
    change(&mut outcome.summary);
    each_status_text(&mut outcome.status, change);
    let evidence = |evidence: &mut Evidence, change: &mut dyn FnMut(&mut String)| {
        change(&mut evidence.label);
        change(&mut evidence.value);
    };
    outcome.evidence.iter_mut().for_each(|e| evidence(e, change));
    outcome
        .measures
        .iter_mut()
        .for_each(|measure| change(&mut measure.name));
    for finding in &mut outcome.findings {
        let Finding {
            status,
            subject,
            message,
            remedy,
            ..
        } = finding;
        each_status_text(status, change);
        [subject, message, remedy].into_iter().for_each(&mut *change);
        finding.evidence.iter_mut().for_each(|e| evidence(e, change));
    }
}

fn each_status_text(status: &mut Status, change: &mut dyn FnMut(&mut String)) {
    match status {
        Status::Unknown {
            cause: Some(cause), ..
        } => {
            change(&mut cause.subject);
            change(&mut cause.message);
        }
        Status::NotApplicable { because } => change(because),
        Status::Pass | Status::Warn { .. } | Status::Fail | Status::Unknown { cause: None, .. } => {}
    }
}

fn change_cow(text: &mut Cow<'static, str>, change: &mut dyn FnMut(&mut String)) {
    let mut owned = text.clone().into_owned();
    change(&mut owned);
    if owned != **text {
        *text = Cow::Owned(owned);
    }
}

/// What an address or a name is made of.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_' | '%')
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

/// The address a word begins with and how long it is: alone, before a port, or at the end of a sentence.
fn address(word: &str) -> Option<(usize, IpAddr)> {
    let plain = word.trim_end_matches(['.', ':', '-', '_']);
    // An IPv6 zone names an interface.
    let bare = plain.split('%').next().unwrap_or(plain);
    if let Ok(address) = bare.parse() {
        return Some((plain.len(), address));
    }
    if let Ok(socket) = plain.parse::<SocketAddr>() {
        let end = plain.rfind(':').unwrap_or(plain.len());
        return Some((end, socket.ip()));
    }
    None
}

fn is_internal_name(word: &str) -> bool {
    const NEVER_PUBLIC: [&str; 9] = [
        ".internal",
        ".local",
        ".localdomain",
        ".lan",
        ".intranet",
        ".corp",
        ".home.arpa",
        ".svc",
        ".private",
    ];
    let host = word
        .split(':')
        .next()
        .unwrap_or(word)
        .trim_end_matches('.')
        .to_ascii_lowercase();
    NEVER_PUBLIC.iter().any(|suffix| host.ends_with(suffix))
}

/// The text without addresses and internal names; `None` where it has none.
fn replace(text: &str, numbers: &BTreeMap<IpAddr, usize>) -> Option<String> {
    let mut clean = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(is_word).unwrap_or(rest.len());
        let (between, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        clean.push_str(between);
        match address(word) {
            Some((length, address)) => {
                let number = numbers.get(&address).copied().unwrap_or_default();
                clean.push_str(&format!("[address {number}]"));
                clean.push_str(word.get(length..).unwrap_or_default());
            }
            None if is_internal_name(word) => {
                clean.push_str("[internal name]");
                clean.push_str(
                    word.find(':')
                        .and_then(|port| word.get(port..))
                        .unwrap_or_default(),
                );
            }
            None => clean.push_str(word),
        }
        rest = after;
    }
    (clean != text).then_some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        let found: BTreeSet<IpAddr> = words(text).filter_map(address).map(|(_, ip)| ip).collect();
        let numbers = found.into_iter().zip(1..).collect();
        replace(text, &numbers).unwrap_or_else(|| text.to_owned())
    }

    #[test]
    fn addresses_are_numbered_wherever_they_stand() {
        for (text, expected) in [
            ("10.0.0.5", "[address 1]"),
            ("refused by 10.0.0.5:8080.", "refused by [address 1]:8080."),
            (
                "http://10.0.0.5/x?y=10.0.0.6",
                "http://[address 1]/x?y=[address 2]",
            ),
            ("[2001:db8::1]:443", "[[address 1]]:443"),
            ("fe80::1%eth0, then ::1", "[address 2], then [address 1]"),
            ("at 10.0.0.5: refused", "at [address 1]: refused"),
            (
                "10.0.0.6 and 10.0.0.5 and 10.0.0.6",
                "[address 2] and [address 1] and [address 2]",
            ),
        ] {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn names_that_are_never_public_are_hidden() {
        for (text, expected) in [
            ("db.prod.svc.cluster.local:5432", "[internal name]:5432"),
            ("see vault.corp.", "see [internal name]"),
            ("https://a.internal/x", "https://[internal name]/x"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "",
            "12:30:59",
            "nginx 1.18.0",
            "api.example.com:443",
            "chain[1]",
            "a.localhost",
            "é",
        ] {
            assert_eq!(clean(text), text);
        }
    }
}
