//! Running a suite: one future, bounded, with deadlines.

mod blocking;
mod event;
mod gate;
mod job;
mod queue;
mod runner;
mod shared;

use std::any::Any;

pub(crate) use self::job::outcome_of;
pub use self::{
    event::{Event, Events},
    gate::{Gate, GateError, GateMode, gate},
    runner::Runner,
};

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
