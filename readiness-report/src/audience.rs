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
/// `[internal name]`, as does the host of a target whose name is a single label, such as `db`. Evidence that
/// tells an address, a nameserver, a server or a banner is left out, and so are its values wherever else its
/// outcome quotes them; of `http.disclosure`, whose findings quote banners, all evidence and every quoted
/// value. Of the view the machine's name, its resolvers and the given addresses are left out. The verdict,
/// the score and the digests are those of the full report.
pub fn public(report: &Report) -> Report {
    let mut public = report.clone();
    public.view.from.host.clear();
    public.view.from.resolvers.clear();
    public.view.from.overrides.clear();
    for result in &mut public.results {
        let of_banners = result.probe.as_str() == "http.disclosure";
        for target in &mut result.targets {
            withhold(&mut target.outcome, of_banners);
            // What a single look of several saw may quote evidence that stands nowhere else any more.
            for look in target.looks.iter_mut().flat_map(|looks| &mut looks.seen) {
                look.summary.clear();
            }
        }
    }
    let hosts: BTreeSet<String> = public
        .rows()
        .filter_map(|(_, row)| single_label_host(&row.url))
        .map(str::to_owned)
        .collect();
    each_seen_text(&mut public, &mut |text| {
        if let Some(clean) = replace(text, |word, after| hide_host(word, after, &hosts)) {
            *text = clean;
        }
    });
    // First every address is gathered, so that the numbers do not depend on where one stands first.
    let mut found = BTreeSet::new();
    each_text(&mut public, &mut |text| {
        for word in words(text) {
            found.extend(address(word).map(|(_, address)| address));
        }
    });
    let numbers: BTreeMap<IpAddr, usize> = found.into_iter().zip(1..).collect();
    each_text(&mut public, &mut |text| {
        if let Some(clean) = replace(text, |word, _| hide(word, &numbers)) {
            *text = clean;
        }
    });
    public
}

/// Drops the evidence that tells where and what a server is, and its values in the outcome's texts. Where
/// the outcome is one of banners, every evidence and every quoted value is such.
fn withhold(outcome: &mut Outcome, of_banners: bool) {
    /// Shorter values are words like `on`, and hiding them would spoil the text.
    const SHORTEST: usize = 4;
    let mut values = Vec::new();
    let mut sift = |evidence: &mut Vec<Evidence>| {
        evidence.retain(|Evidence { label, value, .. }| {
            let kept = !of_banners && !is_revealing(label);
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
                *text = text.replace(value.as_str(), WITHHELD);
            }
        }
    });
    if of_banners {
        for finding in &mut outcome.findings {
            finding.message = without_quoted(&finding.message);
        }
    }
}

const WITHHELD: &str = "[withheld]";

/// The text with every value between backticks withheld. A value may hold a backtick itself: what lies
/// between the first and the last goes.
fn without_quoted(text: &str) -> String {
    match (text.find('`'), text.rfind('`')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}{WITHHELD}{}", &text[..=first], &text[last..])
        }
        // A quote that does not end was cut.
        (Some(first), _) => format!("{}{WITHHELD}`", &text[..=first]),
        (None, _) => text.to_owned(),
    }
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
    each_general_text(report, change);
    each_seen_text(report, change);
}

/// The texts that say what is asked. They tell nothing of a single deployment unless a configuration or a
/// probe of somebody else's put it there.
fn each_general_text(report: &mut Report, change: &mut dyn FnMut(&mut String)) {
    change(&mut report.decision.rule);
    change(&mut report.view.from.trust_store);
    report.view.profiles.values_mut().for_each(&mut *change);
    for result in &mut report.results {
        change(&mut result.id);
        change_cow(&mut result.title, change);
        change_cow(&mut result.why, change);
        change_cow(&mut result.fix, change);
    }
    for record in &mut report.waivers {
        change(&mut record.waiver.requirement);
    }
    for record in &mut report.attestations {
        change(&mut record.attestation.requirement);
    }
    if let Some(baseline) = &mut report.baseline {
        for known in baseline.known.iter_mut().chain(&mut baseline.stale) {
            change(&mut known.requirement);
        }
    }
    for trend in report.trend.iter_mut().flat_map(|trend| &mut trend.changes) {
        change(&mut trend.requirement);
    }
}

/// The texts that say what was looked at, and what was seen.
fn each_seen_text(report: &mut Report, change: &mut dyn FnMut(&mut String)) {
    report.decision.because.iter_mut().for_each(&mut *change);
    let view = &mut report.view;
    view.not_looked_at.iter_mut().for_each(&mut *change);
    view.profiles = std::mem::take(&mut view.profiles)
        .into_iter()
        .map(|(mut target, profile)| {
            change(&mut target);
            (target, profile)
        })
        .collect();
    for result in &mut report.results {
        each_status_text(&mut result.status, change);
        for target in &mut result.targets {
            change(&mut target.target);
            change(&mut target.url);
            each_outcome_text(&mut target.outcome, change);
            for look in target.looks.iter_mut().flat_map(|looks| &mut looks.seen) {
                change(&mut look.summary);
                each_status_text(&mut look.status, change);
            }
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
            change(&mut known.target);
            change(&mut known.subject);
        }
    }
    for trend in report.trend.iter_mut().flat_map(|trend| &mut trend.changes) {
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

/// The host of a URL where its name is a single label. `localhost` is the same everywhere.
fn single_label_host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.split(':').next()?;
    let is_label = !host.is_empty()
        && host != "localhost"
        && host
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    is_label.then_some(host)
}

/// What stands for a word that names one of these hosts, alone or before a port. The scheme of a URL may be
/// spelt like one: `redis://redis`.
fn hide_host(word: &str, after: &str, hosts: &BTreeSet<String>) -> Option<String> {
    if word.ends_with(':') && after.starts_with("//") {
        return None;
    }
    let host = word.split(':').next().unwrap_or(word).trim_end_matches('.');
    let rest = word.get(host.len()..)?;
    hosts.contains(host).then(|| format!("[internal name]{rest}"))
}

/// What stands for a word that is an address or an internal name.
fn hide(word: &str, numbers: &BTreeMap<IpAddr, usize>) -> Option<String> {
    if let Some((length, address)) = address(word) {
        let number = numbers.get(&address).copied().unwrap_or_default();
        let rest = word.get(length..).unwrap_or_default();
        return Some(format!("[address {number}]{rest}"));
    }
    is_internal_name(word).then(|| {
        let port = word.find(':').and_then(|port| word.get(port..));
        format!("[internal name]{}", port.unwrap_or_default())
    })
}

/// The text with words replaced; `None` where none is. Of a word it is told what follows it, too.
fn replace(text: &str, stands_for: impl Fn(&str, &str) -> Option<String>) -> Option<String> {
    let mut clean = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let start = rest.find(is_word).unwrap_or(rest.len());
        let (between, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        clean.push_str(between);
        match stands_for(word, after) {
            Some(other) => clean.push_str(&other),
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
        replace(text, |word, _| hide(word, &numbers)).unwrap_or_else(|| text.to_owned())
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

    #[test]
    fn a_single_label_is_a_host_where_a_url_has_it() {
        for (url, host) in [
            ("tcp://db:5432", Some("db")),
            ("https://db-1/x", Some("db-1")),
            ("https://shop.example.com/db", None),
            ("https://localhost:8443/", None),
            ("https://[::1]:8443/", None),
            ("[internal name]:5432", None),
            ("tcp://[internal name]:5432", None),
            ("", None),
        ] {
            assert_eq!(single_label_host(url), host, "{url}");
        }
        let hosts = BTreeSet::from(["db".to_owned(), "redis".to_owned()]);
        for (text, expected) in [
            (
                "db:5432: connection refused",
                "[internal name]:5432: connection refused",
            ),
            ("`db` does not exist.", "`[internal name]` does not exist."),
            ("nobody is at db.", "nobody is at [internal name]."),
            ("redis://redis:6379", "redis://[internal name]:6379"),
            (
                "the db-1 of db.example.com and dbs",
                "the db-1 of db.example.com and dbs",
            ),
        ] {
            let clean = replace(text, |word, after| hide_host(word, after, &hosts));
            assert_eq!(clean.as_deref().unwrap_or(text), expected);
        }
    }

    #[test]
    fn quoted_values_are_withheld() {
        for (text, expected) in [
            ("`PHP` names the product", "`[withheld]` names the product"),
            ("`a`b` names a version", "`[withheld]` names a version"),
            ("`cut off", "`[withheld]`"),
            (
                "the header tells of inner workings",
                "the header tells of inner workings",
            ),
        ] {
            assert_eq!(without_quoted(text), expected);
            assert_eq!(without_quoted(expected), expected);
        }
    }
}
