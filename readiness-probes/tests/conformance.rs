//! The built-in probes keep the rules every probe keeps.

use readiness_probes::{builtin, testing};

#[test]
fn every_built_in_probe_keeps_the_rules() {
    testing::conformance(&builtin::registry());
}
