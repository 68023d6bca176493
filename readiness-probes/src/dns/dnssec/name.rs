use std::{cmp::Ordering, fmt};

/// A domain name: its labels in lower case, from the left. The root has none.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Name(Vec<Vec<u8>>);

/// RFC 1035, section 2.3.4.
const MOST_BYTES: usize = 255;
const MOST_LABEL_BYTES: usize = 63;

impl Name {
    pub(super) fn root() -> Self {
        Self(Vec::new())
    }

    /// This machine. RFC 6761, section 6.3.
    pub(super) fn localhost() -> Self {
        Self(vec![b"localhost".to_vec()])
    }

    /// Reads a name as a zone file writes it, with or without a final dot. RFC 1035, section 5.1.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text == "." {
            return Some(Self::root());
        }
        let (mut labels, mut label) = (Vec::new(), Vec::new());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'.' => labels.push(std::mem::take(&mut label)),
                b'\\' => label.push(escaped(&mut bytes)?),
                _ => label.push(byte.to_ascii_lowercase()),
            }
        }
        // A final dot leaves nothing over.
        if !label.is_empty() {
            labels.push(label);
        }
        Self::checked(labels)
    }

    /// Reads a name without pointers, and gives what follows it.
    pub(super) fn from_wire(mut bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut labels = Vec::new();
        loop {
            let (length, rest) = bytes.split_first()?;
            if *length == 0 {
                let name = if labels.is_empty() {
                    Self::root()
                } else {
                    Self::checked(labels)?
                };
                return Some((name, rest));
            }
            let (label, rest) = rest.split_at_checked(usize::from(*length))?;
            labels.push(label.to_ascii_lowercase());
            // More than fits into a name is none.
            if labels.len() > MOST_BYTES / 2 {
                return None;
            }
            bytes = rest;
        }
    }

    fn checked(labels: Vec<Vec<u8>>) -> Option<Self> {
        let all: usize = labels.iter().map(|label| label.len() + 1).sum();
        let fit = labels
            .iter()
            .all(|label| (1..=MOST_LABEL_BYTES).contains(&label.len()));
        (!labels.is_empty() && fit && all < MOST_BYTES).then_some(Self(labels))
    }

    /// How many labels it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The canonical form. RFC 4034, section 6.2.
    pub(super) fn wire(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for label in &self.0 {
            bytes.push(u8::try_from(label.len()).unwrap_or_default());
            bytes.extend_from_slice(label);
        }
        bytes.push(0);
        bytes
    }

    /// Its last labels: itself where it has no more.
    pub(super) fn last(&self, labels: usize) -> Self {
        let from = self.0.len().saturating_sub(labels);
        Self(self.0.get(from..).unwrap_or_default().to_vec())
    }

    pub(super) fn first_label(&self) -> Option<&[u8]> {
        self.0.first().map(Vec::as_slice)
    }

    pub(super) fn parent(&self) -> Self {
        self.last(self.len().saturating_sub(1))
    }

    /// Whether it is this name or one below it.
    pub(super) fn is_within(&self, zone: &Self) -> bool {
        self.0.ends_with(&zone.0)
    }

    pub(super) fn is_below(&self, other: &Self) -> bool {
        self.len() > other.len() && self.is_within(other)
    }

    /// How many labels both end with.
    pub(super) fn in_common(&self, other: &Self) -> usize {
        let pairs = self.0.iter().rev().zip(other.0.iter().rev());
        pairs.take_while(|(one, two)| one == two).count()
    }

    /// `*` below it.
    pub(super) fn wildcard(&self) -> Self {
        let mut labels = vec![b"*".to_vec()];
        labels.extend_from_slice(&self.0);
        Self(labels)
    }

    pub(super) fn is_wildcard(&self) -> bool {
        self.first_label() == Some(b"*")
    }

    /// Its labels moved from below one name to below another. RFC 6672, section 2.2.
    pub(super) fn moved(&self, from: &Self, to: &Self) -> Option<Self> {
        let kept = self.0.get(..self.len().checked_sub(from.len())?)?;
        Self::checked([kept, &to.0].concat())
    }
}

/// One escaped byte.
fn escaped(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(10);
    let first = bytes.next()?;
    let Some(hundreds) = digit(first) else {
        return Some(first.to_ascii_lowercase());
    };
    let (tens, ones) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
    let byte = u8::try_from(hundreds * 100 + tens * 10 + ones).ok()?;
    Some(byte.to_ascii_lowercase())
}

impl Ord for Name {
    /// The canonical order. RFC 4034, section 6.1.
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Name {
    /// As a look-up is written: without a final dot.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(".");
        }
        for (i, label) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            for byte in label {
                match byte {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(*byte))?,
                    0x21..=0x7e => write!(f, "{}", char::from(*byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn names_are_read_and_written() {
        for (text, shown) in [
            (".", "."),
            ("Example.COM.", "example.com"),
            (r"a\.b.c", r"a\.b.c"),
            (r"a\032b\200", r"a\032b\200"),
            (r"\065.b", "a.b"),
        ] {
            let read = name(text);
            assert_eq!(read.to_string(), shown);
            let wire = read.wire();
            assert_eq!(Name::from_wire(&wire), Some((read, &[][..])));
        }
        let long = vec!["a".repeat(63); 4].join(".");
        for wrong in ["", "a..b", ".a", r"a\", r"a\25", r"a\256", &"a".repeat(64), &long] {
            assert_eq!(Name::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        let endless = vec![1; 400];
        let wrong: [&[u8]; 5] = [&[], &[3, b'a'], &[1, b'a'], &[0xC0, 0], &endless];
        for bytes in wrong {
            assert_eq!(Name::from_wire(bytes), None, "{bytes:?}");
        }
        assert_eq!(Name::from_wire(&[0, 7]), Some((Name::root(), &[7][..])));
    }

    #[test]
    fn the_canonical_order_is_that_of_the_standard() {
        // The example of RFC 4034, section 6.1.
        let sorted = [
            "example",
            "a.example",
            "yljkjljk.a.example",
            "z.a.example",
            "zabc.a.example",
            "z.example",
            r"\001.z.example",
            "*.z.example",
            r"\200.z.example",
        ];
        for pair in sorted.windows(2) {
            assert!(name(pair[0]) < name(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn names_stand_to_each_other() {
        let (zone, host) = (name("example.com"), name("a.b.example.com"));
        assert!(host.is_below(&zone) && host.is_within(&zone) && !zone.is_below(&zone));
        assert!(zone.is_within(&zone) && zone.is_below(&Name::root()));
        assert!(!name("badexample.com").is_within(&zone));
        assert_eq!(host.last(1), name("com"));
        assert_eq!(host.last(9), host);
        assert_eq!(host.parent(), name("b.example.com"));
        assert_eq!(Name::root().parent(), Name::root());
        assert_eq!(host.in_common(&name("x.example.com")), 2);
        assert_eq!(zone.wildcard(), name("*.example.com"));
        assert_eq!(
            host.moved(&zone, &name("example.net")),
            Some(name("a.b.example.net"))
        );
        assert_eq!(zone.moved(&host, &zone), None);
    }
}
