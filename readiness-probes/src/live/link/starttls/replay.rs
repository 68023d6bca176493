//! A dialogue with a peer that says the same whatever it is told.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use readiness_core::{Reason, fact::StartTls};
use tokio::io::{AsyncRead, ReadBuf, join, sink};

use super::{Names, negotiate};

/// What becomes of a dialogue with a peer that says these bytes in pieces of this size and then ends: `Ok` where
/// TLS would begin. For fuzzing; it needs a tokio runtime with time.
///
/// # Errors
/// Why TLS does not begin.
#[doc(hidden)]
pub async fn hold_dialogue(
    script: &StartTls,
    said: &[u8],
    piece_bytes: usize,
) -> Result<(), (Reason, String)> {
    let names = Names::new("mail.example.com", Err(io::ErrorKind::NotConnected.into()));
    let pieces = Pieces {
        rest: said,
        most: piece_bytes.max(1),
    };
    let mut stream = join(pieces, sink());
    let held = negotiate(script, &names, &mut stream).await;
    held.map_err(|refusal| (refusal.reason, refusal.message))
}

struct Pieces<'a> {
    rest: &'a [u8],
    most: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let n = self.rest.len().min(self.most).min(buf.remaining());
        let (piece, rest) = self.rest.split_at(n);
        buf.put_slice(piece);
        self.rest = rest;
        Poll::Ready(Ok(()))
    }
}
