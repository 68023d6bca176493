//! Whether a name exists only because every name does.

use readiness_core::{
    ProbeContext,
    fact::{DnsAnswer, DnsLookup, DnsResult, RecordType},
};

use super::DnsRecords;

/// The wildcard beside a name, where it has records of the same type: `*.example.com` for `gone.example.com`. A
/// nameserver that makes up an answer for every name has them too. RFC 4592, section 2.1.1.
pub(super) async fn beside(
    cx: &ProbeContext,
    settings: &DnsRecords,
    name: &str,
    kind: RecordType,
    answer: Option<&DnsAnswer>,
) -> Option<String> {
    let (own, above) = name.split_once('.')?;
    let exists = answer.is_some_and(|answer| answer.result == DnsResult::Records);
    if !exists || own == "*" {
        return None;
    }
    let wildcard = format!("*.{above}");
    let key = DnsLookup::new(&wildcard, kind).via(settings.nameservers.clone());
    let beside = cx.observe(key).await.ok()?;
    (beside.result == DnsResult::Records).then_some(wildcard)
}
