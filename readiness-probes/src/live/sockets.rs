//! Reads which sockets of this machine wait for peers.

mod source;
mod table;

pub(crate) use self::source::SocketSource;
