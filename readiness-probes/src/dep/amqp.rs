mod start;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Expect, Frame, LengthField, Pattern, Step},
};
use serde::{Deserialize, Serialize};

use self::start::{Answer, Said, Start};
use super::{
    Authentication, DialogueFacts, ReplyEnd,
    asked::{ask, failed, foreign, whole},
    open::open,
    verdict::{Scene, channel, worst},
    version,
};

readiness_core::probe! {
    /// A broker of AMQP 0-9-1 answers, such as RabbitMQ.
    ///
    /// # What it checks
    /// It connects as a client does (`amqp://host`, or `amqps://` for TLS), sends the header of the protocol and
    /// reads how the broker describes itself and which ways to log in it offers. It logs in only where `log_in`
    /// says so, and then as `guest` or as nobody. User name and password of the target are never sent.
    ///
    /// # Why it matters
    /// A broker that accepts connections may still be starting, or speak another version. The account `guest` of
    /// RabbitMQ has all rights and a password that everybody knows.
    ///
    /// # How it is judged
    /// `Connection.Start` of version 0-9 passes. A refused or silent port, a broker of another version, one that
    /// offers no way to log in, and everything that is no AMQP fail. Where `log_in` tries one, a log-in that is
    /// accepted fails; under the profile `local` it warns, and over loopback it is a note. A connection without
    /// TLS warns in production, except over loopback.
    ///
    /// # How to fix
    /// Refused: start the broker, or let it listen on this address. Another version: AMQP 1.0 and 0-9-1 are two
    /// protocols; use the port, or the plug-in, of the right one. Open: delete `guest` or keep it to loopback
    /// (`loopback_users`), and take `ANONYMOUS` out of `auth_mechanisms`.
    pub struct Amqp {
        /// Whether the broker must refuse the log-in that is tried: `required`, or `none` where it is meant to
        /// be open. Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// Which log-in is tried: `none`, `anonymous`, or `guest` with the password `guest`. Default: `none`.
        pub log_in: AmqpLogIn = AmqpLogIn::None,
        /// The least version that the broker gives itself, such as `3.12`. Default: none.
        pub min_version: String = String::new(),
    }
    id: "dep.amqp",
    title: "the AMQP broker answers",
    priority: Critical,
    references: [
        "AMQP 0-9-1" => "https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf",
        "RabbitMQ, access control" => "https://www.rabbitmq.com/docs/access-control",
    ],
}

/// A log-in that everybody knows.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum AmqpLogIn {
    /// As nobody, by the mechanism `ANONYMOUS` (RFC 4505).
    Anonymous,
    /// As `guest` with the password `guest`, by the mechanism `PLAIN` (RFC 4616).
    Guest,
    /// None is tried.
    #[default]
    None,
}

const NAME: &str = "AMQP";

#[async_trait]
impl Probe for Amqp {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        ask(cx, self.steps(), |scene, facts| judge(self, scene, facts)).await
    }
}

impl Amqp {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        version::check(&self.min_version)
    }

    fn steps(&self) -> Vec<Step> {
        // A frame: type (1), channel (2), length (4), then so many bytes and one at the end.
        let frame = || {
            let length = LengthField::new(3, 4, 8).big_endian();
            Expect::new(Frame::Prefixed(length)).most_bytes(16 * 1024)
        };
        let hello = Step::send(*b"AMQP\0\0\x09\x01");
        let Some((mechanism, response, _)) = self.log_in.mechanism() else {
            return vec![hello, Step::Expect(frame())];
        };
        vec![
            hello,
            // Class 10, method 10; a log-in that is not offered is not tried.
            Step::Expect(
                frame()
                    .accept(Pattern::at(7, [0, 10, 0, 10]))
                    .accept(Pattern::Contains(mechanism.to_owned())),
            ),
            Step::send(start_ok(mechanism, response)),
            // Who is refused waits for three seconds, so that guessing takes long.
            Step::Expect(frame().within_ms(5000)),
        ]
    }
}

impl AmqpLogIn {
    /// The mechanism, what it sends, and who that is in words.
    fn mechanism(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Anonymous => Some(("ANONYMOUS", "", "nobody (`ANONYMOUS`)")),
            Self::Guest => Some(("PLAIN", "\0guest\0guest", "`guest` with the password `guest`")),
            Self::None => None,
        }
    }
}

/// `Connection.StartOk`.
fn start_ok(mechanism: &str, response: &str) -> Vec<u8> {
    let mut payload = vec![0, 10, 0, 11];
    let mut long = |bytes: &[u8]| {
        payload.extend(u32::try_from(bytes.len()).unwrap_or_default().to_be_bytes());
        payload.extend(bytes);
    };
    let short = |text: &str| {
        let mut bytes = vec![u8::try_from(text.len()).unwrap_or_default()];
        bytes.extend(text.as_bytes());
        bytes
    };
    // A broker that knows this tells a refused log-in instead of hanging up.
    let mut capability = short("authentication_failure_close");
    capability.extend(*b"t\x01");
    let mut properties = short("capabilities");
    properties.push(b'F');
    properties.extend(u32::try_from(capability.len()).unwrap_or_default().to_be_bytes());
    properties.extend(capability);
    long(&properties);
    payload.extend(short(mechanism));
    payload.extend(u32::try_from(response.len()).unwrap_or_default().to_be_bytes());
    payload.extend(response.as_bytes());
    payload.extend(short("en_US"));
    let mut frame = vec![1, 0, 0];
    frame.extend(u32::try_from(payload.len()).unwrap_or_default().to_be_bytes());
    frame.extend(payload);
    frame.push(0xce);
    frame
}

fn judge(settings: &Amqp, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let place = scene.place;
    let start = match read_start(scene, facts) {
        Ok(start) => start,
        Err(finding) => return failed(*finding),
    };
    let Start {
        product,
        version,
        mechanisms,
        ..
    } = &start;
    let mut findings: Vec<Finding> = version::too_old(version, &settings.min_version)
        .into_iter()
        .collect();
    if mechanisms.is_empty() {
        findings.push(
            Finding::fail("no_mechanism", "the broker offers no way to log in")
                .remedy("name at least one in the broker's settings (`auth_mechanisms`)"),
        );
    }
    let tried = tried(settings, scene, facts, &start);
    let said = match tried {
        Ok(Tried::Accepted(what)) => {
            findings.extend(open(
                scene,
                settings.authentication,
                &format!("a log-in as {what} is accepted"),
                "delete `guest` or keep it to loopback, and take `ANONYMOUS` out of the mechanisms",
            ));
            format!("accepted as {what}")
        }
        Ok(Tried::Not(why)) => why.to_owned(),
        Err(finding) => {
            findings.push(*finding);
            "broken off".to_owned()
        }
    };
    if settings.log_in == AmqpLogIn::None && mechanisms.iter().any(|name| name == "ANONYMOUS") {
        findings.push(Finding::note(
            "anonymous_offered",
            "the broker offers `ANONYMOUS`; whether it lets everybody in was not tried (`log_in = \"anonymous\"` does)",
        ));
    }
    // A log-in that everybody knows tells nobody anything.
    findings.extend(channel(scene, &facts.tls, false));
    let shown = match (product.as_str(), version.as_str()) {
        ("", _) => "AMQP 0-9-1".to_owned(),
        (product, "") => product.to_owned(),
        (product, version) => format!("{product} {version}"),
    };
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: {shown}: {}", finding.code),
        None => format!("{place}: {shown} answers"),
    };
    let mut outcome = Outcome::judged(summary, findings)
        .evidence("version", shown)
        .evidence("mechanisms", mechanisms.join(", "))
        .evidence("log-in", said);
    if !start.cluster.is_empty() {
        outcome = outcome.evidence("cluster", start.cluster.as_str());
    }
    outcome
}

/// How the broker begins, or why it does not.
fn read_start(scene: &Scene<'_>, facts: &DialogueFacts) -> Result<Start, Box<Finding>> {
    // The answer of a broker of another version is its own header of eight bytes, and no frame.
    let first = facts.replies.first();
    if let Some(version) = first.and_then(|reply| start::other_version(reply.bytes.as_bytes())) {
        let said = format!(
            "{}: expected AMQP 0-9-1, and the broker speaks {version}",
            scene.place
        );
        let finding = Finding::fail("other_version", said)
            .remedy("use the port of AMQP 0-9-1, or turn on the plug-in for it");
        return Err(Box::new(finding));
    }
    let bytes = whole(scene, NAME, "its `Connection.Start`", facts, 0)?;
    match Said::read(bytes) {
        Some(Said::Start(start)) => Ok(start),
        Some(Said::Other(answer)) => {
            let said = format!("its first frame is {}, no `Connection.Start`", answer.shown());
            Err(Box::new(foreign(scene, NAME, bytes, &said)))
        }
        None => Err(Box::new(foreign(
            scene,
            NAME,
            bytes,
            "its first frame is none of AMQP",
        ))),
    }
}

/// What became of a log-in.
enum Tried {
    Accepted(&'static str),
    Not(&'static str),
}

fn tried(
    settings: &Amqp,
    scene: &Scene<'_>,
    facts: &DialogueFacts,
    start: &Start,
) -> Result<Tried, Box<Finding>> {
    let Some((mechanism, _, what)) = settings.log_in.mechanism() else {
        return Ok(Tried::Not("not tried"));
    };
    if !start.offers(mechanism) {
        return Ok(Tried::Not("not offered"));
    }
    // The specification has a broker hang up on whom it refuses; newer ones say so first.
    if facts.replies.get(1).is_some_and(|reply| {
        reply.bytes.is_empty() && matches!(reply.end, ReplyEnd::Closed | ReplyEnd::Reset)
    }) {
        return Ok(Tried::Not("refused: the broker hung up"));
    }
    let bytes = whole(scene, NAME, "its answer to a log-in", facts, 1)?;
    match Said::read(bytes) {
        Some(Said::Other(Answer::Tune)) => Ok(Tried::Accepted(what)),
        Some(Said::Other(Answer::Close | Answer::Secure)) => Ok(Tried::Not("refused")),
        _ => Err(Box::new(foreign(
            scene,
            NAME,
            bytes,
            "its answer to a log-in is none of AMQP",
        ))),
    }
}

#[cfg(test)]
mod tests;
