//! The parser, fed so that no page costs more than its length.
//!
//! A tree builder alone is quadratic in three ways: each attribute of a tag is compared with all before it, the
//! open elements are searched for each tag, and formatting elements are opened anew in each paragraph.

use std::cell::Cell;

use html5ever::{
    LocalName, TokenizerResult,
    interface::Tracer,
    local_name,
    tendril::StrTendril,
    tokenizer::{BufferQueue, Tag, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
    tree_builder::{TreeBuilder, TreeBuilderOpts},
};
use readiness_core::fact::Document;

use super::{
    entries::KEPT,
    tag::OpenTag,
    tree::{Handle, Tree},
};

/// The most elements that may be open at once. Browsers build no deeper than 512.
const MOST_OPEN: usize = 600;
/// How many elements begin until the open ones are counted again.
const COUNT_EACH: usize = 64;

pub(super) fn parse(html: &str, scrub: &dyn Fn(&str) -> String) -> Document {
    let feed = Feed::new(scrub);
    let is_whole = feed.all(html);
    if is_whole {
        feed.tokenizer.end();
    }
    let mut document = feed.tokenizer.sink.builder.sink.into_document();
    document.is_complete &= is_whole;
    document
}

struct Feed<'a> {
    tokenizer: Tokenizer<Watched<'a>>,
    input: BufferQueue,
    /// How many elements had begun when the open ones were counted.
    counted_at: Cell<usize>,
}

impl<'a> Feed<'a> {
    fn new(scrub: &'a dyn Fn(&str) -> String) -> Self {
        let options = TreeBuilderOpts {
            drop_doctype: true,
            ..TreeBuilderOpts::default()
        };
        let watched = Watched {
            builder: TreeBuilder::new(Tree::new(scrub), options),
            tokens: Cell::new(0),
        };
        Self {
            tokenizer: Tokenizer::new(watched, TokenizerOpts::default()),
            input: BufferQueue::default(),
            counted_at: Cell::new(0),
        }
    }

    /// Feeds everything, in pieces that each begin with `<`; `false` where it ended early.
    ///
    /// Only the tokenizer knows whether a `<` begins a tag, or stands in a script, a comment or a value: in a
    /// tag it gives no token until the tag has ended.
    fn all(&self, html: &str) -> bool {
        let mut run: Option<Run> = None;
        for piece in pieces(html) {
            let (bracket, mut text) = piece.split_at(usize::from(piece.starts_with('<')));
            let pending = self.tokens();
            self.feed(bracket);
            if self.tokens() != pending {
                // What seemed to begin before was text.
                run = None;
            }
            let before = self.tokens();
            match &mut run {
                Some(Run::Tag(tag)) => {
                    tag.too_many_at(bracket);
                }
                Some(Run::Other) => {}
                None if bracket.is_empty() => {}
                None => {
                    let second = text.chars().next().map_or(0, char::len_utf8);
                    let (second, rest) = text.split_at(second);
                    text = rest;
                    self.feed(second);
                    if self.tokens() == before {
                        run = Run::begun_by(second);
                    }
                }
            }
            let limit = match &mut run {
                Some(Run::Tag(tag)) => tag.too_many_at(text),
                _ => None,
            };
            let (few, more) = text.split_at(limit.unwrap_or(text.len()));
            self.feed(few);
            if limit.is_some() && self.tokens() == before {
                return false;
            }
            self.feed(more);
            if self.tokens() != before || matches!(&run, Some(Run::Tag(tag)) if tag.has_ended()) {
                run = None;
            }
            if !self.is_bearable(html.len()) {
                return false;
            }
        }
        true
    }

    fn feed(&self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.input.push_back(StrTendril::from_slice(text));
        // A script has ended, or an encoding was named: neither stops this reader.
        while !matches!(self.tokenizer.feed(&self.input), TokenizerResult::Done) {}
    }

    fn tokens(&self) -> usize {
        self.tokenizer.sink.tokens.get()
    }

    fn is_bearable(&self, length: usize) -> bool {
        let builder = &self.tokenizer.sink.builder;
        let begun = builder.sink.begun();
        if begun < self.counted_at.get() + COUNT_EACH {
            return true;
        }
        self.counted_at.set(begun);
        let open = Count(Cell::new(0));
        builder.trace_handles(&open);
        // The shortest tag has three bytes; more elements than that come of misnested formatting alone.
        open.0.get() <= MOST_OPEN && begun <= length / 3 + COUNT_EACH
    }
}

/// What a `<` began that has not ended yet.
enum Run {
    /// A tag.
    Tag(OpenTag),
    /// A comment and its like.
    Other,
}

impl Run {
    fn begun_by(second: &str) -> Option<Self> {
        match second.chars().next()? {
            'a'..='z' | 'A'..='Z' | '/' => Some(Self::Tag(OpenTag::default())),
            '!' | '?' => Some(Self::Other),
            _ => None,
        }
    }
}

/// The text cut before each `<`.
fn pieces(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let second = rest.chars().next()?.len_utf8();
        let after = rest.get(second..).unwrap_or_default();
        let end = after.find('<').map_or(rest.len(), |at| second + at);
        let (piece, left) = rest.split_at(end);
        rest = left;
        Some(piece)
    })
}

/// The tree builder, given only the attributes that are read.
struct Watched<'a> {
    builder: TreeBuilder<Handle, Tree<'a>>,
    tokens: Cell<usize>,
}

impl TokenSink for Watched<'_> {
    type Handle = Handle;

    fn process_token(&self, mut token: Token, line: u64) -> TokenSinkResult<Handle> {
        if !matches!(token, Token::ParseError(_)) {
            self.tokens.set(self.tokens.get() + 1);
        }
        if let Token::TagToken(tag) = &mut token {
            strip(tag);
        }
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Formatting elements without attributes are equal, and of equal ones three at most are opened anew. HTML,
/// section 13.2.4.3, "push onto the list of active formatting elements".
fn strip(tag: &mut Tag) {
    if is_formatting(&tag.name) {
        // The mere names end foreign content. HTML, section 13.2.6.5.
        let ends_foreign = |name: &LocalName| {
            matches!(
                *name,
                local_name!("color") | local_name!("face") | local_name!("size")
            )
        };
        tag.attrs
            .retain(|attribute| tag.name == local_name!("font") && ends_foreign(&attribute.name.local));
        for attribute in &mut tag.attrs {
            attribute.value.clear();
        }
    } else {
        tag.attrs
            .retain(|attribute| KEPT.contains(&&*attribute.name.local));
    }
}

fn is_formatting(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("a")
            | local_name!("b")
            | local_name!("big")
            | local_name!("code")
            | local_name!("em")
            | local_name!("font")
            | local_name!("i")
            | local_name!("nobr")
            | local_name!("s")
            | local_name!("small")
            | local_name!("strike")
            | local_name!("strong")
            | local_name!("tt")
            | local_name!("u")
    )
}

struct Count(Cell<usize>);

impl Tracer for Count {
    type Handle = Handle;

    fn trace_handle(&self, _: &Handle) {
        self.0.set(self.0.get() + 1);
    }
}
