use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{Expect, Frame, Pattern, Step},
};

use super::{
    Authentication, DialogueFacts, ReplyEnd,
    asked::{ask, failed, foreign, whole},
    open::{not_judged, open},
    spoken::words,
    verdict::{Scene, channel, worst},
    version,
};

readiness_core::probe! {
    /// memcached answers, and lets nobody in without a log-in.
    ///
    /// # What it checks
    /// It connects (`tcp://host:11211`, or `tls://host:port`) and asks for `version` and `stats` in the text
    /// protocol. It reads and writes no key.
    ///
    /// # Why it matters
    /// By default memcached lets everybody in who can reach it: sessions and pages can be read and replaced.
    ///
    /// # How it is judged
    /// A version passes, and so does an answer that a log-in is missing. A refused or silent port, a server
    /// older than `min_version` and everything that is no memcached fail. One that hangs up at the text protocol
    /// is unknown: it may speak the binary one alone, as with SASL (`-S`), or want TLS. `stats` without a log-in fails; under the profile
    /// `local` it warns, and over loopback it is a note. A connection without TLS warns in production, except
    /// over loopback.
    ///
    /// # How to fix
    /// Refused: start memcached, or let it listen on this address (`-l`). Open: bind it to inner addresses, turn
    /// UDP off, and set users with `-Y`.
    pub struct Memcached {
        /// Whether the server must ask for a log-in: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// The least version, such as `1.6`. Default: none.
        pub min_version: String = String::new(),
    }
    id: "dep.memcached",
    title: "memcached answers and asks for a log-in",
    priority: Critical,
    references: [
        "memcached, protocol" => "https://github.com/memcached/memcached/blob/master/doc/protocol.txt",
    ],
}

const NAME: &str = "memcached";

#[async_trait]
impl Probe for Memcached {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        ask(cx, steps(), |scene, facts| judge(self, scene, facts)).await
    }
}

impl Memcached {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        version::check(&self.min_version)
    }
}

fn steps() -> Vec<Step> {
    let stats = Frame::Lines {
        until: ["END", "ERROR", "CLIENT_ERROR", "SERVER_ERROR"]
            .map(str::to_owned)
            .to_vec(),
    };
    vec![
        // One that speaks the binary protocol alone looks at its 24 bytes of head first, and waits for them.
        Step::send(format!("{:<24}\r\n", "version")),
        Step::Expect(Expect::new(Frame::Line).accept(Pattern::begins("VERSION "))),
        Step::send("stats\r\n"),
        Step::Expect(Expect::new(stats).most_bytes(32 * 1024)),
    ]
}

fn judge(settings: &Memcached, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let place = scene.place;
    if hung_up(facts) {
        return failed(binary_only(scene, facts));
    }
    let answer = match whole(scene, NAME, "its answer to `version`", facts, 0) {
        Ok(answer) => answer,
        Err(finding) => return failed(*finding),
    };
    if is_unauthenticated(answer) {
        let mut findings: Vec<Finding> = version::too_old("", &settings.min_version).into_iter().collect();
        findings.extend(channel(scene, &facts.tls, false));
        return Outcome::judged(format!("{place}: memcached asks for a log-in"), findings)
            .evidence("version", "not told without a log-in");
    }
    let found = answer.strip_prefix(b"VERSION ");
    let Some(found) = found.filter(|rest| rest.first().is_some_and(u8::is_ascii_digit)) else {
        let problem = "its answer to `version` is none of memcached";
        return failed(foreign(scene, NAME, answer, problem));
    };
    let found = words(found, 40);
    let mut findings: Vec<Finding> = version::too_old(&found, &settings.min_version)
        .into_iter()
        .collect();
    let said = match whole(scene, NAME, "its answer to `stats`", facts, 1) {
        Ok(bytes) if bytes.starts_with(b"STAT ") => {
            findings.extend(open(
                scene,
                settings.authentication,
                "`stats` is answered without a log-in",
                "bind memcached to inner addresses, and set users with `-Y`",
            ));
            "answered"
        }
        Ok(bytes) if is_unauthenticated(bytes) => "refused",
        Ok(bytes) => {
            findings.push(not_judged(
                &format!("`stats` is answered with `{}`", words(bytes, 80)),
                "look what stands between, and which commands it lets through",
            ));
            "not understood"
        }
        Err(finding) => {
            findings.push(*finding);
            "not heard"
        }
    };
    findings.extend(channel(scene, &facts.tls, false));
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: memcached {found}: {}", finding.code),
        None => format!("{place}: memcached {found} answers"),
    };
    Outcome::judged(summary, findings)
        .evidence("version", found)
        .evidence("`stats` without a log-in", said)
}

/// Whether the server ended the connection at `version` without a word.
fn hung_up(facts: &DialogueFacts) -> bool {
    facts.replies.first().is_some_and(|reply| {
        reply.bytes.is_empty() && matches!(reply.end, ReplyEnd::Closed | ReplyEnd::Reset)
    })
}

/// What is left of a server that takes no text: with SASL memcached speaks the binary protocol alone.
fn binary_only(scene: &Scene<'_>, facts: &DialogueFacts) -> Finding {
    let place = scene.place;
    let message =
        format!("{place}: the server hung up at the text protocol; with SASL it speaks the binary one alone");
    let finding = Finding::unknown("binary_only", Reason::UNEXPECTED_RESPONSE, message);
    finding.remedy(if facts.tls.is_encrypted() {
        "look into the server's log; where it has SASL (`-S`), ask its port with `net.tcp` in place of this"
    } else {
        "look into the server's log; where it wants TLS, write `tls://host:port`; where it has SASL (`-S`), ask \
         its port with `net.tcp` in place of this"
    })
}

fn is_unauthenticated(line: &[u8]) -> bool {
    line.starts_with(b"CLIENT_ERROR unauthenticated")
}

#[cfg(test)]
mod tests {
    use readiness_core::Profile;

    use super::{
        super::{
            ReplyEnd,
            asked::tests::{codes, ended, heard, hostile_but, judged, mangled},
        },
        *,
    };

    const URL: &str = "tcp://10.0.0.7:11211";
    const VERSION: &[u8] = b"VERSION 1.6.18\r\n";
    const STATS: &[u8] = b"STAT pid 7\r\nSTAT uptime 3\r\nEND\r\n";
    const UNAUTHENTICATED: &[u8] = b"CLIENT_ERROR unauthenticated\r\n";

    fn seen(probe: &Memcached, url: &str, profile: Profile, replies: &[&[u8]]) -> Outcome {
        let mut facts = heard(replies);
        if url.starts_with("tls") {
            facts.tls = super::super::verdict::tests::trusted();
        }
        judged(probe, steps(), url, profile, facts)
    }

    fn usual(replies: &[&[u8]]) -> Outcome {
        seen(&Memcached::default(), URL, Profile::local(), replies)
    }

    #[test]
    fn one_that_wants_a_log_in_passes() {
        for replies in [&[UNAUTHENTICATED][..], &[VERSION, UNAUTHENTICATED]] {
            let outcome = seen(
                &Memcached::default(),
                "tls://192.0.2.7:11211",
                Profile::production(),
                replies,
            );
            assert!(
                outcome.status.is_pass() && outcome.findings.is_empty(),
                "{outcome:#?}"
            );
        }
        assert_eq!(
            usual(&[UNAUTHENTICATED]).summary,
            "10.0.0.7:11211: memcached asks for a log-in"
        );
        let strict = Memcached {
            min_version: "1.6".to_owned(),
            ..Memcached::default()
        };
        let outcome = seen(&strict, URL, Profile::local(), &[UNAUTHENTICATED]);
        assert!(outcome.status.is_unknown());
    }

    #[test]
    fn stats_without_a_log_in_are_a_finding() {
        for (url, profile, word) in [
            ("tls://192.0.2.7:11211", Profile::production(), "fail"),
            (URL, Profile::local(), "warn"),
            ("tcp://127.0.0.1:11211", Profile::local(), "pass"),
        ] {
            let outcome = seen(&Memcached::default(), url, profile, &[VERSION, STATS]);
            assert_eq!(outcome.status.word(), word);
            assert_eq!(codes(&outcome), ["open_without_authentication"]);
        }
        let meant = Memcached {
            authentication: Authentication::None,
            ..Memcached::default()
        };
        let outcome = seen(&meant, URL, Profile::local(), &[VERSION, STATS]);
        assert_eq!(outcome.summary, "10.0.0.7:11211: memcached 1.6.18 answers");
        assert!(outcome.findings.is_empty());
        let outcome = seen(&meant, URL, Profile::production(), &[VERSION, STATS]);
        assert_eq!(codes(&outcome), ["no_tls"]);
        // Nothing is concluded from what was not understood.
        let outcome = usual(&[VERSION, b"ERROR\r\n"]);
        assert!(outcome.status.is_unknown());
    }

    #[test]
    fn one_that_hangs_up_at_text_is_unknown() {
        let steps = steps();
        let Some(Step::Send(question)) = steps.first() else {
            panic!("{steps:?}");
        };
        let question = question.as_bytes();
        assert!(question.starts_with(b"version ") && question.ends_with(b" \r\n"));
        assert!(question.len() >= 24, "a head of the binary protocol");
        let steps = || steps.clone();
        for (url, end, remedy) in [
            (URL, ReplyEnd::Closed, "`tls://host:port`"),
            (URL, ReplyEnd::Reset, "`tls://host:port`"),
            ("tls://192.0.2.7:11211", ReplyEnd::Closed, "`-S`"),
        ] {
            let mut facts = ended(&[b""], end);
            if url.starts_with("tls") {
                facts.tls = super::super::verdict::tests::trusted();
            }
            let outcome = judged(&Memcached::default(), steps(), url, Profile::production(), facts);
            assert!(outcome.status.is_unknown(), "{outcome:#?}");
            assert_eq!(codes(&outcome), ["binary_only"]);
            assert!(outcome.summary.contains("SASL"), "{}", outcome.summary);
            assert!(outcome.findings[0].remedy.contains(remedy));
        }
        // One that says something first, or hangs up later, is broken.
        for replies in [&[&b"\x81"[..]][..], &[VERSION, b""]] {
            let facts = ended(replies, ReplyEnd::Closed);
            let outcome = judged(&Memcached::default(), steps(), URL, Profile::local(), facts);
            assert_eq!(codes(&outcome), ["closed"]);
        }
    }

    #[test]
    fn the_least_version_is_held() {
        for (least, expected) in [
            ("1.6.17", &[][..]),
            ("1.6.18", &[]),
            ("1.6.19", &["version_too_old"]),
        ] {
            let probe = Memcached {
                authentication: Authentication::None,
                min_version: least.to_owned(),
            };
            assert_eq!(
                codes(&seen(&probe, URL, Profile::local(), &[VERSION, STATS])),
                expected
            );
        }
        assert!(
            Memcached {
                min_version: "x".to_owned(),
                ..Memcached::default()
            }
            .check()
            .is_err()
        );
    }

    #[test]
    fn other_peers_fail() {
        let probe = Memcached::default();
        hostile_but(&probe, &steps(), URL, |bytes, end| {
            bytes.is_empty() && matches!(end, ReplyEnd::Closed | ReplyEnd::Reset)
        });
        mangled(&probe, &steps(), URL, &[VERSION, STATS], 0);
        mangled(&probe, &steps(), URL, &[VERSION, STATS], 1);
        for line in [
            &b"ERROR\r\n"[..],
            b"VERSION \r\n",
            b"VERSION x\r\n",
            b"version 1\r\n",
            b"\r\n",
        ] {
            assert_eq!(codes(&usual(&[line])), ["other_protocol"], "{line:?}");
        }
        let facts = ended(&[VERSION, b"STAT x"], ReplyEnd::Silent);
        let outcome = judged(&probe, steps(), URL, Profile::local(), facts);
        assert_eq!(codes(&outcome), ["no_answer"]);
    }
}
