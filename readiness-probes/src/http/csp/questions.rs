//! What an attacker may still do under all enforced policies together.

use url::Url;

use super::{
    browser::{Ask, Browser, Page},
    rules::{List, Purpose, Rules},
    witness,
};

/// Something an attacker would like to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Question {
    /// Send a form of the page to a stranger.
    AnyForm,
    /// Put the page into a frame of a stranger.
    AnyFrame,
    /// Load a plug-in from a stranger.
    AnyPlugin,
    /// Run a script from a stranger's host.
    AnyScript,
    /// Load a style sheet from a stranger's host.
    AnyStyle,
    /// Start a worker from a stranger's host.
    AnyWorker,
    /// Move the page's relative URLs to a stranger.
    Base,
    Blob,
    Data,
    /// Load a plug-in from `data:`.
    DataPlugin,
    /// Have a string run as code.
    Eval,
    Filesystem,
    /// Run an inline event handler.
    Handler,
    /// Run an inline script.
    Inline,
    InlineStyle,
}

impl Question {
    /// Every one, the gravest first.
    pub(crate) const ALL: [Self; 15] = [
        Self::Inline,
        Self::Handler,
        Self::AnyScript,
        Self::Data,
        Self::Blob,
        Self::Filesystem,
        Self::Eval,
        Self::AnyPlugin,
        Self::DataPlugin,
        Self::Base,
        Self::AnyForm,
        Self::AnyWorker,
        Self::InlineStyle,
        Self::AnyStyle,
        Self::AnyFrame,
    ];

    /// What governs it.
    pub(crate) const fn purpose(self) -> Purpose {
        match self {
            Self::AnyForm => Purpose::Form,
            Self::AnyFrame => Purpose::Ancestor,
            Self::AnyPlugin | Self::DataPlugin => Purpose::Plugin,
            Self::AnyScript | Self::Blob | Self::Data | Self::Filesystem | Self::Inline => Purpose::Element,
            Self::AnyStyle | Self::InlineStyle => Purpose::Style,
            Self::AnyWorker => Purpose::Worker,
            Self::Base => Purpose::Base,
            Self::Eval => Purpose::Eval,
            Self::Handler => Purpose::Handler,
        }
    }
}

/// What lets something through.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opening<'p> {
    /// No directive of any policy governs it.
    Ungoverned,
    /// This source of this directive.
    Source { directive: &'p str, source: &'p str },
}

/// Something that gets through every policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Hole<'p> {
    pub(crate) question: Question,
    pub(crate) opening: Opening<'p>,
    /// What gets through: a URL, or inline code.
    pub(crate) witness: String,
}

const INLINE: &str = "alert(1)";

/// Every hole that all these policies together leave.
pub(crate) fn holes<'p>(rules: &[&Rules<'p>], page: Page) -> Vec<Hole<'p>> {
    let answers = Question::ALL
        .iter()
        .filter_map(|question| ask(rules, *question, page));
    answers.collect()
}

/// Whether an attacker may do it: every policy must let it through.
pub(crate) fn ask<'p>(rules: &[&Rules<'p>], question: Question, page: Page) -> Option<Hole<'p>> {
    let purpose = question.purpose();
    if rules.iter().any(|rules| rules.sandboxes(purpose)) {
        return None;
    }
    let lists: Vec<&List<'p>> = rules.iter().filter_map(|rules| rules.list(purpose)).collect();
    let (opening, witness) = match question {
        Question::Inline => inline(&lists, purpose, page, "<script>alert(1)</script>")?,
        Question::Handler => inline(&lists, purpose, page, "<img src=x onerror=alert(1)>")?,
        Question::InlineStyle => inline(&lists, purpose, page, "<style>*{display:none}</style>")?,
        Question::Eval => eval(&lists, page)?,
        Question::Blob => local(&lists, "blob", purpose, page)?,
        Question::Data | Question::DataPlugin => local(&lists, "data", purpose, page)?,
        Question::Filesystem => local(&lists, "filesystem", purpose, page)?,
        Question::AnyForm
        | Question::AnyFrame
        | Question::AnyPlugin
        | Question::AnyScript
        | Question::AnyStyle
        | Question::AnyWorker
        | Question::Base => stranger(&lists, purpose, page)?,
    };
    Some(Hole {
        question,
        opening,
        witness,
    })
}

/// Whether an inline script runs that carries a nonce an attacker knows, and under which markup.
pub(crate) fn runs_with_nonce(rules: &[&Rules<'_>], nonce: &str, page: Page) -> Option<String> {
    let purpose = Purpose::Element;
    if rules.iter().any(|rules| rules.sandboxes(purpose)) {
        return None;
    }
    let lists: Vec<&List<'_>> = rules.iter().filter_map(|rules| rules.list(purpose)).collect();
    Browser::under(&lists, Ask::Inline, purpose, page)
        .runs_inline(Some(nonce), INLINE)
        .then(|| format!("<script nonce=\"{nonce}\">alert(1)</script>"))
}

type Answer<'p> = Option<(Opening<'p>, String)>;

fn stranger<'p>(lists: &[&List<'p>], purpose: Purpose, page: Page) -> Answer<'p> {
    if lists.is_empty() {
        return Some((Opening::Ungoverned, witness::any(purpose)));
    }
    if lists
        .iter()
        .any(|list| list.wide.is_empty() || is_strict(list, purpose))
    {
        return None;
    }
    let browser = Browser::under(lists, Ask::Url, purpose, page);
    let url = witness::candidates(lists, purpose, page).find(|url| browser.fetches(url))?;
    let (list, wide) = lists
        .iter()
        .flat_map(|list| list.wide.iter().map(move |wide| (list, wide)))
        .find(|(_, wide)| Browser::under_source(wide.text, purpose, page).fetches(&url))?;
    Some((list.opened_by(wide.text), url.into()))
}

/// Whether hosts and schemes count for nothing, as scripts beget the scripts that run. Section 6.7.1.1.
fn is_strict(list: &List<'_>, purpose: Purpose) -> bool {
    purpose == Purpose::Element && list.strict_dynamic
}

fn local<'p>(lists: &[&List<'p>], scheme: &str, purpose: Purpose, page: Page) -> Answer<'p> {
    // Where nothing governs, everything gets through; the question about hosts says so.
    let first = lists.first()?;
    let source = first.local(scheme)?;
    if lists
        .iter()
        .any(|list| list.local(scheme).is_none() || is_strict(list, purpose))
    {
        return None;
    }
    let url = witness::local(scheme, purpose);
    let through = Browser::under(lists, Ask::Url, purpose, page).fetches(&Url::parse(&url).ok()?);
    through.then(|| (first.opened_by(source), url))
}

fn inline<'p>(lists: &[&List<'p>], purpose: Purpose, page: Page, markup: &str) -> Answer<'p> {
    let opening = match lists.first() {
        None => Opening::Ungoverned,
        // A stranger has no nonce, and no hash of the list is that of their code.
        Some(_) if lists.iter().any(|list| !list.unsafe_inline) => return None,
        Some(list) => list.opened_by("'unsafe-inline'"),
    };
    let runs = Browser::under(lists, Ask::Inline, purpose, page).runs_inline(None, INLINE);
    runs.then(|| (opening, markup.to_owned()))
}

fn eval<'p>(lists: &[&List<'p>], page: Page) -> Answer<'p> {
    let opening = match lists.first() {
        None => Opening::Ungoverned,
        Some(_) if lists.iter().any(|list| !list.unsafe_eval) => return None,
        Some(list) => list.opened_by("'unsafe-eval'"),
    };
    let runs = Browser::under(lists, Ask::String, Purpose::Eval, page).runs_string(INLINE);
    runs.then(|| (opening, format!("eval(\"{INLINE}\")")))
}

impl<'p> List<'p> {
    fn opened_by(&self, source: &'p str) -> Opening<'p> {
        Opening::Source {
            directive: &self.directive.name,
            source,
        }
    }
}
