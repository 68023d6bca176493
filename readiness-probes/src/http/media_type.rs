//! Media types: what a response says it is, and what browsers make of that.

use readiness_core::fact::Exchange;

use super::syntax::{is_token, split_unquoted, trim};

/// The media type without parameters, in lower case: the last one that parses. Fetch, "extract a MIME type".
pub(crate) fn media_type(exchange: &Exchange) -> Option<String> {
    let mut lines = exchange.all("content-type");
    let first = lines.next()?;
    // Every header probe asks, and hardly ever is there a list.
    if lines.next().is_none() && !first.contains(&b',') {
        return essence_of(first);
    }
    let joined = exchange.joined("content-type")?;
    split_unquoted(&joined, b',')
        .into_iter()
        .rev()
        .find_map(|(_, part)| essence_of(part))
}

fn essence_of(part: &[u8]) -> Option<String> {
    let essence = trim(part.split(|&byte| byte == b';').next().unwrap_or_default());
    let slash = essence.iter().position(|&byte| byte == b'/')?;
    let (kind, rest) = essence.split_at_checked(slash)?;
    let subtype = rest.get(1..)?;
    (is_token(kind) && is_token(subtype) && essence != b"*/*")
        .then(|| String::from_utf8_lossy(essence).to_ascii_lowercase())
}

/// Whether a browser shows it as an HTML document.
pub(crate) fn is_html(exchange: &Exchange) -> bool {
    media_type(exchange).is_some_and(|essence| is_html_type(&essence))
}

/// Whether a browser that is sent there makes a document of it and runs the scripts in it: HTML, and XML of any
/// kind, which can hold elements of XHTML and SVG. HTML, section 7.5.3.
pub(crate) fn is_document(exchange: &Exchange) -> bool {
    media_type(exchange).is_some_and(|essence| is_html_type(&essence) || is_xml_type(&essence))
}

/// MIME Sniffing, section 4.6, "XML MIME type".
fn is_xml_type(essence: &str) -> bool {
    matches!(essence, "application/xml" | "text/xml") || essence.ends_with("+xml")
}

/// Whether a browser takes it for a script or a style sheet.
pub(crate) fn is_script_or_style(exchange: &Exchange) -> bool {
    media_type(exchange).is_some_and(|essence| essence == "text/css" || is_script_type(&essence))
}

/// The types of HTML, in lower case.
pub(crate) fn is_html_type(essence: &str) -> bool {
    matches!(essence, "text/html" | "application/xhtml+xml")
}

/// MIME Sniffing, section 4.6, "JavaScript MIME type".
pub(crate) fn is_script_type(essence: &str) -> bool {
    matches!(
        essence,
        "application/ecmascript"
            | "application/javascript"
            | "application/x-ecmascript"
            | "application/x-javascript"
            | "text/ecmascript"
            | "text/javascript"
            | "text/javascript1.0"
            | "text/javascript1.1"
            | "text/javascript1.2"
            | "text/javascript1.3"
            | "text/javascript1.4"
            | "text/javascript1.5"
            | "text/jscript"
            | "text/livescript"
            | "text/x-ecmascript"
            | "text/x-javascript"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_media_type_that_parses_counts() {
        let of = |values: &[&str]| {
            media_type(&Exchange::new(
                200,
                values.iter().map(|value| ("content-type", *value)),
            ))
        };
        assert_eq!(of(&["text/html"]).as_deref(), Some("text/html"));
        assert_eq!(
            of(&["text/html", "application/json"]).as_deref(),
            Some("application/json")
        );
        assert_eq!(of(&["text/html, nonsense"]).as_deref(), Some("text/html"));
        assert_eq!(of(&["text/html;x=\"a,text/css\""]).as_deref(), Some("text/html"));
        assert_eq!(of(&["text/plain, */*"]).as_deref(), Some("text/plain"));
        for wrong in ["", "/", "text/", "/html", "text html", "text/ht ml", "a/b/c"] {
            assert_eq!(of(&[wrong]), None, "{wrong}");
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn documents_are_told_from_data() {
        for (content_type, wanted) in [
            ("text/html", true),
            ("application/xhtml+xml", true),
            ("image/svg+xml", true),
            ("text/xml; charset=utf-8", true),
            ("Application/XML", true),
            ("application/atom+xml", true),
            ("application/json", false),
            ("application/xml-dtd", false),
            ("text/plain", false),
            ("image/png", false),
            ("", false),
        ] {
            let exchange = Exchange::new(200, [("content-type", content_type)]);
            assert_eq!(is_document(&exchange), wanted, "{content_type}");
        }
    }
}
