//! The looks at a delegation: the parent, the addresses, and each of them.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::{join, join_all, join3};
use readiness_core::{
    ObserveError, ProbeContext, Reason,
    fact::{DnsAnswer, DnsLookup, DnsTransport, Family, LocalRoute, RecordData, RecordType},
};

use super::{DnsDelegation, Missing, Seen, Server, not_looked_up, parent};

/// The most nameservers of the parent that are asked: one that answers is enough, two show a difference.
const MOST_PARENTS: usize = 3;

/// The most nameservers of a zone: what fits into an answer of the first DNS.
const MOST_NAMES: usize = 13;

/// The most addresses of one nameserver.
const MOST_ADDRESSES: usize = 4;

pub(super) async fn look(cx: &ProbeContext, settings: &DnsDelegation, zone: &str) -> Seen {
    let mut seen = Seen::default();
    let parents = match parents(cx, settings, zone).await {
        Ok(parents) => parents,
        Err(e) => {
            seen.no_parents = Some(e);
            return seen;
        }
    };
    let ask = |parent: SocketAddr| async move {
        let key = direct(settings, zone, RecordType::Ns, parent);
        (parent, owned(cx, key).await)
    };
    seen.parents = join_all(parents.into_iter().take(MOST_PARENTS).map(ask)).await;
    let names = parent::names(zone, &seen);
    let glue = |name: &str| -> Vec<IpAddr> {
        let answers = seen.parents.iter().filter_map(|(_, look)| look.as_ref().ok());
        glue_of(name, answers)
    };
    let found = names.iter().take(MOST_NAMES).map(|name| {
        let glue = glue(name);
        async move { (name.clone(), addresses(cx, name, glue).await) }
    });
    let mut servers: Vec<(String, SocketAddr)> = Vec::new();
    for (name, found) in join_all(found).await {
        match found {
            Err(missing) => seen.without_address.push((name, missing)),
            Ok((routed, unrouted)) => {
                seen.without_route.extend(unrouted);
                let at = |ip| (name.clone(), SocketAddr::new(ip, settings.port));
                servers.extend(routed.into_iter().map(at));
            }
        }
    }
    let ask = |(name, address): (String, SocketAddr)| async move {
        let soa = || direct(settings, zone, RecordType::Soa, address);
        let ns = direct(settings, zone, RecordType::Ns, address);
        let (soa_udp, soa_tcp, ns) = join3(
            owned(cx, soa()),
            owned(cx, soa().over(DnsTransport::Tcp)),
            owned(cx, ns),
        )
        .await;
        Server {
            name,
            address,
            soa_udp,
            soa_tcp,
            ns,
        }
    };
    seen.servers = join_all(servers.into_iter().map(ask)).await;
    seen
}

fn direct(settings: &DnsDelegation, zone: &str, kind: RecordType, server: SocketAddr) -> DnsLookup {
    DnsLookup::new(zone, kind)
        .directly(server)
        .attempt_ms(settings.attempt_ms)
}

async fn owned(cx: &ProbeContext, key: DnsLookup) -> Result<DnsAnswer, ObserveError> {
    cx.observe(key).await.map(|answer| (*answer).clone())
}

/// The nameservers of the closest zone above.
async fn parents(
    cx: &ProbeContext,
    settings: &DnsDelegation,
    zone: &str,
) -> Result<Vec<SocketAddr>, ObserveError> {
    if !settings.parents.is_empty() {
        return Ok(settings.parents.clone());
    }
    // All names above at once: the closest one with nameservers is the parent.
    let above: Vec<&str> = zone
        .match_indices('.')
        .filter_map(|(dot, _)| zone.get(dot + 1..))
        .collect();
    let looks = above
        .iter()
        .map(|name| owned(cx, DnsLookup::new(name, RecordType::Ns)));
    let mut last = ObserveError::new(Reason::DNS_NODATA, format!("no zone above `{zone}` was found"));
    for (name, look) in above.iter().zip(join_all(looks).await) {
        if let Some((reason, problem)) = not_looked_up(look.as_ref()) {
            let message = format!("the nameservers of `{name}` could not be looked up: {problem}");
            return Err(ObserveError::new(reason, message));
        }
        let Ok(answer) = look else { continue };
        let names: Vec<&str> = answer
            .records
            .iter()
            .filter_map(|record| match &record.data {
                // Behind an alias stand the nameservers of another zone.
                RecordData::Ns(to) if record.name == *name => Some(to.as_str()),
                _ => None,
            })
            .take(MOST_PARENTS)
            .collect();
        if names.is_empty() {
            continue;
        }
        let found = join_all(names.iter().map(|name| addresses(cx, name, Vec::new()))).await;
        let mut all = Vec::new();
        for (name, found) in names.iter().zip(found) {
            match found {
                // One address of each: a second one tells no more about the zone below.
                Ok((routed, _)) => all.extend(routed.first().map(|ip| SocketAddr::new(*ip, 53))),
                Err(Missing::Unknown(reason, problem)) => last = ObserveError::new(reason, problem),
                Err(_) => {
                    last = ObserveError::new(Reason::DNS_NODATA, format!("`{name}` has no address"));
                }
            }
        }
        return if all.is_empty() { Err(last) } else { Ok(all) };
    }
    Err(last)
}

/// The addresses that the parent gives with the delegation.
fn glue_of<'a>(name: &str, answers: impl Iterator<Item = &'a DnsAnswer>) -> Vec<IpAddr> {
    let mut all = Vec::new();
    for record in answers.flat_map(|answer| &answer.additional) {
        let address = match record.data {
            RecordData::A(v4) => IpAddr::V4(v4),
            RecordData::Aaaa(v6) => IpAddr::V6(v6),
            _ => continue,
        };
        if record.name == name && !all.contains(&address) && all.len() < MOST_ADDRESSES {
            all.push(address);
        }
    }
    all
}

/// The addresses of a nameserver: those with a local route, and those without.
pub(in crate::dns) async fn addresses(
    cx: &ProbeContext,
    name: &str,
    glue: Vec<IpAddr>,
) -> Result<(Vec<IpAddr>, Vec<IpAddr>), Missing> {
    let all = if glue.is_empty() {
        let look = |family| owned(cx, DnsLookup::address(name, family));
        let (v4, v6) = join(look(Family::V4), look(Family::V6)).await;
        of_looks([&v4, &v6])?
    } else {
        glue
    };
    let routes = all.iter().map(|address| async move {
        let route = cx.observe(LocalRoute::new(*address)).await;
        // Where it cannot be told, asking tells.
        (*address, route.is_ok_and(|route| !route.exists))
    });
    let (unrouted, routed): (Vec<_>, Vec<_>) = join_all(routes).await.into_iter().partition(|(_, no)| *no);
    let plain = |list: Vec<(IpAddr, bool)>| list.into_iter().map(|(address, _)| address).collect();
    Ok((plain(routed), plain(unrouted)))
}

pub(super) fn of_looks(looks: [&Result<DnsAnswer, ObserveError>; 2]) -> Result<Vec<IpAddr>, Missing> {
    let answers = || looks.iter().filter_map(|look| look.as_ref().ok());
    if let Some(answer) = answers().find(|answer| !answer.cname_chain().is_empty()) {
        let to = answer.cname_chain().last().map_or("", |(_, to)| *to).to_owned();
        return Err(Missing::Alias(to));
    }
    let mut all: Vec<IpAddr> = answers().flat_map(DnsAnswer::addresses).collect();
    all.truncate(MOST_ADDRESSES);
    if !all.is_empty() {
        return Ok(all);
    }
    let problem = looks.iter().find_map(|look| not_looked_up(look.as_ref()));
    Err(problem.map_or(Missing::None, |(reason, problem)| {
        Missing::Unknown(reason, problem)
    }))
}
