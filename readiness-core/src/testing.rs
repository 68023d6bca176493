//! For tests of probes: facts made by hand, no network, no clock.

mod conformance;
mod looks;

use std::sync::Arc;

use futures_util::FutureExt;

use crate::{
    clock::Timestamp,
    observe::{Observation, Observatory, ObserveError, Recorded, RecordedFact, Recording, Sources},
    outcome::Outcome,
    probe::{Probe, ProbeContext},
    redact::Credentials,
    suite::Profile,
    target::Target,
};

pub use self::{
    conformance::{conformance, faults_of_outcome},
    looks::Looks,
};

/// Facts made by hand: what the sources would have seen.
///
/// ```
/// use readiness_core::{
///     Outcome, Target, probe_fn,
///     fact::{DnsAnswer, DnsLookup, Family},
///     testing::Facts,
/// };
/// let probe = probe_fn("acme.resolves", |cx| async move {
///     let answer = cx.observe(DnsLookup::address(cx.target().host(), Family::V4)).await?;
///     Ok(Outcome::pass(format!("{} address(es)", answer.addresses().len())))
/// });
/// let facts = Facts::new().with(
///     DnsLookup::address("example.com", Family::V4),
///     DnsAnswer::of_addresses("example.com", &["192.0.2.1".parse().unwrap()], "test"),
/// );
/// let outcome = facts.judge(&*probe, &Target::parse("example.com").unwrap());
/// assert_eq!(outcome.summary, "1 address(es)");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Facts {
    recording: Recording,
    now: Option<Timestamp>,
    profile: Option<Profile>,
}

impl Facts {
    /// None yet: every look is [`Reason::NOT_RECORDED`](crate::Reason::NOT_RECORDED).
    pub fn new() -> Self {
        Self::default()
    }

    /// This key gives this fact.
    pub fn with<O: Observation>(self, key: O, fact: O::Fact) -> Self {
        let fact = serde_json::to_value(fact).unwrap_or_default();
        self.record::<O>(&key, Recorded::Fact(fact))
    }

    /// This key cannot be looked at.
    pub fn with_error<O: Observation>(self, key: O, error: ObserveError) -> Self {
        self.record::<O>(&key, Recorded::Error(error))
    }

    fn record<O: Observation>(mut self, key: &O, result: Recorded) -> Self {
        self.recording.version = Recording::VERSION;
        self.recording.facts.push(RecordedFact {
            kind: O::KIND.to_owned(),
            key: serde_json::to_value(key).unwrap_or_default(),
            round: 1,
            result,
        });
        self
    }

    /// Sets the instant dates are judged by. Default: 2026-11-20T00:00:00Z.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// Sets the profile. Default: the target's own.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Sources that answer with these facts and nothing else.
    pub fn sources(&self) -> Sources {
        Sources::replaying(&self.recording)
    }

    /// Runs one probe once over these facts.
    ///
    /// # Panics
    /// Where the probe waits for something else than its facts.
    #[allow(clippy::expect_used, reason = "a helper of tests")]
    pub fn judge(&self, probe: &dyn Probe, target: &Target) -> Outcome {
        const DEFAULT_NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);
        let store = Observatory::new(
            self.sources(),
            Credentials::default(),
            std::time::Duration::MAX,
            false,
        );
        let profile = self
            .profile
            .clone()
            .unwrap_or_else(|| Profile::for_target(target));
        let cx = ProbeContext::new(
            Arc::new(target.clone()),
            Arc::new(profile),
            self.now.unwrap_or(DEFAULT_NOW),
            1,
            store,
            Arc::default(),
        );
        let result = probe
            .run(&cx)
            .now_or_never()
            .expect("the probe must wait for nothing but its facts");
        crate::run::outcome_of(result)
    }
}
