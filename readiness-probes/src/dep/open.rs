//! What lets everybody in: one code, one severity and one wording for all dependencies.

use readiness_core::Finding;
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

/// The code of a dependency that lets everybody in.
pub(super) const OPEN: &str = "open_without_authentication";

/// The fault of a dependency that did something for somebody who is nobody: `PING is answered`.
///
/// Under the profile `local` it warns, and over loopback, where nobody else comes along, it is a note.
pub(super) fn open(
    scene: &Scene<'_>,
    authentication: Authentication,
    what: &str,
    remedy: &str,
) -> Option<Finding> {
    if authentication == Authentication::None {
        return None;
    }
    let message = format!("{what} without any log-in, expected the server to ask for one");
    let finding = if !scene.profile.is_local() {
        Finding::fail(OPEN, message)
    } else if scene.address.ip().to_canonical().is_loopback() {
        Finding::note(OPEN, message)
    } else {
        Finding::warn(OPEN, message)
    };
    Some(finding.remedy(format!(
        "{remedy}; where it is meant, set `authentication = \"none\"`"
    )))
}

#[cfg(test)]
mod tests {
    use readiness_core::Profile;

    use super::*;

    #[test]
    fn it_weighs_by_who_can_come_along() {
        for (profile, address, authentication, word) in [
            (
                Profile::production(),
                "192.0.2.1",
                Authentication::Required,
                Some("fail"),
            ),
            (
                Profile::production(),
                "127.0.0.1",
                Authentication::Required,
                Some("fail"),
            ),
            (
                Profile::staging(),
                "10.0.0.1",
                Authentication::Required,
                Some("fail"),
            ),
            (
                Profile::local(),
                "10.0.0.1",
                Authentication::Required,
                Some("warn"),
            ),
            (
                Profile::local(),
                "127.0.0.1",
                Authentication::Required,
                Some("pass"),
            ),
            (Profile::local(), "::1", Authentication::Required, Some("pass")),
            (
                Profile::local(),
                "::ffff:127.0.0.1",
                Authentication::Required,
                Some("pass"),
            ),
            (Profile::production(), "192.0.2.1", Authentication::None, None),
        ] {
            let scene = Scene {
                place: "db:1",
                address: (address.parse::<std::net::IpAddr>().unwrap(), 1).into(),
                profile: &profile,
                has_credential: false,
            };
            let finding = open(&scene, authentication, "PING is answered", "set a password");
            assert_eq!(
                finding.as_ref().map(|finding| finding.status.word()),
                word,
                "{} {address}",
                profile.name
            );
        }
    }
}
