use readiness_core::Finding;

use super::suite::{Cipher, Mode, Signature, Suite};

/// What to do about any of them.
pub(in crate::tls) const REMEDY: &str = "offer ECDHE suites with AES-GCM or ChaCha20-Poly1305 only";

/// What is wrong with a suite, the worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::tls) enum Fault {
    Null,
    Anonymous,
    Export,
    Rc4,
    Broken,
    TripleDes,
    Md5,
    NoForwardSecrecy,
    Cbc,
}

impl Fault {
    /// All, the worst first.
    pub(in crate::tls) const ALL: [Self; 9] = [
        Self::Null,
        Self::Anonymous,
        Self::Export,
        Self::Rc4,
        Self::Broken,
        Self::TripleDes,
        Self::Md5,
        Self::NoForwardSecrecy,
        Self::Cbc,
    ];

    /// The worst that is wrong with this suite.
    pub(in crate::tls) fn of(suite: &Suite) -> Option<Self> {
        let fault = match suite.cipher {
            _ if suite.cipher == Cipher::Null => Self::Null,
            _ if suite.signature == Signature::Anonymous => Self::Anonymous,
            _ if suite.is_export => Self::Export,
            Cipher::Rc4 => Self::Rc4,
            Cipher::Des | Cipher::Rc2 => Self::Broken,
            Cipher::TripleDes | Cipher::Idea => Self::TripleDes,
            _ if suite.is_md5 => Self::Md5,
            _ if !suite.has_forward_secrecy() => Self::NoForwardSecrecy,
            _ if suite.mode == Mode::Cbc => Self::Cbc,
            _ => return None,
        };
        Some(fault)
    }

    /// Whether no server should have it; else it is a weakness.
    pub(in crate::tls) fn is_failure(self) -> bool {
        self < Self::NoForwardSecrecy
    }

    /// The finding about a suite of this name that a server has picked.
    pub(in crate::tls) fn finding(self, name: &str) -> Finding {
        let message = format!("`{name}` {}", self.words());
        let finding = match self {
            Self::NoForwardSecrecy => Finding::warn("no_forward_secrecy", message),
            Self::Cbc => Finding::warn("cbc_suite", message),
            _ => Finding::fail("weak_suite", message),
        };
        finding.evidence("suite", name).remedy(REMEDY)
    }

    /// A stable name for the suites that have it.
    pub(in crate::tls) fn code(self) -> &'static str {
        match self {
            Self::Null => "null_suites",
            Self::Anonymous => "anonymous_suites",
            Self::Export => "export_suites",
            Self::Rc4 => "rc4_suites",
            Self::Broken => "broken_suites",
            Self::TripleDes => "triple_des_suites",
            Self::Md5 => "md5_suites",
            Self::NoForwardSecrecy => "no_forward_secrecy",
            Self::Cbc => "cbc_suites",
        }
    }

    /// What several suites do: "do not encrypt".
    pub(in crate::tls) fn plural(self) -> &'static str {
        match self {
            Self::Null => "do not encrypt",
            Self::Anonymous => "do not authenticate the server",
            Self::Export => "were made to be broken",
            Self::Rc4 => "use RC4, which is broken (RFC 7465)",
            Self::Broken => "use DES or RC2, which are broken",
            Self::TripleDes => "use 3DES or IDEA, whose blocks are too small",
            Self::Md5 => "use MD5, which is broken",
            Self::NoForwardSecrecy => "have no forward secrecy, expected ECDHE suites",
            Self::Cbc => "encrypt in CBC mode, expected authenticated encryption",
        }
    }

    /// What one suite does: "does not encrypt".
    pub(in crate::tls) fn words(self) -> &'static str {
        match self {
            Self::Null => "does not encrypt",
            Self::Anonymous => "does not authenticate the server",
            Self::Export => "was made to be broken",
            Self::Rc4 => "uses RC4, which is broken (RFC 7465)",
            Self::Broken => "uses DES or RC2, which are broken",
            Self::TripleDes => "uses 3DES or IDEA, whose blocks are too small",
            Self::Md5 => "uses MD5, which is broken",
            Self::NoForwardSecrecy => "has no forward secrecy, expected an ECDHE suite",
            Self::Cbc => "encrypts in CBC mode, expected authenticated encryption",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_judged_by_their_parts() {
        for (name, expected) in [
            ("TLS_AES_128_GCM_SHA256", None),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", None),
            ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", None),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", Some(Fault::NoForwardSecrecy)),
            ("TLS_RSA_WITH_AES_128_CBC_SHA", Some(Fault::NoForwardSecrecy)),
            (
                "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256",
                Some(Fault::NoForwardSecrecy),
            ),
            ("TLS_PSK_WITH_AES_128_GCM_SHA256", Some(Fault::NoForwardSecrecy)),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Some(Fault::Cbc)),
            ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", Some(Fault::TripleDes)),
            ("TLS_RSA_WITH_DES_CBC_SHA", Some(Fault::Broken)),
            ("TLS_RSA_WITH_RC4_128_MD5", Some(Fault::Rc4)),
            ("TLS_KRB5_WITH_IDEA_CBC_MD5", Some(Fault::TripleDes)),
            ("TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5", Some(Fault::Export)),
            ("TLS_DH_anon_EXPORT_WITH_RC4_40_MD5", Some(Fault::Anonymous)),
            ("TLS_RSA_WITH_NULL_SHA256", Some(Fault::Null)),
            ("TLS_ECDH_anon_WITH_NULL_SHA", Some(Fault::Null)),
            ("TLS_SHA256_SHA256", Some(Fault::Null)),
        ] {
            assert_eq!(Fault::of(&Suite::named(name).unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn the_order_is_from_the_worst() {
        assert!(Fault::ALL.is_sorted());
        let failures = Fault::ALL.iter().filter(|fault| fault.is_failure()).count();
        assert_eq!(failures, 7);
    }
}
