mod answer;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{Expect, Frame, LengthField, Step},
};

use self::answer::{ApiVersions, Metadata};
use super::{
    Authentication, DialogueFacts, ReplyEnd,
    asked::{ask, failed, foreign, whole},
    open::{not_judged, open},
    verdict::{Scene, channel, worst},
};

readiness_core::probe! {
    /// A broker of Kafka answers, and lets nobody in without a log-in.
    ///
    /// # What it checks
    /// It connects (`kafka://host`, `tcp://host:9092`, or `tls://host:port`), asks which requests the broker
    /// knows (`ApiVersions`), and then for the brokers of the cluster without any topic (`Metadata`), both
    /// without a log-in. It reads and writes no topic.
    ///
    /// # Why it matters
    /// A broker that accepts connections may speak TLS where none was meant, or not be Kafka at all. One that
    /// asks nobody for a log-in lets everybody read and write every topic that its rules do not protect.
    ///
    /// # How it is judged
    /// An answer to `ApiVersions` passes. A refused or silent port, a broker that hangs up at once (one that
    /// wants TLS does), an error in place of the answer, and everything that is no Kafka fail. `Metadata`
    /// without a log-in fails; under the profile `local` it warns, and over loopback it is a note; a broker that
    /// hangs up at it asks for SASL, and one that does not know its version 1 is unknown. With certificates of clients demanded (mTLS), the handshake ends before. A
    /// connection without TLS warns in production, except over loopback.
    ///
    /// # How to fix
    /// Refused: start the broker, or mend `listeners`. Open: give the listener `SASL_SSL`, or demand certificates
    /// (`ssl.client.auth=required`).
    pub struct Kafka {
        /// Whether the broker must ask for a log-in: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// How many brokers the cluster must have at least; unknown where the broker tells it nobody without a
        /// log-in. Default: 0.
        pub min_brokers: u32 = 0,
    }
    id: "dep.kafka",
    title: "the Kafka broker answers and asks for a log-in",
    priority: Critical,
    references: [
        "Kafka, protocol" => "https://kafka.apache.org/protocol.html",
        "Kafka, security" => "https://kafka.apache.org/documentation/#security",
    ],
}

const NAME: &str = "Kafka";

/// What our requests are told apart by.
const FIRST: u32 = 0x7265_6101;
const SECOND: u32 = 0x7265_6102;

#[async_trait]
impl Probe for Kafka {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        ask(cx, steps(), |scene, facts| judge(self, scene, facts)).await
    }
}

fn steps() -> Vec<Step> {
    let message = || Expect::new(Frame::Prefixed(LengthField::new(0, 4, 4).big_endian()));
    vec![
        Step::send(request(18, 0, FIRST, &[])),
        Step::Expect(message()),
        // An empty list of topics asks for none; before version 1 it asked for all.
        Step::send(request(3, 1, SECOND, &[0, 0, 0, 0])),
        Step::Expect(message().most_bytes(48 * 1024)),
    ]
}

/// A request with a head of version 1: which one, its version, a number of ours, and what we call ourselves.
fn request(key: u16, version: u16, number: u32, body: &[u8]) -> Vec<u8> {
    const CLIENT: &[u8] = b"readiness";
    let mut rest = key.to_be_bytes().to_vec();
    rest.extend(version.to_be_bytes());
    rest.extend(number.to_be_bytes());
    rest.extend(u16::try_from(CLIENT.len()).unwrap_or_default().to_be_bytes());
    rest.extend(CLIENT);
    rest.extend(body);
    let mut message = u32::try_from(rest.len())
        .unwrap_or_default()
        .to_be_bytes()
        .to_vec();
    message.extend(rest);
    message
}

fn judge(settings: &Kafka, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let place = scene.place;
    let versions = match read_versions(scene, facts) {
        Ok(versions) => versions,
        Err(finding) => return failed(*finding),
    };
    let mut findings = Vec::new();
    let mut brokers = None;
    let said = match asked_for_log_in(scene, facts, &versions) {
        Ok(Asked::LetIn(metadata)) => {
            findings.extend(open(
                scene,
                settings.authentication,
                "`Metadata` is answered without a log-in",
                "give the listener SASL, or demand certificates of clients",
            ));
            brokers = Some(metadata.brokers);
            "answered"
        }
        Ok(Asked::HungUp) => "refused: the broker hung up",
        Ok(Asked::NotTried) => {
            if settings.authentication.is_required() {
                findings.push(not_judged(
                    "the broker does not know the version 1 of `Metadata` that is asked for",
                    "look which versions it knows: `kafka-broker-api-versions.sh`",
                ));
            }
            "not understood by this broker"
        }
        Err(finding) => {
            findings.push(*finding);
            "not heard"
        }
    };
    findings.extend(too_few(settings.min_brokers, brokers));
    findings.extend(channel(scene, &facts.tls, false));
    let known = versions.known;
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: Kafka: {}", finding.code),
        None => format!("{place}: Kafka answers, and knows {known} kinds of request"),
    };
    let mut outcome = Outcome::judged(summary, findings)
        .evidence("kinds of request", known.to_string())
        .evidence("`Metadata` without a log-in", said);
    if let Some(count) = brokers {
        outcome = outcome.evidence("brokers", count.to_string());
    }
    outcome
}

/// The fault of a cluster with fewer brokers than wanted, or that does not tell how many it has.
fn too_few(least: u32, brokers: Option<u32>) -> Option<Finding> {
    match brokers {
        Some(count) if count < least => Some(
            Finding::fail(
                "too_few_brokers",
                format!("expected at least {least} brokers, and the cluster has {count}"),
            )
            .remedy("look which brokers are down, or lower `min_brokers`"),
        ),
        None if least > 0 => Some(
            Finding::unknown(
                "brokers_not_told",
                Reason::UNEXPECTED_RESPONSE,
                format!("expected at least {least} brokers, and the broker did not tell how many there are"),
            )
            .remedy("leave `min_brokers` out: a broker that asks for a log-in tells nobody without one"),
        ),
        _ => None,
    }
}

fn read_versions(scene: &Scene<'_>, facts: &DialogueFacts) -> Result<ApiVersions, Box<Finding>> {
    let turn = "its answer to `ApiVersions`";
    let place = scene.place;
    let bytes = match whole(scene, NAME, turn, facts, 0) {
        Ok(bytes) => bytes,
        Err(finding) if finding.code == "closed" && !facts.tls.is_encrypted() => {
            return Err(Box::new(finding.remedy(
                "look into the broker's log; one that wants TLS on this port hangs up: then write `tls://host:port`",
            )));
        }
        Err(finding) => return Err(finding),
    };
    let versions = ApiVersions::read(bytes, FIRST)
        .ok_or_else(|| Box::new(foreign(scene, NAME, bytes, &format!("{turn} is none of Kafka"))))?;
    match versions.error {
        0 => Ok(versions),
        number => {
            let words = match number {
                35 => "it does not know this request (`UNSUPPORTED_VERSION`)",
                33 | 34 | 58 => "it wants a log-in first",
                _ => "look the number up in the list of Kafka's errors",
            };
            let message =
                format!("{place}: the broker answered `ApiVersions` with the error {number}: {words}");
            Err(Box::new(
                Finding::fail("server_error", message)
                    .evidence("error", number.to_string())
                    .remedy("look into the broker's log"),
            ))
        }
    }
}

/// What became of a client without a log-in.
enum Asked {
    LetIn(Metadata),
    HungUp,
    /// The broker does not know the version that is spoken here, so that its answer tells nothing.
    NotTried,
}

fn asked_for_log_in(
    scene: &Scene<'_>,
    facts: &DialogueFacts,
    versions: &ApiVersions,
) -> Result<Asked, Box<Finding>> {
    if !versions
        .metadata
        .is_some_and(|(least, most)| least <= 1 && most >= 1)
    {
        return Ok(Asked::NotTried);
    }
    // Before SASL a broker answers one request alone, and hangs up at each other.
    if facts.replies.get(1).is_some_and(|reply| {
        reply.bytes.is_empty() && matches!(reply.end, ReplyEnd::Closed | ReplyEnd::Reset)
    }) {
        return Ok(Asked::HungUp);
    }
    let turn = "its answer to `Metadata`";
    let bytes = whole(scene, NAME, turn, facts, 1)?;
    Metadata::read(bytes, SECOND)
        .map(Asked::LetIn)
        .ok_or_else(|| Box::new(foreign(scene, NAME, bytes, &format!("{turn} is none of Kafka"))))
}

#[cfg(test)]
mod tests;
