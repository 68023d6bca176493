//! How the certificates that were sent hang together, and why no path leads to a trusted root.

use readiness_core::{Finding, fact::Anchor};

use super::x509::{Certificate, capped};

/// The certificates that were sent, arranged. Numbers are positions as sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Chain {
    /// From the server's certificate on, each followed by its issuer.
    pub(super) path: Vec<usize>,
    /// Each with the earlier one it repeats.
    duplicates: Vec<(usize, usize)>,
    /// Those on no path from the server's certificate.
    pub(super) strays: Vec<usize>,
    /// How many of the path a verifier found to lead to a trusted root; 0 where it found none.
    verified: usize,
}

impl Chain {
    /// Arranges what was sent: along the verifier's best path, where there is one. `None` stands for a
    /// certificate that cannot be read.
    pub(super) fn arrange(ders: &[&[u8]], read: &[Option<Certificate<'_>>], anchor: Option<&Anchor>) -> Self {
        let duplicates: Vec<(usize, usize)> = (0..ders.len())
            .filter_map(|late| {
                let early = (0..late).find(|&early| ders.get(early) == ders.get(late))?;
                Some((late, early))
            })
            .collect();
        let is_copy = |at: usize| duplicates.iter().any(|&(late, _)| late == at);
        let at = |position: usize| read.get(position).and_then(Option::as_ref);
        let verified = anchor.filter(|anchor| is_path(&anchor.path, read));
        let mut path = verified.map_or_else(Vec::new, |anchor| anchor.path.clone());
        let mut current = match path.last() {
            // What follows the verified path can only be the root, for those who sent it along.
            Some(&last) => at(last).and_then(|last| {
                let is_root = |(_, other): &(usize, &Certificate<'_>)| other.is_self_issued();
                (0..read.len())
                    .filter(|next| !path.contains(next) && !is_copy(*next))
                    .filter_map(|next| Some((next, at(next)?)))
                    .filter(|(_, other)| last.is_issued_by(other))
                    .find(is_root)
            }),
            None => at(0).map(|leaf| (0, leaf)),
        };
        while let Some((position, certificate)) = current {
            path.push(position);
            let issuers = || {
                (0..read.len())
                    .filter(|next| !path.contains(next) && !is_copy(*next))
                    .filter_map(|next| Some((next, at(next)?)))
                    .filter(|(_, other)| certificate.is_issued_by(other))
            };
            current = if certificate.is_self_issued() {
                None
            } else {
                // A root ends the path: the cross-signed form of the same authority is not needed then.
                issuers()
                    .find(|(_, other)| other.is_self_issued())
                    .or_else(|| issuers().next())
            };
        }
        let strays = (0..read.len())
            .filter(|&other| at(other).is_some() && !path.contains(&other) && !is_copy(other))
            .collect();
        Self {
            path,
            duplicates,
            strays,
            verified: verified.map_or(0, |anchor| anchor.path.len()),
        }
    }

    /// Whether the path is the one a verifier found to a trusted root.
    pub(super) fn is_verified(&self) -> bool {
        self.verified > 0
    }

    /// The position of the root, where it was sent along. A self-signed server certificate is none, and what a
    /// verifier needed to come to a root is none either.
    pub(super) fn root(&self, read: &[Option<Certificate<'_>>]) -> Option<usize> {
        let &last = self.path.get(self.verified.max(1)..)?.last()?;
        read.get(last)?.as_ref()?.is_self_issued().then_some(last)
    }

    /// What there is to say of the order alone. No client fails by it for sure, many do not mind.
    pub(super) fn findings(&self, read: &[Option<Certificate<'_>>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let named = |position: usize| {
            read.get(position)
                .and_then(Option::as_ref)
                .map_or("?", |certificate| certificate.subject.as_str())
        };
        let subject = |position: usize| format!("chain[{position}]");
        let in_order = self.path.is_sorted();
        if let Some(&misplaced) = self
            .path
            .iter()
            .zip(self.path.iter().skip(1))
            .find(|(issued, issuer)| issuer < issued)
            .map(|(_, issuer)| issuer)
        {
            let order: Vec<String> = self.path.iter().map(usize::to_string).collect();
            findings.push(
                Finding::warn(
                    "wrong_order",
                    format!(
                        "`{}` is sent too early, expected each certificate to be followed by its issuer",
                        named(misplaced)
                    ),
                )
                .subject(subject(misplaced))
                .evidence("right order", order.join(", "))
                .remedy(
                    "put the server's certificate first in the file, then the intermediate that issued it, \
                     and so on (RFC 5246, section 7.4.2, demands it)",
                ),
            );
        }
        for &(late, early) in self.duplicates.iter().take(MOST_NAMED) {
            findings.push(
                Finding::warn(
                    "duplicate",
                    format!("`{}` is sent again, expected once (chain[{early}])", named(late)),
                )
                .subject(subject(late))
                .remedy("list each certificate once in the file of the chain"),
            );
        }
        if let Some(root) = self.root(read).filter(|_| in_order) {
            findings.push(
                Finding::note(
                    "root_sent",
                    format!(
                        "the root `{}` is sent along; clients have their own, so leave it out of the server's file",
                        named(root)
                    ),
                )
                .subject(subject(root)),
            );
        }
        for &stray in self.strays.iter().take(MOST_NAMED) {
            findings.push(
                Finding::note(
                    "stray",
                    format!(
                        "`{}` is not on the path of the server's certificate; leave it out of the server's file",
                        named(stray)
                    ),
                )
                .subject(subject(stray)),
            );
        }
        findings
    }

    /// Why no path leads to a trusted root, as well as can be told from what was sent.
    pub(super) fn untrusted(&self, read: &[Option<Certificate<'_>>], fails: bool) -> Option<Finding> {
        let &last = self.path.last()?;
        let certificate = read.get(last)?.as_ref()?;
        let (code, message, remedy) = explain(last, self.path.len(), certificate);
        let finding = if fails {
            Finding::fail(code, message)
        } else {
            Finding::warn(code, message)
        };
        let finding = finding
            .subject(format!("chain[{last}]"))
            .evidence("issuer", certificate.issuer.clone())
            .remedy(remedy);
        Some(match certificate.issuer_url {
            Some(url) if code == "missing_intermediate" => {
                finding.evidence("issuer's certificate", capped(url))
            }
            _ => finding,
        })
    }
}

/// Whether positions can be a path through what was sent. A recording may hold anything.
fn is_path(positions: &[usize], read: &[Option<Certificate<'_>>]) -> bool {
    let is_readable = |position: &usize| matches!(read.get(*position), Some(Some(_)));
    positions.first() == Some(&0)
        && positions.len() <= read.len()
        && positions.iter().all(is_readable)
        && (1..positions.len()).all(|at| {
            let (earlier, rest) = positions.split_at(at);
            rest.first().is_some_and(|position| !earlier.contains(position))
        })
}

/// The most certificates that are named for one and the same weakness.
pub(super) const MOST_NAMED: usize = 5;
const GIVE_ROOT: &str = "give its root with `--ca FILE`";

fn explain(last: usize, length: usize, certificate: &Certificate<'_>) -> (&'static str, String, String) {
    let Certificate { subject, issuer, .. } = certificate;
    if certificate.is_self_issued() {
        return if last == 0 {
            (
                "self_signed",
                format!(
                    "is self-signed, expected one issued by a trusted authority (it calls itself `{subject}`)"
                ),
                format!(
                    "install a certificate of an authority your clients trust; if it is meant to be, {GIVE_ROOT}"
                ),
            )
        } else {
            (
                "unknown_root",
                format!("is the root `{subject}`, which is not among the trusted roots"),
                format!(
                    "if it is your own authority, {GIVE_ROOT}; else install a certificate of one your clients trust"
                ),
            )
        };
    }
    // Nobody can tell for sure: neither a missing intermediate nor an unknown root has been seen. An
    // address of the issuer's certificate, and a name that is no root's, speak for the intermediate.
    let has_url = certificate.issuer_url.is_some();
    let names_root = issuer.to_lowercase().contains("root");
    let is_likely_missing = if length == 1 {
        has_url || !names_root
    } else {
        has_url && !names_root
    };
    if is_likely_missing {
        let message = if has_url {
            format!("was sent without its issuer `{issuer}`, expected the intermediate after it")
        } else {
            format!(
                "was sent without its issuer `{issuer}`, which is no trusted root: an intermediate is \
                 missing, or that is a root nobody here knows"
            )
        };
        let remedy = format!(
            "append the certificate of `{issuer}` to the server's file of the chain; if `{issuer}` is the \
             root of your own authority, {GIVE_ROOT}"
        );
        ("missing_intermediate", message, remedy)
    } else {
        (
            "unknown_root",
            format!(
                "leads to `{issuer}`, which is not among the trusted roots and was not sent (a further \
                 intermediate may be missing)"
            ),
            format!(
                "if `{issuer}` is your own authority, {GIVE_ROOT}; else see whether the server sends all \
                 intermediates"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::fixtures::{self, DAY, Pki};

    fn arranged<'a>(ders: &[&'a [u8]]) -> (Chain, Vec<Option<Certificate<'a>>>) {
        let read: Vec<_> = ders.iter().map(|der| Certificate::read(der).ok()).collect();
        (Chain::arrange(ders, &read, None), read)
    }

    fn codes(ders: &[&[u8]]) -> Vec<(String, String)> {
        let (chain, read) = arranged(ders);
        chain
            .findings(&read)
            .into_iter()
            .map(|finding| (finding.code, finding.subject))
            .collect()
    }

    fn cause(ders: &[&[u8]]) -> (String, String) {
        let (chain, read) = arranged(ders);
        let finding = chain.untrusted(&read, true).unwrap();
        assert!(finding.remedy.contains("--ca"), "{}", finding.remedy);
        (finding.code, finding.subject)
    }

    fn pair(code: &str, subject: &str) -> (String, String) {
        (code.to_owned(), subject.to_owned())
    }

    #[test]
    fn the_order_is_named() {
        let pki = Pki::new();
        let leaf = pki.leaf(&["example.com"], 10, 80);
        let stray = Pki::new().intermediate;
        let (inter, root) = (&pki.intermediate, &pki.root);
        assert_eq!(codes(&[&leaf, inter]), []);
        assert_eq!(codes(&[&leaf, root, inter]), [pair("wrong_order", "chain[1]")]);
        assert_eq!(codes(&[&leaf, inter, root]), [pair("root_sent", "chain[2]")]);
        assert_eq!(codes(&[&leaf, &leaf, inter]), [pair("duplicate", "chain[1]")]);
        assert_eq!(codes(&[&leaf, &stray, inter]), [pair("stray", "chain[1]")]);
        assert_eq!(codes(&[b"junk", inter]), [pair("stray", "chain[1]")]);
        assert_eq!(codes(&[]), []);
    }

    #[test]
    fn what_stands_in_the_way_is_told_apart() {
        let pki = Pki::new();
        let leaf = pki.leaf(&["example.com"], 10, 80);
        let params = || fixtures::leaf_params(&["example.com"], -DAY, 80 * DAY);
        let with_url = pki.sign(fixtures::with_issuer_url(params()));
        let by_root = pki.sign_by_root(params());
        let by_root_with_url = pki.sign_by_root(fixtures::with_issuer_url(params()));
        let (inter, root) = (&pki.intermediate, &pki.root);
        assert_eq!(
            cause(&[&fixtures::self_signed(&params())]),
            pair("self_signed", "chain[0]")
        );
        assert_eq!(cause(&[&leaf]), pair("missing_intermediate", "chain[0]"));
        assert_eq!(cause(&[&with_url]), pair("missing_intermediate", "chain[0]"));
        assert_eq!(cause(&[&by_root]), pair("unknown_root", "chain[0]"));
        assert_eq!(
            cause(&[&by_root_with_url]),
            pair("missing_intermediate", "chain[0]")
        );
        assert_eq!(cause(&[&leaf, inter]), pair("unknown_root", "chain[1]"));
        assert_eq!(cause(&[&leaf, inter, root]), pair("unknown_root", "chain[2]"));
        assert_eq!(cause(&[&leaf, root, inter]), pair("unknown_root", "chain[1]"));
        // another authority's intermediate does not help
        let other = Pki::new().intermediate;
        assert_eq!(cause(&[&leaf, &other]), pair("missing_intermediate", "chain[0]"));
    }

    #[test]
    fn the_address_of_the_issuer_is_shown() {
        let params = fixtures::leaf_params(&["example.com"], -DAY, 80 * DAY);
        let leaf = Pki::new().sign(fixtures::with_issuer_url(params));
        let (chain, read) = arranged(&[&leaf]);
        let finding = chain.untrusted(&read, true).unwrap();
        assert!(
            finding.message.contains("expected the intermediate"),
            "{}",
            finding.message
        );
        assert_eq!(finding.evidence[1].value, "http://ca.example/issuing.cer");
        let uncertain = Pki::new().leaf(&["example.com"], 10, 80);
        let (chain, read) = arranged(&[&uncertain]);
        let finding = chain.untrusted(&read, false).unwrap();
        assert!(finding.status.is_warn() && finding.message.contains("or that is a root"));
    }

    #[test]
    fn a_long_chain_ends() {
        let pki = Pki::new();
        let leaf = pki.leaf(&["example.com"], 10, 80);
        let ders: Vec<&[u8]> = std::iter::once(leaf.as_slice())
            .chain(std::iter::repeat_n(pki.intermediate.as_slice(), 99))
            .collect();
        let (chain, read) = arranged(&ders);
        assert_eq!(chain.path, [0, 1]);
        assert_eq!(chain.findings(&read).len(), MOST_NAMED);
    }

    #[test]
    fn the_verified_path_is_taken_where_it_makes_sense() {
        let pki = Pki::new();
        let leaf = pki.leaf(&["example.com"], 10, 80);
        let other = pki.leaf(&["other.example"], 10, 80);
        let ders: [&[u8]; 5] = [&leaf, &pki.intermediate, &pki.root, &other, b"junk"];
        let read: Vec<_> = ders.iter().map(|der| Certificate::read(der).ok()).collect();
        let along = |path: &[usize]| {
            let anchor = Anchor::new("Example Root CA", readiness_core::fact::AnchorStore::Given);
            let chain = Chain::arrange(&ders, &read, Some(&anchor.path(path.to_vec())));
            (chain.path.clone(), chain.strays.clone(), chain.is_verified())
        };
        // the root that was sent along is still found
        assert_eq!(along(&[0, 1]), (vec![0, 1, 2], vec![3], true));
        // a root that stands in the store with the intermediate's key
        assert_eq!(along(&[0]), (vec![0], vec![1, 2, 3], true));
        // what cannot be a path is not believed
        for odd in [
            &[][..],
            &[1],
            &[0, 0],
            &[0, 4],
            &[0, 9],
            &[0, 1, 1],
            &[0, 1, 2, 3, 4, 5],
        ] {
            assert_eq!(along(odd), (vec![0, 1, 2], vec![3], false), "{odd:?}");
        }
    }
}
