use std::time::Duration;

use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Target,
    async_trait,
    fact::{Endpoint, PortState},
};

use super::{
    AuthMethod, Authentication, PostgresEnd, PostgresFacts, PostgresSession, ServerError, TlsUse,
    open::open,
    verdict::{Scene, broken, channel, described, each_address, tls_missing, told, withheld},
};
use crate::net::tcp::not_open;

readiness_core::probe! {
    /// PostgreSQL lets the service in and answers.
    ///
    /// # What it checks
    /// It connects as the service does (`postgres://user:password@host/database`), asks for TLS, logs in
    /// with the password (SCRAM-SHA-256, MD5 or clear text, as the server wants), and asks `SELECT 1`. It
    /// writes nothing and leaves the session in order.
    ///
    /// # Why it matters
    /// A server that accepts connections may still be starting, full, or of another opinion about the
    /// password. A service that finds out with its first request fails its users instead of its start.
    ///
    /// # How it is judged
    /// The answer to `SELECT 1` passes. A refused or silent port, a server that starts or shuts down, a
    /// refused log-in, a missing database and every other error fail, with the server's words. A log-in
    /// without any password fails; under the profile `local` it warns, and over loopback it is a note. One over
    /// an unencrypted connection that leaves the inner network, and a production server without TLS, warn. The password is never sent to a server whose certificate is not
    /// trusted (on loopback TLS is left out instead, unless it is required), and never as clear text over
    /// an unencrypted connection that leaves the inner network, unless `tls = "disable"` says so: then the
    /// log-in is unknown. One address that accepts is enough.
    ///
    /// # How to fix
    /// Refused: start PostgreSQL, or set `listen_addresses`. Log-in: compare user, password and database
    /// with `pg_hba.conf`, whose first matching line decides. Certificate: name its authority.
    pub struct Postgres {
        /// Whether the server must ask for a password: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// Whether TLS is asked for: `prefer`, `require` or `disable`. Default: `prefer`.
        pub tls: TlsUse = TlsUse::Prefer,
    }
    id: "dep.postgres",
    title: "PostgreSQL lets the service in and answers",
    priority: Critical,
    references: [
        "PostgreSQL, message flow" => "https://www.postgresql.org/docs/current/protocol-flow.html",
        "PostgreSQL, error codes" => "https://www.postgresql.org/docs/current/errcodes-appendix.html",
        "RFC 7677, SCRAM-SHA-256" => "https://www.rfc-editor.org/rfc/rfc7677",
    ],
}

#[async_trait]
impl Probe for Postgres {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        each_address(
            cx,
            false,
            |endpoint| cx.observe(session(cx.target(), endpoint, self.tls)),
            |facts| facts.tcp.state,
            |scene, facts| judge(self, scene, facts),
        )
        .await
    }
}

/// A session with the database of the target, with its credential.
pub(super) fn session(target: &Target, endpoint: Endpoint, tls: TlsUse) -> PostgresSession {
    PostgresSession::new(
        endpoint,
        target.origin(),
        tls,
        target.credential(),
        database(target.path()),
    )
}

/// The database that a path names: `/app` is `app`, `/` is none.
fn database(path: &str) -> String {
    let name = path.trim_start_matches('/');
    // A form decodes `+` too; in a path it stands for itself.
    let name = name.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(name.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

pub(super) fn judge(settings: &Postgres, scene: &Scene<'_>, facts: &PostgresFacts) -> Outcome {
    let place = scene.place;
    if facts.tcp.state != PortState::Open {
        let finding = not_open(place, &facts.tcp);
        return Outcome::judged(finding.message.clone(), vec![finding]);
    }
    let end = match &facts.end {
        PostgresEnd::Answered => None,
        PostgresEnd::Broken(how) => Some(broken(scene, "PostgreSQL", how)),
        PostgresEnd::CredentialMissing => Some(
            Finding::unknown(
                "credential_missing",
                Reason::MISSING_CREDENTIAL,
                format!("{place}: the server asks for a password, and none is configured"),
            )
            .remedy(
                "write the target as `postgres://user:password@host/database`, taken from the environment",
            ),
        ),
        PostgresEnd::CredentialWithheld => Some(withheld(scene, &facts.tls)),
        PostgresEnd::Error(error) => Some(refused(place, error)),
        PostgresEnd::MethodUnknown => {
            let name = match &facts.auth {
                AuthMethod::Other(name) => name,
                _ => "another method",
            };
            Some(
                Finding::unknown(
                    "method_unknown",
                    Reason::ERROR,
                    format!(
                        "{place}: the server wants the log-in proven by {name}, which is not spoken here"
                    ),
                )
                .remedy("let `pg_hba.conf` ask this user for `scram-sha-256`"),
            )
        }
        PostgresEnd::NotOpen => Some(not_open(place, &facts.tcp)),
        PostgresEnd::TlsMissing => Some(tls_missing(scene, &facts.tls)),
    };
    let password_sent = scene.has_credential
        && matches!(
            facts.auth,
            AuthMethod::Cleartext | AuthMethod::Md5 | AuthMethod::ScramSha256
        )
        && !matches!(
            facts.end,
            PostgresEnd::CredentialMissing | PostgresEnd::CredentialWithheld
        );
    let mut findings: Vec<Finding> = end.into_iter().collect();
    findings.extend(channel(scene, &facts.tls, password_sent));
    if facts.logged_in && facts.auth == AuthMethod::Nothing {
        findings.extend(open(
            scene,
            settings.authentication,
            "the log-in is accepted without any password",
            "let `pg_hba.conf` ask for `scram-sha-256` instead of `trust`",
        ));
    }
    let summary = told(place, &findings, || {
        format!(
            "{place}: log-in and `SELECT 1` answered ({})",
            method(&facts.auth)
        )
    });
    let mut outcome = Outcome::judged(summary, findings)
        .evidence("TLS", described(&facts.tls))
        .evidence("log-in by", method(&facts.auth));
    if !facts.server_version.is_empty() {
        outcome = outcome.evidence("server version", facts.server_version.as_str());
    }
    let micros = Duration::from_micros;
    outcome
        .measure(Measure::duration("connect", micros(facts.tcp.connect_us)))
        .measure(Measure::duration("session", micros(facts.session_us)))
}

fn refused(place: &str, error: &ServerError) -> Finding {
    let ServerError { code, message, .. } = error;
    let (name, remedy) = match code.as_str() {
        "57P03" => ("starting", "wait: the server starts, recovers or shuts down"),
        "28P01" => (
            "wrong_password",
            "compare the user and password with the server's",
        ),
        "28000" => (
            "log_in_refused",
            "add a line for this user, database and address to `pg_hba.conf`",
        ),
        "3D000" => (
            "no_database",
            "create the database, or mend its name in the target",
        ),
        "53300" => (
            "full",
            "raise `max_connections`, or put a connection pool before the server",
        ),
        _ => (
            "server_error",
            "look the code up in the list of PostgreSQL's error codes, and into the log",
        ),
    };
    Finding::fail(name, format!("{place}: the server refused: {message}"))
        .evidence("SQLSTATE", code.as_str())
        .remedy(remedy)
}

fn method(auth: &AuthMethod) -> &str {
    match auth {
        AuthMethod::Cleartext => "clear-text password",
        AuthMethod::Md5 => "md5",
        AuthMethod::NotReached => "not reached",
        AuthMethod::Nothing => "no password",
        AuthMethod::Other(name) => name,
        AuthMethod::ScramSha256 => "scram-sha-256",
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        Profile,
        fact::{LocalRoute, Route, TcpFacts},
        testing::Facts,
    };

    use super::{
        super::{
            Broken, BrokenKind, ChannelTls,
            verdict::tests::{trusted, untrusted},
        },
        *,
    };

    const URL: &str = "postgres://app:s3cr3t@192.0.2.7/shop";

    fn judged(url: &str, profile: Profile, facts: PostgresFacts) -> Outcome {
        let target = Target::parse(url).unwrap();
        let address = target.address().unwrap();
        let endpoint = Endpoint::new((address, target.port()).into(), target.host(), false);
        let key = PostgresSession::new(
            endpoint,
            target.origin(),
            TlsUse::Prefer,
            target.credential(),
            database(target.path()),
        );
        Facts::new()
            .with(LocalRoute::new(address), Route::new(true))
            .with(key, facts)
            .profile(profile)
            .judge(&Postgres::default(), &target)
    }

    fn ended(end: PostgresEnd) -> PostgresFacts {
        PostgresFacts::new(TcpFacts::new(PortState::Open, 300), end)
    }

    fn answered(auth: AuthMethod, tls: ChannelTls) -> PostgresFacts {
        let mut facts = ended(PostgresEnd::Answered);
        (facts.auth, facts.tls, facts.logged_in) = (auth, tls, true);
        facts.server_version = "17.2".to_owned();
        facts
    }

    #[test]
    fn an_answer_passes() {
        let facts = answered(AuthMethod::ScramSha256, trusted());
        let outcome = judged(URL, Profile::production(), facts);
        assert!(outcome.status.is_pass(), "{outcome:?}");
        assert_eq!(
            outcome.summary,
            "192.0.2.7:5432: log-in and `SELECT 1` answered (scram-sha-256)"
        );
        assert_eq!(outcome.measures.len(), 2);
        assert_eq!(outcome.evidence[2].value, "17.2");
    }

    #[test]
    fn a_port_that_does_not_accept_names_host_port_and_why() {
        let closed = PostgresFacts::new(TcpFacts::new(PortState::Closed, 10), PostgresEnd::NotOpen);
        let outcome = judged(URL, Profile::local(), closed);
        assert!(outcome.status.is_fail());
        assert_eq!(outcome.summary, "192.0.2.7:5432: connection refused");
        assert_eq!(outcome.findings[0].code, "refused");
        let silent = PostgresFacts::new(
            TcpFacts::new(PortState::Filtered, 2_000_000),
            PostgresEnd::NotOpen,
        );
        assert_eq!(
            judged(URL, Profile::local(), silent).findings[0].code,
            "no_answer"
        );
    }

    #[test]
    fn the_server_s_refusal_has_its_name() {
        for (sqlstate, code) in [
            ("57P03", "starting"),
            ("28P01", "wrong_password"),
            ("28000", "log_in_refused"),
            ("3D000", "no_database"),
            ("53300", "full"),
            ("XX000", "server_error"),
            ("", "server_error"),
        ] {
            let end = PostgresEnd::Error(ServerError::new(sqlstate, "the database system is starting up"));
            let outcome = judged(URL, Profile::local(), ended(end));
            assert!(outcome.status.is_fail());
            assert_eq!(outcome.findings[0].code, code);
            assert_eq!(
                outcome.summary,
                "192.0.2.7:5432: the server refused: the database system is starting up"
            );
        }
    }

    #[test]
    fn what_was_not_shown_is_unknown() {
        for (end, code) in [
            (PostgresEnd::CredentialMissing, "credential_missing"),
            (PostgresEnd::CredentialWithheld, "credential_withheld"),
            (PostgresEnd::MethodUnknown, "method_unknown"),
        ] {
            let outcome = judged(URL, Profile::local(), ended(end));
            assert!(outcome.status.is_unknown(), "{code}");
            assert_eq!(outcome.findings[0].code, code);
        }
        // An untrusted certificate fails by itself where the profile says so.
        let mut facts = ended(PostgresEnd::CredentialWithheld);
        facts.tls = untrusted();
        let outcome = judged(URL, Profile::production(), facts.clone());
        assert!(outcome.status.is_fail());
        assert!(outcome.summary.contains("certificate is not trusted"));
        assert!(judged(URL, Profile::local(), facts).status.is_unknown());
    }

    #[test]
    fn weak_log_ins_warn() {
        let codes = |url: &str, profile: Profile, facts: PostgresFacts| -> Vec<String> {
            let outcome = judged(url, profile, facts);
            assert!(outcome.status.is_warn(), "{outcome:?}");
            outcome.findings.into_iter().map(|finding| finding.code).collect()
        };
        let open = answered(AuthMethod::Nothing, trusted());
        assert_eq!(
            codes(URL, Profile::local(), open),
            ["open_without_authentication"]
        );
        let plain = answered(AuthMethod::ScramSha256, ChannelTls::Declined);
        assert_eq!(
            codes(URL, Profile::local(), plain.clone()),
            ["password_unencrypted"]
        );
        // What is worst is told, also where the log-in is answered.
        let open = answered(AuthMethod::Nothing, ChannelTls::Declined);
        let outcome = judged("postgres://10.0.0.7/shop", Profile::production(), open);
        assert!(outcome.status.is_fail());
        assert_eq!(outcome.findings[0].code, "no_tls");
        assert!(
            outcome
                .summary
                .starts_with("10.0.0.7:5432: the log-in is accepted without any password"),
            "{}",
            outcome.summary
        );
        let inner = "postgres://app:s3cr3t@10.0.0.7/shop";
        assert_eq!(codes(inner, Profile::production(), plain.clone()), ["no_tls"]);
        assert!(judged(inner, Profile::local(), plain).status.is_pass());
    }

    #[test]
    fn a_peer_of_another_kind_fails() {
        for (kind, code) in [
            (BrokenKind::Closed, "closed"),
            (BrokenKind::Garbage, "other_protocol"),
            (BrokenKind::Silent, "no_answer"),
            (BrokenKind::TooMuch, "other_protocol"),
        ] {
            let end = PostgresEnd::Broken(Broken::new(kind, "it closed the connection"));
            let outcome = judged(URL, Profile::local(), ended(end));
            assert!(outcome.status.is_fail());
            assert_eq!(outcome.findings[0].code, code);
        }
        let mut facts = ended(PostgresEnd::TlsMissing);
        facts.tls = ChannelTls::Declined;
        assert_eq!(
            judged(URL, Profile::local(), facts).findings[0].code,
            "tls_declined"
        );
    }

    #[test]
    fn a_path_names_the_database() {
        for (path, name) in [
            ("/", ""),
            ("", ""),
            ("/app", "app"),
            ("/a%20b+c", "a b+c"),
            ("/a=b", "a=b"),
        ] {
            assert_eq!(database(path), name);
        }
    }
}
