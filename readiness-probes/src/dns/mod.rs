//! Names: what nameservers say about a target.

mod delegation;
mod expected;
mod mail;
mod records;

pub use self::{
    delegation::DnsDelegation,
    expected::SetMode,
    mail::{DnsMail, MailUse},
    records::{Absence, DnsRecords, RecordSet},
};
