//! A tree that keeps no node: what is to be told of an element is taken when it gets its place.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    rc::Rc,
};

use html5ever::{
    Attribute, QualName, expanded_name,
    interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink},
    local_name, ns,
    tendril::StrTendril,
};
use readiness_core::fact::Document;

use super::entries::{Entries, SHADOW_ROOT, Text, cut};

pub(super) type Handle = Rc<Node>;

/// What the parser needs to know of a node.
pub(super) struct Node {
    name: QualName,
    /// What it tells; taken when it gets its place.
    entries: Cell<Option<Entries>>,
    /// What its text is for.
    text: Cell<Text>,
    /// Whether nothing in it is loaded.
    is_inert: Cell<bool>,
    /// The fragment of a `template`.
    contents: Option<Handle>,
}

pub(super) struct Tree<'a> {
    root: Handle,
    begun: Cell<usize>,
    found: RefCell<Found<'a>>,
}

/// The document so far.
struct Found<'a> {
    document: Document,
    scrub: &'a dyn Fn(&str) -> String,
    /// How many bytes of text may still be kept.
    room: usize,
    has_title: bool,
}

/// The most text of a page that is kept in all.
const MOST_TEXT_BYTES: usize = 512 * 1024;
/// The most of a title that is read, and kept.
const MOST_TITLE_BYTES: usize = 16 * 1024;
const MOST_TITLE_KEPT: usize = 1024;

impl<'a> Tree<'a> {
    pub(super) fn new(scrub: &'a dyn Fn(&str) -> String) -> Self {
        Self {
            root: Node::plain(false),
            begun: Cell::new(0),
            found: RefCell::new(Found {
                document: Document::new(),
                scrub,
                room: MOST_TEXT_BYTES,
                has_title: false,
            }),
        }
    }

    /// How many elements have begun.
    pub(super) fn begun(&self) -> usize {
        self.begun.get()
    }

    pub(super) fn into_document(self) -> Document {
        let Found {
            mut document, scrub, ..
        } = self.found.into_inner();
        document.title = cut(scrub(document.title.trim()), MOST_TITLE_KEPT);
        document
    }

    fn put(&self, parent: &Node, child: NodeOrText<Handle>) {
        let node = match child {
            NodeOrText::AppendNode(node) => node,
            NodeOrText::AppendText(text) => return self.put_text(parent, &text),
        };
        if parent.is_inert.get() {
            node.is_inert.set(true);
            return;
        }
        // A node that moves has told what it is where it first stood.
        let entries = node.entries.take();
        let mut found = self.found.borrow_mut();
        if node.text.get() == Text::Title && std::mem::replace(&mut found.has_title, true) {
            node.text.set(Text::None);
        }
        if let Some(entries) = entries {
            let is_in_head = parent.name.expanded() == expanded_name!(html "head");
            let Found {
                document,
                scrub,
                room,
                ..
            } = &mut *found;
            entries.tell(document, *scrub, room, is_in_head);
        }
    }

    fn put_text(&self, parent: &Node, text: &str) {
        if parent.is_inert.get() {
            return;
        }
        let document = &mut self.found.borrow_mut().document;
        match parent.text.get() {
            Text::None => {}
            Text::Script if text.trim().is_empty() => {}
            Text::Script => {
                parent.text.set(Text::None);
                document.inline_scripts = document.inline_scripts.saturating_add(1);
            }
            Text::Title if document.title.len() < MOST_TITLE_BYTES => document.title.push_str(text),
            Text::Title => {}
        }
    }
}

impl Node {
    fn plain(is_inert: bool) -> Handle {
        Rc::new(Self {
            name: QualName::new(None, ns!(), local_name!("")),
            entries: Cell::new(None),
            text: Cell::new(Text::None),
            is_inert: Cell::new(is_inert),
            contents: None,
        })
    }
}

impl<'t> TreeSink for Tree<'t> {
    type Handle = Handle;
    type Output = Self;
    type ElemName<'a>
        = &'a QualName
    where
        't: 'a;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Rc::clone(&self.root)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> &'a QualName {
        &target.name
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Handle {
        self.begun.set(self.begun.get() + 1);
        let (entries, text) = Entries::of(&name, &attrs);
        let contents = (name.expanded() == expanded_name!(html "template")).then(|| {
            // A declared shadow root is shown; other templates wait for a script.
            Node::plain(
                !attrs
                    .iter()
                    .any(|attribute| &*attribute.name.local == SHADOW_ROOT),
            )
        });
        Rc::new(Node {
            name,
            entries: Cell::new(entries),
            text: Cell::new(text),
            is_inert: Cell::new(false),
            contents,
        })
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        Node::plain(false)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        Node::plain(false)
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.put(parent, child);
    }

    // Where a table keeps a child out, it stands before the table, in what holds that: never the head, and
    // inert where the table is.
    fn append_based_on_parent_node(&self, element: &Handle, _: &Handle, child: NodeOrText<Handle>) {
        self.append_before_sibling(element, child);
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        self.put(&Node::plain(sibling.is_inert.get()), child);
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, target: &Handle) -> Handle {
        let contents = target.contents.clone().unwrap_or_else(|| Node::plain(true));
        if target.is_inert.get() {
            contents.is_inert.set(true);
        }
        contents
    }

    fn same_node(&self, a: &Handle, b: &Handle) -> bool {
        Rc::ptr_eq(a, b)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, _: &Handle) {}

    fn reparent_children(&self, _: &Handle, _: &Handle) {}
}
