use serde::{Deserialize, Serialize};

/// One thing that was seen, as a label and a value: `max-age` = `300 s`.
///
/// Values come from the peer and may hold anything; renderers escape them. Never put a secret here.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// What the value is.
    pub label: String,
    /// The value as seen, at most [`Evidence::MAX_VALUE_BYTES`] long.
    pub value: String,
}

impl Evidence {
    /// The label of what a probe did not look at; a report gathers these in its view.
    pub const NOT_LOOKED_AT: &'static str = "not looked at";

    /// The longest value kept; the rest is cut at a character boundary and marked with `…`.
    pub const MAX_VALUE_BYTES: usize = 1024;

    /// A label and a value.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        let mut value = value.into();
        if value.len() > Self::MAX_VALUE_BYTES {
            let mut end = Self::MAX_VALUE_BYTES - '…'.len_utf8();
            while !value.is_char_boundary(end) {
                end -= 1;
            }
            value.truncate(end);
            value.push('…');
        }
        Self {
            label: label.into(),
            value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_at_a_character() {
        let kept = Evidence::new("x", "é".repeat(600)).value;
        assert!(kept.len() <= Evidence::MAX_VALUE_BYTES);
        assert!(kept.ends_with('…'));
        let whole = "a".repeat(Evidence::MAX_VALUE_BYTES);
        assert_eq!(Evidence::new("x", whole.clone()).value, whole);
    }
}
