use super::{
    super::syntax::{excerpt, split_unquoted, trim, unquote},
    faults::Weight,
};

/// Which of the two text formats a page is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus text format 0.0.4.
    Text,
}

impl Format {
    /// The weight of what the format forbids and Prometheus takes all the same where it is the older one.
    pub(super) fn strict(self) -> Weight {
        match self {
            Self::OpenMetrics => Weight::Fail,
            Self::Text => Weight::Warn,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OpenMetrics => "OpenMetrics 1.0",
            Self::Text => "text format 0.0.4",
        }
    }
}

/// What a `Content-Type` says, or which finding it makes: a code and what is wrong.
pub(super) fn of_content_type(value: Option<&[u8]>) -> Result<Format, (&'static str, String)> {
    const WANTED: &str = "expected `application/openmetrics-text; version=1.0.0; charset=utf-8` or `text/plain; \
                          version=0.0.4`";
    let Some(value) = value.map(trim).filter(|value| !value.is_empty()) else {
        return Err(("no_content_type", format!("{WANTED}, found no `Content-Type`")));
    };
    let unknown = || {
        let message = format!("{WANTED}, found `{}`", excerpt(value));
        ("unknown_content_type", message)
    };
    let mut parts = split_unquoted(value, b';')
        .into_iter()
        .map(|(_, part)| trim(part));
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let (mut version, mut charset) = (None, None);
    for part in parts {
        let Some(equals) = part.iter().position(|&byte| byte == b'=') else {
            continue;
        };
        let (name, value) = part.split_at(equals);
        let value = trim(value.get(1..).unwrap_or_default());
        let value = unquote(value)
            .unwrap_or_else(|| value.to_vec())
            .to_ascii_lowercase();
        match trim(name).to_ascii_lowercase().as_slice() {
            b"version" => version = Some(value),
            b"charset" => charset = Some(value),
            _ => {}
        }
    }
    if charset.is_some_and(|charset| charset != b"utf-8") {
        return Err(unknown());
    }
    match (essence.as_slice(), version.as_deref()) {
        (b"application/openmetrics-text", None | Some(b"1.0.0" | b"0.0.1")) => Ok(Format::OpenMetrics),
        (b"text/plain", None | Some(b"0.0.4")) => Ok(Format::Text),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_types_are_told_from_others() {
        use Format::{OpenMetrics, Text};
        for (value, wanted) in [
            (
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                Some(OpenMetrics),
            ),
            (
                "application/openmetrics-text;version=0.0.1;charset=utf-8",
                Some(OpenMetrics),
            ),
            ("Application/OpenMetrics-Text", Some(OpenMetrics)),
            (
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
                Some(Text),
            ),
            ("text/plain", Some(Text)),
            ("text/plain; version=\"0.0.4\"", Some(Text)),
            ("text/plain; charset=iso-8859-1", None),
            ("text/plain; version=0.0.3", None),
            ("application/openmetrics-text; version=2.0.0", None),
            ("application/vnd.google.protobuf", None),
            ("text/html; charset=utf-8", None),
            ("", None),
            (";", None),
        ] {
            assert_eq!(of_content_type(Some(value.as_bytes())).ok(), wanted, "{value}");
        }
        assert_eq!(of_content_type(None).unwrap_err().0, "no_content_type");
        for value in crate::http::samples::hostile() {
            assert!(of_content_type(Some(&value)).is_err());
        }
    }
}
