//! Nonces: whether they can be guessed, and whether they are new with each response.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures_util::future::join_all;
use readiness_core::{
    Finding, ProbeContext,
    fact::{Exchange, HttpExchange},
};

use super::{browser::Page, gather::Gathered, questions::runs_with_nonce, rules::Rules};
use crate::http::{expression::Expression, page, pages::Pages, policy::Policy, syntax::excerpt};

/// CSP Level 3, section 7.1: at least 128 bits long before encoding.
pub(crate) const LEAST_BITS: usize = 128;

/// How many bits a nonce has room for: six in a character of base64, four in one of hexadecimal, and next to
/// none where a few characters are repeated.
pub(crate) fn bits(nonce: &str) -> usize {
    let text = nonce.trim_end_matches('=');
    let mut seen = [false; 256];
    for byte in text.bytes() {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = true;
        }
    }
    let distinct = seen.iter().filter(|&&seen| seen).count();
    // Of 22 random characters of base64 hardly ever fewer than six differ, and of 32 hexadecimal ones neither.
    if distinct < 6 {
        return distinct;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes = text.bytes().filter(|&byte| byte == b'-').count();
    let is_of_one_case = !text.bytes().any(|byte| byte.is_ascii_uppercase())
        || !text.bytes().any(|byte| byte.is_ascii_lowercase());
    match text.len() - dashes {
        all if all == digits => all * 332 / 100,
        all if all == hex && is_of_one_case => all * 4,
        _ => text.len() * 6,
    }
}

/// The nonces of these policies.
fn nonces<'a>(policies: impl Iterator<Item = &'a Policy<'a>>) -> impl Iterator<Item = &'a str> {
    policies
        .flat_map(|policy| &policy.directives)
        .flat_map(|directive| directive.values.iter().copied())
        .filter_map(|value| match Expression::read(value) {
            Some(Expression::Nonce(nonce)) => Some(nonce),
            _ => None,
        })
}

/// Looks once more at the pages whose policies carry a nonce. What cannot be seen again is left out.
pub(crate) async fn look_again(cx: &ProbeContext, pages: &Pages) -> HashMap<HttpExchange, Arc<Exchange>> {
    let looks = pages.iter().map(|page| page::look(cx, page));
    let seen = join_all(looks).await.into_iter().flatten().flatten();
    let carries = |exchange: &Exchange| nonces(Gathered::from(exchange).all()).next().is_some();
    let again = seen.filter_map(|(key, seen)| seen.is_ok_and(|exchange| carries(&exchange)).then_some(key));
    let looks = again.map(|key| async move {
        let seen = cx.observe(key.clone().sample(1)).await;
        seen.ok().map(|exchange| (key, exchange))
    });
    join_all(looks).await.into_iter().flatten().collect()
}

/// The finding about a nonce that stands in two responses.
pub(crate) fn repeated(
    first: &Gathered<'_>,
    second: &Gathered<'_>,
    rules: &[&Rules<'_>],
    page: Page,
) -> Option<Finding> {
    let before: HashSet<&str> = nonces(first.all()).collect();
    let both: Vec<&str> = nonces(second.all())
        .filter(|nonce| before.contains(nonce))
        .collect();
    let runs = both.iter().find_map(|nonce| runs_with_nonce(rules, nonce, page));
    let nonce = excerpt(both.first()?.as_bytes());
    let remedy = "make a new random nonce for each response, and let no cache keep the page";
    Some(match runs {
        Some(markup) => Finding::fail(
            "repeated_nonce",
            format!(
                "two responses carry the nonce `{nonce}`, so whoever has seen one can write scripts that run"
            ),
        )
        .evidence("gets through", markup)
        .remedy(remedy),
        None => Finding::warn(
            "repeated_nonce",
            format!("two responses carry the nonce `{nonce}`, expected a new one in each"),
        )
        .remedy(remedy),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_of_a_nonce_is_counted() {
        for (nonce, wanted) in [
            // Base64: 21 characters are below 128 bits, 22 are above.
            ("kJ8sP2xQvN4mZ7tR1yW5b", 126),
            ("kJ8sP2xQvN4mZ7tR1yW5bg", 132),
            ("kJ8sP2xQvN4mZ7tR1yW5bg==", 132),
            // Hexadecimal: 31, 32, and a UUID.
            ("3f1c9a7be05d42688e4f10b2c7d69a5", 124),
            ("3f1c9a7be05d42688e4f10b2c7d69a5e", 128),
            ("3F1C9A7BE05D42688E4F10B2C7D69A5E", 128),
            ("3f1c9a7b-e05d-4268-8e4f-10b2c7d69a5e", 128),
            // Decimal: 38 and 39.
            ("10293847561029384756102938475610293847", 126),
            ("102938475610293847561029384756102938475", 129),
            // Placeholders.
            ("random", 36),
            ("abc", 3),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1),
            ("", 0),
        ] {
            assert_eq!(bits(nonce), wanted, "{nonce}");
        }
    }
}
