//! What the answers to strangers mean. Fetch, sections 3.3 and 4.10.

use std::sync::Arc;

use readiness_core::{Finding, ObserveError, Outcome, Reason, fact::Exchange};

use super::{Answer, Stranger, Way};
use crate::http::{
    applicability::gate,
    cache_control,
    pages::Page,
    syntax::{count, excerpt, shown, trim, varies_by},
    trail::is_redirect,
};

/// Everything that was answered about one page.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) without_origin: Result<Arc<Exchange>, ObserveError>,
    pub(super) of_strangers: Vec<Answer>,
}

/// Whom an answer lets in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lets {
    Nobody,
    /// The origin that asked, with credentials or without.
    Asker {
        with_credentials: bool,
    },
    /// Everybody, by `*`.
    Everybody {
        with_credentials: bool,
    },
    /// Nobody: the header has several values, and browsers refuse that.
    Several,
}

const REMEDY: &str =
    "compare `Origin` with a list of whole origins, and leave the header out where none matches";

pub(super) fn judge(answers: &Answers, page: &Page) -> Outcome {
    let mut findings = Vec::new();
    let mut unseen = None;
    let mut lets_in = Vec::new();
    for answer in &answers.of_strangers {
        let exchange = match &answer.seen {
            Ok(exchange) => exchange,
            Err(error) => {
                unseen.get_or_insert_with(|| {
                    let message = format!("not answered: {}", error.message);
                    Finding::unknown("not_seen", error.reason.clone(), message).subject(subject(answer.way))
                });
                continue;
            }
        };
        if exchange.status == 429 {
            let message = "HTTP 429: the service takes the look for a flood";
            unseen.get_or_insert_with(|| {
                Finding::unknown("not_seen", Reason::UNEXPECTED_RESPONSE, message)
                    .subject(subject(answer.way))
            });
            continue;
        }
        lets_in.push((answer, lets(answer, exchange)));
    }
    for (answer, lets) in &lets_in {
        // What everybody may, each of the others may.
        let is_implied = answer.stranger != Stranger::Anybody
            && lets_in.iter().any(|(other, known)| {
                other.stranger == Stranger::Anybody && other.way == answer.way && known == lets
            });
        if !is_implied {
            findings.extend(of_lets(answer, *lets));
        }
    }
    findings.extend(of_vary(answers));
    findings.extend(of_preflight(&lets_in));
    let gate = answers
        .without_origin
        .as_ref()
        .ok()
        .and_then(|exchange| gate(exchange));
    let is_gated = gate.is_some()
        && !answers
            .without_origin
            .as_ref()
            .is_ok_and(|seen| page.is_declared(seen.status));
    dedup(&mut findings);
    let nobody = findings.iter().all(Finding::is_note);
    // What lets somebody in does so at a gate as well; that nobody is let in there says nothing.
    if let (true, true, Some(gate)) = (nobody, is_gated, gate) {
        return Outcome::unknown(
            Reason::UNEXPECTED_RESPONSE,
            format!("{gate} lets nobody in, and is not the page"),
        );
    }
    if findings.is_empty()
        && let Some(outcome) = not_the_page(answers, page)
    {
        return outcome;
    }
    findings.extend(unseen);
    let asked = answers.of_strangers.len() + 1;
    let outcome = Outcome::judged(summary(&findings), findings);
    outcome.evidence("requests", asked.to_string())
}

/// That nobody is let in where there is nothing to read says nothing of the service's policy.
fn not_the_page(answers: &Answers, page: &Page) -> Option<Outcome> {
    let by_strangers = answers
        .of_strangers
        .iter()
        .filter(|answer| answer.way == Way::Get);
    let seen = std::iter::once(&answers.without_origin).chain(by_strangers.map(|answer| &answer.seen));
    let status = seen.filter_map(|seen| seen.as_ref().ok()).next()?.status;
    if page.is_declared(status) {
        return None;
    }
    let told = format!("HTTP {status} lets nobody in, and is not the page; name one in `pages`");
    match status {
        _ if is_redirect(status) => Some(Outcome::not_applicable(told)),
        400.. => Some(Outcome::unknown(Reason::UNEXPECTED_RESPONSE, told)),
        _ => None,
    }
}

fn summary(findings: &[Finding]) -> String {
    let worst = findings
        .iter()
        .filter(|finding| !finding.is_note())
        .min_by_key(|finding| finding.status.rank());
    match worst {
        Some(finding) if finding.status.is_fail() => {
            let n = findings.iter().filter(|finding| finding.status.is_fail()).count();
            format!("lets strangers in with credentials ({})", count(n, "way", "ways"))
        }
        Some(finding) if finding.status.is_unknown() => "not all strangers were answered".to_owned(),
        Some(finding) => match finding.code.as_str() {
            "wildcard_with_credentials" => "`*` with credentials, which browsers refuse".to_owned(),
            "no_vary" => "answers depend on Origin without saying so".to_owned(),
            "several_values" => "several values where browsers take one".to_owned(),
            "malformed_max_age" => "a preflight's max-age is no number".to_owned(),
            "private_network" => "strangers may reach into a private network".to_owned(),
            _ => "lets strangers in without credentials".to_owned(),
        },
        None if findings
            .iter()
            .any(|finding| matches!(&*finding.code, "public" | "any_origin")) =>
        {
            "every site may read it, without credentials".to_owned()
        }
        None => "no other site is let in".to_owned(),
    }
}

fn subject(way: Way) -> &'static str {
    match way {
        Way::Get => "`GET`",
        Way::GetWithCredential => "`GET` with a credential",
        Way::Preflight => "preflight",
    }
}

/// Fetch, section 4.10, "CORS check": bytes are compared, `true` too.
fn lets(answer: &Answer, exchange: &Exchange) -> Lets {
    if answer.way == Way::Preflight && !(200..300).contains(&exchange.status) {
        return Lets::Nobody;
    }
    let mut values = exchange.all("access-control-allow-origin").map(trim);
    let Some(value) = values.next() else {
        return Lets::Nobody;
    };
    if values.next().is_some() || value.contains(&b',') || value.contains(&b' ') {
        return Lets::Several;
    }
    let with_credentials = exchange
        .joined("access-control-allow-credentials")
        .is_some_and(|value| trim(&value) == b"true");
    if value == b"*" {
        Lets::Everybody { with_credentials }
    } else if value == answer.origin.as_bytes() {
        Lets::Asker { with_credentials }
    } else {
        Lets::Nobody
    }
}

fn of_lets(answer: &Answer, lets: Lets) -> Option<Finding> {
    let stranger = answer.stranger;
    let finding = match lets {
        Lets::Nobody => return None,
        Lets::Several => {
            let message = "`Access-Control-Allow-Origin` has several values, which browsers refuse";
            Finding::warn("several_values", message)
                .remedy("answer with the one origin that asked, if it may")
        }
        Lets::Everybody {
            with_credentials: true,
        } => {
            let message = "`*` with `Access-Control-Allow-Credentials: true`, which browsers refuse";
            Finding::warn("wildcard_with_credentials", message)
                .remedy("drop the credentials, or name the origins that may have them")
        }
        Lets::Everybody { .. } => Finding::note("public", "`*` lets every site read it, without credentials"),
        Lets::Asker {
            with_credentials: true,
        } => {
            let what = match answer.way {
                Way::Preflight => "call it in the name of its users",
                _ => "read it in the name of its users",
            };
            let message = format!("{} may {what}", stranger.who());
            if stranger.is_near() {
                Finding::warn(stranger.code(), message).remedy("name the origins that need it in a list")
            } else {
                Finding::fail(stranger.code(), message).remedy(REMEDY)
            }
        }
        Lets::Asker { .. } => {
            let message = format!("{} may read it, without credentials", stranger.who());
            match stranger {
                Stranger::Anybody | Stranger::PlainHttp | Stranger::Sibling => {
                    Finding::note(stranger.code(), message)
                }
                _ => Finding::warn(stranger.code(), message).remedy(REMEDY),
            }
        }
    };
    Some(
        finding
            .subject(subject(answer.way))
            .evidence("Origin", answer.origin.as_str()),
    )
}

/// RFC 9110, section 12.5.5: what an answer depends on stands in `Vary`, also where the origin was not let in,
/// as that answer is given to the next one who asks.
fn of_vary(answers: &Answers) -> Option<Finding> {
    let seen: Vec<&Exchange> = answers
        .of_strangers
        .iter()
        .filter(|answer| answer.way == Way::Get)
        .filter_map(|answer| answer.seen.as_deref().ok())
        .chain(answers.without_origin.as_deref().ok())
        .collect();
    let first = seen.first()?.joined("access-control-allow-origin");
    let depends = seen
        .iter()
        .any(|exchange| exchange.joined("access-control-allow-origin") != first);
    if !depends {
        return None;
    }
    let silent = seen.iter().find(|exchange| {
        let vary = exchange.joined("vary").unwrap_or_default();
        let is_named = varies_by(&vary, "origin");
        let control = exchange.joined("cache-control").unwrap_or_default();
        !is_named && !cache_control::parse(&control).no_store
    })?;
    let message = "the answer depends on `Origin`, and a cache is not told so by `Vary`";
    Some(
        Finding::warn("no_vary", message)
            .subject("`GET`")
            .evidence("Vary", shown(&silent.joined("vary").unwrap_or_default()))
            .remedy("send `Vary: Origin` with every answer, also where the origin is not let in"),
    )
}

fn of_preflight(lets_in: &[(&Answer, Lets)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let open = lets_in.iter().find(|(answer, lets)| {
        answer.way == Way::Preflight && matches!(lets, Lets::Asker { .. } | Lets::Everybody { .. })
    });
    let Some((answer, _)) = open else {
        return findings;
    };
    let Ok(exchange) = &answer.seen else {
        return findings;
    };
    if let Some(value) = exchange.joined("access-control-max-age") {
        // Browsers keep the answer for two hours (Chromium) or a day (Firefox) at most.
        const LONGEST: i64 = 86_400;
        let seconds = std::str::from_utf8(trim(&value))
            .ok()
            .and_then(|text| text.parse::<i64>().ok());
        match seconds {
            None => findings.push(
                Finding::warn(
                    "malformed_max_age",
                    format!(
                        "`Access-Control-Max-Age` is `{}`, expected a number of seconds",
                        excerpt(&value)
                    ),
                )
                .remedy("send a number, such as `Access-Control-Max-Age: 600`"),
            ),
            Some(seconds) if seconds > LONGEST => findings.push(Finding::note(
                "long_max_age",
                format!(
                    "`Access-Control-Max-Age` is {seconds} s; no browser keeps it longer than {LONGEST} s"
                ),
            )),
            Some(_) => {}
        }
    }
    let private = exchange
        .joined("access-control-allow-private-network")
        .is_some_and(|value| trim(&value) == b"true");
    if private && answer.stranger == Stranger::Anybody {
        let message = "every site may reach it from the public network into a private one";
        findings.push(
            Finding::warn("private_network", message)
                .remedy("send `Access-Control-Allow-Private-Network` to the origins that need it alone"),
        );
    }
    findings
        .into_iter()
        .map(|finding| finding.subject(subject(Way::Preflight)))
        .collect()
}

/// Each thing once: `*` is said to every stranger.
fn dedup(findings: &mut Vec<Finding>) {
    let mut seen = std::collections::HashSet::new();
    findings.retain(|finding| seen.insert((finding.code.clone(), finding.subject.clone())));
}
