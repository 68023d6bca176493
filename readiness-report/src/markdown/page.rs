use std::fmt::Write as _;

/// Whether a section shows its entries at once.
#[derive(Clone, Copy)]
pub(super) enum Fold {
    /// Folded.
    Closed,
    /// Folded, with the number of its entries.
    Counted,
    Open,
}

/// Markdown that grows up to a limit, entry by entry.
pub(super) struct Page {
    pub(super) out: String,
    limit: usize,
    omitted: usize,
}

impl Page {
    /// Room for the line that counts what was left out.
    const LAST_LINE: usize = 120;
    /// Room for the line that counts what a section left out.
    const MORE_LINE: usize = 60;

    pub(super) fn new(limit: usize) -> Self {
        Self {
            out: String::new(),
            limit: limit.saturating_sub(Self::LAST_LINE),
            omitted: 0,
        }
    }

    /// Writes a section with as many of its entries as there is room for; nothing where it has none.
    pub(super) fn section(&mut self, title: Option<(&str, Fold)>, entries: Vec<String>) {
        if entries.is_empty() {
            return;
        }
        let (open, close) = match title {
            None => (String::new(), "\n"),
            Some((title, Fold::Open)) => (format!("#### {title}\n\n"), "\n"),
            Some((title, Fold::Closed)) => (
                format!("<details>\n<summary>{title}</summary>\n\n"),
                "\n</details>\n\n",
            ),
            Some((title, Fold::Counted)) => (
                format!("<details>\n<summary>{title} ({})</summary>\n\n", entries.len()),
                "\n</details>\n\n",
            ),
        };
        let reserved = close.len() + Self::MORE_LINE;
        let mut body = String::new();
        let mut left_out = 0;
        for entry in &entries {
            // One that is too long must not hide the shorter ones behind it.
            if self.out.len() + open.len() + body.len() + entry.len() + reserved <= self.limit {
                body.push_str(entry);
            } else {
                left_out += 1;
            }
        }
        self.omitted += left_out;
        if body.is_empty() {
            return;
        }
        self.out.push_str(&open);
        self.out.push_str(&body);
        if left_out > 0 {
            let _ = writeln!(self.out, "- … and {left_out} more, left out for size");
        }
        self.out.push_str(close);
    }

    pub(super) fn finish(mut self) -> String {
        if self.omitted > 0 {
            let _ = writeln!(
                self.out,
                "**{} entries were left out for size; the JSON report holds them all.**",
                self.omitted
            );
        }
        let end = self.out.trim_end().len();
        self.out.truncate(end);
        self.out.push('\n');
        self.out
    }
}
