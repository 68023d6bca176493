//! What lets everybody in: one code, one severity and one wording for all dependencies.

use readiness_core::{Finding, Reason};
use serde::{Deserialize, Serialize};

use super::verdict::Scene;

/// Whether a dependency must ask who is there.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Authentication {
    /// It is meant to let everybody in who can reach it.
    None,
    /// It must let nobody in without a log-in.
    #[default]
    Required,
}

impl Authentication {
    pub(super) fn is_required(self) -> bool {
        self == Self::Required
    }
}

/// The code of a dependency that lets everybody in.
pub(super) const OPEN: &str = "open_without_authentication";

/// The fault of a dependency that did something for somebody who is nobody: `PING is answered without a log-in`.
///
/// Under the profile `local` it warns. Over loopback, where nobody else comes along, it is a note, unless a
/// credential is configured: then somebody thinks that it is asked for.
pub(super) fn open(
    scene: &Scene<'_>,
    authentication: Authentication,
    what: &str,
    remedy: &str,
) -> Option<Finding> {
    if authentication == Authentication::None {
        return None;
    }
    let message =
        format!("{what}: everybody who can reach the server gets in, expected it to ask for a log-in");
    let finding = if !scene.profile.is_local() {
        Finding::fail(OPEN, message)
    } else if scene.address.ip().to_canonical().is_loopback() && !scene.has_credential {
        Finding::note(OPEN, message)
    } else {
        Finding::warn(OPEN, message)
    };
    Some(finding.remedy(format!(
        "{remedy}; where it is meant, set `authentication = \"none\"`"
    )))
}

/// What is left of a dependency whose answer shows neither that it lets everybody in nor that it asks for a
/// log-in. `why` is the answer in words.
pub(super) fn not_judged(why: &str, remedy: &str) -> Finding {
    Finding::unknown(
        "log_in_not_judged",
        Reason::UNEXPECTED_RESPONSE,
        format!("whether it asks for a log-in was not seen: {why}"),
    )
    .remedy(remedy)
}

#[cfg(test)]
mod tests {
    use readiness_core::Profile;

    use super::*;

    #[test]
    fn it_weighs_by_who_can_come_along() {
        let (production, staging, local) = (Profile::production(), Profile::staging(), Profile::local());
        let required = Authentication::Required;
        for (profile, address, has_credential, authentication, word) in [
            (&production, "192.0.2.1", false, required, Some("fail")),
            (&production, "127.0.0.1", false, required, Some("fail")),
            (&staging, "10.0.0.1", false, required, Some("fail")),
            (&local, "10.0.0.1", false, required, Some("warn")),
            (&local, "127.0.0.1", false, required, Some("pass")),
            (&local, "127.0.0.1", true, required, Some("warn")),
            (&local, "::1", false, required, Some("pass")),
            (&local, "::ffff:127.0.0.1", false, required, Some("pass")),
            (&production, "192.0.2.1", true, Authentication::None, None),
        ] {
            let scene = Scene {
                place: "db:1",
                address: (address.parse::<std::net::IpAddr>().unwrap(), 1).into(),
                profile,
                has_credential,
            };
            let finding = open(
                &scene,
                authentication,
                "PING is answered without a log-in",
                "set a password",
            );
            let found = finding.as_ref().map(|finding| finding.status.word());
            assert_eq!(found, word, "{} {address}", profile.name);
        }
    }
}
