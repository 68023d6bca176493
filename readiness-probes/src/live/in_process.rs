#[cfg(feature = "tower")]
mod service;
mod sources;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt, future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
#[cfg(doc)]
use readiness_core::Policy;
use readiness_core::{Report, Sources, Suite};

#[cfg(feature = "tower")]
pub use self::service::NoBody;
use self::sources::{Inside, Origins};
use super::settings::{HttpSettings, canonical};

/// Answers a suite from a service in this process: no socket is opened, no name is looked up.
///
/// It is meant for unit tests: the probes of HTTP judge what the service would send over https. Redirects
/// within the target's host, other methods and queries reach the service as they would on the wire, in the
/// form of HTTP/1.1 with a `Host`.
///
/// ```
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use readiness_probes::{assert_pass, live::InProcess, presets};
///
/// let service = InProcess::from_fn(|request: http::Request<()>| async move {
///     http::Response::builder()
///         .header("content-type", "application/json")
///         .header("x-content-type-options", "nosniff")
///         .body(format!(r#"{{"path":"{}"}}"#, request.uri().path()).into_bytes())
///         .unwrap_or_default()
/// });
/// let report = service.run(presets::security_headers("https://api.example.com/orders")?).await;
/// assert_pass!(report, "http.nosniff");
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
/// ```
///
/// With the cargo feature `tower`, `InProcess::new` takes a `tower` service, such as a `Router` of axum.
///
/// # What cannot be seen
/// There is no connection, so probes of DNS, TCP and TLS are unknown: leave them out, as
/// [`presets::security_headers`](crate::presets::security_headers) does. There is no plain port either:
/// nothing answers there. Another host than those of the targets is not the service's, so that a redirect to
/// it is not followed. Credentials are given to the service as they would be sent.
///
/// # Failures
/// A service that fails is `unknown` with the reason `http.broken`, one that panics with `panic` (where
/// panics unwind), and one that does not answer in time with `timeout`; a body that does not end in time is
/// judged as far as it came. A service that blocks its thread blocks the run.
#[derive(Clone)]
pub struct InProcess {
    service: Arc<dyn Service>,
    hosts: BTreeSet<String>,
    answer_within: Duration,
    body_within: Duration,
}

/// A response, and its body in one shape.
type Answer = Response<UnsyncBoxBody<Bytes, String>>;

/// What answers, or says in words why it cannot.
trait Service: Send + Sync {
    fn answer(&self, request: Request<()>) -> BoxFuture<'static, Result<Answer, String>>;
}

impl InProcess {
    /// Answers from a function. An empty `http::Response` stands for a body of no bytes.
    pub fn from_fn<F, A>(answer: F) -> Self
    where
        F: Fn(Request<()>) -> A + Send + Sync + 'static,
        A: Future<Output = Response<Vec<u8>>> + Send + 'static,
    {
        Self::of(Arc::new(Function(answer)))
    }

    fn of(service: Arc<dyn Service>) -> Self {
        Self {
            service,
            hosts: BTreeSet::new(),
            answer_within: Duration::from_secs(5),
            body_within: Duration::from_secs(3),
        }
    }

    /// Says that the service answers for another host too, over https, beside those of the targets.
    pub fn serves(mut self, host: &str) -> Self {
        self.hosts.insert(canonical(host));
        self
    }

    /// Sets how long the service may take to the head of a response. Default: 5 s.
    pub fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within = time;
        self
    }

    /// Sets how long the body may take from there on. Default: 3 s.
    pub fn body_within(mut self, time: Duration) -> Self {
        self.body_within = time;
        self
    }

    /// The sources for this suite: the service answers for the hosts of its targets.
    pub fn sources_for(&self, suite: &Suite) -> Sources {
        let targets = suite
            .requirements()
            .iter()
            .flat_map(|requirement| requirement.targets());
        let origins = targets.map(|target| (canonical(target.host()), target.port(), target.is_tls()));
        let more = self.hosts.iter().map(|host| (host.clone(), 443, true));
        Inside {
            service: Arc::clone(&self.service),
            origins: Origins::new(origins.chain(more)),
            settings: HttpSettings {
                user_agent: HeaderValue::from_static(concat!("readiness/", env!("CARGO_PKG_VERSION"))),
                first_byte_timeout: self.answer_within,
                body_timeout: self.body_within,
            },
        }
        .sources()
    }

    /// Runs a suite, answered by the service alone: whatever sources the suite had are put aside.
    ///
    /// A suite that states no policy is held to [`Policy::fail_on_warn`], so that `assert_ready!` fails where
    /// any probe that counts warns or fails: headers are no blockers, and without a stated target nothing
    /// else would decide.
    pub async fn run(&self, suite: Suite) -> Report {
        let sources = self.sources_for(&suite);
        let policy = suite.own_policy().clone();
        let suite = if policy.is_usual() {
            suite.policy(policy.fail_on_warn(true))
        } else {
            suite
        };
        suite.with_sources(sources).run().await
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess")
            .field("hosts", &self.hosts)
            .field("answer_within", &self.answer_within)
            .field("body_within", &self.body_within)
            .finish_non_exhaustive()
    }
}

struct Function<F>(F);

impl<F, A> Service for Function<F>
where
    F: Fn(Request<()>) -> A + Send + Sync + 'static,
    A: Future<Output = Response<Vec<u8>>> + Send + 'static,
{
    fn answer(&self, request: Request<()>) -> BoxFuture<'static, Result<Answer, String>> {
        let whole = |body: Vec<u8>| {
            Full::new(Bytes::from(body))
                .map_err(|never| match never {})
                .boxed_unsync()
        };
        (self.0)(request)
            .map(move |response| Ok(response.map(whole)))
            .boxed()
    }
}
