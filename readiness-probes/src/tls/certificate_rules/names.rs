//! The form of the names a certificate is for.

use std::net::IpAddr;

use readiness_core::Finding;

use crate::tls::{
    served::chain_at,
    x509::{Certificate, Name, capped},
};

/// The most names that are shown for one and the same oddity.
const MOST_SHOWN: usize = 5;
/// The longest name and label (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// What there is to say of the names: one finding for each kind of oddity.
pub(super) fn findings(leaf: &Certificate<'_>, is_public: bool) -> Vec<Finding> {
    let mut seen: [Vec<&str>; ODDITIES.len()] = Default::default();
    let mut unreadable = 0_usize;
    let mut counts = [0_usize; ODDITIES.len()];
    let mut note = |oddity: Oddity, name| {
        if let (Some(list), Some(count)) = (seen.get_mut(oddity as usize), counts.get_mut(oddity as usize)) {
            *count += 1;
            if list.len() < MOST_SHOWN {
                list.push(name);
            }
        }
    };
    let mut inner = Vec::new();
    for name in &leaf.names {
        match *name {
            Name::Dns(name) => {
                each_oddity(name, |oddity| note(oddity, name));
                if is_public && is_inner_name(name) && inner.len() < MOST_SHOWN {
                    inner.push(capped(name).into_owned());
                }
            }
            Name::Address(address) => {
                if is_public && crate::address::special_purpose(address).is_some() && inner.len() < MOST_SHOWN
                {
                    inner.push(address.to_string());
                }
            }
            Name::Unreadable => unreadable += 1,
        }
    }
    let mut findings: Vec<Finding> = ODDITIES
        .iter()
        .zip(seen.iter().zip(counts))
        .filter(|(_, (list, _))| !list.is_empty())
        .map(|(oddity, (list, count))| oddity.finding(list, count, is_public))
        .collect();
    if !inner.is_empty() {
        findings.push(
            Finding::warn(
                "inner_name",
                format!(
                    "is for {}, which no public authority may certify",
                    quoted(&inner, inner.len())
                ),
            )
            .remedy("issue it for public names only, and use an authority of your own for inner ones"),
        );
    }
    if unreadable > 0 {
        findings.push(
            Finding::warn(
                "malformed_name",
                format!("holds {unreadable} names that are neither text nor an address"),
            )
            .remedy("issue it again without them"),
        );
    }
    findings.extend(of_common_name(leaf, is_public));
    findings
        .into_iter()
        .map(|finding| finding.subject(chain_at(0)))
        .collect()
}

/// What a name can have that it should not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Oddity {
    AddressAsName,
    BadPunycode,
    BareWildcard,
    Malformed,
    MisplacedWildcard,
    NotAscii,
    SharedWildcard,
    TrailingDot,
    Underscore,
    WideWildcard,
}

/// Each at the place of its number.
const ODDITIES: [Oddity; 10] = [
    Oddity::AddressAsName,
    Oddity::BadPunycode,
    Oddity::BareWildcard,
    Oddity::Malformed,
    Oddity::MisplacedWildcard,
    Oddity::NotAscii,
    Oddity::SharedWildcard,
    Oddity::TrailingDot,
    Oddity::Underscore,
    Oddity::WideWildcard,
];

impl Oddity {
    fn finding(self, list: &[&str], count: usize, is_public: bool) -> Finding {
        let shown: Vec<_> = list.iter().map(|name| capped(name)).collect();
        let names = quoted(&shown, count);
        let (code, message, remedy) = match self {
            Self::AddressAsName => (
                "address_as_name",
                format!(
                    "holds the address {names} as a DNS name, which clients do not compare with addresses"
                ),
                "issue it again with an entry of the type iPAddress",
            ),
            Self::BadPunycode => (
                "bad_punycode",
                format!("holds {names}, whose label `xn--` cannot be decoded"),
                "issue it again with the name as IDNA spells it",
            ),
            Self::BareWildcard => (
                "bare_wildcard",
                format!("holds {names}, a wildcard without a domain, which no client takes"),
                "issue it again with the domain after the wildcard: `*.example.com`",
            ),
            Self::Malformed => (
                "malformed_name",
                format!("holds {names}, which is no host name"),
                "issue it again with host names only, without scheme, port, path or blank",
            ),
            Self::MisplacedWildcard => (
                "misplaced_wildcard",
                format!("holds {names}, expected `*` as the whole first label and nowhere else"),
                "issue it again with `*.` before a domain, or with each name by itself",
            ),
            Self::NotAscii => (
                "not_ascii",
                format!("holds {names} with letters beyond ASCII, expected the form `xn--…`"),
                "issue it again with the name as IDNA spells it",
            ),
            Self::SharedWildcard => (
                "shared_wildcard",
                format!("covers with {names} the sites of all who share that domain (public suffix list)"),
                "issue it again for the names that are yours",
            ),
            Self::TrailingDot => (
                "trailing_dot",
                format!("holds {names} with a final dot, which no client compares"),
                "issue it again without the final dot",
            ),
            Self::Underscore => (
                "underscore",
                format!("holds {names} with an underscore, which is no character of host names"),
                "rename the host, and issue the certificate again; public authorities may not issue such names",
            ),
            Self::WideWildcard => (
                "wide_wildcard",
                format!("covers with {names} a whole public suffix, expected a domain of one holder"),
                "issue it again for domains that are yours: clients refuse such a wildcard",
            ),
        };
        // A public authority has seen proof that the whole domain is the holder's, who runs it for others.
        if self == Self::SharedWildcard && is_public {
            return Finding::note(code, message);
        }
        Finding::warn(code, message).remedy(remedy)
    }
}

/// A list of names with its end told: `` `a`, `b` and 7 more ``.
fn quoted<T: AsRef<str>>(shown: &[T], count: usize) -> String {
    let list: Vec<String> = shown.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match count.saturating_sub(list.len()) {
        0 => list.join(", "),
        more => format!("{} and {more} more", list.join(", ")),
    }
}

/// Calls `note` with each oddity of a DNS name. Once through the name for those that have none.
fn each_oddity(name: &str, mut note: impl FnMut(Oddity)) {
    if !name.is_ascii() {
        return note(Oddity::NotAscii);
    }
    if matches!(name, "*" | "*.") {
        return note(Oddity::BareWildcard);
    }
    let bare = match name.strip_suffix('.') {
        Some(bare) if !bare.is_empty() => {
            note(Oddity::TrailingDot);
            bare
        }
        _ => name,
    };
    if bare.parse::<IpAddr>().is_ok() {
        return note(Oddity::AddressAsName);
    }
    let base = bare.strip_prefix("*.").unwrap_or(bare);
    if base.contains('*') {
        return note(Oddity::MisplacedWildcard);
    }
    if base.contains('_') {
        note(Oddity::Underscore);
    }
    if !is_host_name(base) {
        return note(Oddity::Malformed);
    }
    let has_punycode = |label: &str| {
        label
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("xn--"))
    };
    let is_broken =
        |label: &str| has_punycode(label) && url::Host::parse(&format!("{label}.example")).is_err();
    if base.split('.').any(is_broken) {
        note(Oddity::BadPunycode);
    }
    if base.len() < bare.len() {
        match width(base) {
            Some(psl::Type::Private) => note(Oddity::SharedWildcard),
            Some(psl::Type::Icann) => note(Oddity::WideWildcard),
            None => {}
        }
    }
}

/// Whether a name has the form of a host name; an underscore is told of by itself.
fn is_host_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.split('.').all(|label| {
            (1..=LONGEST_LABEL).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

/// In which section of the public suffix list what follows a wildcard stands; a single label is as wide as
/// one of the first section, whether it is listed or not.
fn width(base: &str) -> Option<psl::Type> {
    if !base.contains('.') {
        return Some(psl::Type::Icann);
    }
    let lower = base.to_ascii_lowercase();
    let suffix = psl::suffix(lower.as_bytes())?;
    (suffix == lower.as_bytes()).then(|| suffix.typ())?
}

/// Whether a name cannot be a public one: a single label, or under a domain that is reserved.
fn is_inner_name(name: &str) -> bool {
    let lower = name.trim_end_matches('.').to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or_default();
    !lower.contains('.')
        || matches!(
            last,
            "corp" | "example" | "home" | "internal" | "invalid" | "lan" | "local" | "localhost" | "test"
        )
        || lower.ends_with(".home.arpa")
}

/// The common name repeats a name of the subject alternative name, byte by byte (baseline requirements,
/// section 7.1.4.3). One that is no host name is a private authority's own matter.
fn of_common_name(leaf: &Certificate<'_>, is_public: bool) -> Option<Finding> {
    if leaf.names.is_empty() {
        return None;
    }
    let is_among = |common: &str| {
        leaf.names.iter().any(|name| match name {
            Name::Dns(name) => *name == common,
            Name::Address(address) => address.to_string() == common,
            Name::Unreadable => false,
        })
    };
    let looks_like_host = |common: &str| {
        let base = common.strip_prefix("*.").unwrap_or(common);
        common.parse::<IpAddr>().is_ok() || (base.contains('.') && is_host_name(base))
    };
    let odd = leaf
        .common_names
        .iter()
        .find(|common| (is_public || looks_like_host(common)) && !is_among(common))?;
    let differs_in_case = leaf
        .names
        .iter()
        .any(|name| matches!(name, Name::Dns(name) if name.eq_ignore_ascii_case(odd)));
    let why = if differs_in_case {
        "which the subject alternative name spells with other letters, capital and small"
    } else {
        "which is not among its subject alternative names: clients do not look at it"
    };
    Some(
        Finding::warn(
            "cn_not_in_san",
            format!("has the common name `{}`, {why}", capped(odd)),
        )
        .evidence("names", leaf.names_text())
        .remedy("issue it again with the common name among the subject alternative names, or without one"),
    )
}

#[cfg(test)]
mod tests;
