//! What one element tells: metadata, what it loads, where it sends something.

use html5ever::{Attribute, QualName, ns};
use readiness_core::{
    fact::{Document, Meta, Resource},
    redact::REDACTED,
};

use crate::live::redact;

/// The attributes that are read, or that the parser goes by.
pub(super) const KEPT: [&str; 20] = [
    "action",
    "as",
    "content",
    "crossorigin",
    "data",
    "encoding",
    "formaction",
    "href",
    "http-equiv",
    "imagesrcset",
    "integrity",
    "language",
    "name",
    "poster",
    "rel",
    SHADOW_ROOT,
    "src",
    "srcset",
    "type",
    "xlink:href",
];
pub(super) const SHADOW_ROOT: &str = "shadowrootmode";

const MOST_URL_BYTES: usize = 2 * 1024;
const MOST_CONTENT_BYTES: usize = 8 * 1024;
const MOST_INTEGRITY_BYTES: usize = 1024;
const MOST_WORD_BYTES: usize = 256;

/// The relations of a `link` that load something.
const LOADING: [&str; 9] = [
    "apple-touch-icon",
    "apple-touch-icon-precomposed",
    "icon",
    "manifest",
    "mask-icon",
    "modulepreload",
    "prefetch",
    "preload",
    "stylesheet",
];

/// The names of metadata that say something to everybody. Others may hold a token against forged requests.
const PUBLIC_NAMES: [&str; 12] = [
    "application-name",
    "author",
    "color-scheme",
    "description",
    "format-detection",
    "generator",
    "googlebot",
    "keywords",
    "referrer",
    "robots",
    "theme-color",
    "viewport",
];

/// What an element tells, as it stands in the page.
#[derive(Default)]
pub(super) struct Entries {
    base: Option<String>,
    meta: Option<Meta>,
    resources: Vec<Resource>,
}

/// What the text in an element is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Text {
    None,
    Script,
    Title,
}

impl Entries {
    /// What an element tells, and what its text is for.
    pub(super) fn of(name: &QualName, attributes: &[Attribute]) -> (Option<Self>, Text) {
        let element = Element {
            name: &name.local,
            attributes,
        };
        let mut entries = Self::default();
        let mut text = Text::None;
        if name.ns == ns!(html) {
            text = entries.of_html(&element);
        } else if name.ns == ns!(svg) {
            text = entries.of_svg(&element);
        }
        let tells = entries.base.is_some() || entries.meta.is_some() || !entries.resources.is_empty();
        (tells.then_some(entries), text)
    }

    fn of_html(&mut self, element: &Element<'_>) -> Text {
        match element.name {
            "title" => return Text::Title,
            "base" => self.base = element.text("href").map(str::to_owned),
            "meta" => self.meta = element.meta(),
            "script" => return self.of_script(element, element.text("src")),
            "link" => self.of_link(element),
            "img" | "source" => {
                let start = self.resources.len();
                self.load(element, "src");
                self.load_set(element, "srcset");
                // HTML, section 4.8.4.3.6: what comes of a set is asked for in another way than one image.
                if element.text("srcset").is_some() {
                    for resource in self.resources.iter_mut().skip(start) {
                        resource.kind = "imageset".to_owned();
                    }
                }
            }
            "audio" | "embed" | "frame" | "iframe" | "track" => self.load(element, "src"),
            "video" => {
                self.load(element, "src");
                self.load(element, "poster");
            }
            "object" => self.load(element, "data"),
            "form" => self.send(element, "action"),
            "button" => self.send(element, "formaction"),
            "input" => {
                let is_image = element
                    .text("type")
                    .is_some_and(|kind| kind.eq_ignore_ascii_case("image"));
                if is_image {
                    self.load(element, "src");
                }
                self.send(element, "formaction");
            }
            _ => {}
        }
        Text::None
    }

    fn of_svg(&mut self, element: &Element<'_>) -> Text {
        match element.name {
            "script" => return self.of_script(element, element.text("href")),
            "image" | "feImage" | "use" => self.load(element, "href"),
            _ => {}
        }
        Text::None
    }

    /// HTML, section 4.12.1.1, "prepare the script element".
    fn of_script(&mut self, element: &Element<'_>, source: Option<&str>) -> Text {
        let Some(kind) = element.script_kind() else {
            return Text::None;
        };
        let Some(source) = source else {
            return Text::Script;
        };
        if !matches!(kind.as_str(), "importmap" | "speculationrules") {
            let mut resource = element.resource(source);
            resource.kind = kind;
            self.resources.push(resource);
        }
        Text::None
    }

    fn of_link(&mut self, element: &Element<'_>) {
        let rel = element.text("rel").unwrap_or_default().to_ascii_lowercase();
        let words: Vec<&str> = rel.split_ascii_whitespace().collect();
        if !words.iter().any(|word| LOADING.contains(word)) {
            return;
        }
        let start = self.resources.len();
        self.load(element, "href");
        self.load_set(element, "imagesrcset");
        let kind = element.text("as").unwrap_or_default().trim().to_ascii_lowercase();
        for resource in self.resources.iter_mut().skip(start) {
            resource.rel = words.join(" ");
            resource.kind.clone_from(&kind);
        }
    }

    fn load(&mut self, element: &Element<'_>, attribute: &str) {
        if let Some(url) = element.text(attribute).filter(|url| !url.trim().is_empty()) {
            self.resources.push(element.resource(url));
        }
    }

    fn load_set(&mut self, element: &Element<'_>, attribute: &str) {
        let urls = urls_of_set(element.text(attribute).unwrap_or_default());
        self.resources
            .extend(urls.into_iter().map(|url| element.resource(url)));
    }

    fn send(&mut self, element: &Element<'_>, attribute: &str) {
        if let Some(url) = element.text(attribute).filter(|url| !url.trim().is_empty()) {
            self.resources.push(Resource::new("form", url));
        }
    }

    /// Puts it into the document: scrubbed, redacted, cut, and as far as there is room.
    pub(super) fn tell(
        self,
        document: &mut Document,
        scrub: &dyn Fn(&str) -> String,
        room: &mut usize,
        is_in_head: bool,
    ) {
        if let Some(base) = self.base.filter(|_| document.base.is_none()) {
            document.base = Some(url(&scrub(&base)));
        }
        if let Some(mut meta) = self.meta {
            meta.is_in_head = is_in_head;
            let is_cut = meta.content.len() > MOST_CONTENT_BYTES;
            meta.content = cut(content(&meta, scrub), MOST_CONTENT_BYTES);
            meta.http_equiv = word(&scrub(&meta.http_equiv));
            meta.name = word(&scrub(&meta.name));
            let size = meta.content.len() + meta.http_equiv.len() + meta.name.len();
            let has_room = document.metas.len() < Document::MOST_ENTRIES && take(room, size);
            document.is_complete &= has_room && !is_cut;
            if has_room {
                document.metas.push(meta);
            }
        }
        for mut resource in self.resources {
            // What is not kept need not be made.
            if document.resources.len() == Document::MOST_ENTRIES {
                document.is_complete = false;
                return;
            }
            resource.url = url(&scrub(&resource.url));
            resource.rel = word(&scrub(&resource.rel));
            resource.kind = word(&scrub(&resource.kind));
            resource.integrity = resource
                .integrity
                .map(|metadata| cut(scrub(&metadata), MOST_INTEGRITY_BYTES));
            resource.cross_origin = resource.cross_origin.map(|mode| word(&scrub(&mode)));
            let size = resource.url.len() + resource.integrity.as_deref().map_or(0, str::len);
            if take(room, size + resource.rel.len() + resource.kind.len()) {
                document.resources.push(resource);
            } else {
                document.is_complete = false;
            }
        }
    }
}

struct Element<'a> {
    name: &'a str,
    attributes: &'a [Attribute],
}

impl Element<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|attribute| &*attribute.name.local == name)
            .map(|attribute| &*attribute.value)
    }

    fn resource(&self, url: &str) -> Resource {
        let mut resource = Resource::new(self.name, url);
        resource.integrity = self.text("integrity").map(str::to_owned);
        resource.cross_origin = self.text("crossorigin").map(str::to_ascii_lowercase);
        resource
    }

    fn meta(&self) -> Option<Meta> {
        let content = self.text("content").unwrap_or_default();
        let name = self.text("name").unwrap_or_default().trim();
        let mut meta = Meta::named(name, content);
        meta.http_equiv = self
            .text("http-equiv")
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        (!meta.name.is_empty() || !meta.http_equiv.is_empty()).then_some(meta)
    }

    /// What kind of script it is: empty for a classic one, `None` where browsers run nothing.
    fn script_kind(&self) -> Option<String> {
        let kind = match (self.text("type"), self.text("language")) {
            (Some(kind), _) => kind.trim().to_ascii_lowercase(),
            (None, Some("") | None) => String::new(),
            (None, Some(language)) => format!("text/{}", language.to_ascii_lowercase()),
        };
        match kind.as_str() {
            "importmap" | "module" | "speculationrules" => Some(kind),
            _ if kind.is_empty() || SCRIPT_TYPES.contains(&kind.as_str()) => Some(String::new()),
            _ => None,
        }
    }
}

/// MIME Sniffing, section 4.6, "JavaScript MIME type".
const SCRIPT_TYPES: [&str; 16] = [
    "application/ecmascript",
    "application/javascript",
    "application/x-ecmascript",
    "application/x-javascript",
    "text/ecmascript",
    "text/javascript",
    "text/javascript1.0",
    "text/javascript1.1",
    "text/javascript1.2",
    "text/javascript1.3",
    "text/javascript1.4",
    "text/javascript1.5",
    "text/jscript",
    "text/livescript",
    "text/x-ecmascript",
    "text/x-javascript",
];

/// The URLs of a set of images. HTML, section 4.8.4.3.10, "parse a srcset attribute".
fn urls_of_set(set: &str) -> Vec<&str> {
    let mut urls = Vec::new();
    let mut rest = set;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() || urls.len() > Document::MOST_ENTRIES {
            return urls;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        let bare = url.trim_end_matches(',');
        urls.push(bare);
        rest = after;
        if bare.len() == url.len() {
            // Descriptors reach to the next comma outside parentheses.
            let mut depth = 0_u32;
            let end = rest.find(|c: char| {
                match c {
                    '(' => depth = 1,
                    ')' => depth = 0,
                    _ => {}
                }
                c == ',' && depth == 0
            });
            rest = rest.get(end.unwrap_or(rest.len())..).unwrap_or_default();
        }
    }
}

/// A URL as it may be kept. What stands in the URL itself, data and scripts, is left out.
fn url(text: &str) -> String {
    // As URLs are read: URL, section 4.4, "remove all ASCII tab or newline".
    let text: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, '\t' | '\n' | '\r'))
        .collect();
    let scheme = text.split(':').next().unwrap_or_default();
    if scheme.eq_ignore_ascii_case("data") {
        let end = text.find(',').map_or(text.len(), |at| at + 1);
        return cut(text.get(..end).unwrap_or_default().to_owned(), MOST_WORD_BYTES);
    }
    if scheme.eq_ignore_ascii_case("javascript") {
        return "javascript:".to_owned();
    }
    cut(redact::shown_url(&text), MOST_URL_BYTES)
}

fn content(meta: &Meta, scrub: &dyn Fn(&str) -> String) -> String {
    let text = meta.content.as_str();
    match (meta.http_equiv.as_str(), meta.name.as_str()) {
        _ if text.is_empty() => String::new(),
        ("refresh", _) => redact::shown_refresh(&scrub(text)),
        (name, _) if name.starts_with("content-security-policy") => redact::shown_policy(&scrub(text)),
        ("set-cookie", _) => REDACTED.to_owned(),
        ("", name) if !PUBLIC_NAMES.contains(&name) => REDACTED.to_owned(),
        _ => scrub(text),
    }
}

fn word(text: &str) -> String {
    cut(text.to_owned(), MOST_WORD_BYTES)
}

/// The text cut at a character, so that at most so many bytes stay.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let mut end = most;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

fn take(room: &mut usize, size: usize) -> bool {
    match room.checked_sub(size) {
        Some(left) => {
            *room = left;
            true
        }
        None => false,
    }
}
