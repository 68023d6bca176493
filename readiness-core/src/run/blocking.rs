use std::{future::Future, io, thread};

/// Runs a future to its end, inside and outside a runtime.
///
/// Inside one it runs on a thread of its own, so that the runtime's thread may block without a panic.
pub(super) fn block_on<F>(future: F) -> io::Result<F::Output>
where
    F: Future + Send,
    F::Output: Send,
{
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let output = runtime.block_on(future);
        // A name that the system is still looking up holds a thread; nobody waits for it any more.
        runtime.shutdown_background();
        Ok(output)
    };
    if tokio::runtime::Handle::try_current().is_err() {
        return run();
    }
    thread::scope(|scope| {
        thread::Builder::new()
            .name("readiness".to_owned())
            .spawn_scoped(scope, run)?
            .join()
            .unwrap_or_else(|panic| Err(io::Error::other(super::panic_text(&*panic))))
    })
}
