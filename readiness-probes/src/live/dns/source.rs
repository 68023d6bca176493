use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use hickory_resolver::system_conf::read_system_conf;
use readiness_core::{
    Looking, ObserveError, Reason, Source, Sources,
    fact::{DnsAnswer, DnsAttempt, DnsLookup, DnsResult, Family, RecordType, Signatures},
};

use super::{
    super::names::{Flights, ask_system, family, of_family, without_asking},
    answer::{Question, fact},
    transport::ask,
};

/// What the two families of one name share in a run: whether the name has any address at all is a
/// question to both, and the system's resolver answers for both.
#[derive(Default)]
struct Names {
    queries: Flights<DnsLookup, Result<DnsAnswer, ObserveError>>,
    system: Flights<String, Vec<IpAddr>>,
}

/// Whom to ask for names, and for how long.
///
/// ```
/// use std::time::Duration;
/// use readiness_probes::live::dns::DnsSettings;
///
/// let settings = DnsSettings::default()
///     .nameserver("192.0.2.53:53".parse()?)
///     .resolve("api.example.com", ["192.0.2.1".parse()?])
///     .attempt_timeout(Duration::from_secs(1));
/// assert_eq!(settings.attempts, 2);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DnsSettings {
    /// The nameservers to ask, in this order; the machine's own where empty.
    pub nameservers: Vec<SocketAddr>,
    /// Names, in lower case without a final dot, whose addresses are given and not asked for.
    pub overrides: BTreeMap<String, Vec<IpAddr>>,
    /// How long one try may take, over TCP and without EDNS where the server makes that needed. Default: 2 s.
    pub attempt_timeout: Duration,
    /// How often a silent nameserver is tried. Default: 2. Of several, each is tried once and then again,
    /// `attempts + 1` times in all.
    pub attempts: u32,
}

impl Default for DnsSettings {
    fn default() -> Self {
        Self {
            nameservers: Vec::new(),
            overrides: BTreeMap::new(),
            attempt_timeout: Duration::from_secs(2),
            attempts: 2,
        }
    }
}

impl DnsSettings {
    /// Asks this nameserver, after those already given, instead of the machine's.
    pub fn nameserver(mut self, address: SocketAddr) -> Self {
        self.nameservers.push(address);
        self
    }

    /// Gives a name these addresses, so that nobody is asked for them.
    pub fn resolve(mut self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.overrides.entry(name).or_default().extend(addresses);
        self
    }

    /// Sets how long one try may take.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets how often a silent nameserver is tried: once at least.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How many tries there are with this many nameservers: a third dead one must not eat the time of the
    /// whole requirement, but each is asked once.
    fn tries(&self, nameservers: usize) -> usize {
        let attempts = usize::try_from(self.attempts.max(1)).unwrap_or(usize::MAX);
        attempts
            .saturating_mul(nameservers)
            .min(attempts.saturating_add(1).max(nameservers))
    }
}

/// The machine's nameservers, in order; none where its configuration names none or cannot be read.
pub fn system_nameservers() -> Vec<SocketAddr> {
    let Ok((config, _)) = read_system_conf() else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for server in config.name_servers() {
        let port = server
            .connections
            .first()
            .map_or(53, |connection| connection.port);
        let address = SocketAddr::new(server.ip, port);
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}

/// Asks nameservers.
///
/// A name is always absolute: no search list is tried. Nothing is cached. One query goes out; the next
/// nameserver is asked only where one is silent, fails, refuses or names others instead of answering. A
/// negative answer is a fact, silence of all an error.
///
/// Nobody is asked for a name that an override gives, nor for `localhost` and what is below it (RFC 6761,
/// section 6.3). Where the machine's own nameservers find nothing, the system's resolver is asked once: it
/// knows the hosts file, and what else this machine is set up with. Its call cannot be interrupted: where
/// it hangs, a thread of the runtime stays with it until the system gives up.
#[derive(Clone, Debug)]
pub struct DnsSource {
    settings: Arc<DnsSettings>,
    /// What to take for the machine's own nameservers; its configuration is read where there are none.
    pub(super) machine: Vec<SocketAddr>,
    /// The system's resolver: the addresses of a name, within this time.
    pub(super) system: fn(String, Duration) -> BoxFuture<'static, Vec<IpAddr>>,
}

impl DnsSource {
    /// A source with these settings.
    pub fn new(settings: DnsSettings) -> Self {
        Self {
            settings: Arc::new(settings),
            machine: Vec::new(),
            system: |name, budget| ask_system(name, budget).map(Result::unwrap_or_default).boxed(),
        }
    }

    /// How long one look may take: every try, the system's resolver after them, and a little more. Silence
    /// is then told as what it is.
    pub fn deadline(&self) -> Duration {
        let nameservers = self.settings.nameservers.len().max(self.machine.len()).max(2);
        let tries = u32::try_from(self.settings.tries(nameservers)).unwrap_or(u32::MAX);
        let waits = self
            .settings
            .attempt_timeout
            .saturating_mul(tries.saturating_add(1));
        waits.saturating_add(Duration::from_millis(1_500))
    }

    /// Installs it, with its deadline.
    pub(crate) fn install(self, sources: Sources) -> Sources {
        let deadline = self.deadline();
        sources.with_deadline(self, deadline)
    }

    async fn machine(&self, key: &DnsLookup, cx: &Looking) -> Result<DnsAnswer, ObserveError> {
        let names = cx.resource::<Names>()?;
        let by = key.record_type;
        let query = |key: DnsLookup| {
            let look = Asking {
                key: key.clone(),
                settings: Arc::clone(&self.settings),
                cx: cx.clone(),
            };
            let mut machine = self.machine.clone();
            names.queries.join(key, by, || {
                async move {
                    if machine.is_empty() {
                        machine = system_nameservers();
                    }
                    look.all(&machine).await
                }
                .boxed()
            })
        };
        let own = query(key.clone()).await;
        // The system's resolver gives addresses, and no signatures.
        let asks_for_signatures = key.signatures != Signatures::NotAsked;
        let Some(family) = family(by).filter(|_| !asks_for_signatures) else {
            return own;
        };
        let finds_nothing = match own.as_ref().map(|answer| &answer.result) {
            Ok(DnsResult::Records) => false,
            Ok(DnsResult::NoData) => {
                // A name with addresses of the other family only is a healthy one.
                let mut other = key.clone();
                other.record_type = match family {
                    Family::V4 => RecordType::Aaaa,
                    Family::V6 => RecordType::A,
                };
                query(other)
                    .await
                    .map_or(true, |other| other.result != DnsResult::Records)
            }
            Ok(_) => true,
            Err(e) => e.reason == Reason::DNS_SILENT,
        };
        if !finds_nothing {
            return own;
        }
        let budget = self.settings.attempt_timeout;
        let begin = || (self.system)(key.name.clone(), budget);
        let addresses = names.system.join(key.name.clone(), by, begin).await;
        if addresses.is_empty() {
            return own;
        }
        let mut answer = of_family(&key.name, &addresses, family, "system resolver");
        answer.queries = own.map_or(0, |own| own.queries);
        Ok(answer)
    }
}

impl Default for DnsSource {
    fn default() -> Self {
        Self::new(DnsSettings::default())
    }
}

impl Source<DnsLookup> for DnsSource {
    async fn look(&self, key: DnsLookup, cx: Looking) -> Result<DnsAnswer, ObserveError> {
        let begun = Instant::now();
        let mut answer = match without_asking(&self.settings.overrides, &key) {
            Some(answer) => answer,
            None if key.nameservers.is_empty() && self.settings.nameservers.is_empty() => {
                self.machine(&key, &cx).await?
            }
            None => {
                let settings = Arc::clone(&self.settings);
                let look = Asking { key, settings, cx };
                let own = [&look.key.nameservers, &look.settings.nameservers];
                let nameservers = own.into_iter().find(|list| !list.is_empty());
                look.all(nameservers.map_or(&[], Vec::as_slice)).await?
            }
        };
        answer.duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(answer)
    }
}

struct Asking {
    key: DnsLookup,
    settings: Arc<DnsSettings>,
    cx: Looking,
}

impl Asking {
    async fn all(&self, nameservers: &[SocketAddr]) -> Result<DnsAnswer, ObserveError> {
        let question =
            Question::new(&self.key).map_err(|problem| ObserveError::new(Reason::ERROR, problem))?;
        let queries = AtomicU32::new(0);
        let sent = || {
            queries.fetch_add(1, Ordering::Relaxed);
            self.cx.spend("dns_queries", 1);
        };
        let mut negative: Option<(usize, DnsAnswer)> = None;
        let mut has_answered: Vec<SocketAddr> = Vec::new();
        let mut silent: Vec<(SocketAddr, Vec<String>)> = Vec::new();
        let tries = self.settings.tries(nameservers.len());
        let mut failed: Vec<DnsAttempt> = Vec::new();
        let transport = self.key.transport;
        let attempt = match self.key.attempt_ms {
            0 => self.settings.attempt_timeout,
            ms => self
                .settings
                .attempt_timeout
                .min(Duration::from_millis(ms.into())),
        };
        for &server in nameservers.iter().cycle().take(tries) {
            if has_answered.contains(&server) {
                continue;
            }
            match ask(server, &question, transport, attempt, sent).await {
                Err(problem) => {
                    failed.push(DnsAttempt::new(server, problem.clone()));
                    match silent.iter_mut().find(|(known, _)| *known == server) {
                        Some((_, problems)) => problems.push(problem),
                        None => silent.push((server, vec![problem])),
                    }
                }
                Ok(message) => {
                    has_answered.push(server);
                    let mut answer = fact(&message, &self.key, server);
                    answer.queries = queries.load(Ordering::Relaxed);
                    let problem = match answer.result {
                        DnsResult::Refused => "REFUSED".to_owned(),
                        DnsResult::ServFail => "SERVFAIL".to_owned(),
                        DnsResult::Rcode(code) => format!("the response code {code}"),
                        DnsResult::Referral => "a referral to other nameservers".to_owned(),
                        _ => {
                            answer.failed_attempts = failed;
                            return Ok(answer);
                        }
                    };
                    negative.get_or_insert((failed.len(), answer));
                    failed.push(DnsAttempt::new(server, problem));
                }
            }
        }
        if let Some((own, mut answer)) = negative {
            answer.queries = queries.load(Ordering::Relaxed);
            // Its own refusal is the answer, and none of the tries beside it.
            failed.remove(own);
            answer.failed_attempts = failed;
            return Ok(answer);
        }
        let DnsLookup {
            name, record_type, ..
        } = &self.key;
        if silent.is_empty() {
            let message = "this machine has no nameserver configured; name one".to_owned();
            return Err(ObserveError::new(Reason::DNS_SILENT, message));
        }
        let who: Vec<String> = silent
            .iter()
            .map(|(server, problems)| format!("{server} ({})", counted(problems)))
            .collect();
        let message = format!(
            "no nameserver answers for `{name}` {record_type}: {}",
            who.join(", ")
        );
        Err(ObserveError::new(Reason::DNS_SILENT, message))
    }
}

/// The problems of one server's tries in their order, alike ones together.
fn counted(problems: &[String]) -> String {
    let mut all: Vec<(&str, usize)> = Vec::new();
    for problem in problems {
        match all.last_mut() {
            Some((last, count)) if last == problem => *count += 1,
            _ => all.push((problem, 1)),
        }
    }
    let shown = all.into_iter().map(|(problem, count)| match count {
        1 => problem.to_owned(),
        _ => format!("{problem}, {count} times"),
    });
    shown.collect::<Vec<_>>().join(", then ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_end_in_time() {
        let settings = DnsSettings::default();
        for (nameservers, tries) in [(0, 0), (1, 2), (2, 3), (3, 3), (4, 4)] {
            assert_eq!(settings.tries(nameservers), tries, "{nameservers}");
        }
        assert_eq!(settings.clone().attempts(0).tries(1), 1);
        assert_eq!(settings.attempts(1).tries(2), 2);
    }

    #[test]
    fn a_source_can_be_shared() {
        fn shareable<T: Send + Sync>() {}
        shareable::<DnsSource>();
        shareable::<DnsSettings>();
    }
}
