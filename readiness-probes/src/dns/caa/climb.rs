//! The way up to the closest CAA records. RFC 8659, section 3.

use std::net::SocketAddr;

use futures_util::future::join_all;
use readiness_core::{
    ProbeContext, Reason,
    fact::{DnsLookup, DnsResult, RecordData, RecordType},
};

use super::{Look, not_looked_up};

/// The most names that are asked for. A name has at most 127 labels, and none in use has half of these.
const MOST_NAMES: usize = 40;

/// What was said of a name and of those above it, the closest first.
#[derive(Debug)]
pub(super) struct Climb {
    pub(super) name: String,
    pub(super) steps: Vec<(String, Look)>,
}

/// The set that counts.
#[derive(Debug)]
pub(super) enum Found<'a> {
    NotLookedUp {
        at: &'a str,
        reason: Reason,
        problem: String,
    },
    Nothing,
    /// Flags, tag and value of each.
    Records {
        at: &'a str,
        records: Vec<(u8, &'a str, &'a str)>,
    },
}

/// A name and those above it, without the root; none where it is no name.
pub(super) fn names(name: &str) -> Vec<&str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let name = name.strip_prefix("*.").unwrap_or(name);
    if name.split('.').any(|label| label.is_empty() || label.len() > 63) || name.len() > 253 {
        return Vec::new();
    }
    let above = name.match_indices('.').filter_map(|(dot, _)| name.get(dot + 1..));
    std::iter::once(name).chain(above).take(MOST_NAMES).collect()
}

/// Asks for all names at once: what is above the first set does not count, and costs no time.
pub(super) async fn look(cx: &ProbeContext, nameservers: &[SocketAddr], name: &str) -> Climb {
    let names = names(name);
    let asks = names.iter().map(|name| async move {
        let key = DnsLookup::new(name, RecordType::Caa).via(nameservers.to_vec());
        let look = cx.observe(key).await.map(|answer| (*answer).clone());
        ((*name).to_owned(), look)
    });
    Climb {
        name: names.first().map_or(name, |first| first).to_owned(),
        steps: join_all(asks).await,
    }
}

impl Climb {
    /// The first set on the way up. The aliases of a name belong to its own look-up, and the names above what they lead
    /// to are not climbed (RFC 8659, section 3).
    pub(super) fn found(&self) -> Found<'_> {
        for (at, look) in &self.steps {
            if let Some((reason, problem)) = not_looked_up(look) {
                return Found::NotLookedUp { at, reason, problem };
            }
            let Ok(answer) = look else { continue };
            // The one that forbids or allows may be among them.
            if answer.records_left_out > 0 {
                return Found::NotLookedUp {
                    at,
                    reason: Reason::UNEXPECTED_RESPONSE,
                    problem: format!(
                        "{} gives {} records more than are looked at",
                        answer.answered_by, answer.records_left_out
                    ),
                };
            }
            let records: Vec<_> = answer
                .records
                .iter()
                .filter_map(|record| match &record.data {
                    RecordData::Caa { flags, tag, value } => Some((*flags, tag.as_str(), value.as_str())),
                    _ => None,
                })
                .collect();
            if !records.is_empty() {
                return Found::Records { at, records };
            }
            // Who serves the alias alone has not said what is at its end.
            let led_away = answer.cname_chain().last().is_some();
            if led_away
                && answer.authoritative
                && answer.result == DnsResult::NoData
                && !answer.recursion_available
            {
                let end = answer.cname_chain().last().map_or("", |(_, to)| *to);
                return Found::NotLookedUp {
                    at,
                    reason: Reason::DNS_NODATA,
                    problem: format!(
                        "it is an alias of `{end}`, which {} does not look up",
                        answer.answered_by
                    ),
                };
            }
        }
        if self.steps.is_empty() {
            return Found::NotLookedUp {
                at: &self.name,
                reason: Reason::ERROR,
                problem: "it is no domain name".to_owned(),
            };
        }
        Found::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_up_to_the_last_label_is_asked_for() {
        assert_eq!(names("a.b.example."), ["a.b.example", "b.example", "example"]);
        assert_eq!(names("*.example.com"), ["example.com", "com"]);
        assert_eq!(names("host"), ["host"]);
        assert_eq!(names(&"a.".repeat(100)).len(), MOST_NAMES);
        let long = "a".repeat(64);
        for wrong in ["", ".", "a..b", ".a", &long, &"a.".repeat(128)] {
            assert_eq!(names(wrong), Vec::<&str>::new(), "{wrong}");
        }
    }
}
