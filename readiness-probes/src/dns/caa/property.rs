//! One CAA record. RFC 8659, section 4; RFC 8657.

/// What a record says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Read {
    Malformed {
        tag: String,
        value: String,
        problem: &'static str,
    },
    Property(Property),
    Unknown {
        tag: String,
        critical: bool,
    },
}

/// A property that authorities know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Property {
    /// Where to report a request that was against the rules.
    Iodef,
    Issue(Issue),
    IssueWild(Issue),
    /// What is about other certificates than those of servers: mail and marks.
    Other,
}

/// Who may issue.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Issue {
    /// In lower case; nobody where there is none.
    pub(super) issuer: Option<String>,
    parameters: Vec<(String, String)>,
}

impl Issue {
    fn parameter(&self, tag: &'static str) -> impl Iterator<Item = &str> {
        self.parameters
            .iter()
            .filter(move |(name, _)| name == tag)
            .map(|(_, value)| value.as_str())
    }

    /// Whether this `method` or this `account` may be used.
    pub(super) fn allows(&self, kind: &str, value: &str) -> bool {
        match kind {
            "method" => self.allows_method(value),
            _ => self.allows_account(value),
        }
    }

    /// Whether control may be proven by this method. RFC 8657, section 4.
    fn allows_method(&self, method: &str) -> bool {
        let mut all = self.parameter("validationmethods").peekable();
        all.peek().is_none()
            || all.any(|list| {
                let mut methods = list.split(',').map(str::trim);
                methods.any(|allowed| allowed.eq_ignore_ascii_case(method))
            })
    }

    /// Whether this account may ask. RFC 8657, section 3.
    fn allows_account(&self, account: &str) -> bool {
        let mut all = self.parameter("accounturi").peekable();
        all.peek().is_none() || all.any(|allowed| allowed == account)
    }
}

/// The flag of a property that must be understood. RFC 8659, section 4.1.
const CRITICAL: u8 = 128;

pub(super) fn read(flags: u8, tag: &str, value: &str) -> Read {
    let tag = tag.to_ascii_lowercase();
    let malformed = |problem| Read::Malformed {
        tag: tag.clone(),
        value: value.to_owned(),
        problem,
    };
    match tag.as_str() {
        "issue" | "issuewild" => match issue(value) {
            Ok(issue) if tag == "issue" => Read::Property(Property::Issue(issue)),
            Ok(issue) => Read::Property(Property::IssueWild(issue)),
            Err(problem) => malformed(problem),
        },
        "iodef" => {
            // RFC 8659, section 4.4.
            let known = ["mailto:", "http://", "https://"];
            let is_url = known.iter().any(|scheme| {
                let start = value.get(..scheme.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(scheme)) && value.len() > scheme.len()
            });
            if is_url {
                Read::Property(Property::Iodef)
            } else {
                malformed("it is no URL of mailto, http or https")
            }
        }
        // RFC 9495, and the mark certificates of BIMI; `contactemail` and `contactphone` of the Baseline Requirements.
        "issuemail" | "issuevmc" | "contactemail" | "contactphone" => Read::Property(Property::Other),
        _ => Read::Unknown {
            critical: flags & CRITICAL != 0,
            tag,
        },
    }
}

/// Whether this may be an issuer's name. RFC 8659, section 4.2.
pub(super) fn is_issuer(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        let bytes = label.as_bytes();
        let inner = bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        inner && !label.starts_with('-') && !label.ends_with('-') && (1..=63).contains(&label.len())
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// The grammar of RFC 8659, section 4.2: a name or nothing, then parameters behind semicolons.
fn issue(value: &str) -> Result<Issue, &'static str> {
    let is_blank = |c| matches!(c, ' ' | '\t');
    let mut parts = value.split(';').map(|part| part.trim_matches(is_blank));
    let issuer = match parts.next().unwrap_or_default() {
        "" => None,
        name if is_issuer(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
        _ => return Err("it begins with no domain name"),
    };
    let mut parameters = Vec::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        // A semicolon at the end has nothing behind it.
        if part.is_empty() && parts.peek().is_none() {
            break;
        }
        let (tag, value) = part.split_once('=').ok_or("a parameter has no `=`")?;
        let (tag, value) = (tag.trim_end_matches(is_blank), value.trim_start_matches(is_blank));
        if tag.is_empty()
            || !tag
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err("the name of a parameter has other characters than letters, digits and hyphens");
        }
        if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the value of a parameter has other characters than visible ASCII");
        }
        parameters.push((tag.to_ascii_lowercase(), value.to_owned()));
    }
    Ok(Issue { issuer, parameters })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_grammar() {
        for (value, issuer, parameters) in [
            ("ca.example", Some("ca.example"), 0),
            (" CA.Example. ", Some("ca.example"), 0),
            ("", None, 0),
            (";", None, 0),
            (" ; ", None, 0),
            ("ca.example;", Some("ca.example"), 0),
            ("ca.example; a=b", Some("ca.example"), 1),
            ("ca.example;a=b;c=", Some("ca.example"), 2),
            ("ca.example; a = b ; c-d=e=f", Some("ca.example"), 2),
            ("; a=b", None, 1),
        ] {
            let read = issue(value).unwrap();
            assert_eq!(read.issuer.as_deref(), issuer, "{value}");
            assert_eq!(read.parameters.len(), parameters, "{value}");
        }
        for wrong in [
            "ca example",
            "ca..example",
            "-ca.example",
            "%%%",
            "ca.example; a",
            "ca.example; =b",
            "ca.example; a_b=c",
            "ca.example; a=b c",
            "ca.example;; a=b",
            "ca.example; a=\u{e9}",
            "https://ca.example",
        ] {
            assert!(issue(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tags_are_known_or_not() {
        let unknown = |tag: &str, critical| Read::Unknown {
            tag: tag.to_owned(),
            critical,
        };
        assert_eq!(read(0, "tbs", "x"), unknown("tbs", false));
        assert_eq!(read(128, "TBS", "x"), unknown("tbs", true));
        // Other flags mean nothing yet.
        assert_eq!(read(127, "tbs", "x"), unknown("tbs", false));
        assert_eq!(
            read(128, "issuemail", "ca.example"),
            Read::Property(Property::Other)
        );
        for (value, good) in [
            ("mailto:a@example.com", true),
            ("HTTPS://example.com", true),
            ("mailto:", false),
            ("ftp://example.com", false),
            ("a@example.com", false),
            ("é", false),
        ] {
            let read = read(0, "iodef", value);
            assert_eq!(read == Read::Property(Property::Iodef), good, "{value}");
        }
    }

    #[test]
    fn methods_and_accounts_are_compared() {
        let issue =
            issue("ca.example; validationmethods=dns-01,tls-alpn-01; accounturi=https://ca.example/1")
                .unwrap();
        for (method, allowed) in [
            ("dns-01", true),
            ("DNS-01", true),
            ("http-01", false),
            ("", false),
        ] {
            assert_eq!(issue.allows_method(method), allowed, "{method}");
        }
        assert!(issue.allows_account("https://ca.example/1"));
        assert!(!issue.allows_account("https://ca.example/12"));
        let plain = super::issue("ca.example").unwrap();
        assert!(plain.allows_method("http-01") && plain.allows_account("https://x"));
    }
}
