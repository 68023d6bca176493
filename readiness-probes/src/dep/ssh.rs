use std::sync::Arc;

use readiness_core::{
    Described, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Endpoint, PortState},
};

use super::verdict::each_address;

mod algorithms;
mod judge;
pub(crate) mod session;
#[cfg(test)]
mod tests;

use self::{
    judge::judge,
    session::{SshFacts, SshSession},
};

readiness_core::probe! {
    /// SSH offers no log-in by a password, also not to root.
    ///
    /// # What it checks
    /// It reads the server's version and the algorithms it offers, exchanges keys, checks that the server has
    /// the key it shows, and asks with the method `none` which log-ins there are for each of `users`. No log-in
    /// is tried, unless the target has a password (`ssh://root:password@host`): that one is tried for its user,
    /// where the user is among `users` and the server's key among `known_keys`.
    ///
    /// # Why it matters
    /// A port of SSH that takes passwords is tried by strangers all day long, with root first.
    ///
    /// # How it is judged
    /// A user who is let in without any proof fails, and so does one who may log in by a password, unless
    /// `password_allowed` is set. `keyboard-interactive`, which may ask for a password, warns. A password of
    /// root that is accepted fails.
    ///
    /// Algorithms that are broken fail: 1024 bits, RC4, DES, MD5, DSA. Weak ones warn: SHA-1 in key exchanges
    /// and signatures, CBC, codes of 96 bits. What OpenSSH still offers by itself is told (`hmac-sha1`,
    /// `umac-64`). A server whose first packets can be left out unnoticed (CVE-2023-48795) warns. A key that is
    /// none of `known_keys`, is not proven or is shorter than 2048 bits of RSA fails, and so does version 1 of
    /// the protocol. Where both sides have no algorithm in common, the log-ins are unknown. One address that
    /// accepts is enough.
    ///
    /// What cannot be seen from outside: OpenSSH names the same methods whether root may log in or not. Where
    /// no password is offered, none lets root in; whether a key would is only known to the server, and noted.
    ///
    /// Each look leaves lines in the server's log; a user who does not exist there may be taken for an attack.
    ///
    /// # How to fix
    /// Set `PasswordAuthentication no`, `KbdInteractiveAuthentication no` and `PermitRootLogin no` in
    /// `sshd_config`, and take the algorithms that are named out of its lists.
    pub struct Ssh {
        /// The users in whose names is asked, 4 at most; each costs a connection. Default: `["root"]`.
        pub users: Vec<String> = vec!["root".to_owned()],
        /// Whether passwords may let somebody in. Default: false.
        pub password_allowed: bool = false,
        /// Whether `keyboard-interactive` may be offered, as for a second factor. Default: false.
        pub keyboard_interactive_allowed: bool = false,
        /// The fingerprints of the server's keys, as `ssh-keygen -l` prints them: `SHA256:…`. Of several keys the
        /// server shows the first it has of Ed25519, ECDSA, RSA. Default: none, which takes any.
        pub known_keys: Vec<String> = Vec::new(),
        /// Weak algorithms that are to be taken nevertheless, by name. Default: none.
        pub allowed_algorithms: Vec<String> = Vec::new(),
    }
    id: "dep.ssh",
    title: "SSH offers no log-in by a password, also not to root",
    priority: High,
    timeout_seconds: 40,
    references: [
        "RFC 4252 section 5.2, the method none" => "https://www.rfc-editor.org/rfc/rfc4252#section-5.2",
        "RFC 4253 section 7, key exchange" => "https://www.rfc-editor.org/rfc/rfc4253#section-7",
        "RFC 9142, key exchange methods" => "https://www.rfc-editor.org/rfc/rfc9142",
        "CVE-2023-48795, prefix truncation" => "https://nvd.nist.gov/vuln/detail/CVE-2023-48795",
    ],
}

impl Ssh {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        const MOST_USERS: usize = 4;
        const MOST_NAME_BYTES: usize = 64;
        if self.users.is_empty() || self.users.len() > MOST_USERS {
            return Err(format!(
                "`users` names {}, expected 1 to {MOST_USERS}",
                self.users.len()
            ));
        }
        for (i, user) in self.users.iter().enumerate() {
            let shown: String = user.escape_debug().take(60).collect();
            if user.is_empty() || user.len() > MOST_NAME_BYTES || user.chars().any(char::is_control) {
                return Err(format!(
                    "`users` holds `{shown}`, expected 1 to {MOST_NAME_BYTES} bytes and no control characters"
                ));
            }
            if self.users.get(..i).is_some_and(|before| before.contains(user)) {
                return Err(format!("`users` holds `{shown}` twice"));
            }
        }
        for key in &self.known_keys {
            let is_base64 = |c: u8| c.is_ascii_alphanumeric() || c == b'+' || c == b'/';
            let hash = key.strip_prefix("SHA256:").unwrap_or_default();
            if hash.len() != 43 || !hash.bytes().all(is_base64) {
                let shown: String = key.escape_debug().take(60).collect();
                return Err(format!(
                    "`known_keys` holds `{shown}`, expected `SHA256:` and 43 characters, as `ssh-keygen -l` prints it"
                ));
            }
        }
        Ok(())
    }
}

/// What was seen at one address, by user.
type Sessions = Vec<Arc<SshFacts>>;

#[async_trait]
impl Probe for Ssh {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        each_address(
            cx,
            false,
            |endpoint| self.look(cx, endpoint),
            |sessions| {
                sessions
                    .first()
                    .map_or(PortState::Closed, |facts| facts.tcp.state)
            },
            |scene, sessions| judge(self, scene, sessions),
        )
        .await
    }
}

impl Ssh {
    /// One session after another: a server turns away who opens many at once.
    async fn look(&self, cx: &ProbeContext, endpoint: Endpoint) -> Result<Sessions, ObserveError> {
        let target = cx.target();
        let mut sessions = Vec::new();
        for user in &self.users {
            let key = SshSession::new(endpoint.clone(), target.origin(), user)
                .known_keys(self.known_keys.clone())
                .credential(target.credential());
            let facts = cx.observe(key).await?;
            let is_open = facts.tcp.state == PortState::Open;
            sessions.push(facts);
            if !is_open {
                break;
            }
        }
        Ok(sessions)
    }
}
