use readiness_core::fact::{Endpoint, StartTls, TlsHello, TlsVersion};

use crate::tls::{group, opening::Opening, suite::Suite};

/// The suites that nearly every server of TLS 1.2 and before has one of, good ones first.
const COMMON: &[u16] = &[
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc009, 0xc013, 0xc00a, 0xc014, 0x009c, 0x002f, 0x009d,
    0x0035, 0xc023, 0xc027, 0xc024, 0xc028, 0x009e, 0x009f, 0x0033, 0x0039, 0x0067, 0x003c, 0x0041, 0xc008,
    0xc012, 0x000a, 0x0016, 0xc011, 0x0005, 0x0004, 0x0009, 0x0008, 0x0003, 0x0014, 0xc010, 0xc006, 0x003b,
    0x0002, 0x0001, 0xc018, 0x0034, 0x006c, 0x00a6, 0x0018,
];

/// How many of [`COMMON`] are offered where more were too many.
const FEW: usize = 14;

/// Makes the hellos for one endpoint.
#[derive(Clone, Debug)]
pub(in crate::tls) struct Offer {
    endpoint: Endpoint,
    starttls: Option<StartTls>,
    alpn: Vec<String>,
}

impl Offer {
    /// Hellos to this endpoint, where TLS begins like this.
    pub(in crate::tls) fn new(endpoint: Endpoint, opening: &Opening) -> Self {
        let alpn: &[&str] = if opening.is_http() {
            &["h2", "http/1.1"]
        } else {
            &[]
        };
        Self {
            endpoint,
            starttls: opening.starttls().cloned(),
            alpn: alpn.iter().map(|&protocol| protocol.to_owned()).collect(),
        }
    }

    /// Asks whether the server speaks this version at all.
    pub(in crate::tls) fn version(&self, version: TlsVersion) -> TlsHello {
        match version {
            // What follows the first answer is encrypted.
            TlsVersion::Tls13 => self.suites(version, Self::all_suites(version)),
            _ => self.suites(version, COMMON.to_vec()).whole_flight(),
        }
    }

    /// The same with less in it, for servers that hang on what is large.
    pub(in crate::tls) fn version_again(&self, version: TlsVersion) -> TlsHello {
        let mut hello = self.version(version).padded();
        hello.suites = match version {
            TlsVersion::Tls13 => vec![0x1301, 0x1302, 0x1303],
            TlsVersion::Tls12 => COMMON.iter().take(FEW).copied().collect(),
            _ => {
                let is_old = |number: &u16| Suite::of(*number).is_some_and(|suite| suite.is_of_tls11());
                COMMON.iter().copied().filter(is_old).take(FEW).collect()
            }
        };
        hello
    }

    /// Offers these suites, and every group there is for the version.
    pub(in crate::tls) fn suites(&self, version: TlsVersion, suites: Vec<u16>) -> TlsHello {
        let groups = match version {
            TlsVersion::Ssl3 => Vec::new(),
            TlsVersion::Tls13 => group::of_tls13(),
            _ => group::of_tls12(),
        };
        let alpn = match version {
            TlsVersion::Tls12 | TlsVersion::Tls13 => self.alpn.clone(),
            _ => Vec::new(),
        };
        TlsHello::new(self.endpoint.clone(), version, suites)
            .starttls(self.starttls.clone())
            .groups(groups)
            .alpn(alpn)
    }

    /// Every suite that is assigned for a version.
    pub(in crate::tls) fn all_suites(version: TlsVersion) -> Vec<u16> {
        let belongs = |suite: &Suite| match version {
            TlsVersion::Tls13 => suite.is_of_tls13(),
            TlsVersion::Tls12 => !suite.is_of_tls13(),
            _ => suite.is_of_tls11(),
        };
        Suite::numbers()
            .filter(|number| Suite::of(*number).is_some_and(|suite| belongs(&suite)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::Target;

    use super::*;

    #[test]
    fn common_suites_are_known_and_offered_once() {
        let mut sorted = COMMON.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), COMMON.len());
        for number in COMMON {
            assert!(!Suite::of(*number).unwrap().is_of_tls13(), "{number:#06x}");
        }
        // Old versions find enough among them too.
        let old = COMMON
            .iter()
            .filter(|number| Suite::of(**number).unwrap().is_of_tls11());
        assert!(old.count() > 20);
    }

    #[test]
    fn every_suite_is_asked_for_in_some_version() {
        let of = |version| Offer::all_suites(version).len();
        assert_eq!(
            of(TlsVersion::Tls12) + of(TlsVersion::Tls13),
            Suite::numbers().count()
        );
        assert_eq!(of(TlsVersion::Tls10), of(TlsVersion::Tls11));
        assert!(
            of(TlsVersion::Tls10) < of(TlsVersion::Tls12) / 2,
            "{}",
            of(TlsVersion::Tls10)
        );
    }

    #[test]
    fn the_second_try_is_smaller_and_padded() {
        let endpoint = Endpoint::new("127.0.0.1:1".parse().unwrap(), "a.test", true);
        let target = Target::parse("https://a.test").unwrap();
        let offer = Offer::new(endpoint, &Opening::of(&target, None).unwrap());
        for version in TlsVersion::ALL {
            let (first, second) = (offer.version(version), offer.version_again(version));
            assert!(second.suites.len() < first.suites.len(), "{version}");
            assert!(second.padded && !first.padded);
            assert_eq!(first.whole_flight, version < TlsVersion::Tls13);
            assert_eq!(first.alpn.is_empty(), version < TlsVersion::Tls12);
            assert_eq!(first.groups.is_empty(), version == TlsVersion::Ssl3);
        }
    }
}
