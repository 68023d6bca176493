use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Expect, Frame, Pattern, Step},
};
use serde::Deserialize;

use super::{
    Authentication, DialogueFacts, ReplyEnd,
    asked::{ask, failed, foreign, whole},
    open::{not_judged, open},
    spoken::words,
    verdict::{Scene, channel, worst},
    version,
};

readiness_core::probe! {
    /// NATS answers, and lets nobody in without a log-in.
    ///
    /// # What it checks
    /// It connects (`nats://host`; `tls://host:port` where the server shakes hands first), reads the `INFO` line,
    /// sends `CONNECT` without any credential, and `PING`. User name and password of the target are never sent.
    ///
    /// # Why it matters
    /// A server may be about to leave (lame duck), or lack JetStream. One that asks nobody for a log-in lets
    /// everybody read and write every subject.
    ///
    /// # How it is judged
    /// An `INFO` line passes, and with it a refused log-in. A refused or silent port, everything that is no NATS,
    /// a server older than `min_version`, and one without JetStream where `jetstream` demands it fail. A server
    /// about to leave warns. `PONG` without a log-in fails; under the profile `local` it warns, and over
    /// loopback it is a note. Where TLS is required behind `INFO`, no log-in can be tried: a server whose `INFO`
    /// tells neither of a log-in nor of certificates of clients is unknown. One that neither wants TLS nor
    /// offers it warns in production, except over loopback.
    ///
    /// # How to fix
    /// Refused: start the server, or let it listen on this address. Open: set `authorization` or `accounts`, and
    /// no `no_auth_user`. JetStream: start it with `-js`, or set `jetstream { }`.
    pub struct Nats {
        /// Whether the server must ask for a log-in: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// Whether JetStream must be there. Default: false.
        pub jetstream: bool = false,
        /// The least version, such as `2.10`. Default: none.
        pub min_version: String = String::new(),
    }
    id: "dep.nats",
    title: "NATS answers and asks for a log-in",
    priority: Critical,
    references: [
        "NATS, client protocol" => "https://docs.nats.io/reference/reference-protocols/nats-protocol",
        "NATS, authentication" => "https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro",
    ],
}

const NAME: &str = "NATS";

#[async_trait]
impl Probe for Nats {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        ask(cx, steps(), |scene, facts| judge(self, scene, facts)).await
    }
}

impl Nats {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        version::check(&self.min_version)
    }
}

fn steps() -> Vec<Step> {
    // Without `verbose` only errors are answered, and PING. A server asks for signs of life too.
    let answer = Frame::Lines {
        until: ["PONG", "-ERR"].map(str::to_owned).to_vec(),
    };
    vec![
        // It lists every server of the cluster.
        Step::Expect(
            Expect::new(Frame::Line)
                .accept(Pattern::begins("INFO "))
                .most_bytes(32 * 1024),
        ),
        Step::send(
            "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"lang\":\"readiness\",\
             \"version\":\"1\",\"name\":\"readiness\"}\r\nPING\r\n",
        ),
        Step::Expect(Expect::new(answer)),
    ]
}

/// What the server says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    version: String,
    auth_required: bool,
    tls_required: bool,
    /// Whether clients must show a certificate.
    tls_verify: bool,
    tls_available: bool,
    jetstream: bool,
    ldm: bool,
    cluster: String,
}

fn judge(settings: &Nats, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let place = scene.place;
    let line = match whole(scene, NAME, "its `INFO` line", facts, 0) {
        Ok(line) => line,
        Err(finding) => return failed(*finding),
    };
    let info = match read_info(line) {
        Ok(info) => info,
        Err(problem) => return failed(foreign(scene, NAME, line, &problem)),
    };
    let version = words(info.version.as_bytes(), 40);
    let mut findings: Vec<Finding> = version::too_old(&version, &settings.min_version)
        .into_iter()
        .collect();
    if settings.jetstream && !info.jetstream {
        findings.push(
            Finding::fail("no_jetstream", "expected JetStream, and the server has none")
                .remedy("start the server with `-js`, or set `jetstream { }`"),
        );
    }
    if info.ldm {
        findings.push(
            Finding::warn("lame_duck", "the server is about to leave (lame duck mode)")
                .remedy("let clients turn to another server of the cluster"),
        );
    }
    let said = match let_in(scene, facts, &info) {
        Ok(Answer::LetIn) => {
            findings.extend(open(
                scene,
                settings.authentication,
                "CONNECT and PING are answered without a log-in",
                "set `authorization` or `accounts`, and no `no_auth_user`",
            ));
            "PONG".to_owned()
        }
        Ok(Answer::Refused(words)) => words,
        Ok(Answer::TlsFirst) => {
            if settings.authentication.is_required() && !(info.auth_required || info.tls_verify) {
                findings.push(not_judged(
                    "TLS is required first, and `INFO` tells of no log-in and of no certificates of clients",
                    "set `authorization`, `accounts` or `tls { verify: true }`; or set `tls { handshake_first: \
                     true }` and name the server as `tls://host:port`, so that a log-in can be tried",
                ));
            }
            "not heard: TLS is required first".to_owned()
        }
        Err(finding) => {
            findings.push(*finding);
            "none".to_owned()
        }
    };
    // Whoever offers TLS is turned to it by the client, behind this line.
    if facts.tls.is_encrypted() || !(info.tls_required || info.tls_available) {
        findings.extend(channel(scene, &facts.tls, false));
    }
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: NATS {version}: {}", finding.code),
        None => format!("{place}: NATS {version} answers"),
    };
    let yes = |is: bool| if is { "yes" } else { "no" };
    let mut outcome = Outcome::judged(summary, findings)
        .evidence("version", version)
        .evidence("log-in required", yes(info.auth_required))
        .evidence("CONNECT without a log-in", said)
        .evidence("JetStream", yes(info.jetstream));
    if !info.cluster.is_empty() {
        outcome = outcome.evidence("cluster", words(info.cluster.as_bytes(), 100));
    }
    outcome
}

fn read_info(line: &[u8]) -> Result<Info, String> {
    let json = line.strip_prefix(b"INFO ").ok_or("its first line is no `INFO`")?;
    // Deep nesting ends the parser by its own limit.
    let info: Info = serde_json::from_slice(json.trim_ascii()).map_err(|e| {
        use serde_json::error::Category;
        match e.classify() {
            Category::Data => "its `INFO` has a value of the wrong kind",
            _ => "its `INFO` is no JSON object",
        }
    })?;
    match info.version.is_empty() {
        true => Err("its `INFO` tells no version".to_owned()),
        false => Ok(info),
    }
}

/// What became of a client without a credential.
enum Answer {
    LetIn,
    Refused(String),
    TlsFirst,
}

fn let_in(scene: &Scene<'_>, facts: &DialogueFacts, info: &Info) -> Result<Answer, Box<Finding>> {
    let turn = "its answer to CONNECT and PING";
    let hung_up = facts
        .replies
        .get(1)
        .is_none_or(|reply| matches!(reply.end, ReplyEnd::Closed | ReplyEnd::Reset));
    // It waits for a handshake, and hears that this is none.
    let is_handshake = facts
        .replies
        .get(1)
        .is_some_and(|reply| matches!(reply.bytes.as_bytes(), [21 | 22, 3, ..]));
    if info.tls_required && !facts.tls.is_encrypted() && (hung_up || is_handshake) {
        return Ok(Answer::TlsFirst);
    }
    let bytes = whole(scene, NAME, turn, facts, 1)?;
    let mut lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    match lines.rfind(|line| !line.is_empty()) {
        Some(line) if line.starts_with(b"PONG") => Ok(Answer::LetIn),
        Some(line) if is_about_log_in(line) => Ok(Answer::Refused(words(line, 100))),
        Some(line) if line.starts_with(b"-ERR") => Err(Box::new(not_judged(
            &format!("it answered `{}`", words(line, 100)),
            "look into the server's log",
        ))),
        _ => Err(Box::new(foreign(
            scene,
            NAME,
            bytes,
            &format!("{turn} is neither PONG nor an error"),
        ))),
    }
}

/// `-ERR 'Authorization Violation'`, `-ERR 'Authentication Timeout'` and their like.
fn is_about_log_in(line: &[u8]) -> bool {
    let text = words(line, 200).to_ascii_lowercase();
    text.starts_with("-err") && (text.contains("authori") || text.contains("authenti"))
}

#[cfg(test)]
mod tests;
