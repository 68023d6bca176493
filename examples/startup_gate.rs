//! A service that opens its port only when its PostgreSQL answers.
//!
//! ```text
//! DATABASE_URL=postgres://app:secret@127.0.0.1:5432/app cargo run --example startup_gate
//! ```
//!
//! `GATE_SECONDS` sets how long it waits (20 by default), `LISTEN` where it listens (127.0.0.1:8080).
//! On a developer's machine `READINESS_GATE=warn` lets it start anyway.

use std::{env, error::Error, time::Duration};

use axum::{Router, routing::get};
use readiness_probes::{gate, presets};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set")?;
    let seconds = env::var("GATE_SECONDS").ok().and_then(|text| text.parse().ok());

    // Until this line is passed, nothing listens: no request meets a service without its database.
    gate(presets::postgres(&database)?)
        .within(seconds.map_or(Duration::from_secs(20), Duration::from_secs))
        .await?;

    let address = env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/", get(|| async { "hello" }))).await?;
    Ok(())
}
