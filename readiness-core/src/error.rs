//! Printing an error together with what caused it.

use std::{error::Error, fmt};

/// Prints an error and its causes in one line, each once: `could not connect: connection refused`.
///
/// A `Display` in this workspace is one fragment without its cause; this prints the chain. A cause
/// whose text the line already ends with is not said twice.
///
/// ```
/// use readiness_core::ErrorChain;
/// let error = std::io::Error::other("no space left");
/// assert_eq!(ErrorChain(&error).to_string(), "no space left");
/// ```
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs, reason = "a wrapper around one reference")]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A cycle or a very long chain of somebody else's error type must not hang us.
        const MOST: usize = 16;
        let mut line = self.0.to_string();
        let mut cause = self.0.source();
        for _ in 0..MOST {
            let Some(error) = cause else { break };
            let text = error.to_string();
            if !text.is_empty() && !line.ends_with(&text) {
                line.push_str(": ");
                line.push_str(&text);
            }
            cause = error.source();
        }
        f.write_str(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Link(&'static str, #[source] Option<Box<Link>>);

    #[test]
    fn causes_are_said_once() {
        let error = Link("a", Some(Box::new(Link("b", Some(Box::new(Link("b", None)))))));
        assert_eq!(ErrorChain(&error).to_string(), "a: b");
    }
}
