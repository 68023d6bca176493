//! The trusted root a chain leads to, and the path to it that lasts longest.

use std::{cell::RefCell, sync::Arc};

use readiness_core::fact::{Anchor, AnchorStore};
use rustls::{
    RootCertStore,
    crypto::WebPkiSupportedAlgorithms,
    pki_types::{CertificateDer, TrustAnchor, UnixTime},
};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use crate::tls::{name_of, validity_of};

/// The most paths of one chain that are compared. A cross-signed intermediate makes two.
const MOST_PATHS: usize = 8;

/// Finds paths to the trusted roots.
#[derive(Debug)]
pub(crate) struct Paths {
    roots: Arc<RootCertStore>,
    /// How many of the roots are the platform's: they stand first.
    platform: usize,
    /// How many of the roots were not given with the suite: those after the platform's are webpki-roots'.
    own: usize,
    algorithms: WebPkiSupportedAlgorithms,
}

/// One path: its positions in the chain as sent, and its root.
struct Found {
    positions: Vec<usize>,
    root: usize,
}

impl Paths {
    pub(crate) fn new(
        roots: Arc<RootCertStore>,
        platform: usize,
        own: usize,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Self {
        Self {
            roots,
            platform,
            own,
            algorithms,
        }
    }

    /// The root that this chain leads to at this instant, by the path that stays valid longest.
    ///
    /// The name is not looked at. `None` where no path leads to a root.
    pub(crate) fn best(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        at: UnixTime,
    ) -> Option<Anchor> {
        let leaf = EndEntityCert::try_from(end_entity).ok()?;
        let found = RefCell::new(Vec::new());
        let note = |path: &VerifiedPath<'_>| {
            let mut found = found.borrow_mut();
            if let Some(path) = self.found(path, intermediates) {
                found.push(path);
            }
            // Refused, so that the next one is looked for; the verifier bounds how far that goes.
            if found.len() < MOST_PATHS {
                Err(webpki::Error::UnknownIssuer)
            } else {
                Ok(())
            }
        };
        let _ = leaf.verify_for_usage(
            self.algorithms.all,
            &self.roots.roots,
            intermediates,
            at,
            KeyUsage::server_auth(),
            None,
            Some(&note),
        );
        let best = longest(found.into_inner(), intermediates)?;
        let root = self.roots.roots.get(best.root)?;
        let store = if best.root < self.platform {
            AnchorStore::Platform
        } else if best.root < self.own {
            AnchorStore::WebpkiRoots
        } else {
            AnchorStore::Given
        };
        let anchor = Anchor::new(name_of(&root.subject), store).path(best.positions);
        Some(if is_public(root) { anchor.public() } else { anchor })
    }

    fn found(&self, path: &VerifiedPath<'_>, sent: &[CertificateDer<'_>]) -> Option<Found> {
        let mut positions = vec![0];
        for certificate in path.intermediate_certificates() {
            let der = certificate.der();
            positions.push(1 + sent.iter().position(|other| *other == der)?);
        }
        let root = self
            .roots
            .roots
            .iter()
            .position(|root| is_same(root, path.anchor()))?;
        Some(Found { positions, root })
    }
}

/// The path whose first certificate to expire does so last; the first one found where several are equal,
/// which is a shortest one.
fn longest(found: Vec<Found>, sent: &[CertificateDer<'_>]) -> Option<Found> {
    if found.len() == 1 {
        return found.into_iter().next();
    }
    let end = |path: &Found| {
        let ends = path.positions.iter().skip(1).map(|&position| {
            let (_, end) = validity_of(sent.get(position.checked_sub(1)?)?)?;
            Some(end.unix_seconds())
        });
        ends.map(|end| end.unwrap_or(i64::MIN)).min().unwrap_or(i64::MAX)
    };
    // Of equal ones `min_by_key` takes the first.
    found.into_iter().min_by_key(|path| std::cmp::Reverse(end(path)))
}

/// Whether a root is in Mozilla's list for servers. Subject and key decide: a platform may carry the root
/// with another signature on it.
fn is_public(root: &TrustAnchor<'_>) -> bool {
    webpki_roots::TLS_SERVER_ROOTS
        .iter()
        .any(|public| is_same(public, root))
}

fn is_same(one: &TrustAnchor<'_>, other: &TrustAnchor<'_>) -> bool {
    one.subject == other.subject && one.subject_public_key_info == other.subject_public_key_info
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    use super::*;

    fn named(name: &str, is_ca: bool, until: i32) -> CertificateParams {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    }

    fn paths(roots: &[&rcgen::Certificate], platform: usize, own: usize) -> Paths {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().map(|root| root.der().clone()));
        let algorithms = super::super::provider::provider()
            .unwrap()
            .signature_verification_algorithms;
        Paths::new(Arc::new(store), platform, own, algorithms)
    }

    #[test]
    fn the_path_that_lasts_longest_is_found() {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(1_795_132_800));
        let (old_key, new_key, inter_key, key) = (
            KeyPair::generate().unwrap(),
            KeyPair::generate().unwrap(),
            KeyPair::generate().unwrap(),
            KeyPair::generate().unwrap(),
        );
        let old_params = named("Old Root CA", true, 2050);
        let old = old_params.self_signed(&old_key).unwrap();
        let old_issuer = Issuer::new(old_params, old_key);
        let new_params = named("New Root CA", true, 2050);
        let new = new_params.self_signed(&new_key).unwrap();
        let cross = new_params.signed_by(&new_key, &old_issuer).unwrap();
        let new_issuer = Issuer::new(new_params, new_key);
        let short = named("Issuing CA", true, 2027)
            .signed_by(&inter_key, &new_issuer)
            .unwrap();
        let long = named("Issuing CA", true, 2040)
            .signed_by(&inter_key, &new_issuer)
            .unwrap();
        let issuer = Issuer::new(named("Issuing CA", true, 2040), inter_key);
        let leaf = named("leaf", false, 2028).signed_by(&key, &issuer).unwrap();
        let sent = |list: &[&rcgen::Certificate]| -> Vec<CertificateDer<'static>> {
            list.iter().map(|certificate| certificate.der().clone()).collect()
        };
        let both = paths(&[&new, &old], 1, 1);
        // the cross-signed form of the root is not needed
        let anchor = both
            .best(leaf.der(), &sent(&[&short, &cross, &long]), at)
            .unwrap();
        assert_eq!(
            (anchor.subject.as_str(), anchor.path),
            ("New Root CA", vec![0, 3])
        );
        assert_eq!((anchor.store, anchor.public), (AnchorStore::Platform, false));
        // one who only knows the old root needs it
        let listed = paths(&[&old, &new], 1, 2);
        let anchor = listed.best(leaf.der(), &sent(&[&long]), at).unwrap();
        assert_eq!(anchor.store, AnchorStore::WebpkiRoots);
        let given = paths(&[&old], 0, 0);
        let anchor = given.best(leaf.der(), &sent(&[&long, &cross]), at).unwrap();
        assert_eq!(
            (anchor.subject.as_str(), anchor.path),
            ("Old Root CA", vec![0, 1, 2])
        );
        assert_eq!(anchor.store, AnchorStore::Given);
        assert_eq!(given.best(leaf.der(), &sent(&[&long]), at), None);
        let late = UnixTime::since_unix_epoch(Duration::from_secs(4_000_000_000));
        assert_eq!(both.best(leaf.der(), &sent(&[&long]), late), None);
        assert_eq!(both.best(&CertificateDer::from(vec![1, 2]), &[], at), None);
    }

    #[test]
    fn public_roots_are_known_by_subject_and_key() {
        let public = &webpki_roots::TLS_SERVER_ROOTS[0];
        assert!(is_public(public));
        let mut other = public.clone();
        other.subject_public_key_info = vec![0x30, 0].into();
        assert!(!is_public(&other));
        for root in webpki_roots::TLS_SERVER_ROOTS {
            assert_ne!(name_of(&root.subject), "(no name)");
        }
    }
}
