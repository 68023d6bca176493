use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use readiness_core::{
    Looking, ObserveError, Reason, Source,
    fact::{DnsAnswer, DnsLookup},
};

use super::{
    names::{Flights, ask_system, family, of_family, without_asking},
    settings::Shared,
};

/// How long the system's resolver may take. It does its own repeats.
const BUDGET: Duration = Duration::from_secs(6);

/// Answers [`DnsLookup`] where no nameserver can be asked directly: by the system's resolver, as every other
/// program on this machine does.
///
/// It knows addresses alone, and it does not tell a name that does not exist from one without addresses.
pub(crate) struct SystemSource(pub(crate) Arc<Shared>);

/// One question serves both families.
#[derive(Default)]
struct Names(Flights<String, Result<Vec<std::net::IpAddr>, ObserveError>>);

impl Source<DnsLookup> for SystemSource {
    async fn look(&self, key: DnsLookup, cx: Looking) -> Result<DnsAnswer, ObserveError> {
        if let Some(answer) = without_asking(&self.0.overrides, &key) {
            return Ok(answer);
        }
        let needs_dns = |what: &str| {
            let message = format!("{what} needs the cargo feature `dns` of `readiness-probes`");
            ObserveError::new(Reason::NO_SOURCE, message)
        };
        if !key.nameservers.is_empty() {
            return Err(needs_dns("asking a nameserver"));
        }
        let Some(family) = family(key.record_type) else {
            return Err(needs_dns(&format!("looking up {} records", key.record_type)));
        };
        let begun = Instant::now();
        let names = cx.resource::<Names>()?;
        let name = key.name.clone();
        let begin = || {
            async move {
                let found = ask_system(name.clone(), BUDGET).await;
                found.map_err(|e| failed(&name, &e))
            }
            .boxed()
        };
        let addresses = names.0.join(key.name.clone(), key.record_type, begin).await?;
        let mut answer = of_family(&key.name, &addresses, family, "system resolver");
        answer.duration_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(answer)
    }
}

fn failed(name: &str, e: &io::Error) -> ObserveError {
    if e.kind() == io::ErrorKind::TimedOut {
        let message = format!(
            "the system resolver gave no answer for `{name}` within {} s",
            BUDGET.as_secs()
        );
        return ObserveError::new(Reason::DNS_SILENT, message);
    }
    let said = e.to_string();
    // EAI_AGAIN in the words of glibc and musl: nobody answered the resolver. There is no other way to know
    // the error than by its text.
    let is_temporary = ["Temporary failure", "Try again"]
        .iter()
        .any(|text| said.contains(text));
    let reason = if is_temporary {
        Reason::DNS_SILENT
    } else {
        Reason::DNS_NODATA
    };
    ObserveError::new(
        reason,
        format!("the system resolver finds no address of `{name}`: {said}"),
    )
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        Sources,
        fact::{DnsResult, Family, RecordType},
        testing::Looks,
    };

    use super::*;
    use crate::live::Live;

    fn looks(live: &Live) -> Looks {
        Looks::new(live.sources().unwrap())
    }

    // The system's resolver turns a numeric name into its address and asks nobody: it stands for a name in
    // the hosts file.
    const KNOWN_TO_THE_SYSTEM: &str = "127.0.0.1";

    #[tokio::test]
    async fn the_system_is_asked() {
        let looks = looks(&Live::new());
        let key = |family| DnsLookup::address(KNOWN_TO_THE_SYSTEM, family);
        let v4 = looks.observe(key(Family::V4)).await.unwrap();
        assert_eq!(v4.answered_by, "system resolver");
        assert_eq!(v4.addresses(), [std::net::IpAddr::from([127, 0, 0, 1])]);
        let v6 = looks.observe(key(Family::V6)).await.unwrap();
        assert_eq!(v6.result, DnsResult::NoData);
    }

    #[tokio::test]
    async fn an_override_and_localhost_ask_nobody() {
        let given = "192.0.2.7".parse().unwrap();
        let looks = looks(&Live::new().resolve("db.internal", given));
        let answer = looks
            .observe(DnsLookup::address("db.internal", Family::V4))
            .await
            .unwrap();
        assert_eq!(
            (answer.addresses(), &*answer.answered_by),
            (vec![given], "override")
        );
        let answer = looks
            .observe(DnsLookup::address("localhost", Family::V4))
            .await
            .unwrap();
        assert_eq!(answer.answered_by, "RFC 6761");
    }

    #[tokio::test]
    async fn what_the_system_cannot_be_asked_names_the_feature() {
        let looks = looks(&Live::new());
        let via = DnsLookup::address("a.test", Family::V4).via(vec!["127.0.0.1:53".parse().unwrap()]);
        for key in [via, DnsLookup::new("a.test", RecordType::Caa)] {
            let error = looks.observe(key).await.unwrap_err();
            assert_eq!(error.reason, Reason::NO_SOURCE);
            assert!(error.message.contains("feature `dns`"), "{}", error.message);
        }
        let live = Live::new().nameservers(vec!["127.0.0.1:53".parse().unwrap()]);
        assert!(live.sources().unwrap_err().to_string().contains("`dns`"));
    }

    #[test]
    fn failures_are_told_apart_as_far_as_the_system_does() {
        for (said, reason) in [
            (
                "failed to lookup address information: Name or service not known",
                Reason::DNS_NODATA,
            ),
            (
                "failed to lookup address information: Temporary failure in name resolution",
                Reason::DNS_SILENT,
            ),
        ] {
            let error = failed("db.internal", &io::Error::other(said));
            assert_eq!(error.reason, reason);
            assert!(error.message.contains("`db.internal`"), "{}", error.message);
        }
        let late = failed("db.internal", &io::ErrorKind::TimedOut.into());
        assert_eq!(late.reason, Reason::DNS_SILENT);
    }

    #[test]
    fn the_sources_hold_it() {
        let sources: Sources = Live::new().sources().unwrap();
        assert!(sources.kinds().any(|kind| kind == "dns.lookup"));
    }
}
