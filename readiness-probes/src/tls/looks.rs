//! One handshake with each address of the target, judged.

use futures_util::future::join_all;
use readiness_core::{
    Outcome, ProbeContext, ProbeError,
    fact::{TlsFacts, TlsHandshake},
};

use crate::address;

/// Judges the handshake with each address of the target; the worst outcome counts. `judge` is given the
/// facts and the name that was asked for.
pub(super) async fn each_handshake(
    cx: &ProbeContext,
    judge: impl Fn(&TlsFacts, &str) -> Outcome,
) -> Result<Outcome, ProbeError> {
    let target = cx.target();
    if !target.is_tls() {
        return Ok(Outcome::not_applicable(format!(
            "`{}` speaks no TLS from the first byte",
            target.scheme()
        )));
    }
    let endpoints = address::endpoints(cx, target.port(), true).await?;
    let looks = endpoints.into_iter().map(|endpoint| {
        let judge = &judge;
        async move {
            let (address, host) = (endpoint.address, endpoint.name.clone());
            let outcome = match cx.observe(TlsHandshake::new(endpoint)).await {
                Ok(facts) => judge(&facts, &host),
                Err(error) => address::not_seen(&error),
            };
            (address, outcome)
        }
    });
    let outcome = address::worst_of(join_all(looks).await);
    Ok(address::noted(cx, outcome).await)
}
