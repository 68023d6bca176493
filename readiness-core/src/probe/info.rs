use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

/// The stable name of a probe: `family.thing` in lower case, named after the state that is wanted.
///
/// Probes of other crates begin with the crate's name: `acme.queue_depth`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProbeId(Cow<'static, str>);

impl ProbeId {
    /// An id known at compile time.
    ///
    /// # Panics
    /// Where it is not of the form `family.thing`: at compile time in a `const`.
    pub const fn new(id: &'static str) -> Self {
        assert!(
            is_valid(id),
            "a probe id is `family.thing`: lower-case letters, digits, `_`, and a dot"
        );
        Self(Cow::Borrowed(id))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first dot: `http`.
    pub fn family(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

const fn is_valid(id: &str) -> bool {
    let bytes = id.as_bytes();
    let mut dots = 0;
    let mut i = 0;
    while i < bytes.len() {
        let edge = i == 0 || i + 1 == bytes.len() || bytes[i - 1] == b'.';
        match bytes[i] {
            b'.' if !edge => dots += 1,
            b'a'..=b'z' => {}
            b'0'..=b'9' | b'_' if i > 0 => {}
            _ => return false,
        }
        i += 1;
    }
    dots > 0
}

impl fmt::Display for ProbeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProbeId {
    type Err = ProbeIdError;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::try_from(id.to_owned())
    }
}

impl TryFrom<String> for ProbeId {
    type Error = ProbeIdError;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        if is_valid(&id) {
            Ok(Self(Cow::Owned(id)))
        } else {
            let id = id.chars().take(60).collect();
            Err(ProbeIdError { id })
        }
    }
}

impl From<ProbeId> for String {
    fn from(id: ProbeId) -> Self {
        id.0.into_owned()
    }
}

/// A text that is no probe id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{id}` is no probe id; expected `family.thing` of lower-case letters, digits, `_` and dots")]
pub struct ProbeIdError {
    id: String,
}

/// How much a requirement matters, from most to least.
#[allow(
    clippy::exhaustive_enums,
    reason = "the weights of the score are fixed by these five"
)]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Weight 8. A blocker unless said otherwise.
    Critical,
    /// Weight 4.
    High,
    /// Weight 2.
    Medium,
    /// Weight 1.
    Low,
    /// Weight 0: shown, never scored.
    Info,
}

impl Priority {
    /// All, from most to least.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The weight in the score.
    pub fn weight(self) -> u32 {
        match self {
            Self::Critical => 8,
            Self::High => 4,
            Self::Medium => 2,
            Self::Low => 1,
            Self::Info => 0,
        }
    }

    /// The word for it, in lower case.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a probe is: its id, how much it matters, and what it tells people who must act on it.
///
/// ```
/// use readiness_core::{Priority, ProbeId, ProbeInfo};
/// let info = ProbeInfo::new(ProbeId::new("acme.queue_depth"), "the queue is short")
///     .priority(Priority::High)
///     .why("a long queue delays every order");
/// assert_eq!(info.family(), "acme");
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ProbeInfo {
    /// The stable name.
    pub id: ProbeId,
    /// The state that is wanted, in a few words.
    pub title: Cow<'static, str>,
    /// How much it matters unless a suite says otherwise.
    pub priority: Priority,
    /// How long one attempt may take unless a suite says otherwise; 10 s by default.
    pub timeout: Duration,
    /// One paragraph.
    pub summary: Cow<'static, str>,
    /// What is looked at.
    pub what: Cow<'static, str>,
    /// Why it matters.
    pub why: Cow<'static, str>,
    /// How it is judged.
    pub how: Cow<'static, str>,
    /// How to mend it in general.
    pub fix: Cow<'static, str>,
    /// Where the rules come from.
    pub references: Cow<'static, [Reference]>,
    /// Older ids that still mean this probe.
    pub aliases: Cow<'static, [Cow<'static, str>]>,
}

impl ProbeInfo {
    /// The time one attempt may take unless the probe or the suite says otherwise.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

    /// A probe of medium priority without any text.
    pub const fn new(id: ProbeId, title: &'static str) -> Self {
        Self {
            id,
            title: Cow::Borrowed(title),
            priority: Priority::Medium,
            timeout: Self::DEFAULT_TIMEOUT,
            summary: Cow::Borrowed(""),
            what: Cow::Borrowed(""),
            why: Cow::Borrowed(""),
            how: Cow::Borrowed(""),
            fix: Cow::Borrowed(""),
            references: Cow::Borrowed(&[]),
            aliases: Cow::Borrowed(&[]),
        }
    }

    /// Takes the texts from a doc comment with the sections `# What it checks`, `# Why it matters`,
    /// `# How it is judged` and `# How to fix`. The [`probe!`](crate::probe!) macro calls this.
    pub fn documented(mut self, docs: &str) -> Self {
        let mut section = String::new();
        let mut texts: Vec<(String, String)> = vec![(String::new(), String::new())];
        for line in docs.lines() {
            let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
            if let Some(title) = line.strip_prefix("# ") {
                section = title.trim().to_ascii_lowercase();
                texts.push((section.clone(), String::new()));
            } else if let Some((_, text)) = texts.last_mut() {
                text.push_str(line);
                text.push('\n');
            }
        }
        drop(section);
        for (title, text) in texts {
            let text = Cow::Owned(text.trim().to_owned());
            match title.as_str() {
                "" => self.summary = text,
                "what it checks" => self.what = text,
                "why it matters" => self.why = text,
                "how it is judged" => self.how = text,
                "how to fix" => self.fix = text,
                _ => {}
            }
        }
        self
    }

    /// Sets how much it matters.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how long one attempt may take.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Says what is looked at.
    pub fn what(mut self, what: impl Into<Cow<'static, str>>) -> Self {
        self.what = what.into();
        self
    }

    /// Says why it matters.
    pub fn why(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.why = why.into();
        self
    }

    /// Says how to mend it.
    pub fn fix(mut self, fix: impl Into<Cow<'static, str>>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Adds where a rule comes from.
    pub fn reference(
        mut self,
        title: impl Into<Cow<'static, str>>,
        url: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.references.to_mut().push(Reference::new(title, url));
        self
    }

    /// Adds an older id.
    pub fn alias(mut self, id: impl Into<Cow<'static, str>>) -> Self {
        self.aliases.to_mut().push(id.into());
        self
    }

    /// What stands before the first dot of the id.
    pub fn family(&self) -> &str {
        self.id.family()
    }
}

/// Where a rule comes from: a title with the section, and an address.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reference {
    /// Such as `RFC 6797 section 6.1`.
    pub title: Cow<'static, str>,
    /// Where to read it.
    pub url: Cow<'static, str>,
}

impl Reference {
    /// A reference.
    pub fn new(title: impl Into<Cow<'static, str>>, url: impl Into<Cow<'static, str>>) -> Self {
        Self {
            title: title.into(),
            url: url.into(),
        }
    }
}

/// Declares a probe: its settings with their defaults, and its description taken from the doc comment,
/// so that rustdoc, `explain` and the list of probes share one text.
///
/// It makes the struct (with `Clone`, `Debug`, `Default`, `PartialEq`, and `Deserialize` that knows its
/// fields and no others) and implements [`Described`](crate::Described). What is left to write is
/// [`Probe`](crate::Probe). The crate that calls it needs `readiness-core` under its own name among its
/// dependencies.
///
/// ```
/// use readiness_core::{Described, Outcome, Priority, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait};
///
/// readiness_core::probe! {
///     /// The queue of orders is short.
///     ///
///     /// # What it checks
///     /// The number of orders that wait.
///     ///
///     /// # Why it matters
///     /// A long queue delays every order.
///     ///
///     /// # How it is judged
///     /// More than `most` fails.
///     ///
///     /// # How to fix
///     /// Start more workers.
///     pub struct QueueDepth {
///         /// The most orders that may wait. Default: 100.
///         pub most: u64 = 100,
///     }
///     id: "acme.queue_depth",
///     title: "the queue is short",
///     priority: High,
///     references: ["Runbook 7" => "https://runbooks.example.com/7"],
/// }
///
/// #[async_trait]
/// impl Probe for QueueDepth {
///     fn info(&self) -> &ProbeInfo {
///         Self::described()
///     }
///     async fn run(&self, _: &ProbeContext) -> Result<Outcome, ProbeError> {
///         Ok(Outcome::pass("0 orders wait"))
///     }
/// }
/// assert_eq!(QueueDepth::default().most, 100);
/// assert_eq!(QueueDepth::described().fix, "Start more workers.");
/// assert_eq!(QueueDepth::described().priority, Priority::High);
/// ```
#[macro_export]
macro_rules! probe {
    (
        $(#[doc = $doc:literal])+
        $vis:vis struct $name:ident {
            $( $(#[$field_meta:meta])* $field_vis:vis $field:ident : $field_type:ty = $default:expr ),* $(,)?
        }
        id: $id:literal,
        title: $title:literal,
        priority: $priority:ident,
        $(timeout_seconds: $timeout:literal,)?
        references: [ $( $reference:literal => $url:literal ),* $(,)? ] $(,)?
    ) => {
        $(#[doc = $doc])+
        #[doc = "\n# References"]
        $(#[doc = concat!("- [", $reference, "](", $url, ")")])*
        #[derive(Clone, Debug, $crate::__private::Deserialize, PartialEq)]
        #[serde(crate = "readiness_core::__private::serde", default, deny_unknown_fields)]
        #[non_exhaustive]
        $vis struct $name {
            $( $(#[$field_meta])* $field_vis $field: $field_type, )*
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::Described for $name {
            fn described() -> &'static $crate::ProbeInfo {
                static INFO: ::std::sync::LazyLock<$crate::ProbeInfo> = ::std::sync::LazyLock::new(|| {
                    const ID: $crate::ProbeId = $crate::ProbeId::new($id);
                    $crate::ProbeInfo::new(ID, $title)
                        .documented(concat!($($doc, "\n"),+))
                        .priority($crate::Priority::$priority)
                        $(.timeout(::std::time::Duration::from_secs($timeout)))?
                        $(.reference($reference, $url))*
                });
                &INFO
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_family_and_thing() {
        for right in ["http.hsts", "acme.queue.depth_2", "a.b"] {
            assert!(right.parse::<ProbeId>().is_ok(), "{right}");
        }
        for wrong in [
            "",
            "http",
            ".hsts",
            "http.",
            "http..hsts",
            "Http.hsts",
            "http.hs-ts",
            "1.a",
            "a._b",
        ] {
            let ok = wrong.parse::<ProbeId>().is_ok();
            // `_` may begin a later part, nothing else here may pass
            assert_eq!(ok, wrong == "a._b", "{wrong}");
        }
    }

    #[test]
    fn the_doc_comment_is_cut_into_its_sections() {
        let info = ProbeInfo::new(ProbeId::new("a.b"), "t")
            .documented(" One.\n\n # What it checks\n A\n B\n\n # How to fix\n Mend it.\n # Other\n x");
        assert_eq!(
            (&*info.summary, &*info.what, &*info.fix),
            ("One.", "A\nB", "Mend it.")
        );
    }

    #[test]
    fn weights_are_those_of_the_model() {
        assert_eq!(Priority::ALL.map(Priority::weight), [8, 4, 2, 1, 0]);
    }
}
