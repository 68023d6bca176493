use readiness_core::{Finding, Outcome, Reason, fact::Exchange};

use crate::{
    address::unknown,
    http::{
        applicability::is_challenge,
        strict_transport::parse,
        trail::{Hop, Next, Place, Stop, Trail, is_redirect, next},
    },
};

/// From how many redirects on it is told that there are many.
const MANY_REDIRECTS: usize = 4;

/// Judges the way from a plain request on.
pub(super) fn judge(trail: &Trail, secure: u16, most: usize) -> Outcome {
    let mut findings = Vec::new();
    for (i, hop) in trail.hops.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| trail.hops.get(i));
        judge_hop(i, hop, before, trail.hops.get(i + 1), secure, &mut findings);
    }
    findings.extend(judge_number(trail));
    findings.extend(judge_stop(&trail.stop, trail.hops.len(), most));
    let first = trail
        .hops
        .first()
        .and_then(|hop| Some((hop, hop.seen.as_deref().ok()?)));
    let summary = match (findings.iter().find(|finding| !finding.is_note()), first) {
        (Some(finding), _) => finding.message.clone(),
        (None, Some((hop, exchange))) => match next(&hop.place, exchange) {
            Next::To { place, .. } => format!("{} to {place}", exchange.status),
            _ => format!("{} from {}", exchange.status, hop.place),
        },
        (None, None) => return Outcome::unknown(Reason::ERROR, "nothing was looked at"),
    };
    let outcome = trail
        .hops
        .iter()
        .enumerate()
        .fold(Outcome::judged(summary, findings), |outcome, (i, hop)| {
            outcome.evidence(subject(i), shown(hop))
        });
    match first.map(|(_, exchange)| exchange.status) {
        Some(307 | 308) => outcome.evidence("method", "kept"),
        _ => outcome,
    }
}

fn judge_hop(
    i: usize,
    hop: &Hop,
    before: Option<&Hop>,
    after: Option<&Hop>,
    secure: u16,
    findings: &mut Vec<Finding>,
) {
    let at = &hop.place;
    // The first one's own is told by where it came from.
    if let Some(before) = before.filter(|before| before.place.tls && !at.tls) {
        let message = format!("`{}` leads back to plain http, to `{at}`", before.place);
        findings.push(
            Finding::fail("downgrade", message)
                .subject(subject(i))
                .remedy("let every redirect lead to https"),
        );
    }
    let exchange = match &hop.seen {
        Ok(exchange) => exchange,
        Err(error) => {
            let message = format!("`{at}` could not be looked at: {}", error.message);
            findings.push(Finding::new("hop_not_seen", unknown(error), message).subject(subject(i)));
            return;
        }
    };
    let leads = next(at, exchange);
    match &leads {
        Next::Broken(code, problem) => findings.push(
            Finding::fail(
                *code,
                format!("`{at}` answers with a redirect to nowhere: {problem}"),
            )
            .subject(subject(i))
            .remedy("send one `Location` with an absolute https URL"),
        ),
        Next::To {
            has_userinfo,
            secrets,
            ..
        } => findings.extend(judge_secrets(at, *has_userinfo, secrets).map(|f| f.subject(subject(i)))),
        Next::End => {}
    }
    match (i, &leads) {
        (0, Next::End) => findings.push(judge_no_redirect(at, exchange, secure)),
        (0, Next::To { place, .. }) => {
            let then = after.and_then(|hop| hop.seen.as_deref().ok());
            judge_first(at, place, then, secure, findings);
            if place.tls {
                judge_status(at, exchange.status, secure, findings);
            }
        }
        (_, Next::To { place, .. }) if place.is_address() && !at.is_address() => findings.push(
            Finding::warn(
                "leads_to_address",
                format!("`{at}` leads to a bare address, `{place}`"),
            )
            .subject(subject(i))
            .remedy("redirect to a name that the certificate holds"),
        ),
        _ => {}
    }
}

/// What in a `Location` only the one it is meant for should see: it stands in histories and logs.
fn judge_secrets<'a>(
    at: &'a Place,
    has_userinfo: bool,
    secrets: &'a [String],
) -> impl Iterator<Item = Finding> + use<'a> {
    let userinfo = has_userinfo.then(|| {
        Finding::warn(
            "userinfo_in_location",
            format!("`Location` of `{at}` holds a user name or a password"),
        )
        .remedy("take the user information out of the redirect")
    });
    let names = (!secrets.is_empty()).then(|| {
        let names: Vec<String> = secrets.iter().map(|name| format!("`{name}`")).collect();
        Finding::warn(
            "secret_in_location",
            format!(
                "`Location` of `{at}` hands on {}, which histories, logs and `Referer` then hold",
                names.join(", ")
            ),
        )
        .remedy("hand it on in a cookie or in the body of a POST, or make it good for one use only")
    });
    userinfo.into_iter().chain(names)
}

fn judge_no_redirect(at: &Place, exchange: &Exchange, secure: u16) -> Finding {
    let status = exchange.status;
    match status {
        _ if is_challenge(exchange) => Finding::unknown(
            "not_judged",
            Reason::UNEXPECTED_RESPONSE,
            format!("`{at}` answers with a challenge page ({status}), which tells nothing of its redirect"),
        )
        .remedy("let whoever runs these checks through the filter, or let it redirect whoever asks"),
        200..=299 => Finding::fail(
            "served_over_http",
            format!("`{at}` answers {status} over plain http, expected a redirect to https"),
        )
        .remedy(mended(at, secure)),
        401 | 403 | 429 | 500..=599 => Finding::unknown(
            "not_judged",
            Reason::UNEXPECTED_RESPONSE,
            format!("`{at}` answers {status}, which tells nothing of its redirect"),
        )
        .remedy("look at the plain port again once it answers, or let it redirect whoever asks"),
        _ => Finding::fail(
            "no_redirect",
            format!("`{at}` answers {status}, expected a redirect to https"),
        )
        .remedy(mended(at, secure)),
    }
}

fn mended(at: &Place, secure: u16) -> String {
    let to = Place {
        tls: true,
        port: secure,
        ..at.clone()
    };
    format!("redirect it with 308 to `{to}`")
}

fn judge_first(at: &Place, to: &Place, then: Option<&Exchange>, secure: u16, findings: &mut Vec<Finding>) {
    let remedy = mended(at, secure);
    if !to.tls {
        let message = format!("`{at}` leads to `{to}` first, expected https on the same host");
        findings.push(Finding::fail("first_hop_not_https", message).remedy(remedy));
        return;
    }
    if to.host != at.host {
        findings.push(judge_other_host(at, to, then, remedy));
    } else if to.port != secure {
        let message = format!(
            "`{at}` leads to port {}, while https is looked at on port {secure}",
            to.port
        );
        findings.push(Finding::note("first_hop_other_port", message));
    }
}

/// A first hop to https on another host: who begins over http then never sees this one's HSTS.
fn judge_other_host(at: &Place, to: &Place, then: Option<&Exchange>, remedy: String) -> Finding {
    let host = &at.host;
    if to.is_address() {
        let message = format!("`{at}` leads to a bare address, `{to}`, expected https on the same host");
        return Finding::fail("first_hop_to_address", message).remedy(remedy);
    }
    if at.is_below(to) {
        // RFC 6797, section 8.2: a policy with `includeSubDomains` holds for every host below.
        return if then.is_some_and(covers_subdomains) {
            let message = format!("`{at}` leads to its parent host, `{to}`, whose HSTS covers `{host}` too");
            Finding::note("first_hop_to_parent", message)
        } else {
            let message = format!(
                "`{at}` leads to its parent host, `{to}`, whose HSTS does not cover `{host}`, expected \
                 `includeSubDomains` or https on the same host first"
            );
            Finding::warn("first_hop_off_host", message).remedy(remedy)
        };
    }
    if to.host.strip_prefix("www.") == Some(host) {
        let message = format!(
            "`{at}` leads to `www` first, to `{to}`: a visitor who begins over http never sees the HSTS of `{host}`"
        );
        return Finding::warn("www_first", message).remedy(remedy);
    }
    let message = format!(
        "`{at}` leads to another host, `{to}`: a visitor who begins over http never sees the HSTS of `{host}`"
    );
    Finding::warn("first_hop_off_host", message).remedy(remedy)
}

/// Whether browsers take a policy for all subdomains from this response.
fn covers_subdomains(exchange: &Exchange) -> bool {
    exchange.channel.is_secure()
        && exchange
            .first("strict-transport-security")
            .and_then(|line| parse(line).ok())
            .is_some_and(|policy| policy.include_subdomains && policy.max_age_seconds > 0)
}

/// Whether clients remember the first redirect, and send again what they sent. RFC 9110, section 15.4.
fn judge_status(at: &Place, status: u16, secure: u16, findings: &mut Vec<Finding>) {
    if !matches!(status, 301 | 308) {
        let message = format!("`{at}` leads to https with {status}, expected 301 or 308");
        findings.push(Finding::warn("not_permanent", message).remedy(mended(at, secure)));
    }
    let said = match status {
        301 | 302 => "clients may turn POST into GET, 308 keeps the method",
        303 => "clients turn POST into GET, 308 keeps the method",
        _ => return,
    };
    findings.push(Finding::note(
        "method_lost",
        format!("`{at}` leads to https with {status}: {said}"),
    ));
}

/// Each redirect is a round trip before the first byte of the page, and browsers give up on many.
fn judge_number(trail: &Trail) -> Option<Finding> {
    let redirects = match trail.stop {
        Stop::End | Stop::Inside { .. } | Stop::Unresolved { .. } => trail.hops.len().saturating_sub(1),
        // Those are faults of their own.
        Stop::Loop { .. } | Stop::TooMany { .. } => return None,
    };
    (redirects >= MANY_REDIRECTS).then(|| {
        let message = format!("{redirects} redirects before the page, expected at most 3");
        Finding::note("many_hops", message)
    })
}

fn judge_stop(stop: &Stop, hops: usize, most: usize) -> Option<Finding> {
    let last = subject(hops.saturating_sub(1));
    let finding = match stop {
        Stop::End => return None,
        Stop::Inside { to, address, what } => Finding::warn(
            "leads_inside",
            format!("`{to}` is at `{address}`, which is {what}: not followed from outside"),
        )
        .remedy("redirect to a host the world can reach"),
        Stop::Loop { to } => Finding::fail("redirect_loop", format!("the redirects lead back to `{to}`"))
            .remedy("let the last redirect lead to a page"),
        Stop::TooMany { to } => Finding::fail(
            "too_many_hops",
            format!("more than {most} redirects, and `{to}` would be next"),
        )
        .remedy("lead to the last page at once"),
        Stop::Unresolved { to, error } => {
            let reason = error.root_reason();
            let message = format!("`{to}` cannot be followed: {}", error.message);
            if *reason == Reason::DNS_NXDOMAIN || *reason == Reason::DNS_NODATA {
                Finding::fail("leads_nowhere", message).remedy("redirect to a host that exists")
            } else {
                Finding::new("hop_not_seen", unknown(error), message)
            }
        }
    };
    Some(finding.subject(last))
}

fn subject(i: usize) -> String {
    format!("hop {}", i + 1)
}

fn shown(hop: &Hop) -> String {
    let exchange = match &hop.seen {
        Ok(exchange) => exchange,
        Err(error) => return format!("{}: {}", hop.place, error.message),
    };
    let status = exchange.status;
    match next(&hop.place, exchange) {
        Next::To { place, .. } => format!("{}: {status} to {place}", hop.place),
        _ if is_redirect(status) => format!("{}: {status} to nowhere", hop.place),
        _ => format!("{}: {status}", hop.place),
    }
}
