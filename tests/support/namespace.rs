//! Network namespaces: a test runs itself again in one of its own, where it has every port for itself.

use std::{env, process::Command};

use readiness_probes::{Outcome, Requirement, Runner, Suite, Target, builtin, live::Live};
use serde_json::Value;

use super::support::{is_root, program};

const INSIDE: &str = "READINESS_INSIDE_NAMESPACE";

/// Runs the test of this name again in a namespace of its own, after this preparation.
pub fn inside(name: &str, prepare: &str, test: impl Fn()) {
    if env::var_os(INSIDE).is_some() {
        return test();
    }
    let mut command = Command::new(program("unshare", &[]));
    if !is_root() {
        command.arg("--map-root-user");
    }
    let script = format!("ip link set lo up && {prepare} exec \"$0\" \"$@\"");
    let status = command
        .args(["--net", "sh", "-c", &script])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(
        status.success(),
        "`{name}` failed under `unshare --net` (needs `ip`, `nft`, and leave to make a namespace): {status}"
    );
}

/// What a probe of the registry says of a target. What it saw is recorded, and says the same again without
/// a look at anything.
pub async fn judged_and_replayed(id: &str, settings: Value, target: &Target) -> Outcome {
    let probe = builtin::registry().build(id, &settings).unwrap();
    let requirement = Requirement::new(probe, target.clone());
    let suite = Suite::new(Live::new().sources().unwrap())
        .with(requirement)
        .unwrap();
    let runner = Runner::new();
    let (report, recording) = runner.run_recorded(&suite).await;
    let replayed = runner.run(&suite.replaying(&recording)).await;
    assert_eq!(
        readiness_report::to_json(&replayed),
        readiness_report::to_json(&report)
    );
    report.results[0].targets[0].outcome.clone()
}
