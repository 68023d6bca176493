//! What was asked about the mail of a domain, and what was said.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use readiness_core::{
    ObserveError, ProbeContext, Reason,
    fact::{DnsAnswer, DnsLookup, RecordData, RecordType},
};

use super::{super::records::not_looked_up, DnsMail};

/// The most questions about one domain: ten look-ups of SPF, the exchanges, and what stands beside them.
const MOST_QUESTIONS: usize = 160;

/// A name and the type of its records.
pub(super) type Question = (String, RecordType);

type Look = Result<DnsAnswer, ObserveError>;

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Lost {
    pub(super) reason: Reason,
    pub(super) problem: String,
}

/// The answers to all questions, by what was asked.
#[derive(Debug, Default)]
pub(super) struct Answers(BTreeMap<Question, Look>);

impl Answers {
    /// Asks what `wanted` says, then what it says in the light of the answers, until it wants no more.
    pub(super) async fn gather(
        cx: &ProbeContext,
        settings: &DnsMail,
        wanted: impl Fn(&Self) -> Vec<Question>,
    ) -> Self {
        let mut answers = Self::default();
        loop {
            let mut questions = wanted(&answers);
            questions.sort_unstable();
            questions.dedup();
            questions.retain(|question| !answers.0.contains_key(question));
            questions.truncate(MOST_QUESTIONS.saturating_sub(answers.0.len()));
            if questions.is_empty() {
                return answers;
            }
            let looks = questions.into_iter().map(|(name, kind)| async move {
                let key = DnsLookup::new(&name, kind).via(settings.nameservers.clone());
                let look = cx.observe(key).await.map(|answer| (*answer).clone());
                ((name, kind), look)
            });
            answers.0.extend(join_all(looks).await);
        }
    }

    /// What was said; `None` where it was not asked.
    pub(super) fn get(&self, name: &str, kind: RecordType) -> Option<&Look> {
        self.0.get(&(name.to_owned(), kind))
    }

    /// The answer, one that there is nothing among them.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn answer(&self, name: &str, kind: RecordType) -> Result<&DnsAnswer, Lost> {
        let look = self.get(name, kind).ok_or_else(|| Lost {
            reason: Reason::DNS_SILENT,
            problem: format!("`{name}` {kind} was not asked any more, after {MOST_QUESTIONS} questions"),
        })?;
        match (not_looked_up(look.as_ref()), look) {
            (None, Ok(answer)) => Ok(answer),
            (Some((reason, problem)), _) => Err(Lost { reason, problem }),
            (None, Err(e)) => Err(Lost {
                reason: e.root_reason().clone(),
                problem: e.message.clone(),
            }),
        }
    }

    /// The texts of a name; none where there are none.
    ///
    /// # Errors
    /// Why it is not known.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, Lost> {
        let answer = self.answer(name, RecordType::Txt)?;
        let texts = answer.records.iter().filter_map(|record| match &record.data {
            RecordData::Txt(text) => Some(text.as_str()),
            _ => None,
        });
        Ok(texts.collect())
    }

    /// Why nothing at all could be looked up; `None` where something could.
    pub(super) fn nothing(&self) -> Option<Lost> {
        let mut lost = self.0.keys().map(|(name, kind)| self.answer(name, *kind).err());
        let first = lost.next()??;
        lost.all(|lost| lost.is_some()).then_some(first)
    }

    #[cfg(test)]
    pub(super) fn questions(&self) -> impl Iterator<Item = &Question> {
        self.0.keys()
    }

    #[cfg(test)]
    pub(super) fn insert(&mut self, name: &str, kind: RecordType, look: Look) {
        self.0.insert((name.to_owned(), kind), look);
    }
}
