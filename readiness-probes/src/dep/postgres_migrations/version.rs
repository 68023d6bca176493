use std::cmp::Ordering;

/// Whether a version has a number by which it can be compared.
pub(super) fn has_order(version: &str) -> bool {
    !numbers(version).0.is_empty()
}

/// The order of two versions by the numbers they begin with. `None` where the numbers do not tell: there are
/// none, or they are the same and the rest is not.
pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, one_rest) = numbers(one);
    let (other, other_rest) = numbers(other);
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let most = one.len().max(other.len());
    for at in 0..most {
        // `1` is `1.0`.
        let part = |all: &[&str]| all.get(at).copied().unwrap_or_default().to_owned();
        let (one, other) = (part(&one), part(&other));
        match (one.len(), one).cmp(&(other.len(), other)) {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    (one_rest == other_rest).then_some(Ordering::Equal)
}

/// The numbers at the begin of a version, without the zeros they begin with, and what follows. A letter before
/// them, as in `V1` and `m20240101`, belongs to the form.
fn numbers(version: &str) -> (Vec<&str>, &str) {
    let bare = version.strip_prefix(['V', 'v', 'm']).unwrap_or(version);
    let mut all = Vec::new();
    let mut rest = bare;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        let is_number = !digits.is_empty() && !after.starts_with(|c: char| c.is_alphanumeric());
        if !is_number {
            return (all, rest);
        }
        all.push(digits.trim_start_matches('0'));
        match after.strip_prefix(['.', '_']) {
            Some(next) => rest = next,
            None => return (all, after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        use Ordering::{Equal, Greater, Less};
        for (one, other, order) in [
            ("9", "10", Some(Less)),
            ("20260102030405", "20260102030405", Some(Equal)),
            ("20260102030406", "20260102030405", Some(Greater)),
            ("1.9", "1.10", Some(Less)),
            ("1_9", "1.10", Some(Less)),
            ("1.0", "1", Some(Equal)),
            ("1.0.1", "1", Some(Greater)),
            ("007", "7", Some(Equal)),
            ("V3", "v4", Some(Less)),
            ("0009_cart", "0010_order", Some(Less)),
            ("0010_cart", "0010_order", None),
            ("m20240101_000001_create", "m20240101_000002_alter", Some(Less)),
            ("0012_2fa", "0012_3fa", None),
            ("ae1027a6acf", "1975ea83b712", None),
            ("", "1", None),
            ("main", "1", None),
            (
                "99999999999999999999999999999999999999998",
                "99999999999999999999999999999999999999999",
                Some(Less),
            ),
        ] {
            assert_eq!(compare(one, other), order, "{one} {other}");
            assert_eq!(compare(other, one), order.map(Ordering::reverse), "{other} {one}");
        }
        for (version, expected) in [
            ("1", true),
            ("V2", true),
            ("x1", false),
            ("", false),
            ("1a", false),
        ] {
            assert_eq!(has_order(version), expected, "{version}");
        }
    }
}
