//! What an HTML page says about itself, read from its bytes. No I/O.

mod entries;
mod guard;
mod tag;
mod tree;

use std::panic::{AssertUnwindSafe, catch_unwind};

use readiness_core::fact::Document;

/// The most bytes of a page that are read.
pub(crate) const MOST_PAGE_BYTES: usize = 1024 * 1024;

/// Reads an HTML page as a browser with scripts parses it: what stands in a `noscript` or an inert `template`
/// is not loaded and not told. HTML, section 13.2.
///
/// Names and URLs of a page are ASCII in every encoding the web still uses but UTF-16, so all others are
/// read as UTF-8, with U+FFFD where they are none; of a page in UTF-16 nothing is told, and it is not
/// complete. XHTML is read as HTML. Query values in URLs are redacted, and so is the content of each `meta`
/// whose name does not say that it is public.
///
/// The first MiB is read. Time and memory grow with the length of the page alone: where elements nest deeper
/// than browsers build them, or one has more than 500 attributes, reading ends, and the document says that it
/// is not complete.
///
/// ```
/// let page = b"<!doctype html><title>Shop</title><script src=/app.js></script>";
/// let document = readiness_probes::live::read_document(page);
/// assert_eq!(document.title, "Shop");
/// assert_eq!(document.resources[0].url, "/app.js");
/// assert!(document.is_complete);
/// ```
pub fn read_document(html: &[u8]) -> Document {
    extract(html, str::to_owned)
}

/// [`read_document`], with each text passed through `scrub` before it is cut and kept.
pub(crate) fn extract(html: &[u8], scrub: impl Fn(&str) -> String) -> Document {
    let partial = |mut document: Document| {
        document.is_complete = false;
        document
    };
    if matches!(html, [0xfe, 0xff, ..] | [0xff, 0xfe, ..]) {
        return partial(Document::new());
    }
    let read = html.get(..html.len().min(MOST_PAGE_BYTES)).unwrap_or_default();
    let text = String::from_utf8_lossy(read);
    // The parser's own assertions are about every page there is; a page must not cost its headers their judgement.
    let parsed = catch_unwind(AssertUnwindSafe(|| guard::parse(&text, &scrub)));
    match parsed {
        Ok(document) if read.len() == html.len() => document,
        Ok(document) => partial(document),
        Err(_) => partial(Document::new()),
    }
}

#[cfg(test)]
mod tests;
