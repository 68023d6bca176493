//! The answer: what was seen, judged and decided, for people and for machines.

mod assert;
mod report;
mod text;

pub use self::{
    report::{Accepted, Report, RequirementResult, TargetResult, Tool, ViewReport},
    text::TextOptions,
};
