//! Elements of DER, one after another, for what no crate in here reads.

use readiness_core::Timestamp;
use x509_parser::asn1_rs::{Any, Class, FromDer, GeneralizedTime};

/// What is left to be read of a value's content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next element; `None` at the end, and where there is none.
    pub(super) fn next(&mut self) -> Option<Any<'a>> {
        let (rest, element) = Any::from_der(self.0).ok()?;
        self.0 = rest;
        Some(element)
    }

    /// The content of the next element, if it is of this universal type.
    pub(super) fn content(&mut self, tag: u32) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let element = ahead.next()?;
        let is_it = element.class() == Class::Universal && element.tag().0 == tag;
        is_it.then(|| *self = ahead)?;
        Some(element.data)
    }

    /// The same, to be read on.
    pub(super) fn inside(&mut self, tag: u32) -> Option<Self> {
        self.content(tag).map(Self)
    }

    /// The content of the next element, if it bears this number of the context.
    pub(super) fn tagged(&mut self, number: u32) -> Option<Self> {
        let mut ahead = *self;
        let element = ahead.next()?;
        let is_it = element.class() == Class::ContextSpecific && element.tag().0 == number;
        is_it.then(|| *self = ahead)?;
        Some(Self(element.data))
    }

    /// The next element as an instant.
    pub(super) fn instant(&mut self) -> Option<Timestamp> {
        let time = GeneralizedTime::try_from(self.next()?).ok()?;
        let seconds = time.utc_datetime().ok()?.unix_timestamp();
        Some(Timestamp::from_unix_seconds(seconds))
    }
}

/// Universal types, by their numbers (X.680, section 8).
pub(super) const INTEGER: u32 = 2;
pub(super) const OCTET_STRING: u32 = 4;
pub(super) const OBJECT_IDENTIFIER: u32 = 6;
pub(super) const ENUMERATED: u32 = 10;
pub(super) const SEQUENCE: u32 = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_are_read_by_type() {
        let mut reader = Reader::new(&[0x02, 1, 5, 0x30, 2, 0x05, 0, 0xa1, 3, 0x0a, 1, 7]);
        assert!(reader.content(SEQUENCE).is_none());
        assert_eq!(reader.content(INTEGER), Some(&[5][..]));
        assert!(reader.inside(SEQUENCE).unwrap().next().is_some());
        assert!(reader.tagged(0).is_none());
        assert_eq!(reader.tagged(1).unwrap().content(ENUMERATED), Some(&[7][..]));
        assert!(reader.next().is_none());
        let mut time = Reader::new(b"\x18\x0f20261120000000Z");
        assert_eq!(time.instant(), Some(crate::tls::fixtures::NOW));
        for bad in [
            &b"\x18\x0f20261320000000Z"[..],
            b"\x18\x7f2026",
            b"\x17\x0d261120000000Z",
        ] {
            assert_eq!(Reader::new(bad).instant(), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut reader = Reader::new(&bytes);
            let _ = (reader.instant(), reader.tagged(0).is_some(), reader.inside(SEQUENCE).is_some());
            while reader.next().is_some() {}
        }
    }
}
