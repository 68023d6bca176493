use std::time::Duration;

use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::PortState,
};

use super::{
    Authentication, RedisEnd, RedisFacts, RedisPing, RedisReply, ServerError,
    open::open,
    verdict::{Scene, broken, channel, described, each_address, tls_missing, told, withheld},
};
use crate::net::tcp::not_open;

readiness_core::probe! {
    /// Redis lets the service in and answers.
    ///
    /// # What it checks
    /// It connects as the service does (`redis://user:password@host` or `rediss://` for TLS), sends `PING`
    /// without a log-in, then `AUTH` and `PING` again where a password is configured. It reads and writes
    /// no key.
    ///
    /// # Why it matters
    /// Redis loads its data before it answers, and by default lets everybody in who can reach it: whoever
    /// can write keys there can often run commands on the machine.
    ///
    /// # How it is judged
    /// `PONG` passes. A refused or silent port, a server that loads, a refused log-in and every other error
    /// fail, with the server's words. `PONG` without a log-in fails; under the profile `local` it warns, and over
    /// loopback, where no password is configured, it is a note. A password over an unencrypted connection that leaves the inner network warns.
    /// The password is never sent to a server whose certificate is not trusted: then the log-in is unknown. One
    /// address that accepts is enough.
    ///
    /// # How to fix
    /// Refused: start Redis, or `bind` it to this address. Open without a password: set `requirepass` or an
    /// ACL, and bind it to inner addresses. Log-in: compare user and password with the ACL.
    pub struct Redis {
        /// Whether the server must ask for a log-in: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
    }
    id: "dep.redis",
    title: "Redis lets the service in and answers",
    priority: Critical,
    references: [
        "Redis, security" => "https://redis.io/docs/latest/operate/oss_and_stack/management/security/",
        "Redis, serialization protocol" => "https://redis.io/docs/latest/develop/reference/protocol-spec/",
    ],
}

#[async_trait]
impl Probe for Redis {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        each_address(
            cx,
            target.is_tls(),
            |endpoint| cx.observe(RedisPing::new(endpoint, target.origin(), target.credential())),
            |facts| facts.tcp.state,
            |scene, facts| judge(self, scene, facts),
        )
        .await
    }
}

fn judge(settings: &Redis, scene: &Scene<'_>, facts: &RedisFacts) -> Outcome {
    let place = scene.place;
    if facts.tcp.state != PortState::Open {
        let finding = not_open(place, &facts.tcp);
        return Outcome::judged(finding.message.clone(), vec![finding]);
    }
    let end = match &facts.end {
        RedisEnd::Broken(how) => Some(broken(scene, "Redis", how)),
        RedisEnd::CredentialWithheld => Some(withheld(scene, &facts.tls)),
        RedisEnd::Done => not_answered(place, facts),
        RedisEnd::NotOpen => Some(not_open(place, &facts.tcp)),
        RedisEnd::TlsMissing => Some(tls_missing(scene, &facts.tls)),
    };
    let mut findings: Vec<Finding> = end.into_iter().collect();
    findings.extend(channel(scene, &facts.tls, facts.auth.is_some()));
    if facts.unauthenticated == Some(RedisReply::Pong) {
        findings.extend(open(
            scene,
            settings.authentication,
            "PING is answered without a log-in",
            "set `requirepass` or an ACL for the default user, and bind Redis to inner addresses",
        ));
    }
    let summary = told(place, &findings, || match &facts.authenticated {
        Some(_) => format!("{place}: log-in and PING answered"),
        None => format!("{place}: PING answered"),
    });
    let micros = Duration::from_micros;
    Outcome::judged(summary, findings)
        .evidence("TLS", described(&facts.tls))
        .evidence("PING without a log-in", shown(facts.unauthenticated.as_ref()))
        .evidence("AUTH", shown(facts.auth.as_ref()))
        .measure(Measure::duration("connect", micros(facts.tcp.connect_us)))
        .measure(Measure::duration("session", micros(facts.session_us)))
}

/// The fault of a talk that came to its end without a `PONG` for the service.
fn not_answered(place: &str, facts: &RedisFacts) -> Option<Finding> {
    let last = facts
        .authenticated
        .as_ref()
        .or(facts.auth.as_ref())
        .or(facts.unauthenticated.as_ref())?;
    let logs_in = facts.auth.is_some() && facts.authenticated.is_none();
    match last {
        RedisReply::Pong => None,
        RedisReply::Error(error) => Some(refused(place, error, logs_in)),
        RedisReply::Ok | RedisReply::Other(_) => {
            let asked = if logs_in { "AUTH" } else { "PING" };
            Some(
                Finding::fail(
                    "unexpected_reply",
                    format!("{place}: {asked} was answered with `{}`", shown(Some(last))),
                )
                .remedy("look whether host and port are right, and what listens there"),
            )
        }
    }
}

fn refused(place: &str, error: &ServerError, logs_in: bool) -> Finding {
    let ServerError { code, message, .. } = error;
    let said = format!("{place}: the server refused: {message}");
    let (name, remedy) = match code.as_str() {
        "NOAUTH" => {
            return Finding::unknown(
                "credential_missing",
                Reason::MISSING_CREDENTIAL,
                format!("{place}: the server asks for a password, and none is configured"),
            )
            .remedy("write the target as `redis://user:password@host`, taken from the environment");
        }
        "LOADING" => ("loading", "wait: the server loads its data"),
        "DENIED" => (
            "protected",
            "set a password or an ACL; protected mode answers to loopback alone",
        ),
        "MASTERDOWN" => (
            "master_down",
            "look at the replication: this replica has lost its master",
        ),
        _ if logs_in => (
            "log_in_refused",
            "compare user and password with the server's ACL",
        ),
        _ => ("server_error", "look into the server's log"),
    };
    Finding::fail(name, said).remedy(remedy)
}

fn shown(reply: Option<&RedisReply>) -> &str {
    match reply {
        None => "not sent",
        Some(RedisReply::Error(error)) => &error.message,
        Some(RedisReply::Ok) => "OK",
        Some(RedisReply::Other(text)) => text,
        Some(RedisReply::Pong) => "PONG",
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        Profile, Target,
        fact::{Endpoint, LocalRoute, Route, TcpFacts},
        testing::Facts,
    };

    use super::{
        super::{
            Broken, BrokenKind, ChannelTls,
            verdict::tests::{trusted, untrusted},
        },
        *,
    };

    const OPEN: &str = "redis://10.0.0.7";
    const LOCKED: &str = "rediss://:s3cr3t@10.0.0.7:6379";

    fn judged(url: &str, profile: Profile, facts: RedisFacts) -> Outcome {
        judged_by(&Redis::default(), url, profile, facts)
    }

    fn judged_by(probe: &Redis, url: &str, profile: Profile, facts: RedisFacts) -> Outcome {
        let target = Target::parse(url).unwrap();
        let address = target.address().unwrap();
        let endpoint = Endpoint::new((address, target.port()).into(), target.host(), target.is_tls());
        let key = RedisPing::new(endpoint, target.origin(), target.credential());
        Facts::new()
            .with(LocalRoute::new(address), Route::new(true))
            .with(key, facts)
            .profile(profile)
            .judge(probe, &target)
    }

    fn done(
        unauthenticated: RedisReply,
        auth: Option<RedisReply>,
        authenticated: Option<RedisReply>,
    ) -> RedisFacts {
        let mut facts = RedisFacts::new(TcpFacts::new(PortState::Open, 100), RedisEnd::Done);
        facts.unauthenticated = Some(unauthenticated);
        (facts.auth, facts.authenticated) = (auth, authenticated);
        facts
    }

    fn error(message: &str) -> RedisReply {
        RedisReply::Error(ServerError::new(message.split(' ').next().unwrap(), message))
    }

    fn codes(outcome: &Outcome) -> Vec<&str> {
        outcome
            .findings
            .iter()
            .map(|finding| finding.code.as_str())
            .collect()
    }

    #[test]
    fn a_pong_passes() {
        let pong = done(RedisReply::Pong, None, None);
        let outcome = judged("redis://127.0.0.1", Profile::local(), pong);
        assert_eq!(outcome.summary, "127.0.0.1:6379: PING answered");
        let mut facts = done(
            error("NOAUTH Authentication required."),
            Some(RedisReply::Ok),
            Some(RedisReply::Pong),
        );
        facts.tls = trusted();
        let outcome = judged(LOCKED, Profile::production(), facts);
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:?}"
        );
        assert_eq!(outcome.summary, "10.0.0.7:6379: log-in and PING answered");
    }

    #[test]
    fn open_without_a_log_in_is_a_finding() {
        let pong = || done(RedisReply::Pong, None, None);
        for (url, profile, word, expected) in [
            (
                OPEN,
                Profile::local(),
                "warn",
                &["open_without_authentication"][..],
            ),
            (
                OPEN,
                Profile::production(),
                "fail",
                &["no_tls", "open_without_authentication"],
            ),
            (
                "redis://127.0.0.1",
                Profile::local(),
                "pass",
                &["open_without_authentication"],
            ),
        ] {
            let outcome = judged(url, profile, pong());
            assert_eq!(
                (outcome.status.word(), codes(&outcome)),
                (word, expected.to_vec()),
                "{url}"
            );
            // The worst is told, and a note is none.
            let said = match word {
                "pass" => "PING answered",
                _ => "PING is answered without a log-in: everybody",
            };
            assert!(outcome.summary.contains(said), "{}", outcome.summary);
        }
        let meant = Redis {
            authentication: Authentication::None,
        };
        let outcome = judged_by(&meant, OPEN, Profile::local(), pong());
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:?}"
        );
        let mut open = done(RedisReply::Pong, Some(RedisReply::Ok), Some(RedisReply::Pong));
        open.tls = trusted();
        let outcome = judged(LOCKED, Profile::production(), open);
        assert!(outcome.status.is_fail());
        assert_eq!(codes(&outcome), ["open_without_authentication"]);
        // A client that has a password cannot do without AUTH.
        let mut open = done(
            RedisReply::Pong,
            Some(error("ERR AUTH <password> called without any")),
            None,
        );
        open.tls = trusted();
        let outcome = judged(LOCKED, Profile::local(), open);
        assert!(outcome.status.is_fail());
        assert_eq!(codes(&outcome), ["log_in_refused", "open_without_authentication"]);
    }

    #[test]
    fn errors_have_their_names() {
        for (message, code) in [
            ("LOADING Redis is loading the dataset in memory", "loading"),
            ("DENIED Redis is running in protected mode", "protected"),
            ("MASTERDOWN Link with MASTER is down", "master_down"),
            ("ERR unknown", "server_error"),
        ] {
            let outcome = judged(OPEN, Profile::local(), done(error(message), None, None));
            assert!(outcome.status.is_fail());
            assert_eq!(codes(&outcome), [code]);
            assert!(outcome.summary.ends_with(message), "{}", outcome.summary);
        }
        let mut facts = done(
            error("NOAUTH Authentication required."),
            Some(error("WRONGPASS invalid username-password pair")),
            None,
        );
        facts.tls = trusted();
        assert_eq!(
            codes(&judged(LOCKED, Profile::local(), facts)),
            ["log_in_refused"]
        );
        let odd = done(RedisReply::Other("hello".to_owned()), None, None);
        assert_eq!(codes(&judged(OPEN, Profile::local(), odd)), ["unexpected_reply"]);
    }

    #[test]
    fn what_was_not_shown_is_unknown() {
        let facts = done(error("NOAUTH Authentication required."), None, None);
        let outcome = judged(OPEN, Profile::local(), facts);
        assert!(outcome.status.is_unknown());
        assert_eq!(codes(&outcome), ["credential_missing"]);
        let mut facts = done(error("NOAUTH Authentication required."), None, None);
        (facts.end, facts.tls) = (RedisEnd::CredentialWithheld, untrusted());
        let outcome = judged(LOCKED, Profile::local(), facts);
        assert!(outcome.status.is_unknown());
        assert_eq!(codes(&outcome), ["credential_withheld", "tls_untrusted"]);
    }

    #[test]
    fn what_does_not_answer_as_redis_fails() {
        let closed = RedisFacts::new(TcpFacts::new(PortState::Closed, 10), RedisEnd::NotOpen);
        let outcome = judged(OPEN, Profile::local(), closed);
        assert_eq!(outcome.summary, "10.0.0.7:6379: connection refused");
        let how = Broken::new(BrokenKind::Garbage, "it does not speak Redis");
        let tcp = TcpFacts::new(PortState::Open, 10);
        let outcome = judged(
            OPEN,
            Profile::local(),
            RedisFacts::new(tcp.clone(), RedisEnd::Broken(how)),
        );
        assert_eq!(codes(&outcome), ["other_protocol"]);
        let mut facts = RedisFacts::new(tcp, RedisEnd::TlsMissing);
        facts.tls = ChannelTls::Failed {
            reason: Reason::TLS_NOT_TLS,
            message: "the peer does not speak TLS on this port".to_owned(),
        };
        assert_eq!(codes(&judged(LOCKED, Profile::local(), facts)), ["tls_failed"]);
    }
}
