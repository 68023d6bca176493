//! Asks services over UDP.

mod ask;
mod question;

pub(crate) use self::ask::UdpSource;
