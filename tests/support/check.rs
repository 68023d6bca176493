//! The `check` command as a process of its own.

use std::process::{Command, Output};

use readiness_core::{Report, Status};

/// What a run of a command left.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The report that was printed as JSON.
    pub fn report(&self) -> Report {
        readiness_report::from_json(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// Runs `check` with these arguments.
pub fn check<S: AsRef<str>>(arguments: &[S]) -> Run {
    check_with(arguments, &[])
}

/// Runs `check` with these arguments and these variables.
pub fn check_with<S: AsRef<str>>(arguments: &[S], variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_check"));
    command.args(arguments.iter().map(AsRef::as_ref));
    command.envs(variables.iter().copied());
    Run::of(command.output().unwrap())
}

/// Runs `check` in a network namespace of its own, whose only interface, lo, is down.
pub fn check_without_network<S: AsRef<str>>(arguments: &[S]) -> Run {
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--", env!("CARGO_BIN_EXE_check")])
        .args(arguments.iter().map(AsRef::as_ref));
    Run::of(command.output().unwrap())
}

/// The requirements that count and did not pass: `tls.certificate fail [expired]`.
pub fn complaints(report: &Report) -> Vec<String> {
    let counts = |status: &Status| !matches!(status, Status::Pass | Status::NotApplicable { .. });
    report
        .rows()
        .filter(|(result, row)| result.weight > 0 && counts(&row.outcome.status))
        .map(|(result, row)| {
            let codes: Vec<&str> = row
                .outcome
                .findings
                .iter()
                .map(|finding| finding.code.as_ref())
                .collect();
            format!("{} {} {codes:?}", result.id, row.outcome.status.word())
        })
        .collect()
}

/// The codes of the findings of one requirement.
pub fn codes(report: &Report, id: &str) -> Vec<String> {
    let rows = report.rows().filter(|(result, _)| result.id == id);
    rows.flat_map(|(_, row)| {
        row.outcome
            .findings
            .iter()
            .map(|finding| finding.code.to_string())
    })
    .collect()
}

/// The word for the status of one requirement.
pub fn status(report: &Report, id: &str) -> &'static str {
    let result = report.requirement(id);
    result
        .unwrap_or_else(|| panic!("no {id} in the report"))
        .status
        .word()
}
