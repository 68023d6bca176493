//! What receivers are to do with mail that was not sent in order. RFC 7489.

use readiness_core::{Finding, fact::RecordType};

use super::{
    answers::{Answers, Lost, Question},
    tags::{Tags, cut, has_version},
};
use crate::address::registrable;

/// The most addresses for reports that are looked at.
const MOST_ADDRESSES: usize = 8;

/// What is said of DMARC.
#[derive(Debug, Default)]
pub(super) struct Dmarc {
    pub(super) findings: Vec<Finding>,
    /// One word or two: ``DMARC `reject` ``.
    pub(super) gist: String,
    /// The record, and where it stands.
    pub(super) seen: String,
    pub(super) wanted: Vec<Question>,
}

impl Dmarc {
    fn say(&mut self, finding: Finding) {
        self.findings.push(finding.subject("DMARC"));
    }
}

/// Judges the policy of a domain: its own, or that of the organisation it belongs to. RFC 7489, section 6.6.3.
pub(super) fn judge(domain: &str, answers: &Answers) -> Dmarc {
    let mut said = Dmarc {
        gist: "no DMARC".to_owned(),
        seen: "none".to_owned(),
        ..Dmarc::default()
    };
    let above = registrable(domain).filter(|above| *above != domain);
    let mut found = None;
    for owner in [Some(domain), above].into_iter().flatten() {
        let place = format!("_dmarc.{owner}");
        said.wanted.push((place.clone(), RecordType::Txt));
        match answers.texts(&place) {
            Err(lost) => {
                said.gist = "DMARC unknown".to_owned();
                said.seen.clone_from(&lost.problem);
                said.say(not_looked_up(&place, &lost));
                return said;
            }
            Ok(texts) => {
                // Whatever does not begin with the version is no policy: a wildcard may stand behind it.
                let policies: Vec<&str> = texts
                    .into_iter()
                    .filter(|text| has_version(text, "DMARC1"))
                    .collect();
                if !policies.is_empty() {
                    found = Some((owner, policies));
                    break;
                }
            }
        }
    }
    match found
        .as_ref()
        .map(|(owner, policies)| (*owner, policies.as_slice()))
    {
        None => {
            let places = above.map_or(String::new(), |above| format!(", nor has `_dmarc.{above}`"));
            let message = format!(
                "`_dmarc.{domain}` has no DMARC record{places}: receivers take forged mail as they like"
            );
            said.say(Finding::fail("dmarc_missing", message).remedy(format!(
                "add a TXT record `v=DMARC1; p=reject; rua=mailto:…` to `_dmarc.{}`; begin with `p=none` to see the reports",
                above.unwrap_or(domain)
            )));
        }
        Some((owner, [text])) => record(domain, owner, text, answers, &mut said),
        Some((owner, several)) => {
            said.gist = "several DMARC records".to_owned();
            let message = format!(
                "`_dmarc.{owner}` has {} DMARC records, expected one: receivers ignore them all",
                several.len()
            );
            let finding = Finding::fail("dmarc_several", message).evidence(
                "records",
                several
                    .iter()
                    .map(|text| cut(text))
                    .collect::<Vec<_>>()
                    .join(" | "),
            );
            said.say(finding.remedy(format!("delete all TXT records of `_dmarc.{owner}` but one")));
        }
    }
    said
}

fn not_looked_up(place: &str, lost: &Lost) -> Finding {
    let message = format!(
        "the TXT records of `{place}` could not be looked up: {}",
        lost.problem
    );
    Finding::unknown("dmarc_not_looked_up", lost.reason.clone(), message)
        .remedy("look at the nameserver, or name another one in `nameservers`")
}

fn record(domain: &str, owner: &str, text: &str, answers: &Answers, said: &mut Dmarc) {
    said.seen = format!("{} (at `_dmarc.{owner}`)", cut(text));
    let correct = format!("correct the TXT record of `_dmarc.{owner}` (RFC 7489, section 6.3)");
    let tags = match Tags::parse(text) {
        Ok(tags) => tags,
        Err(problem) => {
            said.gist = "DMARC wrong".to_owned();
            let message = format!("the DMARC record of `{owner}` is wrong: {problem}");
            let finding = Finding::fail("dmarc_syntax", message).evidence("record", cut(text));
            said.say(finding.remedy(correct));
            return;
        }
    };
    // A policy of the organisation may differ for what is below it.
    let tag = if owner != domain && tags.get("sp").is_some() {
        "sp"
    } else {
        "p"
    };
    let policy = tags.get(tag).map(str::to_ascii_lowercase);
    match policy.as_deref() {
        Some("reject" | "quarantine") => {}
        Some("none") => {
            let message =
                format!("the DMARC policy of `{domain}` is `{tag}=none`: receivers deliver forged mail");
            said.say(Finding::warn("dmarc_policy_none", message).remedy(
                "read the reports until all own senders pass, then set `quarantine` and at last `reject`",
            ));
        }
        Some(other) => {
            let message = format!(
                "the DMARC policy of `{owner}` is `{tag}={}`, expected `none`, `quarantine` or `reject`",
                cut(other)
            );
            said.say(Finding::fail("dmarc_policy_invalid", message).remedy(correct.as_str()));
        }
        None => {
            let message = format!("the DMARC record of `{owner}` has no policy (`p=`): receivers ignore it");
            said.say(Finding::fail("dmarc_policy_invalid", message).remedy(correct.as_str()));
        }
    }
    said.gist = match policy.as_deref() {
        Some(policy) => format!("DMARC `{}`", cut(policy)),
        None => "DMARC without policy".to_owned(),
    };
    if tags.names().nth(1) != Some("p") && tags.get("p").is_some() {
        let message =
            format!("in the DMARC record of `{owner}` other tags stand before `p`, which must be the second");
        said.say(Finding::note("dmarc_policy_not_second", message));
    }
    options(owner, &tags, &correct, said);
    reports(owner, &tags, answers, said);
}

/// The tags that have a few values.
fn options(owner: &str, tags: &Tags<'_>, correct: &str, said: &mut Dmarc) {
    let is_number = |text: &str, most: u32| text.parse::<u32>().is_ok_and(|number| number <= most);
    let is_alignment = |text: &str| matches!(text.to_ascii_lowercase().as_str(), "r" | "s");
    let is_policy = |text: &str| {
        matches!(
            text.to_ascii_lowercase().as_str(),
            "none" | "quarantine" | "reject"
        )
    };
    let is_option = |text: &str| {
        text.split(':')
            .all(|one| matches!(one.trim(), "0" | "1" | "d" | "s"))
    };
    for name in tags.names() {
        let value = tags.get(name).unwrap_or_default();
        let fits = match name {
            "sp" | "np" => is_policy(value),
            "adkim" | "aspf" => is_alignment(value),
            "pct" => is_number(value, 100),
            "ri" => is_number(value, u32::MAX),
            "fo" => is_option(value),
            _ => true,
        };
        if !fits {
            let message = format!(
                "the DMARC record of `{owner}` says `{name}={}`, which means nothing",
                cut(value)
            );
            said.say(Finding::warn("dmarc_tag_invalid", message).remedy(correct));
        }
    }
    let share = tags.get("pct").and_then(|text| text.parse::<u32>().ok());
    if let Some(share) = share.filter(|share| *share < 100) {
        let message =
            format!("the DMARC policy of `{owner}` is for {share} % of the mail, expected all of it");
        said.say(Finding::warn("dmarc_pct", message).remedy("take `pct` out of the DMARC record"));
    }
    let below = tags.get("sp").is_some_and(|sp| sp.eq_ignore_ascii_case("none"));
    let is_strict = tags.get("p").is_some_and(|p| !p.eq_ignore_ascii_case("none"));
    if below && is_strict {
        let message =
            format!("the DMARC policy for all names below `{owner}` is `sp=none`, weaker than its own");
        said.say(Finding::warn("dmarc_subdomains_none", message).remedy("take `sp` out of the DMARC record"));
    }
}

/// Where the reports go. RFC 7489, sections 6.4 and 7.1.
fn reports(owner: &str, tags: &Tags<'_>, answers: &Answers, said: &mut Dmarc) {
    let Some(addresses) = tags.get("rua") else {
        let message = format!("the DMARC record of `{owner}` names nobody for reports (`rua`)");
        said.say(Finding::note("dmarc_no_reports", message));
        return;
    };
    let both = [addresses, tags.get("ruf").unwrap_or_default()].join(",");
    let addresses = both
        .split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty());
    for address in addresses.take(MOST_ADDRESSES) {
        let Some(host) = host_of(address) else {
            let message = format!(
                "`{}` is no address for reports, expected `mailto:name@example.com`",
                cut(address)
            );
            said.say(Finding::note("dmarc_report_address", message));
            continue;
        };
        let own = registrable(owner).unwrap_or(owner);
        if registrable(&host).unwrap_or(&host) == own {
            continue;
        }
        let place = format!("{owner}._report._dmarc.{host}");
        said.wanted.push((place.clone(), RecordType::Txt));
        let note = match answers.texts(&place) {
            Ok(texts) if texts.iter().any(|text| has_version(text, "DMARC1")) => continue,
            Ok(_) => {
                format!("`{host}` does not say at `{place}` that it takes reports of `{owner}`: none come")
            }
            Err(lost) => format!(
                "whether `{host}` takes reports of `{owner}` is not known: {}",
                lost.problem
            ),
        };
        said.say(Finding::note("dmarc_reports_not_authorised", note));
    }
}

/// The domain of a `mailto:` address, the size behind `!` left out.
fn host_of(address: &str) -> Option<String> {
    let address = address.split('!').next().unwrap_or_default();
    let scheme = address
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"))?;
    let mailbox = address.get(scheme.len()..)?;
    let mailbox = mailbox.split('?').next().unwrap_or_default();
    let (local, host) = mailbox.rsplit_once('@')?;
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let fits = !local.is_empty() && host.contains('.') && host.bytes().all(is_host);
    fits.then_some(host)
}
