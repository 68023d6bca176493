use serde::Deserialize;

/// A finite number, as OpenMetrics writes one: `realnumber` of its ABNF, which holds what Prometheus reads.
pub(super) fn real(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, Some(unsigned.get(at + 1..)?)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = !(whole.is_empty() && fraction.is_empty());
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    if !has_digits || !is_digits(whole) || !is_digits(fraction) || !exponent_is_right {
        return None;
    }
    // OpenMetrics, "Numbers": it must fit a 64-bit float.
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Any number of a sample: finite, infinite with or without a sign, or `NaN` without one.
pub(super) fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
        return Some(f64::INFINITY * sign);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    real(text)
}

/// A bound of a sample's value: an integer, or a decimal as text, such as `"0.95"`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "Raw")]
pub struct MetricBound(String);

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Integer(i64),
    Text(String),
}

impl TryFrom<Raw> for MetricBound {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        match raw {
            Raw::Integer(number) => Ok(Self::from(number)),
            Raw::Text(text) => Self::parse(&text),
        }
    }
}

impl MetricBound {
    /// Reads a decimal.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        match real(text) {
            Some(_) if text.len() <= 40 => Ok(Self(text.to_owned())),
            _ => Err("expected an integer, or a decimal as text such as \"0.95\"".to_owned()),
        }
    }

    /// The number as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn value(&self) -> f64 {
        real(&self.0).unwrap_or(f64::NAN)
    }
}

impl From<i64> for MetricBound {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_read_as_the_grammar_has_them() {
        // OpenMetrics, "ABNF", number and realnumber; "Numbers".
        for right in [
            "0",
            "23",
            "0042",
            "+1",
            "-1",
            "1.",
            ".5",
            "1.5e3",
            "1E-7",
            "8903.123421",
            "-0",
            "1e308",
            "inf",
            "+Inf",
            "-INFINITY",
            "nan",
            "NaN",
        ] {
            assert!(number(right).is_some(), "{right}");
        }
        for wrong in [
            "", "+", ".", "1e", "e5", "1e+", "--1", "1_000", "0x1", "0x1p2", "1e309", "1,5", "+nan", "-NaN",
            "infin", "1 ", "१", "1.2.3", "1e5.0", "true",
        ] {
            assert!(number(wrong).is_none(), "{wrong}");
        }
        assert!(real("Inf").is_none() && real("NaN").is_none());
    }

    #[test]
    fn bounds_are_integers_or_decimals_as_text() {
        let read = |value: serde_json::Value| serde_json::from_value::<MetricBound>(value).ok();
        assert_eq!(read(json!(3)).unwrap().as_str(), "3");
        assert_eq!(read(json!("0.95")).unwrap().as_str(), "0.95");
        for wrong in [
            json!(0.5),
            json!("x"),
            json!("NaN"),
            json!(true),
            json!("1".repeat(41)),
        ] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9eE.+\\-infa]{0,20}", any in ".{0,20}") {
            prop_assert!(real(&text).is_none_or(f64::is_finite));
            let _ = (number(&text), number(&any));
        }

        #[test]
        fn what_is_written_is_read(value in any::<f64>()) {
            let read = number(&format!("{value}")).unwrap();
            prop_assert!(read == value || (read.is_nan() && value.is_nan()));
        }
    }
}
