//! One answer of a gRPC server, judged by the table of the health checking protocol.

use readiness_core::{Finding, Reason};

use super::call::{GrpcAnswer, GrpcReply};
use crate::dep::verdict::{Scene, broken};

/// What was called.
#[derive(Clone, Copy)]
pub(super) enum Call<'a> {
    Check(&'a str),
    List,
}

impl Call<'_> {
    fn subject(self) -> String {
        match self {
            Self::Check(service) => name_of(service),
            Self::List => "`List`".to_owned(),
        }
    }
}

/// A service as messages name it.
pub(super) fn name_of(service: &str) -> String {
    if service.is_empty() {
        "the server".to_owned()
    } else {
        let shown: String = service.escape_debug().take(100).collect();
        format!("service `{shown}`")
    }
}

/// The statuses that an answer tells, by service, or its fault.
pub(super) fn judge(
    scene: &Scene<'_>,
    call: Call<'_>,
    answer: Option<&GrpcAnswer>,
) -> Result<Vec<(String, i32)>, Finding> {
    let Some(answer) = answer else {
        let said = format!("{}: {} was not asked", scene.place, call.subject());
        return Err(Finding::unknown("not_asked", Reason::ERROR, said));
    };
    if let GrpcReply::Broken(how) = &answer.reply {
        return Err(broken(scene, "gRPC", how));
    }
    if let Some(finding) = not_grpc(scene.place, answer) {
        return Err(finding);
    }
    let place = scene.place;
    let malformed = |what: &str| {
        Finding::fail(
            "malformed_reply",
            format!(
                "{place}: expected one health message for {}, found {what}",
                call.subject()
            ),
        )
        .remedy("look at what answers there: no health service of a gRPC library sends that")
    };
    match (answer.code, call, &answer.reply) {
        (None, ..) => Err(Finding::fail(
            "no_status",
            format!("{place}: the answer has no `grpc-status`, expected one in its trailers"),
        )
        .remedy("let the proxy before the server speak HTTP/2 to it, and pass trailers on")),
        (Some(0), Call::Check(service), GrpcReply::Status(status)) => Ok(vec![(service.to_owned(), *status)]),
        (Some(0), Call::List, GrpcReply::List(all)) => Ok(all
            .iter()
            .map(|(service, status)| (service.clone(), *status))
            .collect()),
        (Some(0), _, GrpcReply::Malformed(what)) => Err(malformed(what)),
        (Some(0), ..) => Err(malformed("none")),
        (Some(code), ..) => Err(refused(place, call, code, &answer.message)),
    }
}

/// Sorts what is served from what is not.
pub(super) fn sort(
    call: Call<'_>,
    statuses: Result<Vec<(String, i32)>, Finding>,
    served: &mut Vec<String>,
    findings: &mut Vec<Finding>,
) {
    let statuses = match statuses {
        Ok(statuses) => statuses,
        Err(finding) => return findings.push(finding.subject(call.subject())),
    };
    if statuses.is_empty() {
        findings.push(
            Finding::fail(
                "nothing_listed",
                "`List` names no service, expected the server at least",
            )
            .subject(call.subject())
            .remedy("let the server set a status for itself and for its services"),
        );
    }
    for (service, status) in statuses {
        let name = name_of(&service);
        let (code, found) = match status {
            1 => {
                // `List` tells again what `Check` told.
                if !served.contains(&service) {
                    served.push(service);
                }
                continue;
            }
            0 => ("status_unknown", "UNKNOWN".to_owned()),
            2 => ("not_serving", "NOT_SERVING".to_owned()),
            3 => ("service_unknown", "SERVICE_UNKNOWN".to_owned()),
            other => ("status_unknown", format!("the status {other}")),
        };
        if findings
            .iter()
            .any(|known| known.code == code && known.subject == name)
        {
            continue;
        }
        findings.push(
            Finding::fail(code, format!("{name} is {found}, expected SERVING"))
                .subject(name)
                .remedy("look at what the service waits for, and into its log"),
        );
    }
}

/// The fault of what is no answer of gRPC at all. A status of gRPC counts whatever HTTP says beside it.
fn not_grpc(place: &str, answer: &GrpcAnswer) -> Option<Finding> {
    let http = answer.http_status;
    let kind = answer.content_type.to_ascii_lowercase();
    let is_grpc = kind
        .strip_prefix("application/grpc")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';', ' ']));
    if is_grpc && (http == 200 || answer.code.is_some()) {
        return None;
    }
    Some(match http {
        401 | 403 => Finding::unknown(
            "not_let_in",
            Reason::MISSING_CREDENTIAL,
            format!("{place}: HTTP {http} instead of gRPC: the call was not let in"),
        )
        .remedy("give the target a credential, or let this client call the health service without one"),
        429 | 502..=504 => Finding::fail(
            "unavailable",
            format!("{place}: HTTP {http} instead of gRPC: what stands before the server does not reach it"),
        )
        .remedy("look whether the server runs, and where the proxy before it sends the call"),
        _ => {
            let kind: String = answer.content_type.escape_debug().take(60).collect();
            Finding::fail(
                "not_grpc",
                format!(
                    "{place}: expected `application/grpc`, found HTTP {http} with the media type `{kind}`"
                ),
            )
            .remedy("look whether host and port are right, and what listens there")
        }
    })
}

/// The fault of a status other than OK.
fn refused(place: &str, call: Call<'_>, code: u32, message: &str) -> Finding {
    let word = code_name(code);
    let subject = call.subject();
    let said = if message.is_empty() {
        String::new()
    } else {
        format!(": {message}")
    };
    let (name, remedy) = match (code, call) {
        (12, _) => {
            let (name, what) = match call {
                Call::Check(_) => ("no_health_service", "the server has no health service"),
                Call::List => ("no_list", "the server's health service has no `List`"),
            };
            return Finding::unknown(name, Reason::ERROR, format!("{place}: {what} ({word}{said})"))
                .remedy("register the health service of your gRPC library, in a version that has the call");
        }
        (8, _) => {
            return Finding::unknown(
                "too_many",
                Reason::ERROR,
                format!("{place}: the server had no room to answer ({word}{said})"),
            )
            .remedy("ask for services by name instead of listing them, and look at the server's limits");
        }
        (7 | 16, _) => {
            return Finding::unknown(
                "not_let_in",
                Reason::MISSING_CREDENTIAL,
                format!("{place}: the call was not let in ({word}{said})"),
            )
            .remedy("give the target a credential, or let this client call the health service without one");
        }
        (5, Call::Check(_)) => {
            return Finding::fail(
                "service_unknown",
                format!("{place}: the server has no status for {subject} ({word}{said})"),
            )
            .remedy("compare the name with the full one, `package.Service`, and whether the server sets its status");
        }
        (4, _) => ("timeout", "look what the server's health check waits for"),
        (14, _) => (
            "unavailable",
            "look whether the server runs, and where the proxy before it sends the call",
        ),
        _ => ("refused", "look into the server's log"),
    };
    Finding::fail(
        name,
        format!("{place}: asked for {subject}, the server answered {word}{said}"),
    )
    .remedy(remedy)
}

fn code_name(code: u32) -> String {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    name.map_or_else(|| format!("the code {code}"), |name| (*name).to_owned())
}
