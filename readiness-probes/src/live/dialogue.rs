use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use readiness_core::{
    Looking, ObserveError, Source,
    fact::{ByteText, Expect, Step},
};
use tokio::{net::TcpStream, time::timeout_at};

use super::{
    channel::{TALK_TIMEOUT, Talk, secure},
    link::{
        starttls::{
            Names,
            answer::{End, Framer, Verdict, verdict},
        },
        tcp::{Dialled, dial, micros, spend_connection},
    },
    settings::Shared,
};
use crate::dep::{Dialogue, DialogueEnd, DialogueFacts, DialogueReply, ReplyEnd};

/// Answers [`Dialogue`].
pub(crate) struct DialogueSource(pub(crate) Arc<Shared>);

impl DialogueSource {
    /// A connection and the longest dialogue.
    pub(crate) const DEADLINE: Duration = Duration::from_secs(25);
}

/// The longest dialogue.
const MOST_TIME: Duration = Duration::from_secs(20);

/// How long a dialogue may take: six seconds, unless one of its answers may take about that long alone.
fn limit(steps: &[Step]) -> Duration {
    const REST: Duration = Duration::from_secs(2);
    let longest = steps.iter().filter_map(|step| match step {
        Step::Expect(expect) => Some(expect.within_ms),
        _ => None,
    });
    let longest = Duration::from_millis(longest.max().unwrap_or_default().into());
    TALK_TIMEOUT.max(longest + REST).min(MOST_TIME)
}

impl Source<Dialogue> for DialogueSource {
    async fn look(&self, key: Dialogue, cx: Looking) -> Result<DialogueFacts, ObserveError> {
        spend_connection(&cx, key.endpoint.tls);
        let mut facts = hold(&self.0, &key).await?;
        for reply in &mut facts.replies {
            // Nothing secret was sent; somebody may know it all the same.
            reply.bytes = ByteText::new(cx.scrub_bytes(reply.bytes.as_bytes()));
            reply.unasked = ByteText::new(cx.scrub_bytes(reply.unasked.as_bytes()));
            if let ReplyEnd::Malformed(problem) = &mut reply.end {
                *problem = cx.scrub(problem);
            }
        }
        Ok(facts)
    }
}

async fn hold(shared: &Shared, key: &Dialogue) -> Result<DialogueFacts, ObserveError> {
    let Dialled { facts: tcp, stream } = dial(shared, key.endpoint.address).await?;
    let mut facts = DialogueFacts::new(tcp, DialogueEnd::NotOpen);
    let Ok(stream) = stream else {
        return Ok(facts);
    };
    let began = Instant::now();
    let deadline = tokio::time::Instant::now() + limit(&key.steps);
    let names = Names::new(&key.endpoint.name, stream.local_addr());
    let mut talk = channel(shared, key, stream, &mut facts).await?;
    if let Some(talk) = &mut talk {
        facts.end = speak(key, &names, deadline, talk, &mut facts.replies).await;
    }
    facts.dialogue_us = micros(began.elapsed());
    Ok(facts)
}

/// The channel that the dialogue is held over; `None` where the handshake fails.
async fn channel(
    shared: &Shared,
    key: &Dialogue,
    stream: TcpStream,
    facts: &mut DialogueFacts,
) -> Result<Option<Talk>, ObserveError> {
    if !key.endpoint.tls {
        return Ok(Some(Talk::new(stream)));
    }
    let (tls, talk) = secure(shared, &key.endpoint.name, stream).await?;
    facts.tls = tls;
    if talk.is_none() {
        facts.end = DialogueEnd::TlsMissing;
    }
    Ok(talk)
}

async fn speak(
    key: &Dialogue,
    names: &Names<'_>,
    deadline: tokio::time::Instant,
    talk: &mut Talk,
    replies: &mut Vec<DialogueReply>,
) -> DialogueEnd {
    for step in key.steps.iter().take(Dialogue::MOST_STEPS) {
        match step {
            Step::Send(bytes) => {
                note_unasked(talk, replies);
                let bytes = names.fill("", bytes.as_bytes());
                // A peer that takes nothing may have said why: the next answer tells.
                let _ = timeout_at(deadline, talk.write(&bytes)).await;
            }
            Step::Expect(expect) => {
                let reply = read(expect, deadline, talk).await;
                let goes_on = reply.whole().is_some_and(|bytes| {
                    expect.accept.is_empty() || verdict(expect, bytes) == Verdict::Accepted
                });
                replies.push(reply);
                if !goes_on {
                    return DialogueEnd::Stopped;
                }
            }
            _ => return DialogueEnd::Stopped,
        }
    }
    // What comes after a farewell is its answer.
    if !matches!(key.steps.last(), Some(Step::Send(_))) {
        note_unasked(talk, replies);
    }
    DialogueEnd::Done
}

/// Reads one answer, to its end or to the reason why it has none.
async fn read(expect: &Expect, deadline: tokio::time::Instant, talk: &mut Talk) -> DialogueReply {
    let began = Instant::now();
    let within = Duration::from_millis(u64::from(expect.within_ms));
    let deadline = deadline.min(tokio::time::Instant::now() + within);
    let most = usize::try_from(expect.most_bytes).unwrap_or(usize::MAX);
    let mut framer = Framer::new(&expect.frame);
    let (end, length) = loop {
        match framer.look(&talk.received) {
            End::At(length) if length <= most => break (ReplyEnd::Whole, length),
            End::More if talk.received.len() < most && talk.left() > 0 => {}
            End::At(_) | End::More => break (ReplyEnd::TooLong, talk.received.len().min(most)),
            End::Wrong(problem) => break (ReplyEnd::Malformed(problem), talk.received.len()),
        }
        let end = match timeout_at(deadline, talk.read()).await {
            Err(_) => ReplyEnd::Silent,
            Ok(Ok(0)) => ReplyEnd::Closed,
            Ok(Ok(_)) => continue,
            Ok(Err(e)) if e.kind() == io::ErrorKind::UnexpectedEof => ReplyEnd::Closed,
            Ok(Err(_)) => ReplyEnd::Reset,
        };
        break (end, talk.received.len());
    };
    let bytes = talk.received.split_to(length.min(talk.received.len()));
    let mut reply = DialogueReply::new(bytes.to_vec(), end);
    reply.answer_us = micros(began.elapsed());
    reply
}

/// Notes what came behind the last answer before anybody asked for more. It stays where it is: some servers
/// say more than one thing, and the next answer may be among it.
fn note_unasked(talk: &mut Talk, replies: &mut [DialogueReply]) {
    const MOST_BYTES: usize = 256;
    let Some(reply) = replies.last_mut() else {
        return;
    };
    // Without waiting: what is not here yet was not early.
    let _ = talk.read().now_or_never();
    let seen = talk.received.get(..MOST_BYTES).unwrap_or(&talk.received);
    reply.unasked = ByteText::new(seen.to_vec());
}

#[cfg(test)]
#[path = "dialogue_tests.rs"]
mod tests;
