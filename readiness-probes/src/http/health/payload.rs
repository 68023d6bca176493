//! Recognises what a health endpoint says, whatever software says it.

use serde_json::{Map, Value};

use super::{HealthFormat, body::Read, inadarei, json, spring, text};

/// The most components that are kept; the failing ones are kept first.
pub(super) const MOST_COMPONENTS: usize = 60;
const MOST_CHARACTERS: usize = 80;

/// What is said of a service or a part of it. Ordered from worst to best.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Verdict {
    Fail,
    Unknown,
    Warn,
    Pass,
}

/// One named part of a service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Component {
    pub(super) name: String,
    /// `None` where it is shown and not counted: excluded, or without a status.
    pub(super) verdict: Option<Verdict>,
    /// Its own word for it.
    pub(super) said: String,
    /// What kind of part it is, where the payload tells: `datastore`.
    pub(super) kind: Option<String>,
    /// How long its check took, as the payload writes it.
    pub(super) duration: Option<String>,
}

impl Component {
    pub(super) fn new(name: &str, verdict: Option<Verdict>, said: &str) -> Self {
        Self {
            name: capped(name),
            verdict,
            said: capped(said),
            kind: None,
            duration: None,
        }
    }
}

/// What a word means beyond well and not well.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// A word of the service's own.
    Custom,
    /// It ends, and lets what is under way come to its end.
    Draining,
    /// Taken out of service on purpose.
    Maintenance,
}

/// What a recognised payload says.
///
/// Descriptions, errors and data are not kept: they hold exception texts and connection strings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Health {
    pub(super) format: HealthFormat,
    pub(super) verdict: Verdict,
    /// Its own word for it.
    pub(super) said: String,
    /// The worst first, then by name.
    pub(super) components: Vec<Component>,
    /// How many more there were.
    pub(super) left_out: usize,
    /// Whether there is a list of components, be it an empty one.
    pub(super) has_list: bool,
    pub(super) meaning: Option<Meaning>,
    /// Where it does not keep to its format and is plain enough, in words.
    pub(super) deviations: Vec<String>,
}

impl Health {
    pub(super) fn new(format: HealthFormat, verdict: Verdict, said: &str) -> Self {
        Self {
            format,
            verdict,
            said: capped(said),
            components: Vec::new(),
            left_out: 0,
            has_list: false,
            meaning: None,
            deviations: Vec::new(),
        }
    }

    /// Says that the payload has a list of components, if it has one.
    pub(super) fn with_list(mut self, has_list: bool) -> Self {
        self.has_list = has_list;
        self
    }

    pub(super) fn meaning(mut self, meaning: Option<Meaning>) -> Self {
        self.meaning = meaning;
        self
    }

    /// Takes the components, sorted, as many as are kept.
    pub(super) fn components(mut self, mut components: Vec<Component>) -> Self {
        components.sort_by(|a, b| {
            let key = |c: &Component| c.verdict.unwrap_or(Verdict::Pass);
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        self.left_out = components.len().saturating_sub(MOST_COMPONENTS);
        components.truncate(MOST_COMPONENTS);
        self.components = components;
        self
    }

    /// Whether the whole says better than a part of it, or, where the format demands that the worst
    /// part decides, worse than all of them.
    ///
    /// What `is_optional` says of may be down.
    pub(super) fn contradicts_itself(&self, is_optional: impl Fn(&str) -> bool) -> bool {
        let counts = |component: &&Component| !is_optional(&component.name);
        let mut counted = self
            .components
            .iter()
            .filter(counts)
            .filter_map(|component| component.verdict);
        let worst = counted.clone().min();
        let any_fails = counted.any(|verdict| verdict == Verdict::Fail);
        let worst_decides = matches!(self.format, HealthFormat::MicroProfile | HealthFormat::Spring);
        match self.verdict {
            Verdict::Pass => any_fails,
            Verdict::Fail => worst_decides && worst.is_some_and(|worst| worst > Verdict::Unknown),
            Verdict::Unknown | Verdict::Warn => false,
        }
    }
}

/// What a body is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Payload {
    /// It begins as JSON and is none; the parser says where.
    BrokenJson(String),
    Empty,
    Health(Health),
    /// A page for people.
    Html,
    /// Something else.
    Unrecognised,
}

/// A body made ready for the formats.
pub(super) struct Body<'a> {
    pub(super) status: u16,
    /// The content type without its parameters, in lower case.
    pub(super) essence: &'a str,
    pub(super) text: &'a str,
    /// How long the body is, with the white space around it.
    pub(super) bytes: usize,
    pub(super) json: Option<&'a Value>,
    /// Whether this format was asked for, and no other.
    pub(super) is_expected: bool,
}

impl Body<'_> {
    pub(super) fn object(&self) -> Option<&Map<String, Value>> {
        self.json?.as_object()
    }
}

type Reader = fn(&Body<'_>) -> Option<Health>;

/// The first that recognises a body wins: the strict formats come before those that take much.
const FORMATS: [(HealthFormat, Reader); 12] = [
    (HealthFormat::Kubernetes, text::kubernetes),
    (HealthFormat::TextOk, text::ok),
    (HealthFormat::AspnetText, text::aspnet),
    (HealthFormat::Aspnet, json::aspnet),
    (HealthFormat::MicroProfile, spring::microprofile),
    (HealthFormat::Spring, spring::spring),
    (HealthFormat::Terminus, json::terminus),
    (HealthFormat::Alexliesenfeld, json::alexliesenfeld),
    (HealthFormat::HealthGo, json::health_go),
    (HealthFormat::Goss, json::goss),
    (HealthFormat::Inadarei, inadarei::inadarei),
    (HealthFormat::Generic, json::generic),
];

/// Recognises a body of so many bytes that was read; `expected` asks one format alone.
pub(super) fn recognise_read(
    status: u16,
    content_type: &str,
    bytes: usize,
    read: &Read<'_>,
    expected: Option<HealthFormat>,
) -> Payload {
    if read.text.is_empty() {
        return Payload::Empty;
    }
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let body = Body {
        status,
        essence: &essence,
        text: &read.text,
        bytes,
        json: read.json.as_ref().and_then(|json| json.as_ref().ok()),
        is_expected: expected.is_some(),
    };
    let by_type = match &*essence {
        inadarei::CONTENT_TYPE => Some(HealthFormat::Inadarei),
        _ if spring::is_content_type(&essence) => Some(HealthFormat::Spring),
        _ => None,
    };
    let asked = |format: &HealthFormat| expected.is_none_or(|expected| expected == *format);
    let first = FORMATS.iter().filter(|(format, _)| by_type == Some(*format));
    let found = first
        .chain(&FORMATS)
        .filter(|(format, _)| asked(format))
        .find_map(|(_, reader)| reader(&body));
    if let Some(health) = found {
        return Payload::Health(health);
    }
    if is_html(&essence, &read.text) {
        return Payload::Html;
    }
    match &read.json {
        Some(Err(problem)) if read.text.starts_with('{') || essence.ends_with("json") => {
            Payload::BrokenJson(problem.clone())
        }
        _ => Payload::Unrecognised,
    }
}

fn is_html(essence: &str, text: &str) -> bool {
    let begins = |tag: &str| {
        text.get(..tag.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(tag))
    };
    let is_declared = matches!(essence, "text/html" | "application/xhtml+xml");
    begins("<!doctype html") || begins("<html") || (is_declared && text.starts_with('<'))
}

/// A text of the peer, short and without control characters.
pub(super) fn capped(text: &str) -> String {
    let mut capped: String = text
        .chars()
        .take(MOST_CHARACTERS)
        .map(|c| if c.is_control() || c == '`' { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        capped.push('…');
    }
    capped
}

#[cfg(test)]
mod tests;
