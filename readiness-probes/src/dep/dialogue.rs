//! A dialogue whose part on our side is known before: what is sent, and what was answered, byte by byte.

use readiness_core::{
    Observation,
    fact::{ByteText, Endpoint, Step, TcpFacts},
};
use serde::{Deserialize, Serialize};

use super::ChannelTls;

/// Holds a fixed dialogue with a server, over TCP or over TLS from the first byte.
///
/// Each [`Step::Send`] is sent as it stands (`{host}` and `{client_name}` are filled in), and each
/// [`Step::Expect`] gives one [`DialogueReply`]. Where an `Expect` names what it accepts, the dialogue goes on
/// only after an answer that has all of it; `decline` is not looked at. No step can hold a credential: keys
/// stand in recordings.
///
/// ```
/// use readiness_core::fact::{Endpoint, Expect, Frame, Step};
/// use readiness_probes::dep::Dialogue;
/// let endpoint = Endpoint::new("127.0.0.1:11211".parse()?, "cache.example.com", false);
/// let version = Dialogue::new(endpoint, vec![
///     Step::send("version\r\n"),
///     Step::Expect(Expect::new(Frame::Line)),
/// ]);
/// assert_eq!(version.steps.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dialogue {
    /// Where to, and whether over TLS.
    pub endpoint: Endpoint,
    /// What is sent and waited for, in this order, [`Dialogue::MOST_STEPS`] at most.
    pub steps: Vec<Step>,
}

impl Dialogue {
    /// The most steps that are taken.
    pub const MOST_STEPS: usize = 16;
    /// The most bytes that are read in one dialogue.
    pub const MOST_BYTES: usize = 64 * 1024;

    /// These steps with this endpoint.
    pub fn new(endpoint: Endpoint, steps: Vec<Step>) -> Self {
        Self { endpoint, steps }
    }
}

impl Observation for Dialogue {
    const KIND: &'static str = "dep.dialogue";
    type Fact = DialogueFacts;
}

/// What became of a dialogue.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DialogueFacts {
    /// The connection.
    pub tcp: TcpFacts,
    /// What protects it.
    #[serde(default)]
    pub tls: ChannelTls,
    /// One for each answer that was waited for, in their order.
    #[serde(default)]
    pub replies: Vec<DialogueReply>,
    /// How far it came.
    pub end: DialogueEnd,
    /// How long it took from the connection to the end, in microseconds.
    #[serde(default)]
    pub dialogue_us: u64,
}

impl DialogueFacts {
    /// A dialogue over this connection that came so far.
    pub fn new(tcp: TcpFacts, end: DialogueEnd) -> Self {
        Self {
            tcp,
            tls: ChannelTls::default(),
            replies: Vec::new(),
            end,
            dialogue_us: 0,
        }
    }
}

/// How far a dialogue came.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DialogueEnd {
    /// To its last step.
    Done,
    /// The port did not accept.
    NotOpen,
    /// To the last of its replies: that one is not whole, or has not what was to be accepted.
    Stopped,
    /// The TLS handshake failed.
    TlsMissing,
}

/// One answer, as it came.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DialogueReply {
    /// The answer with its end, or as much of it as came. Configured secrets in it are replaced.
    pub bytes: ByteText,
    /// How it ended.
    pub end: ReplyEnd,
    /// What had come behind it when it was whole, and nobody had asked for; its first 256 bytes.
    #[serde(default, skip_serializing_if = "ByteText::is_empty")]
    pub unasked: ByteText,
    /// How long it took to its end, in microseconds.
    #[serde(default)]
    pub answer_us: u64,
}

impl DialogueReply {
    /// An answer that ended so.
    pub fn new(bytes: impl Into<Vec<u8>>, end: ReplyEnd) -> Self {
        Self {
            bytes: ByteText::new(bytes),
            end,
            unasked: ByteText::default(),
            answer_us: 0,
        }
    }

    /// Its bytes, where all of them came.
    pub fn whole(&self) -> Option<&[u8]> {
        (self.end == ReplyEnd::Whole).then(|| self.bytes.as_bytes())
    }
}

/// How an answer ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ReplyEnd {
    /// The peer closed the connection before its end.
    Closed,
    /// It can no longer become what was waited for, for this reason.
    Malformed(String),
    /// The peer reset the connection before its end.
    Reset,
    /// It was not whole in time.
    Silent,
    /// It is longer than is read, or says that it is.
    TooLong,
    /// As it was waited for.
    Whole,
}
