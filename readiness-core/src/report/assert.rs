use super::Report;
use crate::{
    outcome::Status,
    score::{BasisPoints, ChangeKind, Policy, Trend},
};

/// Fails the test unless the report's verdict is ready; the panic prints every finding as a table.
///
/// `target = 95` and `min_coverage = 90`, in percent, demand more than the report's own policy.
///
/// ```
/// # use readiness_core::{Outcome, Requirement, Sources, Suite, Target, assert_ready, probe_fn};
/// # let report = Suite::new(Sources::default()).with(Requirement::new(
/// #     probe_fn("queue.depth", |_| async { Ok(Outcome::pass("")) }),
/// #     Target::parse("tcp://queue:5672").unwrap(),
/// # )).unwrap().run_blocking().unwrap();
/// assert_ready!(report);
/// assert_ready!(report, target = 95, min_coverage = 90);
/// ```
#[macro_export]
macro_rules! assert_ready {
    ($report:expr $(, target = $target:expr)? $(, min_coverage = $coverage:expr)? $(,)?) => {{
        let demands = $crate::__private::Demands::default()
            $( .target($target) )?
            $( .min_coverage($coverage) )?;
        if let ::core::result::Result::Err(problem) = $crate::__private::check_ready(&$report, demands) {
            panic!("{problem}");
        }
    }};
}

/// Fails the test unless this requirement passes at every target.
///
/// ```should_panic
/// # use readiness_core::{Outcome, Requirement, Sources, Suite, Target, assert_pass, probe_fn};
/// # let report = Suite::new(Sources::default()).with(Requirement::new(
/// #     probe_fn("queue.depth", |_| async { Ok(Outcome::fail("900 orders wait")) }),
/// #     Target::parse("tcp://queue:5672").unwrap(),
/// # )).unwrap().run_blocking().unwrap();
/// assert_pass!(report, "queue.depth");
/// ```
#[macro_export]
macro_rules! assert_pass {
    ($report:expr, $id:expr $(,)?) => {
        if let ::core::result::Result::Err(problem) = $crate::__private::check_pass(&$report, $id) {
            panic!("{problem}");
        }
    };
}

/// Fails the test if anything is worse than in an earlier report.
///
/// ```
/// # use readiness_core::{Outcome, Requirement, Sources, Suite, Target, assert_no_regression, probe_fn};
/// # let report = Suite::new(Sources::default()).with(Requirement::new(
/// #     probe_fn("queue.depth", |_| async { Ok(Outcome::pass("")) }),
/// #     Target::parse("tcp://queue:5672").unwrap(),
/// # )).unwrap().run_blocking().unwrap();
/// # let earlier = report.clone();
/// assert_no_regression!(report, earlier);
/// ```
#[macro_export]
macro_rules! assert_no_regression {
    ($report:expr, $earlier:expr $(,)?) => {
        if let ::core::result::Result::Err(problem) =
            $crate::__private::check_no_regression(&$report, &$earlier)
        {
            panic!("{problem}");
        }
    };
}

/// What a test demands beyond the report's own policy, in percent.
#[derive(Clone, Copy, Debug, Default)]
#[doc(hidden)]
#[non_exhaustive]
pub struct Demands {
    target: Option<u32>,
    min_coverage: Option<u32>,
}

impl Demands {
    pub fn target(mut self, percent: u32) -> Self {
        self.target = Some(percent);
        self
    }

    pub fn min_coverage(mut self, percent: u32) -> Self {
        self.min_coverage = Some(percent);
        self
    }
}

#[doc(hidden)]
pub fn check_ready(report: &Report, demands: Demands) -> Result<(), String> {
    let points = |percent: u32| BasisPoints::from_percent(percent);
    let stricter = Policy {
        target: demands.target.map(points).or(report.policy.target),
        min_coverage: demands.min_coverage.map(points).or(report.policy.min_coverage),
        ..report.policy.clone()
    };
    let judged = if stricter == report.policy {
        report.clone()
    } else {
        report.rescored(stricter, report.judged_at.unwrap_or(report.started_at))
    };
    if judged.verdict().is_ready() {
        Ok(())
    } else {
        Err(format!("the deployment is not ready\n\n{judged}"))
    }
}

#[doc(hidden)]
pub fn check_pass(report: &Report, id: &str) -> Result<(), String> {
    // Two requirements may share an id where their targets differ: all of them must pass.
    let mut found = report.results.iter().filter(|result| result.id == id).peekable();
    if found.peek().is_none() {
        let known: Vec<&str> = report.results.iter().map(|result| result.id.as_str()).collect();
        return Err(format!(
            "the report has no requirement `{id}`; it has {}",
            known.join(", ")
        ));
    }
    match found.find(|result| result.status != Status::Pass) {
        None => Ok(()),
        Some(result) => Err(format!("`{id}` is {}, expected pass\n\n{report}", result.status)),
    }
}

#[doc(hidden)]
pub fn check_no_regression(report: &Report, earlier: &Report) -> Result<(), String> {
    let trend = Trend::between(earlier, report);
    let worse: Vec<String> = trend
        .changes
        .iter()
        .filter(|change| matches!(change.kind, ChangeKind::BecameUnknown | ChangeKind::Regressed))
        .map(|change| {
            format!(
                "`{}` at `{}`: {} before, {} now",
                change.requirement, change.target, change.before, change.now
            )
        })
        .collect();
    if worse.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "the deployment is worse than before\n{}\n\n{report}",
            worse.join("\n")
        ))
    }
}
