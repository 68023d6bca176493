//! The answer: what was seen, judged and decided, for people and for machines.

mod assert;
mod columns;
mod looks;
mod report;
mod text;

#[doc(hidden)]
pub use self::assert::{Demands, check_no_regression, check_pass, check_ready};
pub(crate) use self::columns::shown;
pub(crate) use self::looks::is_good;
pub use self::{
    looks::{Look, Looks},
    report::{Accepted, Report, RequirementResult, TargetResult, Tool, ViewReport},
    text::TextOptions,
};
