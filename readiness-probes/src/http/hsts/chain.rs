//! HSTS on the way: every https response that the redirects pass.

use futures_util::future::{join, join_all};
use readiness_core::{Evidence, Finding, ObserveError, Outcome, ProbeContext, ProbeError, Reason};

use super::{Hsts, Said, advice, missing, sent_in_vain};
use crate::{
    address::{addresses, same_owner, unknown, worst_of},
    http::{
        applicability::{Rule, Weight, by_status, is_challenge, weigh},
        pages::Pages,
        syntax::shown,
        trail::{Hop, Place, Stop, Trail, follow, ports},
    },
};

/// Looks at the way from plain http on, which is that of `http.https_redirect`, and at the one from the
/// target's own path on where the first does not pass there.
pub(super) async fn look(cx: &ProbeContext, settings: &Hsts) -> Result<Outcome, ProbeError> {
    let (target, most) = (cx.target(), settings.max_hops);
    if most == 0 {
        return Ok(Outcome::not_applicable("redirects are not followed"));
    }
    let plain = ports(cx, settings.plain_port).ok().map(|(plain, _)| Place {
        tls: false,
        host: target.host().to_owned(),
        port: plain,
        path: target.path().to_owned(),
    });
    let own = Place {
        tls: true,
        host: target.host().to_owned(),
        port: target.port(),
        path: target.path_and_query(),
    };
    // What needs a credential is the page alone: on the way nobody gets one.
    let follows_own = target.is_tls() && target.credential().is_none();
    let found = addresses(cx).await?;
    let looks = found.reachable.iter().map(|&address| {
        let (plain, own) = (plain.clone(), &own);
        async move {
            let from_plain = async {
                match plain {
                    Some(place) => Some(follow(cx, place, address, most).await),
                    None => None,
                }
            };
            let from_own = async {
                match follows_own {
                    true => Some(follow(cx, own.clone(), address, most).await),
                    false => None,
                }
            };
            let (from_plain, from_own) = join(from_plain, from_own).await;
            let outcome = judge(settings, from_plain.as_ref(), from_own.as_ref(), own);
            (std::net::SocketAddr::new(address, own.port), outcome)
        }
    });
    Ok(worst_of(join_all(looks).await))
}

/// Judges what both ways passed, but for the pages, which are judged by themselves.
fn judge(settings: &Hsts, from_plain: Option<&Trail>, from_own: Option<&Trail>, own: &Place) -> Outcome {
    let mut judged = Judged {
        settings,
        own,
        seen: Vec::new(),
        is_cut: false,
        responses: 0,
        findings: Vec::new(),
        evidence: Vec::new(),
    };
    for (trail, from) in [(from_plain, ""), (from_own, " from https")] {
        for (i, hop) in trail.iter().flat_map(|trail| trail.hops.iter()).enumerate() {
            judged.hop(format!("hop {}{from}", i + 1), i, hop);
        }
        if let Some(trail) = trail {
            judged.stop(format!("hop {}{from}", trail.hops.len() + 1), trail);
        }
        judged.seen.push(None);
    }
    let Judged {
        is_cut,
        responses,
        findings,
        evidence,
        ..
    } = judged;
    let mut outcome = if responses == 0 && findings.iter().all(|finding| finding.status.is_pass()) {
        let mut outcome = Outcome::not_applicable(if is_cut {
            "no redirect that was followed leads over another https response"
        } else {
            "no redirect leads over another https response"
        });
        outcome.findings = findings;
        outcome
    } else {
        let summary = match findings.iter().find(|finding| !finding.is_note()) {
            Some(finding) => finding.message.clone(),
            None if is_cut => "each https response seen on the way sends HSTS".to_owned(),
            None => "each https response on the way sends HSTS".to_owned(),
        };
        Outcome::judged(summary, findings)
    };
    outcome.evidence = evidence;
    outcome
}

struct Judged<'a> {
    settings: &'a Hsts,
    own: &'a Place,
    /// The places so far that were https, or could not be looked at; `None` ends a way.
    seen: Vec<Option<&'a Place>>,
    /// Whether a part of the way was not looked at.
    is_cut: bool,
    /// How many https responses were judged here.
    responses: usize,
    findings: Vec<Finding>,
    evidence: Vec<Evidence>,
}

impl<'a> Judged<'a> {
    fn hop(&mut self, subject: String, i: usize, hop: &'a Hop) {
        let at = &hop.place;
        let exchange = match &hop.seen {
            Ok(exchange) => exchange,
            Err(error) => return self.not_seen(subject, i, at, error),
        };
        if !at.tls {
            // Inside one process there is no wire that would be plain.
            let note = (!exchange.channel.is_secure()).then(|| sent_in_vain(exchange, &at.to_string()));
            self.findings
                .extend(note.flatten().map(|note| note.subject(subject)));
            return;
        }
        let is_first = self.begins_way();
        let was_seen = self.seen.contains(&Some(at));
        self.seen.push(Some(at));
        if was_seen || self.is_page(at) || at.is_address() {
            return;
        }
        let said = Said::of(self.settings, exchange);
        let line = said
            .as_ref()
            .map_or("no header".to_owned(), |said| shown(said.line));
        self.evidence.push(Evidence::new(
            &*subject,
            format!("{at}: {}, {line}", exchange.status),
        ));
        if said.is_none() && is_challenge(exchange) {
            return;
        }
        self.responses += 1;
        let weight = match weigh(Rule::Hsts, by_status(exchange), exchange) {
            Weight::None(_) | Weight::Informs => Weight::Informs,
            _ if is_foreign(&at.host, &self.own.host) => Weight::Informs,
            weight if is_first => weight,
            _ => Weight::Warns,
        };
        let (findings, policy) = match said {
            None => (vec![missing()], None),
            Some(said) => (said.findings, said.policy),
        };
        let mut findings = weight.apply(findings);
        for finding in &mut findings {
            finding.message = format!("at `{at}`: {}", finding.message);
        }
        findings.extend(advice(&at.host, at.port, exchange, policy));
        self.findings
            .extend(findings.into_iter().map(|finding| finding.subject(&*subject)));
    }

    /// Whether no https response of this way was passed so far.
    fn begins_way(&self) -> bool {
        self.seen.iter().rev().map_while(|at| *at).all(|at| !at.tls)
    }

    /// Whether it is judged as a page: then it is not judged here as well.
    fn is_page(&self, at: &Place) -> bool {
        is_page(&self.settings.pages, at, self.own)
    }

    fn not_seen(&mut self, subject: String, i: usize, at: &'a Place, error: &ObserveError) {
        let nothing_there = [Reason::TCP_REFUSED, Reason::TCP_SILENT, Reason::TCP_UNREACHABLE];
        if self.seen.contains(&Some(at)) {
            return;
        }
        self.seen.push(Some(at));
        if i == 0 && !at.tls {
            if !nothing_there.contains(error.root_reason()) {
                let what = format!("the redirects from `{at}` ({})", error.message);
                self.evidence.push(Evidence::new(Evidence::NOT_LOOKED_AT, what));
            }
        } else if at.tls && !self.is_page(at) && !is_foreign(&at.host, &self.own.host) {
            let message = format!("`{at}` could not be looked at: {}", error.message);
            self.findings
                .push(Finding::new("hop_not_seen", unknown(error), message).subject(subject));
        }
    }

    /// Tells what the way leads on to where it was not followed to its end.
    fn stop(&mut self, subject: String, trail: &'a Trail) {
        let (to, why) = match &trail.stop {
            // What a circle holds has been looked at.
            Stop::End | Stop::Loop { .. } => return,
            Stop::TooMany { to } => (to, format!("after {} redirects", self.settings.max_hops)),
            Stop::Inside { to, address, what } => (to, format!("at {address}, which is {what}")),
            Stop::Unresolved { to, error } => (to, error.message.clone()),
        };
        if self.seen.contains(&Some(to)) {
            return;
        }
        self.seen.push(Some(to));
        self.is_cut = true;
        match &trail.stop {
            Stop::Unresolved { error, .. } if !is_foreign(&to.host, &self.own.host) => {
                let message = format!("`{to}` cannot be followed: {why}");
                self.findings
                    .push(Finding::new("hop_not_seen", unknown(error), message).subject(subject));
            }
            _ => {
                let what = format!("the redirects from `{to}` on ({why})");
                self.evidence.push(Evidence::new(Evidence::NOT_LOOKED_AT, what));
            }
        }
    }
}

/// Whether a place is one of the pages.
fn is_page(pages: &Pages, at: &Place, own: &Place) -> bool {
    let same_origin = (at.tls, &at.host, at.port) == (own.tls, &own.host, own.port);
    let bare = |path: &str| path.split('?').next().unwrap_or_default().to_owned();
    same_origin
        && pages.iter().any(|page| match &page.path {
            None => bare(&own.path) == bare(&at.path),
            Some(path) => *path == at.path,
        })
}

/// Whether a host belongs to somebody else, by the public suffix list.
fn is_foreign(host: &str, home: &str) -> bool {
    !same_owner(host, home)
}

/// What the pages say and what the way says: the worse decides, and all of it is shown.
pub(super) fn together(pages: Outcome, chain: Outcome) -> Outcome {
    let order = |outcome: &Outcome| (outcome.status.rank(), outcome.status.credit());
    let chain_is_worse = order(&chain) < order(&pages);
    let mut outcome = pages;
    if chain_is_worse {
        outcome.status = chain.status;
        outcome.summary = chain.summary;
    }
    outcome.findings.extend(chain.findings);
    for evidence in chain.evidence {
        if !outcome.evidence.contains(&evidence) {
            outcome.evidence.push(evidence);
        }
    }
    outcome
}

#[cfg(test)]
mod tests;
