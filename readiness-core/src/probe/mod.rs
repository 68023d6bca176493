//! Judging: the trait, its description, and what a probe is given.

mod attested;
mod context;
mod info;
mod probe;

pub use self::{
    attested::attested,
    context::ProbeContext,
    info::{Priority, ProbeId, ProbeIdError, ProbeInfo, Reference},
    probe::{Described, Probe, ProbeError, probe_fn},
};
