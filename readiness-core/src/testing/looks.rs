use std::{collections::BTreeMap, convert::Infallible, fmt, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Either, Shared, select},
};

use crate::{
    observe::{Observation, Observatory, ObserveError, Sources},
    redact::Credentials,
};

/// Looks through live sources as a run does, without a suite: for tests of sources.
///
/// Each key is looked at once in a round, background futures are moved while something is awaited, and
/// dropping it drops everything it holds.
///
/// ```
/// use readiness_core::{
///     Sources,
///     fact::{DnsAnswer, DnsLookup, Family},
///     testing::{Facts, Looks},
/// };
/// # async fn example() -> Result<(), readiness_core::ObserveError> {
/// let key = DnsLookup::address("example.com", Family::V4);
/// let facts = Facts::new().with(key.clone(), DnsAnswer::of_addresses("example.com", &[], "test"));
/// let looks = Looks::new(facts.sources());
/// assert!(looks.observe(key).await?.addresses().is_empty());
/// # Ok(())
/// # }
/// ```
pub struct Looks {
    store: Arc<Observatory>,
    // One for all that wait: what it has taken over must outlive each of them.
    driver: Shared<BoxFuture<'static, Infallible>>,
}

impl Looks {
    /// Nothing is looked at yet.
    pub fn new(sources: Sources) -> Self {
        Self::with_credentials(sources, Credentials::default())
    }

    /// The sources may use these credentials.
    pub fn with_credentials(sources: Sources, credentials: Credentials) -> Self {
        let store = Observatory::new(sources, credentials, Duration::from_secs(30), false);
        let driver = Arc::clone(&store).drive().boxed().shared();
        Self { store, driver }
    }

    /// Looks, or shares an earlier look at the same key.
    ///
    /// # Errors
    /// What the source says.
    pub async fn observe<O: Observation>(&self, key: O) -> Result<Arc<O::Fact>, ObserveError> {
        self.observe_again(key, 1).await
    }

    /// Looks in this round, counted from 1: what was seen in another one is seen anew.
    ///
    /// # Errors
    /// What the source says.
    pub async fn observe_again<O: Observation>(
        &self,
        key: O,
        round: u32,
    ) -> Result<Arc<O::Fact>, ObserveError> {
        let flight = self.store.flight(key, &[], round);
        match select(flight, self.driver.clone()).await {
            Either::Left((result, _)) => result,
            Either::Right((never, _)) => match never {},
        }
    }

    /// Ends it and says what it cost.
    pub fn finish(self) -> BTreeMap<String, u64> {
        self.store.close().1
    }
}

impl Drop for Looks {
    fn drop(&mut self) {
        let _ = self.store.close();
    }
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looks").finish_non_exhaustive()
    }
}
