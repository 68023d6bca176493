use std::net::SocketAddr;

use async_trait::async_trait;
use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Status,
    fact::{Endpoint, TlsHandshake},
};

use self::trail::{Hop, Next, Place, Stop, Trail, follow, is_redirect, next};
use crate::address::{addresses, not_seen, worst_of};

pub(in crate::http) mod trail;

readiness_core::probe! {
    /// Plain http leads to https.
    ///
    /// # What it checks
    /// A request over plain http on each address, and every redirect from there on, without credentials.
    ///
    /// # Why it matters
    /// Who types the name without a scheme begins over plain http. Until https is reached, anybody on the
    /// way can read along, or lead elsewhere.
    ///
    /// # How it is judged
    /// The first redirect must lead to https on the same host, with 301 or 308; 302, 303 and 307 warn, as
    /// clients may not remember them, and so does another host, which leaves this one without HSTS. A page
    /// over plain http, a first hop to http, a later hop back to http, a loop, more than `max_hops`
    /// redirects, and a `Location` that is missing, invalid or contradicts itself fail. Nothing on the plain
    /// port is right too, as long as the https port answers. 401, 403, 429 and errors of the server are not
    /// judged.
    ///
    /// # How to fix
    /// Answer every request on port 80 with `308` and `Location: https://` followed by the same host and path.
    pub struct HttpsRedirect {
        /// The port of plain http; 0 means 80 where https is on 443, and otherwise that it does not apply.
        /// Default: 0.
        pub plain_port: u16 = 0,
        /// The most redirects from the first request to the last page. Default: 5.
        pub max_hops: usize = 5,
    }
    id: "http.https_redirect",
    title: "plain http leads to https",
    priority: High,
    references: [
        "RFC 9110 section 15.4" => "https://www.rfc-editor.org/rfc/rfc9110#section-15.4",
        "RFC 9110 section 10.2.2" => "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2",
        "RFC 6797 section 7.2" => "https://www.rfc-editor.org/rfc/rfc6797#section-7.2",
    ],
}

impl HttpsRedirect {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        if (1..=20).contains(&self.max_hops) {
            Ok(())
        } else {
            Err(format!("`max_hops` is 1 to 20, not {}", self.max_hops))
        }
    }

    /// The ports of plain http and of https, or why there is nothing to look at.
    fn ports(&self, cx: &ProbeContext) -> Result<(u16, u16), String> {
        let target = cx.target();
        match target.scheme() {
            "https" => match (self.plain_port, target.port()) {
                (0, 443) => Ok((80, 443)),
                (0, port) => Err(format!("https on port {port}; set `plain_port`")),
                (plain, port) if plain == port => {
                    Err(format!("`plain_port` {plain} is the port of https itself"))
                }
                (plain, port) => Ok((plain, port)),
            },
            "http" if !cx.profile().https_required => {
                Err(format!("the profile `{}` allows plain http", cx.profile()))
            }
            "http" if self.plain_port == 0 => Ok((target.port(), 443)),
            "http" => Ok((self.plain_port, 443)),
            other => Err(format!("`{other}` is not http")),
        }
    }
}

#[async_trait]
impl Probe for HttpsRedirect {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let (plain, secure) = match self.ports(cx) {
            Ok(ports) => ports,
            Err(because) => return Ok(Outcome::not_applicable(because)),
        };
        let host = cx.target().host();
        let found = addresses(cx).await?;
        let looks = found.reachable.iter().map(|&address| async move {
            // The query stays behind: its values belong to the https origin.
            let first = Place {
                tls: false,
                host: host.to_owned(),
                port: plain,
                path: cx.target().path().to_owned(),
            };
            let trail = follow(cx, first, address, self.max_hops).await;
            let outcome = match trail.hops.first().map(|hop| &hop.seen) {
                Some(Err(error)) => {
                    let endpoint = Endpoint::new(SocketAddr::new(address, secure), host, true);
                    let https = cx.observe(TlsHandshake::new(endpoint)).await;
                    judge_closed(plain, secure, error, https.map(drop))
                }
                _ => judge(&trail, secure, self.max_hops),
            };
            (SocketAddr::new(address, plain), outcome)
        });
        Ok(found.noted_in(worst_of(join_all(looks).await)))
    }
}

/// Judges a plain port that gave no response, given whether the https port answers.
fn judge_closed(plain: u16, secure: u16, error: &ObserveError, https: Result<(), ObserveError>) -> Outcome {
    let what = match error.root_reason() {
        reason if *reason == Reason::TCP_REFUSED => format!("nothing listens on port {plain}"),
        reason if *reason == Reason::TCP_SILENT => format!("port {plain} does not answer"),
        // A firewall's way to say no, where the same address answers on the other port.
        reason if *reason == Reason::TCP_UNREACHABLE => format!("port {plain} cannot be reached"),
        _ => return not_seen(error),
    };
    match https {
        Ok(()) => Outcome::pass(what.clone())
            .evidence(format!("port {plain}"), error.message.clone())
            .evidence(format!("port {secure}"), "answers"),
        // Then the whole host may be down, and that is another fault.
        Err(https) => not_seen(&https),
    }
}

/// Judges the way from a plain request on.
fn judge(trail: &Trail, secure: u16, most: usize) -> Outcome {
    let mut findings = Vec::new();
    for (i, hop) in trail.hops.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| trail.hops.get(i));
        judge_hop(i, hop, before, secure, &mut findings);
    }
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
        Some(301 | 302) => outcome.evidence("method", "clients may turn POST into GET; 308 would keep it"),
        Some(307 | 308) => outcome.evidence("method", "kept"),
        _ => outcome,
    }
}

fn judge_hop(i: usize, hop: &Hop, before: Option<&Hop>, secure: u16, findings: &mut Vec<Finding>) {
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
            has_userinfo: true, ..
        } => findings.push(
            Finding::warn(
                "userinfo_in_location",
                format!("`Location` of `{at}` holds a user name or a password"),
            )
            .subject(subject(i))
            .remedy("take the user information out of the redirect"),
        ),
        Next::To { .. } | Next::End => {}
    }
    match (i, &leads) {
        (0, Next::End) => findings.extend(judge_no_redirect(at, exchange.status, secure)),
        (0, Next::To { place, .. }) => judge_first(at, place, exchange.status, secure, findings),
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

fn judge_no_redirect(at: &Place, status: u16, secure: u16) -> Option<Finding> {
    Some(match status {
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
    })
}

fn mended(at: &Place, secure: u16) -> String {
    let to = Place {
        tls: true,
        port: secure,
        ..at.clone()
    };
    format!("redirect it with 308 to `{to}`")
}

fn judge_first(at: &Place, to: &Place, status: u16, secure: u16, findings: &mut Vec<Finding>) {
    let remedy = mended(at, secure);
    if !to.tls {
        let message = format!("`{at}` leads to `{to}` first, expected https on the same host");
        findings.push(Finding::fail("first_hop_not_https", message).remedy(remedy));
        return;
    }
    if to.host != at.host {
        let finding = if to.is_address() {
            let message = format!("`{at}` leads to a bare address, `{to}`, expected https on the same host");
            Finding::fail("first_hop_to_address", message)
        } else {
            let message = format!(
                "`{at}` leads to another host, `{to}`: `{}` itself can never set HSTS (RFC 6797, section 7.2)",
                at.host
            );
            Finding::warn("first_hop_off_host", message)
        };
        findings.push(finding.remedy(remedy.clone()));
    } else if to.port != secure {
        let message = format!(
            "`{at}` leads to port {}, while https is looked at on port {secure}",
            to.port
        );
        findings.push(Finding::note("first_hop_other_port", message));
    }
    if !matches!(status, 301 | 308) {
        let message = format!("`{at}` leads to https with {status}, expected 301 or 308");
        findings.push(Finding::warn("not_permanent", message).remedy(remedy));
    }
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

fn unknown(error: &ObserveError) -> Status {
    Status::Unknown {
        reason: error.reason.clone(),
        cause: error.cause.clone(),
    }
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

#[cfg(test)]
mod tests;
