use std::collections::BTreeMap;

use futures_util::future::join_all;
use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::HttpExchange,
};

use super::{
    FindingLevel, HealthFinding, HealthFormat, HealthKind, StatusSet,
    judge::{Circumstances, judge},
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
    /// code alone, and says so; one that has not ended after 1 MiB is unknown, unless what is there says down.
    ///
    /// What makes an answer worth less warns: that caches may keep it for more than 5 s or that it came out of one,
    /// a time in it that is older than `max_age_seconds`, dependencies behind liveness (where `kind` says that it
    /// is), and what everybody may read without a login: passwords in connection strings, exceptions, stack
    /// traces, and on public addresses those of the inner network. What is secret in it is never repeated.
    /// `levels` makes more or less of each.
    ///
    /// # How to fix
    /// See the log of the service and of the component that is named; answer 200 for well and 503 for not,
    /// from the path itself, without a login, with `Cache-Control: no-store` and no more than names and states.
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
        /// What the endpoint is asked for: `liveness`, `readiness` or `startup`. Default: it is not judged by it.
        pub kind: Option<HealthKind> = None,
        /// How old a `time` or `timestamp` in the payload may be. In seconds. Default: any age.
        pub max_age_seconds: Option<u32> = None,
        /// Components that may be down, with all below them: they warn instead. Default: none.
        pub optional: Vec<String> = Vec::new(),
        /// What to make of a finding about the answer itself, such as `{ cacheable = "fail" }`: `note`, `warn` or
        /// `fail`, for `aggregate_mismatch`, `cacheable`, `details_public`, `empty_checks`,
        /// `liveness_has_dependencies`, `stale` and `status_code_mismatch`. Default: as it is judged.
        pub levels: BTreeMap<HealthFinding, FindingLevel> = BTreeMap::new(),
    }
    id: "http.health",
    title: "the service says that it is well",
    priority: Critical,
    references: [
        "RFC 8259 section 8.1" => "https://www.rfc-editor.org/rfc/rfc8259#section-8.1",
        "RFC 9110 section 15" => "https://www.rfc-editor.org/rfc/rfc9110#section-15",
        "RFC 9111 section 4.2" => "https://www.rfc-editor.org/rfc/rfc9111#section-4.2",
        "draft-inadarei-api-health-check-06" => "https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06",
        "Kubernetes API health endpoints" => "https://kubernetes.io/docs/reference/using-api/health-checks/",
        "MicroProfile Health" => "https://microprofile.io/specifications/microprofile-health/",
        "Spring Boot Actuator: health" => "https://docs.spring.io/spring-boot/reference/actuator/endpoints.html",
    ],
}

/// How much of the body is read.
pub(super) const MOST_BODY_BYTES: u32 = 1024 * 1024;

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
        if self.optional.iter().any(String::is_empty) {
            return Err("`optional` holds an empty name".to_owned());
        }
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
            let at = Circumstances {
                now: cx.now(),
                is_public: address::special_purpose(address.ip()).is_none(),
                has_login: target.credential().is_some(),
            };
            let key = HttpExchange::get(
                endpoint,
                address::authority(target, port, tls),
                address::path_at(target, &self.path),
            )
            .credential(target.credential())
            .keep_body(MOST_BODY_BYTES);
            let outcome = match cx.observe(key).await {
                Ok(exchange) => judge(&exchange, self, &at),
                Err(error) => address::not_seen(&error),
            };
            (address, outcome)
        });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}

#[cfg(test)]
mod tests;
