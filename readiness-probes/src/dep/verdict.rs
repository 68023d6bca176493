//! What both dependencies are judged by alike: the way to them, TLS, and how addresses are weighed.

use std::net::SocketAddr;

use futures_util::future::join_all;
use readiness_core::{
    Finding, ObserveError, Outcome, ProbeContext, ProbeError, Profile, Reason,
    fact::{Endpoint, PortState, Trust},
};

use super::{Broken, BrokenKind, ChannelTls};
use crate::{
    address::{endpoints, is_local, noted, worst_of},
    net::tcp::place,
};

/// What is known where a dependency is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// `host:port`, as messages show it.
    pub(super) place: &'a str,
    pub(super) address: SocketAddr,
    pub(super) profile: &'a Profile,
    /// Whether a user name and password are configured.
    pub(super) has_credential: bool,
}

impl Scene<'_> {
    pub(super) fn is_production(&self) -> bool {
        self.profile.name == "production"
    }
}

/// Looks at each address of the target, over TLS from the first byte or not, and judges what was seen there.
///
/// `state` is what the port did, as the fact tells it.
pub(super) async fn each_address<F, L>(
    cx: &ProbeContext,
    is_tls: bool,
    look: impl Fn(Endpoint) -> L,
    state: impl Fn(&F) -> PortState,
    judge: impl Fn(&Scene<'_>, &F) -> Outcome,
) -> Result<Outcome, ProbeError>
where
    L: Future<Output = Result<F, ObserveError>>,
{
    let target = cx.target();
    let place = place(target.host(), target.port());
    let endpoints = endpoints(cx, target.port(), is_tls).await?;
    let looks = endpoints.into_iter().map(|endpoint| {
        let address = endpoint.address;
        let look = look(endpoint);
        async move { (address, look.await) }
    });
    let seen = join_all(looks).await;
    let outcome = combined(seen, state, |address, facts| {
        let scene = Scene {
            place: &place,
            address,
            profile: cx.profile(),
            has_credential: target.credential().is_some(),
        };
        judge(&scene, facts)
    });
    Ok(noted(cx, outcome).await)
}

/// One outcome for all addresses. A client tries one after the other, so those that do not accept are only
/// noted where another does.
fn combined<F>(
    seen: Vec<(SocketAddr, Result<F, ObserveError>)>,
    state: impl Fn(&F) -> PortState,
    judge: impl Fn(SocketAddr, &F) -> Outcome,
) -> Outcome {
    let mut open = Vec::new();
    let mut other = Vec::new();
    for (address, result) in seen {
        match result {
            Ok(facts) if state(&facts) == PortState::Open => open.push((address, judge(address, &facts))),
            Ok(facts) => other.push((address, judge(address, &facts))),
            Err(error) => {
                let finding = Finding::unknown("not_seen", error.reason.clone(), error.message.clone());
                other.push((address, Outcome::judged(error.message, vec![finding])));
            }
        }
    }
    if open.is_empty() {
        return worst_of(other);
    }
    let mut outcome = worst_of(open);
    for (address, other) in other {
        for finding in other.findings {
            let note = Finding::note(finding.code, finding.message).subject(address.to_string());
            outcome = outcome.finding(note);
        }
    }
    outcome
}

/// The worst of these findings, and the first of them where several are as bad; notes are none.
pub(super) fn worst(findings: &[Finding]) -> Option<&Finding> {
    let faults = findings.iter().filter(|finding| !finding.is_note());
    faults.min_by_key(|finding| (finding.status.rank(), finding.status.credit()))
}

/// The summary of an outcome with these findings: the worst of them, or what is said where there is none.
pub(super) fn told(place: &str, findings: &[Finding], healthy: impl FnOnce() -> String) -> String {
    match worst(findings) {
        None => healthy(),
        Some(finding) if finding.message.starts_with(place) => finding.message.clone(),
        Some(finding) => format!("{place}: {}", finding.message),
    }
}

/// The fault of a conversation that broke.
pub(super) fn broken(scene: &Scene<'_>, what: &str, broken: &Broken) -> Finding {
    let place = scene.place;
    let (code, remedy) = match broken.kind {
        BrokenKind::Closed => (
            "closed",
            "look into the server's log: it ended the connection itself",
        ),
        BrokenKind::Silent => (
            "no_answer",
            "look whether the server hangs, and what it waits for",
        ),
        BrokenKind::Garbage | BrokenKind::TooMuch => (
            "other_protocol",
            "look whether host and port are right, and what listens there",
        ),
    };
    Finding::fail(
        code,
        format!("{place}: expected an answer of {what}, and {}", broken.message),
    )
    .remedy(remedy)
}

/// The fault of a TLS channel that was wanted and is not there.
pub(super) fn tls_missing(scene: &Scene<'_>, tls: &ChannelTls) -> Finding {
    let place = scene.place;
    match tls {
        ChannelTls::Failed { reason, message } => Finding::fail(
            "tls_failed",
            format!("{place}: the TLS handshake failed: {message}"),
        )
        .evidence("reason", reason.as_str())
        .remedy("look into the server's TLS settings, and its log"),
        _ => Finding::fail(
            "tls_declined",
            format!("{place}: TLS is required, and the server declines it"),
        )
        .remedy("turn TLS on in the server, or set `tls = \"prefer\"`"),
    }
}

/// A password that was kept back.
pub(super) fn withheld(scene: &Scene<'_>, tls: &ChannelTls) -> Finding {
    let place = scene.place;
    let why = match tls {
        ChannelTls::Established { .. } => "the server's certificate is not trusted",
        _ => "the connection is not encrypted and leaves the inner network",
    };
    let finding = Finding::unknown(
        "credential_withheld",
        Reason::CREDENTIAL_WITHHELD,
        format!("{place}: the password was not sent, as {why}; whether the log-in works was not seen"),
    );
    finding.remedy(match tls {
        ChannelTls::Established { .. } => {
            "give the authority that signed the server's certificate (`--ca FILE`), or let the server show a \
             certificate for this name"
        }
        _ => "turn TLS on: in the server, and in the target's URL or settings",
    })
}

/// What is weak about the channel itself.
pub(super) fn channel(scene: &Scene<'_>, tls: &ChannelTls, password_sent: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    match tls {
        ChannelTls::Established {
            trust: Trust::Untrusted { message, .. },
            ..
        } => {
            let said = format!("the server's certificate is not trusted: {message}");
            let finding = if scene.profile.unknown_root_fails {
                Finding::fail("tls_untrusted", said)
            } else {
                Finding::warn("tls_untrusted", said)
            };
            findings.push(finding.remedy(
                "give the authority that signed it (`--ca FILE`), or let the server show a certificate for \
                 this name",
            ));
        }
        ChannelTls::Forgone { message } => findings.push(
            Finding::note(
                "tls_forgone",
                "the server's certificate is not trusted, so the log-in went over loopback without TLS",
            )
            .evidence("certificate", message),
        ),
        _ => {}
    }
    if tls.is_encrypted() {
        return findings;
    }
    let leaves = !is_local(scene.address.ip());
    if password_sent && leaves {
        findings.push(
            Finding::warn(
                "password_unencrypted",
                format!(
                    "the log-in goes to {} without TLS, expected an encrypted channel",
                    scene.address.ip()
                ),
            )
            .remedy("turn TLS on in the server and require it"),
        );
    } else if scene.is_production() && !scene.address.ip().is_loopback() {
        findings.push(
            Finding::warn(
                "no_tls",
                "the connection is not encrypted, expected TLS in production",
            )
            .remedy("turn TLS on in the server and require it"),
        );
    }
    findings
}

/// What protects the channel, for evidence.
pub(super) fn described(tls: &ChannelTls) -> String {
    match tls {
        ChannelTls::Declined => "none: the server declined".to_owned(),
        ChannelTls::Established { version, trust } => match trust {
            Trust::Trusted => format!("{version}, certificate trusted"),
            _ => format!("{version}, certificate not trusted"),
        },
        ChannelTls::Failed { reason, .. } => format!("failed: {reason}"),
        ChannelTls::Forgone { .. } => "given up over loopback: certificate not trusted".to_owned(),
        ChannelTls::NotAsked => "none: not asked for".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use readiness_core::fact::UntrustedKind;

    use super::*;

    /// A channel whose certificate nobody knows.
    pub(crate) fn untrusted() -> ChannelTls {
        ChannelTls::Established {
            version: "TLSv1.3".to_owned(),
            trust: Trust::Untrusted {
                kind: UntrustedKind::UnknownIssuer,
                message: "unknown issuer".to_owned(),
            },
        }
    }

    pub(crate) fn trusted() -> ChannelTls {
        ChannelTls::Established {
            version: "TLSv1.3".to_owned(),
            trust: Trust::Trusted,
        }
    }

    fn codes(profile: &Profile, address: &str, tls: &ChannelTls, password_sent: bool) -> Vec<String> {
        let scene = Scene {
            place: "db:1",
            address: SocketAddr::new(address.parse().unwrap(), 1),
            profile,
            has_credential: true,
        };
        let findings = channel(&scene, tls, password_sent).into_iter();
        findings
            .map(|f| format!("{} {}", f.status.word(), f.code))
            .collect()
    }

    #[test]
    fn what_leaves_in_the_clear_is_named() {
        let (production, local) = (Profile::production(), Profile::local());
        let plain = ChannelTls::Declined;
        assert_eq!(
            codes(&production, "192.0.2.1", &plain, true),
            ["warn password_unencrypted"]
        );
        assert_eq!(
            codes(&local, "192.0.2.1", &plain, true),
            ["warn password_unencrypted"]
        );
        assert_eq!(codes(&production, "10.0.0.1", &plain, true), ["warn no_tls"]);
        assert_eq!(codes(&production, "192.0.2.1", &plain, false), ["warn no_tls"]);
        assert!(codes(&production, "127.0.0.1", &plain, true).is_empty());
        assert!(codes(&local, "10.0.0.1", &plain, true).is_empty());
        assert!(codes(&production, "192.0.2.1", &trusted(), true).is_empty());
    }

    #[test]
    fn an_untrusted_certificate_weighs_as_the_profile_says() {
        assert_eq!(
            codes(&Profile::production(), "10.0.0.1", &untrusted(), false),
            ["fail tls_untrusted"]
        );
        assert_eq!(
            codes(&Profile::local(), "10.0.0.1", &untrusted(), false),
            ["warn tls_untrusted"]
        );
    }

    #[test]
    fn the_worst_finding_is_told() {
        let note = || Finding::note("note", "told");
        let warn = || Finding::warn("warn", "odd");
        let unknown = || Finding::unknown("unknown", Reason::ERROR, "not seen");
        let fail = |said: &str| Finding::fail("fail", said);
        for (findings, expected) in [
            (vec![], "fine"),
            (vec![note()], "fine"),
            (vec![note(), warn()], "db:1: odd"),
            (vec![warn(), unknown()], "db:1: not seen"),
            (vec![warn(), unknown(), fail("bad"), fail("worse")], "db:1: bad"),
            (vec![warn(), fail("db:1: bad")], "db:1: bad"),
        ] {
            assert_eq!(told("db:1", &findings, || "fine".to_owned()), expected);
        }
    }

    #[test]
    fn one_address_that_accepts_is_enough() {
        let at = |n: u8| SocketAddr::from(([192, 0, 2, n], 1));
        let judge = |address: SocketAddr, state: &PortState| match state {
            PortState::Open => Outcome::pass("fine"),
            _ => Outcome::judged(
                "refused",
                vec![Finding::fail("refused", format!("{address}: refused"))],
            ),
        };
        let seen = vec![(at(1), Ok(PortState::Closed)), (at(2), Ok(PortState::Open))];
        let outcome = combined(seen, |state| *state, judge);
        assert!(outcome.status.is_pass());
        assert_eq!(outcome.findings[0].subject, "192.0.2.1:1");
        let seen = vec![(at(1), Ok(PortState::Closed))];
        assert!(combined(seen, |state| *state, judge).status.is_fail());
        let blind = ObserveError::new(Reason::ERROR, "no descriptors");
        assert!(
            combined(vec![(at(1), Err(blind))], |state| *state, judge)
                .status
                .is_unknown()
        );
    }
}
