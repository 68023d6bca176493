//! The XML of JUnit: elements with harmless attributes and texts, times as it wants them.

use quick_xml::{
    Writer,
    escape::partial_escape,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use readiness_core::Timestamp;

use crate::escape::{clip, lines, one_line};

/// Milliseconds as seconds with three decimals: what both schemas allow, and no float.
pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// The instant without a zone, as Ant's schema demands; it is UTC.
pub(super) fn local_timestamp(time: Timestamp) -> String {
    // The schema has years of four digits and no year 0; the last is the last that a `Timestamp` writes so.
    const FIRST: Timestamp = Timestamp::from_unix_seconds(-62_135_596_800);
    const LAST: Timestamp = Timestamp::from_unix_seconds(253_402_207_200);
    let mut text = time.clamp(FIRST, LAST).to_string();
    text.truncate(text.trim_end_matches('Z').len());
    text
}

/// quick-xml over memory. A write to memory does not fail, so its results are let go.
pub(super) struct Xml(Writer<Vec<u8>>);

impl Xml {
    pub(super) fn new() -> Self {
        let mut xml = Self(Writer::new_with_indent(Vec::with_capacity(4096), b' ', 2));
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    fn event(&mut self, event: Event<'_>) {
        let written = self.0.write_event(event);
        debug_assert!(written.is_ok(), "memory takes every byte: {written:?}");
    }

    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Start(start(name, attributes)));
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.event(Event::Empty(start(name, attributes)));
    }

    pub(super) fn close(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with nothing in it but text.
    pub(super) fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        /// Far more than a person reads; a file over 30 MB is refused by GitLab.
        const MOST: usize = 20_000;
        if text.is_empty() {
            return self.empty(name, attributes);
        }
        let text = lines(&clip(text, MOST));
        self.open(name, attributes);
        self.event(Event::Text(BytesText::from_escaped(partial_escape(text))));
        self.close(name);
    }

    pub(super) fn properties(&mut self, properties: &[(String, String)]) {
        self.open("properties", &[]);
        for (name, value) in properties {
            self.empty("property", &[("name", name), ("value", value)]);
        }
        self.close("properties");
    }

    pub(super) fn finish(self) -> String {
        let mut text = String::from_utf8_lossy(&self.0.into_inner()).into_owned();
        text.push('\n');
        text
    }
}

/// An element whose attributes are each one harmless line.
fn start<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    const MOST: usize = 2_000;
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        let value = one_line(&clip(value, MOST));
        start.push_attribute((*name, value.as_str()));
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_seconds_with_three_decimals() {
        for (ms, text) in [
            (0, "0.000"),
            (1, "0.001"),
            (999, "0.999"),
            (1000, "1.000"),
            (61_010, "61.010"),
            (u64::MAX, "18446744073709551.615"),
        ] {
            assert_eq!(seconds(ms), text);
        }
    }

    #[test]
    fn a_timestamp_has_no_zone_and_a_year_of_four_digits() {
        let at = |seconds| local_timestamp(Timestamp::from_unix_seconds(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00");
        assert_eq!(at(253_402_207_199), "9999-12-30T21:59:59");
        for last in [253_402_207_200, 253_402_207_201, 253_402_300_800, i64::MAX] {
            assert_eq!(at(last), "9999-12-30T22:00:00");
        }
        assert_eq!(at(-62_135_596_800), "0001-01-01T00:00:00");
        assert_eq!(at(-62_135_596_801), "0001-01-01T00:00:00");
        for odd in [i64::MIN, -999_999_999_999_999_999, -63_000_000_000] {
            assert_eq!(at(odd), "0001-01-01T00:00:00");
        }
    }
}
