//! The service that flows go through.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

pub(crate) const PASSWORD: &str = "pw-7Jq0x Zk\"9";
pub(crate) const TOKEN: &str = "at-51f0c3a7d2e94b";
pub(crate) const REFRESH: &str = "rt-0b9d1f3377aa40";
pub(crate) const SESSION: &str = "sid-77c1e0aa41f2";

/// A service, and who came: method, path, and the part of the request that the test is about.
#[derive(Clone, Default)]
pub(crate) struct Shop {
    pub(crate) log: Arc<Mutex<Vec<String>>>,
    /// Whether it knows the tokens that it hands out.
    pub(crate) forgets: bool,
}

impl Shop {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
    }

    pub(crate) fn seen(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(crate) fn knows(&self, headers: &HeaderMap) -> bool {
        let wanted = format!("Bearer {TOKEN}");
        let sent = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        sent == Some(wanted.as_str()) && !self.forgets
    }
}

async fn log_in(State(shop): State<Shop>, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let is_right = body == json!({ "user": "kim", "password": PASSWORD });
    shop.note(format!("log in {is_right}"));
    if is_right {
        let body = json!({ "token": TOKEN, "refresh": REFRESH, "user": { "id": 7, "name": "kim" } });
        return (StatusCode::CREATED, body.to_string()).into_response();
    }
    // It says everything back.
    (
        StatusCode::UNAUTHORIZED,
        json!({ "error": "wrong", "sent": body }).to_string(),
    )
        .into_response()
}

async fn orders(State(shop): State<Shop>, Path(user): Path<String>, headers: HeaderMap) -> Response {
    shop.note(format!("orders of {user}"));
    if !shop.knows(&headers) {
        return (
            StatusCode::UNAUTHORIZED,
            [("www-authenticate", "Bearer")],
            "who are you?",
        )
            .into_response();
    }
    let body =
        json!({ "orders": [{ "id": 17, "state": "open" }], "total": 1, "you": TOKEN, "also": REFRESH });
    ([("x-echo", TOKEN)], body.to_string()).into_response()
}

async fn log_out(State(shop): State<Shop>, headers: HeaderMap) -> StatusCode {
    let has_token = headers.contains_key(header::AUTHORIZATION);
    shop.note(format!("log out {has_token}"));
    StatusCode::NO_CONTENT
}

async fn page() -> impl IntoResponse {
    let page = "<form><input name=\"csrf\" value=\"c+s/r&f=1\"></form>";
    (
        [("set-cookie", "pre=pre-session-1; Path=/; HttpOnly")],
        Html(page),
    )
}

async fn form(State(shop): State<Shop>, headers: HeaderMap, body: String) -> Response {
    let cookie = headers
        .get("cookie")
        .map(|value| value.to_str().unwrap().to_owned());
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let wanted = [("csrf", "c+s/r&f=1"), ("password", PASSWORD), ("user", "kim")];
    let sent = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let is_right = sent.eq(wanted) && cookie.as_deref() == Some("pre=pre-session-1");
    shop.note(format!("form {is_right}"));
    if !is_right {
        return StatusCode::FORBIDDEN.into_response();
    }
    let cookie = format!("sid={SESSION}; Path=/; HttpOnly; SameSite=Lax");
    (
        StatusCode::SEE_OTHER,
        [("set-cookie", cookie.as_str()), ("location", "/home?tab=1")],
    )
        .into_response()
}

async fn home(State(shop): State<Shop>, headers: HeaderMap) -> Response {
    let cookie = headers
        .get("cookie")
        .map(|value| value.to_str().unwrap().to_owned());
    shop.note(format!(
        "home {}",
        cookie.as_deref() == Some("pre=pre-session-1; sid=sid-77c1e0aa41f2")
    ));
    Html(format!("<h1>Welcome</h1> {}", cookie.unwrap_or_default())).into_response()
}

/// The service, until it is dropped.
pub(crate) struct Served {
    pub(crate) shop: Shop,
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) async fn serve(shop: Shop) -> Served {
    let router = Router::new()
        .route("/session", post(log_in).delete(log_out))
        .route("/users/{user}/orders", get(orders))
        .route("/login", get(page).post(form))
        .route("/home", get(home))
        .with_state(shop.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served {
        shop,
        address,
        _tasks: tasks,
    }
}
