//! Objectives from what the service itself counts: two scrapes of its metrics.

mod judge;

use std::time::Duration;

use futures_util::future::join_all;
use readiness_core::{Outcome, ProbeContext, ProbeError, fact::HttpExchange};
use serde::Deserialize;

use self::judge::judge;
use super::objectives::{Objectives, check_path, within};
use crate::{
    address,
    http::metrics::{ACCEPT, LabelMatchers, Metrics, check_name},
};

/// Where objectives get their counts from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ObjectivesFrom {
    /// Requests that are sent for it.
    #[default]
    Load,
    /// Two scrapes of the service's metrics.
    Metrics,
}

/// The unit of a histogram's buckets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum HistogramUnit {
    /// Milliseconds.
    Milliseconds,
    /// Seconds, as Prometheus has it.
    #[default]
    Seconds,
}

impl HistogramUnit {
    fn per_second(self) -> f64 {
        match self {
            Self::Milliseconds => 1e3,
            Self::Seconds => 1.0,
        }
    }

    /// A latency in this unit.
    fn of_us(self, us: u64) -> f64 {
        // One division of exact numbers gives the number that the text of an edge is read as.
        let micros = 1e6 / self.per_second();
        #[expect(clippy::cast_precision_loss, reason = "limits are an hour at most")]
        let us = us as f64;
        us / micros
    }
}

/// What of a page of metrics counts for objectives.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct ScrapedObjectives {
    /// The path of the metrics. Default: `/metrics`.
    pub path: String,
    /// The classic histogram of latencies, such as `http_request_duration_seconds`. Default: none; no latency is
    /// judged.
    pub histogram: String,
    /// The samples that count requests, such as `http_requests_total`. Default: `_count` of the histogram.
    pub requests: String,
    /// Which series count, as label matchers such as `handler="/api", method!="OPTIONS"`. Default: all.
    pub labels: LabelMatchers,
    /// Which of those are errors, such as `status=~"5.."`. Default: none; the error rate is not judged.
    pub errors: LabelMatchers,
    /// The unit of the histogram: `"seconds"` or `"milliseconds"`. Default: `"seconds"`.
    pub unit: HistogramUnit,
    /// How long after the first scrape the second one is made, in milliseconds, 1000 to 15000. Default: 10000.
    pub after_ms: u32,
}

impl Default for ScrapedObjectives {
    fn default() -> Self {
        Self {
            path: "/metrics".to_owned(),
            histogram: String::new(),
            requests: String::new(),
            labels: LabelMatchers::default(),
            errors: LabelMatchers::default(),
            unit: HistogramUnit::Seconds,
            after_ms: 10_000,
        }
    }
}

impl ScrapedObjectives {
    pub(super) fn check(&self, has_latency: bool) -> Result<(), String> {
        check_path(&self.path).map_err(|problem| problem.replace("`path`", "`metrics.path`"))?;
        if self.path.is_empty() {
            return Err("`metrics.path` is empty; write `/metrics`".to_owned());
        }
        within("metrics.after_ms", self.after_ms, 1_000, 15_000)?;
        for (field, name) in [
            ("metrics.histogram", &self.histogram),
            ("metrics.requests", &self.requests),
        ] {
            if !name.is_empty() {
                check_name(field, name)?;
            }
        }
        let suffix = ["_bucket", "_count", "_sum"]
            .into_iter()
            .find(|suffix| self.histogram.ends_with(suffix));
        if let Some(suffix) = suffix {
            return Err(format!(
                "`metrics.histogram` is `{}`, expected the name of the family, without `{suffix}`",
                self.histogram
            ));
        }
        match (has_latency, self.histogram.is_empty(), self.errors.is_empty()) {
            (true, true, _) => {
                Err("`latency` needs `metrics.histogram`, such as `http_request_duration_seconds`".to_owned())
            }
            (false, _, true) => Err(
                "nothing is judged; write `metrics.errors`, such as `status=~\"5..\"`, or `latency` and \
                 `metrics.histogram`"
                    .to_owned(),
            ),
            (_, true, false) if self.requests.is_empty() => {
                Err("`metrics.errors` needs `metrics.requests`, such as `http_requests_total`".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The samples that count requests.
    fn counter(&self) -> String {
        match self.requests.as_str() {
            "" => format!("{}_count", self.histogram),
            requests => requests.to_owned(),
        }
    }

    fn window(&self) -> Duration {
        Duration::from_millis(self.after_ms.into())
    }
}

/// Looks twice at the metrics of each address.
///
/// # Errors
/// Where the target has no address.
pub(super) async fn look(settings: &Objectives, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
    let target = cx.target();
    if !matches!(target.scheme(), "http" | "https") {
        return Ok(Outcome::not_applicable(format!(
            "`{}` is no HTTP target",
            target.scheme()
        )));
    }
    let (port, tls) = (target.port(), target.is_tls());
    let of = &settings.metrics;
    let endpoints = address::endpoints(cx, port, tls).await?;
    let looks = endpoints.into_iter().map(|endpoint| async move {
        let address = endpoint.address;
        let key = HttpExchange::get(
            endpoint,
            address::authority(target, port, tls),
            address::path_at(target, &of.path),
        )
        .header("accept", ACCEPT)
        .credential(target.credential())
        .keep_body(Metrics::MOST_BODY_BYTES);
        let first = match cx.observe(key.clone()).await {
            Ok(exchange) => exchange,
            Err(error) => return (address, address::not_seen(&error)),
        };
        // A page that tells nothing once is not waited for.
        let second = match first.status {
            200 => cx.observe(key.sample(1).after(of.after_ms)).await,
            _ => Ok(std::sync::Arc::clone(&first)),
        };
        (address, judge(settings, &first, second.as_deref()))
    });
    let outcome = address::worst_of(join_all(looks).await);
    Ok(address::noted(cx, outcome).await)
}
