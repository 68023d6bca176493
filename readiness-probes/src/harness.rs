//! Each requirement its own test case, for a test target with `harness = false`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use libtest_mimic::{Arguments, Failed, Trial};
use readiness_core::{Config, Registry, Runner, Suite};

use crate::{builtin, live::Live};

/// Makes a test case of each requirement and target of a `readiness.toml`.
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
/// Listing the cases looks at nothing; what a case needs is looked at when it runs.
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
        match suite(&self.config, &self.registry) {
            Ok(suite) => libtest_mimic::run(&arguments, trials(suite)).exit_code(),
            Err(problem) => {
                // One case that says what is wrong, so that every test runner shows it.
                let broken = Trial::test("configuration", move || Err(Failed::from(problem)));
                libtest_mimic::run(&arguments, vec![broken]).exit_code()
            }
        }
    }
}

fn suite(path: &Path, registry: &Registry) -> Result<Suite, String> {
    let config = Config::read(path, registry).map_err(|e| e.to_string())?;
    let live = Live::new().settings(&config.look).map_err(|e| e.to_string())?;
    let suite = config.suite(readiness_core::Sources::default());
    let sources = live.sources_for(&suite).map_err(|e| e.to_string())?;
    Ok(suite.with_sources(sources))
}

fn trials(suite: Suite) -> Vec<Trial> {
    let suite = Arc::new(suite);
    let mut trials = Vec::new();
    for requirement in suite.requirements() {
        for target in requirement.targets() {
            let (id, label) = (requirement.id().to_owned(), target.label().to_owned());
            let suite = Arc::clone(&suite);
            trials.push(Trial::test(format!("{id} [{label}]"), move || {
                let one = suite.only(|other, at| other == id && at == label);
                let report = Runner::new()
                    .run_blocking(&one)
                    .map_err(|e| Failed::from(format!("no runtime: {e}")))?;
                let counts = report.results.iter().any(|result| result.weight > 0);
                let bad = report.rows().any(|(_, row)| {
                    let status = &row.outcome.status;
                    (status.is_fail() || status.is_unknown()) && row.accepted.is_none()
                });
                if bad && counts {
                    Err(Failed::from(report.to_string()))
                } else {
                    Ok(())
                }
            }));
        }
    }
    trials
}
