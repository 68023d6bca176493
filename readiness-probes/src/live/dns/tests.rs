//! What depends on the machine's own resolver, with a nameserver of the test in its place.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use hickory_resolver::proto::op::ResponseCode;
use readiness_core::{
    Reason, Requirement, Sources, Status, Suite, Target,
    fact::{DnsLookup, DnsResult, Family},
    testing::Looks,
};

use super::{DnsSettings, DnsSource, nameserver::Nameserver};
use crate::dns::DnsRecords;

fn looks(servers: &[&Nameserver]) -> Looks {
    let settings = DnsSettings::default().attempt_timeout(Duration::from_millis(100));
    let mut source = DnsSource::new(settings);
    source.machine = servers.iter().map(|server| server.address).collect();
    Looks::new(Sources::default().with(source))
}

fn key(name: &str, family: Family) -> DnsLookup {
    DnsLookup::address(name, family)
}

// The system's resolver turns a numeric name into its address and asks nobody: it stands for a name in
// the hosts file.
const KNOWN_TO_THE_SYSTEM: &str = "127.0.0.1";

#[tokio::test]
async fn the_system_is_asked_where_nameservers_find_nothing() {
    let nothing = [
        Nameserver::saying(ResponseCode::NXDomain, vec![]).await,
        Nameserver::saying(ResponseCode::NoError, vec![]).await,
        Nameserver::saying(ResponseCode::Refused, vec![]).await,
        Nameserver::silent().await,
    ];
    for server in nothing {
        let looks = looks(&[&server]);
        let v4 = looks.observe(key(KNOWN_TO_THE_SYSTEM, Family::V4)).await.unwrap();
        assert_eq!(v4.answered_by, "system resolver");
        assert_eq!(v4.addresses(), [std::net::IpAddr::from([127, 0, 0, 1])]);
        let v6 = looks.observe(key(KNOWN_TO_THE_SYSTEM, Family::V6)).await.unwrap();
        assert_eq!(
            (v6.result.clone(), v6.answered_by.as_str()),
            (DnsResult::NoData, "system resolver")
        );
    }
}

#[tokio::test]
async fn what_nobody_knows_stays_what_the_nameserver_said() {
    let looks = |server: &Nameserver| {
        let settings = DnsSettings::default().attempt_timeout(Duration::from_millis(100));
        let mut source = DnsSource::new(settings);
        source.machine = vec![server.address];
        source.system = |_, _| async { Vec::new() }.boxed();
        Looks::new(Sources::default().with(source))
    };
    let server = Nameserver::saying(ResponseCode::NXDomain, vec![]).await;
    let answer = looks(&server)
        .observe(key("example.com", Family::V4))
        .await
        .unwrap();
    assert_eq!(answer.result, DnsResult::NxDomain);
    assert_eq!(answer.answered_by, server.address.to_string());
    let silent = Nameserver::silent().await;
    let error = looks(&silent)
        .observe(key("example.com", Family::V4))
        .await
        .unwrap_err();
    assert_eq!(error.reason, Reason::DNS_SILENT);
}

#[tokio::test]
async fn a_name_of_one_family_costs_one_query_for_each_and_no_more() {
    let server = Nameserver::knowing(&["192.0.2.1"]).await;
    let looks = looks(&[&server]);
    // One after the other: what the first one learns serves the second.
    let v6 = looks.observe(key("example.com", Family::V6)).await.unwrap();
    assert_eq!(
        (v6.result.clone(), v6.answered_by.clone()),
        (DnsResult::NoData, server.address.to_string())
    );
    let v4 = looks.observe(key("example.com", Family::V4)).await.unwrap();
    assert_eq!(v4.addresses().len(), 1);
    assert_eq!(server.asked(), (2, 0));
    // A later round sees what is new.
    let _ = looks
        .observe_again(key("example.com", Family::V4), 2)
        .await
        .unwrap();
    assert_eq!(server.asked(), (3, 0));
    assert_eq!(looks.finish().get("dns_queries"), Some(&3));
}

#[tokio::test(start_paused = true)]
async fn silence_of_several_nameservers_is_told_as_silence() {
    let servers = [Nameserver::silent().await, Nameserver::silent().await];
    let mut source = DnsSource::default();
    source.machine = servers.iter().map(|server| server.address).collect();
    source.system = |_, budget| tokio::time::sleep(budget).map(|()| Vec::new()).boxed();
    let mut suite = Suite::new(source.install(Sources::default()));
    let target = Target::parse("https://example.com").unwrap();
    suite
        .add(Requirement::new(Arc::new(DnsRecords::default()), target))
        .unwrap();
    let report = suite.run().await;
    let Status::Unknown { reason, cause } = report.rows().next().unwrap().1.status() else {
        panic!("{report}");
    };
    let reason = cause.as_ref().map_or(reason, |cause| &cause.reason);
    assert_eq!(*reason, Reason::DNS_SILENT, "{report}");
}
