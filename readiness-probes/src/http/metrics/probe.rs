use futures_util::future::join_all;
use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::HttpExchange, probe,
};

use super::{
    judge::judge,
    series::Limits,
    wanted::{MetricAssertion, check_name},
};
use crate::address;

probe! {
    /// Prometheus can scrape the service, and what it gets is right.
    ///
    /// # What it checks
    /// The page of metrics at each address of the target, in OpenMetrics 1.0 or the Prometheus text format
    /// 0.0.4: its type, its grammar, that each series stands once, that buckets, counts and sums agree, how
    /// many series and label values there are, names, and label values that nobody should see. With
    /// `required` and `assert` also what must be there, with `second_scrape_after_ms` whether counters rise.
    ///
    /// # Why it matters
    /// Alerts are as good as the page they come from. A line that cannot be read costs the whole scrape, a
    /// series that stands twice or a histogram that does not add up gives wrong graphs without a word, and a
    /// label with an id in it brings the monitoring down on the worst day.
    ///
    /// # How it is judged
    /// What makes Prometheus refuse the page fails, and so do duplicate series, histograms that disagree with
    /// themselves, counters below 0 or falling, a secret in a label, and what is demanded and not there.
    /// Against the text format, order and repetition that Prometheus forgives warn; so do e-mail addresses,
    /// too many series, timestamps over 5 minutes old, misleading names, and a scrape that takes over half of
    /// `scrape_timeout_ms`. Style is a note. 401, 403, 429 and a challenge page are unknown, and so is what
    /// lies beyond the first MiB of the page.
    ///
    /// # How to fix
    /// Let a current client library write the page; see the line and column that are named.
    pub struct Metrics {
        /// The path to ask. Default: `/metrics`.
        pub path: String = "/metrics".to_owned(),
        /// Families of which there must be samples, such as `["process_cpu_seconds_total"]`; the name of a
        /// sample does as well. Default: none.
        pub required: Vec<String> = Vec::new(),
        /// What must hold of samples: `[{ metric = "queue_depth", labels = { queue = "mail" }, at_most = 100
        /// }]`. Default: nothing.
        pub assert: Vec<MetricAssertion> = Vec::new(),
        /// The most series of the page. Default: 10000.
        pub max_series: u32 = 10_000,
        /// The most values of one label in one family. Default: 1000.
        pub max_label_values: u32 = 1000,
        /// How long Prometheus waits for the page; half of it is enough for everything. In milliseconds.
        /// Default: 10000.
        pub scrape_timeout_ms: u32 = 10_000,
        /// Scrapes once more, this long after the first time, and compares counters. In milliseconds, 1000 to
        /// 15000. Default: once only.
        pub second_scrape_after_ms: Option<u32> = None,
    }
    id: "http.metrics",
    title: "Prometheus can scrape the service",
    priority: Medium,
    timeout_seconds: 60,
    references: [
        "OpenMetrics 1.0" => "https://prometheus.io/docs/specs/om/open_metrics_spec/",
        "Prometheus exposition formats" => "https://prometheus.io/docs/instrumenting/exposition_formats/",
        "Prometheus: metric and label naming" => "https://prometheus.io/docs/practices/naming/",
    ],
}

/// The types that can be read, the newer one first.
pub(in crate::http) const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

impl Metrics {
    /// The most of the page that is looked at.
    pub(in crate::http) const MOST_BODY_BYTES: u32 = 1024 * 1024;

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let path = &self.path;
        if !path.starts_with('/') {
            return Err("`path` must begin with `/`, such as `/metrics`".to_owned());
        }
        if path
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '#')
        {
            return Err("`path` holds a space, a control character or `#`".to_owned());
        }
        address::check_query(path)?;
        for (name, value) in [
            ("max_series", self.max_series),
            ("max_label_values", self.max_label_values),
            ("scrape_timeout_ms", self.scrape_timeout_ms),
        ] {
            if value == 0 {
                return Err(format!("`{name}` is 0, expected 1 or more"));
            }
        }
        if let Some(after) = self
            .second_scrape_after_ms
            .filter(|after| !(1000..=15_000).contains(after))
        {
            return Err(format!(
                "`second_scrape_after_ms` is {after}, expected 1000 to 15000"
            ));
        }
        self.required
            .iter()
            .try_for_each(|name| check_name("required", name))?;
        self.assert.iter().try_for_each(MetricAssertion::check)
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            series: self.max_series,
            label_values: self.max_label_values,
        }
    }
}

#[async_trait]
impl Probe for Metrics {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
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
            .header("accept", ACCEPT)
            .credential(target.credential())
            .keep_body(Self::MOST_BODY_BYTES);
            let first = match cx.observe(key.clone()).await {
                Ok(exchange) => exchange,
                Err(error) => return (address, address::not_seen(&error)),
            };
            let second = match self.second_scrape_after_ms.filter(|_| first.status == 200) {
                Some(after) => Some(cx.observe(key.sample(1).after(after)).await),
                None => None,
            };
            let second = second.as_ref().map(|second| second.as_deref());
            (address, judge(self, &first, second, cx.now()))
        });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}
