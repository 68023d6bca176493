use std::net::SocketAddr;

use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{StartTls, StoreVerdict, TlsEnd, Trust, TrustIn, TrustInStores, TrustStore, UntrustedKind},
};

use super::{opening::Opening, refusal};
use crate::address;

readiness_core::probe! {
    /// The certificate is trusted by each of several stores of roots.
    ///
    /// # What it checks
    /// Whether the chain that is served leads to a root of each store of `stores`, on every address of the
    /// target. The chain comes from the handshake that the other probes share; the stores are read on this
    /// machine.
    ///
    /// # Why it matters
    /// Clients do not all trust the same roots: a root that has come lately, or is about to go, is in some
    /// stores and not in others, and a private one is where somebody put it. What one machine trusts tells
    /// little of what others do.
    ///
    /// # How it is judged
    /// A store without a path to one of its roots fails, and is named with those that have one. A store that
    /// cannot be read is unknown. Dates and names are left to `tls.certificate`: they are the same for all,
    /// and the path is looked for at an instant within all dates. Where there is none it is unknown.
    ///
    /// # How to fix
    /// Serve a chain whose root is in all stores, such as the authority's alternate chain; or add the root to
    /// the store that lacks it.
    pub struct TlsTrustedEverywhere {
        /// The stores to ask: `platform`, `webpki-roots`, and `file:` with the path of a PEM file. Default:
        /// the first two.
        pub stores: Vec<TrustStore> = vec![TrustStore::Platform, TrustStore::WebpkiRoots],
        /// The dialogue before TLS, as in `tls.certificate`.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.trusted_everywhere",
    title: "the certificate is trusted by every store",
    priority: Medium,
    references: [
        "RFC 5280 section 6.1" => "https://www.rfc-editor.org/rfc/rfc5280#section-6.1",
        "Common CA Database" => "https://www.ccadb.org/",
    ],
}

impl TlsTrustedEverywhere {
    /// The most stores that are asked.
    const MOST_STORES: usize = 16;

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        match self.stores.len() {
            0 => Err(
                "`stores` is empty, so nothing could fail; write `[\"platform\", \"webpki-roots\"]`"
                    .to_owned(),
            ),
            n if n > Self::MOST_STORES => Err(format!(
                "`stores` has {n} entries, at most {} are",
                Self::MOST_STORES
            )),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Probe for TlsTrustedEverywhere {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let opening = match Opening::of(target, self.starttls.as_ref()) {
            Ok(opening) => opening,
            Err(because) => return Ok(Outcome::not_applicable(because)),
        };
        let endpoints = address::endpoints(cx, target.port(), opening.at_once()).await?;
        let looks = endpoints.into_iter().map(|endpoint| {
            let opening = &opening;
            async move {
                let address: SocketAddr = endpoint.address;
                let key = TrustIn::new(opening.handshake(endpoint), self.stores.clone());
                let handshake = cx.observe(key.handshake.clone()).await;
                let outcome = match (handshake, cx.observe(key).await) {
                    (Err(error), _) | (_, Err(error)) => address::not_seen(&error),
                    (Ok(facts), Ok(stores)) => match &facts.end {
                        TlsEnd::Refused { reason, message, .. } if stores.verdicts.is_empty() => {
                            let summary = format!("no handshake: {}", reason.describe());
                            Outcome::judged(summary, vec![refusal::finding(reason, message)])
                        }
                        _ => judge(&stores),
                    },
                };
                (address, outcome)
            }
        });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}

/// Whether a store has a path to one of its roots, whatever else it says.
fn has_path(verdict: &StoreVerdict) -> bool {
    // The verifier looks at the name last; a date may keep it from looking for a path at all.
    match &verdict.trust {
        Some(
            Trust::Trusted
            | Trust::Untrusted {
                kind: UntrustedKind::WrongName,
                ..
            },
        ) => true,
        Some(trust) => is_about_dates(trust) && verdict.path,
        None => false,
    }
}

fn is_about_dates(trust: &Trust) -> bool {
    matches!(
        trust,
        Trust::Untrusted {
            kind: UntrustedKind::Expired | UntrustedKind::NotYetValid,
            ..
        }
    )
}

fn judge(stores: &TrustInStores) -> Outcome {
    let verdicts = &stores.verdicts;
    if verdicts.is_empty() {
        return Outcome::unknown(Reason::ERROR, "no certificate was shown");
    }
    let trusting: Vec<String> = verdicts
        .iter()
        .filter(|verdict| has_path(verdict))
        .map(|verdict| format!("`{}`", verdict.store))
        .collect();
    let trusting = trusting.join(", ");
    let findings: Vec<Finding> = verdicts
        .iter()
        .filter_map(|verdict| of_store(verdict, &trusting))
        .collect();
    let lacking = findings.iter().filter(|finding| finding.status.is_fail());
    let lacking: Vec<String> = lacking.map(|finding| finding.subject.clone()).collect();
    let lacking = lacking.join(", ");
    let summary = match (trusting.as_str(), lacking.as_str()) {
        ("", "") => "no store could tell".to_owned(),
        (trusting, "") => format!("trusted by {trusting}"),
        ("", lacking) => format!("trusted by none: not by {lacking}"),
        (trusting, lacking) => format!("trusted by {trusting}, not by {lacking}"),
    };
    let mut outcome = Outcome::judged(summary, findings);
    for verdict in verdicts.iter().filter(|verdict| verdict.trust.is_some()) {
        let roots = format!("{} roots", verdict.anchors);
        outcome = outcome.evidence(format!("store {}", verdict.store), roots);
    }
    outcome
}

fn of_store(verdict: &StoreVerdict, trusting: &str) -> Option<Finding> {
    let finding = match &verdict.trust {
        None => Finding::unknown(
            "store_unusable",
            Reason::ERROR,
            format!("the store cannot be used: {}", verdict.problem),
        )
        .remedy("see whether the store is on this machine, and the path is right"),
        Some(_) if has_path(verdict) => return None,
        Some(trust) if is_about_dates(trust) => Finding::unknown(
            "not_told",
            Reason::ERROR,
            "a date stands in the way, and the certificates that were sent are never valid together: whether \
             one of its roots is led to cannot be told",
        )
        .remedy("see `tls.certificate` for the dates, serve certificates that are valid, and look again"),
        Some(trust) => {
            let (others, remedy) = match trusting {
                "" => (
                    "no other does either".to_owned(),
                    "see `tls.certificate`: an intermediate may be missing, or the root be a private one",
                ),
                trusting => (
                    format!("trusted by {trusting}"),
                    "serve a chain to a root that this store has too, or add the root to it",
                ),
            };
            let said = match trust {
                Trust::Untrusted { message, .. } => message.as_str(),
                _ => "the verdict is not known to this version",
            };
            let is_unknown_root = matches!(
                trust,
                Trust::Untrusted {
                    kind: UntrustedKind::UnknownIssuer,
                    ..
                }
            );
            let finding = if is_unknown_root {
                let message = format!("has no root that the chain leads to; {others}");
                Finding::fail("not_trusted", message).remedy(remedy)
            } else {
                // Nobody looked for a root any further.
                let message = "does not accept the chain for another reason, see `tls.certificate`";
                Finding::fail("not_accepted", message).remedy("mend what `tls.certificate` names first")
            };
            finding.evidence("verifier", said)
        }
    };
    Some(finding.subject(format!("`{}`", verdict.store)))
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        Target,
        fact::{Endpoint, LocalRoute, Route, ServerChain, TlsFacts, TlsHandshake, TlsSession},
        testing::Facts,
    };

    use super::*;

    fn untrusted(kind: UntrustedKind) -> Trust {
        Trust::Untrusted {
            kind,
            message: "invalid peer certificate".to_owned(),
        }
    }

    fn verdict(store: &str, trust: Option<Trust>) -> StoreVerdict {
        let store = store.parse().unwrap();
        match trust {
            Some(trust) => StoreVerdict::new(store, 140, trust),
            None => StoreVerdict::unusable(store, "it holds no root"),
        }
    }

    #[test]
    fn each_store_is_named() {
        let unknown = || Some(untrusted(UntrustedKind::UnknownIssuer));
        let trusted = || Some(Trust::Trusted);
        for (platform, file, summary, status, codes) in [
            (
                trusted(),
                trusted(),
                "trusted by `platform`, `file:ca.pem`",
                "pass",
                &[][..],
            ),
            (
                trusted(),
                unknown(),
                "trusted by `platform`, not by `file:ca.pem`",
                "fail",
                &["not_trusted"],
            ),
            (
                unknown(),
                unknown(),
                "trusted by none: not by `platform`, `file:ca.pem`",
                "fail",
                &["not_trusted", "not_trusted"],
            ),
            (
                trusted(),
                None,
                "trusted by `platform`",
                "unknown",
                &["store_unusable"],
            ),
            (
                None,
                None,
                "no store could tell",
                "unknown",
                &["store_unusable", "store_unusable"],
            ),
            // Faults that are no store's.
            (
                Some(untrusted(UntrustedKind::Expired)),
                Some(untrusted(UntrustedKind::WrongName)),
                "trusted by `platform`, `file:ca.pem`",
                "pass",
                &[],
            ),
            (
                Some(untrusted(UntrustedKind::NotYetValid)),
                Some(untrusted(UntrustedKind::Other)),
                "trusted by `platform`, not by `file:ca.pem`",
                "fail",
                &["not_accepted"],
            ),
            // Without an instant within all dates, nobody has looked for a path.
            (
                trusted(),
                Some(untrusted(UntrustedKind::Expired)),
                "trusted by `platform`",
                "unknown",
                &["not_told"],
            ),
        ] {
            // Only the platform's verdict tells of a path beside the dates.
            let verdicts = vec![
                verdict("platform", platform).path(true),
                verdict("file:ca.pem", file),
            ];
            let outcome = judge(&TrustInStores::new(verdicts));
            let found: Vec<&str> = outcome.findings.iter().map(|finding| &*finding.code).collect();
            assert_eq!((&*outcome.summary, outcome.status.word()), (summary, status));
            assert_eq!(found, codes);
            assert!(outcome.findings.iter().all(|finding| !finding.remedy.is_empty()));
        }
        assert!(judge(&TrustInStores::default()).status.is_unknown());
    }

    #[test]
    fn the_probe_asks_for_one_handshake() {
        let target = Target::parse("https://192.0.2.1").unwrap();
        let endpoint = Endpoint::new("192.0.2.1:443".parse().unwrap(), "192.0.2.1", true);
        let key = TlsHandshake::new(endpoint);
        let probe = TlsTrustedEverywhere::default();
        let route = LocalRoute::new("192.0.2.1".parse().unwrap());
        let with = |end, verdicts| {
            Facts::new()
                .with(route.clone(), Route::new(true))
                .with(key.clone(), TlsFacts::new(end))
                .with(
                    TrustIn::new(key.clone(), probe.stores.clone()),
                    TrustInStores::new(verdicts),
                )
        };
        let session = TlsSession::new(ServerChain::new(vec![vec![1]]), Trust::Trusted);
        let verdicts = vec![verdict("platform", Some(Trust::Trusted))];
        let facts = with(TlsEnd::Established(Box::new(session)), verdicts);
        assert!(facts.judge(&probe, &target).status.is_pass());
        let refused = TlsEnd::Refused {
            reason: Reason::TLS_ALERT,
            message: "the peer sent the alert `handshake_failure`".to_owned(),
            chain: ServerChain::default(),
        };
        assert!(
            with(refused, Vec::new())
                .judge(&probe, &target)
                .status
                .is_unknown()
        );
        assert!(Facts::new().judge(&probe, &target).status.is_unknown());
        let plain = Target::parse("http://192.0.2.1").unwrap();
        assert!(facts.judge(&probe, &plain).status.is_not_applicable());
    }

    #[test]
    fn settings_are_checked() {
        let of = |json: &str| serde_json::from_str::<TlsTrustedEverywhere>(json);
        assert!(of("{}").unwrap().check().is_ok());
        assert!(of(r#"{"stores":["file:a.pem"]}"#).unwrap().check().is_ok());
        assert!(
            of(r#"{"stores":[]}"#)
                .unwrap()
                .check()
                .unwrap_err()
                .contains("empty")
        );
        let many = format!(r#"{{"stores":[{}]}}"#, vec![r#""platform""#; 17].join(","));
        assert!(of(&many).unwrap().check().unwrap_err().contains("17"));
        assert!(
            of(r#"{"stores":["java"]}"#)
                .unwrap_err()
                .to_string()
                .contains("`java`")
        );
    }
}
