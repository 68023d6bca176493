//! A ClientHello, written by hand, and what comes back, read by hand: what our own library would never offer
//! can be asked for, and no cryptography is needed. Pure functions on bytes.

mod alert;
mod answer;
mod message;
mod offer;
mod reply;
mod write;

use readiness_core::fact::{HelloAnswer, TlsHello};

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
pub(crate) mod forge;
#[cfg(test)]
mod tests;

pub(super) use self::{
    alert::INAPPROPRIATE_FALLBACK,
    answer::{Verdict, to_group, to_suite, to_version},
    offer::Offer,
};
pub(crate) use self::{
    reply::{End, Reply, not_tls},
    write::write,
};

/// What becomes of an answer that comes in pieces of this many bytes and then ends: for fuzzing.
#[doc(hidden)]
pub fn read_hello_reply(to: &TlsHello, bytes: &[u8], piece_bytes: usize) -> HelloAnswer {
    let mut reply = Reply::new(to);
    for piece in bytes.chunks(piece_bytes.max(1)) {
        if let Some(answer) = reply.push(piece) {
            return answer;
        }
    }
    reply.end(End::Closed)
}
