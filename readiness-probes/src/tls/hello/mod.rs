//! A ClientHello, written by hand, and what comes back, read by hand: what our own library would never offer
//! can be asked for, and no cryptography is needed. Pure functions on bytes.

mod alert;
mod answer;
mod message;
mod offer;
mod reply;
mod write;

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
