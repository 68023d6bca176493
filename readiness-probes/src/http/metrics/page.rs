use std::{borrow::Cow, collections::HashMap};

use super::{
    super::syntax::excerpt,
    faults::{Faults, PAGE, Weight, family},
    format::Format,
    kind::{Kind, SUFFIXES},
    line::{self, Broken, Line, column},
};

/// The labels of a sample, sorted by name. One with an empty value counts as absent in both formats.
pub(super) type Labels<'a> = Vec<(&'a str, Cow<'a, str>)>;

/// Labels without one that the format reserves.
pub(super) type MetricLabels<'s> = Vec<(&'s str, &'s str)>;

/// One line with a value.
#[derive(Clone, Debug)]
pub(super) struct Sample<'a> {
    /// Its line, from 1.
    pub(super) line: usize,
    pub(super) name: &'a str,
    pub(super) labels: Labels<'a>,
    /// The value as it is written.
    pub(super) raw: &'a str,
    pub(super) value: f64,
    /// In seconds since 1970.
    pub(super) timestamp: Option<f64>,
    pub(super) exemplar: Option<Box<Exemplar<'a>>>,
}

impl Sample<'_> {
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        let at = self
            .labels
            .binary_search_by(|(known, _)| (*known).cmp(name))
            .ok()?;
        self.labels.get(at).map(|(_, value)| &**value)
    }

    /// Its labels without one that the format reserves.
    pub(super) fn labels_but(&self, reserved: &str) -> MetricLabels<'_> {
        let labels = self.labels.iter().filter(|(name, _)| *name != reserved);
        labels.map(|(name, value)| (*name, &**value)).collect()
    }
}

/// What a sample points to, such as a trace.
#[derive(Clone, Debug)]
pub(super) struct Exemplar<'a> {
    pub(super) labels: Labels<'a>,
    pub(super) value: f64,
}

/// The samples of one name, or of one name and its suffixes.
#[derive(Debug)]
pub(super) struct Family<'a> {
    pub(super) name: &'a str,
    /// What its `TYPE` line says; `None` without one.
    pub(super) kind: Option<Kind>,
    pub(super) help: Option<&'a str>,
    pub(super) unit: Option<&'a str>,
    /// The line that names it first.
    pub(super) line: usize,
    pub(super) samples: Vec<Sample<'a>>,
    /// Whether another family has come after it.
    left: bool,
}

impl Family<'_> {
    pub(super) fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Unknown)
    }

    pub(super) fn suffix<'s>(&self, sample: &Sample<'s>) -> &'s str {
        sample.name.strip_prefix(self.name).unwrap_or_default()
    }

    /// The label that tells the samples of one metric apart.
    pub(super) fn own_label(&self) -> &str {
        match self.kind() {
            Kind::GaugeHistogram | Kind::Histogram => "le",
            Kind::StateSet => self.name,
            Kind::Summary => "quantile",
            _ => "",
        }
    }

    fn takes(&self, name: &str, format: Format) -> bool {
        let suffix = name.strip_prefix(self.name);
        suffix.is_some_and(|suffix| self.kind().suffixes(format).contains(&suffix))
    }
}

/// A page as it was read.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) format: Format,
    pub(super) families: Vec<Family<'a>>,
    /// How many samples are kept.
    pub(super) samples: usize,
    /// How many more there are than are kept.
    pub(super) left_out: usize,
    pub(super) faults: Faults,
}

/// The most samples that are kept. A page of 10 MiB has fewer unless most of them are shorter than 35 bytes.
pub(super) const MOST_SAMPLES: usize = 300_000;

/// Reads a page. Of one that was cut at its cap, the last line counts only where it is whole.
///
/// One pass; what is kept is in proportion to the page, and [`MOST_SAMPLES`] at most.
pub(super) fn read(body: &[u8], format: Format, is_whole: bool) -> Page<'_> {
    let mut reader = Reader {
        page: Page {
            format,
            families: Vec::new(),
            samples: 0,
            left_out: 0,
            faults: Faults::default(),
        },
        by_name: HashMap::new(),
        current: None,
        number: 0,
    };
    let mut ended = false;
    for bytes in body.split_inclusive(|&byte| byte == b'\n') {
        let text = match bytes.strip_suffix(b"\n") {
            Some(text) => text,
            None if !is_whole => break,
            None => bytes,
        };
        reader.number += 1;
        let number = reader.number;
        if ended {
            reader.fault("after_eof", Weight::Fail, || {
                format!("line {number}: expected nothing after `# EOF`")
            });
            break;
        }
        if reader.page.samples == MOST_SAMPLES {
            // What is not kept is only counted.
            ended = format == Format::OpenMetrics && text == b"# EOF";
            reader.page.left_out += usize::from(!text.starts_with(b"#"));
            continue;
        }
        if text.len() == bytes.len() && format == Format::Text {
            reader.fault("line_end_missing", Weight::Warn, || {
                format!("line {number}: expected a line feed at its end, and the page ends without one")
            });
        }
        ended = reader.take(text);
    }
    if format == Format::OpenMetrics && is_whole && !ended {
        let number = reader.number + 1;
        reader.fault("eof_missing", Weight::Fail, || {
            format!("line {number}, column 1: expected `# EOF`, and the page ends")
        });
    }
    reader.page
}

struct Reader<'a> {
    page: Page<'a>,
    by_name: HashMap<&'a str, usize>,
    /// The family of the line before.
    current: Option<usize>,
    number: usize,
}

impl<'a> Reader<'a> {
    /// Takes one line, and says whether it is the end.
    fn take(&mut self, bytes: &'a [u8]) -> bool {
        let number = self.number;
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => {
                let valid = bytes.get(..e.valid_up_to()).unwrap_or_default();
                let at = String::from_utf8_lossy(valid).chars().count() + 1;
                self.fault("not_utf8", Weight::Fail, || {
                    format!("line {number}, column {at}: expected UTF-8, found another byte")
                });
                return false;
            }
        };
        match line::read(text, self.page.format) {
            Ok((line, undefined_escape)) => {
                if let Some(at) = undefined_escape {
                    self.fault("undefined_escape", Weight::Warn, || {
                        let at = column(text, at);
                        format!(
                            "line {number}, column {at}: expected a backslash, a quote or `n` after a backslash"
                        )
                    });
                }
                match line {
                    Line::Blank => {}
                    Line::End => return true,
                    Line::Help(name, help) => self.help(name, help),
                    Line::Sample(sample) => self.sample(Sample {
                        line: number,
                        ..sample
                    }),
                    Line::Type(name, kind) => self.kind(name, kind),
                    Line::Unit(name, unit) => self.unit(name, unit),
                }
            }
            Err(Broken { code, at, said }) => self.fault(code, Weight::Fail, || {
                format!("line {number}, column {}: {said}", column(text, at))
            }),
        }
        false
    }

    fn fault(&mut self, code: &'static str, weight: Weight, message: impl FnOnce() -> String) {
        self.page.faults.add(code, weight, PAGE.to_owned(), message);
    }

    /// The family of this name, which the page goes on with.
    fn enter(&mut self, name: &'a str) -> usize {
        let at = match self.by_name.get(name) {
            Some(&at) => at,
            None => {
                let at = self.page.families.len();
                self.by_name.insert(name, at);
                self.page.families.push(Family {
                    name,
                    kind: None,
                    help: None,
                    unit: None,
                    line: self.number,
                    samples: Vec::new(),
                    left: false,
                });
                at
            }
        };
        if self.current != Some(at) {
            if let Some(before) = self.current.and_then(|before| self.page.families.get_mut(before)) {
                before.left = true;
            }
            self.current = Some(at);
            if self.page.families.get(at).is_some_and(|family| family.left) {
                let (number, weight) = (self.number, self.page.format.strict());
                self.page
                    .faults
                    .add("interleaved_families", weight, family(name), || {
                        format!("line {number}: expected all its lines in one group, found one after another family")
                    });
            }
        }
        at
    }

    /// The family of this name, for a line of metadata that must come before its samples, and once.
    fn described(
        &mut self,
        name: &'a str,
        what: &str,
        has: fn(&Family<'_>) -> bool,
    ) -> Option<&mut Family<'a>> {
        let at = self.enter(name);
        let (number, format) = (self.number, self.page.format);
        let family = self.page.families.get_mut(at)?;
        let mut fault = |code, said: &str| {
            self.page
                .faults
                .add(code, format.strict(), super::faults::family(name), || {
                    format!("line {number}: expected `{what}` {said}")
                });
        };
        if has(family) {
            fault("repeated_metadata", "once, found another one");
        }
        if !family.samples.is_empty() {
            let code = if what == "TYPE" {
                "type_after_samples"
            } else {
                "metadata_after_samples"
            };
            fault(code, "before the samples, found it after them");
        }
        Some(family)
    }

    fn help(&mut self, name: &'a str, help: &'a str) {
        if let Some(family) = self.described(name, "HELP", |family| family.help.is_some()) {
            family.help = Some(help);
        }
    }

    fn kind(&mut self, name: &'a str, kind: Kind) {
        let format = self.page.format;
        // Samples with a suffix that came first are families of their own by now.
        let orphan = kind
            .suffixes(format)
            .iter()
            .filter(|suffix| !suffix.is_empty())
            .find(|suffix| {
                let at = self.by_name.get(format!("{name}{suffix}").as_str());
                at.and_then(|&at| self.page.families.get(at))
                    .is_some_and(|family| family.kind.is_none() && !family.samples.is_empty())
            });
        if let Some(suffix) = orphan {
            let number = self.number;
            self.page
                .faults
                .add("type_after_samples", format.strict(), family(name), || {
                    format!("line {number}: expected `TYPE` before the samples, found `{suffix}` before it")
                });
        }
        if let Some(family) = self.described(name, "TYPE", |family| family.kind.is_some()) {
            family.kind = Some(kind);
        }
    }

    fn unit(&mut self, name: &'a str, unit: &'a str) {
        if let Some(family) = self.described(name, "UNIT", |family| family.unit.is_some()) {
            family.unit = Some(unit);
        }
    }

    fn sample(&mut self, sample: Sample<'a>) {
        let format = self.page.format;
        let name = self.family_of(sample.name);
        let at = self.enter(name);
        let Some(found) = self.page.families.get_mut(at) else {
            return;
        };
        if !found.takes(sample.name, format) {
            let kind = found.kind();
            self.page
                .faults
                .add("wrong_suffix", format.strict(), family(name), || {
                    let names: Vec<String> = kind
                        .suffixes(format)
                        .iter()
                        .map(|suffix| format!("`{}{suffix}`", excerpt(name.as_bytes())))
                        .collect();
                    format!(
                        "line {}, column 1: expected {} in a {}, found `{}`",
                        sample.line,
                        names.join(", "),
                        kind.word(),
                        excerpt(sample.name.as_bytes())
                    )
                });
        }
        found.samples.push(sample);
        self.page.samples += 1;
    }

    /// The name of the family that a sample of this name belongs to.
    fn family_of(&self, name: &'a str) -> &'a str {
        let format = self.page.format;
        let current = self.current.and_then(|at| self.page.families.get(at));
        if let Some(family) = current.filter(|family| family.takes(name, format)) {
            return family.name;
        }
        if self.by_name.contains_key(name) {
            return name;
        }
        let declared = SUFFIXES.iter().find_map(|suffix| {
            let base = name.strip_suffix(suffix)?;
            let family = self.page.families.get(*self.by_name.get(base)?)?;
            family.takes(name, format).then_some(family.name)
        });
        declared.unwrap_or(name)
    }
}
