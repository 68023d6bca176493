//! The redirects as the preload list judges them.

use readiness_core::{Finding, Reason};

use super::{PreloadPolicy, error, header, not_reached, warning};
use crate::http::trail::{Hop, Next, Place, Stop, Trail, next};

const TO_HTTPS: &str = "let every redirect lead to https";
const SAME_HOST: &str =
    "redirect plain http to https on the same host first, and from there to anywhere else";

/// Judges the way from `http://host/` on.
pub(super) fn from_plain(
    host: &str,
    trail: &Trail,
    policy: PreloadPolicy,
    header_is_right: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(first) = trail.hops.first() else {
        return findings;
    };
    let at = &first.place;
    let exchange = match &first.seen {
        Ok(exchange) => exchange,
        Err(why) => {
            let nothing_there = [Reason::TCP_REFUSED, Reason::TCP_SILENT, Reason::TCP_UNREACHABLE];
            let code = "redirects.http.does_not_exist";
            let message = format!("`{at}` does not answer: {}", why.message);
            let remedy = "answer there with a redirect to https, for clients that begin over plain http";
            return vec![match nothing_there.contains(why.root_reason()) {
                true => warning(code, message, remedy),
                false => not_reached(code, message, remedy, why),
            }];
        }
    };
    if exchange.first("strict-transport-security").is_some() {
        let message = format!("`{at}` sends the header over plain http, where browsers ignore it");
        let remedy = "send it over https alone";
        findings.push(warning("redirects.http.useless_header", message, remedy));
    }
    findings.extend(followed(trail));
    let to = redirects(trail);
    let Some(next) = to.first() else {
        let message = format!("`{at}` does not lead to `https://{host}`");
        findings.push(error("redirects.http.no_redirect", message, SAME_HOST));
        return findings;
    };
    if next.tls && next.host == host {
        findings.extend(insecure(trail, &to));
        if header_is_right {
            findings.extend(trail.hops.get(1).and_then(|hop| first_redirect(hop, policy)));
        }
    } else if next.host.strip_prefix("www.") == Some(host) {
        let message = format!("`{at}` leads to `www` first, to `{next}`, expected https on the same host");
        findings.push(error("redirects.http.www_first", message, SAME_HOST));
    } else {
        let message = format!("`{at}` leads to `{next}` first, expected https on the same host");
        findings.push(error(
            "redirects.http.first_redirect.insecure",
            message,
            SAME_HOST,
        ));
    }
    findings
}

/// Judges the way from `https://host/` on.
pub(super) fn from_own(trail: &Trail) -> Vec<Finding> {
    let mut findings = followed(trail);
    findings.extend(insecure(trail, &redirects(trail)));
    findings
}

/// Where the redirects lead, one after the other, also where the last one was not followed.
fn redirects(trail: &Trail) -> Vec<&Place> {
    let last = match &trail.stop {
        Stop::End => None,
        Stop::Inside { to, .. } | Stop::Loop { to } | Stop::TooMany { to } | Stop::Unresolved { to, .. } => {
            Some(to)
        }
    };
    trail
        .hops
        .iter()
        .skip(1)
        .map(|hop| &hop.place)
        .chain(last)
        .collect()
}

fn subject(trail: &Trail) -> String {
    trail
        .hops
        .first()
        .map_or_else(String::new, |hop| format!("from `{}`", hop.place))
}

/// The response that plain http leads to first.
fn first_redirect(hop: &Hop, policy: PreloadPolicy) -> Option<Finding> {
    let at = &hop.place;
    let exchange = match &hop.seen {
        Ok(exchange) => exchange,
        Err(why) => {
            let message = format!(
                "`{at}`, where plain http leads to, does not answer: {}",
                why.message
            );
            let code = "redirects.http.first_redirect.invalid";
            return Some(not_reached(code, message, "redirect to a page that answers", why));
        }
    };
    let fault = header::findings(exchange, policy)
        .into_iter()
        .find(|finding| finding.status.is_fail())?;
    let message = format!(
        "`{at}`, where plain http leads to, does not fit: {}",
        fault.message
    );
    Some(error(
        "redirects.http.first_redirect.no_hsts",
        message,
        "send the same header with the redirect itself (nginx: `add_header … always`)",
    ))
}

/// A redirect to plain http.
fn insecure(trail: &Trail, to: &[&Place]) -> Option<Finding> {
    let (i, place) = to.iter().enumerate().find(|(_, place)| !place.tls)?;
    let code = match i {
        0 => "redirects.insecure.initial",
        _ => "redirects.insecure.subsequent",
    };
    let message = format!("redirect {} leads to plain http, to `{place}`", i + 1);
    Some(error(code, message, TO_HTTPS).subject(subject(trail)))
}

/// What kept the redirects from being followed to their end.
fn followed(trail: &Trail) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fails = |message: String| {
        findings.push(error(
            "redirects.follow_error",
            message,
            "redirect to a page that answers",
        ));
    };
    match &trail.stop {
        Stop::Inside { to, address, what } => {
            fails(format!(
                "`{to}` is at `{address}`, which is {what}: nobody outside reaches it"
            ));
        }
        Stop::Unresolved { to, error: why } => {
            let message = format!("`{to}` cannot be followed: {}", why.message);
            let remedy = "redirect to a host that exists";
            findings.push(not_reached("redirects.follow_error", message, remedy, why));
        }
        Stop::Loop { to } => {
            let message = format!("the redirects lead back to `{to}`");
            let remedy = "let the last redirect lead to a page";
            findings.push(error("redirects.too_many", message, remedy));
        }
        Stop::TooMany { to } => {
            let most = super::MOST_REDIRECTS;
            let message = format!("more than {most} redirects, and `{to}` would be next");
            findings.push(error(
                "redirects.too_many",
                message,
                "lead to the last page at once",
            ));
        }
        Stop::End => {
            for (i, hop) in trail.hops.iter().enumerate() {
                match &hop.seen {
                    Ok(exchange) => {
                        if let Next::Broken(_, problem) = next(&hop.place, exchange) {
                            fails(format!("`{}` redirects to nowhere: {problem}", hop.place));
                        }
                    }
                    // The first one is told by itself.
                    Err(_) if i == 0 => {}
                    Err(why) => {
                        let message = format!("`{}` does not answer: {}", hop.place, why.message);
                        let remedy = "redirect to a page that answers";
                        findings.push(not_reached("redirects.follow_error", message, remedy, why));
                        break;
                    }
                }
            }
        }
    }
    findings
        .into_iter()
        .map(|finding| finding.subject(subject(trail)))
        .collect()
}
