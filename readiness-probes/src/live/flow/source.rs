use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use readiness_core::{
    Looking, ObserveError, Origin, Reason, Source, Timestamp,
    fact::{ByteText, Endpoint, Exchange, HttpExchange},
    redact::{Credential, CredentialKind, Credentials, REDACTED},
};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::jar::Jar;
use crate::{
    address::authority_of,
    http::{
        FlowDocument, FlowFacts, FlowResult, FlowRun, FlowStep, FlowTaken, OF_CREDENTIAL, Received, Secrecy,
        Stop, Variable, Variables, body_of, has_failed, header_of, origin_of_text, path_of, take, variables,
    },
    live::{
        link::{
            own::{Lost, OwnLink},
            receive::MOST_BODY_BYTES,
            request::{Asked, Filled, Slot, header_of as credential_header},
            tcp::micros,
        },
        route::reachable,
        settings::Shared,
    },
};

/// How often a safe request is sent again after a connection that was kept alive broke.
const MOST_REPEATS: u32 = 1;
/// The most secret values of one flow that are looked for in its facts, each in a dozen forms. Where there are more,
/// nothing is kept that could be one.
const MOST_SECRETS: usize = 256;
/// What steps that are always sent have beyond the time of the flow.
const CLEAN_UP: Duration = Duration::from_secs(15);

/// Answers [`FlowRun`] over connections of its own, one to each origin.
pub(in crate::live) struct FlowSource(pub(in crate::live) Arc<Shared>);

impl FlowSource {
    pub(in crate::live) const DEADLINE: Duration =
        Duration::from_secs(FlowRun::MOST_SECONDS as u64 + CLEAN_UP.as_secs() + 5);
}

impl Source<FlowRun> for FlowSource {
    async fn look(&self, key: FlowRun, cx: Looking) -> Result<FlowFacts, ObserveError> {
        if key.steps.len() > FlowRun::MOST_STEPS {
            let message = format!("a flow of {} steps is not sent", key.steps.len());
            return Err(ObserveError::new(Reason::ERROR, message));
        }
        let scheme = if key.endpoint.tls { "https" } else { "http" };
        let own = Origin::new(scheme, &*key.endpoint.name, key.endpoint.address.port());
        let mut walk = Walk {
            shared: &self.0,
            run: &key,
            cx: &cx,
            secrecy: Secrecy::of(&key.steps),
            variables: of_credential(&key, &own, &cx)?,
            may_go: OF_CREDENTIAL
                .map(|name| (name.to_owned(), vec![own.clone()]))
                .into(),
            own,
            secrets: Credentials::default(),
            hidden: BTreeSet::new(),
            has_more: false,
            jar: Jar::default(),
            links: BTreeMap::new(),
            left: FlowRun::MOST_BODY_BYTES,
        };
        Ok(walk.all().await)
    }
}

/// The parts of the target's credential as variables.
fn of_credential(run: &FlowRun, own: &Origin, cx: &Looking) -> Result<Variables, ObserveError> {
    let mut all = Variables::new();
    let Some(handle) = &run.credential else {
        return Ok(all);
    };
    let mut put = |name: &str, value: &str| {
        let value = Value::from(value);
        all.insert(format!("credential.{name}"), Variable { value, secret: true });
    };
    match cx.credential(handle, own)?.kind {
        CredentialKind::Login { user, password } => {
            put("user", &user);
            put("password", password.reveal());
        }
        CredentialKind::Header { value, .. } => {
            let value = value.reveal();
            put("value", value);
            put(
                "token",
                value
                    .split_once(' ')
                    .map_or(value.as_str(), |(_, token)| token.trim()),
            );
        }
        _ => {}
    }
    Ok(all)
}

/// One flow on its way.
struct Walk<'a> {
    shared: &'a Arc<Shared>,
    run: &'a FlowRun,
    cx: &'a Looking,
    own: Origin,
    secrecy: Secrecy,
    variables: Variables,
    /// Where each variable may go that is secret: where it was taken, and to whom the settings allow it.
    may_go: BTreeMap<String, Vec<Origin>>,
    /// What was taken and must stand in no fact.
    secrets: Credentials,
    /// By the handles of those.
    hidden: BTreeSet<String>,
    /// Whether there are more than are looked for.
    has_more: bool,
    jar: Jar,
    links: BTreeMap<Origin, (Endpoint, Option<OwnLink>)>,
    /// How much more of bodies is looked at.
    left: u64,
}

impl Walk<'_> {
    async fn all(&mut self) -> FlowFacts {
        let began = Instant::now();
        let seconds = self.run.max_seconds.clamp(1, FlowRun::MOST_SECONDS);
        let closing = began + Duration::from_secs(seconds.into());
        let mut facts = FlowFacts::default();
        let mut failed = false;
        for (n, step) in self.run.steps.iter().enumerate() {
            let deadline = match step.always {
                true => closing + CLEAN_UP,
                false => closing,
            };
            let result = if failed && !step.always {
                FlowResult::Skipped
            } else if Instant::now() >= deadline {
                FlowResult::OutOfTime
            } else {
                let sent = timeout_at(deadline, self.step(n, step)).await;
                sent.unwrap_or_else(|_| {
                    let message = format!("the step was not answered within the {seconds} s of the flow");
                    FlowResult::Failed(ObserveError::new(Reason::TIMEOUT, message))
                })
            };
            failed |= has_failed(self.run, step, self.secrecy.sends(n), &result);
            facts.steps.push(result);
        }
        facts.total_us = micros(began.elapsed());
        self.scrub(&mut facts);
        facts
    }

    async fn step(&mut self, n: usize, step: &FlowStep) -> FlowResult {
        match self.answer(n, step).await {
            Ok(result) => result,
            Err(error) => FlowResult::Failed(error),
        }
    }

    async fn answer(&mut self, n: usize, step: &FlowStep) -> Result<FlowResult, ObserveError> {
        let own = |message: String| ObserveError::new(Reason::ERROR, message);
        let origin = match &step.origin {
            None => self.own.clone(),
            Some(text) => origin_of_text(text).map_err(own)?,
        };
        let filled = match self.filled(n, step, &origin)? {
            Ok(filled) => filled,
            Err(Stop::Unfit(variable, problem)) => return Ok(FlowResult::Unfit { variable, problem }),
            Err(Stop::Untaken(variable)) => return Ok(FlowResult::Untaken(variable)),
        };
        if step.reads_body() && self.left == 0 {
            let most = FlowRun::MOST_BODY_BYTES / (1024 * 1024);
            let message = format!("the bodies of earlier answers took the {most} MiB that a flow may read");
            return Err(ObserveError::new(Reason::HTTP_TOO_LARGE, message));
        }
        let path = filled.path.clone();
        let (exchange, received) = self.send(step, &origin, filled).await?;
        self.left = self.left.saturating_sub(received.body.len() as u64);
        if self.run.cookies {
            let values = self.jar.store(&received.headers, &origin, &path, now());
            for value in values {
                // A short one is a word like `dark`, and no session.
                let handle = format!("cookie.{value}");
                self.hide(handle, Credential::text(origin.clone(), value));
            }
        }
        let (answer, taken) = take(step, n, &self.secrecy, exchange, &received);
        for (name, variable) in taken {
            if variable.secret {
                let value = variable.text();
                let handle = format!("taken.{value}");
                self.hide(handle, Credential::header(origin.clone(), "authorization", value));
                let also_for = step.extract.get(&name).map(|from| from.also_for.as_slice());
                let others = also_for.unwrap_or_default().iter();
                let mut may_go = vec![origin.clone()];
                may_go.extend(others.filter_map(|text| origin_of_text(text).ok()));
                self.may_go.insert(name.clone(), may_go);
            }
            self.variables.insert(name, variable);
        }
        Ok(FlowResult::Answered(Box::new(answer)))
    }

    /// Lets a value stand in no fact.
    fn hide(&mut self, handle: String, secret: Credential) {
        if self.hidden.len() < MOST_SECRETS {
            self.secrets.insert(handle.clone(), secret);
            self.hidden.insert(handle);
        } else if !self.hidden.contains(&handle) {
            self.has_more = true;
        }
    }

    fn filled(
        &self,
        n: usize,
        step: &FlowStep,
        origin: &Origin,
    ) -> Result<Result<Filled, Stop>, ObserveError> {
        self.may_all_go(step, origin)?;
        let mut carries_secret = self.secrecy.sends(n);
        let mut headers = Vec::new();
        let path = match path_of(&step.path, &self.variables, origin) {
            Ok(path) => path,
            Err(stop) => return Ok(Err(stop)),
        };
        if let (true, Some(line)) = (self.run.cookies, self.jar.header(origin, &path)) {
            let mut value = HeaderValue::from_bytes(&line)
                .map_err(|_| ObserveError::new(Reason::ERROR, "a cookie cannot stand in a header"))?;
            value.set_sensitive(true);
            headers.push((header::COOKIE, value));
            carries_secret = true;
        }
        let body = match body_of(step, &self.variables) {
            Ok(body) => body,
            Err(stop) => return Ok(Err(stop)),
        };
        let body = match body {
            Some((kind, body)) => {
                headers.push((header::CONTENT_TYPE, HeaderValue::from_static(kind)));
                body
            }
            None => Bytes::new(),
        };
        // RFC 9110, section 8.6: also of a body of no length, where the method foresees one.
        if body.is_empty() && matches!(step.method.as_str(), "PATCH" | "POST" | "PUT") {
            headers.push((header::CONTENT_LENGTH, HeaderValue::from_static("0")));
        }
        if let (true, Some(handle)) = (step.credential, &self.run.credential) {
            headers.push(credential_header(self.cx.credential(handle, origin)?.kind)?);
        }
        for (name, text) in &step.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| ObserveError::new(Reason::ERROR, "a header has a name that none can have"))?;
            match header_of(text, &self.variables) {
                Ok(value) => headers.push((name, value)),
                Err(stop) => return Ok(Err(stop)),
            }
        }
        Ok(Ok(Filled {
            path,
            headers,
            body,
            carries_secret,
        }))
    }

    /// Which origin the target has is known here alone, so that settings cannot tell everything before.
    fn may_all_go(&self, step: &FlowStep, origin: &Origin) -> Result<(), ObserveError> {
        let texts = step.texts();
        let withheld = texts
            .iter()
            .flat_map(|(_, text)| variables(text))
            .find(|name| self.may_go.get(*name).is_some_and(|all| !all.contains(origin)));
        match withheld {
            Some(name) => {
                let message = format!(
                    "`{name}` is secret and was not sent to {origin}: it was taken at another origin, whose \
                     `also_for` does not name this one"
                );
                Err(ObserveError::new(Reason::CREDENTIAL_WITHHELD, message))
            }
            None => Ok(()),
        }
    }

    async fn send(
        &mut self,
        step: &FlowStep,
        origin: &Origin,
        filled: Filled,
    ) -> Result<(Exchange, Received), ObserveError> {
        let endpoint = self.endpoint(origin).await?;
        let authority = match *origin == self.own {
            true => self.run.authority.clone(),
            false => authority_of(&origin.host, origin.port, endpoint.tls),
        };
        let keep = match step.reads_body() {
            true => self.left.min(MOST_BODY_BYTES as u64),
            false => 0,
        };
        // The path as it is written: what is put in is not for people.
        let mut key = HttpExchange::get(endpoint.clone(), authority, step.path.as_str())
            .keep_body(u32::try_from(keep).unwrap_or(u32::MAX));
        key.method.clone_from(&step.method);
        let slot = Slot::default();
        let asked = Asked::filled(&self.shared.http, &key, filled, &slot)?;
        let exchange = self.exchange(origin, &endpoint, &asked).await?;
        let received = slot.take().unwrap_or_default();
        Ok((exchange, received))
    }

    async fn exchange(
        &mut self,
        origin: &Origin,
        endpoint: &Endpoint,
        asked: &Asked<'_>,
    ) -> Result<Exchange, ObserveError> {
        let mut repeats = 0;
        loop {
            let known = self.links.get_mut(origin).and_then(|(_, link)| link.take());
            let was_used = known.is_some();
            let link = known.unwrap_or_else(|| OwnLink::new(self.shared, endpoint, self.cx));
            match link.exchange(asked, self.cx).await {
                Ok(exchange) => {
                    self.links.insert(origin.clone(), (endpoint.clone(), Some(link)));
                    return Ok(exchange);
                }
                // Nothing was sent, and the next connection is a new one.
                Err(Lost::Unused) if was_used => {}
                Err(Lost::Unused) => {
                    let message = format!("{} closes every connection", endpoint.address);
                    return Err(ObserveError::new(Reason::HTTP_BROKEN, message));
                }
                Err(Lost::Broken(_)) if was_used && repeats < MOST_REPEATS => repeats += 1,
                Err(Lost::Broken(e) | Lost::Final(e) | Lost::Forbidden(e)) => return Err(e),
            }
        }
    }

    /// Where an origin is: the target's is known, another one is looked up.
    async fn endpoint(&mut self, origin: &Origin) -> Result<Endpoint, ObserveError> {
        if *origin == self.own {
            return Ok(self.run.endpoint.clone());
        }
        if let Some((endpoint, _)) = self.links.get(origin) {
            return Ok(endpoint.clone());
        }
        let host = origin.host.as_str();
        let address = reachable(host, self.cx).await?.first().copied().ok_or_else(|| {
            ObserveError::new(Reason::NO_ROUTE, format!("this machine has no route to `{host}`"))
        })?;
        let at = SocketAddr::new(address, origin.port);
        let endpoint = Endpoint::new(at, host, origin.scheme == "https");
        self.links.insert(origin.clone(), (endpoint.clone(), None));
        Ok(endpoint)
    }

    /// Takes everything out of the facts that turned out to be secret, also where an earlier step showed it. What
    /// is as the settings expect it says nothing that they do not, and stays.
    fn scrub(&self, facts: &mut FlowFacts) {
        let taken = self.secrets.scrubber();
        let clean = |bytes: &[u8]| match self.has_more {
            true => REDACTED.as_bytes().to_vec(),
            false => taken.scrub_bytes(&self.cx.scrub_bytes(bytes)),
        };
        let clean_text = |text: &str| match self.has_more {
            true => REDACTED.to_owned(),
            false => taken.scrub(&self.cx.scrub(text)),
        };
        for (step, result) in self.run.steps.iter().zip(&mut facts.steps) {
            let FlowResult::Answered(answer) = result else {
                continue;
            };
            for header in &mut answer.exchange.headers {
                let value = header.value.as_bytes();
                if !is_expected_header(step, &header.name, value) {
                    header.value = ByteText::new(clean(value));
                }
            }
            for (_, taken) in &mut answer.taken {
                if let FlowTaken::Value(value) = taken {
                    *value = clean_text(value);
                }
            }
            let FlowDocument::Values(values) = &mut answer.document else {
                continue;
            };
            for (assertion, value) in step.expect.assert.iter().zip(values) {
                let Some(value) = value else { continue };
                let expected = assertion.equals.as_ref().map(Value::to_string);
                let clean = clean_text(value);
                let is_bounded = assertion.at_least.is_some() || assertion.at_most.is_some();
                let is_meant =
                    expected.as_ref() == Some(value) || (is_bounded && value.parse::<i128>().is_ok());
                if clean != *value && !is_meant {
                    // A text in whatever form it was: what is left is for people.
                    *value = match serde_json::from_str::<Value>(&clean) {
                        Ok(_) => clean,
                        Err(_) => Value::from(clean).to_string(),
                    };
                }
            }
        }
    }
}

/// Whether a header is, word for word, what the settings expect.
fn is_expected_header(step: &FlowStep, name: &str, value: &[u8]) -> bool {
    step.expect.headers.iter().any(|header| {
        let equals = header.equals.as_ref();
        header.name.eq_ignore_ascii_case(name)
            && equals.is_some_and(|equals| equals.trim().as_bytes() == value.trim_ascii())
    })
}

/// When cookies end.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use readiness_core::Described;

    use super::*;
    use crate::http::Flow;

    #[test]
    fn the_longest_flow_and_what_cleans_up_end_before_anybody_stops_waiting() {
        let longest = Duration::from_secs(FlowRun::MOST_SECONDS.into()) + CLEAN_UP;
        assert!(longest < FlowSource::DEADLINE);
        // Before it the names of the target are looked up.
        assert!(FlowSource::DEADLINE < Flow::described().timeout);
    }
}
