mod bson;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Expect, Frame, LengthField, Step},
};

use self::bson::{Elements, Value};
use super::{
    Authentication, DialogueFacts,
    asked::{ask, failed, foreign, whole},
    open::{not_judged, open},
    spoken::words,
    verdict::{Scene, channel, worst},
};

readiness_core::probe! {
    /// MongoDB answers, and lets nobody in without a log-in.
    ///
    /// # What it checks
    /// It connects (`mongodb://host`, or `tls://host:port`), says `hello`, and asks for the names of the
    /// databases (`listDatabases`), both without a log-in. User name and password of the target are never sent,
    /// and no document is read.
    ///
    /// # Why it matters
    /// A member of a replica set may be starting, or be no primary. A server that asks nobody for a log-in gives
    /// every document away, and is found by strangers within hours.
    ///
    /// # How it is judged
    /// An answer to `hello` passes. A refused or silent port, an error in place of the answer, a member that is
    /// neither primary nor secondary, and everything that is no MongoDB fail; so does one that is no primary
    /// where `primary` demands it. Names of databases without a log-in fail; under the profile `local` it warns,
    /// and over loopback it is a note. Any other error than that a log-in is missing leaves it unknown. A
    /// connection without TLS warns in production, except over loopback.
    ///
    /// # How to fix
    /// Refused: start the server, or mend `net.bindIp`. Open: set `security.authorization: enabled`, or start
    /// with `--auth`, once there is a user.
    pub struct Mongodb {
        /// Whether the server must ask for a log-in: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// Whether it must be the primary, which takes writes. Default: false.
        pub primary: bool = false,
        /// The replica set it must be of. Default: any, or none.
        pub replica_set: String = String::new(),
    }
    id: "dep.mongodb",
    title: "MongoDB answers and asks for a log-in",
    priority: Critical,
    references: [
        "MongoDB, wire protocol" => "https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/",
        "MongoDB, hello" => "https://www.mongodb.com/docs/manual/reference/command/hello/",
        "MongoDB, security checklist" => "https://www.mongodb.com/docs/manual/administration/security-checklist/",
    ],
}

const NAME: &str = "MongoDB";

/// What our requests are told apart by.
const FIRST: u32 = 0x7265_6101;
const SECOND: u32 = 0x7265_6102;

/// The only code of an error that says that a log-in is missing.
const UNAUTHORIZED: i64 = 13;

#[async_trait]
impl Probe for Mongodb {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        ask(cx, steps(), |scene, facts| judge(self, scene, facts)).await
    }
}

fn steps() -> Vec<Step> {
    let message = || Expect::new(Frame::Prefixed(LengthField::new(0, 4, 0))).most_bytes(24 * 1024);
    let admin = || bson::text("$db", "admin");
    let hello = [bson::number("hello", 1), admin()].concat();
    // A secondary answers only those who say that it may.
    let preference = bson::document("$readPreference", &bson::text("mode", "primaryPreferred"));
    let list = [
        bson::number("listDatabases", 1),
        bson::yes("nameOnly"),
        admin(),
        preference,
    ]
    .concat();
    vec![
        Step::send(bson::message(FIRST, &hello)),
        Step::Expect(message()),
        Step::send(bson::message(SECOND, &list)),
        Step::Expect(message()),
    ]
}

/// An answer to `hello`, or to any command that failed.
#[derive(Debug, Default)]
struct Answer {
    ok: bool,
    code: i64,
    error: String,
    is_primary: bool,
    is_secondary: bool,
    set: String,
    /// `isdbgrid` where it is a router of a sharded cluster.
    message: String,
    wire_version: Option<i64>,
    databases: Option<usize>,
}

impl Answer {
    /// `None` for what is no document.
    fn read(document: &[u8]) -> Option<Self> {
        const MOST_CHARACTERS: usize = 120;
        let mut answer = Self::default();
        let mut has_ok = false;
        let mut elements = Elements::of(document);
        for (name, value) in elements.by_ref() {
            let text = |bytes| words(bytes, MOST_CHARACTERS);
            match (name, value) {
                (b"ok", Value::Number(number)) => (has_ok, answer.ok) = (true, number == 1),
                (b"ok", Value::Bool(is)) => (has_ok, answer.ok) = (true, is),
                (b"code", Value::Number(number)) => answer.code = number,
                (b"errmsg", Value::Text(bytes)) => answer.error = text(bytes),
                (b"isWritablePrimary" | b"ismaster", Value::Bool(is)) => answer.is_primary |= is,
                (b"secondary", Value::Bool(is)) => answer.is_secondary = is,
                (b"setName", Value::Text(bytes)) => answer.set = text(bytes),
                (b"msg", Value::Text(bytes)) => answer.message = text(bytes),
                (b"maxWireVersion", Value::Number(number)) => answer.wire_version = Some(number),
                (b"databases", Value::Document(list)) => answer.databases = Some(Elements::of(list).count()),
                _ => {}
            }
        }
        (elements.is_sound && has_ok).then_some(answer)
    }

    fn role(&self) -> &'static str {
        match (self.is_primary, self.is_secondary) {
            (true, _) if self.message == "isdbgrid" => "router of a sharded cluster",
            (true, _) if self.set.is_empty() => "standalone",
            (true, _) => "primary",
            (false, true) => "secondary",
            (false, false) => "neither primary nor secondary",
        }
    }
}

fn judge(settings: &Mongodb, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let place = scene.place;
    let hello = match read(scene, facts, 0, "its answer to `hello`", FIRST) {
        Ok(answer) => answer,
        Err(finding) => return failed(*finding),
    };
    if !hello.ok || hello.wire_version.is_none() {
        let said = if hello.ok {
            "nothing of itself"
        } else {
            hello.error.as_str()
        };
        let message = format!("{place}: the server answered `hello` with an error: {said}");
        return failed(
            Finding::fail("server_error", message)
                .evidence("error", hello.code.to_string())
                .remedy("look into the server's log"),
        );
    }
    let role = hello.role();
    let mut findings = Vec::new();
    if !hello.is_primary && (settings.primary || !hello.is_secondary) {
        let expected = if settings.primary {
            "the primary"
        } else {
            "a primary or a secondary"
        };
        findings.push(
            Finding::fail("wrong_role", format!("expected {expected}, and it is {role}"))
                .remedy("look at `rs.status()`: it starts, recovers, or the set has no majority"),
        );
    }
    if !settings.replica_set.is_empty() && settings.replica_set != hello.set {
        let (expected, found) = (&settings.replica_set, &hello.set);
        findings.push(
            Finding::fail(
                "wrong_replica_set",
                format!("expected the replica set `{expected}`, found `{found}`"),
            )
            .remedy("look whether this is the right server, and at `replication.replSetName`"),
        );
    }
    let said = match read(scene, facts, 1, "its answer to `listDatabases`", SECOND) {
        Ok(answer) if answer.ok => {
            let count = answer.databases.unwrap_or_default();
            let mut finding = open(
                scene,
                settings.authentication,
                "`listDatabases` is answered without a log-in",
                "set `security.authorization: enabled` once there is a user",
            );
            finding = finding.map(|finding| finding.evidence("databases", count.to_string()));
            findings.extend(finding);
            "answered".to_owned()
        }
        Ok(answer) if answer.code == UNAUTHORIZED => format!("refused: {} ({UNAUTHORIZED})", answer.error),
        Ok(answer) => {
            let said = format!("{} ({})", answer.error, answer.code);
            if settings.authentication.is_required() {
                findings.push(not_judged(
                    &format!("`listDatabases` is answered with `{said}`"),
                    "look into the server's log",
                ));
            }
            said
        }
        Err(finding) => {
            findings.push(*finding);
            "not heard".to_owned()
        }
    };
    findings.extend(channel(scene, &facts.tls, false));
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: MongoDB, {role}: {}", finding.code),
        None => format!("{place}: MongoDB answers, {role}"),
    };
    let mut outcome = Outcome::judged(summary, findings)
        .evidence("role", role)
        .evidence("wire version", hello.wire_version.unwrap_or_default().to_string())
        .evidence("`listDatabases` without a log-in", said);
    if !hello.set.is_empty() {
        outcome = outcome.evidence("replica set", hello.set.as_str());
    }
    outcome
}

fn read(
    scene: &Scene<'_>,
    facts: &DialogueFacts,
    index: usize,
    turn: &str,
    number: u32,
) -> Result<Answer, Box<Finding>> {
    let bytes = whole(scene, NAME, turn, facts, index)?;
    bson::body(bytes, number)
        .and_then(Answer::read)
        .ok_or_else(|| Box::new(foreign(scene, NAME, bytes, &format!("{turn} is none of MongoDB"))))
}

#[cfg(test)]
mod tests;
