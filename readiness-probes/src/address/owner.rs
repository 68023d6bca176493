//! Whose a host is, by its name.

use std::net::IpAddr;

/// The longest name of a host in text form, without the final dot. RFC 1035, section 3.1.
const LONGEST: usize = 253;

/// The name that was registered for this host, by the public suffix list; `None` for an address, for a public
/// suffix and for what is no name.
pub(crate) fn registrable(host: &str) -> Option<&str> {
    let host = bare(host);
    if host.len() > LONGEST || is_address(host) {
        return None;
    }
    psl::domain_str(host)
}

/// Whether two hosts are one or have one registrable domain: whoever owns one owns the other.
#[cfg(feature = "http")]
pub(crate) fn same_owner(a: &str, b: &str) -> bool {
    bare(a).eq_ignore_ascii_case(bare(b))
        || registrable(&a.to_ascii_lowercase())
            .zip(registrable(&b.to_ascii_lowercase()))
            .is_some_and(|(a, b)| a == b)
}

/// Whether a host, an IPv6 address without brackets among them, is the machine that asks. Secure Contexts,
/// section 3.1, and RFC 6761, section 6.3.
#[cfg(feature = "http")]
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let host = bare(host);
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            let host = host.to_ascii_lowercase();
            host == "localhost" || host.ends_with(".localhost")
        }
    }
}

/// Without the dot that ends an absolute name.
fn bare(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

#[cfg(all(test, feature = "http"))]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_registrable_domain() {
        for (a, b, same) in [
            ("example.com", "example.com", true),
            ("example.com", "www.example.com", true),
            ("WWW.Example.com.", "example.com", true),
            ("a.example.co.uk", "b.example.co.uk", true),
            ("a.co.uk", "b.co.uk", false),
            ("me.github.io", "you.github.io", false),
            ("example.com", "example.org", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "198.51.2.1", false),
            ("2001:db8::1", "2001:db8::2", false),
            ("localhost", "localhost", true),
            ("com", "com", true),
            ("", "", true),
            ("", "example.com", false),
        ] {
            assert_eq!(same_owner(a, b), same, "{a} {b}");
        }
        let long = |n: usize| format!("{}.example.com", "a.".repeat(n));
        assert_eq!(registrable(&long(120)), Some("example.com"));
        assert_eq!(registrable(&long(121)), None, "254 bytes");
        assert_eq!(registrable("192.0.2.1"), None);
    }

    #[test]
    fn the_own_machine_has_several_names() {
        for (host, is) in [
            ("localhost", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("a.localhost", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("localhost.example", false),
            ("notlocalhost", false),
            ("192.0.2.1", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_host(host), is, "{host}");
        }
    }
}
