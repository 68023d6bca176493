//! Holds the dialogue in plain text before TLS, as its script says.

pub(in crate::live) mod answer;
mod replay;

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use readiness_core::{
    Reason,
    fact::{Expect, StartTls, Step},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};

use self::answer::{End, Framer, Verdict, printable, quoted, verdict};
pub use self::replay::hold_dialogue;

/// How long the peer may take to accept what is sent.
const SEND_TIMEOUT: Duration = Duration::from_secs(3);

/// What is read past an answer: a byte behind it is all that is asked, and no more is kept.
const MARGIN_BYTES: usize = 512;

/// Who speaks with whom.
pub(crate) struct Names<'a> {
    /// The name that is asked for.
    pub(crate) host: &'a str,
    /// What we call ourselves where the script gives no name.
    client: String,
}

impl<'a> Names<'a> {
    /// We are called by the address that we come from.
    pub(crate) fn new(host: &'a str, local: io::Result<SocketAddr>) -> Self {
        // An address literal of RFC 5321, section 4.1.3.
        let client = match local.map(|local| local.ip().to_canonical()) {
            Ok(IpAddr::V4(address)) => format!("[{address}]"),
            Ok(IpAddr::V6(address)) => format!("[IPv6:{address}]"),
            Err(_) => "[127.0.0.1]".to_owned(),
        };
        Self { host, client }
    }

    /// What is sent, with the names in their places; without a name of its own a script calls us as `self`
    /// does.
    pub(crate) fn fill(&self, client_name: &str, bytes: &[u8]) -> Vec<u8> {
        let client = match client_name {
            "" => &self.client,
            own => own,
        };
        let mut filled = Vec::with_capacity(bytes.len() + 64);
        let mut rest = bytes;
        while let Some((&first, behind)) = rest.split_first() {
            if let Some(behind) = rest.strip_prefix(b"{client_name}") {
                filled.extend_from_slice(client.as_bytes());
                rest = behind;
            } else if let Some(behind) = rest.strip_prefix(b"{host}") {
                filled.extend_from_slice(self.host.as_bytes());
                rest = behind;
            } else {
                filled.push(first);
                rest = behind;
            }
        }
        filled
    }
}

/// Why TLS does not begin.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    /// `starttls.declined`, `starttls.injected`, `starttls.unexpected`, `tls.closed`, `tcp.reset`, `timeout`
    /// or `error`.
    pub(crate) reason: Reason,
    /// The same in words.
    pub(crate) message: String,
}

impl Refusal {
    fn new(reason: Reason, message: String) -> Self {
        Self { reason, message }
    }

    /// Whether it tells that we could not look, and nothing of the peer.
    pub(crate) fn is_blindness(&self) -> bool {
        self.reason == Reason::TIMEOUT || self.reason == Reason::ERROR
    }
}

/// Holds the dialogue to its end. After `Ok` the next byte of the peer belongs to TLS.
///
/// Each step has its own deadline, and what is read is bounded by the script.
pub(crate) async fn negotiate<S: AsyncRead + AsyncWrite + Unpin>(
    script: &StartTls,
    names: &Names<'_>,
    stream: &mut S,
) -> Result<(), Refusal> {
    let mut dialogue = Dialogue {
        stream,
        received: Vec::new(),
        asked: None,
    };
    for step in script.steps() {
        match step {
            Step::Expect(expect) => dialogue.expect(expect).await?,
            Step::Send(bytes) => {
                dialogue.nothing_ahead()?;
                dialogue
                    .send(&names.fill(script.client_name(), bytes.as_bytes()))
                    .await?;
                let asked = printable(bytes.as_bytes());
                // Without the names: they are known, and may be long.
                dialogue.asked = asked.split(" {").next().map(str::to_owned);
            }
            _ => {
                let said = format!(
                    "the script `{}` has a step that this version does not know",
                    script.name()
                );
                return Err(Refusal::new(Reason::ERROR, said));
            }
        }
    }
    // Nobody speaks TLS before our first message: what is there now was sent in plain text.
    dialogue.peek().await;
    dialogue.nothing_ahead()
}

struct Dialogue<'a, S> {
    stream: &'a mut S,
    /// What came and belongs to no answer yet.
    received: Vec<u8>,
    /// What was sent last, if anything was.
    asked: Option<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Dialogue<'_, S> {
    /// What the peer is about to say, in words.
    fn turn(&self) -> String {
        match self.asked.as_deref() {
            None => "its greeting".to_owned(),
            Some("") => "its answer to the request for TLS".to_owned(),
            Some(asked) => format!("its answer to `{asked}`"),
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(SEND_TIMEOUT, sent).await {
            Ok(sent) => sent.map_err(|e| self.broken(&e)),
            Err(_) => {
                let said = format!("the peer took nothing within {SEND_TIMEOUT:?}");
                Err(Refusal::new(Reason::TIMEOUT, said))
            }
        }
    }

    async fn expect(&mut self, expect: &Expect) -> Result<(), Refusal> {
        let within = Duration::from_millis(u64::from(expect.within_ms));
        let Ok(end) = timeout(within, self.read(expect)).await else {
            let came = match self.received.len() {
                0 => "nothing came; the port may speak TLS from the first byte".to_owned(),
                n => format!("{n} bytes came: `{}`", printable(&self.received)),
            };
            let said = format!("the peer did not end {} within {within:?}: {came}", self.turn());
            return Err(Refusal::new(Reason::TIMEOUT, said));
        };
        let end = end?;
        let rest = self.received.split_off(end.min(self.received.len()));
        let answer = std::mem::replace(&mut self.received, rest);
        let turn = self.turn();
        match verdict(expect, &answer) {
            Verdict::Accepted => Ok(()),
            Verdict::Declined { lacks } => {
                let said = match lacks {
                    Some(lacks) => format!("the peer does not offer TLS: {turn} has no {lacks}"),
                    None => format!("the peer declines TLS: {turn} is `{}`", quoted(expect, &answer)),
                };
                Err(Refusal::new(Reason::STARTTLS_DECLINED, said))
            }
            Verdict::Unexpected => {
                Err(self.unexpected(&format!("is `{}`", quoted(expect, &answer)), &answer))
            }
        }
    }

    /// Reads until the answer is whole, and tells where it ends.
    async fn read(&mut self, expect: &Expect) -> Result<usize, Refusal> {
        let most = usize::try_from(expect.most_bytes).unwrap_or(usize::MAX);
        let mut framer = Framer::new(&expect.frame);
        loop {
            match framer.look(&self.received) {
                End::At(end) if end <= most => return Ok(end),
                End::More if self.received.len() < most => {}
                End::At(_) | End::More => {
                    return Err(self.unexpected(&format!("is longer than {most} bytes"), &self.received));
                }
                End::Wrong(problem) => return Err(self.unexpected(&problem, &self.received)),
            }
            let mut chunk = [0; 1024];
            let room = (most + MARGIN_BYTES)
                .saturating_sub(self.received.len())
                .min(chunk.len());
            match self.stream.read(chunk.get_mut(..room).unwrap_or_default()).await {
                Ok(0) => {
                    let said = format!("the peer closed the connection in the middle of {}", self.turn());
                    return Err(Refusal::new(Reason::TLS_CLOSED, said));
                }
                Ok(n) => self
                    .received
                    .extend_from_slice(chunk.get(..n).unwrap_or_default()),
                Err(e) => return Err(self.broken(&e)),
            }
        }
    }

    /// Takes what has come already, without waiting.
    async fn peek(&mut self) {
        let mut chunk = [0; 64];
        let mut chunk = ReadBuf::new(&mut chunk);
        poll_fn(|cx| {
            let _ = Pin::new(&mut *self.stream).poll_read(cx, &mut chunk);
            Poll::Ready(())
        })
        .await;
        self.received.extend_from_slice(chunk.filled());
    }

    /// Whoever stands in between can put plain text behind an answer. A client that keeps it takes it for
    /// something the server said under TLS (CVE-2011-0411, CVE-2021-23222): here it ends the dialogue.
    fn nothing_ahead(&self) -> Result<(), Refusal> {
        if self.received.is_empty() {
            return Ok(());
        }
        let text = printable(&self.received);
        let shown = if text.is_empty() {
            String::new()
        } else {
            format!(": `{text}`")
        };
        let said = format!("plain text was put in before TLS, behind {}{shown}", self.turn());
        Err(Refusal::new(Reason::STARTTLS_INJECTED, said))
    }

    fn unexpected(&self, what: &str, bytes: &[u8]) -> Refusal {
        // A record of TLS: an alert or a handshake (RFC 8446, section 5.1).
        let hint = match bytes {
            [21 | 22, 3, ..] | [21 | 22] => {
                "; that is how TLS begins: the port may speak TLS from the first byte"
            }
            _ => "",
        };
        let said = format!("the peer does not go on to TLS: {} {what}{hint}", self.turn());
        Refusal::new(Reason::STARTTLS_UNEXPECTED, said)
    }

    fn broken(&self, e: &io::Error) -> Refusal {
        match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                let said = format!("the peer closed the connection before {}", self.turn());
                Refusal::new(Reason::TLS_CLOSED, said)
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                let said = format!("the peer reset the connection before {}", self.turn());
                Refusal::new(Reason::TCP_RESET, said)
            }
            _ => Refusal::new(Reason::ERROR, format!("the connection failed: {e}")),
        }
    }
}

#[cfg(test)]
mod tests;
