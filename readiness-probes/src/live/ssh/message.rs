//! The numbers of messages (RFC 4250, section 4.1.2), and what ends a conversation.

use super::wire::Reader;
use crate::{
    dep::{
        Broken,
        ssh::session::{SshEnd, SshFacts},
    },
    live::channel::{Stop, garbage},
};

pub(super) const DISCONNECT: u8 = 1;
pub(super) const IGNORE: u8 = 2;
pub(super) const UNIMPLEMENTED: u8 = 3;
pub(super) const DEBUG: u8 = 4;
pub(super) const SERVICE_REQUEST: u8 = 5;
pub(super) const SERVICE_ACCEPT: u8 = 6;
pub(super) const EXT_INFO: u8 = 7;
pub(super) const KEXINIT: u8 = 20;
pub(super) const NEWKEYS: u8 = 21;
pub(super) const ECDH_INIT: u8 = 30;
pub(super) const ECDH_REPLY: u8 = 31;
pub(super) const AUTH_REQUEST: u8 = 50;
pub(super) const AUTH_FAILURE: u8 = 51;
pub(super) const AUTH_SUCCESS: u8 = 52;
pub(super) const AUTH_BANNER: u8 = 53;
pub(super) const PASSWORD_CHANGE: u8 = 60;
pub(super) const GLOBAL_REQUEST: u8 = 80;

/// The server ends the connection, and says why (RFC 4253, section 11.1).
pub(super) fn disconnected(payload: &[u8], text: impl Fn(&[u8]) -> String, facts: &mut SshFacts) -> Stop {
    match reason(payload) {
        Ok((code, words)) => {
            facts.end = SshEnd::Disconnected {
                code,
                message: text(words),
            };
            Stop::Told
        }
        Err(broken) => broken.into(),
    }
}

fn reason(payload: &[u8]) -> Result<(u32, &[u8]), Broken> {
    let mut reader = Reader(payload);
    reader.byte()?;
    Ok((reader.number()?, reader.string()?))
}

pub(super) fn unasked(kind: Option<&u8>) -> Broken {
    let number = kind.copied().unwrap_or_default();
    garbage(format!(
        "it does not speak SSH: the message {number}, which nobody asked for"
    ))
}
