//! The endpoints that policies name.

use std::collections::HashSet;

use readiness_core::fact::Exchange;
use serde_json::Value;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::http::{
    policy::policies,
    structured::{ReportTo, token_item},
};

/// Network Error Logging.
pub(super) const NEL: &str = "NEL";

/// An endpoint, and the header that names it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Named {
    pub(super) by: &'static str,
    pub(super) endpoint: String,
    /// Whether the same policy has a `report-uri`, which is left aside for it.
    pub(super) leaves_uri: bool,
}

/// Every endpoint that a policy names, each header's once.
pub(super) fn named(exchange: &Exchange) -> Vec<Named> {
    let mut all = Vec::new();
    for by in ["Content-Security-Policy", "Content-Security-Policy-Report-Only"] {
        for policy in policies(exchange, by) {
            let directive = policy.first_of(&["report-to"]);
            // CSP Level 3, section 6.5.2: one token.
            all.extend(
                directive
                    .and_then(|directive| directive.values.first())
                    .map(|name| Named {
                        by,
                        endpoint: (*name).to_owned(),
                        leaves_uri: policy.first_of(&["report-uri"]).is_some(),
                    }),
            );
        }
    }
    let named = |by, endpoint| Named {
        by,
        endpoint,
        leaves_uri: false,
    };
    for by in ITEMS {
        if let Some(ReportTo::Endpoint(name)) = report_to(exchange, by) {
            all.push(named(by, name));
        }
    }
    for by in ["Permissions-Policy", "Permissions-Policy-Report-Only"] {
        for entry in dictionary(exchange, by)
            .into_iter()
            .flat_map(Dictionary::into_values)
        {
            let params = match &entry {
                ListEntry::Item(item) => &item.params,
                ListEntry::InnerList(list) => &list.params,
            };
            all.extend(
                params
                    .get("report-to")
                    .and_then(text_of)
                    .map(|name| named(by, name)),
            );
        }
    }
    for by in ["Integrity-Policy", "Integrity-Policy-Report-Only"] {
        let list = dictionary(exchange, by).and_then(|mut policy| policy.swap_remove("endpoints"));
        if let Some(ListEntry::InnerList(list)) = list {
            all.extend(
                list.items
                    .iter()
                    .filter_map(|item| text_of(&item.bare_item))
                    .map(|name| named(by, name)),
            );
        }
    }
    all.extend(nel_group(exchange).map(|group| named(NEL, group)));
    let mut seen = HashSet::new();
    all.retain(|named| seen.insert((named.by, named.endpoint.clone())));
    all
}

/// Headers that mean to name an endpoint, with something that browsers do not read.
pub(super) fn misnamed(exchange: &Exchange) -> impl Iterator<Item = &'static str> {
    ITEMS
        .into_iter()
        .filter(|by| report_to(exchange, by) == Some(ReportTo::NotAString))
}

/// Policies that are a structured item.
const ITEMS: [&str; 4] = [
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Opener-Policy-Report-Only",
    "Cross-Origin-Embedder-Policy",
    "Cross-Origin-Embedder-Policy-Report-Only",
];

fn report_to(exchange: &Exchange, by: &str) -> Option<ReportTo> {
    Some(token_item(&exchange.joined(by)?).ok()?.report_to)
}

fn dictionary(exchange: &Exchange, name: &str) -> Option<Dictionary> {
    Parser::new(&exchange.joined(name)?).parse().ok()
}

fn text_of(value: &BareItem) -> Option<String> {
    match value {
        BareItem::String(text) => Some(text.as_str().to_owned()),
        BareItem::Token(token) => Some(token.as_str().to_owned()),
        _ => None,
    }
}

/// The group of an NEL policy; one with a `max_age` of 0 ends the policy and needs none.
fn nel_group(exchange: &Exchange) -> Option<String> {
    let policy: Value = serde_json::from_slice(exchange.first(NEL)?).ok()?;
    if policy.get("max_age").and_then(Value::as_u64) == Some(0) {
        return None;
    }
    Some(policy.get("report_to")?.as_str()?.to_owned())
}
