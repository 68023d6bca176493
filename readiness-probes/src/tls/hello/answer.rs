use readiness_core::{
    Reason,
    fact::{HelloAnswer, ServerHello, TlsHello, TlsVersion},
};

use super::alert;
use crate::tls::group;

/// What an answer says of what was offered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::tls) enum Verdict<T> {
    /// The server would go on with it.
    Agreed(T),
    /// It would not, and said so: how, in words.
    Refused(String),
    /// It ended the connection without a word, or could not make sense of the hello. That is how some servers
    /// refuse, and how others fail.
    Ended(Reason, String),
    /// Nothing can be said of it.
    Unclear(Reason, String),
}

impl<T> Verdict<T> {
    fn map<U>(self, f: impl FnOnce(T) -> Verdict<U>) -> Verdict<U> {
        match self {
            Self::Agreed(value) => f(value),
            Self::Refused(how) => Verdict::Refused(how),
            Self::Ended(reason, how) => Verdict::Ended(reason, how),
            Self::Unclear(reason, why) => Verdict::Unclear(reason, why),
        }
    }
}

/// Whether the server would go on with the version that was offered.
pub(in crate::tls) fn to_version<'a>(offer: &TlsHello, answer: &'a HelloAnswer) -> Verdict<&'a ServerHello> {
    let ended = |reason, how: &str| Verdict::Ended(reason, how.to_owned());
    match answer {
        HelloAnswer::Hello(hello) => of_hello(offer, hello),
        HelloAnswer::Alert { code } => {
            let how = format!("it sent the alert `{}`", alert::name(*code));
            if alert::is_refusal(*code) {
                Verdict::Refused(how)
            } else if alert::is_complaint(*code) {
                Verdict::Ended(Reason::TLS_ALERT, how)
            } else {
                Verdict::Unclear(Reason::TLS_ALERT, how)
            }
        }
        HelloAnswer::Closed => ended(Reason::TLS_CLOSED, "it closed the connection"),
        HelloAnswer::Reset => ended(Reason::TCP_RESET, "it reset the connection"),
        HelloAnswer::Malformed { message } => Verdict::Unclear(
            Reason::TLS_MALFORMED,
            format!("it breaks the rules of TLS: {message}"),
        ),
        HelloAnswer::NotTls { message } => Verdict::Unclear(
            Reason::TLS_NOT_TLS,
            format!("it does not speak TLS on this port: {message}"),
        ),
        HelloAnswer::NoDialogue { reason, message } => Verdict::Unclear(reason.clone(), message.clone()),
        HelloAnswer::Silent => Verdict::Unclear(Reason::TIMEOUT, "it did not answer in time".to_owned()),
        HelloAnswer::TooLarge { message } => Verdict::Unclear(Reason::TLS_MESSAGE_TOO_LARGE, message.clone()),
        _ => Verdict::Unclear(
            Reason::ERROR,
            "it answered in a way this version does not know".to_owned(),
        ),
    }
}

fn of_hello<'a>(offer: &TlsHello, hello: &'a ServerHello) -> Verdict<&'a ServerHello> {
    let breaks = |how: String| {
        Verdict::Unclear(
            Reason::TLS_MALFORMED,
            format!("it breaks the rules of TLS: {how}"),
        )
    };
    if hello.version < offer.version.number() {
        return Verdict::Refused(match TlsVersion::from_number(hello.version) {
            Some(version) => format!("it answered with {version}"),
            None => format!("it answered with version {:#06x}", hello.version),
        });
    }
    if hello.version != offer.version.number() {
        return breaks(format!(
            "it answered with version {:#06x}, which is newer",
            hello.version
        ));
    }
    if !offer.suites.contains(&hello.suite) {
        return breaks(format!(
            "it picked suite {:#06x}, which was not offered",
            hello.suite
        ));
    }
    Verdict::Agreed(hello)
}

/// Which of the suites that were offered the server would go on with.
pub(in crate::tls) fn to_suite(offer: &TlsHello, answer: &HelloAnswer) -> Verdict<u16> {
    to_version(offer, answer).map(|hello| Verdict::Agreed(hello.suite))
}

/// Which of the groups that were offered the server would go on with.
pub(in crate::tls) fn to_group(offer: &TlsHello, answer: &HelloAnswer) -> Verdict<u16> {
    let malformed = |how: String| Verdict::Unclear(Reason::TLS_MALFORMED, how);
    to_version(offer, answer).map(|hello| match (hello.group, &hello.cut) {
        (Some(group), _) if offer.groups.contains(&group) => Verdict::Agreed(group),
        (Some(group), _) => malformed(format!("it picked {}, which was not offered", group::name(group))),
        (None, Some(cut)) => malformed(format!("it named no group: {cut}")),
        (None, None) => malformed("it named no group".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use readiness_core::fact::Endpoint;

    use super::*;

    fn offer() -> TlsHello {
        let endpoint = Endpoint::new("127.0.0.1:1".parse().unwrap(), "a.test", true);
        TlsHello::new(endpoint, TlsVersion::Tls11, vec![0x002f, 0x0035]).groups(vec![29])
    }

    fn hello(version: u16, suite: u16, group: Option<u16>) -> HelloAnswer {
        let mut hello = ServerHello::new(version, suite);
        hello.group = group;
        HelloAnswer::Hello(Box::new(hello))
    }

    fn word<T>(verdict: &Verdict<T>) -> (&'static str, String) {
        match verdict {
            Verdict::Agreed(_) => ("agreed", String::new()),
            Verdict::Refused(how) => ("refused", how.clone()),
            Verdict::Ended(reason, how) => ("ended", format!("{reason}: {how}")),
            Verdict::Unclear(reason, why) => ("unclear", format!("{reason}: {why}")),
        }
    }

    #[test]
    fn each_answer_says_something_else_of_a_version() {
        let message = || "x".to_owned();
        for (answer, expected, part) in [
            (hello(0x0302, 0x2f, None), "agreed", ""),
            (hello(0x0301, 0x2f, None), "refused", "it answered with TLS 1.0"),
            (hello(0x0300, 0xffff, None), "refused", "SSLv3"),
            (hello(0x0002, 0x2f, None), "refused", "version 0x0002"),
            (hello(0x0303, 0x2f, None), "unclear", "newer"),
            (
                hello(0x0302, 0x0a, None),
                "unclear",
                "suite 0x000a, which was not offered",
            ),
            (HelloAnswer::Alert { code: 40 }, "refused", "`handshake_failure`"),
            (HelloAnswer::Alert { code: 70 }, "refused", "`protocol_version`"),
            (
                HelloAnswer::Alert { code: 71 },
                "refused",
                "`insufficient_security`",
            ),
            (
                HelloAnswer::Alert { code: 86 },
                "refused",
                "`inappropriate_fallback`",
            ),
            (
                HelloAnswer::Alert { code: 80 },
                "unclear",
                "tls.alert: it sent the alert `internal_error`",
            ),
            (
                HelloAnswer::Alert { code: 50 },
                "ended",
                "tls.alert: it sent the alert `decode_error`",
            ),
            (HelloAnswer::Alert { code: 112 }, "unclear", "`unrecognized_name`"),
            (HelloAnswer::Alert { code: 99 }, "unclear", "`number 99`"),
            (
                HelloAnswer::NoDialogue {
                    reason: Reason::STARTTLS_DECLINED,
                    message: message(),
                },
                "unclear",
                "starttls.declined",
            ),
            (HelloAnswer::Closed, "ended", "tls.closed"),
            (HelloAnswer::Reset, "ended", "tcp.reset"),
            (HelloAnswer::Silent, "unclear", "timeout"),
            (
                HelloAnswer::Malformed { message: message() },
                "unclear",
                "tls.malformed",
            ),
            (
                HelloAnswer::NotTls { message: message() },
                "unclear",
                "tls.not_tls",
            ),
            (
                HelloAnswer::TooLarge { message: message() },
                "unclear",
                "tls.message_too_large",
            ),
        ] {
            let (found, said) = word(&to_version(&offer(), &answer));
            assert_eq!(found, expected, "{answer:?}");
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn only_what_was_offered_can_be_agreed_upon() {
        assert_eq!(
            to_suite(&offer(), &hello(0x0302, 0x35, None)),
            Verdict::Agreed(0x35)
        );
        assert_eq!(word(&to_suite(&offer(), &hello(0x0302, 0x05, None))).0, "unclear");
        assert_eq!(
            to_group(&offer(), &hello(0x0302, 0x35, Some(29))),
            Verdict::Agreed(29)
        );
        for (group, part) in [
            (Some(23), "secp256r1, which was not offered"),
            (None, "named no group"),
        ] {
            let (found, said) = word(&to_group(&offer(), &hello(0x0302, 0x35, group)));
            assert_eq!(found, "unclear");
            assert!(said.contains(part), "{said}");
        }
    }
}
