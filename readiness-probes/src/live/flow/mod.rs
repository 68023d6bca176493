//! Steps that are sent one after the other.

mod jar;
mod source;

pub(super) use self::source::FlowSource;
