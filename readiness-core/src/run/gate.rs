use std::{
    env,
    error::Error,
    fmt,
    future::IntoFuture,
    hash::{BuildHasher, RandomState},
    io,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};

use super::Runner;
use crate::{
    error::ErrorChain,
    outcome::{Reason, Status},
    report::{Look, Looks, Report, RequirementResult, TargetResult, is_good, shown},
    score,
    suite::{Retry, Suite},
};

/// Waits until a deployment is ready, or says why it is not.
///
/// It looks at once, then again after 0.2 s, 0.4 s, … up to 2 s (with jitter), and half a second before its
/// time is over; only what stands in the way and has not passed yet is looked at again. Each time everything is
/// looked at anew: no answer of before is remembered, and the report holds every look. See [`Gate`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// use std::time::Duration;
/// use readiness_core::{Outcome, Requirement, Sources, Suite, Target, gate, probe_fn};
/// let suite = Suite::new(Sources::default()).with(Requirement::new(
///     probe_fn("queue.reachable", |_| async { Ok(Outcome::pass("it answers")) }),
///     Target::parse("tcp://queue:5672").unwrap(),
/// ).blocker(true)).unwrap();
/// let report = gate(suite).within(Duration::from_secs(20)).await?;
/// # assert!(report.verdict().is_ready());
/// # Ok::<(), readiness_core::GateError>(()) }).unwrap();
/// ```
pub fn gate(suite: Suite) -> Gate {
    Gate {
        suite,
        runner: Runner::default(),
        within: Gate::DEFAULT_WITHIN,
        mode: None,
    }
}

/// A suite that must become ready within a time. Await it, or call [`Gate::run_blocking`].
///
/// The environment variable `READINESS_GATE` can lower it to `warn` (look once, log what is wrong, go on)
/// or `off` (do not look) on a laptop. That is logged, and refused where a target has the profile
/// `production`.
///
/// # Cancel safety
/// Dropping what is awaited ends the look that is under way and releases everything before `drop` returns.
#[derive(Clone, Debug)]
#[must_use = "a gate does nothing until it is awaited"]
pub struct Gate {
    suite: Suite,
    runner: Runner,
    within: Duration,
    mode: Option<GateMode>,
}

/// What a gate does with a deployment that is not ready.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum GateMode {
    /// Waits for it, and ends with an error if it does not become ready.
    Enforce,
    /// Looks once, logs what is wrong, and goes on.
    Warn,
    /// Does not look.
    Off,
}

/// What the last look has, before the time is over.
const LAST_LOOK: Duration = Duration::from_millis(500);

impl Gate {
    /// 20 s: inside the 3 × 10 s Kubernetes gives a container by default.
    pub const DEFAULT_WITHIN: Duration = Duration::from_secs(20);

    /// Sets how long to wait. Default: 20 s.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// Sets bounds and clock of each look.
    pub fn runner(mut self, runner: Runner) -> Self {
        self.runner = runner;
        self
    }

    /// Sets the mode instead of `READINESS_GATE`.
    pub fn mode(mut self, mode: GateMode) -> Self {
        self.mode = Some(mode);
        self
    }

    /// Waits where nothing is async, inside or outside a runtime.
    ///
    /// # Errors
    /// [`GateError`], as awaiting it.
    pub fn run_blocking(self) -> Result<Report, GateError> {
        super::blocking::block_on(self.into_future()).map_err(GateError::Runtime)?
    }

    async fn pass(self) -> Result<Report, GateError> {
        match self.chosen_mode()? {
            GateMode::Enforce => self.enforce().await,
            GateMode::Warn => {
                let report = self.runner.clone().quiet().run(&self.suite).await;
                for line in failing(&report).map(|row| line(row.0, row.1)) {
                    tracing::warn!("gate lowered to `warn`: {}", shown(&line));
                }
                Ok(report)
            }
            GateMode::Off => {
                tracing::warn!("gate is off: nothing was looked at");
                let no_time = self.runner.clone().deadline(Duration::ZERO);
                let nothing = self.suite.clone().with_sources(crate::Sources::default());
                Ok(no_time.run(&nothing.without_probes()).await)
            }
        }
    }

    fn chosen_mode(&self) -> Result<GateMode, GateError> {
        let (mode, from) = match (self.mode, env::var("READINESS_GATE")) {
            (Some(mode), _) => (mode, "the program"),
            (None, Err(_)) => return Ok(GateMode::Enforce),
            (None, Ok(text)) => {
                let mode = match text.as_str() {
                    "" | "enforce" => GateMode::Enforce,
                    "warn" => GateMode::Warn,
                    "off" => GateMode::Off,
                    _ => {
                        return Err(GateError::Environment(format!(
                            "READINESS_GATE is `{}`, expected `enforce`, `warn` or `off`",
                            text.chars().take(20).collect::<String>()
                        )));
                    }
                };
                (mode, "READINESS_GATE")
            }
        };
        if mode != GateMode::Enforce {
            let mut targets = self.suite.requirements.iter().flat_map(|r| r.targets());
            if let Some(target) = targets.find(|target| !self.suite.profile_of(target).gate_may_be_lowered) {
                let (label, mode) = (target.label(), format!("{mode:?}").to_lowercase());
                return Err(GateError::Environment(format!(
                    "{from} lowers the gate to `{mode}`, which the profile `production` of `{label}` \
                     refuses; unset it, or run under the profile `local` or `staging`"
                )));
            }
        }
        Ok(mode)
    }

    async fn enforce(self) -> Result<Report, GateError> {
        let begun = tokio::time::Instant::now();
        let mut retry = Retry::attempts(u32::MAX);
        retry.first_pause = Duration::from_millis(200);
        let mut report = self.look(&self.suite, begun).await;
        let mut tries = 1;
        while !report.verdict().is_ready() {
            let left = self.within.saturating_sub(begun.elapsed());
            if left <= LAST_LOOK {
                // Whoever states a time expects the error at its end, not at some moment before.
                tokio::time::sleep(left).await;
                let waited = begun.elapsed();
                return Err(GateError::NotReady(Box::new(NotReady { report, waited })));
            }
            let pause = jittered(retry.pause(tries)).min(left - LAST_LOOK);
            tracing::info!(tries, "not ready yet: {}", shown(&first_line(&report)));
            tokio::time::sleep(pause).await;
            let again = self.suite.only(|id, label| {
                report.rows().any(|(result, row)| {
                    result.id == id && row.target == label && stands_in_the_way(&report, result, row)
                })
            });
            let newer = self.look(&again, begun).await;
            let cut_short = begun.elapsed() >= self.within;
            merge(&mut report, newer, cut_short);
            let now = report.started_at;
            score::conclude(
                &mut report,
                &self.suite.waivers,
                &self.suite.attestations,
                self.suite.baseline.as_ref(),
                self.suite.earlier.as_deref(),
                now,
            );
            tries += 1;
        }
        for row in failing(&report) {
            tracing::warn!("ready, but: {}", shown(&line(row.0, row.1)));
        }
        Ok(report)
    }

    async fn look(&self, suite: &Suite, begun: tokio::time::Instant) -> Report {
        let left = self.within.saturating_sub(begun.elapsed());
        let deadline = self.runner.own_deadline().min(left);
        self.runner.clone().quiet().deadline(deadline).run(suite).await
    }
}

impl IntoFuture for Gate {
    type Output = Result<Report, GateError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.pass().boxed()
    }
}

/// Takes over what was looked at again. What a look did not get to see before it was cut short tells less
/// than what was seen before.
fn merge(report: &mut Report, newer: Report, cut_short: bool) {
    for new in newer.results {
        for mut target in new.targets {
            // Two requirements may share an id where their targets differ: both tell which one it is.
            let mut places = report
                .results
                .iter_mut()
                .filter(|old| old.id == new.id)
                .flat_map(|old| &mut old.targets);
            if let Some(place) = places.find(|place| place.target == target.target) {
                target.looks = Some(joined(place, &target));
                target.attempts = target.attempts.saturating_add(place.attempts);
                target.duration_ms = target.duration_ms.saturating_add(place.duration_ms);
                let is_mended = is_good(&target.outcome.status) && !is_good(&place.outcome.status);
                target.flaky |= place.flaky || is_mended || target.outcome.status.is_pass();
                if cut_short && target.outcome.status == Status::unknown(Reason::TIMEOUT) {
                    target.outcome = place.outcome.clone();
                }
                *place = target;
            }
        }
    }
    report.duration_ms = report.duration_ms.saturating_add(newer.duration_ms);
    for (what, n) in newer.cost {
        *report.cost.entry(what).or_default() += n;
    }
}

/// The looks at one requirement and target over all rounds of a gate, the first always among them.
fn joined(earlier: &TargetResult, newer: &TargetResult) -> Looks {
    let alone = |row: &TargetResult| {
        let mut looks = Looks::new(1, 1);
        looks.push(Look::new(&row.outcome, row.duration_ms));
        looks
    };
    let of = |row: &TargetResult| row.looks.clone().unwrap_or_else(|| alone(row));
    let (mut all, newer) = (of(earlier), of(newer));
    all.left_out = all.left_out.saturating_add(newer.left_out);
    all.good_left_out = all.good_left_out.saturating_add(newer.good_left_out);
    for look in newer.seen {
        all.push(look);
    }
    all
}

/// A blocker that has not passed; with a stricter policy everything that counts and has not passed.
fn stands_in_the_way(report: &Report, result: &RequirementResult, row: &TargetResult) -> bool {
    let open = matches!(row.outcome.status, Status::Fail | Status::Unknown { .. })
        || (row.outcome.status.is_warn() && !report.policy.is_usual());
    open && row.accepted.is_none() && (result.blocker || (result.weight > 0 && !report.policy.is_usual()))
}

fn failing(report: &Report) -> impl Iterator<Item = (&RequirementResult, &TargetResult)> {
    report.rows().filter(|(result, row)| {
        result.weight > 0 && matches!(row.outcome.status, Status::Fail | Status::Unknown { .. })
    })
}

/// Between half of it and all of it, so that many instances do not knock at once.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(0_u8) % 512;
    pause / 2 + (pause / 1024).saturating_mul(u32::try_from(random).unwrap_or(0))
}

fn line(result: &RequirementResult, row: &TargetResult) -> String {
    let finding = row.outcome.findings.iter().find(|finding| !finding.is_note());
    let said = finding.map_or(row.outcome.summary.as_str(), |finding| finding.message.as_str());
    format!("{} at {}: {said}", result.id, row.url)
}

fn first_line(report: &Report) -> String {
    let mut rows: Vec<_> = report
        .rows()
        .filter(|(result, row)| stands_in_the_way(report, result, row))
        .collect();
    rows.sort_by_key(|(result, row)| (!result.blocker, row.outcome.status.rank()));
    match rows.as_slice() {
        [] => report.decision.because.first().cloned().unwrap_or_default(),
        [(result, row)] => line(result, row),
        [(result, row), rest @ ..] => format!("{} (and {} more)", line(result, row), rest.len()),
    }
}

/// Why a gate did not open.
///
/// `Display` and `Debug` both say what is wrong: a first line of at most 200 bytes, then a line for each
/// failing requirement; 4,096 bytes at most in all.
#[non_exhaustive]
pub enum GateError {
    /// `READINESS_GATE` cannot be followed.
    Environment(String),
    /// It did not become ready in time.
    NotReady(Box<NotReady>),
    /// The machine could not start a runtime.
    Runtime(io::Error),
}

/// A deployment that did not become ready.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NotReady {
    /// What the last look said.
    pub report: Report,
    /// How long it was waited for.
    pub waited: Duration,
}

impl GateError {
    /// The last report, where there is one.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::NotReady(not_ready) => Some(&not_ready.report),
            Self::Environment(_) | Self::Runtime(_) => None,
        }
    }
}

const FIRST_LINE_BYTES: usize = 200;
const ALL_BYTES: usize = 4096;

impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(problem) => f.write_str(problem),
            Self::Runtime(error) => write!(f, "no runtime could be started: {}", ErrorChain(error)),
            Self::NotReady(not_ready) => {
                let NotReady { report, waited } = &**not_ready;
                let tenths = waited.as_millis() / 100;
                let head = format!(
                    "not ready after {}.{} s: {}",
                    tenths / 10,
                    tenths % 10,
                    first_line(report)
                );
                let mut text = cut(&shown(&head), FIRST_LINE_BYTES);
                for (result, row) in report.rows().filter(|(result, row)| {
                    result.weight > 0 && matches!(row.outcome.status, Status::Fail | Status::Unknown { .. })
                }) {
                    let mut next = format!(
                        "\n  {:<8}{}",
                        row.outcome.status.word(),
                        shown(&line(result, row))
                    );
                    let remedy = row.outcome.findings.iter().find(|finding| !finding.is_note());
                    if let Some(remedy) = remedy.filter(|finding| !finding.remedy.is_empty()) {
                        next.push_str("\n          → ");
                        next.push_str(&shown(&remedy.remedy));
                    }
                    if text.len() + next.len() > ALL_BYTES - 8 {
                        text.push_str("\n  …");
                        break;
                    }
                    text.push_str(&next);
                }
                f.write_str(&text)
            }
        }
    }
}

/// As `Display`: it is what `main` prints when it returns this error.
impl fmt::Debug for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for GateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Runtime(error) => error.source(),
            Self::Environment(_) | Self::NotReady(_) => None,
        }
    }
}

fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = bytes - '…'.len_utf8();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}
