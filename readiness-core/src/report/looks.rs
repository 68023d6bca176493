use serde::{Deserialize, Serialize};

use super::TargetResult;
use crate::outcome::{Outcome, Status};

/// The looks behind one result, where more than one was made or asked for: none is hidden by those that follow.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Looks {
    /// How many good ones were asked for.
    pub needed: u32,
    /// How many were to be made at most, in each round of a gate.
    pub most: u32,
    /// Each of them in order, the first always among them.
    pub seen: Vec<Look>,
    /// How many are left out after the first, where there were very many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
    /// How many of those that are left out were good.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub good_left_out: u32,
}

/// One look of several: what one attempt said.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Look {
    /// Its judgement.
    #[serde(flatten)]
    pub status: Status,
    /// What was seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Looks {
    /// How many of them are kept. Those after the first make room for the newest.
    pub const MOST_KEPT: usize = 100;

    /// None so far, of at most so many, of which so many must be good.
    pub fn new(needed: u32, most: u32) -> Self {
        Self {
            needed,
            most,
            seen: Vec::new(),
            left_out: 0,
            good_left_out: 0,
        }
    }

    /// Adds the newest.
    pub fn push(&mut self, look: Look) {
        if self.seen.len() >= Self::MOST_KEPT {
            let old = self.seen.remove(1);
            self.left_out = self.left_out.saturating_add(1);
            self.good_left_out = self.good_left_out.saturating_add(u32::from(old.is_good()));
        }
        self.seen.push(look);
    }

    /// How many were made.
    pub fn made(&self) -> u32 {
        u32::try_from(self.seen.len())
            .unwrap_or(u32::MAX)
            .saturating_add(self.left_out)
    }

    /// How many of them were good.
    pub fn good(&self) -> u32 {
        let good = self.seen.iter().filter(|look| look.is_good()).count();
        u32::try_from(good)
            .unwrap_or(u32::MAX)
            .saturating_add(self.good_left_out)
    }

    /// Those of the kept ones that were not good, each with its number, counted from 1.
    pub fn bad(&self) -> impl Iterator<Item = (u32, &Look)> {
        let numbers = std::iter::once(1).chain(self.left_out.saturating_add(2)..);
        numbers.zip(&self.seen).filter(|(_, look)| !look.is_good())
    }
}

impl Look {
    /// What an attempt said.
    pub fn new(outcome: &Outcome, duration_ms: u64) -> Self {
        Self {
            status: outcome.status.clone(),
            summary: outcome.summary.clone(),
            duration_ms,
        }
    }

    /// Whether it counts as a good one: it neither failed nor stayed unknown.
    pub fn is_good(&self) -> bool {
        is_good(&self.status)
    }
}

/// Whether a look that ended so counts as a good one.
pub(crate) fn is_good(status: &Status) -> bool {
    !matches!(status, Status::Fail | Status::Unknown { .. })
}

impl TargetResult {
    /// What its looks add up to, in words: `only at attempt 3: flaky`, or where several good ones were asked for
    /// `2 of 3 looks good, 2 needed: flaky`. `None` where one was asked for, and they agree.
    pub fn looks_in_words(&self) -> Option<String> {
        match &self.looks {
            // Where nothing was to be judged, there is nothing to count.
            _ if matches!(self.outcome.status, Status::NotApplicable { .. }) => None,
            Some(looks) if looks.needed > 1 => {
                let (good, all) = (looks.good(), looks.made());
                let flaky = if self.flaky { ": flaky" } else { "" };
                Some(format!(
                    "{good} of {all} looks good, {} needed{flaky}",
                    looks.needed
                ))
            }
            _ if self.flaky && is_good(&self.outcome.status) => {
                Some(format!("only at attempt {}: flaky", self.attempts))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_look_is_kept_however_many_follow() {
        for (made, kept, left_out) in [(99, 99, 0), (100, 100, 0), (101, 100, 1), (250, 100, 150)] {
            let mut looks = Looks::new(1, 1000);
            for n in 0..made {
                looks.push(Look::new(&Outcome::fail(format!("look {n}")), n));
            }
            assert_eq!((looks.seen.len(), looks.left_out), (kept, left_out), "{made}");
            assert_eq!(looks.seen[0].summary, "look 0");
            assert_eq!(looks.seen[kept - 1].duration_ms, made - 1);
            let numbers: Vec<u64> = looks.bad().map(|(n, _)| u64::from(n)).collect();
            let durations: Vec<u64> = looks.seen.iter().map(|look| look.duration_ms + 1).collect();
            assert_eq!(numbers, durations);
        }
    }

    #[test]
    fn those_left_out_are_counted() {
        let mut looks = Looks::new(150, 200);
        for n in 0..200 {
            let outcome = if n % 10 == 0 {
                Outcome::fail("")
            } else {
                Outcome::pass("")
            };
            looks.push(Look::new(&outcome, n));
        }
        assert_eq!((looks.made(), looks.good(), looks.left_out), (200, 180, 100));
        let mut row = TargetResult::new("api", "u", Outcome::pass("x"));
        row.looks = Some(looks);
        assert_eq!(row.looks_in_words().unwrap(), "180 of 200 looks good, 150 needed");
    }

    #[test]
    fn words_say_how_many_were_good() {
        let mut row = TargetResult::new("api", "u", Outcome::pass("x"));
        assert_eq!(row.looks_in_words(), None);
        row.flaky = true;
        row.attempts = 3;
        assert_eq!(row.looks_in_words().unwrap(), "only at attempt 3: flaky");
        let mut looks = Looks::new(2, 3);
        for outcome in [Outcome::pass(""), Outcome::fail(""), Outcome::pass("")] {
            looks.push(Look::new(&outcome, 1));
        }
        let bad: Vec<u32> = looks.bad().map(|(n, _)| n).collect();
        assert_eq!((bad, looks.good()), (vec![2], 2));
        row.looks = Some(looks);
        assert_eq!(
            row.looks_in_words().unwrap(),
            "2 of 3 looks good, 2 needed: flaky"
        );
        row.flaky = false;
        assert_eq!(row.looks_in_words().unwrap(), "2 of 3 looks good, 2 needed");
        row.outcome = Outcome::not_applicable("an address has no zone");
        assert_eq!(row.looks_in_words(), None);
    }

    #[test]
    fn looks_read_and_write_as_json() {
        let mut looks = Looks::new(2, 3);
        looks.push(Look::new(&Outcome::fail("HTTP 503"), 7));
        let json = serde_json::to_string(&looks).unwrap();
        assert_eq!(
            json,
            r#"{"needed":2,"most":3,"seen":[{"status":"fail","summary":"HTTP 503","duration_ms":7}]}"#
        );
        assert_eq!(serde_json::from_str::<Looks>(&json).unwrap(), looks);
    }
}
