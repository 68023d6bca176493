//! The responses a page leads to.

use std::sync::Arc;

use readiness_core::{
    ObserveError, ProbeContext,
    fact::{Exchange, HttpExchange},
};

use crate::{
    address::same_owner,
    http::trail::{Home, Next, Place, next},
};

/// What comes after the page's own response where that redirects.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    pub(super) hops: Vec<Hop>,
    /// What was not looked at, and why.
    pub(super) gap: Option<String>,
}

/// One response on the way.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    pub(super) place: Place,
    pub(super) key: HttpExchange,
    pub(super) seen: Result<Arc<Exchange>, ObserveError>,
}

/// Follows the redirects of a response, at most so many and within its own site: the cookies of others are not
/// the service's. The keys are those of `http.https_redirect`, so that nothing is asked twice.
pub(super) async fn follow(
    cx: &ProbeContext,
    first: &HttpExchange,
    response: &Exchange,
    most: usize,
) -> Chain {
    let home = Home::new(&first.endpoint.name, first.endpoint.address.ip());
    let mut place = Place {
        tls: first.endpoint.tls,
        host: home.host.clone(),
        port: first.endpoint.address.port(),
        path: first.path.clone(),
    };
    let mut address = home.address;
    let mut leads = next(&place, response);
    let mut been = Vec::new();
    let mut chain = Chain::default();
    while let Next::To { place: to, .. } = leads {
        been.push(place.clone());
        if most == 0 || been.contains(&to) {
            break;
        }
        if chain.hops.len() >= most {
            chain.gap = Some(format!("cookies of {to} (after {most} redirects)"));
            break;
        }
        if !same_owner(&home.host, &to.host) {
            chain.gap = Some(format!("cookies of {to} (another site)"));
            break;
        }
        let Ok(next_address) = home.address_of(cx, (&place, address), &to).await else {
            chain.gap = Some(format!("cookies of {to} (it cannot be followed)"));
            break;
        };
        address = next_address;
        let key = to.request(address);
        let seen = cx.observe(key.clone()).await;
        leads = match &seen {
            Ok(exchange) => next(&to, exchange),
            Err(_) => Next::End,
        };
        chain.hops.push(Hop {
            place: to.clone(),
            key,
            seen,
        });
        place = to;
    }
    chain
}
