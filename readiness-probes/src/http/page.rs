//! The responses that all header probes judge.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::join_all;
use readiness_core::{
    ObserveError, Outcome, ProbeContext, ProbeError,
    fact::{Endpoint, Exchange, HttpExchange},
};

use super::{
    applicability,
    pages::{Page, Pages},
};
use crate::address;

/// One page as it was seen at one address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked<'a> {
    /// What was asked.
    pub(crate) key: &'a HttpExchange,
    /// What the user said of the page.
    pub(crate) page: &'a Page,
    /// What came back.
    pub(crate) exchange: &'a Exchange,
}

/// A page at each of the target's addresses. Every header probe asks for the same keys, so all of them share
/// one exchange for each page and address.
///
/// An address that could not be looked at stands with its error: it must not hide what the others say.
///
/// # Errors
/// Where the target has no address.
pub(crate) async fn look(cx: &ProbeContext, page: &Page) -> Result<Seen, ProbeError> {
    let found = address::addresses(cx).await?;
    Ok(look_by(cx, &found.reachable, page, |key| key).await)
}

/// What came back at each address.
type Seen = Vec<(HttpExchange, Result<Arc<Exchange>, ObserveError>)>;

/// As [`look`] at these addresses, asked in another way.
async fn look_by(
    cx: &ProbeContext,
    addresses: &[IpAddr],
    page: &Page,
    ask: impl Fn(HttpExchange) -> HttpExchange,
) -> Seen {
    let target = cx.target();
    let (port, tls) = (target.port(), target.is_tls());
    let authority = address::authority(target, port, tls);
    let path = match &page.path {
        Some(path) => address::path_at(target, path),
        None => target.path_and_query(),
    };
    let looks = addresses.iter().map(|&address| {
        let endpoint = Endpoint::new(SocketAddr::new(address, port), target.host(), tls);
        let key =
            HttpExchange::get(endpoint, authority.clone(), path.clone()).credential(target.credential());
        let key = ask(key);
        async move {
            let seen = cx.observe(key.clone()).await;
            (key, seen)
        }
    });
    join_all(looks).await
}

/// Judges each page at each address and gives the worst of it. Each outcome says which response was judged.
///
/// # Errors
/// As [`look`].
pub(crate) async fn judge_page(
    cx: &ProbeContext,
    pages: &Pages,
    judge: impl Fn(Looked<'_>) -> Outcome,
) -> Result<Outcome, ProbeError> {
    let pages = pages.iter().map(|page| (page, ()));
    judge_each(cx, pages, |key, ()| key, |looked, ()| judge(looked)).await
}

/// As [`judge_page`], for pages with a role each, which says how to ask and what to judge.
///
/// # Errors
/// As [`look`].
pub(crate) async fn judge_each<'p, T: Copy>(
    cx: &ProbeContext,
    pages: impl IntoIterator<Item = (&'p Page, T)>,
    ask: impl Fn(HttpExchange, T) -> HttpExchange,
    judge: impl Fn(Looked<'_>, T) -> Outcome,
) -> Result<Outcome, ProbeError> {
    // Once for all pages, as each question has its price.
    let found = address::addresses(cx).await?;
    let (ask, addresses) = (&ask, &*found.reachable);
    let looks = pages.into_iter().map(|(page, role)| async move {
        let seen = look_by(cx, addresses, page, |key| ask(key, role)).await;
        (page, role, seen)
    });
    let mut judged = Vec::new();
    for (page, role, seen) in join_all(looks).await {
        let path = page.path.as_deref().unwrap_or_else(|| cx.target().path());
        let outcomes = seen.into_iter().map(|(key, seen)| {
            let outcome = match seen {
                Ok(exchange) => {
                    let looked = Looked {
                        key: &key,
                        page,
                        exchange: &exchange,
                    };
                    judge(looked, role).evidence("response", said_of(cx, page, &exchange))
                }
                Err(error) => address::not_seen(&error),
            };
            (key.endpoint.address, outcome)
        });
        judged.push((path, address::worst_of(outcomes.collect())));
    }
    Ok(found.noted_in(address::worst_page(judged)))
}

/// Which response it was: `https://example.com/login → 200, text/html`.
fn said_of(cx: &ProbeContext, page: &Page, exchange: &Exchange) -> String {
    let what = applicability::describe(exchange);
    let target = cx.target();
    match &page.path {
        None => format!("{target} → {what}"),
        Some(path) => {
            let authority = address::authority(target, target.port(), target.is_tls());
            let scheme = if target.is_tls() { "https" } else { "http" };
            format!("{scheme}://{authority}{path} → {what}")
        }
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        ObserveError, Reason, Target,
        fact::{
            DnsAnswer, DnsLookup, DnsResult, Endpoint, Exchange, Family, HttpExchange, LocalRoute, Route,
        },
        testing::Facts,
    };

    use crate::http::{Nosniff, Page, ResponseKind, samples};

    #[test]
    fn the_key_is_the_targets_own_path() {
        let facts = samples::facts(
            "https://example.com/a?b=c",
            &[
                ("content-type", "text/html"),
                ("x-content-type-options", "nosniff"),
            ],
        );
        let outcome = facts.judge(
            &Nosniff::default(),
            &Target::parse("https://example.com/a?b=c").unwrap(),
        );
        assert!(outcome.status.is_pass(), "{outcome:?}");
        let evidence = &outcome.evidence[0];
        assert_eq!(
            evidence.value,
            "https://example.com/a?b=[redacted] → 200, text/html"
        );
    }

    #[test]
    fn each_page_is_judged_as_its_kind_and_named() {
        let target = Target::parse("https://example.com/").unwrap();
        let headers = [
            ("content-type", "text/html"),
            ("x-content-type-options", "nosniff"),
        ];
        let endpoint = Endpoint::new(([192, 0, 2, 1], 443).into(), "example.com", true);
        let at = |path: &str| HttpExchange::get(endpoint.clone(), "example.com", path);
        let facts = samples::facts("https://example.com/", &headers)
            .with(at("/bare"), Exchange::new(200, [("content-type", "text/html")]))
            .with(at("/gone"), Exchange::new(403, headers));
        let pages = |pages: &[Page]| Nosniff {
            pages: pages.iter().cloned().collect(),
        };
        let both = facts.judge(&pages(&[Page::default(), Page::new("/bare")]), &target);
        assert!(both.status.is_fail(), "{both:?}");
        assert!(both.summary.starts_with("at `/bare`: "), "{}", both.summary);
        assert_eq!(both.findings[0].subject, "`/bare`");
        let gone = Page::new("/gone");
        let undeclared = facts.judge(&pages(&[Page::default(), gone.clone()]), &target);
        assert!(undeclared.status.is_unknown(), "{undeclared:?}");
        let declared = facts.judge(&pages(&[gone.clone().accept_status([403])]), &target);
        assert!(declared.status.is_pass(), "{declared:?}");
        assert_eq!(
            declared.evidence[0].value,
            "https://example.com/gone → 403, text/html"
        );
        let redirect = facts.judge(
            &pages(&[gone.kind(ResponseKind::Redirect), Page::default()]),
            &target,
        );
        assert!(
            redirect.status.is_pass(),
            "what does not apply decides nothing: {redirect:?}"
        );
    }

    #[test]
    fn an_address_that_fails_does_not_hide_another() {
        let addresses = ["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let key = |n: u8| {
            let endpoint = Endpoint::new(([192, 0, 2, n], 443).into(), "example.com", true);
            HttpExchange::get(endpoint, "example.com", "/")
        };
        let mut facts = Facts::new()
            .with(
                DnsLookup::address("example.com", Family::V4),
                DnsAnswer::of_addresses("example.com", &addresses, "test"),
            )
            .with(
                DnsLookup::address("example.com", Family::V6),
                DnsAnswer::new(DnsResult::NoData, "test"),
            );
        for address in addresses {
            facts = facts.with(LocalRoute::new(address), Route::new(true));
        }
        let target = Target::parse("https://example.com").unwrap();
        let refused = ObserveError::new(Reason::TCP_REFUSED, "refused");
        let half = facts.clone().with_error(key(1), refused.clone());
        let bad = half
            .clone()
            .with(key(2), Exchange::new(200, [("content-type", "text/html")]));
        assert!(bad.judge(&Nosniff::default(), &target).status.is_fail());
        let good = half.with(
            key(2),
            Exchange::new(
                200,
                [
                    ("content-type", "text/html"),
                    ("x-content-type-options", "nosniff"),
                ],
            ),
        );
        assert!(good.judge(&Nosniff::default(), &target).status.is_unknown());
    }
}
