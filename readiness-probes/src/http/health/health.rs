use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Unit,
    async_trait,
    fact::{Channel, Exchange, HttpExchange},
};

use super::{
    HealthFormat, StatusSet, findings,
    payload::{self, Health, Payload, Verdict},
};
use crate::address;

readiness_core::probe! {
    /// The service says that it is well, and says so in time.
    ///
    /// # What it checks
    /// The answer of a health path on every address of the target: its status code, how long it takes, and
    /// what the body says. Recognised are the payloads of Kubernetes, ASP.NET Core, MicroProfile Health,
    /// Spring Boot, Terminus, alexliesenfeld/health, health-go, goss, `application/health+json`, and an
    /// object with a usual word under a usual name. gRPC health is not looked at.
    ///
    /// # Why it matters
    /// Load balancers and orchestrators send traffic by this answer. One that says "well" for a service that
    /// is not, or comes too late, sends users to a broken instance.
    ///
    /// # How it is judged
    /// A status code outside `expect_status` fails, and so does a payload or a component of it that says
    /// down, or an HTML page instead of a payload, which is what a single-page application answers for any
    /// path. Degraded warns, as do a payload that contradicts its status code or its own components. Up to
    /// `latency_target_ms` earns everything, `latency_limit_ms` fails, in between it warns. 401, 403 and 429
    /// are unknown: the health was not shown. A body that was recognised by nothing is judged by its status
    /// code alone, and says so.
    ///
    /// # How to fix
    /// See the log of the service and of the component that is named; answer 200 for well and 503 for not,
    /// from the path itself, without a login.
    pub struct HttpHealth {
        /// The path to ask, such as `/healthz`; without one the probe does not apply. Where the target's URL
        /// has the same path, its query goes with it. Default: none.
        pub path: String = String::new(),
        /// The status codes that are right: a list such as `[200, "202-204"]`. Default: 200 to 299.
        pub expect_status: StatusSet = StatusSet::default(),
        /// An answer this quick earns everything. In milliseconds. Default: 500.
        pub latency_target_ms: u32 = 500,
        /// An answer this slow fails. In milliseconds. Default: 5000.
        pub latency_limit_ms: u32 = 5000,
        /// The format the payload must have, such as `spring`. Default: whichever is recognised.
        pub expect_format: Option<HealthFormat> = None,
    }
    id: "http.health",
    title: "the service says that it is well",
    priority: Critical,
    references: [
        "RFC 9110 section 15" => "https://www.rfc-editor.org/rfc/rfc9110#section-15",
        "draft-inadarei-api-health-check-06" => "https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06",
        "Kubernetes API health endpoints" => "https://kubernetes.io/docs/reference/using-api/health-checks/",
        "MicroProfile Health" => "https://microprofile.io/specifications/microprofile-health/",
        "Spring Boot Actuator: health" => "https://docs.spring.io/spring-boot/reference/actuator/endpoints.html",
    ],
}

/// How much of the body is read.
const MOST_BODY_BYTES: u32 = 65_536;

impl HttpHealth {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let path = &self.path;
        if !path.is_empty() && !path.starts_with('/') {
            return Err("`path` must begin with `/`, such as `/healthz`".to_owned());
        }
        if path
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '#')
        {
            return Err("`path` holds a space, a control character or `#`".to_owned());
        }
        address::check_query(path)?;
        if self.latency_target_ms >= self.latency_limit_ms {
            return Err(format!(
                "`latency_target_ms` is {}, expected less than `latency_limit_ms`, which is {}",
                self.latency_target_ms, self.latency_limit_ms
            ));
        }
        Ok(())
    }
}

#[async_trait]
impl Probe for HttpHealth {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        if self.path.is_empty() {
            return Ok(Outcome::not_applicable("no health path is given"));
        }
        if !matches!(target.scheme(), "http" | "https") {
            return Ok(Outcome::not_applicable(format!(
                "`{}` is no HTTP target",
                target.scheme()
            )));
        }
        let (port, tls) = (target.port(), target.is_tls());
        let endpoints = address::endpoints(cx, port, tls).await?;
        let looks = endpoints.into_iter().map(|endpoint| async move {
            let address = endpoint.address;
            let key = HttpExchange::get(
                endpoint,
                address::authority(target, port, tls),
                address::path_at(target, &self.path),
            )
            .credential(target.credential())
            .keep_body(MOST_BODY_BYTES);
            let outcome = match cx.observe(key).await {
                Ok(exchange) => judge(&exchange, self),
                Err(error) => address::not_seen(&error),
            };
            (address, outcome)
        });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}

fn judge(exchange: &Exchange, settings: &HttpHealth) -> Outcome {
    let status = exchange.status;
    let is_expected = settings.expect_status.contains(status);
    let content_type = exchange.first_str("content-type").unwrap_or_default();
    if !is_expected && matches!(status, 401 | 403 | 429) {
        let finding = not_shown(status);
        let outcome = Outcome::judged(format!("HTTP {status}: the health was not shown"), vec![finding]);
        return shown(outcome, exchange, content_type, None);
    }
    let payload = payload::recognise(
        status,
        content_type,
        exchange.body.as_bytes(),
        settings.expect_format,
    );
    let mut findings = Vec::new();
    if let Payload::Health(health) = &payload {
        findings.extend(findings::of_health(health, status));
        // What is missing may say the opposite.
        findings.extend((!exchange.body_complete).then(|| incomplete(exchange)));
    } else {
        findings.extend(of_other_body(&payload, exchange, settings));
    }
    if !is_expected {
        findings.extend(of_status(exchange, &payload, settings));
    }
    let latency = latency(exchange, settings);
    findings.extend(of_latency(&latency));
    findings.sort_by_key(|finding| (finding.status.rank(), finding.status.credit()));
    let summary = summary(&findings, exchange, &payload);
    let health = match &payload {
        Payload::Health(health) => Some(health),
        _ => None,
    };
    shown(Outcome::judged(summary, findings), exchange, content_type, health).measure(latency)
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

fn incomplete(exchange: &Exchange) -> Finding {
    let size = exchange.body.len();
    let (code, reason, message) = if size >= MOST_BODY_BYTES as usize {
        let message = format!("the body is over {MOST_BODY_BYTES} bytes and was not judged as a whole");
        ("body_too_large", Reason::HTTP_TOO_LARGE, message)
    } else {
        let message =
            format!("the body ended after {size} bytes, in the middle, and was not judged as a whole");
        ("body_cut_short", Reason::HTTP_BROKEN, message)
    };
    Finding::unknown(code, reason, message).remedy("let the health path answer with a short body, whole")
}

fn of_other_body(payload: &Payload, exchange: &Exchange, settings: &HttpHealth) -> Vec<Finding> {
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
        findings.push(Finding::note(
            "no_known_format",
            format!(
                "the body of {size} bytes is no health payload known here; the status code alone was judged"
            ),
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
    }
    if exchange.channel == Channel::UntrustedTls {
        outcome = outcome.evidence("channel", "TLS with a certificate nobody vouches for");
    }
    outcome
}

#[cfg(test)]
mod tests;
