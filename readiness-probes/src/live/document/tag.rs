//! How many attributes a tag has, known before the tokenizer compares them. HTML, sections 13.2.5.8 to 13.2.5.40.

/// The most attributes of one tag.
pub(super) const MOST_ATTRIBUTES: usize = 500;

/// A tag whose end has not been seen, from behind the first character of its name, or the `/` before it.
#[derive(Debug, Default)]
pub(super) struct OpenTag {
    state: State,
    attributes: usize,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    TagName,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Quoted(u8),
    Unquoted,
    Ended,
}

impl OpenTag {
    pub(super) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Goes through the next text of the tag; says where the first attribute too many begins.
    pub(super) fn too_many_at(&mut self, text: &str) -> Option<usize> {
        for (at, byte) in text.bytes().enumerate() {
            let next = self.state.next(byte);
            if next == State::Name && self.state != State::Name {
                self.attributes += 1;
            }
            self.state = next;
            if self.state == State::Ended {
                return None;
            }
            // A byte inside a character begins no attribute: the character's first one did.
            if self.attributes > MOST_ATTRIBUTES && text.is_char_boundary(at) {
                return Some(at);
            }
        }
        None
    }
}

impl State {
    fn next(self, byte: u8) -> Self {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c');
        match (self, byte) {
            (Self::Quoted(quote), _) if byte == quote => Self::BeforeName,
            (Self::Quoted(_) | Self::Ended, _) => self,
            (_, b'>') => Self::Ended,
            (Self::Unquoted, _) if is_space => Self::BeforeName,
            (Self::Unquoted, _) => self,
            (Self::BeforeValue, b'"' | b'\'') => Self::Quoted(byte),
            (Self::BeforeValue, _) if is_space => self,
            (Self::BeforeValue, _) => Self::Unquoted,
            (_, b'/') => Self::BeforeName,
            (Self::TagName, _) if is_space => Self::BeforeName,
            (Self::TagName, _) => self,
            (Self::Name | Self::AfterName, b'=') => Self::BeforeValue,
            (Self::Name | Self::AfterName, _) if is_space => Self::AfterName,
            (Self::BeforeName, _) if is_space => self,
            (Self::Name | Self::AfterName | Self::BeforeName, _) => Self::Name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> (usize, bool) {
        let mut tag = OpenTag::default();
        tag.too_many_at(text);
        (tag.attributes, tag.has_ended())
    }

    #[test]
    fn attributes_are_counted_as_the_tokenizer_reads_them() {
        for (text, attributes, ended) in [
            ("img", 0, false),
            ("img>a b c", 0, true),
            ("img a b c>", 3, true),
            ("img a=1 b='x y' c=\"p > q\">", 3, true),
            ("img/a/b=c/d>", 2, true),
            ("img a = b c>", 2, true),
            ("img =a =b>", 1, true),
            ("img a=\"1\"b=\"2\">", 2, true),
            ("img a<b \"c 'd>", 3, true),
            ("img a='>", 1, false),
            ("img é ü>", 2, true),
            (">", 0, true),
        ] {
            assert_eq!(count(text), (attributes, ended), "{text}");
        }
    }

    #[test]
    fn the_first_attribute_too_many_is_found() {
        let tag = |n: usize| format!("p{}", " a".repeat(n));
        assert_eq!(OpenTag::default().too_many_at(&tag(MOST_ATTRIBUTES)), None);
        let at = OpenTag::default().too_many_at(&tag(MOST_ATTRIBUTES + 1));
        assert_eq!(at, Some(2 * (MOST_ATTRIBUTES + 1)));
    }
}
