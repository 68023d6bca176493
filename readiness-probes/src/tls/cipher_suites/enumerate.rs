use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join, join_all},
    stream::{self, StreamExt},
};
use readiness_core::{
    ObserveError, ProbeContext, Reason,
    fact::{HelloAnswer, ServerHello, TlsHello, TlsVersion},
};

use crate::tls::{
    group,
    hello::{INAPPROPRIATE_FALLBACK, Offer, Verdict, to_group, to_suite, to_version},
    suite::{KeyExchange, Signature, Suite},
    versions::{Tried, nothing_agreed, try_versions},
};

/// The most suites of one hello: there are servers that take no more than 127.
const MOST_SUITES: usize = 127;

/// The most that are offered at once where the server did not answer a larger hello.
const FEW: usize = 32;

/// The most walks that are under way at once, each of which has one connection at a time.
const MOST_WALKS: usize = 4;

const FALLBACK_SCSV: u16 = 0x5600;

/// What a server would agree to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Seen {
    pub(super) tried: Vec<Tried>,
    /// The suites of each version in the order in which the server picked them.
    pub(super) suites: BTreeMap<TlsVersion, Vec<u16>>,
    /// The groups of TLS 1.3 in that order.
    pub(super) groups: Vec<u16>,
    /// The groups of older versions, where TLS 1.3 has not got them.
    pub(super) old_groups: Vec<u16>,
    /// Whether suites are picked by the server's order; `None` where there is but one, or it cannot be told.
    pub(super) server_order: Option<bool>,
    pub(super) fallback: Option<Fallback>,
    /// The first flights with each kind of key.
    pub(super) flights: Vec<ServerHello>,
    /// What could not be looked at to the end.
    pub(super) gaps: Vec<Gap>,
    /// Whether the server closes connections where others send an alert.
    pub(super) ends_without_alert: bool,
    /// How many connections were made.
    pub(super) hellos: usize,
}

impl Seen {
    /// What was found, or `None` and the gap that it leaves.
    fn kept<T>(&mut self, found: Result<T, Gap>) -> Option<T> {
        found.map_err(|gap| self.gaps.push(gap)).ok()
    }
}

/// What became of a hello that says it is a second try with an older version (RFC 7507).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fallback {
    /// The server went on.
    Accepted(TlsVersion),
    /// It saw through it.
    Refused,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Gap {
    pub(super) what: String,
    pub(super) reason: Reason,
    pub(super) why: String,
}

/// Asks for everything.
pub(super) async fn enumerate(cx: &ProbeContext, offer: &Offer) -> Result<Seen, ObserveError> {
    let tried = try_versions(cx, offer).await?;
    let walker = Walker::new(cx, offer);
    let mut seen = Seen {
        hellos: tried.iter().map(|tried| tried.hellos).sum(),
        tried,
        ..Seen::default()
    };
    if nothing_agreed(&seen.tried).is_some() {
        return Ok(seen);
    }
    let tried = seen.tried.clone();
    let mut agreed: Vec<&ServerHello> = tried.iter().filter_map(Tried::agreed).collect();
    agreed.sort_by_key(|hello| hello.version);
    let versions: Vec<TlsVersion> = TlsVersion::ALL
        .into_iter()
        .filter(|version| agreed.iter().any(|hello| hello.version == version.number()))
        .collect();

    for (version, walked) in walker.all_suites(&agreed).await {
        let list = seen.suites.entry(version).or_default();
        list.extend(&walked.picked);
        seen.ends_without_alert |= walked.ended;
        seen.gaps.extend(walked.gap(&format!("{version} suites")));
    }

    let plan = Plan::of(&seen, &versions);
    let ((groups, old_groups), (server_order, (fallback, flights))) = join(
        join(walker.groups(&agreed), walker.old_groups(&plan)),
        join(
            walker.order(&plan),
            join(walker.fallback(&versions, &seen), walker.flights(&plan)),
        ),
    )
    .await;
    seen.gaps.extend(groups.gap("groups of TLS 1.3"));
    seen.gaps.extend(old_groups.gap("groups of TLS 1.2 and older"));
    seen.groups = groups.picked;
    seen.old_groups = old_groups.picked;
    seen.server_order = seen.kept(server_order).flatten();
    seen.fallback = seen.kept(fallback).flatten();
    for flight in flights {
        let flight = seen.kept(flight).flatten();
        seen.flights.extend(flight);
    }
    seen.flights
        .extend(seen.tried.iter().filter_map(|tried| tried.agreed().cloned()));
    seen.hellos += walker.hellos();
    Ok(seen)
}

/// What is known once the suites are: which further questions make sense.
struct Plan {
    /// The newest version whose first flight can be read, and its suites.
    readable: Option<(TlsVersion, Vec<u16>)>,
    /// The version and suites to ask for the order with.
    ordered: Option<(TlsVersion, Vec<u16>)>,
    has_tls13: bool,
    /// A group that the server agreed to in the readable version.
    group: Option<u16>,
    /// How the server signed in the flights that are known.
    known: Vec<Signature>,
}

impl Plan {
    fn of(seen: &Seen, versions: &[TlsVersion]) -> Self {
        let newest = |fewest: usize, oldest: TlsVersion, newest: TlsVersion| {
            let mut lists = seen.suites.range(oldest..=newest).rev();
            let found = lists.find(|(_, list)| list.len() >= fewest);
            found.map(|(version, list)| (*version, list.clone()))
        };
        let readable = newest(1, TlsVersion::Ssl3, TlsVersion::Tls12);
        let flights = seen.tried.iter().filter_map(|tried| {
            let hello = tried.agreed()?;
            (Some(tried.version) == readable.as_ref().map(|(version, _)| *version)).then_some(hello)
        });
        Self {
            group: flights.clone().find_map(|hello| hello.group),
            known: flights
                .filter(|hello| !hello.chain.is_empty())
                .filter_map(|hello| Suite::of(hello.suite))
                .map(|suite| suite.signature)
                .collect(),
            ordered: newest(2, TlsVersion::Ssl3, TlsVersion::Tls12)
                .or_else(|| newest(2, TlsVersion::Tls13, TlsVersion::Tls13)),
            readable,
            has_tls13: versions.contains(&TlsVersion::Tls13),
        }
    }

    /// The suites of the readable version that are like this.
    fn readable(&self, like: impl Fn(&Suite) -> bool) -> Option<(TlsVersion, Vec<u16>)> {
        let (version, suites) = self.readable.as_ref()?;
        let is_like = |number: &&u16| Suite::of(**number).is_some_and(|suite| like(&suite));
        let suites: Vec<u16> = suites.iter().filter(is_like).copied().collect();
        (!suites.is_empty()).then_some((*version, suites))
    }
}

/// What one walk found.
#[derive(Debug, Default)]
struct Walked {
    picked: Vec<u16>,
    unclear: Option<(Reason, String)>,
    ended: bool,
}

impl Walked {
    fn gap(&self, what: &str) -> Option<Gap> {
        self.unclear.as_ref().map(|(reason, why)| Gap {
            what: what.to_owned(),
            reason: reason.clone(),
            why: why.clone(),
        })
    }
}

/// Asks one server, and keeps count.
struct Walker<'a> {
    cx: &'a ProbeContext,
    offer: &'a Offer,
    /// Those that cost a connection; the hellos of the versions were made before.
    asked: Mutex<HashSet<TlsHello>>,
}

impl<'a> Walker<'a> {
    fn new(cx: &'a ProbeContext, offer: &'a Offer) -> Self {
        let made = TlsVersion::ALL.map(|version| offer.version(version));
        Self {
            cx,
            offer,
            asked: Mutex::new(made.into_iter().collect()),
        }
    }

    fn hellos(&self) -> usize {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.len().saturating_sub(TlsVersion::ALL.len())
    }

    async fn ask(&self, hello: &TlsHello) -> Result<HelloAnswer, (Reason, String)> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(hello.clone());
        match self.cx.observe(hello.clone()).await {
            Ok(facts) => Ok(facts.answer.clone()),
            Err(e) => Err((e.root_reason().clone(), e.message)),
        }
    }

    /// Offers these numbers, takes out what the server picks, and offers the rest, until it refuses.
    ///
    /// A server that ends the connection instead may refuse so, or have had enough of us: whether it still
    /// answers is asked with the number it picked last, or with the one that is known of it.
    async fn walk(
        &self,
        candidates: Vec<u16>,
        known: Option<u16>,
        make: impl Fn(Vec<u16>) -> TlsHello,
        read: fn(&TlsHello, &HelloAnswer) -> Verdict<u16>,
    ) -> Walked {
        let mut walked = Walked::default();
        let mut parts = vec![candidates];
        let mut is_second_try = false;
        while let Some(mut part) = parts.pop() {
            while !part.is_empty() {
                let hello = make(part.clone());
                let hello = if is_second_try { hello.padded() } else { hello };
                let verdict = match self.ask(&hello).await {
                    Ok(answer) => read(&hello, &answer),
                    Err((reason, why)) => Verdict::Unclear(reason, why),
                };
                match verdict {
                    Verdict::Agreed(number) => {
                        walked.picked.push(number);
                        part.retain(|left| *left != number);
                    }
                    Verdict::Refused(_) => break,
                    Verdict::Unclear(..) | Verdict::Ended(..) if !is_second_try && part.len() > FEW => {
                        is_second_try = true;
                        parts.extend(part.chunks(FEW).rev().map(<[u16]>::to_vec));
                        break;
                    }
                    Verdict::Unclear(..) if !is_second_try => {
                        is_second_try = true;
                        parts.push(part);
                        break;
                    }
                    Verdict::Ended(reason, how) => {
                        let answered = walked.picked.last().copied().or(known);
                        match self.still_answers(answered, is_second_try, &make, read).await {
                            Ok(()) => {
                                walked.ended = true;
                                break;
                            }
                            Err(why) => {
                                let why = why.unwrap_or(how);
                                walked.unclear = Some((reason, format!("it stopped answering: {why}")));
                                return walked;
                            }
                        }
                    }
                    Verdict::Unclear(reason, why) => {
                        walked.unclear = Some((reason, why));
                        return walked;
                    }
                }
            }
        }
        walked
    }

    /// Whether the server agrees once more to what it agreed to before; else what it did instead, where it did
    /// anything. The hello is padded where the others are not: an equal one would not be sent again.
    async fn still_answers(
        &self,
        to: Option<u16>,
        are_padded: bool,
        make: impl Fn(Vec<u16>) -> TlsHello,
        read: fn(&TlsHello, &HelloAnswer) -> Verdict<u16>,
    ) -> Result<(), Option<String>> {
        let hello = make(vec![to.ok_or(None)?]);
        let hello = if are_padded { hello } else { hello.padded() };
        let answer = self.ask(&hello).await.map_err(|(_, why)| Some(why))?;
        match read(&hello, &answer) {
            Verdict::Agreed(_) => Ok(()),
            Verdict::Refused(how) | Verdict::Ended(_, how) | Verdict::Unclear(_, how) => Err(Some(how)),
        }
    }

    /// Every suite of each version.
    async fn all_suites(&self, agreed: &[&ServerHello]) -> Vec<(TlsVersion, Walked)> {
        let mut walks: Vec<BoxFuture<'_, (TlsVersion, Walked)>> = Vec::new();
        for hello in agreed.iter().rev() {
            let Some(version) = TlsVersion::from_number(hello.version) else {
                continue;
            };
            let known = Some(hello.suite);
            for part in Offer::all_suites(version).chunks(MOST_SUITES) {
                let part = part.to_vec();
                let walk = async move {
                    let make = |suites| self.offer.suites(version, suites);
                    (version, self.walk(part, known, make, to_suite).await)
                };
                walks.push(walk.boxed());
            }
        }
        stream::iter(walks).buffered(MOST_WALKS).collect().await
    }

    /// The groups of TLS 1.3, by HelloRetryRequests.
    async fn groups(&self, agreed: &[&ServerHello]) -> Walked {
        let is_tls13 = |hello: &&&ServerHello| hello.version == TlsVersion::Tls13.number();
        let Some(hello) = agreed.iter().find(is_tls13) else {
            return Walked::default();
        };
        let known = hello.group;
        let suites = Offer::all_suites(TlsVersion::Tls13);
        let make = |groups| {
            self.offer
                .suites(TlsVersion::Tls13, suites.clone())
                .groups(groups)
        };
        self.walk(group::of_tls13(), known, make, to_group).await
    }

    /// The curves of the older versions: where TLS 1.3 is spoken, only those that it has not got.
    async fn old_groups(&self, plan: &Plan) -> Walked {
        let is_ecdhe = |suite: &Suite| suite.key_exchange == KeyExchange::Ecdhe;
        let Some((version, suites)) = plan.readable(is_ecdhe) else {
            return Walked::default();
        };
        // SSLv3 has no extension to name curves in.
        if version == TlsVersion::Ssl3 {
            return Walked::default();
        }
        let candidates = if plan.has_tls13 {
            group::only_in_tls12().collect()
        } else {
            group::of_tls12()
        };
        let make = |groups| {
            let hello = self.offer.suites(version, suites.clone());
            hello.groups(groups).whole_flight()
        };
        self.walk(candidates, plan.group, make, to_group).await
    }

    /// Whether the same suite is picked from the same list turned round.
    async fn order(&self, plan: &Plan) -> Result<Option<bool>, Gap> {
        let Some((version, forward)) = plan.ordered.clone() else {
            return Ok(None);
        };
        let backward = forward.iter().rev().copied().collect();
        let [forward, backward] = [forward, backward].map(|suites| self.offer.suites(version, suites));
        let (one, other) = join(self.agreed(&forward), self.agreed(&backward)).await;
        let what = "the order of suites";
        let (one, other) = (one.map_err(|e| gap(what, e))?, other.map_err(|e| gap(what, e))?);
        Ok(Some(one.suite == other.suite))
    }

    /// What the server agrees to; it must be something, as all of it was agreed to before.
    async fn agreed(&self, hello: &TlsHello) -> Result<ServerHello, (Reason, String)> {
        let answer = self.ask(hello).await?;
        match to_version(hello, &answer) {
            Verdict::Agreed(hello) => Ok(hello.clone()),
            Verdict::Refused(how) => Err((Reason::TLS_ALERT, how)),
            Verdict::Ended(reason, how) | Verdict::Unclear(reason, how) => Err((reason, how)),
        }
    }

    /// Says that the next older version is tried again, where there is an older one.
    async fn fallback(&self, versions: &[TlsVersion], seen: &Seen) -> Result<Option<Fallback>, Gap> {
        let [.., older, newest] = *versions else {
            return Ok(None);
        };
        let Some(suites) = seen.suites.get(&older) else {
            return Ok(None);
        };
        if newest < TlsVersion::Tls12 || older == TlsVersion::Ssl3 {
            return Ok(None);
        }
        let signalling = suites.iter().copied().chain([FALLBACK_SCSV]).collect();
        let hello = self.offer.suites(older, signalling);
        let answer = self.ask(&hello).await.map_err(|e| gap("the fallback", e))?;
        Ok(match (&answer, to_version(&hello, &answer)) {
            (HelloAnswer::Alert { code }, _) if *code == INAPPROPRIATE_FALLBACK => Some(Fallback::Refused),
            (_, Verdict::Agreed(_)) => Some(Fallback::Accepted(older)),
            (_, Verdict::Unclear(reason, why)) => return Err(gap("the fallback", (reason, why))),
            (_, Verdict::Ended(reason, how)) => {
                let make = |suites| self.offer.suites(older, suites);
                let answers = self
                    .still_answers(suites.first().copied(), false, make, to_suite)
                    .await;
                answers.map_err(|why| gap("the fallback", (reason, why.unwrap_or(how))))?;
                None
            }
            (_, Verdict::Refused(_)) => None,
        })
    }

    /// The certificate for each kind of key, and the prime of Diffie-Hellman, as far as they are not known.
    async fn flights(&self, plan: &Plan) -> Vec<Result<Option<ServerHello>, Gap>> {
        let signed = |signature| {
            let is_new = !plan.known.contains(&signature);
            let suites = plan.readable(move |suite| suite.signature == signature);
            suites.filter(|_| is_new)
        };
        let is_dhe =
            |suite: &Suite| suite.key_exchange == KeyExchange::Dhe && suite.signature != Signature::Anonymous;
        let wanted = [
            ("the certificate with an ECDSA key", signed(Signature::Ecdsa)),
            ("the certificate with an RSA key", signed(Signature::Rsa)),
            (PRIME, plan.readable(is_dhe)),
        ];
        let looks = wanted.into_iter().map(|(what, wanted)| async move {
            let Some((version, suites)) = wanted else {
                return Ok(None);
            };
            let hello = self.offer.suites(version, suites).whole_flight();
            let flight = self.agreed(&hello).await.map_err(|e| gap(what, e))?;
            match &flight.cut {
                Some(cut) if what == PRIME && flight.dh_bits.is_none() => {
                    Err(gap(what, (Reason::TLS_MALFORMED, cut.clone())))
                }
                _ => Ok(Some(flight)),
            }
        });
        join_all(looks).await
    }
}

const PRIME: &str = "the prime of Diffie-Hellman";

fn gap(what: &str, (reason, why): (Reason, String)) -> Gap {
    Gap {
        what: what.to_owned(),
        reason,
        why,
    }
}
