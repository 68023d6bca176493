use std::{fmt, net::IpAddr};

use readiness_core::{Finding, fact::DnsAnswer};
use serde::Deserialize;

/// The most findings of one kind: an answer can hold a thousand addresses.
pub(super) const MOST_FINDINGS: usize = 16;

/// How the addresses found stand to those expected.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum SetMode {
    /// One of those expected is there.
    Any,
    /// All that are expected are there, and no other.
    #[default]
    Exact,
    /// None but those expected is there; not all need be.
    Subset,
    /// All that are expected are there, others too if they like.
    Superset,
}

impl SetMode {
    /// Whether every expected address must be there.
    pub(super) fn wants_all(self) -> bool {
        matches!(self, Self::Exact | Self::Superset)
    }

    /// Whether another address is one too many.
    pub(super) fn forbids_others(self) -> bool {
        matches!(self, Self::Exact | Self::Subset)
    }
}

impl fmt::Display for SetMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Exact => "exact",
            Self::Subset => "subset",
            Self::Superset => "superset",
        })
    }
}

/// The faults of the addresses found. What `could_hide` says of an address keeps it from being called
/// missing: its family could not be looked up.
pub(super) fn compare(
    host: &str,
    found: &[IpAddr],
    expected: &[IpAddr],
    mode: SetMode,
    could_hide: impl Fn(IpAddr) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if mode.wants_all() {
        let missing = expected
            .iter()
            .filter(|address| !found.contains(address) && !could_hide(**address));
        findings.extend(missing.take(MOST_FINDINGS).map(|address| {
            Finding::fail(
                "missing_address",
                format!("`{host}` should have the address `{address}`, and has not"),
            )
            .subject(address.to_string())
            .remedy(format!(
                "add {} record of `{host}` with `{address}`, or take it out of `addresses`",
                record_of(*address)
            ))
        }));
    }
    if mode.forbids_others() {
        let unexpected = || found.iter().filter(|address| !expected.contains(address));
        findings.extend(unexpected().take(MOST_FINDINGS).map(|address| {
            Finding::fail(
                "unexpected_address",
                format!("`{host}` has the address `{address}`, which is not one of those expected"),
            )
            .subject(address.to_string())
            .remedy(format!(
                "delete {} record of `{host}` with `{address}`, or add it to `addresses`",
                record_of(*address)
            ))
        }));
        let more = unexpected().count().saturating_sub(MOST_FINDINGS);
        if more > 0 {
            let message = format!("`{host}` has {more} more addresses that are not expected");
            findings.push(
                Finding::fail("unexpected_address", message)
                    .subject("others")
                    .remedy(format!("delete the records of `{host}` that you do not know")),
            );
        }
    }
    let has_one = expected.iter().any(|address| found.contains(address));
    if mode == SetMode::Any && !has_one && !expected.iter().any(|address| could_hide(*address)) {
        let message = format!(
            "`{host}` should have one of {}, and has none of them",
            list(expected)
        );
        findings.push(
            Finding::fail("no_expected_address", message)
                .evidence("found", list(found))
                .remedy(format!("point `{host}` at one of them, or correct `addresses`")),
        );
    }
    findings
}

/// What is said where an answer holds more records than are kept.
pub(super) fn too_many(name: &str, kind: &str, answer: &DnsAnswer) -> Option<Finding> {
    let more = answer.records_left_out;
    (more > 0).then(|| {
        let kept = answer.records.len();
        let message = format!(
            "`{name}` has {kept} {kind} records and {more} more, which are not looked at; expected a few"
        );
        Finding::warn("too_many_records", message)
            .subject(format!("{kind} of {name}"))
            .remedy(format!("delete the {kind} records of `{name}` that nobody needs"))
    })
}

fn record_of(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "the A" } else { "the AAAA" }
}

/// Addresses for people, cut where there are many.
pub(super) fn list(addresses: &[IpAddr]) -> String {
    const MOST_SHOWN: usize = 4;
    let mut shown: Vec<String> = addresses.iter().take(MOST_SHOWN).map(IpAddr::to_string).collect();
    if addresses.len() > MOST_SHOWN {
        shown.push(format!("{} more", addresses.len() - MOST_SHOWN));
    }
    if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn each_mode_asks_for_its_own() {
        // what is found, and which of missing (m), unexpected (u) and none (n) each mode complains of;
        // 1 and 2 are expected
        let table: [(&[u8], [&str; 4]); 6] = [
            (&[1, 2], ["", "", "", ""]),
            (&[2, 1], ["", "", "", ""]),
            (&[1], ["", "m", "", "m"]),
            (&[1, 2, 3], ["", "u", "u", ""]),
            (&[1, 3], ["", "mu", "u", "m"]),
            (&[3], ["n", "mmu", "u", "mm"]),
        ];
        let expected = [address(1), address(2)];
        for (found, complaints) in table {
            let found: Vec<IpAddr> = found.iter().copied().map(address).collect();
            let modes = [SetMode::Any, SetMode::Exact, SetMode::Subset, SetMode::Superset];
            for (mode, wanted) in modes.into_iter().zip(complaints) {
                let codes: String = compare("h", &found, &expected, mode, |_| false)
                    .iter()
                    .map(|finding| &finding.code[..1])
                    .collect();
                assert_eq!(codes, wanted, "{mode} {found:?}");
            }
        }
    }

    #[test]
    fn what_could_not_be_looked_up_is_not_missing() {
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        for mode in [SetMode::Any, SetMode::Exact, SetMode::Superset] {
            let found = compare("h", &[], &[v6], mode, |address| address.is_ipv6());
            assert_eq!(found, [], "{mode}");
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let many: Vec<IpAddr> = (1..=5).map(address).collect();
        assert_eq!(list(&many), "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, 1 more");
        assert_eq!(list(&many[..4]), "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4");
        assert_eq!(list(&[]), "none");
    }
}
