mod enumerate;
mod judge;

use futures_util::future::join_all;
use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::StartTls,
};

use self::{enumerate::enumerate, judge::judge};
use super::{
    guideline::{MOZILLA, Profile},
    hello::Offer,
    opening::Opening,
};
use crate::address;

readiness_core::probe! {
    /// Every cipher suite and group that is offered is strong.
    ///
    /// # What it checks
    /// All cipher suites that each address of the target would agree to, in every version it speaks; the
    /// groups of the key exchange, post-quantum ones among them; whether the server or the client decides;
    /// the size of a Diffie-Hellman prime; the curve of the certificates for RSA and for ECDSA; and whether a
    /// fallback to an older version is seen through. It offers everything that IANA's list has, takes out
    /// what the server picks, and asks again until it refuses, over a connection of its own each time: about
    /// 50 connections for each address, at most 4 walks at once. It is deep: `tls.versions` makes five, and
    /// `tls.protocol` none beyond what others share. The evidence states the count.
    ///
    /// # Why it matters
    /// What a server picks with a client of today says nothing of what it would pick with another, or with an
    /// attacker in between. A suite that does not encrypt is there for whoever asks for it.
    ///
    /// # How it is judged
    /// Suites without encryption or authentication, export suites, RC4, 3DES, DES and MD5 fail. No forward
    /// secrecy and CBC suites warn. A group of 112 bits or less (P-224) and a prime of fewer than 2048 bits
    /// fail. What is strong and stands outside of Mozilla's guideline 6.0 is told; with `profile = "modern"`
    /// offering TLS 1.2 warns. Post-quantum groups are told. Old versions are the matter of `tls.versions`.
    /// Where the server stops answering, the rest is unknown.
    ///
    /// # How to fix
    /// Take the suites over from Mozilla's configuration generator: six ECDHE suites for TLS 1.2, and the
    /// groups X25519MLKEM768, x25519, secp256r1 and secp384r1.
    pub struct TlsCipherSuites {
        /// What the server is held against: `intermediate` or `modern` of Mozilla's guideline 6.0. Default:
        /// `intermediate`.
        pub profile: String = "intermediate".to_owned(),
        /// The dialogue before TLS: `smtp`, `imap`, `pop3`, `lmtp`, `postgres`, `mysql`, or a table of one's
        /// own. Default: that of the target's scheme, and none where it speaks TLS from the first byte.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.cipher_suites",
    title: "every cipher suite that is offered is strong",
    priority: Info,
    timeout_seconds: 30,
    references: [
        "RFC 9325 section 4" => "https://www.rfc-editor.org/rfc/rfc9325#section-4",
        "RFC 7465" => "https://www.rfc-editor.org/rfc/rfc7465",
        "Mozilla guideline 6.0" => "https://wiki.mozilla.org/Security/Server_Side_TLS",
    ],
}

impl TlsCipherSuites {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        if self.held_against().is_some() {
            return Ok(());
        }
        let known: Vec<String> = MOZILLA.profiles.iter().map(|p| format!("`{}`", p.name)).collect();
        Err(format!(
            "`profile` is `{}`, expected {}",
            self.profile.chars().take(20).collect::<String>(),
            known.join(" or ")
        ))
    }

    fn held_against(&self) -> Option<&'static Profile> {
        MOZILLA.profile(&self.profile)
    }
}

#[async_trait]
impl Probe for TlsCipherSuites {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let opening = match Opening::of(target, self.starttls.as_ref()) {
            Ok(opening) => opening,
            Err(because) => return Ok(Outcome::not_applicable(because)),
        };
        let profile = self
            .held_against()
            .ok_or_else(|| ProbeError::other(format!("there is no profile `{}`", self.profile)))?;
        let endpoints = address::endpoints(cx, target.port(), opening.at_once()).await?;
        let offers = endpoints
            .into_iter()
            .map(|endpoint| (endpoint.address, Offer::new(endpoint, &opening)));
        let looks = offers.map(|(address, offer)| async move {
            let outcome = match enumerate(cx, &offer).await {
                Ok(seen) => judge(&seen, profile),
                Err(error) => address::not_seen(&error),
            };
            (address, outcome)
        });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}

#[cfg(test)]
mod tests;
