//! Which pages of a target the header probes judge.

use serde::{Deserialize, Deserializer, Serialize};

use super::applicability::{ResponseKind, check_status};
use crate::address::check_query;

/// The most pages of one target that a probe judges.
const MOST_PAGES: usize = 64;

/// One page of a target, and what is known of it beforehand.
///
/// In readiness.toml it is a path, or a table: `"/login"`, `{ path = "/api/v1", kind = "api" }`,
/// `{ path = "/gone", accept_status = [410] }`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Page {
    /// The path, begun with `/`; `None` is the target's own path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What kind of response it gives. By default it is told from what comes back, as [`Pages`] says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<ResponseKind>,
    /// Statuses (as numbers) that are the page, such as 401 or 503. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accept_status: Vec<u16>,
}

impl Page {
    /// The page at this path, which begins with `/`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: Some(path.into()),
            ..Self::default()
        }
    }

    /// Says what kind of response it gives.
    pub fn kind(mut self, kind: ResponseKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Takes these statuses for the page itself: a 401 of a log-in page, a 503 of a maintenance page.
    pub fn accept_status(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.accept_status.extend(statuses);
        self
    }

    /// Whether a response with this status was said to be the page.
    pub(crate) fn is_declared(&self, status: u16) -> bool {
        self.kind.is_some() || self.accept_status.contains(&status)
    }

    fn check(&self) -> Result<(), String> {
        if let Some(path) = &self.path {
            if !path.starts_with('/') {
                return Err(format!(
                    "`pages` holds the path `{path}`, expected one begun with `/`"
                ));
            }
            check_query(path)?;
        }
        check_status(&self.accept_status)
    }
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            path: Option<String>,
            kind: Option<ResponseKind>,
            #[serde(default)]
            accept_status: Vec<u16>,
        }

        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Page;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a path such as \"/login\", or a table such as { path = \"/api\", kind = \"api\" }",
                )
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Page, E> {
                Ok(Page::new(path))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Page, A::Error> {
                let table = Table::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(Page {
                    path: table.path,
                    kind: table.kind,
                    accept_status: table.accept_status,
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The pages of a target that a probe judges; where none is named, the target's own path.
///
/// # How kinds are told
/// Unless a [`Page`] says what it is, the status decides first. 401, 403, 429, 503 and the challenge page of a
/// filter are not the page: the outcome is unknown and names what came instead. A redirect status with a
/// `Location` is a redirect, and any other status outside 200 to 299 is an error. For the rest the media type
/// decides, which is the last one in `Content-Type` that parses (Fetch, "extract a MIME type"): HTML is a page,
/// and so is a response without a type, which a browser may take for one; scripts, styles, images, fonts, media
/// and downloads are assets; everything else is for programs, an API's. A status in `accept_status` is judged
/// by its media type like a 200. What a rule weighs on each kind stands with each probe; where it does not
/// apply, the outcome says why.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Pages(Vec<Page>);

impl Pages {
    /// These pages.
    pub fn new(pages: impl IntoIterator<Item = Page>) -> Self {
        Self(pages.into_iter().collect())
    }

    /// Whether no page is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The pages that are named, and no other.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Page> {
        self.0.iter()
    }

    /// Each page, at least one.
    pub fn iter(&self) -> impl Iterator<Item = &Page> {
        static OWN: [Page; 1] = [Page {
            path: None,
            kind: None,
            accept_status: Vec::new(),
        }];
        if self.0.is_empty() { &OWN[..] } else { &self.0 }.iter()
    }

    /// Says what is wrong with them.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.0.len() > MOST_PAGES {
            return Err(format!(
                "`pages` holds {} pages, expected at most {MOST_PAGES}",
                self.0.len()
            ));
        }
        for (i, page) in self.0.iter().enumerate() {
            page.check()?;
            if self.0.iter().take(i).any(|other| other.path == page.path) {
                let path = page.path.as_deref().unwrap_or("the target's own path");
                return Err(format!("`pages` holds `{path}` twice"));
            }
        }
        Ok(())
    }
}

impl FromIterator<Page> for Pages {
    fn from_iter<I: IntoIterator<Item = Page>>(pages: I) -> Self {
        Self::new(pages)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_a_path_or_a_table() {
        let pages: Pages = serde_json::from_value(json!([
            "/login",
            { "path": "/api", "kind": "api" },
            { "accept_status": [401] }
        ]))
        .unwrap();
        let all: Vec<&Page> = pages.iter().collect();
        assert_eq!(*all[0], Page::new("/login"));
        assert_eq!(*all[1], Page::new("/api").kind(ResponseKind::Api));
        assert!(all[2].path.is_none() && all[2].is_declared(401) && !all[2].is_declared(403));
        let again: Pages = serde_json::from_value(serde_json::to_value(&pages).unwrap()).unwrap();
        assert_eq!(again, pages);
    }

    #[test]
    fn without_any_it_is_the_targets_own_path() {
        let pages = Pages::default();
        assert_eq!(pages.iter().collect::<Vec<_>>(), [&Page::default()]);
        assert_eq!(pages.check(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |pages: &[Page]| Pages::new(pages.iter().cloned()).check().unwrap_err();
        assert!(wrong(&[Page::new("login")]).contains("`login`, expected one begun with `/`"));
        assert!(wrong(&[Page::new("/x?token=s3cr3t")]).contains("`path` has a query"));
        assert!(wrong(&[Page::new("/a"), Page::new("/a")]).contains("`/a` twice"));
        assert!(wrong(&[Page::new("/a").accept_status([99])]).contains("holds 99"));
        let many: Vec<Page> = (0..65).map(|n| Page::new(format!("/{n}"))).collect();
        assert!(wrong(&many).contains("65 pages"));
        assert_eq!(Pages::new(many[..64].iter().cloned()).check(), Ok(()));
        let unknown = serde_json::from_value::<Pages>(json!([{ "paht": "/" }])).unwrap_err();
        assert!(unknown.to_string().contains("paht"), "{unknown}");
        let number = serde_json::from_value::<Pages>(json!([1])).unwrap_err();
        assert!(number.to_string().contains("a path such as"), "{number}");
    }
}
