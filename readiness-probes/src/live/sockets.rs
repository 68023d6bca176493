//! Reads which sockets of this machine wait for peers.

#[cfg(target_os = "linux")]
mod diag;
mod source;
#[cfg(target_os = "linux")]
mod table;

pub(crate) use self::source::SocketSource;
