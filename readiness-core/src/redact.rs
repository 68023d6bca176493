//! Secrets: never printed, and bound to the origin they were given for.

use std::{collections::BTreeMap, fmt};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

/// What stands wherever a secret was.
pub const REDACTED: &str = "[redacted]";

/// A value that never prints: `Debug` and `Display` show `[redacted]`, and it does not serialise.
///
/// ```
/// use readiness_core::Secret;
/// let password = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{password:?} {password}"), "[redacted] [redacted]");
/// assert_eq!(password.reveal(), "hunter2");
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Never pass it to anything that prints.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Scheme, host and port: what a credential is bound to. RFC 6454, section 4.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub struct Origin {
    /// The scheme, in lower case.
    pub scheme: String,
    /// The host, in lower case; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Origin {
    /// An origin.
    pub fn new(scheme: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        let lower = |text: String| text.to_ascii_lowercase();
        Self {
            scheme: lower(scheme.into()),
            host: lower(host.into()),
            port,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        if host.contains(':') {
            write!(f, "{scheme}://[{host}]:{port}")
        } else {
            write!(f, "{scheme}://{host}:{port}")
        }
    }
}

/// A secret and where it may go.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Credential {
    /// The only place it is sent to.
    pub origin: Origin,
    /// What is sent.
    pub kind: CredentialKind,
}

/// How a credential is shown to the peer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CredentialKind {
    /// A header with this name and value (lower-case name).
    Header {
        /// The name, in lower case.
        name: String,
        /// The whole value.
        value: Secret<String>,
    },
    /// A user name and a password: HTTP Basic, or the log-in of a database.
    Login {
        /// The user.
        user: String,
        /// The password.
        password: Secret<String>,
    },
    /// A text that stands in the path or query of a request.
    Text(Secret<String>),
}

impl Credential {
    /// A header, sent to this origin only.
    pub fn header(origin: Origin, name: &str, value: impl Into<String>) -> Self {
        Self {
            origin,
            kind: CredentialKind::Header {
                name: name.to_ascii_lowercase(),
                value: Secret::new(value.into()),
            },
        }
    }

    /// `Authorization: Bearer …`, sent to this origin only.
    pub fn bearer(origin: Origin, token: &str) -> Self {
        Self::header(origin, "authorization", format!("Bearer {token}"))
    }

    /// A user name and a password, used at this origin only.
    pub fn login(origin: Origin, user: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            origin,
            kind: CredentialKind::Login {
                user: user.into(),
                password: Secret::new(password.into()),
            },
        }
    }

    /// A text that a request's path or query holds, at this origin only.
    pub fn text(origin: Origin, value: impl Into<String>) -> Self {
        Self {
            origin,
            kind: CredentialKind::Text(Secret::new(value.into())),
        }
    }

    fn secret(&self) -> &str {
        match &self.kind {
            CredentialKind::Header { value, .. } | CredentialKind::Text(value) => value.reveal(),
            CredentialKind::Login { password, .. } => password.reveal(),
        }
    }
}

/// The credentials of a suite, by handle. Observation keys and recordings name only the handle.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Credentials(BTreeMap<String, Credential>);

impl Credentials {
    /// Adds one; an older one of the same handle is replaced.
    pub fn insert(&mut self, handle: impl Into<String>, credential: Credential) {
        self.0.insert(handle.into(), credential);
    }

    /// Takes over all of another set.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The credential behind a handle, if it may go to this origin.
    ///
    /// # Errors
    /// [`CredentialError`] where the handle is unknown or bound to another origin.
    pub fn for_origin(&self, handle: &str, origin: &Origin) -> Result<&Credential, CredentialError> {
        let credential = self.0.get(handle).ok_or_else(|| CredentialError::Unknown {
            handle: handle.to_owned(),
        })?;
        if credential.origin == *origin {
            Ok(credential)
        } else {
            Err(CredentialError::OtherOrigin {
                handle: handle.to_owned(),
                bound_to: Box::new(credential.origin.clone()),
                asked_for: Box::new(origin.clone()),
            })
        }
    }

    /// Replaces `{handle}` by the text behind it, for a request to this origin.
    ///
    /// # Errors
    /// [`CredentialError`] where a named handle is bound to another origin. A `{…}` that is no handle
    /// stays as it is.
    pub fn fill(&self, text: &str, origin: &Origin) -> Result<String, CredentialError> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            filled.push_str(before);
            let handle = from.find('}').map(|end| &from[1..end]);
            match handle.filter(|handle| self.0.contains_key(*handle)) {
                Some(handle) => {
                    if let CredentialKind::Text(value) = &self.for_origin(handle, origin)?.kind {
                        filled.push_str(value.reveal());
                    }
                    rest = &from[handle.len() + 2..];
                }
                None => {
                    filled.push('{');
                    rest = &from[1..];
                }
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Replaces every secret value in a text that came from a peer, so that an echo tells nothing.
    ///
    /// Values under four bytes, and query values under eight, are left: they would hide half the text
    /// and protect nothing.
    pub fn scrub(&self, text: &str) -> String {
        self.scrubber().scrub(text)
    }

    /// [`Credentials::scrub`] for bytes, in one pass.
    pub fn scrub_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.scrubber().scrub_bytes(bytes)
    }

    /// What [`Credentials::scrub`] looks for, made once for many texts.
    pub fn scrubber(&self) -> Scrubber {
        let values = self.values();
        let mut may_begin = [false; 256];
        for first in values.iter().filter_map(|value| value.as_bytes().first()) {
            may_begin[usize::from(*first)] = true;
        }
        Scrubber { values, may_begin }
    }

    /// Every form a secret may come back in, the longest first.
    fn values(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for credential in self.0.values() {
            let secret = credential.secret();
            // A short query value is a word like `true`; hiding it would spoil what is to be judged.
            if matches!(credential.kind, CredentialKind::Text(_)) && secret.len() < 8 {
                continue;
            }
            let token = secret.rsplit(' ').next().unwrap_or(secret);
            all.extend([secret.to_owned(), token.to_owned()]);
            if let CredentialKind::Login { user, password } = &credential.kind {
                all.push(BASE64_STANDARD.encode(format!("{user}:{}", password.reveal())));
            }
            // A secret of a query stands in it as it is encoded there; a peer echoes what it means.
            let decoded = secret.replace('&', "%26").replace('=', "%3D");
            let decoded: String = url::form_urlencoded::parse(decoded.as_bytes())
                .map(|(name, _)| name.into_owned())
                .collect();
            for form in [secret, token, decoded.as_str()] {
                let encoded: String = url::form_urlencoded::byte_serialize(form.as_bytes()).collect();
                all.push(encoded.replace('+', "%20"));
                all.push(encoded);
                let json = serde_json::to_string(form).unwrap_or_default();
                all.push(json.trim_matches('"').to_owned());
            }
            all.push(decoded);
        }
        all.retain(|value| value.len() >= 4);
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        all
    }
}

/// Secret values in every form they are looked for in, from [`Credentials::scrubber`].
#[derive(Clone)]
pub struct Scrubber {
    /// The longest first.
    values: Vec<String>,
    may_begin: [bool; 256],
}

impl Scrubber {
    /// See [`Credentials::scrub`].
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.values {
            if clean.contains(secret.as_str()) {
                clean = clean.replace(secret.as_str(), REDACTED);
            }
        }
        clean
    }

    /// See [`Credentials::scrub_bytes`].
    pub fn scrub_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        if self.values.is_empty() {
            return bytes.to_vec();
        }
        let mut clean = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((&first, after)) = rest.split_first() {
            let found = self.may_begin[usize::from(first)]
                .then(|| {
                    self.values
                        .iter()
                        .find(|secret| rest.starts_with(secret.as_bytes()))
                })
                .flatten();
            if let Some(secret) = found {
                clean.extend_from_slice(REDACTED.as_bytes());
                rest = &rest[secret.len()..];
            } else {
                clean.push(first);
                rest = after;
            }
        }
        clean
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber")
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

/// A credential that may not be used here.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// It belongs to another origin.
    #[error("credential `{handle}` is bound to {bound_to} and is not sent to {asked_for}")]
    OtherOrigin {
        /// Its handle.
        handle: String,
        /// Where it may go.
        bound_to: Box<Origin>,
        /// Where it was about to go.
        asked_for: Box<Origin>,
    },
    /// There is none of this name.
    #[error("no credential `{handle}` is configured")]
    Unknown {
        /// The handle asked for.
        handle: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(port: u16) -> Origin {
        Origin::new("https", "API.example.com", port)
    }

    #[test]
    fn a_credential_goes_to_its_origin_only() {
        let mut all = Credentials::default();
        all.insert("api", Credential::bearer(origin(443), "s3cr3t-token"));
        assert!(all.for_origin("api", &origin(443)).is_ok());
        let error = all.for_origin("api", &origin(8443)).unwrap_err().to_string();
        assert!(error.contains("bound to https://api.example.com:443"), "{error}");
        assert!(!format!("{all:?}").contains("s3cr3t"));
    }

    #[test]
    fn placeholders_are_filled_for_their_origin() {
        let mut all = Credentials::default();
        all.insert("q", Credential::text(origin(443), "v/1"));
        assert_eq!(
            all.fill("/a?x={q}&y={z}", &origin(443)).unwrap(),
            "/a?x=v/1&y={z}"
        );
        assert!(all.fill("/a?x={q}", &origin(80)).is_err());
        assert_eq!(all.fill("{{q}", &origin(443)).unwrap(), "{v/1");
    }

    #[test]
    fn an_echo_is_scrubbed_in_every_form() {
        let mut all = Credentials::default();
        all.insert("a", Credential::bearer(origin(443), "tok&en1"));
        all.insert("b", Credential::login(origin(443), "joe", "passw0rd"));
        let echo = format!(
            "Bearer tok&en1 tok%26en1 {} passw0rd",
            BASE64_STANDARD.encode("joe:passw0rd")
        );
        let clean = all.scrub(&echo);
        assert!(
            !clean.contains("tok") && !clean.contains("passw0rd") && !clean.contains("am9l"),
            "{clean}"
        );
        assert_eq!(all.scrub_bytes(echo.as_bytes()), clean.as_bytes());
    }

    #[test]
    fn an_echo_of_what_a_query_means_is_scrubbed() {
        let mut all = Credentials::default();
        all.insert("q", Credential::text(origin(443), "s3cr%C3%A9t%20key"));
        all.insert("j", Credential::login(origin(443), "joe", "pa\"ss\\word"));
        for echo in [
            "s3cr%C3%A9t%20key",
            "s3cr\u{e9}t key",
            "s3cr%C3%A9t+key",
            r#"pa\"ss\\word"#,
            "pa\"ss\\word",
        ] {
            assert_eq!(all.scrub(echo), REDACTED, "{echo}");
            assert_eq!(all.scrub_bytes(echo.as_bytes()), REDACTED.as_bytes(), "{echo}");
        }
    }

    #[test]
    fn a_scrubber_is_made_once_and_tells_nothing() {
        let mut all = Credentials::default();
        all.insert("t", Credential::bearer(origin(443), "abcd&efgh"));
        let scrubber = all.scrubber();
        for text in ["Bearer abcd&efgh", "a=abcd%26efgh", "abcd", "", "ä abcd&efgh ä"] {
            assert_eq!(scrubber.scrub(text), all.scrub(text), "{text}");
            assert_eq!(
                scrubber.scrub_bytes(text.as_bytes()),
                scrubber.scrub(text).as_bytes(),
                "{text}"
            );
        }
        assert!(!format!("{scrubber:?}").contains("abcd"), "{scrubber:?}");
    }

    #[test]
    fn scrubbing_takes_one_pass() {
        let mut all = Credentials::default();
        all.insert("t", Credential::bearer(origin(443), "abcdabcd"));
        let clean = all.scrub_bytes("abcdabcd".repeat(100_000).as_bytes());
        assert_eq!(clean.len(), REDACTED.len() * 100_000);
    }
}
