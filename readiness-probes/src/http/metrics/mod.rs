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
mod matchers;
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
mod window;

pub use self::{matchers::LabelMatchers, number::MetricBound, probe::Metrics, wanted::MetricAssertion};
pub(super) use self::{
    probe::ACCEPT,
    wanted::check_name,
    window::{Over, Trouble, Window},
};
