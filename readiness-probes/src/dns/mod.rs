//! Names: what nameservers say about a target.

mod agreement;
mod caa;
mod delegation;
mod dnssec;
mod expected;
mod mail;
mod own;
mod public_addresses;
mod records;
mod recursion_refused;
mod reverse;
mod transfer_refused;

pub use self::{
    agreement::DnsAgreement,
    caa::DnsCaa,
    delegation::DnsDelegation,
    dnssec::{Dnssec, DnssecExpected},
    expected::SetMode,
    mail::{DnsMail, MailUse},
    public_addresses::DnsPublicAddresses,
    records::{Absence, DnsRecords, RecordSet},
    recursion_refused::DnsRecursionRefused,
    reverse::DnsReverse,
    transfer_refused::DnsTransferRefused,
};
