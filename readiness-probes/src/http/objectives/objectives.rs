use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::HttpExchange, probe,
};

use super::{
    binomial::WHOLE,
    judge::judge,
    load::LoadRun,
    scraped::{self, ObjectivesFrom, ScrapedObjectives},
    wanted::{LatencyObjective, Share},
};
use crate::{address, http::StatusSet};

probe! {
    /// Errors, latency and throughput are within their objectives.
    ///
    /// # What it checks
    /// With `from = "metrics"`, what the service itself counted between two scrapes of its metrics: requests, errors,
    /// and the buckets of a classic histogram of latencies, over the traffic that it has. Nothing but the scrapes is
    /// sent.
    ///
    /// Otherwise it sends the same `GET` at a constant rate to one address, over connections of its own: by default 20 that
    /// are not measured, then 300, 20 in a second. Each request begins at its instant whether the others were
    /// answered or not, and its latency counts from that instant to the end of the body (of its first MiB), so a
    /// service that stalls is seen to stall. Redirects are not followed.
    ///
    /// # Why it matters
    /// An objective that nobody measures is a wish, and a handful of requests that went well prove little: after
    /// 20 without an error, one in eight may still fail.
    ///
    /// # How it is judged
    /// By confidence: an objective passes where the one-sided 95 % upper bound of the true rate (Clopper and
    /// Pearson) is within it, and fails where the lower bound is over it. In between it is unknown, with how many
    /// more requests would tell. A status outside `expect_status`, a broken connection and no answer in
    /// `timeout_ms` fail. A quantile is judged by the share of requests over its limit, and those without an
    /// answer are over it. 401, 403, 407 and 429 turn this client away: they prove nothing either way, nor do
    /// requests that were held back because `in_flight` others had no answer. Throughput counts the right answers
    /// that came while requests still began. The rate is what this client offers, not what the service bears.
    ///
    /// Of a histogram the buckets next to the limit count: an objective passes where it holds at the edge below, and
    /// fails where it is missed at the edge above; in between it is unknown, with the edge to add. It is unknown too
    /// where the process or a counter began anew between the scrapes, and where no request came. The burn rate is
    /// shown: the error rate by what is allowed.
    ///
    /// # How to fix
    /// The finding says which objective is missed and what was seen. Where it is unknown, raise `requests`, or let
    /// more time or traffic lie between the scrapes. Not meant for services of others: it sends load.
    pub struct Objectives {
        /// The share of requests that may fail, as `"1%"` or in basis points. Default: `"1%"`.
        pub error_rate: Share = Share::ONE_PERCENT,
        /// Quantiles of latency and their limits, such as `["p50 <= 50 ms", "p99 <= 300 ms"]`. Default: none.
        pub latency: Vec<LatencyObjective> = Vec::new(),
        /// Where the counts come from: `"load"`, requests that are sent, or `"metrics"`, two scrapes. Default:
        /// `"load"`.
        pub from: ObjectivesFrom = ObjectivesFrom::Load,
        /// What of the metrics counts: a table of `path`, `histogram`, `requests`, `labels`, `errors`, `unit` and
        /// `after_ms`, such as `{ histogram = "http_request_duration_seconds", errors = 'status=~"5.."' }`.
        /// Default: nothing.
        pub metrics: ScrapedObjectives = ScrapedObjectives::default(),
        /// How many right answers must come in a second, less than `rate_per_second`; 0 asks for none.
        /// Default: 0.
        pub min_per_second: u32 = 0,
        /// The path to ask, without a query. Default: path and query of the target.
        pub path: String = String::new(),
        /// The status codes that are right: a list such as `[200, "202-204"]`. Default: 200 to 299.
        pub expect_status: StatusSet = StatusSet::default(),
        /// How many requests are measured, 1 to 100000. Default: 300.
        pub requests: u32 = 300,
        /// How many are sent before those and not measured, at most 100000. Default: 20.
        pub warm_up: u32 = 20,
        /// How many begin in a second, 1 to 1000. Default: 20.
        pub rate_per_second: u32 = 20,
        /// How many may be without an answer at once, 1 to 512. Default: 64.
        pub in_flight: u32 = 64,
        /// How long an answer may take, in milliseconds, 1 to 60000. Default: 5000.
        pub timeout_ms: u32 = 5_000,
        /// When no more requests begin, in seconds from the first, 1 to 600. Default: 25.
        pub max_seconds: u32 = 25,
    }
    id: "http.objectives",
    title: "errors and latency are within their objectives",
    priority: Medium,
    timeout_seconds: 60,
    references: [
        "Clopper and Pearson 1934: confidence limits of the binomial" => "https://doi.org/10.1093/biomet/26.4.404",
        "RFC 9110 section 9.2.1: safe methods" => "https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1",
        "Site Reliability Engineering, chapter 4: service level objectives" => "https://sre.google/sre-book/service-level-objectives/",
    ],
}

impl Objectives {
    /// Says what is wrong with the settings.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        if self.from == ObjectivesFrom::Metrics {
            return self.check_metrics();
        }
        if self.metrics != ScrapedObjectives::default() {
            return Err(
                "`metrics` says what counts, and nothing reads it; write `from = \"metrics\"` too".to_owned(),
            );
        }
        check_path(&self.path)?;
        within("requests", self.requests, 1, LoadRun::MOST_REQUESTS)?;
        within("warm_up", self.warm_up, 0, LoadRun::MOST_REQUESTS)?;
        within(
            "rate_per_second",
            self.rate_per_second,
            1,
            LoadRun::MOST_PER_SECOND,
        )?;
        within("in_flight", self.in_flight, 1, LoadRun::MOST_IN_FLIGHT)?;
        within("timeout_ms", self.timeout_ms, 1, LoadRun::MOST_TIMEOUT_MS)?;
        within("max_seconds", self.max_seconds, 1, LoadRun::MOST_SECONDS)?;
        let all = u64::from(self.requests) + u64::from(self.warm_up);
        let seconds = all.div_ceil(u64::from(self.rate_per_second));
        if seconds > u64::from(self.max_seconds) {
            return Err(format!(
                "{all} requests at `rate_per_second` = {} take {seconds} s, and `max_seconds` is {}; raise it, and \
                 `timeout_seconds` of the requirement with it, or ask for less",
                self.rate_per_second, self.max_seconds
            ));
        }
        if self.min_per_second >= self.rate_per_second {
            return Err(format!(
                "`min_per_second` is {} and `rate_per_second` is {}, expected more: no more is answered than is asked",
                self.min_per_second, self.rate_per_second
            ));
        }
        let timeout_us = u64::from(self.timeout_ms) * 1_000;
        match self.latency.iter().find(|of| of.limit_us() > timeout_us) {
            Some(over) => Err(format!(
                "`latency` holds `{over}`, which is over `timeout_ms` = {}; raise it",
                self.timeout_ms
            )),
            None => Ok(()),
        }
    }

    fn check_metrics(&self) -> Result<(), String> {
        if self.min_per_second > 0 {
            return Err(
                "`min_per_second` asks what the service can bear, which only a load shows; leave it out, or write \
                 `from = \"load\"`"
                    .to_owned(),
            );
        }
        if !self.path.is_empty() {
            return Err("`path` is what a load asks; write `metrics.path`, or `metrics.labels`".to_owned());
        }
        self.metrics.check(!self.latency.is_empty())
    }

    /// The share of answers that may be missing from the rate, in millionths.
    pub(super) fn may_miss_ppm(&self) -> u32 {
        let rate = u64::from(self.rate_per_second.max(1));
        let missing = rate.saturating_sub(self.min_per_second.into());
        u32::try_from(missing * u64::from(WHOLE) / rate).unwrap_or(WHOLE)
    }

    fn load(&self, request: HttpExchange) -> LoadRun {
        LoadRun::new(request, self.requests, self.rate_per_second)
            .warm_up(self.warm_up)
            .in_flight(self.in_flight)
            .timeout_ms(self.timeout_ms)
            .max_seconds(self.max_seconds)
    }
}

#[async_trait]
impl Probe for Objectives {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        if self.from == ObjectivesFrom::Metrics {
            return scraped::look(self, cx).await;
        }
        load_at_one(
            cx,
            &self.path,
            |request| self.load(request),
            |facts| judge(self, facts),
        )
        .await
    }
}

/// Sends a load to the first address of the target, and says that the others got none.
///
/// # Errors
/// Where the target has no address, and where nothing could be sent.
pub(crate) async fn load_at_one(
    cx: &ProbeContext,
    path: &str,
    load: impl FnOnce(HttpExchange) -> LoadRun,
    judge: impl FnOnce(&super::LoadFacts) -> Outcome,
) -> Result<Outcome, ProbeError> {
    let target = cx.target();
    if !matches!(target.scheme(), "http" | "https") {
        return Ok(Outcome::not_applicable(format!(
            "`{}` is no HTTP target",
            target.scheme()
        )));
    }
    let endpoints = address::endpoints(cx, target.port(), target.is_tls()).await?;
    let others = endpoints.len().saturating_sub(1);
    let Some(endpoint) = endpoints.into_iter().next() else {
        return Ok(Outcome::not_applicable("the target has no address"));
    };
    let authority = address::authority(target, target.port(), target.is_tls());
    let path = match path {
        "" => target.path_and_query(),
        path => address::path_at(target, path),
    };
    let request = HttpExchange::get(endpoint, authority, path).credential(target.credential());
    let facts = cx.observe(load(request)).await?;
    let outcome = judge(&facts);
    let outcome = match others {
        0 => outcome,
        n => outcome.evidence(address::NOT_LOOKED_AT, format!("load on {n} more addresses")),
    };
    Ok(address::noted(cx, outcome).await)
}

/// Says what is wrong with a path.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    if !path.is_empty() && !path.starts_with('/') {
        return Err("`path` must begin with `/`, such as `/api/items`".to_owned());
    }
    if path
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '#')
    {
        return Err("`path` holds a space, a control character or `#`".to_owned());
    }
    address::check_query(path)
}

/// Says where a number is out of its bounds.
pub(crate) fn within(name: &str, value: u32, least: u32, most: u32) -> Result<(), String> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("`{name}` is {value}, expected {least} to {most}"))
}

#[cfg(test)]
mod tests;
