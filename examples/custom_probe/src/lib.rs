//! A crate of probes: one probe, one source, one `register`.
//!
//! The probe asks for a *fact* (how long a queue is), which a *source* gets; judging is a plain function
//! on data. So tests need no network, several probes share one look, and a recording replays it.

use readiness_core::{
    Described, Finding, Looking, Measure, Observation, ObserveError, Outcome, Probe, ProbeContext,
    ProbeError, ProbeInfo, Registry, Source, Unit, async_trait,
    serde::{Deserialize, Serialize},
};

/// Asks how many orders wait in a queue.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(crate = "readiness_core::serde")]
#[non_exhaustive]
pub struct QueueLength {
    /// The queue's name.
    pub queue: String,
}

impl QueueLength {
    /// The length of this queue.
    pub fn new(queue: impl Into<String>) -> Self {
        Self { queue: queue.into() }
    }
}

impl Observation for QueueLength {
    const KIND: &'static str = "acme.queue_length";
    type Fact = u32;
}

readiness_core::probe! {
    /// The queue of orders is short.
    ///
    /// # What it checks
    /// How many orders wait in the queue.
    ///
    /// # Why it matters
    /// Every order that waits is a customer who waits.
    ///
    /// # How it is judged
    /// Up to `most` orders pass, `limit` and more fail, and what lies between earns part of the points.
    ///
    /// # How to fix
    /// Start more workers, or find out why those that run are slow.
    pub struct QueueIsShort {
        /// The queue to look at. Default: `orders`.
        pub queue: String = "orders".to_owned(),
        /// So many orders may wait. Default: 100.
        pub most: u32 = 100,
        /// From so many on it fails. Default: 500.
        pub limit: u32 = 500,
    }
    id: "acme.queue_is_short",
    title: "the queue of orders is short",
    priority: High,
    references: ["Runbook: the order queue" => "https://runbooks.example.com/orders"],
}

#[async_trait]
impl Probe for QueueIsShort {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let length = cx.observe(QueueLength::new(self.queue.as_str())).await?;
        Ok(judge(self, *length))
    }
}

fn judge(settings: &QueueIsShort, length: u32) -> Outcome {
    let QueueIsShort { queue, most, limit } = settings;
    let measure = Measure::new("orders waiting", i64::from(length), Unit::Count)
        .at_most(i64::from(*most), i64::from(*limit));
    let status = measure.status();
    let summary = format!("{length} orders wait in `{queue}`");
    let findings = if status.is_pass() {
        Vec::new()
    } else {
        vec![
            Finding::new(
                "too_long",
                status,
                format!("{length} orders wait, expected at most {most}"),
            )
            .subject(format!("queue `{queue}`"))
            .remedy("start more workers, or find out why those that run are slow"),
        ]
    };
    Outcome::judged(summary, findings).measure(measure)
}

/// Where the length comes from: any function that knows it. A real one would ask the broker.
#[derive(Debug)]
pub struct QueueSource<F>(F);

impl<F> QueueSource<F>
where
    F: Fn(&str) -> Result<u32, String> + Send + Sync + 'static,
{
    /// Takes lengths from this function.
    pub fn new(length_of: F) -> Self {
        Self(length_of)
    }
}

impl<F> Source<QueueLength> for QueueSource<F>
where
    F: Fn(&str) -> Result<u32, String> + Send + Sync + 'static,
{
    async fn look(&self, key: QueueLength, _: Looking) -> Result<u32, ObserveError> {
        (self.0)(&key.queue).map_err(|problem| ObserveError::new("acme.broker".to_owned().into(), problem))
    }
}

/// Adds the probes of this crate to those a program knows.
pub fn register(registry: &mut Registry) {
    registry.add_with::<QueueIsShort>(|settings| {
        if settings.most > settings.limit {
            return Err(format!(
                "`most` is {} and above `limit`, which is {}",
                settings.most, settings.limit
            ));
        }
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use readiness_core::{Credit, Status, Target, testing::Facts};

    use super::*;

    fn outcome(length: u32) -> Outcome {
        let facts = Facts::new().with(QueueLength::new("orders"), length);
        facts.judge(
            &QueueIsShort::default(),
            &Target::parse("tcp://broker:5672").unwrap(),
        )
    }

    #[test]
    fn each_side_of_each_boundary() {
        assert!(outcome(100).status.is_pass());
        assert_eq!(
            outcome(101).status,
            Status::Warn {
                credit: Credit::try_from(997).unwrap()
            }
        );
        assert!(outcome(499).status.is_warn());
        assert!(outcome(500).status.is_fail());
    }

    #[test]
    fn a_broker_that_is_away_is_no_pass() {
        let away = ObserveError::new("acme.broker".to_owned().into(), "the broker is away");
        let facts = Facts::new().with_error(QueueLength::new("orders"), away);
        let outcome = facts.judge(
            &QueueIsShort::default(),
            &Target::parse("tcp://broker:5672").unwrap(),
        );
        assert!(outcome.status.is_unknown());
    }

    #[test]
    fn it_keeps_the_rules_of_a_probe() {
        let mut registry = Registry::new();
        register(&mut registry);
        readiness_core::testing::conformance(&registry);
    }
}
