use super::table::SUITES;

/// A cipher suite, taken apart. IANA's names say all of it, so nothing is kept twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tls) struct Suite {
    /// The name in IANA's list.
    pub(in crate::tls) name: &'static str,
    pub(in crate::tls) key_exchange: KeyExchange,
    pub(in crate::tls) signature: Signature,
    pub(in crate::tls) cipher: Cipher,
    /// The strength of the cipher: 112 for 3DES.
    pub(in crate::tls) bits: u16,
    pub(in crate::tls) mode: Mode,
    /// Whether the integrity is held up by MD5.
    pub(in crate::tls) is_md5: bool,
    /// Made weak on purpose, for what was once the law on exports.
    pub(in crate::tls) is_export: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tls) enum KeyExchange {
    /// TLS 1.3 agrees on it apart from the suite.
    Apart,
    Dh,
    Dhe,
    EccPwd,
    Ecdh,
    Ecdhe,
    Gost,
    Krb5,
    Psk,
    Rsa,
    Srp,
}

/// What shows that the server is who it says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tls) enum Signature {
    /// Nothing does.
    Anonymous,
    /// TLS 1.3 agrees on it apart from the suite.
    Apart,
    Dss,
    Ecdsa,
    Gost,
    /// A secret that both sides know.
    Shared,
    Rsa,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tls) enum Cipher {
    Aegis,
    Aes,
    Aria,
    Camellia,
    ChaCha20,
    Des,
    Gost,
    Idea,
    Null,
    Rc2,
    Rc4,
    Seed,
    Sm4,
    TripleDes,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tls) enum Mode {
    Authenticated,
    Cbc,
    /// A stream cipher, or none, with a separate check of integrity.
    Stream,
}

impl Suite {
    /// The suite of this number, if one is assigned.
    pub(in crate::tls) fn of(number: u16) -> Option<Self> {
        let at = SUITES.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        SUITES.get(at).and_then(|(_, name)| Self::taken_apart(name))
    }

    /// The suite of this name, taken apart; `None` where the name is not of the form of IANA's.
    pub(in crate::tls) fn named(name: &str) -> Option<Self> {
        let (_, name) = SUITES.iter().find(|(_, known)| *known == name)?;
        Self::taken_apart(name)
    }

    /// Every number that is assigned, ascending.
    pub(in crate::tls) fn numbers() -> impl Iterator<Item = u16> {
        SUITES.iter().map(|(number, _)| *number)
    }

    fn taken_apart(name: &'static str) -> Option<Self> {
        let bare = name.strip_prefix("TLS_")?;
        let (exchange, cipher) = match bare.split_once("_WITH_") {
            Some((exchange, cipher)) => (Some(exchange), cipher),
            None => (None, bare),
        };
        let is_export = exchange.is_some_and(|exchange| exchange.ends_with("_EXPORT"));
        let (key_exchange, signature) = match exchange {
            None => (KeyExchange::Apart, Signature::Apart),
            Some(exchange) => agreed_by(exchange.trim_end_matches("_EXPORT"))?,
        };
        let words: Vec<&str> = cipher.split('_').collect();
        let (cipher, bits) = encrypted_by(&words)?;
        let has = |word| words.contains(&word);
        let mode =
            if has("GCM") || has("CCM") || has("MGM") || matches!(cipher, Cipher::ChaCha20 | Cipher::Aegis) {
                Mode::Authenticated
            } else if has("CBC") {
                Mode::Cbc
            } else {
                Mode::Stream
            };
        Some(Self {
            name,
            key_exchange,
            signature,
            cipher,
            bits,
            mode,
            is_md5: has("MD5"),
            is_export,
        })
    }

    /// Whether what was recorded stays secret when the server's key is lost.
    pub(in crate::tls) fn has_forward_secrecy(&self) -> bool {
        use KeyExchange::{Apart, Dhe, EccPwd, Ecdhe, Srp};
        // GOST wraps a key for the server's own, which stays (RFC 9189, section 4.2.4.1).
        matches!(self.key_exchange, Apart | Dhe | EccPwd | Ecdhe | Srp)
    }

    pub(in crate::tls) fn is_of_tls13(&self) -> bool {
        self.key_exchange == KeyExchange::Apart
    }

    /// Whether TLS 1.1 and older can use it: they know no authenticated encryption and no SHA-2
    /// (RFC 5246, section A.5, and RFC 5289, section 4).
    pub(in crate::tls) fn is_of_tls11(&self) -> bool {
        let is_newer = ["SHA256", "SHA384", "CCM", "OMAC", "IMIT"]
            .iter()
            .any(|word| self.name.contains(word));
        !is_newer && self.mode != Mode::Authenticated && !self.is_of_tls13()
    }

    /// Whether HTTP/2 forbids it: it is older than TLS 1.3 and lacks forward secrecy with an ephemeral key or
    /// authenticated encryption (RFC 9113, appendix A).
    pub(in crate::tls) fn is_banned_from_http2(&self) -> bool {
        let is_ephemeral = matches!(self.key_exchange, KeyExchange::Dhe | KeyExchange::Ecdhe);
        let is_signed = self.signature != Signature::Anonymous;
        let is_fit = is_ephemeral && is_signed && self.mode == Mode::Authenticated;
        !(self.is_of_tls13() || is_fit)
    }
}

fn agreed_by(text: &str) -> Option<(KeyExchange, Signature)> {
    use KeyExchange as K;
    use Signature as S;
    Some(match text {
        "RSA" => (K::Rsa, S::Rsa),
        "DH_DSS" => (K::Dh, S::Dss),
        "DH_RSA" => (K::Dh, S::Rsa),
        "DHE_DSS" => (K::Dhe, S::Dss),
        "DHE_RSA" => (K::Dhe, S::Rsa),
        "DH_anon" => (K::Dhe, S::Anonymous),
        "ECDH_ECDSA" => (K::Ecdh, S::Ecdsa),
        "ECDH_RSA" => (K::Ecdh, S::Rsa),
        "ECDHE_ECDSA" => (K::Ecdhe, S::Ecdsa),
        "ECDHE_RSA" => (K::Ecdhe, S::Rsa),
        "ECDH_anon" => (K::Ecdhe, S::Anonymous),
        "KRB5" => (K::Krb5, S::Shared),
        "PSK" => (K::Psk, S::Shared),
        "DHE_PSK" | "PSK_DHE" => (K::Dhe, S::Shared),
        "ECDHE_PSK" => (K::Ecdhe, S::Shared),
        "RSA_PSK" => (K::Rsa, S::Shared),
        "SRP_SHA" => (K::Srp, S::Shared),
        "SRP_SHA_RSA" => (K::Srp, S::Rsa),
        "SRP_SHA_DSS" => (K::Srp, S::Dss),
        "ECCPWD" => (K::EccPwd, S::Shared),
        "GOSTR341112_256" => (K::Gost, S::Gost),
        _ => return None,
    })
}

fn encrypted_by(words: &[&str]) -> Option<(Cipher, u16)> {
    let size = || {
        words
            .get(1)
            .and_then(|word| word.trim_end_matches('L').parse().ok())
    };
    Some(match *words.first()? {
        "NULL" | "SHA256" | "SHA384" => (Cipher::Null, 0),
        "AEGIS" => (Cipher::Aegis, size()?),
        "AES" => (Cipher::Aes, size()?),
        "ARIA" => (Cipher::Aria, size()?),
        "CAMELLIA" => (Cipher::Camellia, size()?),
        "CHACHA20" => (Cipher::ChaCha20, 256),
        "DES" if words.contains(&"40") => (Cipher::Des, 40),
        "DES" => (Cipher::Des, 56),
        "DES40" => (Cipher::Des, 40),
        "3DES" => (Cipher::TripleDes, 112),
        "IDEA" => (Cipher::Idea, 128),
        "RC2" => (Cipher::Rc2, 40),
        "RC4" => (Cipher::Rc4, size()?),
        "SEED" => (Cipher::Seed, 128),
        "SM4" => (Cipher::Sm4, 128),
        "KUZNYECHIK" | "MAGMA" | "28147" => (Cipher::Gost, 256),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use tls_parser::{
        TlsCipherAu, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite,
    };

    use super::*;

    #[test]
    fn every_assigned_suite_is_understood() {
        assert!(SUITES.is_sorted_by(|a, b| a.0 < b.0), "ascending, each once");
        assert_eq!(SUITES.len(), 349);
        for (number, name) in SUITES {
            let suite = Suite::of(*number).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(suite.name, *name);
            assert_eq!(Suite::named(name), Some(suite));
        }
        // Signals are no suites, and a number that is not assigned has no name.
        for number in [0x0000, 0x00ff, 0x5600, 0x1308, 0xffff] {
            assert_eq!(Suite::of(number), None);
        }
        assert_eq!(Suite::named("TLS_NO_SUCH_SUITE"), None);
    }

    /// tls-parser takes the same list apart in its own way.
    #[test]
    fn another_reading_of_the_list_agrees() {
        let mut compared = 0;
        for number in Suite::numbers() {
            let suite = Suite::of(number).unwrap();
            let Some(theirs) = TlsCipherSuite::from_id(number) else {
                assert!(suite.name.contains("GOST"), "{}", suite.name);
                continue;
            };
            compared += 1;
            let name = suite.name;
            assert_eq!(name, theirs.name);
            assert_eq!(suite.is_of_tls13(), theirs.kx == TlsCipherKx::Tls13, "{name}");
            assert_eq!(
                suite.cipher == Cipher::Null,
                theirs.enc == TlsCipherEnc::Null,
                "{name}"
            );
            assert_eq!(
                suite.mode == Mode::Cbc,
                theirs.enc_mode == TlsCipherEncMode::Cbc,
                "{name}"
            );
            // AEGIS is one, whatever the list there says of its MAC.
            let is_authenticated = theirs.mac == TlsCipherMac::Aead || theirs.enc == TlsCipherEnc::Aegis;
            assert_eq!(suite.mode == Mode::Authenticated, is_authenticated, "{name}");
            assert_eq!(suite.is_md5, theirs.mac == TlsCipherMac::HmacMd5, "{name}");
            assert_eq!(
                suite.signature == Signature::Ecdsa,
                theirs.au == TlsCipherAu::Ecdsa,
                "{name}"
            );
            let bits = match suite.cipher {
                // The size of the key, not its strength.
                Cipher::TripleDes => 168,
                // The list there says 128; RFC 7905, section 2, has keys of 256 bits.
                Cipher::ChaCha20 => 128,
                _ => suite.bits,
            };
            assert_eq!(bits, theirs.enc_size, "{name}");
        }
        assert_eq!(compared, SUITES.len() - 7);
    }

    #[test]
    fn parts_are_read_from_the_name() {
        use Cipher as C;
        use KeyExchange as K;
        use Signature as S;
        for (number, exchange, signature, cipher, bits, mode) in [
            (0x1301, K::Apart, S::Apart, C::Aes, 128, Mode::Authenticated),
            (0x1303, K::Apart, S::Apart, C::ChaCha20, 256, Mode::Authenticated),
            (0x1307, K::Apart, S::Apart, C::Aegis, 128, Mode::Authenticated),
            (0xc0b4, K::Apart, S::Apart, C::Null, 0, Mode::Stream),
            (0xc02f, K::Ecdhe, S::Rsa, C::Aes, 128, Mode::Authenticated),
            (0xc00a, K::Ecdhe, S::Ecdsa, C::Aes, 256, Mode::Cbc),
            (0xc0aa, K::Dhe, S::Shared, C::Aes, 128, Mode::Authenticated),
            (0xc018, K::Ecdhe, S::Anonymous, C::Aes, 128, Mode::Cbc),
            (0x0004, K::Rsa, S::Rsa, C::Rc4, 128, Mode::Stream),
            (0x0003, K::Rsa, S::Rsa, C::Rc4, 40, Mode::Stream),
            (0x000a, K::Rsa, S::Rsa, C::TripleDes, 112, Mode::Cbc),
            (0x0026, K::Krb5, S::Shared, C::Des, 40, Mode::Cbc),
            (0xc01e, K::Srp, S::Rsa, C::Aes, 128, Mode::Cbc),
            (0xc103, K::Gost, S::Gost, C::Gost, 256, Mode::Authenticated),
        ] {
            let suite = Suite::of(number).unwrap();
            assert_eq!(
                (
                    suite.key_exchange,
                    suite.signature,
                    suite.cipher,
                    suite.bits,
                    suite.mode
                ),
                (exchange, signature, cipher, bits, mode),
                "{}",
                suite.name
            );
        }
    }

    #[test]
    fn http2_takes_ephemeral_authenticated_suites_only() {
        for (name, banned) in [
            ("TLS_AES_128_GCM_SHA256", false),
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false),
            ("TLS_DHE_RSA_WITH_AES_128_CCM", false),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", true),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", true),
            ("TLS_DH_anon_WITH_AES_128_GCM_SHA256", true),
            ("TLS_PSK_WITH_AES_256_CCM_8", true),
            ("TLS_RSA_WITH_NULL_SHA256", true),
        ] {
            assert_eq!(
                Suite::named(name).unwrap().is_banned_from_http2(),
                banned,
                "{name}"
            );
        }
    }

    #[test]
    fn old_versions_are_asked_for_old_suites_only() {
        for (name, old) in [
            ("TLS_RSA_WITH_AES_128_CBC_SHA", true),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", true),
            ("TLS_RSA_WITH_RC4_128_MD5", true),
            ("TLS_RSA_WITH_NULL_SHA", true),
            ("TLS_RSA_WITH_NULL_SHA256", false),
            ("TLS_RSA_WITH_AES_128_CBC_SHA256", false),
            ("TLS_RSA_WITH_AES_128_CCM", false),
            ("TLS_AES_128_GCM_SHA256", false),
        ] {
            assert_eq!(Suite::named(name).unwrap().is_of_tls11(), old, "{name}");
        }
    }
}
