//! How a unit test asserts the headers of a service without a socket: see the tests at the end of this file. As a
//! program it prints the report.
//!
//! ```text
//! cargo test --example in_process
//! cargo run --example in_process
//! ```

use std::error::Error;

use axum::{
    Router,
    http::{HeaderName, HeaderValue},
    middleware::map_response,
    response::{Html, Response},
    routing::get,
};
use readiness_probes::{live::InProcess, presets};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let suite = presets::security_headers("https://shop.example.com/")?;
    println!("{}", InProcess::new(app()).run(suite).await);
    Ok(())
}

/// The service, with the headers that every response carries.
fn app() -> Router {
    Router::new()
        .route("/", get(|| async { Html("<!doctype html><title>Shop</title>") }))
        .route(
            "/api/orders",
            get(|| async { ([("content-type", "application/json")], "[1, 2, 3]") }),
        )
        .layer(map_response(with_headers))
}

async fn with_headers(mut response: Response) -> Response {
    const HEADERS: [(&str, &str); 4] = [
        ("strict-transport-security", "max-age=31536000"),
        (
            "content-security-policy",
            "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ];
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use readiness_probes::{assert_pass, assert_ready};

    use super::*;

    #[tokio::test]
    async fn the_page_is_ready() -> Result<(), Box<dyn Error>> {
        let suite = presets::security_headers("https://shop.example.com/")?;
        let report = InProcess::new(app()).run(suite).await;
        assert_ready!(report);
        Ok(())
    }

    #[tokio::test]
    async fn the_api_is_ready() -> Result<(), Box<dyn Error>> {
        let suite = presets::headers("https://shop.example.com/api/orders", "api")?;
        let report = InProcess::new(app()).run(suite).await;
        assert_ready!(report);
        assert_pass!(report, "http.nosniff");
        Ok(())
    }

    #[tokio::test]
    #[should_panic(expected = "http.csp")]
    async fn the_panic_shows_what_is_missing() {
        let bare = Router::new().route("/", get(|| async { Html("<!doctype html><title>Shop</title>") }));
        let suite = presets::security_headers("https://shop.example.com/").unwrap();
        let report = InProcess::new(bare).run(suite).await;
        assert_ready!(report);
    }
}
