use std::{
    convert::Infallible,
    error::Error,
    fmt::Display,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use futures_util::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};

use super::{Answer, InProcess, Service};

impl InProcess {
    /// Answers from a `tower` service, such as a `Router` of axum. Needs the cargo feature `tower`.
    ///
    /// The bounds name `tower_service::Service` 0.3 and `http_body::Body` 1, the two traits that every web
    /// framework on hyper shares. They have a feature of their own, so that whoever does not ask for it
    /// depends on neither; [`InProcess::from_fn`] needs no trait at all.
    ///
    /// ```
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use axum::{Router, routing::get};
    /// use readiness_probes::{assert_ready, live::InProcess, presets};
    ///
    /// let headers = [
    ///     ("strict-transport-security", "max-age=31536000"),
    ///     ("x-content-type-options", "nosniff"),
    /// ];
    /// let orders = move || async move { (headers, "3 orders") };
    /// let app = Router::new().route("/orders", get(orders));
    /// let suite = presets::headers("https://api.example.com/orders", "api")?;
    /// let report = InProcess::new(app).run(suite).await;
    /// assert_ready!(report);
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run()).unwrap();
    /// ```
    pub fn new<S, B>(service: S) -> Self
    where
        S: tower_service::Service<Request<NoBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Display,
        S::Future: Send + 'static,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Self::of(Arc::new(Tower(Mutex::new(service))))
    }
}

/// The body of every request: none.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct NoBody;

impl Body for NoBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

/// Each request goes to a clone of its own, which is how servers use a service too.
struct Tower<S>(Mutex<S>);

impl<S, B> Service for Tower<S>
where
    S: tower_service::Service<Request<NoBody>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Display,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn answer(&self, request: Request<()>) -> BoxFuture<'static, Result<Answer, String>> {
        let mut service = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move {
            poll_fn(|cx| service.poll_ready(cx))
                .await
                .map_err(|e| e.to_string())?;
            let response = service
                .call(request.map(|()| NoBody))
                .await
                .map_err(|e| e.to_string())?;
            Ok(response.map(|body| {
                body.map_frame(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining())))
                    .map_err(|e| e.into().to_string())
                    .boxed_unsync()
            }))
        }
        .boxed()
    }
}
