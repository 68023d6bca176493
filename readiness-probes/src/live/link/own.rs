//! A connection that is shared with no other look.

use std::sync::Arc;

use readiness_core::{
    Looking, ObserveError,
    fact::{Endpoint, Exchange, TlsHandshake},
};

use super::{Link, Shared, http::Trouble, request::Asked};

/// A connection of one look, which may use it again and again. It is opened by the first exchange.
pub(in crate::live) struct OwnLink(Link);

/// Why an exchange over one's own connection came to nothing.
pub(in crate::live) enum Lost {
    /// The connection had been closed meanwhile, and nothing was sent.
    Unused,
    /// The connection broke, as one that is kept alive may; another one may do better.
    Broken(ObserveError),
    /// It is the result.
    Final(ObserveError),
    /// The request must not go there at all.
    Forbidden(ObserveError),
}

impl OwnLink {
    pub(in crate::live) fn new(shared: &Arc<Shared>, endpoint: &Endpoint, cx: &Looking) -> Self {
        Self(Link::new(shared, &TlsHandshake::new(endpoint.clone()), cx))
    }

    pub(in crate::live) async fn exchange(&self, asked: &Asked<'_>, cx: &Looking) -> Result<Exchange, Lost> {
        let conversation = self.0.http.clone().await.map_err(Lost::Final)?;
        conversation.permit(asked).map_err(Lost::Forbidden)?;
        conversation
            .exchange(asked, cx)
            .await
            .map_err(|trouble| match trouble {
                Trouble::Final(e) => Lost::Final(e),
                Trouble::Broken(e) => Lost::Broken(e),
                Trouble::Unused => Lost::Unused,
            })
    }
}
