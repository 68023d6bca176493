//! How a plain-text protocol changes to TLS on its own port, as data.

mod known;
mod written;

use serde::{Deserialize, Serialize};

use super::ByteText;

/// A dialogue in plain text after which both sides speak TLS: what is sent, and what must be answered.
///
/// `smtp`, `lmtp`, `imap`, `pop3`, `postgres` and `mysql` are known by name. Any other is given as data, in
/// `readiness.toml` as here: each step sends something or waits for an answer.
///
/// ```
/// use readiness_core::fact::{Expect, Frame, Pattern, StartTls, Step};
/// let news = StartTls::new("nntp", vec![
///     Step::Expect(Expect::new(Frame::Line).accept(Pattern::begins("20"))),
///     Step::send("STARTTLS\r\n"),
///     Step::Expect(
///         Expect::new(Frame::Line).accept(Pattern::begins("382")).decline(Pattern::begins("5")),
///     ),
/// ])?;
/// let written = r#"{ "name": "nntp", "steps": [
///     { "expect": { "frame": "line", "accept": [{ "begins": "20" }] } },
///     { "send": "STARTTLS\r\n" },
///     { "expect": { "frame": "line", "accept": [{ "begins": "382" }], "decline": [{ "begins": "5" }] } }
/// ] }"#;
/// assert_eq!(serde_json::from_str::<StartTls>(written)?, news);
/// assert_eq!(serde_json::from_str::<StartTls>("\"smtp\"")?, StartTls::smtp());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct StartTls {
    name: String,
    client_name: String,
    steps: Vec<Step>,
}

/// One step of a dialogue.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Waits for an answer.
    Expect(Expect),
    /// Sends these bytes. `{host}` stands for the name that is asked for, `{client_name}` for what we call
    /// ourselves.
    Send(ByteText),
}

impl Step {
    /// Sends this text.
    pub fn send(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Send(ByteText::new(bytes))
    }
}

/// An answer that is waited for: where it ends, what it may take, and what it means.
///
/// `accept` is looked at first. An answer that is neither is not of this protocol.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Where the answer ends.
    pub frame: Frame,
    /// The dialogue goes on where the answer has all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<Pattern>,
    /// Otherwise the peer does not do TLS where the answer has any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decline: Vec<Pattern>,
    /// The longest answer that is read, in bytes. Default: 8192.
    #[serde(default = "default_most_bytes")]
    pub most_bytes: u32,
    /// How long the whole answer may take, in milliseconds. Default: 3000.
    #[serde(default = "default_within_ms")]
    pub within_ms: u32,
}

impl Expect {
    /// Any answer that ends so, of at most 8192 bytes, within 3 s.
    pub fn new(frame: Frame) -> Self {
        Self {
            frame,
            accept: Vec::new(),
            decline: Vec::new(),
            most_bytes: default_most_bytes(),
            within_ms: default_within_ms(),
        }
    }

    /// Goes on only where the answer has this too.
    pub fn accept(mut self, pattern: Pattern) -> Self {
        self.accept.push(pattern);
        self
    }

    /// Takes an answer that has this for a refusal.
    pub fn decline(mut self, pattern: Pattern) -> Self {
        self.decline.push(pattern);
        self
    }

    /// Sets the longest answer that is read, in bytes.
    pub fn most_bytes(mut self, most: u32) -> Self {
        self.most_bytes = most;
        self
    }

    /// Sets how long the whole answer may take, in milliseconds.
    pub fn within_ms(mut self, limit: u32) -> Self {
        self.within_ms = limit;
        self
    }
}

fn default_most_bytes() -> u32 {
    8192
}

fn default_within_ms() -> u32 {
    3000
}

/// Where an answer ends.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// After so many bytes.
    Bytes(u32),
    /// After one line.
    Line,
    /// After the first line that begins with one of these, such as the tag of an IMAP command.
    Lines {
        /// How the last line begins.
        until: Vec<String>,
    },
    /// After as many bytes as the message itself says.
    Prefixed(LengthField),
    /// After the last line of a reply as SMTP has it (RFC 5321, section 4.2.1): `250-` goes on, `250 ` ends.
    Reply,
    /// After these bytes.
    Until(ByteText),
}

/// Where in a message its length stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct LengthField {
    /// How many bytes stand before it.
    pub offset: u32,
    /// How many bytes it has, 1 to 4.
    pub size: u8,
    /// Whether its first byte is the greatest.
    #[serde(default)]
    pub big_endian: bool,
    /// What is added to it for the length of the whole message.
    #[serde(default)]
    pub plus: u32,
}

impl LengthField {
    /// A length of so many bytes at this place, least byte first, to which this is added.
    pub fn new(offset: u32, size: u8, plus: u32) -> Self {
        Self {
            offset,
            size,
            big_endian: false,
            plus,
        }
    }

    /// Its first byte is the greatest.
    pub fn big_endian(mut self) -> Self {
        self.big_endian = true;
        self
    }
}

/// Something an answer may have. Texts are compared without regard to ASCII case, bytes exactly.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// These bytes at this place.
    At {
        /// How many bytes stand before them.
        #[serde(default)]
        offset: u32,
        /// The bytes.
        bytes: ByteText,
    },
    /// Its last line begins with this text.
    Begins(String),
    /// This bit, or one of these, is set.
    Bit(BitField),
    /// This text anywhere.
    Contains(String),
    /// A line that offers this: of an SMTP reply the first word of a line but the first (RFC 5321, section
    /// 4.1.1.1), else any word of any line.
    Keyword(String),
}

impl Pattern {
    /// These bytes at this place.
    pub fn at(offset: u32, bytes: impl Into<Vec<u8>>) -> Self {
        Self::At {
            offset,
            bytes: ByteText::new(bytes),
        }
    }

    /// Its last line begins with this text.
    pub fn begins(text: impl Into<String>) -> Self {
        Self::Begins(text.into())
    }

    /// A line that offers this.
    pub fn keyword(word: impl Into<String>) -> Self {
        Self::Keyword(word.into())
    }
}

/// Where in a message a bit stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct BitField {
    /// Where a text begins that ends with a zero byte: `offset` is counted from behind that byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_text_at: Option<u32>,
    /// How many bytes stand before the one with the bit.
    pub offset: u32,
    /// The bit in its byte: 1, 2, 4, … 128, or a sum of them.
    pub mask: u8,
}

impl BitField {
    /// A bit of the byte at this place.
    pub fn new(offset: u32, mask: u8) -> Self {
        Self {
            after_text_at: None,
            offset,
            mask,
        }
    }

    /// The place is counted from behind a text that begins here and ends with a zero byte.
    pub fn after_text_at(mut self, offset: u32) -> Self {
        self.after_text_at = Some(offset);
        self
    }
}

impl StartTls {
    /// The most steps a dialogue may have.
    pub const MOST_STEPS: usize = 32;
    /// The most bytes one answer may have.
    pub const MOST_BYTES: u32 = 64 * 1024;
    /// The longest one answer may take, in milliseconds.
    pub const MOST_MS: u32 = 30_000;

    /// A dialogue of this name with these steps.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(name: impl Into<String>, steps: Vec<Step>) -> Result<Self, String> {
        let dialogue = Self {
            name: name.into(),
            client_name: String::new(),
            steps,
        };
        dialogue.check()?;
        Ok(dialogue)
    }

    /// The built-in dialogue of this name.
    ///
    /// # Errors
    /// There is none; those there are are listed.
    pub fn named(name: &str) -> Result<Self, String> {
        known::find(name).ok_or_else(|| {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            format!(
                "`{shown}` is no known dialogue, expected {}, or a table with `name` and `steps`",
                Self::KNOWN.join(", ")
            )
        })
    }

    /// What we call ourselves where the dialogue asks: a name of this machine that the peer can look up.
    /// Default: the address we come from, as in `EHLO [192.0.2.1]` (RFC 5321, section 4.1.3).
    ///
    /// # Errors
    /// It holds a space, a control character or something else that is in no name.
    pub fn with_client_name(mut self, name: impl Into<String>) -> Result<Self, String> {
        self.client_name = name.into();
        self.check()?;
        Ok(self)
    }

    /// The name of the protocol, such as `smtp`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What we call ourselves; empty where that is the address we come from.
    pub fn client_name(&self) -> &str {
        &self.client_name
    }

    /// The steps in their order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn check(&self) -> Result<(), String> {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 40 || !self.name.chars().all(word) {
            return Err("`name` must be a short word, such as `nntp`".to_owned());
        }
        let in_name = |c: char| word(c) || matches!(c, '[' | ']' | ':');
        if self.client_name.len() > 255 || !self.client_name.chars().all(in_name) {
            return Err("`client_name` must be a host name or an address in brackets".to_owned());
        }
        if !self.steps.iter().any(|step| matches!(step, Step::Expect(_))) {
            return Err(format!("`{}` has no step that expects an answer", self.name));
        }
        if self.steps.len() > Self::MOST_STEPS {
            let most = Self::MOST_STEPS;
            return Err(format!(
                "`{}` has {} steps, at most {most} are",
                self.name,
                self.steps.len()
            ));
        }
        for (i, step) in self.steps.iter().enumerate() {
            let problem = match step {
                Step::Expect(expect) => expect.problem(),
                Step::Send(bytes) if bytes.is_empty() || bytes.len() > 4096 => {
                    Some("`send` must have 1 to 4096 bytes".to_owned())
                }
                Step::Send(_) => None,
            };
            if let Some(problem) = problem {
                return Err(format!("step {} of `{}`: {problem}", i + 1, self.name));
            }
        }
        Ok(())
    }
}

impl Expect {
    fn problem(&self) -> Option<String> {
        let most = StartTls::MOST_BYTES;
        if self.most_bytes == 0 || self.most_bytes > most {
            return Some(format!("`most_bytes` must be 1 to {most}"));
        }
        if self.within_ms == 0 || self.within_ms > StartTls::MOST_MS {
            return Some(format!("`within_ms` must be 1 to {}", StartTls::MOST_MS));
        }
        if self.accept.is_empty() {
            return Some("`accept` is empty, so nothing could fail".to_owned());
        }
        let empty = match &self.frame {
            Frame::Bytes(count) if *count == 0 || *count > self.most_bytes => {
                return Some("`bytes` must be 1 to `most_bytes`".to_owned());
            }
            Frame::Prefixed(field) if !(1..=4).contains(&field.size) => {
                return Some("`size` of the length must be 1 to 4".to_owned());
            }
            Frame::Lines { until } => until.is_empty() || until.iter().any(String::is_empty),
            Frame::Until(bytes) => bytes.is_empty(),
            _ => false,
        };
        if empty {
            return Some("`until` is empty".to_owned());
        }
        let nothing = self
            .accept
            .iter()
            .chain(&self.decline)
            .any(|pattern| match pattern {
                Pattern::At { bytes, .. } => bytes.is_empty(),
                Pattern::Bit(field) => field.mask == 0,
                Pattern::Begins(text) | Pattern::Contains(text) | Pattern::Keyword(text) => text.is_empty(),
            });
        nothing.then(|| "a pattern is empty, so every answer would have it".to_owned())
    }
}

#[cfg(test)]
mod tests;
