use std::time::Duration;

use readiness_core::{Finding, Measure, Outcome, Reason, fact::PortState};

use super::{
    WebSocket,
    opening::{UpgradeAnswer, WebSocketEnd, WebSocketFacts, has_token},
};
use crate::{
    dep::verdict::{Scene, broken, channel, described, tls_missing, told, withheld},
    net::tcp::not_open,
};

pub(super) fn judge(
    settings: &WebSocket,
    scene: &Scene<'_>,
    own: &WebSocketFacts,
    foreign: Option<&WebSocketFacts>,
) -> Outcome {
    let place = scene.place;
    if own.tcp.state != PortState::Open {
        let finding = not_open(place, &own.tcp);
        return Outcome::judged(finding.message.clone(), vec![finding]);
    }
    let mut findings = match &own.answer {
        Some(answer) => answered(settings, place, answer),
        None => Vec::new(),
    };
    let is_told = !findings.is_empty();
    findings.extend(ended(scene, own, is_told));
    if settings.foreign_origin_refused {
        findings.extend(foreign_origin(place, own, foreign));
    }
    findings.extend(channel(
        scene,
        &own.tls,
        scene.has_credential && own.answer.is_some(),
    ));
    let summary = told(place, &findings, || {
        format!("{place}: the WebSocket opened, answered a ping and closed")
    });
    let mut outcome = Outcome::judged(summary, findings).evidence("TLS", described(&own.tls));
    if let Some(answer) = &own.answer {
        outcome = outcome.evidence("status", answer.status.to_string());
        if let Some(subprotocol) = &answer.subprotocol {
            outcome = outcome.evidence("subprotocol", subprotocol);
        }
    }
    if let Some(code) = own.close_code {
        outcome = outcome.evidence("close", closing(code, &own.close_reason));
    }
    let micros = Duration::from_micros;
    outcome
        .measure(Measure::duration("connect", micros(own.tcp.connect_us)))
        .measure(Measure::duration("session", micros(own.session_us)))
}

fn closing(code: u16, reason: &str) -> String {
    match (code, reason) {
        (1005, _) => "no code".to_owned(),
        (code, "") => format!("code {code}"),
        (code, reason) => format!("code {code}, {reason}"),
    }
}

/// The faults of an answer (RFC 6455, section 4.1).
fn answered(settings: &WebSocket, place: &str, answer: &UpgradeAnswer) -> Vec<Finding> {
    match answer.status {
        101 => {}
        status @ (401 | 403) => {
            return vec![
                Finding::unknown(
                    "not_let_in",
                    Reason::UNEXPECTED_RESPONSE,
                    format!("{place}: the request for a WebSocket was answered with {status}, expected 101"),
                )
                .remedy("give the target a credential, and look whether the server takes the `origin` that is sent"),
            ];
        }
        status => {
            let remedy = match status {
                300..=399 => "name the place itself: clients of WebSockets follow no redirect",
                400 | 426 => {
                    "let the proxy pass `Upgrade` and `Connection` on (nginx: `proxy_http_version 1.1`), and the \
                     server speak version 13"
                }
                404 => "compare the path with the server's, and let the proxy pass the upgrade on",
                _ => "look into the server's log, and whether the proxy before it knows of WebSockets",
            };
            return vec![
                Finding::fail(
                    "not_upgraded",
                    format!("{place}: the request for a WebSocket was answered with {status}, expected 101"),
                )
                .remedy(remedy),
            ];
        }
    }
    let mut findings = Vec::new();
    let mut fail = |code: &str, said: String, remedy: &str| {
        findings.push(Finding::fail(code, format!("{place}: {said}")).remedy(remedy));
    };
    if !has_token(&answer.upgrade, "websocket") {
        let said = format!("expected `Upgrade: websocket`, found `{}`", answer.upgrade);
        fail(
            "wrong_upgrade",
            said,
            "answer with `Upgrade: websocket`: clients end the connection",
        );
    }
    if !has_token(&answer.connection, "upgrade") {
        let said = format!("expected `Connection: Upgrade`, found `{}`", answer.connection);
        fail(
            "wrong_connection",
            said,
            "answer with `Connection: Upgrade`: clients end the connection",
        );
    }
    if answer.accept != Some(true) {
        let found = match answer.accept {
            None => "there is none",
            Some(_) => "it answers another key",
        };
        let said = format!("expected a `Sec-WebSocket-Accept` that answers the key, and {found}");
        fail(
            "wrong_accept",
            said,
            "make it of the key of each request, as RFC 6455, section 4.2.2, says; a cache must not answer",
        );
    }
    match &answer.subprotocol {
        Some(chosen) if !settings.subprotocols.contains(chosen) => {
            let said = format!("the server chose the subprotocol `{chosen}`, which nobody asked for");
            fail(
                "wrong_subprotocol",
                said,
                "choose one of those that the client names, or none",
            );
        }
        None if !settings.subprotocols.is_empty() => {
            let said = format!(
                "expected one of the subprotocols `{}`, and the server chose none",
                settings.subprotocols.join("`, `")
            );
            fail(
                "no_subprotocol",
                said,
                "let the server choose one of them, and compare their names",
            );
        }
        _ => {}
    }
    if !answer.extensions.is_empty() {
        let said = format!(
            "the server uses the extension `{}`, which nobody asked for",
            answer.extensions
        );
        fail(
            "wrong_extension",
            said,
            "use no extension that the client does not name",
        );
    }
    findings
}

/// The fault of the end. Where the answer has one already, it is not told again.
fn ended(scene: &Scene<'_>, facts: &WebSocketFacts, is_told: bool) -> Option<Finding> {
    let place = scene.place;
    Some(match &facts.end {
        WebSocketEnd::Broken(how) => broken(scene, "WebSocket", how),
        WebSocketEnd::CredentialWithheld => withheld(scene, &facts.tls),
        WebSocketEnd::NotOpen => not_open(place, &facts.tcp),
        WebSocketEnd::TlsMissing => tls_missing(scene, &facts.tls),
        WebSocketEnd::NotUpgraded if is_told => return None,
        WebSocketEnd::NotUpgraded => Finding::unknown(
            "not_seen",
            Reason::ERROR,
            format!("{place}: no WebSocket was opened"),
        ),
        WebSocketEnd::TooBusy => Finding::unknown(
            "too_busy",
            Reason::HTTP_TOO_LARGE,
            format!(
                "{place}: whether the ping is answered was not seen, as the server sends more than is read"
            ),
        )
        .remedy("name a path that sends less before it is asked"),
        WebSocketEnd::Violation(what) => Finding::fail(
            "broken_frames",
            format!("{place}: the server breaks the rules of WebSocket: {what}"),
        )
        .remedy("look at the library of the server, and at the proxy before it"),
        WebSocketEnd::ClosedByServer => {
            let code = facts.close_code.unwrap_or(1005);
            Finding::fail(
                "closed",
                format!(
                    "{place}: the server closed the WebSocket ({}), expected a pong",
                    closing(code, &facts.close_reason)
                ),
            )
            .remedy("look into the server's log: it may want a log-in, or a message first")
        }
        WebSocketEnd::Closed if !facts.pong => Finding::fail(
            "no_pong",
            format!("{place}: the ping was not answered, expected a pong with the same content"),
        )
        .remedy("answer pings also while the service is busy: who gets no pong ends the connection"),
        WebSocketEnd::Closed if facts.close_code.is_none() => Finding::warn(
            "no_close",
            format!("{place}: the server did not answer the close, expected a close frame"),
        )
        .remedy("answer a close frame with one before the connection is ended (RFC 6455, section 5.5.1)"),
        WebSocketEnd::Closed => return None,
    })
}

/// Whether a server that closes with this code says something of itself rather than of who asks: it goes away,
/// has a fault, starts again, is busy, or stands before one that does not answer.
fn is_unwell(code: Option<u16>) -> bool {
    matches!(code, Some(1001 | 1011..=1014))
}

fn origin_not_seen(place: &str, found: &str) -> Finding {
    Finding::unknown(
        "foreign_origin_not_seen",
        Reason::ERROR,
        format!(
            "{place}: whether a foreign origin is refused was not seen: expected a refusal, found {found}"
        ),
    )
    .remedy("look into the server's log at the second request")
}

/// What became of a page of somebody else. A server may refuse it with a status, or by closing at once.
fn foreign_origin(place: &str, own: &WebSocketFacts, foreign: Option<&WebSocketFacts>) -> Option<Finding> {
    let finding = match foreign {
        None if own.answer.as_ref().is_some_and(UpgradeAnswer::is_upgrade) => {
            origin_not_seen(place, "no second request")
        }
        // Where the own page is not let in, that tells it all.
        None => return None,
        Some(facts) => match (&facts.answer, &facts.end) {
            (Some(answer), WebSocketEnd::ClosedByServer)
                if answer.is_upgrade() && !is_unwell(facts.close_code) =>
            {
                return None;
            }
            (Some(answer), WebSocketEnd::ClosedByServer) if answer.is_upgrade() => {
                origin_not_seen(place, &closing(facts.close_code.unwrap_or(1005), ""))
            }
            (Some(answer), _) if answer.is_upgrade() => Finding::fail(
                "foreign_origin_accepted",
                format!(
                    "{place}: a page of any other origin may open the WebSocket, expected it to be refused"
                ),
            )
            .remedy(
                "compare `Origin` with a list of your own, or ask for a token that other pages do not have",
            ),
            (Some(answer), _) if matches!(answer.status, 400 | 401 | 403 | 404) => return None,
            (Some(answer), _) => origin_not_seen(place, &format!("status {}", answer.status)),
            (None, _) => origin_not_seen(place, "no answer"),
        },
    };
    Some(finding.subject("foreign origin"))
}
