use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A type of record. RFC 1035, section 3.2.2, and its successors.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(try_from = "String", into = "String")]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Which authorities may issue certificates. RFC 8659.
    Caa,
    /// Alias.
    Cname,
    /// Alias of everything below a name. RFC 6672.
    Dname,
    /// Key that a zone is signed with. RFC 4034, section 2.
    Dnskey,
    /// Digest of the key of a zone below. RFC 4034, section 5.
    Ds,
    /// How to reach a web service. RFC 9460.
    Https,
    /// Mail exchange.
    Mx,
    /// Nameserver.
    Ns,
    /// Proof that a name or a type does not exist. RFC 4034, section 4.
    Nsec,
    /// The same by hashes of names. RFC 5155.
    Nsec3,
    /// Name of an address.
    Ptr,
    /// Signature of records. RFC 4034, section 3.
    Rrsig,
    /// Start of authority.
    Soa,
    /// Service location.
    Srv,
    /// How to reach a service. RFC 9460.
    Svcb,
    /// Which certificates a service shows. RFC 6698.
    Tlsa,
    /// Text.
    Txt,
    /// Any other, by its number.
    Other(u16),
}

const RECORD_TYPES: [(RecordType, &str, u16); 19] = [
    (RecordType::A, "A", 1),
    (RecordType::Aaaa, "AAAA", 28),
    (RecordType::Caa, "CAA", 257),
    (RecordType::Cname, "CNAME", 5),
    (RecordType::Dname, "DNAME", 39),
    (RecordType::Dnskey, "DNSKEY", 48),
    (RecordType::Ds, "DS", 43),
    (RecordType::Https, "HTTPS", 65),
    (RecordType::Mx, "MX", 15),
    (RecordType::Ns, "NS", 2),
    (RecordType::Nsec, "NSEC", 47),
    (RecordType::Nsec3, "NSEC3", 50),
    (RecordType::Ptr, "PTR", 12),
    (RecordType::Rrsig, "RRSIG", 46),
    (RecordType::Soa, "SOA", 6),
    (RecordType::Srv, "SRV", 33),
    (RecordType::Svcb, "SVCB", 64),
    (RecordType::Tlsa, "TLSA", 52),
    (RecordType::Txt, "TXT", 16),
];

impl RecordType {
    /// The type of this number.
    pub fn from_number(number: u16) -> Self {
        RECORD_TYPES
            .iter()
            .find(|(_, _, known)| *known == number)
            .map_or(Self::Other(number), |(known, _, _)| *known)
    }

    /// Its number on the wire.
    pub fn number(self) -> u16 {
        if let Self::Other(number) = self {
            return number;
        }
        let known = RECORD_TYPES.iter().find(|(known, _, _)| *known == self);
        known.map_or(0, |(_, _, number)| *number)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Other(number) = self {
            return write!(f, "TYPE{number}");
        }
        let name = RECORD_TYPES.iter().find(|(known, _, _)| known == self);
        f.write_str(name.map_or("?", |(_, name, _)| name))
    }
}

impl FromStr for RecordType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        RECORD_TYPES
            .iter()
            .find(|(_, name, _)| name.eq_ignore_ascii_case(text))
            .map(|(known, _, _)| *known)
            .or_else(|| {
                let number = text.strip_prefix("TYPE")?;
                number.parse().ok().map(Self::from_number)
            })
            .ok_or_else(|| format!("`{text}` is no record type; write `A`, `AAAA`, `MX` or `TYPE99`"))
    }
}

impl TryFrom<String> for RecordType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RecordType> for String {
    fn from(record_type: RecordType) -> Self {
        record_type.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_name_and_a_number() {
        for (kind, name, number) in RECORD_TYPES {
            assert_eq!(kind.to_string(), name);
            assert_eq!(name.to_lowercase().parse(), Ok(kind));
            assert_eq!(format!("TYPE{number}").parse(), Ok(kind));
            assert_eq!((kind.number(), RecordType::from_number(number)), (number, kind));
        }
        assert_eq!("TYPE99".parse(), Ok(RecordType::Other(99)));
        assert_eq!(RecordType::Other(99).to_string(), "TYPE99");
        for wrong in ["", "TYPE", "TYPE65536", "AAA"] {
            assert!(wrong.parse::<RecordType>().is_err(), "{wrong}");
        }
    }
}
