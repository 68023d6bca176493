use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{probe::Priority, target::Target};

/// Which rules a target is held to, as data. Printed with each report.
///
/// `production` is the default for public names, `local` for loopback, private and single-label targets.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Profile {
    /// `production`, `staging` or `local`.
    pub name: Cow<'static, str>,
    /// Whether a chain to an unknown root fails; otherwise it warns and names `--ca`.
    pub unknown_root_fails: bool,
    /// Whether the rules of public certificate authorities apply.
    pub public_ca_rules: bool,
    /// Whether https is demanded; otherwise plain http passes.
    pub https_required: bool,
    /// Whether a gate may be turned down by `READINESS_GATE`.
    pub gate_may_be_lowered: bool,
    /// Probes that only inform here.
    pub informational: Cow<'static, [Cow<'static, str>]>,
}

impl Profile {
    /// For what the world can reach: every rule holds.
    pub fn production() -> Self {
        Self {
            name: Cow::Borrowed("production"),
            unknown_root_fails: true,
            public_ca_rules: true,
            https_required: true,
            gate_may_be_lowered: false,
            informational: Cow::Borrowed(&[]),
        }
    }

    /// For a deployment with a certificate authority of its own: no rules of public authorities.
    pub fn staging() -> Self {
        Self {
            name: Cow::Borrowed("staging"),
            public_ca_rules: false,
            gate_may_be_lowered: true,
            ..Self::production()
        }
    }

    /// For a developer's machine and inner networks: an unknown root warns, plain http is allowed, HSTS,
    /// DNS and expiry only inform.
    pub fn local() -> Self {
        const INFORMATIONAL: [Cow<'static, str>; 3] = [
            Cow::Borrowed("dns.records"),
            Cow::Borrowed("http.hsts"),
            Cow::Borrowed("http.https_redirect"),
        ];
        Self {
            name: Cow::Borrowed("local"),
            unknown_root_fails: false,
            public_ca_rules: false,
            https_required: false,
            gate_may_be_lowered: true,
            informational: Cow::Borrowed(&INFORMATIONAL),
        }
    }

    /// The default for a target.
    pub fn for_target(target: &Target) -> Self {
        let is_local = match target.address() {
            Some(address) => is_private(address),
            None => {
                let host = target.host();
                !host.contains('.') || host.ends_with(".localhost") || host.ends_with(".local")
            }
        };
        if is_local {
            Self::local()
        } else {
            Self::production()
        }
    }

    /// Whether this is the profile of a developer's machine or an inner network.
    pub fn is_local(&self) -> bool {
        self.name == "local"
    }

    /// How much a probe matters here, given what it says of itself.
    pub fn priority(&self, id: &str, usual: Priority) -> Priority {
        if self.informational.iter().any(|other| other == id) {
            Priority::Info
        } else {
            usual
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "production" => Ok(Self::production()),
            "staging" => Ok(Self::staging()),
            "local" => Ok(Self::local()),
            _ => Err(format!(
                "`{name}` is no profile; known are `production`, `staging` and `local`"
            )),
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_private(IpAddr::V4(v4)),
            None => {
                v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_targets_are_local() {
        let name = |text| {
            Profile::for_target(&Target::parse(text).unwrap())
                .name
                .into_owned()
        };
        for text in [
            "127.0.0.1",
            "[::1]",
            "10.1.2.3",
            "localhost",
            "db",
            "[fd00::1]",
            "[::ffff:192.168.0.1]",
            "printer.local",
        ] {
            assert_eq!(name(text), "local", "{text}");
        }
        for text in ["example.com", "8.8.8.8", "[2606:4700::1]", "shop.example.test"] {
            assert_eq!(name(text), "production", "{text}");
        }
    }
}
