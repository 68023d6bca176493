use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Timestamp, async_trait,
    fact::{Exchange, HttpExchange},
    probe,
};

use self::{
    chain::Chain,
    names::{is_balancer_name, is_session_name},
    rules::{Demands, Site, judge_cookie, subject},
};
use super::{
    applicability::{Weight, gate},
    capped::cap,
    page::{Looked, judge_page, look},
    pages::Pages,
    set_cookie,
    syntax::count,
    trail::check_hops,
};
use crate::address::{NOT_LOOKED_AT, unknown};

mod chain;
#[cfg(test)]
mod conformance;
pub(super) mod names;
mod rules;

probe! {
    /// Cookies travel over https only, and those of a session are kept from scripts and other sites.
    ///
    /// # What it checks
    /// Every `Set-Cookie` line of each page and of the redirects it leads to within its own site, read as browsers
    /// read it. Values are redacted before they are looked at.
    ///
    /// # Why it matters
    /// Who holds the cookie of a session is logged in as its owner. Browsers also drop cookies whose attributes
    /// contradict each other, without a word to the service.
    ///
    /// # How it is judged
    /// Over https a cookie without `Secure` fails. A cookie browsers drop fails: the prefixes `__Secure-`, `__Host-`,
    /// `__Http-` and `__Host-Http-` (in any case) without what they promise, a `Domain` that is a public suffix or
    /// another site, `SameSite=None` or `Partitioned` without `Secure`, more than 4096 bytes. The cookie of a session
    /// also needs `HttpOnly` (fails) and `SameSite` (warns), and warns where it lasts longer than
    /// `max_session_days`. A session's cookie is known by its name: those in `session_names`, and the usual ones
    /// (with a word such as `sid`, `session`, `auth`, `token`, `jwt` or `login`, and `remember-me`). Cookies of load balancers are only noted. A line that
    /// deletes a cookie is left aside. Without any cookie it does not apply.
    ///
    /// # How to fix
    /// Send `Set-Cookie: __Host-sid=…; Path=/; Secure; HttpOnly; SameSite=Lax`.
    pub struct Cookies {
        /// Names of cookies that hold a session, besides the usual ones; `http.caching` has a setting of the same
        /// name, which usually holds the same. Default: none.
        pub session_names: Vec<String> = Vec::new(),
        /// Names of cookies that are not judged. Default: none.
        pub ignore_names: Vec<String> = Vec::new(),
        /// Whether cookies of load balancers and filters in front (`AWSALB`, `ARRAffinity`, `BIGipServer…`,
        /// `__cf_bm` and their like) are judged as the service's own. Default: false, they are noted.
        pub judge_balancers: bool = false,
        /// The longest that a session's cookie may last, in days. Default: 90.
        pub max_session_days: u32 = 90,
        /// The most redirects from a page on whose cookies are judged too; 0 judges the page's own alone.
        /// Default: 5.
        pub max_hops: usize = 5,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.cookies",
    title: "cookies are kept from eavesdroppers and scripts",
    priority: High,
    references: [
        "RFC 6265bis section 5.6" => "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6",
        "RFC 6265bis section 5.7" => "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.7",
        "RFC 6265bis section 4.1.3" => "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3",
    ],
}

#[async_trait]
impl Probe for Cookies {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let (https_required, now) = (cx.profile().https_required, cx.now());
        let chains = self.chains(cx).await?;
        judge_page(cx, &self.pages, |looked| {
            let none = Chain::default();
            let chain = chains.get(looked.key).unwrap_or(&none);
            judge(self, looked, chain, https_required, now)
        })
        .await
    }
}

impl Cookies {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (setting, names) in [
            ("session_names", &self.session_names),
            ("ignore_names", &self.ignore_names),
        ] {
            if names.iter().any(String::is_empty) {
                return Err(format!("`{setting}` holds an empty name"));
            }
        }
        if self.max_session_days == 0 {
            return Err("`max_session_days` is 0, expected at least 1".into());
        }
        check_hops(self.max_hops, 0)?;
        self.pages.check()
    }

    /// What each page leads to, at each address.
    async fn chains(&self, cx: &ProbeContext) -> Result<HashMap<HttpExchange, Chain>, ProbeError> {
        let pages = join_all(self.pages.iter().map(|page| look(cx, page))).await;
        let mut all = HashMap::new();
        for seen in pages {
            let chains = seen?.into_iter().map(|(key, seen)| async move {
                let chain = match &seen {
                    Ok(exchange) => chain::follow(cx, &key, exchange, self.max_hops).await,
                    Err(_) => Chain::default(),
                };
                (key, chain)
            });
            all.extend(join_all(chains).await);
        }
        Ok(all)
    }
}

/// A response may set thousands of cookies; browsers keep about 180 of one site.
const MOST_FINDINGS: usize = 50;

fn judge(
    settings: &Cookies,
    looked: Looked<'_>,
    chain: &Chain,
    https_required: bool,
    now: Timestamp,
) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let gate = gate(exchange).filter(|_| !page.is_declared(exchange.status));
    let mut tally = Tally::new(settings, https_required, now);
    tally.add(key, exchange, "");
    let mut evidence = Vec::new();
    for (hop, n) in chain.hops.iter().zip(2_u32..) {
        let place = format!(" at hop {n}");
        let url = &hop.place;
        match &hop.seen {
            Ok(exchange) => {
                tally.add(&hop.key, exchange, &place);
                evidence.push((format!("hop {n}"), format!("{url}: {}", exchange.status)));
            }
            Err(error) => {
                let message = format!("`{url}` could not be looked at: {}", error.message);
                tally
                    .findings
                    .push(Finding::new("hop_not_seen", unknown(error), message).subject(format!("hop {n}")));
            }
        }
    }
    if let Some(gap) = &chain.gap {
        evidence.push((NOT_LOOKED_AT.to_owned(), gap.clone()));
    }
    evidence.into_iter().fold(
        tally.outcome(gate.as_deref(), chain),
        |outcome, (label, value)| outcome.evidence(label, value),
    )
}

/// What was seen of the cookies so far.
#[derive(Debug)]
struct Tally<'a> {
    settings: &'a Cookies,
    https_required: bool,
    now: Timestamp,
    cookies: usize,
    faulty: usize,
    deleted: usize,
    findings: Vec<Finding>,
    /// What has been said already: code and subject.
    said: HashSet<(String, String)>,
}

impl<'a> Tally<'a> {
    fn new(settings: &'a Cookies, https_required: bool, now: Timestamp) -> Self {
        Self {
            settings,
            https_required,
            now,
            cookies: 0,
            faulty: 0,
            deleted: 0,
            findings: Vec::new(),
            said: HashSet::new(),
        }
    }

    /// Judges the cookies of one response.
    fn add(&mut self, key: &HttpExchange, exchange: &Exchange, place: &str) {
        let site = Site {
            host: &key.endpoint.name,
            path: &key.path,
            channel: exchange.channel,
            https_required: self.https_required,
        };
        let mut set = HashSet::new();
        for line in exchange.all("set-cookie") {
            let mut found =
                match set_cookie::parse(line) {
                    Err(ignored) => {
                        self.cookies += 1;
                        let finding = Finding::fail(
                            "ignored",
                            format!("browsers ignore the `Set-Cookie` line: {}", ignored.problem),
                        );
                        vec![finding.subject(subject(&ignored.name)).remedy(
                            "send `name=value` and attributes between semicolons, 4096 bytes at most",
                        )]
                    }
                    Ok(cookie) => {
                        if self.settings.ignore_names.contains(&cookie.name) {
                            continue;
                        }
                        if cookie.is_expired(self.now) {
                            self.deleted += 1;
                            continue;
                        }
                        self.cookies += 1;
                        let names = &self.settings.session_names;
                        let is_declared = names.contains(&cookie.name);
                        let is_balancer =
                            !is_declared && !self.settings.judge_balancers && is_balancer_name(&cookie.name);
                        let demands = Demands {
                            is_session: is_declared || is_session_name(&cookie.name),
                            max_session_days: self.settings.max_session_days,
                            now: self.now,
                        };
                        let mut found = judge_cookie(&cookie, demands, site);
                        if is_balancer {
                            found = Weight::Informs.apply(found);
                        }
                        let identity = (cookie.name.clone(), cookie.domain.clone(), cookie.path.clone());
                        if !set.insert(identity) {
                            found.push(
                                Finding::note(
                                    "set_again",
                                    "the response sets it again, and browsers keep the last one",
                                )
                                .subject(subject(&cookie.name)),
                            );
                        }
                        found
                    }
                };
            self.faulty += usize::from(found.iter().any(|finding| !finding.is_note()));
            found.retain(|finding| {
                let about = format!("{}{place}", finding.subject);
                self.said.insert((finding.code.clone(), about))
            });
            self.findings.extend(found.into_iter().map(|finding| {
                let about = format!("{}{place}", finding.subject);
                finding.subject(about)
            }));
        }
    }

    /// What it comes to.
    fn outcome(self, gate: Option<&str>, chain: &Chain) -> Outcome {
        let Self {
            cookies,
            faulty,
            deleted,
            mut findings,
            ..
        } = self;
        let way = if chain.hops.is_empty() {
            "the response"
        } else {
            "the way from here"
        };
        if cookies == 0 {
            let (because, gate) = match gate {
                Some(gate) => (
                    format!("{gate} sets no cookie, and is not the page to judge"),
                    true,
                ),
                None if deleted > 0 => (format!("{way} only deletes cookies"), false),
                None => (format!("{way} sets no cookie"), false),
            };
            return match findings.is_empty() {
                _ if gate => Outcome::unknown(Reason::UNEXPECTED_RESPONSE, because),
                true => Outcome::not_applicable(because),
                // Where a hop could not be looked at, it may set some.
                false => Outcome::judged(because, findings),
            };
        }
        findings.sort_by_key(|finding| finding.status.rank());
        cap(&mut findings, MOST_FINDINGS);
        let all = count(cookies, "cookie", "cookies");
        let summary = match faulty {
            0 => format!("{all}, each with the attributes it needs"),
            faulty => format!(
                "{faulty} of {all} {}",
                if faulty == 1 { "has a fault" } else { "have faults" }
            ),
        };
        match gate {
            // A log-in wall shows its own cookies, not those of the page behind it.
            Some(gate) if faulty == 0 => Outcome::judged(summary, findings).finding(Finding::unknown(
                "not_the_page",
                Reason::UNEXPECTED_RESPONSE,
                format!("{gate} is not the page to judge"),
            )),
            _ => Outcome::judged(summary, findings),
        }
    }
}

#[cfg(test)]
mod tests;
