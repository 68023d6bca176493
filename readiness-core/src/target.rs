//! What is looked at: a host, a port, a scheme, a path, and a label to call it by.

use std::{fmt, net::IpAddr, sync::Arc};

use crate::redact::{Credential, Credentials, Origin, Secret};

/// Something to look at, parsed and usable.
///
/// `Display` shows `scheme://host:port/path` and never userinfo or query values. The label is what test
/// cases, waivers, baselines and trends are keyed by: keep it when the URL changes.
///
/// ```
/// use readiness_core::Target;
/// let target = Target::parse("https://api.example.com/v1?key=s3cret")?;
/// assert_eq!(target.to_string(), "https://api.example.com/v1?key=[redacted]");
/// assert_eq!((target.host(), target.port(), target.label()), ("api.example.com", 443, "api.example.com"));
/// assert_eq!(Target::parse("[::1]:8443")?.host(), "::1");
/// assert_eq!(Target::parse("tcp://[fe80::1%eth0]:22")?.zone(), Some("eth0"));
/// # Ok::<(), readiness_core::TargetError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    label: Arc<str>,
    scheme: String,
    host: String,
    zone: Option<String>,
    port: u16,
    path: String,
    /// Names and values; what has no `=` is a value without a name, as it may be a key.
    query: Vec<(Option<String>, Secret<String>)>,
    userinfo: Option<(String, Secret<String>)>,
    credential: Option<String>,
}

impl Target {
    /// Parses a URL, or `host:port` and `host`, which mean https.
    ///
    /// # Errors
    /// [`TargetError`] says what is wrong and shows no userinfo or query.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        Self::parse_as(text, "https")
    }

    /// Parses a URL, or `host:port` and `host`, which mean this scheme.
    ///
    /// # Errors
    /// [`TargetError`] says what is wrong and shows no userinfo or query.
    pub fn parse_as(text: &str, default_scheme: &str) -> Result<Self, TargetError> {
        let error = |problem: &str| TargetError {
            text: shown(text),
            problem: problem.to_owned(),
        };
        if text.trim().is_empty() {
            return Err(error("it is empty"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(error("it holds a space or a control character"));
        }
        let full = if text.contains("://") {
            text.to_owned()
        } else {
            format!("{default_scheme}://{text}")
        };
        let (full, zone) = without_zone(full).map_err(error)?;
        let url = url::Url::parse(&full).map_err(|e| error(&e.to_string()))?;
        // Schemes the URL standard calls special have their host canonicalised; do the same for the
        // others, so that tcp://EXAMPLE.com and tcp://10.1 mean what https:// would make of them.
        let host = match url.host() {
            Some(url::Host::Domain(name)) => match url::Host::parse(name) {
                Ok(url::Host::Ipv4(address)) => address.to_string(),
                Ok(url::Host::Ipv6(address)) => address.to_string(),
                Ok(url::Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
                Err(e) => return Err(error(&e.to_string())),
            },
            Some(url::Host::Ipv4(address)) => address.to_string(),
            Some(url::Host::Ipv6(address)) => address.to_string(),
            None => return Err(error("it names no host")),
        };
        if host.is_empty() {
            return Err(error("it names no host"));
        }
        let is_link_local = matches!(host.parse(), Ok(IpAddr::V6(v6)) if v6.is_unicast_link_local());
        if zone.is_some() && !is_link_local {
            return Err(error("a zone (`%eth0`) belongs to link-local addresses alone"));
        }
        let scheme = url.scheme().to_owned();
        let port = match url.port().or_else(|| default_port(&scheme)) {
            Some(0) => return Err(error("port 0 cannot be connected to")),
            Some(port) => port,
            None => {
                return Err(error(&format!(
                    "`{scheme}` has no default port; write `{scheme}://host:port`"
                )));
            }
        };
        let userinfo = (!url.username().is_empty() || url.password().is_some()).then(|| {
            let decode = |part: &str| percent_decode(part);
            (
                decode(url.username()),
                Secret::new(decode(url.password().unwrap_or_default())),
            )
        });
        let query = url
            .query()
            .map(|query| {
                query
                    .split('&')
                    .map(|pair| match pair.split_once('=') {
                        Some((name, value)) => (Some(name.to_owned()), Secret::new(value.to_owned())),
                        None => (None, Secret::new(pair.to_owned())),
                    })
                    .collect()
            })
            .unwrap_or_default();
        let zoned = match &zone {
            Some(zone) => format!("{host}%{zone}"),
            None => host.clone(),
        };
        let label = if default_port(&scheme) == Some(port) {
            zoned
        } else if host.contains(':') {
            format!("[{zoned}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        let path = match url.path() {
            "" => "/".to_owned(),
            path => path.to_owned(),
        };
        Ok(Self {
            label: label.into(),
            scheme,
            host,
            zone,
            port,
            path,
            query,
            userinfo,
            credential: None,
        })
    }

    /// Gives it another label.
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into().into();
        self
    }

    /// Uses the credential of this handle, which the suite holds, instead of what stood in the URL.
    pub fn with_credential(mut self, handle: impl Into<String>) -> Self {
        self.credential = Some(handle.into());
        self
    }

    /// The same host with another scheme, port and path, without credentials and query.
    ///
    /// The label stays: it is still the same deployment.
    pub fn sibling(&self, scheme: &str, port: u16, path: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            port,
            path: path.to_owned(),
            query: Vec::new(),
            userinfo: None,
            credential: None,
            ..self.clone()
        }
    }

    /// What it is called in reports.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The zone of a link-local address (RFC 4007, section 11): an interface by name or number.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }

    /// The host name in its ASCII form without a final dot, or an address without brackets and zone.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as an address, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path, `/` where none was given.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Path and query as an observation key may hold them: `/search?q={api.query.0}`.
    ///
    /// The values stand behind handles in [`Target::credentials`].
    pub fn path_and_query(&self) -> String {
        self.with_query(|i, value| {
            if value.reveal().is_empty() {
                String::new()
            } else {
                format!("{{{}}}", self.query_handle(i))
            }
        })
    }

    /// Whether TLS is spoken from the first byte: `https`, `tls`, `rediss` and their like.
    pub fn is_tls(&self) -> bool {
        matches!(
            self.scheme.as_str(),
            "https" | "wss" | "tls" | "rediss" | "amqps" | "ldaps" | "smtps" | "imaps" | "pop3s"
        )
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> Origin {
        Origin::new(&self.scheme, &self.host, self.port)
    }

    /// The handle of the credential to use: the one that was set, or the one that stood in the URL.
    pub fn credential(&self) -> Option<String> {
        self.credential.clone().or_else(|| {
            self.userinfo
                .is_some()
                .then(|| format!("{}.userinfo", self.label))
        })
    }

    /// The user name that stood in the URL.
    pub fn user(&self) -> Option<&str> {
        self.userinfo.as_ref().map(|(user, _)| user.as_str())
    }

    /// What of the URL is secret, by handle, bound to its origin.
    pub fn credentials(&self) -> Credentials {
        let mut all = Credentials::default();
        if let Some((user, password)) = &self.userinfo {
            let login = Credential::login(self.origin(), user.clone(), password.reveal().clone());
            all.insert(format!("{}.userinfo", self.label), login);
        }
        for (i, (_, value)) in self.query.iter().enumerate() {
            let text = Credential::text(self.origin(), value.reveal().clone());
            all.insert(self.query_handle(i), text);
        }
        all
    }

    fn query_handle(&self, i: usize) -> String {
        format!("{}.query.{i}", self.label)
    }

    fn with_query(&self, value: impl Fn(usize, &Secret<String>) -> String) -> String {
        let mut text = self.path.clone();
        for (i, (name, secret)) in self.query.iter().enumerate() {
            text.push(if i == 0 { '?' } else { '&' });
            if let Some(name) = name {
                text.push_str(name);
                text.push('=');
            }
            text.push_str(&value(i, secret));
        }
        text
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = self.host.contains(':');
        let (open, close) = if brackets { ("[", "]") } else { ("", "") };
        write!(f, "{}://{open}{}", self.scheme, self.host)?;
        if let Some(zone) = &self.zone {
            write!(f, "%{zone}")?;
        }
        f.write_str(close)?;
        if default_port(&self.scheme) != Some(self.port) {
            write!(f, ":{}", self.port)?;
        }
        let path = self.with_query(|_, value| {
            if value.reveal().is_empty() {
                String::new()
            } else {
                crate::redact::REDACTED.to_owned()
            }
        });
        // A path means something over HTTP; where there is none, `/` would only be noise.
        let is_bare = path == "/" && !matches!(self.scheme.as_str(), "http" | "https");
        f.write_str(if is_bare { "" } else { &path })
    }
}

/// The port a scheme has when none is written.
fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" | "ws" => 80,
        "https" | "wss" | "tls" => 443,
        "postgres" | "postgresql" => 5432,
        "redis" | "rediss" => 6379,
        "mysql" | "mariadb" => 3306,
        "amqp" => 5672,
        "amqps" => 5671,
        "smtp" => 25,
        "smtps" => 465,
        "imap" => 143,
        "imaps" => 993,
        "pop3" => 110,
        "pop3s" => 995,
        "ssh" => 22,
        _ => return None,
    })
}

/// A URL without the zone of its address, and the zone: URLs know none, people write `[fe80::1%eth0]`, and
/// RFC 6874, which is withdrawn, wrote `%25` for `%`.
fn without_zone(url: String) -> Result<(String, Option<String>), &'static str> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(start..).unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rfind('@').map_or(0, |at| at + 1);
    let literal = authority.get(host..).unwrap_or_default();
    let Some((literal, _)) = literal.strip_prefix('[').and_then(|text| text.split_once(']')) else {
        return Ok((url, None));
    };
    let Some((address, zone)) = literal.split_once('%') else {
        return Ok((url, None));
    };
    let zone = zone
        .strip_prefix("25")
        .filter(|zone| !zone.is_empty())
        .unwrap_or(zone);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if zone.is_empty() || zone.len() > 32 || !zone.chars().all(is_plain) {
        return Err("its zone is no name or number of an interface, such as `eth0`");
    }
    let zone = zone.to_owned();
    let from = start + host + 1 + address.len();
    let to = start + host + 1 + literal.len();
    let mut bare = url;
    bare.replace_range(from..to, "");
    Ok((bare, Some(zone)))
}

fn percent_decode(text: &str) -> String {
    // What has a meaning of its own in a form stands for itself in userinfo.
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

/// A text as an error may show it: no userinfo, no query, no control characters, not endless.
fn shown(text: &str) -> String {
    let (scheme, rest) = match text.find("://") {
        Some(at) => text.split_at(at + 3),
        None => ("", text),
    };
    let tail = rest.find(['?', '#']).map_or("", |at| &rest[at..]);
    let plain = match rest.rfind('@') {
        // A password may hold a `?` or `#` of its own: then nothing tells where it ends.
        Some(_) if tail.contains('@') => "\u{2026}",
        Some(at) => &rest[at + 1..rest.len() - tail.len()],
        None => &rest[..rest.len() - tail.len()],
    };
    format!("{scheme}{plain}")
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(80)
        .collect()
}

/// A text that names no target.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "target `{text}` cannot be used: {problem}; expected `https://host[:port][/path]` or `tcp://host:port`"
)]
pub struct TargetError {
    text: String,
    problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_people_write() {
        for (text, scheme, host, port, label) in [
            ("https://Example.COM", "https", "example.com", 443, "example.com"),
            (
                "https://example.com./",
                "https",
                "example.com",
                443,
                "example.com",
            ),
            (
                "example.com:8443",
                "https",
                "example.com",
                8443,
                "example.com:8443",
            ),
            ("localhost", "https", "localhost", 443, "localhost"),
            (
                "tcp://DB.internal:5432",
                "tcp",
                "db.internal",
                5432,
                "db.internal:5432",
            ),
            ("tcp://[::1]:80", "tcp", "::1", 80, "[::1]:80"),
            ("[2001:db8::1]", "https", "2001:db8::1", 443, "2001:db8::1"),
            ("tcp://10.1:80", "tcp", "10.0.0.1", 80, "10.0.0.1:80"),
            ("postgres://u:p@db/app", "postgres", "db", 5432, "db"),
            (
                "https://bücher.example/",
                "https",
                "xn--bcher-kva.example",
                443,
                "xn--bcher-kva.example",
            ),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(
                (target.scheme(), target.host(), target.port(), target.label()),
                (scheme, host, port, label)
            );
        }
    }

    #[test]
    fn a_zone_stands_beside_the_host() {
        for (text, zone, shown) in [
            ("tcp://[fe80::1%eth0]:22", Some("eth0"), "tcp://[fe80::1%eth0]:22"),
            (
                "tcp://[fe80::1%25eth0]:22",
                Some("eth0"),
                "tcp://[fe80::1%eth0]:22",
            ),
            ("tcp://[fe80::1%25]:22", Some("25"), "tcp://[fe80::1%25]:22"),
            (
                "[FE80::1%br-lan.7]",
                Some("br-lan.7"),
                "https://[fe80::1%br-lan.7]/",
            ),
            ("https://a%25b@[fe80::1]/%25x", None, "https://[fe80::1]/%25x"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.host(), target.zone()), ("fe80::1", zone));
            assert_eq!(target.to_string(), shown);
            assert_eq!(target.sibling("tcp", 1, "/").zone(), zone);
        }
        assert_eq!(
            Target::parse("tcp://[fe80::1%eth0]:22").unwrap().label(),
            "[fe80::1%eth0]:22"
        );
        for (text, part) in [
            ("[2001:db8::1%eth0]", "link-local"),
            ("[fe80::1%]", "its zone is no name"),
            ("[fe80::1%eth0%1]", "its zone is no name"),
            ("[fe80::1%\u{e9}]", "its zone is no name"),
            ("[fe80::1%\u{e9}", "IPv6"),
            ("fe80::1%eth0", "port"),
        ] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, part) in [
            ("", "empty"),
            ("https://", "host"),
            ("https://exa mple", "space"),
            ("https://example.com:99999", "port"),
            ("https://example.com:0", "port 0"),
            ("tcp://db", "no default port"),
            ("https://[::1", "IPv6"),
        ] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn shows_no_secret() {
        let target = Target::parse("https://joe:hunter2@example.com/a?token=t0ps3cret&flag&x=").unwrap();
        let all = format!(
            "{target} {target:?} {} {:?}",
            target.path_and_query(),
            target.credentials()
        );
        assert!(!all.contains("hunter2") && !all.contains("t0ps3cret"), "{all}");
        assert_eq!(
            target.to_string(),
            "https://example.com/a?token=[redacted]&[redacted]&x="
        );
        assert_eq!(
            target.path_and_query(),
            "/a?token={example.com.query.0}&{example.com.query.1}&x="
        );
        let filled = target
            .credentials()
            .fill(&target.path_and_query(), &target.origin());
        assert_eq!(filled.unwrap(), "/a?token=t0ps3cret&flag&x=");
        let error = Target::parse("https://joe:hunter2@exa mple?x=t0ps3cret")
            .unwrap_err()
            .to_string();
        assert!(
            !error.contains("hunter2") && !error.contains("t0ps3cret"),
            "{error}"
        );
        for text in [
            "postgres://app:pa#ss@db",
            "postgres://app:pa?ss@db:x",
            "app:pass@exa mple",
        ] {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(
                !error.contains("pa#") && !error.contains("pass") && !error.contains("app"),
                "{error}"
            );
        }
    }

    #[test]
    fn userinfo_is_decoded() {
        let target = Target::parse("postgres://j%40e:a+b%2F&c=d@db/app").unwrap();
        let all = target.credentials();
        let login = all
            .for_origin(&target.credential().unwrap(), &target.origin())
            .unwrap();
        assert_eq!(*login, Credential::login(target.origin(), "j@e", "a+b/&c=d"));
    }

    #[test]
    fn a_sibling_keeps_the_label_and_no_credential() {
        let target = Target::parse("https://joe:pw@example.com/x?y=z")
            .unwrap()
            .labelled("api");
        let plain = target.sibling("http", 80, "/");
        assert_eq!(
            (plain.label(), plain.to_string().as_str()),
            ("api", "http://example.com/")
        );
        assert!(plain.credential().is_none());
    }
}
