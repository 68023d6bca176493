//! Which algorithms of SSH are weak, and why.

use super::session::SshOffer;

/// How much an algorithm matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Grade {
    /// Old, and without a known attack in this use; OpenSSH offers it by itself.
    Old,
    Weak,
    Broken,
}

/// A weak algorithm.
pub(super) struct Weak<'a> {
    pub(super) name: &'a str,
    pub(super) grade: Grade,
    pub(super) why: &'static str,
}

/// A kind of algorithm, as findings name it.
pub(super) struct Kind {
    pub(super) code: &'static str,
    pub(super) subject: &'static str,
    /// The setting of OpenSSH that lists them.
    pub(super) setting: &'static str,
    judge: fn(&str) -> Option<(Grade, &'static str)>,
}

pub(super) const KINDS: [Kind; 4] = [
    Kind {
        code: "weak_key_exchange",
        subject: "key exchanges",
        setting: "KexAlgorithms",
        judge: key_exchange,
    },
    Kind {
        code: "weak_host_key",
        subject: "host key algorithms",
        setting: "HostKeyAlgorithms",
        judge: host_key,
    },
    Kind {
        code: "weak_cipher",
        subject: "ciphers",
        setting: "Ciphers",
        judge: cipher,
    },
    Kind {
        code: "weak_mac",
        subject: "MACs",
        setting: "MACs",
        judge: mac,
    },
];

impl Kind {
    fn offered<'a>(&self, offer: &'a SshOffer) -> &'a [String] {
        match self.setting {
            "KexAlgorithms" => &offer.key_exchanges,
            "HostKeyAlgorithms" => &offer.host_keys,
            "Ciphers" => &offer.ciphers,
            _ => &offer.macs,
        }
    }

    /// What of an offer is weak, and not allowed by the settings.
    pub(super) fn weak<'a>(&self, offer: &'a SshOffer, allowed: &[String]) -> Vec<Weak<'a>> {
        let offered = self.offered(offer).iter().filter(|name| !allowed.contains(name));
        offered
            .filter_map(|name| {
                let (grade, why) = (self.judge)(name)?;
                Some(Weak { name, grade, why })
            })
            .collect()
    }
}

/// Whether a meddler can leave out the first packets of a connection unnoticed (CVE-2023-48795).
pub(super) fn is_prefix_truncatable(offer: &SshOffer) -> bool {
    let has = |names: &[String], part: &str| names.iter().any(|name| name.contains(part));
    !offer.strict
        && (has(&offer.ciphers, "chacha20-poly1305")
            || (has(&offer.ciphers, "-cbc") && has(&offer.macs, "-etm@")))
}

fn key_exchange(name: &str) -> Option<(Grade, &'static str)> {
    if name == "none" {
        return Some((Grade::Broken, "no key exchange"));
    }
    if name.contains("group1-sha1") || name.contains("rsa1024") {
        return Some((Grade::Broken, "1024 bits"));
    }
    // RFC 9142, section 4.
    (name.ends_with("-sha1") || name.contains("-sha1-")).then_some((Grade::Weak, "SHA-1"))
}

fn host_key(name: &str) -> Option<(Grade, &'static str)> {
    match name {
        "null" => Some((Grade::Broken, "no key")),
        "ssh-rsa" | "ssh-rsa-cert-v01@openssh.com" | "x509v3-ssh-rsa" | "x509v3-sign-rsa" => {
            Some((Grade::Weak, "signatures with SHA-1"))
        }
        _ if name.contains("dss") => Some((Grade::Broken, "DSA of 1024 bits")),
        _ => None,
    }
}

fn cipher(name: &str) -> Option<(Grade, &'static str)> {
    if name == "none" {
        return Some((Grade::Broken, "no encryption"));
    }
    if name.starts_with("arcfour") {
        return Some((Grade::Broken, "RC4"));
    }
    // RFC 8758, and blocks of 64 bits (CVE-2016-2183).
    if ["des", "3des", "blowfish", "cast128", "idea"]
        .iter()
        .any(|old| name.starts_with(&format!("{old}-")))
    {
        return Some((Grade::Broken, "blocks of 64 bits"));
    }
    name.contains("-cbc").then_some((Grade::Weak, "CBC"))
}

fn mac(name: &str) -> Option<(Grade, &'static str)> {
    if name == "none" {
        return Some((Grade::Broken, "no authentication"));
    }
    if name.contains("md5") {
        return Some((Grade::Broken, "MD5"));
    }
    if name.contains("-96") || name.contains("ripemd") {
        return Some((Grade::Weak, "96 bits, or RIPEMD"));
    }
    if name.starts_with("hmac-sha1") {
        return Some((Grade::Old, "SHA-1"));
    }
    name.starts_with("umac-64").then_some((Grade::Old, "64 bits"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_have_their_grades() {
        use Grade::{Broken, Old, Weak};
        type Judge = fn(&str) -> Option<(Grade, &'static str)>;
        for (judge, name, grade) in [
            (key_exchange as Judge, "curve25519-sha256", None),
            (key_exchange, "sntrup761x25519-sha512@openssh.com", None),
            (key_exchange, "diffie-hellman-group14-sha256", None),
            (key_exchange, "diffie-hellman-group14-sha1", Some(Weak)),
            (key_exchange, "diffie-hellman-group-exchange-sha1", Some(Weak)),
            (key_exchange, "gss-group14-sha1-toWM5Slw5Ew8Mqkay", Some(Weak)),
            (key_exchange, "diffie-hellman-group1-sha1", Some(Broken)),
            (key_exchange, "gss-group1-sha1-toWM5Slw5Ew8Mqkay", Some(Broken)),
            (key_exchange, "rsa1024-sha1", Some(Broken)),
            (key_exchange, "none", Some(Broken)),
            (host_key, "ssh-ed25519", None),
            (host_key, "rsa-sha2-256", None),
            (host_key, "rsa-sha2-512-cert-v01@openssh.com", None),
            (host_key, "ssh-rsa", Some(Weak)),
            (host_key, "ssh-rsa-cert-v01@openssh.com", Some(Weak)),
            (host_key, "ssh-dss", Some(Broken)),
            (host_key, "x509v3-sign-dss", Some(Broken)),
            (host_key, "null", Some(Broken)),
            (cipher, "chacha20-poly1305@openssh.com", None),
            (cipher, "aes256-ctr", None),
            (cipher, "aes128-cbc", Some(Weak)),
            (cipher, "rijndael-cbc@lysator.liu.se", Some(Weak)),
            (cipher, "3des-cbc", Some(Broken)),
            (cipher, "blowfish-ctr", Some(Broken)),
            (cipher, "arcfour256", Some(Broken)),
            (cipher, "none", Some(Broken)),
            (mac, "hmac-sha2-256-etm@openssh.com", None),
            (mac, "umac-128@openssh.com", None),
            (mac, "hmac-sha1", Some(Old)),
            (mac, "hmac-sha1-etm@openssh.com", Some(Old)),
            (mac, "umac-64-etm@openssh.com", Some(Old)),
            (mac, "hmac-sha1-96", Some(Weak)),
            (mac, "hmac-ripemd160", Some(Weak)),
            (mac, "hmac-md5-96", Some(Broken)),
            (mac, "none", Some(Broken)),
        ] {
            assert_eq!(judge(name).map(|(grade, _)| grade), grade, "{name}");
        }
    }

    #[test]
    fn packets_can_be_left_out_where_nobody_is_strict() {
        let offer = |cipher: &str, mac: &str, strict| SshOffer {
            ciphers: vec![cipher.to_owned()],
            macs: vec![mac.to_owned()],
            strict,
            ..SshOffer::default()
        };
        for (offer, expected) in [
            (
                offer("chacha20-poly1305@openssh.com", "hmac-sha2-256", false),
                true,
            ),
            (
                offer("chacha20-poly1305@openssh.com", "hmac-sha2-256", true),
                false,
            ),
            (offer("aes128-cbc", "hmac-sha2-256-etm@openssh.com", false), true),
            (offer("aes128-cbc", "hmac-sha2-256", false), false),
            (offer("aes128-ctr", "hmac-sha2-256-etm@openssh.com", false), false),
        ] {
            assert_eq!(is_prefix_truncatable(&offer), expected, "{offer:?}");
        }
    }
}
