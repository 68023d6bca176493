//! How a test suite asserts that a deployment is ready: see the tests at the end of this file.
//!
//! ```text
//! cargo test --example assert_in_test
//! ```

fn main() {
    println!("this example is a test: cargo test --example assert_in_test");
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use axum::{Router, http::StatusCode, routing::get};
    use readiness_probes::{
        Requirement, Suite, Target, assert_no_regression, assert_pass, assert_ready, builtin, live::Live,
    };
    use serde_json::json;

    /// Starts the service under test on a port of its own.
    async fn service(health: &'static str, status: StatusCode) -> Result<String, Box<dyn Error>> {
        let app = Router::new().route(
            "/healthz",
            get(move || async move { (status, [("content-type", "application/json")], health) }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(format!("http://{address}"))
    }

    fn suite(url: &str) -> Result<Suite, Box<dyn Error>> {
        let health = builtin::registry().build("http.health", &json!({ "path": "/healthz" }))?;
        let suite = Suite::new(Live::new().sources()?);
        Ok(suite.with(Requirement::new(health, Target::parse(url)?.labelled("shop")))?)
    }

    #[tokio::test]
    async fn the_service_is_ready() -> Result<(), Box<dyn Error>> {
        let url = service(r#"{"status":"UP","checks":[]}"#, StatusCode::OK).await?;
        let report = suite(&url)?.run().await;
        assert_ready!(report, target = 95);
        assert_pass!(report, "http.health");
        assert_no_regression!(report, report.clone());
        Ok(())
    }

    #[tokio::test]
    #[should_panic(expected = "http.health")]
    async fn the_panic_shows_what_is_wrong() {
        let body = r#"{"status":"DOWN","checks":[{"name":"db","status":"DOWN"}]}"#;
        let url = service(body, StatusCode::SERVICE_UNAVAILABLE).await.unwrap();
        let report = suite(&url).unwrap().run().await;
        assert_ready!(report);
    }
}
