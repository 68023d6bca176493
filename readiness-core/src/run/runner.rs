use std::{
    collections::BTreeSet,
    fmt, io,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{Either, select},
    stream::{FuturesUnordered, StreamExt},
};

use super::{
    Event, Events,
    job::{Job, JobResult},
    queue::Queue,
    shared::Shared,
};
use crate::{
    clock::{Clock, SystemClock},
    fact::{LookFrom, View},
    observe::{Attempt, Observatory, Recording},
    outcome::{Evidence, Status},
    report::{Report, RequirementResult, TargetResult, Tool, ViewReport, shown},
    score::{self, Decision, Digest, Score},
    suite::{Profiles, Suite, priority_of},
};

/// How a suite is run: bounds, deadlines and the clock.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use readiness_core::{Outcome, Requirement, Runner, Sources, Suite, Target, probe_fn};
/// let suite = Suite::new(Sources::default()).with(Requirement::new(
///     probe_fn("queue.depth", |_| async { Ok(Outcome::pass("3 orders wait")) }),
///     Target::parse("tcp://queue:5672").unwrap(),
/// )).unwrap();
/// let report = Runner::new().concurrency(8).run(&suite).await;
/// assert!(report.requirement("queue.depth").unwrap().status.is_pass());
/// # });
/// ```
#[derive(Clone)]
pub struct Runner {
    concurrency: usize,
    per_host: usize,
    observation: Duration,
    deadline: Duration,
    clock: Arc<dyn Clock>,
    quiet: bool,
}

impl Default for Runner {
    fn default() -> Self {
        Self {
            concurrency: 64,
            per_host: 32,
            observation: Duration::from_secs(8),
            deadline: Duration::from_secs(30),
            clock: Arc::new(SystemClock),
            quiet: false,
        }
    }
}

impl Runner {
    /// 64 requirements at once, 32 of them at one host; 8 s for one look, 30 s for the run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many requirements are under way at once.
    pub fn concurrency(mut self, most: usize) -> Self {
        self.concurrency = most.max(1);
        self
    }

    /// Sets how many requirements are under way at one host at once.
    pub fn per_host(mut self, most: usize) -> Self {
        self.per_host = most.max(1);
        self
    }

    /// Sets how long one look may take, unless its source says otherwise.
    pub fn observation_deadline(mut self, deadline: Duration) -> Self {
        self.observation = deadline;
        self
    }

    /// Sets how long the run may take. What is not judged by then is unknown.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the clock that is asked once, at the start.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Leaves it to the caller to log what does not hold.
    pub(super) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    pub(super) fn own_deadline(&self) -> Duration {
        self.deadline
    }

    /// Runs a suite. Never panics under `panic = unwind`, and ends by its deadline unless a probe or a
    /// source blocks its thread.
    ///
    /// Needs a tokio runtime with a timer, and whatever the sources need; [`Runner::run_blocking`] needs
    /// none.
    ///
    /// # Cancel safety
    /// Dropping the future releases every connection and every other resource before `drop` returns.
    pub async fn run(&self, suite: &Suite) -> Report {
        self.look(suite, false, None).await.0
    }

    /// Runs a suite and keeps everything that was seen.
    ///
    /// # Cancel safety
    /// As [`Runner::run`].
    pub async fn run_recorded(&self, suite: &Suite) -> (Report, Recording) {
        self.look(suite, true, None).await
    }

    /// Runs a suite and tells what happens on the way.
    pub fn events<'a>(&'a self, suite: &'a Suite) -> Events<'a> {
        self.told(suite, false)
    }

    /// [`Runner::events`] that also keeps everything that was seen.
    pub fn events_recorded<'a>(&'a self, suite: &'a Suite) -> Events<'a> {
        self.told(suite, true)
    }

    fn told<'a>(&'a self, suite: &'a Suite, record: bool) -> Events<'a> {
        let progress = Arc::default();
        let told = Arc::clone(&progress);
        Events {
            run: Some(async move { self.look(suite, record, Some(told)).await }.boxed()),
            record,
            progress,
            waiting: Vec::new().into_iter(),
        }
    }

    /// Runs a suite where nothing is async, inside or outside a runtime.
    ///
    /// # Errors
    /// Where the machine cannot start a runtime or a thread.
    pub fn run_blocking(&self, suite: &Suite) -> io::Result<Report> {
        super::blocking::block_on(self.run(suite))
    }

    /// [`Runner::run_recorded`] where nothing is async.
    ///
    /// # Errors
    /// Where the machine cannot start a runtime or a thread.
    pub fn run_recorded_blocking(&self, suite: &Suite) -> io::Result<(Report, Recording)> {
        super::blocking::block_on(self.run_recorded(suite))
    }

    async fn look(
        &self,
        suite: &Suite,
        record: bool,
        progress: Option<Arc<Mutex<Vec<Event>>>>,
    ) -> (Report, Recording) {
        let replay = suite.sources.replay.as_deref();
        let shared = Shared {
            now: replay
                .and_then(|replay| replay.started_at)
                .unwrap_or_else(|| self.clock.now()),
            store: Observatory::new(
                suite.sources.clone(),
                suite.credentials.clone(),
                self.observation,
                record,
            ),
            replay,
            deadline: self.deadline,
            progress,
        };
        let open = OpenStore(Arc::clone(&shared.store));
        let profiles = suite.profiles();
        let jobs = jobs_of(suite, &profiles);
        let begun = replay.is_none().then(tokio::time::Instant::now);
        let (results, view) = self.all(&jobs, &shared).await;
        let duration_ms = match (begun, replay) {
            (Some(begun), _) => u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            (None, replay) => replay.map_or(0, |replay| replay.duration_ms),
        };
        let (facts, cost) = open.0.close();
        let cost = replay.map_or(cost, |replay| replay.cost.clone());
        let suite_digest = suite.digest(&profiles);
        let recording = Recording {
            version: Recording::VERSION,
            started_at: Some(shared.now),
            duration_ms,
            suite_digest: suite_digest.as_str().to_owned(),
            cost: cost.clone(),
            attempts: if record { attempts_of(&results) } else { Vec::new() },
            facts,
        };
        let results = rows(suite, &profiles, &jobs, results);
        let mut report = Report {
            schema_version: Report::SCHEMA_VERSION,
            tool: Tool::this(),
            catalog: suite.catalog().to_owned(),
            started_at: shared.now,
            judged_at: None,
            duration_ms,
            decision: Decision::pending(),
            score: Score::default(),
            view: ViewReport {
                from: view,
                profiles: profiles
                    .iter()
                    .map(|(label, profile)| ((*label).to_owned(), profile.name.clone().into_owned()))
                    .collect(),
                not_looked_at: shared
                    .foreign_recording(&suite_digest)
                    .into_iter()
                    .chain(gaps(&results))
                    .collect(),
            },
            results,
            policy: suite.policy.clone(),
            waivers: Vec::new(),
            attestations: Vec::new(),
            baseline: None,
            trend: None,
            cost,
            suite_digest,
            results_digest: Digest::of(b""),
        };
        score::conclude(
            &mut report,
            &suite.waivers,
            &suite.attestations,
            suite.baseline.as_ref(),
            suite.earlier.as_deref(),
            shared.now,
        );
        if !self.quiet {
            warn_of(&report);
        }
        let verdict = report.verdict();
        tracing::debug!(%verdict, duration_ms, "run ended");
        (report, recording)
    }

    async fn all(&self, jobs: &[Job<'_>], shared: &Shared<'_>) -> (Vec<JobResult>, View) {
        let mut results: Vec<Option<JobResult>> = jobs.iter().map(|_| None).collect();
        let mut view = View::default();
        {
            let (mut queue, host_of) = Queue::new(
                self.concurrency,
                self.per_host,
                jobs.iter().map(|job| job.target.host()),
            );
            let mut active = FuturesUnordered::new();
            let mut done = 0;
            let mut drive = pin!(Arc::clone(&shared.store).drive());
            let mut deadline = pin!(async {
                if shared.replay.is_some() {
                    std::future::pending::<()>().await;
                } else {
                    tokio::time::sleep(self.deadline).await;
                }
            });
            let look_from = shared.store.flight(LookFrom::new(), &[], 1);
            active.push(Either::Right(async move { Step::View(look_from.await.ok()) }));
            loop {
                while let Some(i) = queue.next() {
                    active.push(Either::Left(
                        async move { Step::Job(i, jobs[i].run(shared).await) },
                    ));
                }
                match select(select(active.next(), drive.as_mut()), deadline.as_mut()).await {
                    Either::Left((Either::Left((Some(Step::Job(i, result)), _)), _)) => {
                        queue.done(host_of[i]);
                        done += 1;
                        shared.tell(|| Event::Judged {
                            requirement: jobs[i].requirement.id().to_owned(),
                            target: jobs[i].target.label().to_owned(),
                            status: result.outcome.status.clone(),
                            done,
                            of: jobs.len(),
                        });
                        results[i] = Some(result);
                    }
                    Either::Left((Either::Left((Some(Step::View(seen)), _)), _)) => {
                        view = seen.map(|seen| View::clone(&seen)).unwrap_or_default();
                    }
                    Either::Left((Either::Right((never, _)), _)) => match never {},
                    Either::Left((Either::Left((None, _)), _)) | Either::Right(_) => break,
                }
            }
        }
        let results = jobs
            .iter()
            .zip(results)
            .map(|(job, result)| result.unwrap_or_else(|| job.cut(shared)));
        (results.collect(), view)
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner")
            .field("concurrency", &self.concurrency)
            .field("per_host", &self.per_host)
            .field("observation", &self.observation)
            .field("deadline", &self.deadline)
            .field("clock", &self.clock)
            .finish()
    }
}

/// What the loop waits for.
#[allow(
    clippy::large_enum_variant,
    reason = "a box for each job would cost more than the size"
)]
enum Step {
    Job(usize, JobResult),
    View(Option<Arc<View>>),
}

/// Empties the store when the run ends, however it ends.
struct OpenStore(Arc<Observatory>);

impl Drop for OpenStore {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What counts and does not hold, whether or not it decides.
fn warn_of(report: &Report) {
    for (result, row) in report.rows() {
        let status = row.status();
        let holds = status.is_pass() || status.is_not_applicable();
        if result.weight > 0 && !holds && row.accepted.is_none() {
            tracing::warn!(
                requirement = result.id.as_str(),
                target_label = row.target.as_str(),
                %status,
                "{}",
                shown(&row.outcome.summary)
            );
        }
    }
}

/// What a probe says that it did not look at, each once.
fn gaps(results: &[RequirementResult]) -> impl Iterator<Item = String> {
    let gaps: BTreeSet<String> = results
        .iter()
        .flat_map(|result| &result.targets)
        .flat_map(|row| &row.outcome.evidence)
        .filter(|evidence| evidence.label == Evidence::NOT_LOOKED_AT)
        .map(|evidence| evidence.value.clone())
        .collect();
    gaps.into_iter()
}

fn jobs_of<'a>(suite: &'a Suite, profiles: &Profiles<'_>) -> Vec<Job<'a>> {
    suite
        .requirements
        .iter()
        .flat_map(|requirement| {
            requirement
                .targets()
                .iter()
                .map(move |target| (requirement, target))
        })
        .map(|(requirement, target)| {
            let profile = profiles
                .get(target.label())
                .map_or_else(|| Arc::new(suite.profile_of(target)), Arc::clone);
            Job::new(requirement, target, profile)
        })
        .collect()
}

fn attempts_of(results: &[JobResult]) -> Vec<Attempt> {
    results
        .iter()
        .flat_map(|result| result.attempts.iter().cloned())
        .collect()
}

fn rows(
    suite: &Suite,
    profiles: &Profiles<'_>,
    jobs: &[Job<'_>],
    results: Vec<JobResult>,
) -> Vec<RequirementResult> {
    let mut judged = jobs.iter().zip(results);
    suite
        .requirements
        .iter()
        .map(|requirement| {
            let info = requirement.probe().info();
            let priority = priority_of(requirement, profiles);
            RequirementResult {
                id: requirement.id().to_owned(),
                probe: info.id.clone(),
                title: info.title.clone(),
                priority,
                weight: requirement.own_weight().unwrap_or(priority.weight()),
                blocker: requirement
                    .own_blocker()
                    .unwrap_or(priority == crate::Priority::Critical),
                status: Status::Pass,
                targets: judged
                    .by_ref()
                    .take(requirement.targets().len())
                    .map(|(job, result)| target_result(job, result))
                    .collect(),
                why: info.why.clone(),
                fix: info.fix.clone(),
                references: info.references.clone(),
                max_age_seconds: requirement.own_max_age().map(|age| age.as_secs()),
            }
        })
        .collect()
}

fn target_result(job: &Job<'_>, result: JobResult) -> TargetResult {
    TargetResult {
        target: job.target.label().to_owned(),
        url: job.target.to_string(),
        counts_as: None,
        attempts: u32::try_from(result.attempts.len()).unwrap_or(u32::MAX),
        flaky: result.flaky,
        duration_ms: result.duration_ms(),
        looks: result.looks,
        outcome: result.outcome,
        accepted: None,
    }
}
