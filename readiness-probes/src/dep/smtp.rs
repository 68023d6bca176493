use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Expect, Frame, Pattern, Step},
};

use super::{
    ChannelTls, DialogueFacts,
    asked::{ask, failed, foreign, whole},
    spoken::{shown, words},
    verdict::{Scene, channel, worst},
};
use crate::address::is_local;

readiness_core::probe! {
    /// The mail server takes up a conversation.
    ///
    /// # What it checks
    /// It connects (`smtp://host`, or `smtps://` for TLS from the first byte), reads the banner, says `EHLO` with
    /// its address, reads what the server can do, and says `QUIT`. It offers no mail and no log-in.
    ///
    /// # Why it matters
    /// A relay that turns this host away loses every message of the service, and nobody sees it but the log.
    ///
    /// # How it is judged
    /// A banner of 220 and an answer of 250 to `EHLO` pass. A refused or silent port, any other code, and
    /// everything that is no SMTP fail, with the server's words. A server that does not offer `STARTTLS` warns,
    /// except over loopback, and in inner networks under the profile `local`; so does one outside the inner
    /// network that takes a log-in before TLS. A server that speaks before it is asked warns: clients that take
    /// it for an answer lose step.
    ///
    /// # How to fix
    /// 4xx: the server is busy, or greylists this host; look into its log. 5xx: it does not take this host; look
    /// at its lists. STARTTLS: give the server a certificate.
    pub struct Smtp {
        /// Whether the server must offer `STARTTLS` (or speak TLS from the first byte); then it fails where it
        /// does not, also over loopback. Default: false.
        pub require_tls: bool = false,
        /// Extensions that must be offered, such as `["8BITMIME", "SIZE"]`. Default: none.
        pub extensions: Vec<String> = Vec::new(),
    }
    id: "dep.smtp",
    title: "the mail server takes up a conversation",
    priority: Critical,
    timeout_seconds: 20,
    references: [
        "RFC 5321: SMTP" => "https://www.rfc-editor.org/rfc/rfc5321",
        "RFC 3207: STARTTLS" => "https://www.rfc-editor.org/rfc/rfc3207",
    ],
}

const NAME: &str = "SMTP";

#[async_trait]
impl Probe for Smtp {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        ask(cx, steps(), |scene, facts| judge(self, scene, facts)).await
    }
}

impl Smtp {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        let is_word = |word: &String| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        match self.extensions.iter().find(|word| !is_word(word)) {
            Some(word) => Err(format!(
                "`extensions` has `{}`, expected the first word of a line of EHLO, such as `8BITMIME`",
                words(word.as_bytes(), 40)
            )),
            None => Ok(()),
        }
    }
}

fn steps() -> Vec<Step> {
    let reply = || Expect::new(Frame::Reply);
    vec![
        // Servers look the client up first, and some keep it waiting on purpose: who speaks before the banner
        // sends junk. Postfix takes six seconds for that.
        Step::Expect(reply().accept(Pattern::begins("220")).within_ms(10_000)),
        Step::send("EHLO {client_name}\r\n"),
        Step::Expect(reply()),
        Step::send("QUIT\r\n"),
    ]
}

fn judge(settings: &Smtp, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let place = scene.place;
    let banner = match reply(scene, facts, 0, "its banner", b"220") {
        Ok(banner) => banner,
        Err(finding) => return failed(*finding),
    };
    let hello = match reply(scene, facts, 1, "its answer to `EHLO`", b"250") {
        Ok(hello) => hello,
        Err(finding) => return failed(*finding).evidence("banner", banner.text()),
    };
    let mut findings = offers(settings, scene, facts, &hello);
    for (turn, number) in [("its banner", 0), ("its answer to `EHLO`", 1)] {
        let unasked = facts.replies.get(number).map(|reply| reply.unasked.as_bytes());
        if let Some(early) = unasked.filter(|bytes| !bytes.is_empty()) {
            findings.push(
                Finding::warn(
                    "speaks_unasked",
                    format!(
                        "behind {turn} it said more before it was asked: `{}`",
                        shown(early)
                    ),
                )
                .subject(turn)
                .remedy("look what stands between: a proxy or filter that answers for the server"),
            );
        }
    }
    let host = banner.text();
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: answers EHLO; {}", finding.code),
        None => format!("{place}: answers EHLO"),
    };
    Outcome::judged(summary, findings)
        .evidence("banner", host)
        .evidence("extensions", hello.extensions().join(", "))
}

/// What is wrong with what the server offers.
fn offers(settings: &Smtp, scene: &Scene<'_>, facts: &DialogueFacts, hello: &Reply<'_>) -> Vec<Finding> {
    let offered = hello.extensions();
    let has = |name: &str| {
        offered
            .iter()
            .any(|line| first_word(line).eq_ignore_ascii_case(name))
    };
    let mut findings = Vec::new();
    for name in &settings.extensions {
        if !has(name) {
            findings.push(
                Finding::fail(
                    "extension_missing",
                    format!("expected the extension `{name}`, which is not offered"),
                )
                .subject(format!("extension `{name}`"))
                .evidence("extensions", offered.join(", "))
                .remedy("turn it on in the server, or take it out of `extensions`"),
            );
        }
    }
    if facts.tls != ChannelTls::NotAsked {
        findings.extend(channel(scene, &facts.tls, false));
        return findings;
    }
    let ip = scene.address.ip().to_canonical();
    let stays = ip.is_loopback() || (scene.profile.is_local() && is_local(ip));
    if !has("STARTTLS") && (settings.require_tls || !stays) {
        let message = "expected the server to offer `STARTTLS`, so that mail is not sent in the clear";
        let finding = if settings.require_tls {
            Finding::fail("no_starttls", message)
        } else {
            Finding::warn("no_starttls", message)
        };
        findings.push(
            finding
                .evidence("extensions", offered.join(", "))
                .remedy("give the server a certificate and turn TLS on"),
        );
    }
    if has("AUTH") && !is_local(scene.address.ip()) {
        findings.push(
            Finding::warn(
                "log_in_unencrypted",
                "the server takes a log-in before TLS, so that a client sends its password in the clear",
            )
            .remedy("offer `AUTH` after `STARTTLS` alone"),
        );
    }
    findings
}

/// A reply of one or more lines.
struct Reply<'a>(Vec<&'a [u8]>);

impl Reply<'_> {
    /// The words of its first line.
    fn text(&self) -> String {
        self.0.first().map(|line| words(line, 120)).unwrap_or_default()
    }

    /// What stands in the lines but the first.
    fn extensions(&self) -> Vec<String> {
        const MOST: usize = 64;
        self.0
            .iter()
            .skip(1)
            .take(MOST)
            .map(|line| words(line, 80))
            .collect()
    }
}

fn first_word(line: &str) -> &str {
    // Some servers of old write `AUTH=LOGIN`.
    line.split([' ', '=']).next().unwrap_or_default()
}

/// The reply of this number, where it has this code.
fn reply<'a>(
    scene: &Scene<'_>,
    facts: &'a DialogueFacts,
    number: usize,
    turn: &str,
    code: &[u8; 3],
) -> Result<Reply<'a>, Box<Finding>> {
    let bytes = whole(scene, NAME, turn, facts, number)?;
    let place = scene.place;
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let mut texts = Vec::new();
    for line in lines {
        // A code of three digits, then a space or a hyphen (RFC 5321, section 4.2.1).
        let line = line.trim_ascii_end();
        let is_reply = line
            .get(..3)
            .is_some_and(|code| code.iter().all(u8::is_ascii_digit))
            && matches!(line.get(3), None | Some(b' ' | b'-'));
        if !is_reply {
            return Err(Box::new(foreign(
                scene,
                NAME,
                bytes,
                &format!("{turn} is none of SMTP"),
            )));
        }
        if !line.starts_with(code) {
            let said = words(line, 160);
            let (code, remedy) = match line.first() {
                Some(b'4') => (
                    "refused_for_now",
                    "look into the server's log: it is busy, or puts this host off",
                ),
                Some(b'5') => (
                    "refused_for_good",
                    "look into the server's log and its lists: it does not take this host",
                ),
                _ => (
                    "unexpected_reply",
                    "look whether host and port are right, and what listens there",
                ),
            };
            let message = format!("{place}: {turn} is `{said}`");
            return Err(Box::new(Finding::fail(code, message).remedy(remedy)));
        }
        texts.push(line.get(4..).unwrap_or_default());
    }
    match texts.is_empty() {
        true => Err(Box::new(foreign(scene, NAME, bytes, &format!("{turn} is empty")))),
        false => Ok(Reply(texts)),
    }
}

#[cfg(test)]
mod tests;
