//! Hashes as Content Security Policy and Subresource Integrity write them: an algorithm, `-`, base64.

/// An algorithm, from weak to strong. CSP Level 3, section 2.3.1.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// Every one, from weak to strong.
    pub(crate) const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// Its name in lower case.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// How many bytes its hashes have.
    #[cfg(any(feature = "csp", feature = "html", test))]
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// base64-value: letters, digits, `+`, `/`, `-`, `_`, then at most two `=`. CSP Level 3, section 2.3.1.
pub(crate) fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && text.len() - body.len() <= 2
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_told_from_other_text() {
        for (text, wanted) in [
            ("YWJj", true),
            ("YW==", true),
            ("a+/_-=", true),
            ("a", true),
            ("", false),
            ("==", false),
            ("YW===", false),
            ("Y=W", false),
            ("a$b", false),
            ("é", false),
        ] {
            assert_eq!(is_base64(text), wanted, "{text}");
        }
    }

    #[test]
    fn algorithms_stand_from_weak_to_strong() {
        assert!(Algorithm::ALL.is_sorted());
        assert_eq!(Algorithm::ALL.map(Algorithm::bytes), [32, 48, 64]);
        for algorithm in Algorithm::ALL {
            assert!(algorithm.name().ends_with(&(algorithm.bytes() * 8).to_string()));
        }
    }
}
