//! Each requirement its own test case, for a test target with `harness = false`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use libtest_mimic::{Arguments, Failed, Trial};
use readiness_core::{Config, ErrorChain, Registry, Report, Runner, Status, Suite, score::Verdict};

use crate::{builtin, live::Live};

/// Makes a test case of each requirement and target of a `readiness.toml`, and one of the verdict.
///
/// In `Cargo.toml`: `[[test]] name = "readiness"` with `harness = false`; in `tests/readiness.rs`:
///
/// ```no_run
/// use std::process::ExitCode;
/// use readiness_probes::harness;
///
/// fn main() -> ExitCode {
///     harness("readiness.toml").run()
/// }
/// ```
///
/// Listing the cases looks at nothing. The first case that runs looks, once for all of them: at what the
/// chosen cases need, or at everything where `verdict` is among them.
///
/// A case fails where its requirement fails or stays unknown at its target, unless that is accepted by a
/// waiver or the baseline, or only informs; a warning fails it under `fail_on = "warn"`. What is not applicable,
/// and what a person attests, passes. The case `verdict` passes where the report is ready, by the policy of the
/// configuration with its target, floors and blockers.
pub fn harness(config: impl Into<PathBuf>) -> Harness {
    Harness {
        config: config.into(),
        registry: builtin::registry(),
    }
}

/// A configuration whose requirements are test cases.
#[derive(Debug)]
#[must_use = "a harness does nothing until it is run"]
pub struct Harness {
    config: PathBuf,
    registry: Registry,
}

impl Harness {
    /// Uses these probes instead of the built-in ones.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Runs the cases that the command line asks for.
    pub fn run(self) -> ExitCode {
        let arguments = Arguments::from_args();
        let cases = match suite(&self.config, &self.registry) {
            Ok(suite) => trials(suite, |case| !arguments.is_filtered_out(case)),
            // One case that says what is wrong, so that every test runner shows it.
            Err(problem) => vec![Trial::test("configuration", move || Err(Failed::from(problem)))],
        };
        libtest_mimic::run(&arguments, cases).exit_code()
    }
}

fn suite(path: &Path, registry: &Registry) -> Result<Suite, String> {
    let config = Config::read(path, registry).map_err(|e| e.to_string())?;
    let live = Live::new()
        .settings(&config.look)
        .map_err(|e| ErrorChain(&e).to_string())?;
    let suite = config.suite(readiness_core::Sources::default());
    let sources = live.sources_for(&suite).map_err(|e| ErrorChain(&e).to_string())?;
    Ok(suite.with_sources(sources))
}

/// The case that is judged by the decision.
const VERDICT: &str = "verdict";

/// The cases, of which those that are chosen will run.
fn trials(suite: Suite, is_chosen: impl Fn(&Trial) -> bool) -> Vec<Trial> {
    let run = Arc::new(SharedRun::default());
    let mut trials = Vec::new();
    let mut chosen = Vec::new();
    for requirement in suite.requirements() {
        for target in requirement.targets() {
            let (id, label) = (requirement.id().to_owned(), target.label().to_owned());
            let run = Arc::clone(&run);
            let row = (id.clone(), label.clone());
            let trial = Trial::test(format!("{id} [{label}]"), move || {
                judge_row(run.report()?, &id, &label)
            });
            if is_chosen(&trial) {
                chosen.push(row);
            }
            trials.push(trial);
        }
    }
    let shared = Arc::clone(&run);
    let verdict = Trial::test(VERDICT, move || judge_verdict(shared.report()?));
    let suite = if is_chosen(&verdict) {
        suite
    } else {
        suite.only(|id, label| chosen.iter().any(|(i, l)| i == id && l == label))
    };
    trials.push(verdict);
    // Only now is it known what will be needed; no case runs before all are made.
    let _ = run.suite.set(suite);
    trials
}

/// One run for all cases, made by the first that asks.
#[derive(Default)]
struct SharedRun {
    suite: OnceLock<Suite>,
    report: OnceLock<Result<Report, String>>,
}

impl SharedRun {
    fn report(&self) -> Result<&Report, Failed> {
        let look = || {
            let suite = self.suite.get().ok_or("nothing was chosen to be looked at")?;
            let run = Runner::new().run_blocking(suite);
            run.map_err(|e| format!("no runtime could be started: {e}"))
        };
        self.report.get_or_init(look).as_ref().map_err(Failed::from)
    }
}

fn judge_row(report: &Report, id: &str, label: &str) -> Result<(), Failed> {
    let mut rows = report.rows();
    let Some((result, row)) = rows.find(|(result, row)| result.id == id && row.target == label) else {
        return Err(Failed::from("the report does not hold this requirement"));
    };
    let is_bad = match row.status() {
        Status::Fail | Status::Unknown { .. } => true,
        Status::Warn { .. } => report.policy.fail_on_warn,
        Status::Pass | Status::NotApplicable { .. } => false,
    };
    if result.weight == 0 || !is_bad || row.accepted.is_some() {
        return Ok(());
    }
    // The table of this one row; what the others say stands with them.
    let mut own = report.clone();
    own.results.retain(|other| other.id == id);
    for result in &mut own.results {
        result.targets.retain(|other| other.target == label);
    }
    own.results.retain(|result| !result.targets.is_empty());
    let (status, summary) = (row.status(), &row.outcome.summary);
    Err(Failed::from(format!(
        "`{id}` at `{label}`: {status}, {summary}\n\n{own}"
    )))
}

fn judge_verdict(report: &Report) -> Result<(), Failed> {
    match report.verdict() {
        Verdict::Ready | Verdict::ReadyWithWaivers => Ok(()),
        _ => Err(Failed::from(report.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use readiness_core::{
        Attestation, Clock, Outcome, Policy, Priority, ProbeId, Reason, Requirement, Sources, SystemClock,
        Target, attested, probe_fn,
        score::{Attested, BasisPoints},
    };

    use super::*;

    /// The cases that passed and failed, with these words on the command line.
    fn run(suite: Suite, words: &[&str]) -> (u64, u64) {
        // What these cases say is not said by this test.
        let nowhere = if cfg!(windows) { "NUL" } else { "/dev/null" };
        let arguments = Arguments::from_iter(["harness", "--logfile", nowhere].iter().chain(words));
        let cases = trials(suite, |case| !arguments.is_filtered_out(case));
        let conclusion = libtest_mimic::run(&arguments, cases);
        (conclusion.num_passed, conclusion.num_failed)
    }

    fn target(label: &str) -> Target {
        Target::parse("tcp://192.0.2.1:1").unwrap().labelled(label)
    }

    fn says(id: &'static str, outcome: Outcome) -> Requirement {
        Requirement::new(
            probe_fn(id, move |_| {
                let outcome = outcome.clone();
                async move { Ok(outcome) }
            }),
            target("api"),
        )
        .priority(Priority::High)
    }

    fn suite(requirements: impl IntoIterator<Item = Requirement>) -> Suite {
        let mut suite = Suite::new(Sources::default());
        for requirement in requirements {
            suite.add(requirement).unwrap();
        }
        suite
    }

    #[test]
    fn all_cases_share_one_run_of_what_is_chosen() {
        let looks = Arc::new(AtomicUsize::new(0));
        let counting = |id: &'static str| {
            let looks = Arc::clone(&looks);
            let probe = probe_fn(id, move |_| {
                looks.fetch_add(1, Ordering::Relaxed);
                async { Ok(Outcome::pass("fine")) }
            });
            Requirement::new(probe, target("a")).and_target(target("b"))
        };
        let suite = suite([counting("x.one"), counting("x.two")]);
        for (words, passed, looked) in [
            (&[][..], 5, 4),
            (&["--exact", "x.one [b]"], 1, 1),
            (&["x.two"], 2, 2),
            (&["--exact", "verdict"], 1, 4),
            (&["--skip", "verdict", "--skip", "[a]"], 2, 2),
            (&["nothing of this name"], 0, 0),
        ] {
            looks.store(0, Ordering::Relaxed);
            assert_eq!(run(suite.clone(), words), (passed, 0), "{words:?}");
            assert_eq!(looks.load(Ordering::Relaxed), looked, "{words:?}");
        }
    }

    #[test]
    fn a_case_is_judged_by_what_it_counts_as() {
        let unknown = Outcome::unknown(Reason::TIMEOUT, "nobody answered");
        let suite = suite([
            says("x.pass", Outcome::pass("fine")),
            says("x.none", Outcome::not_applicable("there is no such thing")),
            says("x.warn", Outcome::warn("soon")),
            says("x.fail", Outcome::fail("broken")),
            says("x.unknown", unknown),
            says("x.note", Outcome::fail("broken")).priority(Priority::Info),
        ]);
        // No blocker fails: the verdict passes, as it does elsewhere.
        assert_eq!(run(suite.clone(), &[]), (5, 2));
        for id in ["x.fail", "x.unknown"] {
            assert_eq!(run(suite.clone(), &[id]), (0, 1), "{id}");
        }
        let mut policy = Policy::default();
        policy.fail_on_warn = true;
        let strict = suite.policy(policy);
        assert_eq!(run(strict.clone(), &["x.warn"]), (0, 1));
        assert_eq!(run(strict, &["--exact", "verdict"]), (0, 1));
    }

    #[test]
    fn what_a_person_attests_passes() {
        let probe = attested(ProbeId::new("x.pentest"), "an outsider tested it");
        let open = suite([Requirement::new(probe, target("api")).priority(Priority::Critical)]);
        assert_eq!(run(open.clone(), &[]), (0, 2));
        let yesterday = SystemClock::default().now().plus_days(-1);
        let attestation = Attestation::new(
            "x.pentest",
            Attested::Pass,
            "nothing was found",
            "A. Tester",
            "auditor",
            yesterday,
        );
        assert_eq!(run(open.attestation(attestation), &[]), (2, 0));
    }

    #[test]
    fn the_verdict_knows_the_floors() {
        let mut policy = Policy::default();
        policy.floors.insert("http".to_owned(), BasisPoints::new(9_000));
        let suite = suite([says("x.pass", Outcome::pass("fine"))]).policy(policy);
        assert_eq!(run(suite, &[]), (1, 1));
    }
}
