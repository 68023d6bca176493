//! Text of strangers, made harmless: for a terminal, for XML, for Markdown and the HTML made of it.
//!
//! Nothing is dropped without a trace: a character that cannot be shown is replaced by one that can.

use std::borrow::Cow;

/// The longest run of prose that is shown, in characters.
const MAX_PROSE: usize = 2_000;

/// The longest value that is shown, in characters. Evidence is capped at its source; keys are not.
const MAX_VALUE: usize = 1_100;

/// A character that may be shown: itself, or what stands for it.
///
/// Control characters begin terminal escapes, XML 1.0 section 2.2 forbids most of them, and the
/// marks of Unicode's bidirectional algorithm let a text look like another.
pub(crate) fn visible(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{2028}' | '\u{2029}' => '\u{240a}',
        _ if is_treacherous(c) => '\u{fffd}',
        _ => c,
    }
}

/// Whether a character from DEL on is never shown as it is: C1 controls, marks of direction, line and
/// paragraph separators, what is invisible and hides text, and code points that are no characters.
pub(crate) fn is_treacherous(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{fdd0}'..='\u{fdef}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// One line: every run of white space is one space, the rest is [`visible`].
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(visible));
    }
    line
}

/// Lines: every kind of line end becomes `\n`, tabs stay, the rest is [`visible`].
pub(crate) fn lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                chars.next_if_eq(&'\n');
                lines.push('\n');
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => lines.push('\n'),
            '\t' => lines.push('\t'),
            c => lines.push(visible(c)),
        }
    }
    lines
}

/// Prose as Markdown on one line: nothing in it is markup but its own code spans.
///
/// What a renderer would turn into a link, a mention or a formula becomes a code span too, so it can
/// still be read and copied.
pub(crate) fn prose(text: &str) -> String {
    let line = one_line(clip(text, MAX_PROSE).as_ref());
    let parts: Vec<&str> = line.split('`').collect();
    let paired = parts.len() % 2 == 1
        && parts
            .iter()
            .skip(1)
            .step_by(2)
            .all(|code| !code.trim().is_empty());
    let mut markdown = String::with_capacity(line.len() + 16);
    if paired {
        for (index, part) in parts.into_iter().enumerate() {
            if index % 2 == 1 {
                push_code(&mut markdown, part);
            } else {
                push_words(&mut markdown, part);
            }
        }
    } else {
        push_words(&mut markdown, &line);
    }
    markdown
}

/// A value as a code span: shown as it was seen, whatever it holds.
pub(crate) fn code(value: &str) -> String {
    let mut markdown = String::new();
    push_code(&mut markdown, value);
    markdown
}

fn push_words(markdown: &mut String, text: &str) {
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            markdown.push(' ');
        }
        if is_active(word) {
            let core = word.trim_matches(|c| matches!(c, ',' | ';' | ':' | '.' | '(' | ')' | '"' | '\''));
            let start = word.find(core).unwrap_or(0);
            let (before, rest) = word.split_at(start);
            let (core, after) = rest.split_at(core.len());
            push_escaped(markdown, before);
            push_code(markdown, core);
            push_escaped(markdown, after);
        } else {
            push_escaped(markdown, word);
        }
    }
}

/// Whether a renderer makes something of a word by itself: a link, a mention, a reference, a formula.
fn is_active(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let numbered = lower
        .split('#')
        .skip(1)
        .any(|after| after.starts_with(|c: char| c.is_ascii_digit()));
    numbered
        || ["://", "@", "$", "www.", "mailto:", "xmpp:"]
            .iter()
            .any(|mark| lower.contains(mark))
}

fn push_escaped(markdown: &mut String, text: &str) {
    for c in text.chars() {
        // A line that begins with these would be a heading, a list or a rule.
        let begins_block = markdown.is_empty() && matches!(c, '#' | '+' | '-' | '=');
        let ends_number = matches!(c, '.' | ')') && !markdown.is_empty() && is_number(markdown);
        match c {
            '<' => markdown.push_str("&lt;"),
            '>' => markdown.push_str("&gt;"),
            '&' => markdown.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '|' => {
                markdown.push('\\');
                markdown.push(c);
            }
            c => {
                if begins_block || ends_number {
                    markdown.push('\\');
                }
                markdown.push(c);
            }
        }
    }
}

fn is_number(text: &str) -> bool {
    text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit())
}

fn push_code(markdown: &mut String, value: &str) {
    let value = clip(value, MAX_VALUE);
    if value.trim().is_empty() {
        markdown.push_str(if value.is_empty() { "(empty)" } else { "(blank)" });
        return;
    }
    let mut shown = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        shown.push(visible(c));
        // CommonMark shows a tag in a code span as text. Not every renderer is CommonMark.
        let tag = |next: &char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?');
        if c == '<' && chars.peek().is_some_and(tag) {
            shown.push('\u{200b}');
        }
    }
    // Two spans without anything between them would be read as one.
    if markdown.ends_with('`') {
        markdown.push(' ');
    }
    let fence = "`".repeat(longest_run(&shown, '`') + 1);
    let edge = |c: Option<char>| matches!(c, Some('`' | ' '));
    let pad = if edge(shown.chars().next()) || edge(shown.chars().next_back()) {
        " "
    } else {
        ""
    };
    for piece in [&fence, pad, &shown, pad, &fence] {
        markdown.push_str(piece);
    }
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// At most so many characters; what is cut is marked with `…`.
pub(crate) fn clip(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{kept}…"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_replaced_by_what_can() {
        assert_eq!(one_line("\u{1b}[31mred\u{7}\u{0}"), "␛[31mred␇␀");
        assert_eq!(
            one_line("a\u{9b}31m\u{202e}b\u{ffff}c\u{7f}"),
            "a\u{fffd}31m\u{fffd}b\u{fffd}c\u{2421}"
        );
        assert_eq!(one_line("  a\r\n\tb\u{2028}c \u{85}"), "a b c");
        assert_eq!(lines("a\r\nb\rc\u{2029}d\te\u{1b}"), "a\nb\nc\nd\te␛");
    }

    #[test]
    fn prose_keeps_its_code_spans_and_loses_all_other_markup() {
        assert_eq!(prose("`max-age` is 300 s"), "`max-age` is 300 s");
        assert_eq!(prose("a * b _c_ [d](e) ~f~ |"), r"a \* b \_c\_ \[d\](e) \~f\~ \|");
        assert_eq!(prose("<b>&amp;"), "&lt;b&gt;&amp;amp;");
        assert_eq!(prose("![x](y)"), r"!\[x\](y)");
        // a backtick without its pair, and an empty pair
        assert_eq!(prose("it is ` alone"), r"it is \` alone");
        assert_eq!(prose("``` js"), r"\`\`\` js");
    }

    #[test]
    fn links_mentions_and_formulas_become_code() {
        assert_eq!(
            prose("see https://example.com/a?b=c, then @octocat"),
            "see `https://example.com/a?b=c`, then `@octocat`"
        );
        assert_eq!(
            prose("(www.example.com) #12 costs $5 by ops@example.com: yes"),
            "(`www.example.com`) `#12` costs `$5` by `ops@example.com`: yes"
        );
        // a span of the text and one of ours keep apart
        assert_eq!(prose("`a`@b"), "`a` `@b`");
        assert_eq!(prose("x@y`a`"), "`x@y` `a`");
    }

    #[test]
    fn a_line_begins_no_block() {
        for (text, markdown) in [
            ("# a", r"\# a"),
            ("- a", r"\- a"),
            ("1. a", r"1\. a"),
            ("12) a", r"12\) a"),
            ("1.2 a", r"1\.2 a"),
            ("+ a", r"\+ a"),
            ("> a", "&gt; a"),
        ] {
            assert_eq!(prose(text), markdown);
        }
        assert_eq!(prose("a - 1. b # c"), "a - 1. b # c");
    }

    #[test]
    fn code_is_fenced_by_more_backticks_than_it_holds() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``"), "``` `` ```");
        assert_eq!(code(" a"), "`  a `");
        assert_eq!(code("a\r\nb\tc"), "`a␍␊b␉c`");
        assert_eq!(code("<script>x</script>"), "`<\u{200b}script>x<\u{200b}/script>`");
        assert_eq!(code("a < b"), "`a < b`");
        assert_eq!((code(""), code(" \n")), ("(empty)".into(), "(blank)".into()));
    }

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöü", 2), "äö…");
    }
}
