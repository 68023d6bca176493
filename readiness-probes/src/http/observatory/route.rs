//! How the exchanges of a scan are asked for.

use std::{net::IpAddr, sync::Arc};

use readiness_core::{ObserveError, ProbeContext, Reason, fact::Exchange};

use super::scan::Session;
use crate::http::trail::{Home, Next, Place, Stop, next};

/// The most redirects the peer follows.
const MOST_REDIRECTS: usize = 10;

/// The first request of a session, and what came back.
pub(super) struct First {
    pub(super) place: Place,
    pub(super) address: IpAddr,
    pub(super) seen: Result<Arc<Exchange>, ObserveError>,
}

/// Follows the redirects of a session to their end, in a circle too: what was seen already is not asked for
/// again. `None` where the peer's client would give up.
///
/// # Errors
/// Where it could not be looked, which tells nothing of the deployment.
pub(super) async fn follow(cx: &ProbeContext, first: First) -> Result<Option<Session>, ObserveError> {
    let home = Home::new(&first.place.host, first.address);
    let mut address = home.address;
    let Some(exchange) = answered(first.seen)? else {
        return Ok(None);
    };
    let mut session = Session::new(first.place, address, exchange);
    while session.redirects() < MOST_REDIRECTS {
        let (place, exchange) = session.last();
        let to = match next(place, exchange) {
            Next::End => break,
            Next::Broken(..) => return Ok(None),
            Next::To { place, .. } => place,
        };
        match home.address_of(cx, (place, address), &to).await {
            Ok(next) => address = next,
            Err(Stop::Unresolved { error, .. }) => return answered(Err(error)).map(|_| None),
            Err(Stop::Inside { to, address, what }) => {
                let message = format!("`{to}` is at `{address}`, which is {what}: not followed from outside");
                return Err(ObserveError::new(Reason::UNEXPECTED_RESPONSE, message));
            }
            Err(_) => return Ok(None),
        }
        let seen = cx.observe(to.request(address)).await;
        let Some(exchange) = answered(seen)? else {
            return Ok(None);
        };
        session.push(to, address, exchange);
    }
    Ok(Some(session))
}

/// What came back; `None` where the deployment gave no response, and an error where that is not known.
pub(super) fn answered(
    seen: Result<Arc<Exchange>, ObserveError>,
) -> Result<Option<Arc<Exchange>>, ObserveError> {
    const SAYS_NO: [Reason; 15] = [
        Reason::DNS_NODATA,
        Reason::DNS_NXDOMAIN,
        Reason::HTTP_BROKEN,
        Reason::HTTP_MALFORMED,
        Reason::HTTP_TOO_LARGE,
        Reason::TCP_REFUSED,
        Reason::TCP_RESET,
        Reason::TCP_SILENT,
        Reason::TCP_UNREACHABLE,
        Reason::TLS_ALERT,
        Reason::TLS_CLIENT_CERTIFICATE_REQUIRED,
        Reason::TLS_CLOSED,
        Reason::TLS_INCOMPATIBLE,
        Reason::TLS_MALFORMED,
        Reason::TLS_NOT_TLS,
    ];
    match seen {
        Ok(exchange) => Ok(Some(exchange)),
        Err(error) if SAYS_NO.contains(error.root_reason()) => Ok(None),
        Err(error) => Err(error),
    }
}
