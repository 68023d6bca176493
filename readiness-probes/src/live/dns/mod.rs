//! Names, asked of nameservers.

mod answer;
mod signed;
mod source;
mod transport;

#[cfg(test)]
#[path = "../../../tests/support/nameserver.rs"]
mod nameserver;
#[cfg(test)]
mod tests;

pub use self::source::{DnsSettings, DnsSource, system_nameservers};
