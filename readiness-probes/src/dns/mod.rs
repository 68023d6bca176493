//! Names: what nameservers say about a target.

mod expected;
mod records;

pub use self::{
    expected::SetMode,
    records::{Absence, DnsRecords, RecordSet},
};
