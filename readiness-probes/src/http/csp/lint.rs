//! How policies are written: what browsers skip, misread or leave out, and where it stands.

mod values;

use std::collections::HashSet;

use readiness_core::Finding;

use super::vocabulary::{self, Values};
use crate::http::{
    policy::is_blank,
    syntax::{excerpt, trim},
};

/// Where policies come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Header,
    Meta,
    ReportOnly,
}

/// Something in a policy that browsers do not take as it was meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    /// A stable name for it.
    pub(crate) code: &'static str,
    /// Where it begins, in bytes from the start of the header line or of `content`.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) problem: String,
    /// What stands there.
    pub(crate) excerpt: String,
    /// Whether it is worth knowing and no weakness.
    pub(crate) is_note: bool,
}

/// One policy as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    pub(crate) place: Place,
    /// Where it begins in its header line.
    pub(crate) at: usize,
    pub(crate) bytes: &'a [u8],
}

/// The policies of one header line, the empty ones left out, as far as faults are told of them.
pub(crate) fn written(line: &[u8], place: Place) -> impl Iterator<Item = Written<'_>> {
    let mut at = 0;
    line.split(|&byte| byte == b',')
        .map(move |bytes| {
            let written = Written { place, at, bytes };
            at += bytes.len() + 1;
            written
        })
        .filter(|written| {
            !written
                .bytes
                .iter()
                .all(|&byte| byte == b';' || is_blank(byte.into()))
        })
        .take(MOST_POLICIES)
}

/// The most faults told of one policy: a hostile one may hold thousands.
const MOST_FAULTS: usize = 8;

/// The most policies that faults are told of.
const MOST_POLICIES: usize = 4;

/// What is wrong with how these policies are written, as findings.
///
/// Directives whose names `covered` holds stand in a header too, so that it matters little where a `meta`
/// element cannot hold them.
pub(crate) fn findings(policies: &[Written<'_>], covered: &[&str]) -> Vec<Finding> {
    let mut told = Vec::new();
    let mut numbers = [0_usize; 3];
    for policy in policies {
        let (what, number) = match policy.place {
            Place::Header => ("policy", &mut numbers[0]),
            Place::Meta => ("`meta` policy", &mut numbers[1]),
            Place::ReportOnly => ("report-only policy", &mut numbers[2]),
        };
        *number += 1;
        if *number > MOST_POLICIES {
            continue;
        }
        for fault in faults(policy, covered) {
            let at = format!("at byte {}", fault.at);
            let message = format!("{}, {at}", fault.problem);
            let finding = if fault.is_note {
                Finding::note(fault.code, message)
            } else {
                Finding::warn(fault.code, message).remedy(remedy(fault.code))
            };
            told.push(
                finding
                    .subject(format!("{what} {number}"))
                    .evidence(at, fault.excerpt),
            );
        }
    }
    told
}

/// What to do about a fault.
fn remedy(code: &str) -> &'static str {
    match code {
        "comma_in_meta" => "write one `meta` element for each policy",
        "ignored_in_meta" => "send the directive in a `Content-Security-Policy` header",
        "invalid_character" => "write the policy in printable ASCII; host names in Punycode",
        "malformed_hash" => "write the hash as browsers' consoles show it, `'sha256-…'` in base64",
        "malformed_nonce" => "write the nonce in base64, as `'nonce-…'`",
        "missing_semicolon" => "put a `;` before the directive",
        "none_beside_others" => "drop `'none'`, or the sources beside it",
        "repeated_directive" => "put all sources into one directive",
        "unquoted_keyword" => "put it between single quotes",
        "weak_nonce" => "make each nonce of 16 random bytes at least, in base64",
        _ => "correct it or take it out; browsers skip what they do not know",
    }
}

/// What is wrong with how one policy is written, [`MOST_FAULTS`] at most.
pub(crate) fn faults(policy: &Written<'_>, covered: &[&str]) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    if let Some(comma) = comma_in_meta(policy) {
        faults.weak(
            "comma_in_meta",
            policy.at + comma,
            b",",
            "a comma parts no policies in a `meta` element, so what follows belongs to the same directive"
                .into(),
        );
    }
    let mut seen: HashSet<String> = HashSet::new();
    let mut at = policy.at;
    for token in policy.bytes.split(|&byte| byte == b';') {
        if faults.is_full() {
            break;
        }
        directive(&mut faults, token, at, policy.place, &mut seen, covered);
        at += token.len() + 1;
    }
    faults.0
}

fn comma_in_meta(policy: &Written<'_>) -> Option<usize> {
    let comma = || policy.bytes.iter().position(|&byte| byte == b',');
    (policy.place == Place::Meta).then(comma)?
}

/// Looks at one directive, which begins at this byte.
fn directive(
    faults: &mut Faults,
    token: &[u8],
    at: usize,
    place: Place,
    seen: &mut HashSet<String>,
    covered: &[&str],
) {
    let lead = token.iter().take_while(|&&byte| is_blank(byte.into())).count();
    let is_foreign = |byte: &u8| !byte.is_ascii() || (byte.is_ascii_control() && !is_blank((*byte).into()));
    if let Some(first) = token.iter().position(is_foreign) {
        let bytes = token.get(first..).unwrap_or_default();
        let what = match token.get(first) {
            // U+2018 to U+201F in UTF-8: quotation marks as word processors set them.
            Some(0xe2) if matches!(bytes.get(1..3), Some([0x80, 0x98..=0x9f])) => {
                "a typographic quotation mark stands where `'` is meant"
            }
            Some(byte) if byte.is_ascii() => "a control character stands there",
            _ => "a character stands there that is not ASCII",
        };
        let text = excerpt(trim(token));
        let skipped = "so browsers skip the directive or the value";
        faults.weak(
            "invalid_character",
            at + first,
            bytes,
            format!("in `{text}` {what}, {skipped}"),
        );
        return;
    }
    // Nothing but ASCII is left.
    let text = std::str::from_utf8(token).unwrap_or_default();
    let mut words = words(text, at);
    let Some((_, name)) = words.next() else { return };
    let start = at + lead;
    let shown = excerpt(name.as_bytes());
    let known = vocabulary::directive(name);
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let hint = || match vocabulary::nearest(name) {
        Some(meant) => format!("; `{meant}` may be meant"),
        None => String::new(),
    };
    if !is_name {
        let problem = format!("`{shown}` is no directive name{}", hint());
        faults.weak("malformed_directive", start, name.as_bytes(), problem);
    } else if known.is_none() {
        let problem = format!("browsers know no directive `{shown}`{}", hint());
        faults.weak("unknown_directive", start, name.as_bytes(), problem);
    }
    if !seen.insert(name.to_ascii_lowercase()) {
        let problem = format!("`{shown}` stands again and is skipped, as the first one counts");
        faults.weak("repeated_directive", start, name.as_bytes(), problem);
        return;
    }
    let Some(known) = known else { return };
    if !known.gone.is_empty() {
        let problem = format!("`{}` is deprecated: {}", known.name, known.gone);
        faults.note("deprecated_directive", start, name.as_bytes(), problem);
    }
    match (place, known.name) {
        // HTML, section 4.2.5.3, "content security policy state".
        (Place::Meta, "frame-ancestors" | "sandbox") if !covered.contains(&known.name) => {
            let problem = format!(
                "browsers ignore `{}` in a `meta` element; send it as a header",
                known.name
            );
            faults.weak("ignored_in_meta", start, name.as_bytes(), problem);
        }
        (Place::Meta, "frame-ancestors" | "sandbox" | "report-uri") => {
            let problem = format!("browsers ignore `{}` in a `meta` element", known.name);
            faults.note("ignored_in_meta", start, name.as_bytes(), problem);
        }
        // CSP Level 3, section 6.3.2; Upgrade Insecure Requests, section 3.1.
        (Place::ReportOnly, "sandbox" | "upgrade-insecure-requests") => {
            let problem = format!("browsers ignore `{}` in a report-only policy", known.name);
            faults.note("ignored_in_report_only", start, name.as_bytes(), problem);
        }
        _ => {}
    }
    values::check(faults, known, words);
}

/// The words of a text that begins at this byte, each with where it begins.
fn words(text: &str, at: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut next = at;
    text.split(is_blank)
        .map(move |word| {
            let here = next;
            next += word.len() + 1;
            (here, word)
        })
        .filter(|(_, word)| !word.is_empty())
}

impl Values {
    /// Whether each of its values is a source expression.
    const fn are_sources(self) -> bool {
        matches!(self, Self::Sources)
    }
}

/// The faults of one policy.
#[derive(Debug)]
struct Faults(Vec<Fault>);

impl Faults {
    fn is_full(&self) -> bool {
        self.0.len() >= MOST_FAULTS
    }

    fn weak(&mut self, code: &'static str, at: usize, bytes: &[u8], problem: String) {
        self.add(code, at, bytes, problem, false);
    }

    fn note(&mut self, code: &'static str, at: usize, bytes: &[u8], problem: String) {
        self.add(code, at, bytes, problem, true);
    }

    fn add(&mut self, code: &'static str, at: usize, bytes: &[u8], problem: String, is_note: bool) {
        if !self.is_full() {
            self.0.push(Fault {
                code,
                at,
                problem,
                excerpt: excerpt(bytes),
                is_note,
            });
        }
    }
}

#[cfg(test)]
mod tests;
