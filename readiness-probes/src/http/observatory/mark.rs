//! What a test of the peer comes to: one row of its table.

/// One result: its published id, what it adds to the score, and whether the peer calls it passed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Mark {
    /// The peer's own name for it, in kebab case.
    pub(super) id: &'static str,
    pub(super) modifier: i32,
    pub(super) passes: bool,
    /// What it means, in our words.
    pub(super) message: &'static str,
}

impl Mark {
    pub(super) const fn pass(id: &'static str, modifier: i32, message: &'static str) -> Self {
        Self {
            id,
            modifier,
            passes: true,
            message,
        }
    }

    pub(super) const fn fault(id: &'static str, modifier: i32, message: &'static str) -> Self {
        Self {
            id,
            modifier,
            passes: false,
            message,
        }
    }

    /// This mark, unless the one so far stands later in the order from better to worse.
    ///
    /// The order is the peer's and not that of the modifiers. What is not in it goes before all.
    pub(super) fn if_worse_than(self, so_far: Option<Self>, order: &[Self]) -> Self {
        let place = |mark: Self| order.iter().position(|other| *other == mark);
        match so_far {
            Some(old) if place(self) <= place(old) => old,
            _ => self,
        }
    }
}

/// One of the twelve tests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    /// The peer's name for it.
    pub(super) name: &'static str,
    /// What to do where it does not pass.
    pub(super) remedy: &'static str,
    /// Every mark it can come to.
    #[cfg(test)]
    pub(super) marks: &'static [Mark],
    pub(super) run: fn(&super::scan::Scan) -> Mark,
}
