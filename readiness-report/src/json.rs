use std::io;

use readiness_core::Report;
use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

use crate::escape::{clip, is_treacherous, one_line};

/// The JSON Schema (draft 2020-12) of version 1 of the format: what [`to_json`] writes.
pub const SCHEMA: &str = include_str!("../schema/report-1.schema.json");

/// The JSON Schema of what [`to_json`] writes: [`SCHEMA`].
pub fn schema() -> &'static str {
    SCHEMA
}

/// Writes a report as JSON: indented, always in the same order, with a final newline.
///
/// Nothing is lost and nothing is added. Characters that can act on a terminal or turn the direction of
/// a text stand as `\u` escapes, so that printing the file is safe; they read back as they were.
pub fn to_json(report: &Report) -> String {
    let mut json = Vec::with_capacity(4096);
    let formatter = Harmless::default();
    let written = report.serialize(&mut serde_json::Serializer::with_formatter(&mut json, formatter));
    // Writing to memory does not fail, and every key of a report is a text.
    debug_assert!(written.is_ok(), "a report is JSON: {written:?}");
    json.push(b'\n');
    String::from_utf8(json).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads a report that [`to_json`] wrote.
///
/// Fields that this version does not know are passed over; a later version may have added them.
///
/// # Errors
/// [`ReadError`] where the text is no JSON or no report, with line and column, or where it is of another
/// version of the format.
pub fn from_json(text: &str) -> Result<Report, ReadError> {
    match serde_json::from_str::<Report>(text) {
        Ok(report) if report.schema_version == Report::SCHEMA_VERSION => Ok(report),
        Ok(report) => Err(ReadError::Version {
            found: report.schema_version,
        }),
        // Another version may well look different: then that is what to say.
        Err(error) => match serde_json::from_str::<Versioned>(text) {
            Ok(Versioned { schema_version }) if schema_version != Report::SCHEMA_VERSION => {
                Err(ReadError::Version {
                    found: schema_version,
                })
            }
            _ => Err(ReadError::malformed(&error)),
        },
    }
}

/// Why a text could not be read as a report.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is no JSON, or no report.
    #[error("no report at line {line}, column {column}: {message}")]
    #[non_exhaustive]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The column, from 1; 0 before the first character of a line.
        column: usize,
        /// What is wrong there, at most 300 characters.
        message: String,
    },
    /// It is a report of another version of the format.
    #[error(
        "the report has schema version {found}, and this program reads version {}; use the release that wrote it, or write it again",
        Report::SCHEMA_VERSION
    )]
    #[non_exhaustive]
    Version {
        /// The version it has.
        found: u32,
    },
}

impl ReadError {
    fn malformed(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        let message = text.strip_suffix(&place).unwrap_or(&text);
        // The message may quote the file, and the file may be anybody's.
        let message = clip(&one_line(message), 299).into_owned();
        Self::Malformed {
            line,
            column,
            message,
        }
    }
}

#[derive(Deserialize)]
struct Versioned {
    schema_version: u32,
}

/// Pretty JSON, indented by two, whose texts hold nothing that acts when printed.
#[derive(Default)]
struct Harmless {
    depth: usize,
    /// Whether the list or object being written holds something.
    has_value: bool,
}

impl Harmless {
    /// A new line, or a comma and one, and the indentation: in one piece, as most of a report is lines.
    fn line<W: ?Sized + io::Write>(&self, writer: &mut W, after_comma: bool) -> io::Result<()> {
        const LINE: &[u8] = b",\n                                ";
        const DEEPEST: usize = (LINE.len() - 2) / 2;
        let start = usize::from(!after_comma);
        let end = 2 + 2 * self.depth.min(DEEPEST);
        writer.write_all(LINE.get(start..end).unwrap_or_default())?;
        for _ in DEEPEST..self.depth {
            writer.write_all(b"  ")?;
        }
        Ok(())
    }

    fn begin<W: ?Sized + io::Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_value = false;
        writer.write_all(bracket)
    }

    fn end<W: ?Sized + io::Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(writer, false)?;
        }
        writer.write_all(bracket)
    }
}

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Most text is plain ASCII, and most of a large report is text.
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, found)) = rest.char_indices().find(|&(_, c)| is_treacherous(c)) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in found.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = from.get(found.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, !first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.begin(writer, b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.line(writer, !first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}
