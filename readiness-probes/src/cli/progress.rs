use std::io::{self, Write};

use readiness_core::Event;

/// One line on the terminal that is written over and over.
pub(super) struct Progress {
    on: bool,
}

impl Progress {
    pub(super) fn new(on: bool) -> Self {
        Self { on }
    }

    pub(super) fn show(&mut self, event: &Event) {
        if !self.on {
            return;
        }
        if let Event::Judged {
            requirement,
            status,
            done,
            of,
            ..
        } = event
        {
            let line = format!("{done}/{of} {requirement}: {status}");
            let line: String = line.chars().filter(|c| !c.is_control()).take(78).collect();
            let _ = write!(io::stderr(), "\r\u{1b}[K{line}");
            let _ = io::stderr().flush();
        }
    }

    pub(super) fn clear(&mut self) {
        if self.on {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
