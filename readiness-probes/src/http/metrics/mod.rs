//! What a service shows to Prometheus: a parser of both text formats, what they demand, and the probe.

#[cfg(test)]
mod conformance;
mod faults;
mod format;
mod histogram;
mod judge;
mod kind;
mod leak;
mod line;
mod naming;
mod number;
mod page;
mod probe;
mod progress;
mod series;
#[cfg(test)]
mod tests;
mod values;
mod wanted;

pub use self::{number::MetricBound, probe::Metrics, wanted::MetricAssertion};
