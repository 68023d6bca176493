//! Who the server's certificate is for.

use readiness_core::Finding;

use super::Rules;
use crate::tls::{
    served::{Served, chain_at},
    x509,
};

/// Whether it is for the host, and for every name that must be covered.
pub(super) fn findings(served: &Served<'_>, host: &str, rules: &Rules<'_>) -> Vec<Finding> {
    let (Some(der), Some(leaf)) = (served.leaf_der(), served.leaf()) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let at = |finding: Finding| finding.subject(chain_at(0));
    if leaf.names.is_empty() {
        let own = leaf.common_names.first().map_or_else(String::new, |name| {
            format!("; clients ignore its common name `{}`", x509::capped(name))
        });
        let found = if leaf.has_san {
            "names no host in its"
        } else {
            "has no"
        };
        findings.push(at(Finding::fail(
            "no_san",
            format!("{found} subject alternative name, expected `{host}` in it{own}"),
        )
        .evidence("common name", leaf.subject.clone())
        .remedy(format!(
            "issue it again with `{host}` as subject alternative name"
        ))));
    } else if x509::is_for_host(der, host) == Some(false) {
        findings.push(at(Finding::fail(
            "wrong_host",
            format!("is not for `{host}`, it is for {}", leaf.names_text()),
        )
        .evidence("names", leaf.names_text())
        .remedy(format!(
            "issue a certificate that names `{host}`, or see why the server chose this one: it may not know \
             the name (SNI)"
        ))));
    }
    for name in &rules.settings.must_cover {
        let Some(ascii) = ascii_of(name) else { continue };
        // A certificate that verifiers cannot read is a fault of its own.
        if ascii.eq_ignore_ascii_case(host) || x509::is_for_host(der, &ascii) != Some(false) {
            continue;
        }
        findings.push(
            Finding::fail(
                "not_covered",
                format!("does not cover `{name}`, which `must_cover` names"),
            )
            .subject(format!("{} `{name}`", chain_at(0)))
            .evidence("names", leaf.names_text())
            .remedy(format!(
                "issue it again with `{name}` among its subject alternative names"
            )),
        );
    }
    findings
}

/// A name of the settings as certificates spell it: `bücher.example` as `xn--bcher-kva.example`.
pub(super) fn ascii_of(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if let Ok(address) = name.parse::<std::net::IpAddr>() {
        return Some(address.to_string());
    }
    match url::Host::parse(name) {
        Ok(url::Host::Domain(ascii)) if !ascii.is_empty() && !ascii.contains('*') => Some(ascii),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_settings_are_read() {
        for (name, expected) in [
            ("www.example.com", Some("www.example.com")),
            ("www.example.com.", Some("www.example.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("192.0.2.7", Some("192.0.2.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("*.example.com", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(ascii_of(name).as_deref(), expected, "{name}");
        }
    }
}
