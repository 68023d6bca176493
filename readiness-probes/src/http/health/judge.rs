//! From an answer to an outcome.

use readiness_core::{
    Finding, Measure, Outcome, Reason, Status, Timestamp, Unit,
    fact::{Channel, Exchange},
};

use super::{
    FindingLevel, HealthFormat, HttpHealth,
    body::{self, Charset, Read},
    consistency, exposure, findings,
    health::MOST_BODY_BYTES,
    payload::{self, Health, Payload, Verdict},
};

/// What an answer is judged by besides itself.
pub(super) struct Circumstances {
    pub(super) now: Timestamp,
    /// Whether the world reaches the address.
    pub(super) is_public: bool,
    /// Whether a credential was sent.
    pub(super) has_login: bool,
}

pub(super) fn judge(exchange: &Exchange, settings: &HttpHealth, at: &Circumstances) -> Outcome {
    let status = exchange.status;
    let is_expected = settings.expect_status.contains(status);
    let content_type = exchange.first_str("content-type").unwrap_or_default();
    if !is_expected && matches!(status, 401 | 403 | 429) {
        let finding = not_shown(status);
        let outcome = Outcome::judged(format!("HTTP {status}: the health was not shown"), vec![finding]);
        return shown(outcome, exchange, content_type, None);
    }
    let bytes = what_fits(exchange);
    let read = body::read(content_type, bytes);
    let payload = payload::recognise_read(status, content_type, bytes.len(), &read, settings.expect_format);
    let mut findings = Vec::new();
    if let Payload::Health(health) = &payload {
        findings.extend(findings::of_health(health, status, &settings.optional));
        findings.extend(consistency::of_kind(health, settings.kind));
        // What is missing may say the opposite.
        findings.extend((!exchange.body_complete).then(|| incomplete(exchange)));
    } else {
        findings.extend(of_other_body(&payload, &read, exchange, settings));
    }
    if !is_expected {
        findings.extend(of_status(exchange, &payload, settings));
    }
    findings.extend(of_writing(&read, &payload));
    findings.extend(of_answer(exchange, &read, &payload, settings, at));
    let latency = latency(exchange, settings);
    findings.extend(of_latency(&latency));
    for finding in &mut findings {
        let mut levels = settings.levels.iter();
        if let Some((_, level)) = levels.find(|(known, _)| known.code() == finding.code) {
            level_to(finding, *level);
        }
    }
    findings.sort_by_key(|finding| (finding.status.rank(), finding.status.credit()));
    let summary = summary(&findings, exchange, &payload);
    let health = match &payload {
        Payload::Health(health) => Some(health),
        _ => None,
    };
    shown(Outcome::judged(summary, findings), exchange, content_type, health).measure(latency)
}

/// What of a body is read: of a text without its end the lines that are whole.
fn what_fits(exchange: &Exchange) -> &[u8] {
    let body = exchange.body.as_bytes();
    let is_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'));
    if exchange.body_complete || is_json {
        return body;
    }
    let end = body.iter().rposition(|&byte| byte == b'\n');
    end.and_then(|end| body.get(..end)).unwrap_or(body)
}

/// What is wrong with how the body is written, whatever it says.
fn of_writing(read: &Read<'_>, payload: &Payload) -> Vec<Finding> {
    const DECIDING: [&str; 15] = [
        "checks",
        "components",
        "details",
        "entries",
        "error",
        "failed-count",
        "failures",
        "health",
        "healthy",
        "ok",
        "ready",
        "results",
        "state",
        "status",
        "summary",
    ];
    let mut findings = Vec::new();
    let is_json = matches!(read.json, Some(Ok(_)));
    match read.charset {
        Some(Charset::Utf16) => findings.push(
            Finding::warn("wrong_charset", "the body is UTF-16, expected UTF-8")
                .remedy("write it as UTF-8: few who ask for the health read anything else"),
        ),
        Some(Charset::Latin1 | Charset::Unclear) if is_json => findings.push(Finding::note(
            "wrong_charset",
            "the body is JSON and not UTF-8, as RFC 8259, section 8.1 demands",
        )),
        _ => {}
    }
    let Some(key) = &read.twice else {
        return findings;
    };
    let says_well = matches!(payload, Payload::Health(health) if health.verdict != Verdict::Fail);
    let key = payload::capped(key);
    let finding = if says_well && DECIDING.contains(&&*key) {
        let message = format!("an object holds `{key}` twice, and readers differ in which one they take");
        Finding::unknown("duplicate_keys", Reason::HTTP_MALFORMED, message)
    } else {
        Finding::warn(
            "duplicate_keys",
            format!("an object holds `{key}` twice, expected once"),
        )
    };
    findings.push(finding.remedy("see what the service writes: each key stands once in an object"));
    findings
}

/// What makes the answer worth less than it says.
fn of_answer(
    exchange: &Exchange,
    read: &Read<'_>,
    payload: &Payload,
    settings: &HttpHealth,
    at: &Circumstances,
) -> Vec<Finding> {
    let json = read.json.as_ref().and_then(|json| json.as_ref().ok());
    let mut findings = Vec::new();
    if settings.expect_status.contains(exchange.status) {
        findings.extend(consistency::of_caching(exchange, at.now));
    }
    if let Some(most) = settings.max_age_seconds {
        findings.extend(consistency::of_age(json, at.now, most));
    }
    // A page of an application is no answer that tells too much.
    let is_page = *payload == Payload::Html && exchange.status < 400;
    if !at.has_login && !is_page {
        findings.extend(exposure::of_details(&read.text, json, at.is_public));
    }
    findings
}

fn level_to(finding: &mut Finding, level: FindingLevel) {
    finding.status = match level {
        FindingLevel::Fail => Status::Fail,
        FindingLevel::Note => Status::Pass,
        FindingLevel::Warn => Status::warn(),
    };
    if finding.remedy.is_empty() && level != FindingLevel::Note {
        finding.remedy = "see the setting `levels`, by which this counts".to_owned();
    }
}

fn not_shown(status: u16) -> Finding {
    let remedy = match status {
        429 => "let this client through the rate limit, or ask less often",
        _ => "give a credential for this target, or let the health path answer without a login",
    };
    Finding::unknown(
        "health_not_shown",
        Reason::UNEXPECTED_RESPONSE,
        format!("HTTP {status} instead of the health"),
    )
    .evidence("status", status.to_string())
    .remedy(remedy)
}

/// A health answer of this size that did not come to its end is too large, whatever ended it.
const LARGE_BODY_BYTES: usize = 65_536;

fn incomplete(exchange: &Exchange) -> Finding {
    let size = exchange.body.len();
    let (code, reason, message) = if size >= MOST_BODY_BYTES as usize {
        let message = format!("the body is over {MOST_BODY_BYTES} bytes and was not judged as a whole");
        ("body_too_large", Reason::HTTP_TOO_LARGE, message)
    } else if size >= LARGE_BODY_BYTES {
        let message = format!("the body had no end after {size} bytes and was not judged as a whole");
        ("body_too_large", Reason::HTTP_TOO_LARGE, message)
    } else {
        let message =
            format!("the body ended after {size} bytes, in the middle, and was not judged as a whole");
        ("body_cut_short", Reason::HTTP_BROKEN, message)
    };
    Finding::unknown(code, reason, message).remedy("let the health path answer with a short body, whole")
}

fn of_other_body(
    payload: &Payload,
    read: &Read<'_>,
    exchange: &Exchange,
    settings: &HttpHealth,
) -> Vec<Finding> {
    let is_success = (200..300).contains(&exchange.status);
    if *payload == Payload::Html && is_success {
        let finding = Finding::fail(
            "html_instead_of_health",
            format!(
                "HTTP {} with an HTML page, expected a health payload",
                exchange.status
            ),
        )
        .remedy(
            "route this path to the service: a single-page application, or an error page, answers for it now",
        );
        return vec![finding];
    }
    if !exchange.body_complete {
        return vec![incomplete(exchange)];
    }
    let size = exchange.body.len();
    let mut findings = Vec::new();
    if let Payload::BrokenJson(problem) = payload {
        findings.push(
            Finding::warn(
                "malformed_json",
                format!("the body begins as JSON and cannot be read: {problem}"),
            )
            .evidence("size", format!("{size} bytes"))
            .remedy("see what the service writes: a health payload is a small, flat object"),
        );
    }
    if let Some(expected) = settings.expect_format {
        findings.push(
            Finding::fail(
                "unexpected_format",
                format!("the body is no health payload of {expected}, which is expected"),
            )
            .evidence("size", format!("{size} bytes"))
            .remedy("see what answers on this path, or set `expect_format` to what it should be"),
        );
    } else if *payload == Payload::Unrecognised {
        let what = if read.text.contains('\0') {
            "holds zero bytes and is no text"
        } else {
            "is no health payload known here"
        };
        findings.push(Finding::note(
            "no_known_format",
            format!("the body of {size} bytes {what}; the status code alone was judged"),
        ));
    }
    findings
}

fn of_status(exchange: &Exchange, payload: &Payload, settings: &HttpHealth) -> Option<Finding> {
    let (status, expected) = (exchange.status, &settings.expect_status);
    if (300..400).contains(&status) {
        let to: String = exchange
            .first_str("location")
            .map(|to| to.split(['?', '#']).next().unwrap_or_default())
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        let finding = Finding::fail(
            "redirected",
            format!("HTTP {status} to another place, expected the health itself ({expected})"),
        )
        .remedy("set `path` to where the health is, or let the path answer without a login");
        return Some(if to.is_empty() {
            finding
        } else {
            finding.evidence("Location", to)
        });
    }
    if let Payload::Health(health) = payload {
        // The status code says what the body says, or that nobody could find out.
        let is_undetermined = health.format == HealthFormat::MicroProfile && status == 500;
        if health.verdict == Verdict::Fail || is_undetermined {
            return None;
        }
    }
    let remedy = match status {
        404 | 405 => "see whether `path` is right, and whether the service, not a proxy, answers for it",
        500.. => "see the log of the service, and whether the proxy reaches it",
        _ => "see the log of the service, or set `expect_status` if this is right",
    };
    Some(
        Finding::fail("unexpected_status", format!("HTTP {status}, expected {expected}"))
            .evidence("status", status.to_string())
            .remedy(remedy),
    )
}

fn latency(exchange: &Exchange, settings: &HttpHealth) -> Measure {
    // From the request to the end of the body: what a caller waits for.
    let waited = exchange.total_us.max(exchange.first_byte_us);
    Measure::new(
        "latency",
        i64::try_from(waited).unwrap_or(i64::MAX),
        Unit::Microseconds,
    )
    .at_most(
        i64::from(settings.latency_target_ms) * 1000,
        i64::from(settings.latency_limit_ms) * 1000,
    )
}

fn of_latency(latency: &Measure) -> Option<Finding> {
    let status = latency.status();
    if status.is_pass() {
        return None;
    }
    let finding = Finding::new("slow", status, latency.to_string()).remedy(
        "see what the health check waits for; it should ask no more than it needs, each with a deadline",
    );
    Some(finding)
}

fn summary(findings: &[Finding], exchange: &Exchange, payload: &Payload) -> String {
    let waited = exchange.total_us.max(exchange.first_byte_us);
    let answer = format!("HTTP {} in {} ms", exchange.status, waited.div_ceil(1000));
    let worst = findings.first().filter(|finding| !finding.is_note());
    match (payload, worst) {
        (Payload::Health(health), worst) => {
            let parts: Vec<&str> = findings
                .iter()
                .filter(|finding| finding.status.is_fail() || finding.status.is_warn())
                .filter_map(|finding| finding.subject.strip_prefix("component "))
                .take(3)
                .collect();
            let detail = if !parts.is_empty() {
                format!(" ({})", parts.join(", "))
            } else {
                match worst.map(|worst| worst.code.as_str()) {
                    None if health.components.is_empty() => String::new(),
                    None => format!(" with {} components", health.components.len()),
                    Some("slow") => ", too slow".to_owned(),
                    Some("unexpected_status") => ", an unexpected status".to_owned(),
                    Some(_) => String::new(),
                }
            };
            format!("{answer}, says `{}`{detail}", health.said)
        }
        (_, Some(worst)) => worst
            .message
            .split([',', ';'])
            .next()
            .unwrap_or_default()
            .to_owned(),
        (Payload::Empty, None) => answer,
        (_, None) => format!("{answer}, no known health payload"),
    }
}

/// Adds what the judgement rests on. The body itself is not shown: it may hold secrets.
fn shown(outcome: Outcome, exchange: &Exchange, content_type: &str, health: Option<&Health>) -> Outcome {
    let mut outcome = outcome
        .evidence("status", exchange.status.to_string())
        .evidence(
            "content type",
            if content_type.is_empty() {
                "none".to_owned()
            } else {
                payload::capped(content_type)
            },
        )
        .evidence("body", format!("{} bytes", exchange.body.len()));
    if let Some(health) = health {
        outcome = outcome.evidence("format", health.format.to_string());
        if health.format == HealthFormat::Generic {
            outcome = outcome.evidence("confidence", "low: a usual word under a usual name");
        }
    }
    if exchange.channel == Channel::UntrustedTls {
        outcome = outcome.evidence("channel", "TLS with a certificate nobody vouches for");
    }
    outcome
}
