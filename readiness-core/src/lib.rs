#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod error;
pub mod fact;
pub mod observe;
pub mod outcome;
pub mod probe;
pub mod redact;
pub mod registry;
pub mod report;
pub mod run;
pub mod score;
pub mod suite;
pub mod target;
pub mod testing;

pub use async_trait::async_trait;
pub use serde;
pub use serde_json;

#[cfg(feature = "config")]
pub use self::suite::{Config, ConfigError, LookSettings};

pub use self::{
    clock::{Clock, FixedClock, SystemClock, Timestamp, TimestampError},
    error::ErrorChain,
    observe::{Looking, Observation, ObserveError, Recording, RecordingError, Source, Sources},
    outcome::{Cause, Credit, Evidence, Finding, Fingerprint, Measure, Outcome, Reason, Status, Unit},
    probe::{Described, Priority, Probe, ProbeContext, ProbeError, ProbeId, ProbeInfo, attested, probe_fn},
    redact::{Credential, Credentials, Origin, Secret},
    registry::{Registry, RegistryError},
    report::Report,
    run::{Event, Gate, GateError, GateMode, Runner, gate},
    score::{Attestation, Baseline, Policy, Score, Trend, Verdict, Waiver},
    suite::{Profile, Requirement, Retry, Suite, SuiteError},
    target::{Target, TargetError},
};

/// What the macros of this crate need of others.
#[doc(hidden)]
pub mod __private {
    pub use serde::{self, Deserialize};

    pub use crate::report::{Demands, check_no_regression, check_pass, check_ready};
}
