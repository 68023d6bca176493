//! Names: what nameservers say about a target.

mod delegation;
mod dnssec;
mod expected;
mod records;

pub use self::{
    delegation::DnsDelegation,
    dnssec::{Dnssec, DnssecExpected},
    expected::SetMode,
    records::{Absence, DnsRecords, RecordSet},
};
