//! What a page loads, with absolute URLs.

use readiness_core::{
    Finding, Outcome, Reason,
    fact::{Document, Resource},
};
use url::Url;

use super::{
    applicability::{Rule, Weight, applies},
    page::Looked,
    syntax::excerpt,
};

/// A page that was read.
#[derive(Debug)]
pub(crate) struct ReadPage<'a> {
    pub(crate) weight: Weight,
    pub(crate) document: &'a Document,
    pub(crate) url: Url,
    /// What its relative URLs are relative to. HTML, section 2.4.3, "document base URL".
    base: Url,
}

impl<'a> ReadPage<'a> {
    /// The page that was looked at; else the outcome that says why there is nothing to judge.
    pub(crate) fn of(looked: Looked<'a>) -> Result<Self, Box<Outcome>> {
        let Looked { key, page, exchange } = looked;
        let (_, weight) = applies(Rule::Document, exchange, page)?;
        let unread = |why: &str| {
            let summary = format!("the page was not read: {why}");
            Box::new(Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary))
        };
        let Some(document) = exchange.document.as_deref() else {
            return Err(unread(match exchange.joined("content-encoding") {
                Some(_) => "it came compressed, though nobody asked for that",
                None => "it is not said to be HTML, or was recorded without being parsed",
            }));
        };
        let url = Url::parse(&key.url()).map_err(|_| unread("its own URL is none"))?;
        let base = document
            .base
            .as_deref()
            .and_then(|base| url.join(base).ok())
            .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
            .unwrap_or_else(|| url.clone());
        Ok(Self {
            weight,
            document,
            url,
            base,
        })
    }

    /// Everything it loads or sends to, with the URL where that is one.
    pub(crate) fn resources(&self) -> impl Iterator<Item = (&'a Resource, Url)> {
        let all = self.document.resources.iter();
        all.filter_map(|resource| Some((resource, self.base.join(&resource.url).ok()?)))
    }

    /// What is said where the page, or a list of it, was not read to its end.
    pub(crate) fn rest(&self) -> Option<Finding> {
        (!self.document.is_complete).then(|| {
            Finding::unknown(
                "not_read_to_its_end",
                Reason::HTTP_TOO_LARGE,
                "the page is longer, deeper or fuller than is read, and the rest was not judged",
            )
            .remedy("keep pages under 1 MiB, 1000 loaded resources and 512 levels")
        })
    }
}

/// The resource as a finding names it: ``script `https://cdn.example/a.js` ``. The query changes too often.
pub(crate) fn subject_of(resource: &Resource, url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    let url = match url.scheme() {
        "http" | "https" => bare.to_string(),
        scheme => format!("{scheme}:…"),
    };
    format!("{} `{}`", resource.element, excerpt(url.as_bytes()))
}
