use std::{fmt, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, SeqAccess, Unexpected, Visitor},
};

/// A set of ports, written as `22, 80, 8000-8100`.
///
/// It is read from such a text, from a number, or from a list of both: `[22, 80, "8000-8100"]`.
///
/// ```
/// use readiness_core::fact::PortSet;
/// let set: PortSet = "443, 80, 8000-8002".parse()?;
/// assert_eq!(set.to_string(), "80,443,8000-8002");
/// assert_eq!(set.len(), 5);
/// # Ok::<(), readiness_core::fact::PortSetError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq, Serialize)]
#[serde(into = "String")]
pub struct PortSet(Vec<(u16, u16)>);

impl PortSet {
    /// Every port, 1 to 65535.
    pub fn all() -> Self {
        Self(vec![(1, u16::MAX)])
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many it holds.
    pub fn len(&self) -> usize {
        self.0
            .iter()
            .map(|&(from, to)| usize::from(to) - usize::from(from) + 1)
            .sum()
    }

    /// Whether it holds this one.
    pub fn contains(&self, port: u16) -> bool {
        // The ranges ascend and do not touch.
        let at = self.0.partition_point(|&(_, to)| to < port);
        self.0.get(at).is_some_and(|&(from, _)| from <= port)
    }

    /// All of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|&(from, to)| from..=to)
    }

    /// The ports of either.
    pub fn union(&self, other: &Self) -> Self {
        Self::from_ranges(self.0.iter().chain(&other.0).copied().collect())
    }

    /// The ports of both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.iter().filter(|port| other.contains(*port)).collect()
    }

    fn from_ranges(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match merged.last_mut() {
                Some(last) if u32::from(from) <= u32::from(last.1) + 1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }
}

impl FromIterator<u16> for PortSet {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        Self::from_ranges(ports.into_iter().map(|port| (port, port)).collect())
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (from, to)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if from == to {
                write!(f, "{comma}{from}")?;
            } else {
                write!(f, "{comma}{from}-{to}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for PortSet {
    type Err = PortSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut ranges = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let error = || PortSetError {
                part: part.chars().take(40).collect(),
            };
            let port = |text: &str| match text.trim().parse::<u16>() {
                Ok(port) if port > 0 => Ok(port),
                _ => Err(error()),
            };
            let (from, to) = match part.split_once('-') {
                Some((from, to)) => (port(from)?, port(to)?),
                None => (port(part)?, port(part)?),
            };
            if from > to {
                return Err(error());
            }
            ranges.push((from, to));
        }
        Ok(Self::from_ranges(ranges))
    }
}

impl<'de> Deserialize<'de> for PortSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PortSetVisitor)
    }
}

struct PortSetVisitor;

impl<'de> Visitor<'de> for PortSetVisitor {
    type Value = PortSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ports from 1 to 65535, such as `22, 80, 8000-8100` or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PortSet, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<PortSet, E> {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(PortSet(vec![(port, port)])),
            _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<PortSet, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<PortSet, A::Error> {
        let mut ranges = Vec::new();
        while let Some(PortSet(more)) = all.next_element()? {
            ranges.extend(more);
        }
        Ok(PortSet::from_ranges(ranges))
    }
}

impl TryFrom<String> for PortSet {
    type Error = PortSetError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PortSet> for String {
    fn from(set: PortSet) -> Self {
        set.to_string()
    }
}

/// A text that is no set of ports.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{part}` is no port or range of ports; write `22, 80, 8000-8100`, each from 1 to 65535")]
pub struct PortSetError {
    part: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_merges_and_writes() {
        let set: PortSet = " 8002,80, 8000-8001,80 ".parse().unwrap();
        assert_eq!(set.to_string(), "80,8000-8002");
        assert_eq!(set.iter().collect::<Vec<_>>(), [80, 8000, 8001, 8002]);
        let held: Vec<u16> = (1..=u16::MAX).filter(|port| set.contains(*port)).collect();
        assert_eq!(held, [80, 8000, 8001, 8002]);
        assert_eq!(PortSet::all().len(), 65_535);
        assert_eq!(PortSet::all().iter().count(), 65_535);
        assert_eq!("65535,1".parse::<PortSet>().unwrap().union(&set).len(), 6);
        for wrong in ["0", "65536", "9-1", "x", "1-", "-"] {
            assert!(wrong.parse::<PortSet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_is_read_too() {
        let read = |json: &str| serde_json::from_str::<PortSet>(json);
        let set = read(r#"[443, "22, 80", [81], "8000-8002"]"#).unwrap();
        assert_eq!(set.to_string(), "22,80-81,443,8000-8002");
        assert_eq!(read("443").unwrap(), read(r#""443""#).unwrap());
        assert_eq!(
            serde_json::to_string(&set).unwrap(),
            r#""22,80-81,443,8000-8002""#
        );
        assert!(read("[]").unwrap().is_empty());
        for wrong in [
            "0",
            "65536",
            "-1",
            "[0]",
            "[1, 65536]",
            "true",
            "1.5",
            r#"["x"]"#,
            "null",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains("1 to 65535"), "{wrong}: {error}");
        }
    }
}
