//! Cipher suites: their names, what they are made of, and what is wrong with them.

mod fault;
mod suite;
mod table;

pub(super) use self::{
    fault::{Fault, REMEDY},
    suite::{KeyExchange, Signature, Suite},
};
