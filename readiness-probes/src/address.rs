//! Where a target is: its addresses, each as an endpoint, and one outcome for all of them.

mod across;
#[cfg(feature = "dns")]
mod owner;
mod place;

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use futures_util::future::{join, join_all};
use readiness_core::{
    Cause, Evidence, ObserveError, Outcome, ProbeContext, ProbeError, Reason, Target,
    fact::{DnsAnswer, DnsLookup, DnsResult, Endpoint, Family, LocalRoute},
};

#[cfg(feature = "dns")]
pub(crate) use self::owner::registrable;
pub use self::{
    across::worst_of,
    place::{is_local, special_purpose},
};
#[cfg(feature = "http")]
pub(crate) use self::{
    across::worst_page,
    owner::{is_loopback_host, same_owner},
    place::UNENCRYPTED,
};

/// The most addresses of one name that are looked at.
pub const MOST_ADDRESSES: usize = 16;

/// The label of evidence that tells what of a target was not looked at. A run lifts it into its view.
pub const NOT_LOOKED_AT: &str = Evidence::NOT_LOOKED_AT;

/// The addresses of a target that can be looked at from here, and those that cannot.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Addresses {
    /// Those with a local route, IPv4 first, each once, [`MOST_ADDRESSES`] at most.
    pub reachable: Vec<IpAddr>,
    /// Those without a local route. They are not looked at, and are not unknown for it.
    pub without_route: Vec<IpAddr>,
    /// How many more the name has than are looked at.
    pub left_out: usize,
    /// The number of the zone that the target's link-local address lies in, else 0.
    pub scope_id: u32,
}

impl Addresses {
    /// An address of these with a port, in its zone.
    pub fn at(&self, address: IpAddr, port: u16) -> SocketAddr {
        match address {
            IpAddr::V4(v4) => SocketAddr::new(v4.into(), port),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, self.scope_id).into(),
        }
    }

    /// Leaves the first address of each family.
    #[cfg(feature = "net")]
    pub(crate) fn keep_one_per_family(&mut self) {
        let before = self.reachable.len();
        let mut seen: Vec<Family> = Vec::new();
        self.reachable.retain(|address| {
            let family = Family::of(*address);
            let is_first = !seen.contains(&family);
            seen.push(family);
            is_first
        });
        self.left_out += before - self.reachable.len();
    }

    /// What is not looked at, in words; `None` where everything is: `2001:db8::1 (no local route)`.
    pub fn gap(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.without_route.is_empty() {
            let list: Vec<String> = self.without_route.iter().map(IpAddr::to_string).collect();
            parts.push(format!("{} (no local route)", list.join(", ")));
        }
        if self.left_out > 0 {
            parts.push(format!(
                "{} more addresses (at most {MOST_ADDRESSES} are)",
                self.left_out
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Says with an outcome what of the target was not looked at.
    pub fn noted_in(&self, outcome: Outcome) -> Outcome {
        match self.gap() {
            Some(gap) => outcome.evidence(NOT_LOOKED_AT, gap),
            None => outcome,
        }
    }
}

/// Resolves the target's host: one look-up for each family, shared by every probe of the run.
///
/// # Errors
/// Where the name has no address, nobody answers, or no address has a local route: one cause, the same for
/// every probe.
pub async fn addresses(cx: &ProbeContext) -> Result<Addresses, ProbeError> {
    match (cx.target().address(), cx.target().zone()) {
        (Some(address), Some(zone)) => in_zone(cx, address, zone).await,
        _ => addresses_of(cx, cx.target().host()).await,
    }
}

/// The one address of a target that names its zone. Without the number of the zone nothing can be sent.
async fn in_zone(cx: &ProbeContext, address: IpAddr, zone: &str) -> Result<Addresses, ProbeError> {
    let route = cx.observe(LocalRoute::new(address).in_zone(zone)).await?;
    if !route.exists || route.scope_id == 0 {
        return Err(ProbeError::because(Cause::new(
            format!("route to {address}%{zone}"),
            Reason::NO_ROUTE,
            format!("this machine has no interface `{zone}`, or no route over it to `{address}`"),
        )));
    }
    Ok(Addresses {
        reachable: vec![address],
        scope_id: route.scope_id,
        ..Addresses::default()
    })
}

/// Resolves any host, an address without brackets among them, as [`addresses`] does the target's.
///
/// # Errors
/// As [`addresses`].
pub async fn addresses_of(cx: &ProbeContext, host: &str) -> Result<Addresses, ProbeError> {
    let all = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            let (v4, v6) = join(
                cx.observe(DnsLookup::address(host, Family::V4)),
                cx.observe(DnsLookup::address(host, Family::V6)),
            )
            .await;
            merge(host, v4.as_deref(), v6.as_deref()).map_err(ProbeError::because)?
        }
    };
    let routes = join_all(all.iter().take(MOST_ADDRESSES).map(|&address| async move {
        let route = cx.observe(LocalRoute::new(address)).await;
        // Where nobody can tell whether there is a route, looking tells.
        (address, route.map_or(true, |route| route.exists))
    }));
    routed(host, all.len(), routes.await).map_err(ProbeError::because)
}

/// The addresses of a name by whether there is a route to them; `known` counts also those left out.
pub(crate) fn routed(host: &str, known: usize, routes: Vec<(IpAddr, bool)>) -> Result<Addresses, Cause> {
    let mut found = Addresses {
        left_out: known.saturating_sub(MOST_ADDRESSES),
        ..Addresses::default()
    };
    for (address, has_route) in routes {
        if has_route {
            found.reachable.push(address);
        } else {
            found.without_route.push(address);
        }
    }
    if found.reachable.is_empty() {
        return Err(Cause::new(
            format!("route to {host}"),
            Reason::NO_ROUTE,
            format!("this machine has no route to any address of `{host}`"),
        ));
    }
    Ok(found)
}

/// The target's addresses as endpoints on one of its ports.
///
/// # Errors
/// As [`addresses`].
pub async fn endpoints(cx: &ProbeContext, port: u16, tls: bool) -> Result<Vec<Endpoint>, ProbeError> {
    let found = addresses(cx).await?;
    let name = cx.target().host();
    Ok(found
        .reachable
        .iter()
        .map(|&address| Endpoint::new(found.at(address, port), name, tls))
        .collect())
}

/// Says with an outcome what of the target was not looked at; the run has looked where that is already.
#[cfg(any(feature = "dns", feature = "tcp"))]
pub(crate) async fn noted(cx: &ProbeContext, outcome: Outcome) -> Outcome {
    match addresses(cx).await {
        Ok(found) => found.noted_in(outcome),
        Err(_) => outcome,
    }
}

/// Refuses a path whose query has values: it stands in keys, recordings and messages as it is.
#[cfg(feature = "http")]
pub(crate) fn check_query(path: &str) -> Result<(), String> {
    match path.split_once('?') {
        Some((bare, query)) if query.contains('=') => Err(format!(
            "`path` has a query with a value, which may be secret and would be shown; give the target the \
             whole URL, such as `url = {{ env = \"HEALTH_URL\" }}`, which hides it, and write `path = \"{bare}\"`"
        )),
        _ => Ok(()),
    }
}

/// A path at a target as keys hold it: where the target's URL has the same path, its query goes with it,
/// hidden behind handles.
#[cfg(feature = "http")]
pub(crate) fn path_at(target: &Target, path: &str) -> String {
    if path == target.path() {
        target.path_and_query()
    } else {
        path.to_owned()
    }
}

/// The `Host` of a target on this port: the port is left out where it is the scheme's own.
pub fn authority(target: &Target, port: u16, tls: bool) -> String {
    authority_of(target.host(), port, tls)
}

/// The `Host` of any host, an address without brackets among them, on this port.
pub fn authority_of(host: &str, port: u16, tls: bool) -> String {
    let usual = if tls { 443 } else { 80 };
    match (host.contains(':'), port == usual) {
        (true, true) => format!("[{host}]"),
        (true, false) => format!("[{host}]:{port}"),
        (false, true) => host.to_owned(),
        (false, false) => format!("{host}:{port}"),
    }
}

/// The outcome where something could not be looked at: its cause is kept, so that a report names it once.
pub fn not_seen(error: &ObserveError) -> Outcome {
    match &error.cause {
        Some(cause) => Outcome::dependency_failed(cause.clone()),
        None => Outcome::unknown(error.reason.clone(), error.message.clone()),
    }
}

/// The same for a finding: what is not known because it could not be looked at.
#[cfg(feature = "http")]
pub(crate) fn unknown(error: &ObserveError) -> readiness_core::Status {
    readiness_core::Status::Unknown {
        reason: error.reason.clone(),
        cause: error.cause.clone(),
    }
}

/// The addresses of a name from the look-ups of both families, or why there is none: one cause, whoever asks.
pub(crate) fn merge(
    host: &str,
    v4: Result<&DnsAnswer, &ObserveError>,
    v6: Result<&DnsAnswer, &ObserveError>,
) -> Result<Vec<IpAddr>, Cause> {
    let mut all: Vec<IpAddr> = Vec::new();
    for answer in [v4, v6].into_iter().flatten() {
        for address in answer.addresses() {
            if !all.contains(&address) {
                all.push(address);
            }
        }
    }
    if !all.is_empty() {
        return Ok(all);
    }
    let subject = format!("address of {host}");
    // An answer tells more than silence, and a name that does not exist more than a missing record.
    let cause = |reason, message| Err(Cause::new(subject.clone(), reason, message));
    for answer in [v4, v6].into_iter().flatten() {
        let by = &answer.answered_by;
        match answer.result {
            DnsResult::NxDomain => {
                return cause(
                    Reason::DNS_NXDOMAIN,
                    format!("`{host}` does not exist (NXDOMAIN, says {by})"),
                );
            }
            DnsResult::ServFail | DnsResult::Rcode(_) => {
                return cause(
                    Reason::DNS_SERVFAIL,
                    format!("the nameserver {by} failed to look `{host}` up"),
                );
            }
            DnsResult::Referral => {
                return cause(
                    Reason::DNS_LAME,
                    format!("the nameserver {by} names others instead of looking `{host}` up"),
                );
            }
            DnsResult::Refused => {
                return cause(
                    Reason::DNS_REFUSED,
                    format!("the nameserver {by} refuses to look `{host}` up"),
                );
            }
            _ => {}
        }
    }
    match (v4, v6) {
        (Ok(answer), Ok(_)) => cause(
            Reason::DNS_NODATA,
            format!(
                "`{host}` has no address, neither A nor AAAA (says {})",
                answer.answered_by
            ),
        ),
        (Err(e), _) | (_, Err(e)) => Err(e.cause.clone().unwrap_or_else(|| {
            Cause::new(
                subject.clone(),
                e.reason.clone(),
                format!("`{host}` could not be resolved: {}", e.message),
            )
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(result: DnsResult) -> DnsAnswer {
        DnsAnswer::new(result, "192.0.2.53:53")
    }

    #[test]
    fn one_family_is_enough() {
        let some = DnsAnswer::of_addresses("a", &["192.0.2.1".parse().unwrap()], "t");
        let silent = ObserveError::new(Reason::DNS_SILENT, "no answer");
        assert_eq!(merge("a", Ok(&some), Err(&silent)).unwrap().len(), 1);
        assert_eq!(
            merge("a", Ok(&some), Ok(&answer(DnsResult::NoData)))
                .unwrap()
                .len(),
            1
        );
    }

    #[test]
    fn the_cause_is_named() {
        let silent = ObserveError::new(Reason::DNS_SILENT, "no answer");
        let no = answer(DnsResult::NoData);
        for (v4, v6, reason) in [
            (Ok(&answer(DnsResult::NxDomain)), Ok(&no), Reason::DNS_NXDOMAIN),
            (Ok(&no), Ok(&no), Reason::DNS_NODATA),
            (Ok(&no), Err(&silent), Reason::DNS_SILENT),
            (
                Err(&silent),
                Ok(&answer(DnsResult::ServFail)),
                Reason::DNS_SERVFAIL,
            ),
            (Ok(&answer(DnsResult::Refused)), Err(&silent), Reason::DNS_REFUSED),
        ] {
            assert_eq!(merge("a", v4, v6).unwrap_err().reason, reason);
        }
    }

    #[test]
    fn inner_addresses_are_known_in_every_form() {
        for (address, what) in [
            ("127.0.0.1", "loopback"),
            ("10.0.0.1", "private"),
            ("172.31.255.255", "private"),
            ("169.254.169.254", "link-local"),
            ("100.64.0.1", "shared"),
            ("0.0.0.0", "unspecified"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:10.0.0.1", "private"),
            ("64:ff9b::7f00:1", "loopback"),
            ("2002:c0a8:1::1", "private"),
            ("fd00::1", "private"),
            ("fe80::1", "link-local"),
            ("ff02::1", "multicast"),
        ] {
            assert_eq!(special_purpose(address.parse().unwrap()), Some(what), "{address}");
        }
        for address in [
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "2001:db8::1",
            "2606:4700::1111",
            "2002:808:808::1",
        ] {
            assert_eq!(special_purpose(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn inner_addresses_are_local() {
        for (address, local) in [
            ("127.0.0.9", true),
            ("10.255.0.1", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("169.254.1.1", true),
            ("::1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("::ffff:10.0.0.1", true),
            ("::ffff:8.8.8.8", false),
            ("2001:db8::1", false),
            ("192.0.2.1", false),
            ("100.64.0.1", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(is_local(address.parse().unwrap()), local, "{address}");
        }
    }

    #[cfg(feature = "http")]
    #[test]
    fn secrets_do_not_stand_in_paths() {
        for path in ["/x?token=s3cr3t", "/x?verbose&k=v", "/?="] {
            let problem = check_query(path).unwrap_err();
            assert!(
                problem.contains("url = { env") && !problem.contains("s3cr3t"),
                "{problem}"
            );
        }
        for path in ["", "/x", "/x?verbose", "/x=1"] {
            assert_eq!(check_query(path), Ok(()));
        }
        let target = Target::parse("https://a.test/x?token=s3cr3t").unwrap();
        let path = path_at(&target, "/x");
        assert!(
            path.starts_with("/x?token={") && !path.contains("s3cr3t"),
            "{path}"
        );
        assert_eq!(path_at(&target, "/y"), "/y");
    }
}
