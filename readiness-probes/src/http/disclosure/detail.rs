//! Versions and platforms in the values of headers.

/// What a value gives away beyond a product's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Detail {
    Platform,
    Version,
}

/// What it gives away, if anything.
pub(super) fn telling(value: &[u8]) -> Option<Detail> {
    let mut platform = false;
    let words = value.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_'));
    for word in words {
        if is_version(word) {
            return Some(Detail::Version);
        }
        platform |= PLATFORMS
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
            || word
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"mod_"));
    }
    platform.then_some(Detail::Platform)
}

/// Digits at the start of a word, after a `v` if there is one: `1.25.3`, `v2`, `10`, `1.1.1k`. Not `7EEF`, and not
/// the digit of a name such as `h2o`.
fn is_version(word: &[u8]) -> bool {
    let word = match word {
        [b'v' | b'V', rest @ ..] => rest,
        word => word,
    };
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match word.get(digits) {
        None => digits > 0,
        Some(b'.') => digits > 0,
        Some(_) => false,
    }
}

const PLATFORMS: [&str; 16] = [
    "alpine", "amazon", "centos", "darwin", "debian", "fedora", "freebsd", "linux", "openssl", "redhat",
    "rhel", "suse", "ubuntu", "unix", "win32", "win64",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_from_a_name() {
        for (value, wanted) in [
            ("nginx", None),
            ("Caddy", None),
            ("Apache", None),
            ("cloudflare", None),
            ("AmazonS3", None),
            ("h2o", None),
            ("ECS (dcb/7EEF)", None),
            ("Express", None),
            ("ASP.NET", None),
            ("v", None),
            ("", None),
            ("nginx/1.25.3", Some(Detail::Version)),
            ("nginx/1", Some(Detail::Version)),
            ("Apache/2.4.57 (Debian)", Some(Detail::Version)),
            ("Microsoft-IIS/10.0", Some(Detail::Version)),
            ("PHP/8.2.1-dev", Some(Detail::Version)),
            ("OpenSSL/1.1.1k", Some(Detail::Version)),
            ("Phusion Passenger 6.0.4", Some(Detail::Version)),
            ("Drupal 10 (https://www.drupal.org)", Some(Detail::Version)),
            ("Jetty(9.4.z-SNAPSHOT)", Some(Detail::Version)),
            ("app v2", Some(Detail::Version)),
            ("4.0.30319", Some(Detail::Version)),
            ("Apache (Ubuntu)", Some(Detail::Platform)),
            ("Apache (Win32) mod_ssl", Some(Detail::Platform)),
            ("Apache mod_wsgi", Some(Detail::Platform)),
            ("Apache OpenSSL", Some(Detail::Platform)),
        ] {
            assert_eq!(telling(value.as_bytes()), wanted, "{value}");
        }
    }
}
