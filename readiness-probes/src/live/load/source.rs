use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::Method;
use readiness_core::{Looking, ObserveError, Reason, Source, fact::Exchange};

use super::schedule::{Sent, drive};
use crate::{
    http::{LoadFacts, LoadRun},
    live::{
        link::{
            own::{Lost, OwnLink},
            receive::MOST_BODY_BYTES,
            request::Asked,
        },
        settings::Shared,
    },
};

/// How often a request is sent again after a connection that was kept alive broke.
const MOST_REPEATS: u32 = 1;

/// Answers [`LoadRun`] over connections of its own: as many as there are requests at once.
pub(crate) struct LoadSource(pub(crate) Arc<Shared>);

impl LoadSource {
    /// The longest load, and the longest answer to its last request.
    pub(crate) const DEADLINE: Duration =
        Duration::from_secs(LoadRun::MOST_SECONDS as u64 + LoadRun::MOST_TIMEOUT_MS as u64 / 1_000 + 5);
}

impl Source<LoadRun> for LoadSource {
    async fn look(&self, key: LoadRun, cx: Looking) -> Result<LoadFacts, ObserveError> {
        let run = key.within_caps();
        let method = run.request.method.as_str();
        if ![Method::GET, Method::HEAD, Method::OPTIONS]
            .iter()
            .any(|safe| safe == method)
        {
            let message = format!(
                "a load of `{}` is not sent: only safe methods are",
                method.escape_debug()
            );
            return Err(ObserveError::new(Reason::ERROR, message));
        }
        let asked = Asked::new(&self.0.http, &run.request, &cx)?.only_timed();
        let pool = Pool {
            shared: &self.0,
            asked: &asked,
            cx: &cx,
            idle: Mutex::default(),
        };
        drive(&run, || pool.send()).await
    }
}

/// The connections of one load.
struct Pool<'a> {
    shared: &'a Arc<Shared>,
    asked: &'a Asked<'a>,
    cx: &'a Looking,
    idle: Mutex<Vec<OwnLink>>,
}

impl Pool<'_> {
    async fn send(&self) -> Sent {
        let mut repeats = 0;
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let was_idle = idle.is_some();
            let link = idle.unwrap_or_else(|| OwnLink::new(self.shared, &self.asked.key.endpoint, self.cx));
            match link.exchange(self.asked, self.cx).await {
                Ok(exchange) if is_cut(&exchange) => {
                    let message = format!(
                        "{} ended its answer in the middle",
                        self.asked.key.endpoint.address
                    );
                    return Sent::Broken(ObserveError::new(Reason::HTTP_BROKEN, message));
                }
                Ok(exchange) => {
                    self.idle
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(link);
                    return Sent::Answered(Box::new(exchange));
                }
                // Each takes an idle connection away, so this ends.
                Err(Lost::Unused) if was_idle => {}
                Err(Lost::Unused) => {
                    let message = format!("{} closes every connection", self.asked.key.endpoint.address);
                    return Sent::Broken(ObserveError::new(Reason::HTTP_BROKEN, message));
                }
                Err(Lost::Broken(_)) if was_idle && repeats < MOST_REPEATS => repeats += 1,
                Err(Lost::Forbidden(e)) => return Sent::Impossible(e),
                Err(Lost::Final(e)) if e.reason == Reason::TIMEOUT => return Sent::TimedOut,
                Err(Lost::Broken(e) | Lost::Final(e)) => return Sent::Broken(e),
            }
        }
    }
}

/// Whether the body broke off; one that is longer than what is read is none of that.
fn is_cut(exchange: &Exchange) -> bool {
    let most = MOST_BODY_BYTES as u64;
    let announced = exchange
        .first_str("content-length")
        .and_then(|length| length.trim().parse::<u64>().ok());
    !exchange.body_complete && exchange.body_bytes <= most && announced.is_none_or(|length| length <= most)
}
