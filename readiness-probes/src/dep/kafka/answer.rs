//! The answers of a broker to `ApiVersions` (version 0) and `Metadata` (version 1).

/// Which requests a broker knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ApiVersions {
    /// 0 where all is well.
    pub(super) error: i16,
    /// How many kinds of request.
    pub(super) known: usize,
    /// The least and the latest version of `Metadata`.
    pub(super) metadata: Option<(i16, i16)>,
}

/// The cluster, without its topics.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Metadata {
    pub(super) brokers: u32,
}

/// More than any broker has, and less than could hurt.
const MOST_KINDS: u32 = 1024;
const MOST_BROKERS: u32 = 10_000;

impl ApiVersions {
    /// `None` for what is no answer to the request of this number.
    pub(super) fn read(message: &[u8], number: u32) -> Option<Self> {
        let mut rest = Rest::of(message, number)?;
        let error = rest.int16()?;
        let count = rest.count(MOST_KINDS)?;
        let mut metadata = None;
        for _ in 0..count {
            let (key, least, most) = (rest.int16()?, rest.int16()?, rest.int16()?);
            if least < 0 || most < least {
                return None;
            }
            if key == 3 {
                metadata = Some((least, most));
            }
        }
        let known = usize::try_from(count).ok()?;
        // A broker that knows no request at all is none.
        (rest.0.is_empty() && (known > 0 || error != 0)).then_some(Self {
            error,
            known,
            metadata,
        })
    }
}

impl Metadata {
    /// `None` for what is no answer to the request of this number.
    pub(super) fn read(message: &[u8], number: u32) -> Option<Self> {
        let mut rest = Rest::of(message, number)?;
        let brokers = rest.count(MOST_BROKERS)?;
        for _ in 0..brokers {
            // Its number, host, port and rack; the rack may be missing.
            rest.int32()?;
            rest.text()?;
            rest.int32()?;
            rest.text()?;
        }
        // The controller, and no topic.
        rest.int32()?;
        (rest.count(0)? == 0 && rest.0.is_empty()).then_some(Self { brokers })
    }
}

/// What is left of a message.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// The body of an answer, where its length and its number are right.
    fn of(message: &'a [u8], number: u32) -> Option<Self> {
        let (length, rest) = message.split_first_chunk()?;
        if u32::try_from(rest.len()) != Ok(u32::from_be_bytes(*length)) {
            return None;
        }
        let (found, rest) = rest.split_first_chunk()?;
        (u32::from_be_bytes(*found) == number).then_some(Self(rest))
    }

    fn int16(&mut self) -> Option<i16> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i16::from_be_bytes(*bytes))
    }

    fn int32(&mut self) -> Option<i32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*bytes))
    }

    /// The length of a list, which is never reserved.
    fn count(&mut self, most: u32) -> Option<u32> {
        u32::try_from(self.int32()?).ok().filter(|count| *count <= most)
    }

    /// A text; -1 is the length of one that is missing.
    fn text(&mut self) -> Option<()> {
        let length = match self.int16()? {
            -1 => 0,
            length => usize::try_from(length).ok()?,
        };
        self.0 = self.0.get(length..)?;
        Some(())
    }
}
