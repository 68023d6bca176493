use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    outcome::{Outcome, Reason},
    probe::{Priority, Probe, ProbeContext, ProbeError, ProbeInfo},
    target::Target,
};

/// A probe, the targets it is asked of, and how much it matters.
///
/// ```
/// use readiness_core::{Outcome, Priority, Requirement, Target, probe_fn};
/// let probe = probe_fn("queue.depth", |_| async { Ok(Outcome::pass("3 orders wait")) });
/// let requirement = Requirement::new(probe, Target::parse("tcp://queue:5672")?)
///     .priority(Priority::High)
///     .retry(readiness_core::Retry::attempts(3));
/// assert_eq!(requirement.id(), "queue.depth");
/// # Ok::<(), readiness_core::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Requirement {
    id: Option<String>,
    probe: Arc<dyn Probe>,
    targets: Vec<Arc<Target>>,
    priority: Option<Priority>,
    weight: Option<u32>,
    blocker: Option<bool>,
    timeout: Option<Duration>,
    retry: Retry,
    max_age: Option<Duration>,
}

impl Requirement {
    /// This probe at this target, with the probe's own id, priority and timeout, tried once.
    pub fn new(probe: Arc<dyn Probe>, target: impl Into<Arc<Target>>) -> Self {
        Self {
            id: None,
            probe,
            targets: vec![target.into()],
            priority: None,
            weight: None,
            blocker: None,
            timeout: None,
            retry: Retry::attempts(1),
            max_age: None,
        }
    }

    /// Calls it something else than its probe: needed where a suite asks the same probe twice of a target.
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Asks it of another target too. The worst of all targets counts.
    pub fn and_target(mut self, target: impl Into<Arc<Target>>) -> Self {
        self.targets.push(target.into());
        self
    }

    /// Sets how much it matters.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Sets its weight, 1 to 1000, instead of the priority's.
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = Some(weight.clamp(1, 1000));
        self
    }

    /// Says whether it decides by itself. A critical one does unless told otherwise.
    pub fn blocker(mut self, blocker: bool) -> Self {
        self.blocker = Some(blocker);
        self
    }

    /// Sets how long one attempt may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Tries again, or asks for several good looks.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how old a result may be when a report is scored again later.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// The same with those targets alone that are wanted; `None` where none is.
    pub(crate) fn only(&self, wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let targets: Vec<_> = self
            .targets
            .iter()
            .filter(|t| wanted(t.label()))
            .cloned()
            .collect();
        (!targets.is_empty()).then(|| Self {
            targets,
            ..self.clone()
        })
    }

    /// Replaces the probe by one that does not look.
    pub(crate) fn disarm(&mut self) {
        self.probe = Arc::new(Disarmed(self.probe.info().clone()));
    }

    /// Its id, stable over time.
    pub fn id(&self) -> &str {
        self.id
            .as_deref()
            .unwrap_or_else(|| self.probe.info().id.as_str())
    }

    /// The probe.
    pub fn probe(&self) -> &Arc<dyn Probe> {
        &self.probe
    }

    /// The targets, at least one.
    pub fn targets(&self) -> &[Arc<Target>] {
        &self.targets
    }

    /// The priority that was set, if one was.
    pub fn own_priority(&self) -> Option<Priority> {
        self.priority
    }

    /// The weight that was set, if one was.
    pub fn own_weight(&self) -> Option<u32> {
        self.weight
    }

    /// Whether it was made a blocker, or told not to be one.
    pub fn own_blocker(&self) -> Option<bool> {
        self.blocker
    }

    /// How long one attempt may take.
    pub fn attempt_timeout(&self) -> Duration {
        self.timeout.unwrap_or(self.probe.info().timeout)
    }

    /// How it is tried again.
    pub fn own_retry(&self) -> Retry {
        self.retry
    }

    /// How old a result may be.
    pub fn own_max_age(&self) -> Option<Duration> {
        self.max_age
    }
}

#[derive(Debug)]
struct Disarmed(ProbeInfo);

#[async_trait]
impl Probe for Disarmed {
    fn info(&self) -> &ProbeInfo {
        &self.0
    }

    async fn run(&self, _: &ProbeContext) -> Result<Outcome, ProbeError> {
        Err(ProbeError::unknown(
            Reason::CANCELLED,
            "nothing was looked at: the gate is off",
        ))
    }
}

/// How often something is tried, how many of the tries must be good, and how long to wait in between: doubled
/// each time, up to a most.
///
/// Usually one good try is enough, and it is tried until there is one. Where more are needed, it is looked at
/// anew each time until so many looks were good, or so many were not that it cannot be reached any more: a
/// single blip does not fail what may miss one, and a lucky pass does not hold what must pass twice. The worst of
/// the good looks is what counts then, else the last one; the report holds each of them.
///
/// ```
/// use std::time::Duration;
/// use readiness_core::Retry;
/// // As Kubernetes asks with a period of 2 s: three good ones, and two may fail.
/// let retry = Retry::attempts(5).needing(3).every(Duration::from_secs(2));
/// assert_eq!((retry.needed, retry.attempts), (3, 5));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// How often at most, 1 or more.
    pub attempts: u32,
    /// How many must be good, 1 or more, and not more than `attempts`. Default: 1.
    pub needed: u32,
    /// The first pause. Default: 200 ms.
    pub first_pause: Duration,
    /// The longest pause. Default: 2 s.
    pub longest_pause: Duration,
}

impl Retry {
    /// So many attempts, with pauses of 0.2 s, 0.4 s, … up to 2 s.
    pub fn attempts(attempts: u32) -> Self {
        Self {
            attempts: attempts.max(1),
            needed: 1,
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(2),
        }
    }

    /// Asks for so many good attempts; there are at least as many then.
    ///
    /// All of them must end within the run's deadline, pauses among them.
    pub fn needing(mut self, needed: u32) -> Self {
        self.needed = needed.max(1);
        self.attempts = self.attempts.max(self.needed);
        self
    }

    /// Waits always as long.
    pub fn every(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self.longest_pause = pause;
        self
    }

    /// The pause after this many attempts.
    pub fn pause(&self, made: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(made.saturating_sub(1).min(31));
        self.first_pause.saturating_mul(doubled).min(self.longest_pause)
    }
}
