//! A name that does not exist: one cause, told once, in every format.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use hickory_resolver::proto::op::ResponseCode;
use quick_xml::{Reader, events::Event};
use readiness_core::{Status, Verdict};
use tokio::runtime::Builder;

use self::support::{
    check::check,
    nameserver::Nameserver,
    wellformed::{assert_follows_schema, elements},
};

const HOST: &str = "shop.example.test";

fn with(mut arguments: Vec<String>, more: &[&str]) -> Vec<String> {
    arguments.extend(more.iter().map(|&text| text.to_owned()));
    arguments
}

#[test]
fn a_name_that_does_not_exist_is_one_error_and_the_rest_is_skipped() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let nameserver = runtime.block_on(Nameserver::saying(ResponseCode::NXDomain, Vec::new()));
    let address = nameserver.address.to_string();
    let url = format!("https://{HOST}/");
    let arguments = ["--nameserver", &address, "--health", "/healthz", &url].map(str::to_owned);
    for format in ["junit", "junit-strict"] {
        let run = check(&with(arguments.to_vec(), &["-f", format]));
        assert_eq!(run.code, Some(2), "{}", run.stdout);
        let elements = elements(&run.stdout);
        let count = |name: &str| elements.iter().filter(|element| *element == name).count();
        // That the name does not exist is what `dns.records` found; what needs an address was not judged.
        assert_eq!((count("error"), count("failure")), (1, 1), "{}", run.stdout);
        assert_eq!(count("skipped"), count("testcase") - 2, "{}", run.stdout);
        let reasons = skipped(&run.stdout);
        assert!(
            reasons.iter().all(|reason| reason.contains("does not exist")),
            "{reasons:#?}"
        );
    }
    let run = check(&with(arguments.to_vec(), &["-f", "json"]));
    assert_follows_schema(&run.stdout);
    let report = run.report();
    assert_eq!(report.verdict(), Verdict::Inconclusive);
    let causes: Vec<_> = report
        .rows()
        .filter(|(result, _)| result.id != "dns.records")
        .map(|(_, row)| match &row.outcome.status {
            Status::Unknown {
                cause: Some(cause), ..
            } => cause.clone(),
            other => panic!("expected a cause, found {other:?}"),
        })
        .collect();
    assert!(causes.windows(2).all(|pair| pair[0] == pair[1]), "{causes:#?}");
}

/// The messages of the skipped cases.
fn skipped(junit: &str) -> Vec<String> {
    let mut reader = Reader::from_str(junit);
    let mut all = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) if element.name().as_ref() == "skipped" => {
                let message = element.try_get_attribute("message").unwrap();
                all.push(message.map_or_else(String::new, |message| message.value.into_owned()));
            }
            Event::Eof => return all,
            _ => {}
        }
    }
}
