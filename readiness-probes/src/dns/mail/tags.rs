//! Lists of `tag=value`, as DKIM, DMARC and their kin write them.

/// The most tags of one record.
const MOST_TAGS: usize = 64;

/// The tags of a record in their order. RFC 6376, section 3.2.
#[derive(Debug)]
pub(super) struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    /// Reads a record.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let mut tags: Vec<(&str, &str)> = Vec::new();
        let mut parts = text.split(';').peekable();
        while let Some(part) = parts.next() {
            let part = part.trim();
            if part.is_empty() && parts.peek().is_none() {
                break;
            }
            let Some((name, value)) = part.split_once('=') else {
                return Err(format!("`{}` is no `tag=value`", cut(part)));
            };
            let (name, value) = (name.trim_end(), value.trim_start());
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_name) {
                return Err(format!("`{}` is no name of a tag", cut(name)));
            }
            if tags.iter().any(|(known, _)| *known == name) {
                return Err(format!("the tag `{}` stands twice", cut(name)));
            }
            if tags.len() == MOST_TAGS {
                return Err(format!("it holds more than {MOST_TAGS} tags"));
            }
            tags.push((name, value));
        }
        Ok(Self(tags))
    }

    /// The value of a tag.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let mut tags = self.0.iter();
        tags.find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The names of all tags, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.0.iter().map(|(name, _)| *name)
    }
}

/// Whether a record begins with this version, as it must to be one of this kind: `v=DMARC1`.
pub(super) fn has_version(text: &str, version: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    first
        .split_once('=')
        .is_some_and(|(name, value)| name.trim() == "v" && value.trim() == version)
}

/// Text of a record for people, cut where it is long.
pub(super) fn cut(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_keep_their_order_and_their_values() {
        let tags = Tags::parse(" v = DMARC1 ;p=none; rua=mailto:a@b.example,mailto:c=d@e.example; ").unwrap();
        assert_eq!(tags.names().collect::<Vec<_>>(), ["v", "p", "rua"]);
        assert_eq!(tags.get("rua"), Some("mailto:a@b.example,mailto:c=d@e.example"));
        assert_eq!(Tags::parse("p=").unwrap().get("p"), Some(""));
        assert_eq!(tags.get("P"), None, "names are case-sensitive");
    }

    #[test]
    fn what_is_no_list_says_why() {
        let many: String = (0..65).map(|n| format!("t{n}=1;")).collect();
        for (text, words) in [
            ("v=DMARC1; none", "`none` is no `tag=value`"),
            ("v=DMARC1;;p=none", "`` is no `tag=value`"),
            ("v=1; =x", "`` is no name"),
            ("v=1; 1x=x", "`1x` is no name"),
            ("v=1; a-b=x", "`a-b` is no name"),
            ("v=1; a=1; a=2", "`a` stands twice"),
            (&many, "more than 64"),
        ] {
            let problem = Tags::parse(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    #[test]
    fn the_version_stands_first() {
        for (text, is) in [
            ("v=DMARC1", true),
            ("v=DMARC1;p=none", true),
            (" v = DMARC1 ; p=none", true),
            ("v=DMARC1 p=none", false),
            ("v=dmarc1; p=none", false),
            ("p=none; v=DMARC1", false),
            ("v=spf1 -all", false),
            ("", false),
        ] {
            assert_eq!(has_version(text, "DMARC1"), is, "{text}");
        }
    }
}
