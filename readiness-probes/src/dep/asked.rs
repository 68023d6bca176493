//! What dependencies that are asked by a fixed dialogue have in common.

use std::time::Duration;

use readiness_core::{
    Finding, Measure, Outcome, ProbeContext, ProbeError,
    fact::{PortState, Step},
};

use super::{
    Broken, BrokenKind, Dialogue, DialogueEnd, DialogueFacts, DialogueReply, ReplyEnd,
    spoken::{recognised, shown},
    verdict::{Scene, broken, described, each_address, tls_missing},
};
use crate::net::tcp::not_open;

/// Holds the dialogue with each address of the target and judges what was heard.
///
/// The judge sees only addresses that accepted, and spoke TLS where that was asked for.
pub(super) async fn ask(
    cx: &ProbeContext,
    steps: Vec<Step>,
    judge: impl Fn(&Scene<'_>, &DialogueFacts) -> Outcome,
) -> Result<Outcome, ProbeError> {
    each_address(
        cx,
        cx.target().is_tls(),
        |endpoint| cx.observe(Dialogue::new(endpoint, steps.clone())),
        |facts| facts.tcp.state,
        |scene, facts| match unreached(scene, facts) {
            Some(finding) => failed(finding),
            None => timed(judge(scene, facts), facts),
        },
    )
    .await
}

fn unreached(scene: &Scene<'_>, facts: &DialogueFacts) -> Option<Finding> {
    if facts.tcp.state != PortState::Open || facts.end == DialogueEnd::NotOpen {
        return Some(not_open(scene.place, &facts.tcp));
    }
    (facts.end == DialogueEnd::TlsMissing).then(|| tls_missing(scene, &facts.tls))
}

fn timed(outcome: Outcome, facts: &DialogueFacts) -> Outcome {
    let micros = Duration::from_micros;
    outcome
        .evidence("TLS", described(&facts.tls))
        .measure(Measure::duration("connect", micros(facts.tcp.connect_us)))
        .measure(Measure::duration("dialogue", micros(facts.dialogue_us)))
}

/// The reply of this number, or the fault of a peer that did not give it whole.
///
/// `turn` names it in words: `its greeting`.
pub(super) fn whole<'a>(
    scene: &Scene<'_>,
    what: &str,
    turn: &str,
    facts: &'a DialogueFacts,
    number: usize,
) -> Result<&'a [u8], Box<Finding>> {
    let Some(reply) = facts.replies.get(number) else {
        let how = Broken::new(BrokenKind::Closed, format!("it came not to {turn}"));
        return Err(Box::new(broken(scene, what, &how)));
    };
    match reply.whole() {
        Some(bytes) => Ok(bytes),
        None => Err(Box::new(unended(scene, what, turn, reply))),
    }
}

/// The fault of a peer whose reply is whole, and is none of this protocol.
pub(super) fn foreign(scene: &Scene<'_>, what: &str, bytes: &[u8], problem: &str) -> Finding {
    let said = match other(what, bytes) {
        Some(protocol) => format!("it speaks {protocol} (`{}`)", shown(bytes)),
        None => format!("{problem} (`{}`)", shown(bytes)),
    };
    broken(scene, what, &Broken::new(BrokenKind::Garbage, said)).evidence("received", shown(bytes))
}

/// The protocol that these bytes are of, where it is another one.
fn other(what: &str, bytes: &[u8]) -> Option<&'static str> {
    recognised(bytes).filter(|protocol| !protocol.starts_with(what))
}

/// The fault of a reply that did not come to its end.
fn unended(scene: &Scene<'_>, what: &str, turn: &str, reply: &DialogueReply) -> Finding {
    let bytes = reply.bytes.as_bytes();
    if other(what, bytes).is_some() {
        return foreign(scene, what, bytes, "");
    }
    let came = match bytes.len() {
        0 => String::new(),
        1 => format!(" after 1 byte (`{}`)", shown(bytes)),
        n => format!(" after {n} bytes (`{}`)", shown(bytes)),
    };
    let how = match &reply.end {
        ReplyEnd::Closed if bytes.is_empty() => Broken::new(
            BrokenKind::Closed,
            format!("it closed the connection instead of {turn}"),
        ),
        ReplyEnd::Closed => Broken::new(
            BrokenKind::Closed,
            format!("it closed the connection in the middle of {turn},{came}"),
        ),
        ReplyEnd::Malformed(problem) => Broken::new(BrokenKind::Garbage, format!("{turn} {problem}")),
        ReplyEnd::Reset => Broken::new(
            BrokenKind::Closed,
            format!("it reset the connection before {turn} was whole{came}"),
        ),
        ReplyEnd::Silent if bytes.is_empty() => Broken::new(
            BrokenKind::Silent,
            format!("nothing came of {turn}; a server of another protocol may wait for us to speak"),
        ),
        ReplyEnd::Silent => Broken::new(BrokenKind::Silent, format!("{turn} was not whole in time{came}")),
        ReplyEnd::TooLong | ReplyEnd::Whole => Broken::new(
            BrokenKind::TooMuch,
            format!("{turn} is longer than is read, or says so (`{}`)", shown(bytes)),
        ),
    };
    let finding = broken(scene, what, &how);
    match bytes.is_empty() {
        true => finding,
        false => finding.evidence("received", shown(bytes)),
    }
}

/// An outcome with this fault alone.
pub(super) fn failed(finding: Finding) -> Outcome {
    Outcome::judged(finding.message.clone(), vec![finding])
}

#[cfg(test)]
pub(super) mod tests {
    use readiness_core::{
        Described, Probe, Profile, Target,
        fact::{Endpoint, LocalRoute, Route, TcpFacts},
        testing::{Facts, faults_of_outcome},
    };

    use super::*;
    use crate::dep::ChannelTls;

    /// The replies of a peer that was asked to the end, or until it said no more.
    pub(crate) fn heard(replies: &[&[u8]]) -> DialogueFacts {
        let mut facts = DialogueFacts::new(TcpFacts::new(PortState::Open, 200), DialogueEnd::Done);
        facts.replies = replies
            .iter()
            .map(|bytes| DialogueReply::new(*bytes, ReplyEnd::Whole))
            .collect();
        facts
    }

    /// Replies of which the last ended so.
    pub(crate) fn ended(replies: &[&[u8]], end: ReplyEnd) -> DialogueFacts {
        let mut facts = heard(replies);
        facts.end = DialogueEnd::Stopped;
        if let Some(last) = facts.replies.last_mut() {
            last.end = end;
        }
        facts
    }

    /// What a probe that holds these steps says of these facts.
    pub(crate) fn judged(
        probe: &dyn Probe,
        steps: Vec<Step>,
        url: &str,
        profile: Profile,
        facts: DialogueFacts,
    ) -> Outcome {
        let target = Target::parse(url).unwrap();
        let address = target.address().unwrap();
        let endpoint = Endpoint::new((address, target.port()).into(), target.host(), target.is_tls());
        let outcome = Facts::new()
            .with(LocalRoute::new(address), Route::new(true))
            .with(Dialogue::new(endpoint, steps), facts)
            .profile(profile)
            .judge(probe, &target);
        assert_eq!(faults_of_outcome(&outcome), Vec::<String>::new(), "{outcome:#?}");
        outcome
    }

    pub(crate) fn codes(outcome: &Outcome) -> Vec<&str> {
        outcome
            .findings
            .iter()
            .map(|finding| finding.code.as_str())
            .collect()
    }

    /// What every probe must say of a peer that is none of its own. None of it may pass.
    pub(crate) fn hostile<P: Probe + Described>(probe: &P, steps: &[Step], url: &str) {
        hostile_but(probe, steps, url, |_, _| false);
    }

    /// The same, but for the answers that leave it unknown.
    pub(crate) fn hostile_but<P: Probe + Described>(
        probe: &P,
        steps: &[Step],
        url: &str,
        is_unknown: impl Fn(&[u8], &ReplyEnd) -> bool,
    ) {
        let rows: Vec<(&[u8], ReplyEnd, &str, &str)> = vec![
            (
                b"",
                ReplyEnd::Closed,
                "closed",
                "closed the connection instead of",
            ),
            (b"", ReplyEnd::Reset, "closed", "reset the connection"),
            (b"", ReplyEnd::Silent, "no_answer", "nothing came of"),
            (b"\x01", ReplyEnd::Silent, "no_answer", "after 1 byte (`0x01`)"),
            (b"\x01\x02", ReplyEnd::Closed, "closed", "in the middle of"),
            (
                b"HTTP/1.1 400 Bad Request\r\n",
                ReplyEnd::Whole,
                "other_protocol",
                "speaks HTTP",
            ),
            (
                b"HTTP/1.1 400 Bad Request\r\n",
                ReplyEnd::TooLong,
                "other_protocol",
                "speaks HTTP",
            ),
            (
                b"\x15\x03\x01\0\x02\x02\x46",
                ReplyEnd::Closed,
                "other_protocol",
                "speaks TLS: it answered",
            ),
            (
                b"\x15\x03\x01\0\x02\x02\x46",
                ReplyEnd::Whole,
                "other_protocol",
                "speaks TLS: it answered",
            ),
            (
                b"\xff\xff\xff\xff",
                ReplyEnd::TooLong,
                "other_protocol",
                "longer than is read",
            ),
            (&[0; 4096], ReplyEnd::Whole, "other_protocol", "`0x000000"),
            (
                &[b'9'; 65_536],
                ReplyEnd::TooLong,
                "other_protocol",
                "longer than is read",
            ),
            (&[0xff; 600], ReplyEnd::Whole, "other_protocol", "`0xffff"),
            (b"\xc3\x28\0\r\n", ReplyEnd::Whole, "other_protocol", "`0xc328"),
            (
                b"x",
                ReplyEnd::Malformed("is nothing".to_owned()),
                "other_protocol",
                "is nothing",
            ),
        ];
        for (bytes, end, code, words) in rows {
            let facts = ended(&[bytes], end.clone());
            let outcome = judged(probe, steps.to_vec(), url, Profile::local(), facts);
            let first = bytes.get(..8).unwrap_or(bytes);
            if is_unknown(bytes, &end) {
                assert!(outcome.status.is_unknown(), "{first:?} {end:?}: {outcome:#?}");
                continue;
            }
            assert!(outcome.status.is_fail(), "{first:?} {end:?}: {outcome:#?}");
            assert_eq!(outcome.findings[0].code, code, "{first:?} {end:?}: {outcome:#?}");
            assert!(
                outcome.summary.contains(words),
                "{first:?} {end:?}: {}",
                outcome.summary
            );
            assert!(outcome.summary.len() < 400, "{}", outcome.summary);
        }
        // Bytes of chance, behind beginnings that are right.
        let mut chance = 0x2545_f491_4f6c_dd1d_u64;
        let beginnings: [&[u8]; 7] = [
            b"",
            b"INFO {",
            b"220 ",
            b"VERSION ",
            b"\x01\0\0\0\0\0",
            b"HTTP/1.1 200",
            b"AMQP",
        ];
        for length in 1..150 {
            for beginning in beginnings {
                let mut bytes = beginning.to_vec();
                for _ in 0..length {
                    chance ^= chance << 13;
                    chance ^= chance >> 7;
                    chance ^= chance << 17;
                    bytes.push(chance.to_le_bytes()[0]);
                }
                let outcome = judged(probe, steps.to_vec(), url, Profile::local(), heard(&[&bytes]));
                assert!(!outcome.status.is_pass(), "{bytes:?}: {outcome:#?}");
            }
        }
        let closed = DialogueFacts::new(TcpFacts::new(PortState::Closed, 10), DialogueEnd::NotOpen);
        let outcome = judged(probe, steps.to_vec(), url, Profile::local(), closed);
        assert_eq!(codes(&outcome), ["refused"]);
        let mut silent = DialogueFacts::new(TcpFacts::new(PortState::Open, 10), DialogueEnd::TlsMissing);
        silent.tls = ChannelTls::Failed {
            reason: readiness_core::Reason::TLS_NOT_TLS,
            message: "the peer does not speak TLS on this port".to_owned(),
        };
        let outcome = judged(probe, steps.to_vec(), url, Profile::local(), silent);
        assert_eq!(codes(&outcome), ["tls_failed"]);
        // A recording that lacks what should be in it is no pass either.
        let outcome = judged(probe, steps.to_vec(), url, Profile::local(), heard(&[]));
        assert!(outcome.status.is_fail(), "{outcome:#?}");
    }

    /// Cuts a reply that is right at each of its bytes, and turns each of them: whatever it says, it ends.
    pub(crate) fn mangled(probe: &dyn Probe, steps: &[Step], url: &str, replies: &[&[u8]], number: usize) {
        let right = replies[number];
        for at in 0..right.len() {
            for turned in [None, Some(0x00), Some(0xff), Some(0x80), Some(b'{')] {
                let mut bytes = right.to_vec();
                match turned {
                    None => bytes.truncate(at),
                    Some(byte) => bytes[at] = byte,
                }
                let mut all = replies.to_vec();
                all[number] = &bytes;
                judged(probe, steps.to_vec(), url, Profile::production(), heard(&all));
            }
        }
    }
}
