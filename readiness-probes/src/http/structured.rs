//! Structured fields that hold one token, such as `Cross-Origin-Opener-Policy`. RFC 8941, section 3.3.

use sfv::{BareItem, Item, Parser};

use super::syntax::excerpt;

/// A token and the endpoint that its parameter `report-to` names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TokenItem {
    pub(crate) token: String,
    pub(crate) report_to: ReportTo,
}

/// The parameter `report-to` of an item.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ReportTo {
    Absent,
    Endpoint(String),
    /// HTML reads it where it is a string, and leaves out anything else.
    NotAString,
}

/// Reads an item whose value is a token. Several lines joined are none, which makes a repeated header void.
///
/// # Errors
/// In words, with the place where it breaks.
pub(crate) fn token_item(value: &[u8]) -> Result<TokenItem, String> {
    let item: Item = Parser::new(value)
        .parse()
        .map_err(|error| broken(value, &error))?;
    let BareItem::Token(token) = item.bare_item else {
        return Err("it is no token: it stands in quotes, or is a number".to_owned());
    };
    let report_to = match item.params.get("report-to") {
        None => ReportTo::Absent,
        Some(BareItem::String(name)) => ReportTo::Endpoint(name.as_str().to_owned()),
        Some(_) => ReportTo::NotAString,
    };
    Ok(TokenItem {
        token: token.as_str().to_owned(),
        report_to,
    })
}

/// Where and at what a structured field breaks: ``at byte 4 (`, b`)``.
pub(crate) fn broken(value: &[u8], error: &sfv::Error) -> String {
    match error.index() {
        Some(at) if at < value.len() => {
            let rest = value.get(at..).unwrap_or_default();
            let rest = excerpt(rest.get(..rest.len().min(20)).unwrap_or_default());
            format!("it breaks at byte {at} (`{rest}`)")
        }
        _ => "it breaks at its end".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::samples;

    #[test]
    fn the_endpoint_is_a_string() {
        let main = ReportTo::Endpoint("main".into());
        for (value, wanted) in [
            ("a; report-to=\"main\"", &main),
            ("a; report-to=\"x\"; report-to=\"main\"", &main),
            ("a", &ReportTo::Absent),
            ("a; x=\"main\"", &ReportTo::Absent),
            ("a; report-to", &ReportTo::NotAString),
            ("a; report-to=main", &ReportTo::NotAString),
            ("a; report-to=1", &ReportTo::NotAString),
        ] {
            assert_eq!(
                token_item(value.as_bytes()).unwrap().report_to,
                *wanted,
                "{value}"
            );
        }
    }

    #[test]
    fn the_fault_is_placed() {
        let fault = |value: &str| token_item(value.as_bytes()).unwrap_err();
        assert_eq!(
            fault("same-origin, same-origin"),
            "it breaks at byte 11 (`, same-origin`)"
        );
        assert_eq!(fault(""), "it breaks at its end");
        assert!(fault("\"a\"").contains("no token"));
    }

    #[test]
    fn hostile_values_are_no_policy() {
        for value in samples::hostile() {
            let read = token_item(&value);
            assert!(
                read.is_err() || value.starts_with(b"a") || value.starts_with(b"*"),
                "{read:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let _ = token_item(&value);
        }

        #[test]
        fn a_token_is_read_back(token in "[A-Za-z*][a-z0-9:/-]{0,20}", blanks in " {0,3}") {
            let text = format!("{blanks}{token}{blanks}");
            prop_assert_eq!(token_item(text.as_bytes()).unwrap().token, token);
        }
    }
}
