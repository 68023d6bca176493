use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::Exchange, probe,
};

use self::fields::{rate_limit, retry_after};
use super::{
    objectives::{LoadFacts, LoadRun, check_path, load_at_one, statuses, within},
    syntax::shown,
};

mod fields;

probe! {
    /// Who asks too much is told to wait (rate limiting).
    ///
    /// # What it checks
    /// It sends `GET`s to one address at a constant rate until one is answered with 429, or the burst is over: by
    /// default 100 requests in a second. Of the 429 it reads `Retry-After`, `RateLimit`, `RateLimit-Policy` and
    /// `RateLimit-Limit`, `-Remaining` and `-Reset`.
    ///
    /// # Why it matters
    /// Without a limit one client takes the service from all others, by a bug or by guessing passwords. And a
    /// client that is not told when to come back comes back at once.
    ///
    /// # How it is judged
    /// A burst that is answered to its end without a 429 fails. If some of it got no answer it is unknown: a limiter
    /// may drop what it does not want, and so may a network. A 429 that says in no field when to come back warns, and
    /// so does a field of these that cannot be read, and a `Retry-After` over `max_retry_after_seconds`. Other limits,
    /// such as those for each account or day, are not seen.
    ///
    /// # How to fix
    /// Limit requests by client in front of the service or in it, answer what is over with 429, and send
    /// `Retry-After` with the seconds until the next request is welcome.
    pub struct RateLimit {
        /// The path to ask, without a query. Default: path and query of the target.
        pub path: String = String::new(),
        /// How many requests the burst has at most, 2 to 10000. Default: 100.
        pub requests: u32 = 100,
        /// How many begin in a second, 1 to 1000. Default: 100.
        pub rate_per_second: u32 = 100,
        /// How many may be without an answer at once, 1 to 512. Default: 16.
        pub in_flight: u32 = 16,
        /// The longest `Retry-After`, in seconds. Default: 3600.
        pub max_retry_after_seconds: u32 = 3_600,
    }
    id: "http.rate_limit",
    title: "who asks too much is told to wait",
    priority: Medium,
    timeout_seconds: 40,
    references: [
        "RFC 6585 section 4: 429 Too Many Requests" => "https://www.rfc-editor.org/rfc/rfc6585#section-4",
        "RFC 9110 section 10.2.3: Retry-After" => "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3",
        "RateLimit header fields for HTTP (draft)" => "https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/",
        "OWASP API4:2023" => "https://owasp.org/API-Security/editions/2023/en/0xa4-unrestricted-resource-consumption/",
    ],
}

/// The most requests of a burst.
const MOST_REQUESTS: u32 = 10_000;
/// When a burst ends, in seconds.
const MOST_SECONDS: u32 = 30;

impl RateLimit {
    /// Says what is wrong with the settings.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        check_path(&self.path)?;
        within("requests", self.requests, 2, MOST_REQUESTS)?;
        within(
            "rate_per_second",
            self.rate_per_second,
            1,
            LoadRun::MOST_PER_SECOND,
        )?;
        within("in_flight", self.in_flight, 1, LoadRun::MOST_IN_FLIGHT)?;
        let seconds = self.requests.div_ceil(self.rate_per_second);
        if seconds > MOST_SECONDS {
            return Err(format!(
                "{} requests at `rate_per_second` = {} take {seconds} s, expected {MOST_SECONDS} s at most; raise the \
                 rate, or ask for less",
                self.requests, self.rate_per_second
            ));
        }
        Ok(())
    }
}

#[async_trait]
impl Probe for RateLimit {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let load = |request| {
            LoadRun::new(request, self.requests, self.rate_per_second)
                .in_flight(self.in_flight)
                .max_seconds(MOST_SECONDS)
                .until_status(429)
        };
        load_at_one(cx, &self.path, load, |facts| judge(self, facts)).await
    }
}

fn judge(settings: &RateLimit, facts: &LoadFacts) -> Outcome {
    let answered = facts.answered();
    let burst = format!(
        "{answered} answers to at most {} requests at {} a second",
        settings.requests, settings.rate_per_second
    );
    let outcome = match facts.ended_by.as_deref() {
        Some((before, exchange)) => Outcome::judged(
            format!("429 after {before} other answers"),
            faults(settings, exchange),
        )
        .evidence("429", of_the_limit(exchange)),
        None if answered == u64::from(settings.requests) => Outcome::judged(
            format!("no 429 in {answered} answers"),
            vec![unlimited(settings, answered)],
        ),
        None => Outcome::unknown(
            Reason::TIMEOUT,
            format!(
                "no 429, and {answered} of {} requests were answered",
                settings.requests
            ),
        ),
    };
    outcome
        .evidence("burst", burst)
        .evidence("statuses", statuses(&facts.statuses))
        .evidence(
            "without an answer",
            format!(
                "{} timed out, {} broke, {} held back",
                facts.timed_out, facts.broken, facts.held_back
            ),
        )
}

fn unlimited(settings: &RateLimit, answered: u64) -> Finding {
    Finding::fail(
        "not_limited",
        format!(
            "expected a 429 within {answered} requests at {} a second and found none",
            settings.rate_per_second
        ),
    )
    .remedy(
        "limit requests by client, or raise `requests` and `rate_per_second` over the limit that is meant",
    )
}

fn faults(settings: &RateLimit, exchange: &Exchange) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut told = false;
    if let Some(value) = exchange.joined("retry-after") {
        told = true;
        match retry_after(&value) {
            Ok(Some(seconds)) if seconds > u64::from(settings.max_retry_after_seconds) => findings.push(
                Finding::warn(
                    "retry_after_too_long",
                    format!(
                        "`Retry-After` is {seconds} s, expected at most {} s",
                        settings.max_retry_after_seconds
                    ),
                )
                .subject("`Retry-After`")
                .remedy("say when the next request is welcome, or raise `max_retry_after_seconds`"),
            ),
            Ok(_) => {}
            Err(problem) => findings.push(unreadable("Retry-After", &value, &problem)),
        }
    }
    for name in [
        "RateLimit",
        "RateLimit-Policy",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
    ] {
        let Some(value) = exchange.joined(&name.to_ascii_lowercase()) else {
            continue;
        };
        match rate_limit(name, &value) {
            Ok(says_when) => told |= says_when,
            Err(problem) => findings.push(unreadable(name, &value, &problem)),
        }
    }
    if !told {
        findings.push(
            Finding::warn(
                "no_retry_after",
                "expected `Retry-After` or a `RateLimit` field with a time, and the 429 has neither",
            )
            .remedy("send `Retry-After` with the seconds until the next request is welcome"),
        );
    }
    findings
}

fn unreadable(name: &str, value: &[u8], problem: &str) -> Finding {
    Finding::warn("malformed", format!("`{name}` cannot be read: {problem}"))
        .subject(format!("`{name}`"))
        .evidence(name, shown(value))
        .remedy(if name == "Retry-After" {
            "send a whole number of seconds, or a date such as `Sun, 06 Nov 1994 08:49:37 GMT`"
        } else {
            "send it as the draft has it: `\"default\";r=0;t=30`, or leave it out"
        })
}

/// What the 429 says of the limit.
fn of_the_limit(exchange: &Exchange) -> String {
    let said: Vec<String> = exchange
        .headers
        .iter()
        .filter(|header| header.name == "retry-after" || header.name.contains("ratelimit"))
        .take(10)
        .map(|header| format!("{}: {}", header.name, shown(header.value.as_bytes())))
        .collect();
    if said.is_empty() {
        "no field about the limit".to_owned()
    } else {
        said.join("; ")
    }
}

#[cfg(test)]
mod tests;
