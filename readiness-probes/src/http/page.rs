//! The one response that all header probes judge.

use std::sync::Arc;

use futures_util::future::join_all;
use readiness_core::{
    ObserveError, Outcome, ProbeContext, ProbeError,
    fact::{Exchange, HttpExchange},
};

use super::applicability;
use crate::address;

/// The target's own path at each of its addresses. Every header probe asks for the same keys, so all of them
/// share one exchange for each address.
///
/// An address that could not be looked at stands with its error: it must not hide what the others say.
///
/// # Errors
/// Where the target has no address.
pub(crate) async fn page(
    cx: &ProbeContext,
) -> Result<Vec<(HttpExchange, Result<Arc<Exchange>, ObserveError>)>, ProbeError> {
    let target = cx.target();
    let (port, tls) = (target.port(), target.is_tls());
    let authority = address::authority(target, port, tls);
    let endpoints = address::endpoints(cx, port, tls).await?;
    let looks = endpoints.into_iter().map(|endpoint| {
        let key = HttpExchange::get(endpoint, authority.clone(), target.path_and_query())
            .credential(target.credential());
        async move {
            let seen = cx.observe(key.clone()).await;
            (key, seen)
        }
    });
    Ok(join_all(looks).await)
}

/// Judges the page at each address and gives the worst of it. Each outcome says which response was judged.
///
/// # Errors
/// As [`page`].
pub(crate) async fn judge_page(
    cx: &ProbeContext,
    judge: impl Fn(&HttpExchange, &Exchange) -> Outcome,
) -> Result<Outcome, ProbeError> {
    let judged = page(cx).await?.into_iter().map(|(key, seen)| {
        let outcome = match seen {
            Ok(exchange) => {
                let what = applicability::describe(&exchange);
                judge(&key, &exchange).evidence("response", format!("{} → {what}", cx.target()))
            }
            Err(error) => address::not_seen(&error),
        };
        (key.endpoint.address, outcome)
    });
    let outcome = address::worst_of(judged.collect());
    Ok(address::noted(cx, outcome).await)
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

    use crate::http::{Nosniff, samples};

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
