//! Names: what nameservers say about a target.

mod delegation;
mod expected;
mod records;

pub use self::{
    delegation::DnsDelegation,
    expected::SetMode,
    records::{Absence, DnsRecords, RecordSet},
};
