use std::{
    cell::RefCell,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::{Serializer, Value, ser::Formatter};
use sha2::{Digest as _, Sha256};

use super::Digest;

/// Digests canonical JSON, keys sorted and no spaces, piece by piece: no tree is made of large values.
#[derive(Debug, Default)]
pub(super) struct Canonical {
    hash: Sha256,
    buffer: Buffer,
    /// Where the entries of each object begin that is not closed yet.
    entries: Vec<usize>,
}

impl Canonical {
    /// Adds text that is canonical already.
    pub(super) fn text(&mut self, text: &str) {
        self.hash.update(text);
    }

    /// Adds any value.
    pub(super) fn value(&mut self, value: &Value) {
        let mut text = String::new();
        write_value(value, &mut text);
        self.text(&text);
    }

    /// Adds something whose keys are names of fields: letters, digits and `_`.
    pub(super) fn fields(&mut self, value: &impl Serialize) {
        self.buffer.0.borrow_mut().clear();
        self.entries.clear();
        let formatter = SortedKeys {
            buffer: &self.buffer,
            entries: &mut self.entries,
            open: Vec::new(),
        };
        let written = value.serialize(&mut Serializer::with_formatter(&self.buffer, formatter));
        debug_assert!(written.is_ok(), "what a report holds is JSON: {written:?}");
        self.hash.update(&*self.buffer.0.borrow());
    }

    pub(super) fn finish(self) -> Digest {
        Digest::of_hash(&self.hash.finalize())
    }
}

/// What is being written. The serializer appends to it while the formatter sorts what is complete.
#[derive(Debug, Default)]
struct Buffer(RefCell<Vec<u8>>);

impl Buffer {
    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Write for &Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compact JSON that sorts the keys of each object when it ends.
struct SortedKeys<'a> {
    buffer: &'a Buffer,
    entries: &'a mut Vec<usize>,
    /// For each open object, how many entries stood before it.
    open: Vec<usize>,
}

impl Formatter for SortedKeys<'_> {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open.push(self.entries.len());
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.entries.push(self.buffer.len());
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if let Some(before) = self.open.pop() {
            let starts = self.entries.get(before..).unwrap_or_default();
            sort(&mut self.buffer.0.borrow_mut(), starts);
            self.entries.truncate(before);
        }
        writer.write_all(b"}")
    }
}

/// Sorts the entries at the end of this text, given where each begins; a comma stands between them.
///
/// Entries are compared as they stand. That is the order of their keys, as a key is told from a longer one
/// by its closing quote, which is less than every character of a field's name.
fn sort(text: &mut Vec<u8>, starts: &[usize]) {
    let Some(&first) = starts.first() else { return };
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([text.len()]);
    let entries = || {
        let ranges = starts.iter().zip(ends.clone());
        ranges.filter_map(|(&start, end)| text.get(start..end))
    };
    if entries().is_sorted() {
        return;
    }
    let mut entries: Vec<&[u8]> = entries().collect();
    entries.sort_unstable();
    let sorted = entries.join(&b","[..]);
    text.truncate(first);
    text.extend(sorted);
}

/// Writes a value as canonical JSON.
///
/// serde_json keeps keys sorted or as they came, depending on a feature any crate of the build may turn on.
pub(super) fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write_value(value, text);
            }
            text.push('}');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Finding, Measure, Outcome, Reason, Unit, outcome::Cause};

    #[test]
    fn canonical_json_sorts_keys_at_every_depth() {
        let value: Value = serde_json::from_str(r#"{"b":[{"z":1,"y":"\""}],"a":null}"#).unwrap();
        let mut text = String::new();
        write_value(&value, &mut text);
        assert_eq!(text, r#"{"a":null,"b":[{"y":"\"","z":1}]}"#);
    }

    #[test]
    fn both_ways_give_the_same_bytes() {
        #[derive(Serialize)]
        struct Odd {
            b: Vec<Option<Odd>>,
            ab: u8,
            a: &'static str,
            a_b: (),
        }
        let odd = |b| Odd {
            b,
            ab: 7,
            a: "}\",{\"z\":\u{1}ü",
            a_b: (),
        };
        let cause = Cause::new("address of db", Reason::DNS_NXDOMAIN, "`db` does not exist");
        let outcome = Outcome::dependency_failed(cause)
            .evidence("nameserver", "127.0.0.1:53")
            .measure(Measure::new("size", -1, Unit::Bytes).at_most(1, 2))
            .finding(
                Finding::fail("x", "y")
                    .subject("z")
                    .evidence("b", "a")
                    .remedy("do it"),
            );
        let same = |value: Value, digest: Digest| assert_eq!(Digest::of_json(&value), digest, "{value}");
        let nested = odd(vec![None, Some(odd(vec![])), Some(odd(vec![Some(odd(vec![]))]))]);
        same(serde_json::to_value(&nested).unwrap(), of(&nested));
        same(serde_json::to_value(&outcome).unwrap(), of(&outcome));
        same(Value::Null, of(&()));
        same(
            serde_json::json!({}),
            of(&std::collections::BTreeMap::<&str, u8>::new()),
        );
    }

    fn of(value: &impl Serialize) -> Digest {
        let mut canonical = Canonical::default();
        canonical.fields(value);
        canonical.finish()
    }
}
