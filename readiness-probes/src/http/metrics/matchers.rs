//! Which series are meant: label matchers as PromQL writes them.

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::page::Sample;

/// Label matchers such as `method="GET", status=~"5.."`: `=`, `!=`, `=~` and `!~`, with regular expressions that
/// fit the whole value. A label that is absent is empty. None fits every series.
///
/// ```
/// use readiness_probes::http::LabelMatchers;
/// let errors: LabelMatchers = r#"status=~"5..""#.parse()?;
/// assert_eq!(errors.to_string(), r#"status=~"5..""#);
/// assert!(r#"status=~"5.(""#.parse::<LabelMatchers>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct LabelMatchers {
    text: String,
    all: Vec<Matcher>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Matcher {
    name: String,
    wanted: bool,
    is_pattern: bool,
    value: String,
}

/// The longest pattern.
const MOST_PATTERN_BYTES: usize = 200;

impl LabelMatchers {
    /// Whether it fits every series.
    pub(in crate::http) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Ready to be asked about many series.
    pub(super) fn ready(&self) -> Ready<'_> {
        let tests = self.all.iter().map(|matcher| {
            // Only what can be read was taken.
            let pattern = matcher.is_pattern.then(|| pattern(&matcher.value).ok()).flatten();
            (matcher, pattern)
        });
        Ready(tests.collect())
    }
}

/// Matchers whose patterns are made.
pub(super) struct Ready<'m>(Vec<(&'m Matcher, Option<Regex>)>);

impl Ready<'_> {
    pub(super) fn fits(&self, sample: &Sample<'_>) -> bool {
        self.0.iter().all(|(matcher, pattern)| {
            let value = sample.label(&matcher.name).unwrap_or_default();
            matcher.is_met_by(pattern.as_ref(), value) == matcher.wanted
        })
    }

    /// The labels that must be there: all but those of which the empty value is asked, which is that of an absent
    /// one.
    pub(super) fn needed(&self) -> impl Iterator<Item = &str> {
        let with_value = self
            .0
            .iter()
            .filter(|(matcher, pattern)| !matcher.is_met_by(pattern.as_ref(), ""));
        with_value.map(|(matcher, _)| matcher.name.as_str())
    }
}

impl Matcher {
    /// Whether a value equals the matcher's, or fits its pattern.
    fn is_met_by(&self, pattern: Option<&Regex>, value: &str) -> bool {
        match pattern {
            Some(pattern) => pattern.is_match(value),
            None => !self.is_pattern && value == self.value,
        }
    }
}

fn pattern(value: &str) -> Result<Regex, String> {
    if value.len() > MOST_PATTERN_BYTES {
        return Err(format!("it is over {MOST_PATTERN_BYTES} bytes"));
    }
    RegexBuilder::new(&format!("^(?:{value})$"))
        .dot_matches_new_line(true)
        .size_limit(16 * 1024)
        .build()
        .map_err(|e| e.to_string())
}

impl std::fmt::Display for LabelMatchers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<LabelMatchers> for String {
    fn from(matchers: LabelMatchers) -> Self {
        matchers.text
    }
}

impl TryFrom<String> for LabelMatchers {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let all = read(&text).map_err(|problem| {
            let shown: String = text.chars().take(60).collect();
            format!("`{shown}` holds no label matchers: {problem}; write `method=\"GET\", status=~\"5..\"`")
        })?;
        Ok(Self { text, all })
    }
}

impl std::str::FromStr for LabelMatchers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::try_from(text.to_owned())
    }
}

fn read(text: &str) -> Result<Vec<Matcher>, String> {
    let mut all = Vec::new();
    let text = text.trim();
    let mut rest = match text.strip_prefix('{') {
        Some(inside) => inside.strip_suffix('}').ok_or("`{` is not closed")?.trim(),
        None => text,
    };
    while !rest.is_empty() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("expected the name of a label".to_owned());
        }
        let (wanted, is_pattern, after) = operator(after.trim_start())
            .ok_or_else(|| format!("expected `=`, `!=`, `=~` or `!~` behind `{name}`"))?;
        let (value, after) = quoted(after.trim_start())?;
        if is_pattern {
            pattern(&value).map_err(|e| format!("the pattern of `{name}` cannot be read: {e}"))?;
        }
        all.push(Matcher {
            name: name.to_owned(),
            wanted,
            is_pattern,
            value,
        });
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if after.is_empty() => after,
            None => return Err(format!("expected `,` behind the value of `{name}`")),
        };
    }
    Ok(all)
}

fn operator(text: &str) -> Option<(bool, bool, &str)> {
    [
        ("=~", true, true),
        ("!~", false, true),
        ("!=", false, false),
        ("=", true, false),
    ]
    .into_iter()
    .find_map(|(written, wanted, is_pattern)| Some((wanted, is_pattern, text.strip_prefix(written)?)))
}

/// A value in quotes, and what stands behind it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    const UNCLOSED: &str = "expected a value in quotes";
    let inside = text.strip_prefix('"').ok_or(UNCLOSED)?;
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, inside.get(at + 1..).unwrap_or_default())),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                // In patterns `\.` is written as often as `\\.`, and means one thing.
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err(UNCLOSED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{format::Format, page},
        *,
    };

    /// Which of four series fit.
    fn fitting(matchers: &str) -> String {
        let body = b"a{s=\"200\",m=\"GET\"} 1\na{s=\"500\",m=\"GET\"} 1\na{s=\"503\",m=\"POST\"} 1\na 1\n";
        let page = page::read(body, Format::Text, true);
        let matchers: LabelMatchers = matchers.parse().unwrap();
        let ready = matchers.ready();
        page.families[0]
            .samples
            .iter()
            .filter(|sample| ready.fits(sample))
            .map(|sample| sample.line.to_string())
            .collect()
    }

    #[test]
    fn matchers_are_read_as_promql_writes_them() {
        for (matchers, wanted) in [
            ("", "1234"),
            ("{}", "1234"),
            ("s=\"200\"", "1"),
            ("s!=\"200\"", "234"),
            ("s=~\"5..\"", "23"),
            ("s=~\"5\"", ""),
            ("s!~\"5..\"", "14"),
            ("s=\"\"", "4"),
            ("s=~\".*\"", "1234"),
            ("s=~\"200|503\"", "13"),
            (" { s =~ \"5..\" , m = \"GET\" , } ", "2"),
            ("s=~\"5\\\\d{2}\"", "23"),
            ("s=~\"5\\d{2}\"", "23"),
            ("none=\"\"", "1234"),
        ] {
            assert_eq!(fitting(matchers), wanted, "{matchers}");
        }
        let long = format!("s=~\"{}\"", "a".repeat(MOST_PATTERN_BYTES + 1));
        for wrong in [
            "s",
            "=\"a\"",
            "s=a",
            "s=\"a",
            "s==\"a\"",
            "s=\"a\" m=\"b\"",
            "1s=\"a\"",
            "{s=\"a\"",
            "s=~\"(\"",
            "s=~\"a{9999}{9999}\"",
            "ä=\"a\"",
            ",",
            &long,
        ] {
            let error = wrong.parse::<LabelMatchers>().unwrap_err();
            assert!(error.contains("holds no label matchers"), "{error}");
        }
    }

    #[test]
    fn a_quote_and_an_end_of_a_line_are_escaped() {
        let matchers: LabelMatchers = r#"a="x\"y\\z\n""#.parse().unwrap();
        assert_eq!(matchers.all[0].value, "x\"y\\z\n");
    }
}
