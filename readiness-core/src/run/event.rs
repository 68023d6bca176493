use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;

use crate::{observe::Recording, outcome::Status, report::Report};

/// What happens during a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An attempt at a requirement begins.
    Started {
        /// The requirement.
        requirement: String,
        /// The target's label.
        target: String,
        /// Counted from 1.
        attempt: u32,
    },
    /// A requirement is judged at one target, after its last attempt.
    Judged {
        /// The requirement.
        requirement: String,
        /// The target's label.
        target: String,
        /// The judgement.
        status: Status,
        /// How many are judged by now.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// Everything that was seen, where that was asked for. Comes before the report.
    Recorded(Box<Recording>),
    /// The run has ended. Always the last one.
    Finished(Box<Report>),
}

/// A run that tells what happens: progress while it goes, and the report at its end.
///
/// # Cancel safety
/// Dropping it ends the run and releases everything it holds.
#[must_use = "a run does nothing until it is polled"]
pub struct Events<'a> {
    pub(super) run: Option<BoxFuture<'a, (Report, Recording)>>,
    pub(super) record: bool,
    pub(super) progress: Arc<Mutex<Vec<Event>>>,
    pub(super) waiting: std::vec::IntoIter<Event>,
}

impl Events<'_> {
    /// What happens next; `None` after [`Event::Finished`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no event: the next call gives it.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(event) = self.waiting.next() {
                return Poll::Ready(Some(event));
            }
            let Some(run) = &mut self.run else {
                return Poll::Ready(None);
            };
            // Events only come about while the run is polled, here: nobody else needs to wake us.
            let end = run.as_mut().poll(cx);
            let mut events =
                std::mem::take(&mut *self.progress.lock().unwrap_or_else(PoisonError::into_inner));
            match end {
                Poll::Ready((report, recording)) => {
                    self.run = None;
                    if self.record {
                        events.push(Event::Recorded(Box::new(recording)));
                    }
                    events.push(Event::Finished(Box::new(report)));
                }
                Poll::Pending if events.is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
            self.waiting = events.into_iter();
        }
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("ended", &self.run.is_none())
            .finish_non_exhaustive()
    }
}
