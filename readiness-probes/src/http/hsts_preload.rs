use std::{net::SocketAddr, sync::Arc};

use futures_util::future::{join, join_all, join3};
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    async_trait,
    fact::{Endpoint, TlsFacts, TlsHandshake},
    probe,
};
use serde::{Deserialize, Serialize};

use self::domain::Www;
use super::trail::{Place, Trail, follow, ports};
use crate::address::{addresses, unknown, worst_of};

mod domain;
mod header;
mod redirects;

probe! {
    /// The host fits the list of HTTPS-only hosts that is built into browsers.
    ///
    /// # What it checks
    /// What <https://hstspreload.org> asks of a host before it is put on the list: the name, the certificate and
    /// the cipher, the `Strict-Transport-Security` header of `https://host/`, the redirects from `http://host/`
    /// and `https://host/` on, and whether `www` below it speaks TLS.
    ///
    /// # Why it matters
    /// A host on the list is never spoken to over plain HTTP, also on the very first visit. Getting off the list
    /// takes months, and every name below the host is on it too: this is for owners who have decided, and is in
    /// no preset.
    ///
    /// # How it is judged
    /// Findings have the codes of hstspreload, and its errors fail while its warnings warn. The name must be
    /// registered directly below a public suffix. There must be exactly one header, with `includeSubDomains`,
    /// `preload` and a `max-age` of one year. Plain HTTP, where there is any, must lead to https on the same host
    /// first, and that response must have such a header too; at most three redirects, none to plain HTTP. The
    /// header is read as the list reads it, which is narrower than what browsers do: `http.hsts` judges that.
    ///
    /// # How to fix
    /// Raise `max-age` step by step (five minutes, a week, a month, two years) while nothing below the host
    /// breaks, and add `preload` last of all.
    pub struct HstsPreload {
        /// What the host is held to: `one_year`, `eighteen_weeks` for hosts that were listed under the older
        /// rule, or `removal` for whether the host may be taken off the list. Default: `one_year`.
        pub policy: PreloadPolicy = PreloadPolicy::OneYear,
        /// The port of plain http; 0 means 80 where https is on 443, and otherwise that it does not apply.
        /// Default: 0.
        pub plain_port: u16 = 0,
    }
    id: "http.hsts_preload",
    title: "the host fits the HSTS preload list",
    priority: Medium,
    references: [
        "hstspreload.org, submission requirements" => "https://hstspreload.org/#submission-requirements",
        "RFC 6797 section 12.3" => "https://www.rfc-editor.org/rfc/rfc6797#section-12.3",
    ],
}

/// What the preload list asks of a host.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum PreloadPolicy {
    /// A `max-age` of 18 weeks: for hosts that were listed under the older rule.
    EighteenWeeks,
    /// A `max-age` of one year.
    #[default]
    OneYear,
    /// A valid header without `preload`: for hosts that are to leave the list.
    Removal,
}

/// The most redirects the list takes.
const MOST_REDIRECTS: usize = 3;

#[async_trait]
impl Probe for HstsPreload {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let host = cx.target().host();
        if let Some(finding) = domain::format(host) {
            return Ok(Outcome::judged(finding.message.clone(), vec![finding]));
        }
        let (plain, secure) = match ports(cx, self.plain_port) {
            Ok(ports) => ports,
            Err(because) => return Ok(Outcome::not_applicable(because)),
        };
        let place = |tls, port| Place {
            tls,
            host: host.to_owned(),
            port,
            path: "/".to_owned(),
        };
        let (plain, own) = (place(false, plain), place(true, secure));
        let found = addresses(cx).await?;
        let looks = found.reachable.iter().map(|&address| {
            let (plain, own) = (plain.clone(), own.clone());
            async move {
                let address = SocketAddr::new(address, secure);
                let endpoint = Endpoint::new(address, host, true);
                let (handshake, from_plain, from_own) = join3(
                    cx.observe(TlsHandshake::new(endpoint)),
                    follow(cx, plain, address.ip(), MOST_REDIRECTS),
                    follow(cx, own, address.ip(), MOST_REDIRECTS),
                )
                .await;
                let seen = Seen {
                    handshake,
                    from_plain,
                    from_own,
                };
                (address, seen)
            }
        });
        let (www, seen) = join(domain::look_at_www(cx, secure), join_all(looks)).await;
        let outcomes = seen
            .into_iter()
            .map(|(address, seen)| (address, judge(self.policy, host, &seen, &www)))
            .collect();
        Ok(found.noted_in(worst_of(outcomes)))
    }
}

/// What was seen at one address.
struct Seen {
    handshake: Result<Arc<TlsFacts>, ObserveError>,
    from_plain: Trail,
    from_own: Trail,
}

fn judge(policy: PreloadPolicy, host: &str, seen: &Seen, www: &Www) -> Outcome {
    let is_removal = policy == PreloadPolicy::Removal;
    let mut findings: Vec<Finding> = Vec::new();
    if !is_removal {
        findings.extend(domain::level(host));
    }
    findings.extend(domain::tls(&seen.handshake, is_removal));
    let first = seen.from_own.hops.first();
    let page = match first.map(|hop| &hop.seen) {
        Some(Ok(page)) => page,
        Some(Err(error)) => {
            if !findings
                .iter()
                .any(|finding| finding.code.starts_with("domain.tls."))
            {
                findings.push(domain::cannot_connect(error));
            }
            return concluded(policy, findings);
        }
        None => return Outcome::unknown(Reason::ERROR, "nothing was looked at"),
    };
    let of_header = header::findings(page, policy);
    let header_is_right = !of_header.iter().any(|finding| finding.status.is_fail());
    findings.extend(of_header);
    if !is_removal {
        findings.extend(redirects::from_plain(
            host,
            &seen.from_plain,
            policy,
            header_is_right,
        ));
        findings.extend(redirects::from_own(&seen.from_own));
        if domain::needs_www(host) {
            findings.extend(www.finding());
        }
    }
    let outcome = concluded(policy, findings);
    match page.joined("strict-transport-security") {
        Some(lines) => outcome.evidence(header::HEADER, super::syntax::shown(&lines)),
        None => outcome,
    }
}

fn concluded(policy: PreloadPolicy, findings: Vec<Finding>) -> Outcome {
    let worst = findings.iter().filter(|finding| !finding.is_note());
    let summary = match worst.min_by_key(|finding| finding.status.rank()) {
        Some(finding) => finding.message.clone(),
        None if policy == PreloadPolicy::Removal => "the host may be taken off the preload list".to_owned(),
        None => "the host fits the preload list".to_owned(),
    };
    Outcome::judged(summary, findings)
}

/// An error of hstspreload's, which keeps a host off the list.
fn error(code: &str, message: impl Into<String>, remedy: &str) -> Finding {
    Finding::fail(code, message).remedy(remedy)
}

/// A warning of hstspreload's.
fn warning(code: &str, message: impl Into<String>, remedy: &str) -> Finding {
    Finding::warn(code, message).remedy(remedy)
}

/// What could not be looked at: an answer that says no is an error of the host's, and everything else unknown.
fn not_reached(code: &str, message: String, remedy: &str, why: &ObserveError) -> Finding {
    let says_no = [
        Reason::DNS_NODATA,
        Reason::DNS_NXDOMAIN,
        Reason::TCP_REFUSED,
        Reason::TCP_RESET,
    ];
    if says_no.contains(why.root_reason()) {
        return error(code, message, remedy);
    }
    Finding::new(code, unknown(why), message).remedy(remedy)
}

#[cfg(test)]
mod tests;
