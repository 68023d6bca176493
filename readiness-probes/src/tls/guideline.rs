//! Mozilla's guideline for TLS on servers, as data.

use readiness_core::fact::TlsVersion;

/// One edition of the guideline.
#[derive(Debug)]
pub(super) struct Guideline {
    /// The edition.
    pub(super) edition: &'static str,
    pub(super) profiles: &'static [Profile],
}

/// What a kind of server should offer, and nothing else.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: &'static str,
    pub(super) versions: &'static [TlsVersion],
    pub(super) suites: &'static [u16],
    pub(super) groups: &'static [u16],
}

/// Edition 6.0 of April 2026.
pub(super) const MOZILLA: Guideline = Guideline {
    edition: "6.0",
    profiles: &[
        Profile {
            name: "modern",
            versions: &[TlsVersion::Tls13],
            suites: &[0x1301, 0x1302, 0x1303],
            groups: GROUPS,
        },
        Profile {
            name: "intermediate",
            versions: &[TlsVersion::Tls12, TlsVersion::Tls13],
            suites: &[
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
            ],
            groups: GROUPS,
        },
    ],
};

/// X25519MLKEM768, x25519, secp256r1, secp384r1.
const GROUPS: &[u16] = &[0x11ec, 29, 23, 24];

impl Guideline {
    pub(super) fn profile(&self, name: &str) -> Option<&'static Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{
        group,
        suite::{Fault, Suite},
    };

    #[test]
    fn what_a_profile_takes_is_known_and_without_fault() {
        for profile in MOZILLA.profiles {
            for number in profile.suites {
                let suite = Suite::of(*number).unwrap();
                assert_eq!(Fault::of(&suite), None, "{}", suite.name);
                assert!(suite.is_of_tls13() || profile.versions.contains(&TlsVersion::Tls12));
            }
            assert!(profile.groups.iter().all(|number| !group::is_weak(*number)));
        }
        assert_eq!(MOZILLA.profile("intermediate").unwrap().suites.len(), 9);
        assert!(MOZILLA.profile("old").is_none());
    }
}
