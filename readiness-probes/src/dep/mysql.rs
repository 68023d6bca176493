mod greeting;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Expect, Frame, LengthField, Pattern, Step},
};

use self::greeting::{Greeting, Said, ServerSaid};
use super::{
    Authentication, ChannelTls, DialogueFacts,
    asked::{ask, failed, foreign, whole},
    open::{not_judged, open},
    verdict::{Scene, channel, worst},
    version,
};

readiness_core::probe! {
    /// MySQL or MariaDB answers, and lets nobody in without a password.
    ///
    /// # What it checks
    /// It connects as a client does (`mysql://host`, or `tcp://host:port`), reads the greeting, and tries to log
    /// in once, without a password, as a user that does not exist. User name and password of the target are
    /// never sent. A client that hangs up after the greeting is counted by the server, which blocks the host
    /// after a hundred of them (`max_connect_errors`); one that is refused is not.
    ///
    /// It does not turn to TLS. Whether an account that must use it has a password is not seen: MariaDB refuses
    /// such a log-in as it refuses a wrong password.
    ///
    /// # Why it matters
    /// A server that accepts connections may be full, shutting down, or not talk to this host at all. One that
    /// lets anybody in gives its data away.
    ///
    /// # How it is judged
    /// A greeting of protocol 10 passes, and a refused log-in with it. A refused or silent port, an error in
    /// place of the greeting (too many connections, host blocked, host not allowed, shutdown) and everything
    /// that is no MySQL fail, with the server's words. A log-in that is accepted fails; under the profile `local`
    /// it warns, and over loopback it is a note. One that is answered with any other error (TLS is required, the
    /// password has expired) leaves it unknown. A server without TLS warns in production, except over loopback.
    ///
    /// # How to fix
    /// Refused: start the server, or set `bind-address`. Full: raise `max_connections`, or put a pool before it.
    /// Blocked: find who hangs up (health checks without a log-in do), then `FLUSH HOSTS`. Open: give each
    /// account a password, and drop the anonymous ones (`mariadb-secure-installation`).
    pub struct Mysql {
        /// Whether the server must ask for a password: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// The user that is tried without a password, such as `root`. A name that exists may be locked after
        /// some failures, so it is to be chosen with care. Default: `readiness`, which should not exist.
        pub log_in_as: String = "readiness".to_owned(),
        /// The least version, such as `8.0` or `10.11`; MariaDB counts its own. Default: none.
        pub min_version: String = String::new(),
    }
    id: "dep.mysql",
    title: "MySQL answers and asks for a password",
    priority: Critical,
    references: [
        "MySQL, connection phase" => "https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html",
        "MariaDB, connecting" => "https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection",
        "MySQL, host cache" => "https://dev.mysql.com/doc/refman/8.4/en/host-cache.html",
    ],
}

const NAME: &str = "MySQL";

#[async_trait]
impl Probe for Mysql {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        ask(cx, self.steps(), |scene, facts| judge(self, scene, facts)).await
    }
}

impl Mysql {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        // 32 characters in MySQL, 128 in MariaDB.
        let is_name = (1..=128).contains(&self.log_in_as.len()) && !self.log_in_as.contains(char::is_control);
        if !is_name {
            return Err("`log_in_as` must be the name of a user, of 1 to 128 bytes".to_owned());
        }
        version::check(&self.min_version)
    }

    fn steps(&self) -> Vec<Step> {
        // Three bytes of length, least first, and one that counts the packets.
        let packet = || Expect::new(Frame::Prefixed(LengthField::new(0, 3, 4))).most_bytes(4096);
        vec![
            // The server looks the client's name up first.
            Step::Expect(packet().accept(Pattern::at(4, [10])).within_ms(5000)),
            Step::send(log_in(&self.log_in_as)),
            // Where the account proves itself in another way, the server asks for that: with nothing again.
            Step::Expect(packet().accept(Pattern::at(4, [0xfe]))),
            Step::send([0, 0, 0, 3]),
            Step::Expect(packet()),
        ]
    }
}

/// `Protocol::HandshakeResponse41` with an empty proof, which is that of an account without a password.
fn log_in(user: &str) -> Vec<u8> {
    // LONG_PASSWORD, PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH.
    const CAPABILITIES: u32 = 0x0000_0001 | 0x0000_0200 | 0x0000_8000 | 0x0008_0000;
    let mut payload = CAPABILITIES.to_le_bytes().to_vec();
    payload.extend(0x0100_0000_u32.to_le_bytes());
    // utf8mb4, then 23 zeros.
    payload.push(45);
    payload.extend([0; 23]);
    payload.extend(user.as_bytes());
    // The end of the name, a proof of no bytes.
    payload.extend([0, 0]);
    payload.extend(b"mysql_native_password\0");
    let mut packet = u32::try_from(payload.len())
        .unwrap_or_default()
        .to_le_bytes()
        .to_vec();
    // The second packet of the conversation.
    packet.pop();
    packet.push(1);
    packet.extend(payload);
    packet
}

fn judge(settings: &Mysql, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let place = scene.place;
    let bytes = match whole(scene, NAME, "its greeting", facts, 0) {
        Ok(bytes) => bytes,
        Err(finding) => return failed(*finding),
    };
    let greeting = match Said::read(bytes) {
        Some(Said::Error(error)) => return failed(refused(scene, &error)),
        Some(Said::Greeting(greeting)) => greeting,
        Some(Said::OldProtocol(version)) => {
            let problem = format!("its greeting is of protocol {version}, expected 10");
            return failed(foreign(scene, NAME, bytes, &problem));
        }
        None => return failed(foreign(scene, NAME, bytes, "its greeting is none of MySQL")),
    };
    let Greeting { product, version, .. } = &greeting;
    let answer = match log_in_answer(scene, facts) {
        Ok(answer) => answer,
        Err(finding) => return failed(*finding).evidence("version", version.as_str()),
    };
    let user = &settings.log_in_as;
    let mut findings: Vec<Finding> = version::too_old(version, &settings.min_version)
        .into_iter()
        .collect();
    let said = match &answer {
        ServerSaid::Error(error) if error.is_about_the_server() => {
            findings.push(refused(scene, error));
            error.shown()
        }
        ServerSaid::Error(error) if error.is_about_the_account() => format!("refused: {}", error.shown()),
        ServerSaid::Error(error) => {
            let said = error.shown();
            if settings.authentication.is_required() {
                findings.push(not_judged(
                    &format!("a log-in as `{user}` is answered with `{said}`"),
                    "look the number up in the server's list of errors, and into its log",
                ));
            }
            said
        }
        ServerSaid::Ok => {
            let what = format!("a log-in as `{user}` is accepted without a password");
            findings.extend(open(
                scene,
                settings.authentication,
                &what,
                "give the account a password, and drop the anonymous accounts",
            ));
            "accepted".to_owned()
        }
        ServerSaid::WantsProof => "a proof is asked for".to_owned(),
    };
    match facts.tls {
        // Nobody can turn to TLS here.
        ChannelTls::NotAsked if !greeting.tls => {
            findings.extend(channel(scene, &ChannelTls::Declined, false))
        }
        ChannelTls::NotAsked => {}
        _ => findings.extend(channel(scene, &facts.tls, false)),
    }
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: {product} {version}: {}", finding.code),
        None => format!("{place}: {product} {version} answers"),
    };
    Outcome::judged(summary, findings)
        .evidence("version", format!("{product} {version}"))
        .evidence("TLS offered", if greeting.tls { "yes" } else { "no" })
        .evidence("authentication", greeting.plugin.as_str())
        .evidence("log-in without a password", said)
}

/// What became of the log-in.
fn log_in_answer(scene: &Scene<'_>, facts: &DialogueFacts) -> Result<ServerSaid, Box<Finding>> {
    let turn = "its answer to a log-in";
    let first = whole(scene, NAME, turn, facts, 1)?;
    let none = |bytes| {
        Box::new(foreign(
            scene,
            NAME,
            bytes,
            "its answer to a log-in is none of MySQL",
        ))
    };
    match ServerSaid::read(first).ok_or_else(|| none(first))? {
        ServerSaid::WantsProof if facts.replies.len() > 2 => {
            let second = whole(scene, NAME, turn, facts, 2)?;
            ServerSaid::read(second).ok_or_else(|| none(second))
        }
        said => Ok(said),
    }
}

fn refused(scene: &Scene<'_>, error: &greeting::Refusal) -> Finding {
    let (code, remedy) = match error.number {
        1040 | 1203 | 1226 => (
            "full",
            "raise `max_connections`, or put a connection pool before the server",
        ),
        1053 | 1079 => (
            "shutting_down",
            "wait: the server shuts down; then start it again",
        ),
        1129 => (
            "host_blocked",
            "find what connects and hangs up, then `FLUSH HOSTS`, and raise `max_connect_errors`",
        ),
        1130 => (
            "host_not_allowed",
            "let an account log in from this host: `CREATE USER 'name'@'host'`",
        ),
        _ => (
            "server_error",
            "look the number up in the server's list of errors, and into its log",
        ),
    };
    Finding::fail(
        code,
        format!("{}: the server refused: {}", scene.place, error.message),
    )
    .evidence("error", error.number.to_string())
    .remedy(remedy)
}

#[cfg(test)]
mod tests;
