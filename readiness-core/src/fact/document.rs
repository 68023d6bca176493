use serde::{Deserialize, Serialize};

/// What an HTML document says about itself and what it loads, as its parser sees it. HTML, section 13.2.
///
/// It is made from the body where the body is read, so that no recording holds the page itself. Query values
/// in URLs are redacted. Each list holds [`Document::MOST_ENTRIES`] at most.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Document {
    /// The text of the first `title`, without blanks at its ends.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The `href` of the first `base` that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The `meta` elements in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metas: Vec<Meta>,
    /// The elements that load something or send something somewhere, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<Resource>,
    /// How many scripts stand in the page itself.
    #[serde(default)]
    pub inline_scripts: u32,
    /// Whether all of the document was read, and every list is whole.
    #[serde(default)]
    pub is_complete: bool,
}

impl Document {
    /// How many entries each list holds at most.
    pub const MOST_ENTRIES: usize = 1000;

    /// An empty document, read to its end.
    pub fn new() -> Self {
        Self {
            is_complete: true,
            ..Self::default()
        }
    }
}

/// One `meta` element.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Meta {
    /// `http-equiv` in lower case; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub http_equiv: String,
    /// `name` in lower case; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `content` as it stands.
    #[serde(default)]
    pub content: String,
    /// Whether it stands in the `head`; a policy elsewhere has no effect (CSP3, section 3.3).
    #[serde(default)]
    pub is_in_head: bool,
}

impl Meta {
    /// `<meta http-equiv=… content=…>` in the head.
    pub fn http_equiv(name: &str, content: impl Into<String>) -> Self {
        Self {
            http_equiv: name.to_ascii_lowercase(),
            content: content.into(),
            is_in_head: true,
            ..Self::default()
        }
    }

    /// `<meta name=… content=…>` in the head.
    pub fn named(name: &str, content: impl Into<String>) -> Self {
        Self {
            name: name.to_ascii_lowercase(),
            content: content.into(),
            is_in_head: true,
            ..Self::default()
        }
    }
}

/// One element that loads something, or sends something somewhere.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Resource {
    /// The element in lower case: `script`, `link`, `img`, `iframe`, `form`, …
    pub element: String,
    /// `rel` of a `link`, in lower case; empty for other elements.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rel: String,
    /// What it is loaded as, in lower case: `as` of a `link`, `module` for a module script, `imageset` for an
    /// image with a `srcset`; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The URL as it stands in the page, query values redacted.
    pub url: String,
    /// `integrity` as it stands; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<String>,
    /// `crossorigin` in lower case; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cross_origin: Option<String>,
}

impl Resource {
    /// An element that names this URL.
    pub fn new(element: &str, url: impl Into<String>) -> Self {
        Self {
            element: element.to_ascii_lowercase(),
            url: url.into(),
            ..Self::default()
        }
    }

    /// Gives it a `rel`.
    pub fn rel(mut self, rel: &str) -> Self {
        self.rel = rel.to_ascii_lowercase();
        self
    }

    /// Says what it is loaded as.
    pub fn kind(mut self, kind: &str) -> Self {
        self.kind = kind.to_ascii_lowercase();
        self
    }

    /// Gives it an `integrity`.
    pub fn integrity(mut self, metadata: impl Into<String>) -> Self {
        self.integrity = Some(metadata.into());
        self
    }

    /// Gives it a `crossorigin`.
    pub fn cross_origin(mut self, mode: &str) -> Self {
        self.cross_origin = Some(mode.to_ascii_lowercase());
        self
    }
}
