use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::RecordType;

/// What a record says. Names are in lower case, without a final dot; the root is `.`.
///
/// ```
/// use readiness_core::fact::{RecordData, RecordType};
///
/// let expected = RecordData::parse(RecordType::Mx, "10 Mail.example.com.")?;
/// assert_eq!(expected.to_string(), "10 mail.example.com");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(tag = "type", content = "data")]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa(Ipv6Addr),
    /// Who may issue certificates. RFC 8659, section 4.1.
    #[serde(rename = "CAA")]
    Caa {
        /// 128 where an issuer that does not know the tag must not issue.
        flags: u8,
        /// What the value is about, in lower case: `issue`, `issuewild`, `iodef`.
        tag: String,
        /// The value.
        value: String,
    },
    /// An alias.
    #[serde(rename = "CNAME")]
    Cname(String),
    /// A mail exchange.
    #[serde(rename = "MX")]
    Mx {
        /// The lowest is tried first.
        preference: u16,
        /// Its name; `.` where there is none (RFC 7505).
        exchange: String,
    },
    /// A nameserver.
    #[serde(rename = "NS")]
    Ns(String),
    /// The name of an address.
    #[serde(rename = "PTR")]
    Ptr(String),
    /// The start of a zone of authority. RFC 1035, section 3.3.13.
    #[serde(rename = "SOA")]
    Soa {
        /// The first nameserver.
        mname: String,
        /// The mailbox of who is responsible.
        rname: String,
        /// The version of the zone.
        serial: u32,
        /// Seconds between looks of a secondary server.
        refresh: u32,
        /// Seconds before a failed look is repeated.
        retry: u32,
        /// Seconds after which a secondary server gives up.
        expire: u32,
        /// How long, in seconds, a negative answer may be kept. RFC 2308, section 4.
        minimum: u32,
    },
    /// The place of a service. RFC 2782.
    #[serde(rename = "SRV")]
    Srv {
        /// The lowest is tried first.
        priority: u16,
        /// How often it is chosen among equals.
        weight: u16,
        /// The port.
        port: u16,
        /// The host; `.` where there is no such service.
        target: String,
    },
    /// How to reach a service: SVCB and HTTPS. RFC 9460.
    #[serde(rename = "SVCB")]
    Svcb {
        /// 0 for an alias.
        priority: u16,
        /// The host; `.` for the owner itself.
        target: String,
        /// The parameters, by their names.
        params: BTreeMap<String, String>,
    },
    /// Which certificate a service shows. RFC 6698.
    #[serde(rename = "TLSA")]
    Tlsa {
        /// What the data restricts.
        usage: u8,
        /// Whether it is about the certificate or its key.
        selector: u8,
        /// Whether it is a digest.
        matching: u8,
        /// The data, in hexadecimal digits of lower case.
        data: String,
    },
    /// Text: its strings put together.
    #[serde(rename = "TXT")]
    Txt(String),
    /// Any other record in presentation form, with its type.
    #[serde(rename = "other")]
    Other {
        /// Its type.
        record_type: RecordType,
        /// Its data as a zone file would write it.
        text: String,
    },
}

impl RecordData {
    /// Reads what a zone file would say of a record of this type. Upper case and a final dot of names, spaces
    /// between fields and quotes do not matter.
    ///
    /// # Errors
    /// In words, with an example.
    pub fn parse(record_type: RecordType, text: &str) -> Result<Self, String> {
        let wrong = |example: &str| {
            let shown: String = text.chars().take(60).collect();
            format!("`{shown}` is no data of {record_type}; write it as `{example}`")
        };
        let mut fields = text.split_whitespace();
        let parsed = match record_type {
            RecordType::A => text.trim().parse().ok().map(Self::A).ok_or("192.0.2.1"),
            RecordType::Aaaa => text.trim().parse().ok().map(Self::Aaaa).ok_or("2001:db8::1"),
            RecordType::Caa => caa(text).ok_or("0 issue \"ca.example.net\""),
            RecordType::Cname => one_name(text).map(Self::Cname).ok_or("www.example.com"),
            RecordType::Ns => one_name(text).map(Self::Ns).ok_or("ns1.example.com"),
            RecordType::Ptr => one_name(text).map(Self::Ptr).ok_or("host.example.com"),
            RecordType::Mx => mx(&mut fields).ok_or("10 mail.example.com"),
            RecordType::Soa => {
                soa(&mut fields).ok_or("ns1.example.com admin.example.com 2026112001 14400 3600 1209600 3600")
            }
            RecordType::Srv => srv(&mut fields).ok_or("10 5 443 host.example.com"),
            RecordType::Https | RecordType::Svcb => svcb(&mut fields).ok_or("1 . alpn=h2,h3"),
            RecordType::Tlsa => tlsa(&mut fields).ok_or("3 1 1 0123abcd"),
            RecordType::Txt => return Ok(Self::Txt(unquoted(text))),
            RecordType::Dname
            | RecordType::Dnskey
            | RecordType::Ds
            | RecordType::Nsec
            | RecordType::Nsec3
            | RecordType::Rrsig
            | RecordType::Other(_) => {
                let text = fields.collect::<Vec<_>>().join(" ");
                return Ok(Self::Other { record_type, text });
            }
        };
        // What is left over was not understood.
        match parsed {
            Ok(data) if reads_whole(record_type) || fields.next().is_none() => Ok(data),
            Ok(_) => Err(wrong("the fields of a zone file")),
            Err(example) => Err(wrong(example)),
        }
    }

    /// The host that the record leads to, where it leads to one: of MX, NS, SRV and PTR.
    pub fn target(&self) -> Option<&str> {
        let target = match self {
            Self::Mx { exchange, .. } => exchange,
            Self::Srv { target, .. } => target,
            Self::Ns(name) | Self::Ptr(name) => name,
            _ => return None,
        };
        Some(target.as_str()).filter(|target| *target != ".")
    }

    /// Whether it is a record of this type.
    pub fn is_of(&self, wanted: RecordType) -> bool {
        match self {
            Self::A(_) => wanted == RecordType::A,
            Self::Aaaa(_) => wanted == RecordType::Aaaa,
            Self::Caa { .. } => wanted == RecordType::Caa,
            Self::Cname(_) => wanted == RecordType::Cname,
            Self::Mx { .. } => wanted == RecordType::Mx,
            Self::Ns(_) => wanted == RecordType::Ns,
            Self::Ptr(_) => wanted == RecordType::Ptr,
            Self::Soa { .. } => wanted == RecordType::Soa,
            Self::Srv { .. } => wanted == RecordType::Srv,
            Self::Svcb { .. } => matches!(wanted, RecordType::Https | RecordType::Svcb),
            Self::Tlsa { .. } => wanted == RecordType::Tlsa,
            Self::Txt(_) => wanted == RecordType::Txt,
            Self::Other { record_type, .. } => *record_type == wanted,
        }
    }
}

impl fmt::Display for RecordData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => address.fmt(f),
            Self::Caa { flags, tag, value } => write!(f, "{flags} {tag} \"{value}\""),
            Self::Cname(name) | Self::Ns(name) | Self::Ptr(name) => f.write_str(name),
            Self::Mx { preference, exchange } => write!(f, "{preference} {exchange}"),
            Self::Soa {
                mname,
                rname,
                serial,
                refresh,
                retry,
                expire,
                minimum,
            } => write!(f, "{mname} {rname} {serial} {refresh} {retry} {expire} {minimum}"),
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Svcb {
                priority,
                target,
                params,
            } => {
                write!(f, "{priority} {target}")?;
                params.iter().try_for_each(|(name, value)| {
                    if value.is_empty() {
                        write!(f, " {name}")
                    } else {
                        write!(f, " {name}={value}")
                    }
                })
            }
            Self::Tlsa {
                usage,
                selector,
                matching,
                data,
            } => write!(f, "{usage} {selector} {matching} {data}"),
            Self::Txt(text) | Self::Other { text, .. } => f.write_str(text),
        }
    }
}

/// Types whose text is not read field by field.
fn reads_whole(record_type: RecordType) -> bool {
    matches!(
        record_type,
        RecordType::A
            | RecordType::Aaaa
            | RecordType::Caa
            | RecordType::Cname
            | RecordType::Ns
            | RecordType::Ptr
    )
}

type Fields<'a> = std::str::SplitWhitespace<'a>;

fn number<T: FromStr>(fields: &mut Fields<'_>) -> Option<T> {
    fields.next()?.parse().ok()
}

fn name(fields: &mut Fields<'_>) -> Option<String> {
    plain(fields.next()?)
}

fn one_name(text: &str) -> Option<String> {
    plain(text.trim()).filter(|name| !name.contains(char::is_whitespace))
}

fn plain(name: &str) -> Option<String> {
    match name.strip_suffix('.').unwrap_or(name) {
        "" if name == "." => Some(".".to_owned()),
        "" => None,
        rest => Some(rest.to_ascii_lowercase()),
    }
}

fn mx(fields: &mut Fields<'_>) -> Option<RecordData> {
    Some(RecordData::Mx {
        preference: number(fields)?,
        exchange: name(fields)?,
    })
}

fn soa(fields: &mut Fields<'_>) -> Option<RecordData> {
    Some(RecordData::Soa {
        mname: name(fields)?,
        rname: name(fields)?,
        serial: number(fields)?,
        refresh: number(fields)?,
        retry: number(fields)?,
        expire: number(fields)?,
        minimum: number(fields)?,
    })
}

fn srv(fields: &mut Fields<'_>) -> Option<RecordData> {
    Some(RecordData::Srv {
        priority: number(fields)?,
        weight: number(fields)?,
        port: number(fields)?,
        target: name(fields)?,
    })
}

fn svcb(fields: &mut Fields<'_>) -> Option<RecordData> {
    let (priority, target) = (number(fields)?, name(fields)?);
    let mut params = BTreeMap::new();
    for field in fields {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let given_twice = params.insert(name.to_ascii_lowercase(), value.trim_matches('"').to_owned());
        if given_twice.is_some() {
            return None;
        }
    }
    Some(RecordData::Svcb {
        priority,
        target,
        params,
    })
}

fn tlsa(fields: &mut Fields<'_>) -> Option<RecordData> {
    let (usage, selector, matching) = (number(fields)?, number(fields)?, number(fields)?);
    let data = fields.collect::<String>().to_ascii_lowercase();
    let is_hex = !data.is_empty() && data.len() % 2 == 0 && data.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then_some(RecordData::Tlsa {
        usage,
        selector,
        matching,
        data,
    })
}

fn caa(text: &str) -> Option<RecordData> {
    let (flags, rest) = text.trim().split_once(char::is_whitespace)?;
    let (tag, value) = rest.trim_start().split_once(char::is_whitespace)?;
    Some(RecordData::Caa {
        flags: flags.parse().ok()?,
        tag: tag.to_ascii_lowercase(),
        value: unquoted(value.trim()),
    })
}

/// Text without its quotes: `"a" "b"` is `ab` (RFC 1035, section 5.1). Text that does not begin with a quote
/// is taken as it is.
fn unquoted(text: &str) -> String {
    if !text.starts_with('"') {
        return text.to_owned();
    }
    let (mut whole, mut within, mut escaped) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            _ if escaped => {
                whole.push(c);
                escaped = false;
            }
            '\\' if within => escaped = true,
            '"' => within = !within,
            _ if within => whole.push(c),
            _ => {}
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_a_zone_file_writes_them() {
        use RecordType as T;
        for (kind, text, shown) in [
            (T::A, " 192.0.2.1 ", "192.0.2.1"),
            (T::Aaaa, "2001:DB8:0::1", "2001:db8::1"),
            (
                T::Caa,
                "0 Issue \"ca.example.net; a=b\"",
                "0 issue \"ca.example.net; a=b\"",
            ),
            (T::Caa, "128 issue ;", "128 issue \";\""),
            (T::Cname, "WWW.Example.com.", "www.example.com"),
            (
                T::Https,
                "1 . port=8443 alpn=\"h2,h3\" no-default-alpn",
                "1 . alpn=h2,h3 no-default-alpn port=8443",
            ),
            (T::Mx, "10   Mail.example.com.", "10 mail.example.com"),
            (T::Mx, "0 .", "0 ."),
            (T::Ns, "ns1.example.com", "ns1.example.com"),
            (T::Soa, "a. b. 1 2 3 4 5", "a b 1 2 3 4 5"),
            (T::Srv, "1 2 443 Host.", "1 2 443 host"),
            (T::Tlsa, "3 1 1 00AB cd", "3 1 1 00abcd"),
            (T::Txt, "\"v=spf1 \" \"-all\"", "v=spf1 -all"),
            (T::Txt, "say \"hi\"", "say \"hi\""),
            (T::Txt, r#""a \" b""#, "a \" b"),
            (T::Other(99), "x   y", "x y"),
        ] {
            let data = RecordData::parse(kind, text).unwrap();
            assert_eq!(data.to_string(), shown);
            assert!(data.is_of(kind), "{text}");
            let json = serde_json::to_value(&data).unwrap();
            assert_eq!(serde_json::from_value::<RecordData>(json).unwrap(), data);
        }
    }

    #[test]
    fn what_is_no_record_says_how_to_write_one() {
        use RecordType as T;
        for (kind, text) in [
            (T::A, "2001:db8::1"),
            (T::Aaaa, "192.0.2.1"),
            (T::Caa, "issue x"),
            (T::Cname, ""),
            (T::Cname, "a b"),
            (T::Mx, "mail.example.com"),
            (T::Mx, "10 mail.example.com 20"),
            (T::Mx, "65536 mail"),
            (T::Soa, "a b 1 2 3 4"),
            (T::Srv, "1 2 host"),
            (T::Svcb, "1 . a=1 a=2"),
            (T::Tlsa, "3 1 1 0"),
            (T::Tlsa, "3 1 1 xx"),
        ] {
            let wrong = RecordData::parse(kind, text);
            assert!(wrong.unwrap_err().contains("write it as"), "{kind} {text}");
        }
    }

    #[test]
    fn the_root_leads_nowhere() {
        let leads = |kind, text| {
            let data = RecordData::parse(kind, text).unwrap();
            data.target().map(str::to_owned)
        };
        assert_eq!(leads(RecordType::Mx, "0 ."), None);
        assert_eq!(
            leads(RecordType::Mx, "1 m.example."),
            Some("m.example".to_owned())
        );
        assert_eq!(
            leads(RecordType::Ns, "ns.example."),
            Some("ns.example".to_owned())
        );
        assert_eq!(leads(RecordType::Txt, "x"), None);
    }
}
