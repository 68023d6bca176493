//! Names: what nameservers say about a target.

mod caa;
mod delegation;
mod dnssec;
mod expected;
mod records;

pub use self::{
    caa::Caa,
    delegation::DnsDelegation,
    dnssec::{Dnssec, DnssecExpected},
    expected::SetMode,
    records::{Absence, DnsRecords, RecordSet},
};
