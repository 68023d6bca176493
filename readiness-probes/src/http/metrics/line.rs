//! One line of a page, with the column of what is wrong with it.

use std::borrow::Cow;

use super::{
    format::Format,
    kind::Kind,
    number::{number, real},
    page::{Exemplar, Labels, Sample},
};

/// What a line is.
#[derive(Debug)]
pub(super) enum Line<'a> {
    /// Nothing, or a comment.
    Blank,
    /// `# EOF`.
    End,
    Help(&'a str, &'a str),
    Sample(Sample<'a>),
    Type(&'a str, Kind),
    Unit(&'a str, &'a str),
}

/// Why a line cannot be read. What it says never holds more of the line than one character, as a line may
/// hold secrets.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) code: &'static str,
    /// The offset in bytes.
    pub(super) at: usize,
    pub(super) said: String,
}

/// The column of an offset: characters, from 1.
pub(super) fn column(line: &str, at: usize) -> usize {
    line.char_indices().take_while(|(offset, _)| *offset < at).count() + 1
}

/// Reads a line without its line feed; with it the offset of an escape that means nothing.
pub(super) fn read(line: &str, format: Format) -> Result<(Line<'_>, Option<usize>), Broken> {
    let mut cursor = Cursor {
        line,
        at: 0,
        format,
        undefined_escape: None,
    };
    // Inside a line of the older format it is a character like another.
    let carriage_return = match format {
        Format::OpenMetrics => line.find('\r'),
        Format::Text => line.strip_suffix('\r').map(str::len),
    };
    if let Some(at) = carriage_return {
        cursor.at = at;
        return Err(cursor.broken_as("carriage_return", "a line feed alone"));
    }
    let read = match format {
        Format::OpenMetrics => cursor.open_metrics(),
        Format::Text => cursor.text(),
    }?;
    Ok((read, cursor.undefined_escape))
}

struct Cursor<'a> {
    line: &'a str,
    at: usize,
    format: Format,
    undefined_escape: Option<usize>,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or_default()
    }

    fn broken(&self, expected: &str) -> Broken {
        self.broken_as("malformed_line", expected)
    }

    fn broken_as(&self, code: &'static str, expected: &str) -> Broken {
        let found = match self.rest().chars().next() {
            None => "the end of the line".to_owned(),
            Some(c) => format!("`{}`", c.escape_debug()),
        };
        Broken {
            code,
            at: self.at,
            said: format!("expected {expected}, found {found}"),
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.rest().as_bytes().first() == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn must(&mut self, byte: u8, expected: &str) -> Result<(), Broken> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.broken(expected))
        }
    }

    /// Blanks of the older format; the newer one has none besides those it names.
    fn blanks(&mut self) -> bool {
        let before = self.at;
        if self.format == Format::Text {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
        }
        self.at > before
    }

    /// What stands up to the next blank.
    fn token(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn name(&mut self, may_hold_colon: bool, expected: &str) -> Result<&'a str, Broken> {
        let rest = self.rest();
        let fits = |n: usize, byte: u8| {
            byte.is_ascii_alphabetic()
                || byte == b'_'
                || (may_hold_colon && byte == b':')
                || (n > 0 && byte.is_ascii_digit())
        };
        let end = rest
            .bytes()
            .enumerate()
            .take_while(|&(n, byte)| fits(n, byte))
            .count();
        if end == 0 {
            return Err(self.broken(expected));
        }
        self.at += end;
        Ok(rest.get(..end).unwrap_or_default())
    }

    fn end(&mut self, expected: &str) -> Result<(), Broken> {
        self.blanks();
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.broken(expected))
        }
    }

    /// OpenMetrics, "ABNF".
    fn open_metrics(&mut self) -> Result<Line<'a>, Broken> {
        if self.line.is_empty() {
            return Err(self.broken_as("blank_line", "a sample, metadata or `# EOF`"));
        }
        if !self.line.starts_with('#') {
            return self.sample().map(Line::Sample);
        }
        if self.line == "# EOF" {
            return Ok(Line::End);
        }
        self.at = 1;
        self.must(b' ', "one space after `#`")?;
        let word = self.token();
        if !matches!(word, "HELP" | "TYPE" | "UNIT") {
            self.at = 2;
            return Err(self.broken_as("comment", "`HELP`, `TYPE`, `UNIT` or `EOF`"));
        }
        self.must(b' ', "one space and a name")?;
        let name = self.name(true, "the name of a family")?;
        self.must(b' ', "one space after the name")?;
        match word {
            "TYPE" => self.kind(name),
            "UNIT" => {
                let rest = self.rest();
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
                self.at += rest.bytes().take_while(|&byte| fits(byte)).count();
                self.end("a unit of letters, digits, `_` and `:`")?;
                Ok(Line::Unit(name, rest))
            }
            _ => Ok(self.help(name)),
        }
    }

    /// Exposition formats, "Comments, help text, and type information".
    fn text(&mut self) -> Result<Line<'a>, Broken> {
        self.blanks();
        if self.rest().is_empty() {
            return Ok(Line::Blank);
        }
        if !self.eat(b'#') {
            return self.sample().map(Line::Sample);
        }
        self.blanks();
        let word = self.token();
        if !matches!(word, "HELP" | "TYPE") {
            return Ok(Line::Blank);
        }
        self.blanks();
        let name = self.name(true, "the name of a metric")?;
        let parted = self.blanks();
        if !parted && !self.rest().is_empty() {
            return Err(self.broken("a blank after the name"));
        }
        if word == "TYPE" {
            self.kind(name)
        } else {
            Ok(self.help(name))
        }
    }

    fn kind(&mut self, name: &'a str) -> Result<Line<'a>, Broken> {
        let start = self.at;
        let word = self.token();
        let Some(kind) = Kind::named(word, self.format) else {
            self.at = start;
            let expected = match self.format {
                Format::OpenMetrics => {
                    "`counter`, `gauge`, `gaugehistogram`, `histogram`, `info`, `stateset`, `summary` or `unknown`"
                }
                Format::Text => "`counter`, `gauge`, `histogram`, `summary` or `untyped`",
            };
            return Err(self.broken_as("unknown_type", expected));
        };
        self.end("nothing after the type")?;
        Ok(Line::Type(name, kind))
    }

    fn help(&mut self, name: &'a str) -> Line<'a> {
        let help = self.rest();
        let mut chars = help.char_indices();
        while let Some((at, c)) = chars.next() {
            let quote_is_bare = c == '"' && self.format == Format::OpenMetrics;
            let is_undefined = c == '\\' && !matches!(chars.next(), Some((_, 'n' | '\\' | '"')));
            if is_undefined || quote_is_bare {
                self.undefined_escape.get_or_insert(self.at + at);
            }
        }
        Line::Help(name, help)
    }

    fn sample(&mut self) -> Result<Sample<'a>, Broken> {
        let name = self.name(true, "the name of a metric")?;
        let mut parted = self.blanks();
        let mut labels = Labels::new();
        if self.rest().starts_with('{') {
            labels = self.labels()?;
            parted = true;
            self.blanks();
        }
        if self.format == Format::OpenMetrics {
            self.must(b' ', "`{` or one space and a value")?;
        } else if !parted {
            return Err(self.broken("a letter, a digit, `_`, `:`, `{` or a blank"));
        }
        let (raw, value) = self.value()?;
        let (mut timestamp, mut exemplar) = (None, None);
        match self.format {
            Format::Text => {
                if self.blanks() && !self.rest().is_empty() {
                    timestamp = Some(self.milliseconds()?);
                }
            }
            Format::OpenMetrics => {
                let mut spaced = self.eat(b' ');
                if spaced && !self.rest().starts_with('#') {
                    timestamp = Some(self.seconds()?);
                    spaced = self.eat(b' ');
                }
                if spaced {
                    exemplar = Some(Box::new(self.exemplar()?));
                }
            }
        }
        self.end("the end of the line")?;
        Ok(Sample {
            line: 0,
            name,
            labels,
            raw,
            value,
            timestamp,
            exemplar,
        })
    }

    fn value(&mut self) -> Result<(&'a str, f64), Broken> {
        let start = self.at;
        let raw = self.token();
        number(raw).map(|value| (raw, value)).ok_or_else(|| {
            self.at = start;
            self.broken_as("bad_value", "a number, `NaN`, `+Inf` or `-Inf`")
        })
    }

    /// Exposition formats, "Comments, help text, and type information": milliseconds as an integer.
    fn milliseconds(&mut self) -> Result<f64, Broken> {
        let start = self.at;
        let whole = self.token().parse::<i64>().ok();
        #[expect(
            clippy::cast_precision_loss,
            reason = "dates of this age are exact to a millisecond"
        )]
        whole.map(|ms| ms as f64 / 1000.0).ok_or_else(|| {
            self.at = start;
            self.broken_as("bad_timestamp", "milliseconds as an integer")
        })
    }

    /// OpenMetrics, "Timestamps": seconds, with fractions.
    fn seconds(&mut self) -> Result<f64, Broken> {
        let start = self.at;
        real(self.token()).ok_or_else(|| {
            self.at = start;
            self.broken_as("bad_timestamp", "seconds as a number")
        })
    }

    /// OpenMetrics, "Exemplars".
    fn exemplar(&mut self) -> Result<Exemplar<'a>, Broken> {
        self.must(b'#', "`#` and an exemplar")?;
        self.must(b' ', "one space after `#`")?;
        let start = self.at;
        if !self.rest().starts_with('{') {
            return Err(self.broken("`{` and the labels of the exemplar"));
        }
        let labels = self.labels()?;
        let length: usize = labels
            .iter()
            .map(|(name, value)| name.chars().count() + value.chars().count())
            .sum();
        if length > MOST_EXEMPLAR_CHARACTERS {
            return Err(Broken {
                code: "exemplar_too_long",
                at: start,
                said: format!(
                    "expected at most {MOST_EXEMPLAR_CHARACTERS} characters in its labels, found {length}"
                ),
            });
        }
        self.must(b' ', "one space and the value of the exemplar")?;
        let (_, value) = self.value()?;
        if self.eat(b' ') {
            self.seconds()?;
        }
        Ok(Exemplar { labels, value })
    }

    /// From `{` to `}`.
    fn labels(&mut self) -> Result<Labels<'a>, Broken> {
        let start = self.at;
        self.must(b'{', "`{`")?;
        let mut labels = Labels::new();
        self.blanks();
        let mut may_end = true;
        loop {
            if may_end && self.eat(b'}') {
                break;
            }
            let name = self.name(false, "the name of a label")?;
            self.blanks();
            self.must(b'=', "`=` after the name of the label")?;
            self.blanks();
            let value = self.quoted()?;
            labels.push((name, value));
            self.blanks();
            if self.eat(b'}') {
                break;
            }
            self.must(b',', "`,` or `}` after the label")?;
            self.blanks();
            // Exposition formats: a comma may stand before the brace. OpenMetrics has none there.
            may_end = self.format == Format::Text;
        }
        labels.sort_by_key(|(name, _)| *name);
        let twice = labels.iter().zip(labels.iter().skip(1)).find(|(a, b)| a.0 == b.0);
        if let Some(((name, _), _)) = twice {
            let name = super::super::syntax::excerpt(name.as_bytes());
            return Err(Broken {
                code: "label_twice",
                at: start,
                said: format!("expected each label once, found `{name}` twice"),
            });
        }
        labels.retain(|(_, value)| !value.is_empty());
        Ok(labels)
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, Broken> {
        self.must(b'"', "`\"` and the value of the label")?;
        let rest = self.rest();
        let Some(first) = rest.find(['"', '\\']) else {
            self.at = self.line.len();
            return Err(self.broken("`\"` after the value of the label"));
        };
        let plain = rest.get(..first).unwrap_or_default();
        if rest.as_bytes().get(first) == Some(&b'"') {
            self.at += first + 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut value = plain.to_owned();
        let mut chars = rest.get(first..).unwrap_or_default().char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += first + at + 1;
                    return Ok(Cow::Owned(value));
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                    Some((_, other)) => {
                        if self.format == Format::Text {
                            self.at += first + at + 1;
                            return Err(self.broken("a backslash, a quote or `n` after a backslash"));
                        }
                        self.undefined_escape.get_or_insert(self.at + first + at);
                        value.extend(['\\', other]);
                    }
                    None => break,
                },
                other => value.push(other),
            }
        }
        self.at = self.line.len();
        Err(self.broken("`\"` after the value of the label"))
    }
}

/// OpenMetrics, "Exemplars".
const MOST_EXEMPLAR_CHARACTERS: usize = 128;
