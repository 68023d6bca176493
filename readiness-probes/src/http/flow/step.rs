//! What a step is, as it is written in settings.

use std::collections::BTreeMap;

use readiness_core::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::http::{Assertion, HeaderAssertion, StatusSet};

/// One request of a flow, what must hold of its answer, and what is taken from it.
///
/// `{{name}}` stands for what an earlier step took, in `path`, `headers` and the body; `{{credential.user}}`,
/// `{{credential.password}}`, `{{credential.value}}` and `{{credential.token}}` for parts of the target's
/// credential.
///
/// ```
/// use readiness_probes::http::{Flow, FlowExtract, FlowStep};
/// use serde_json::json;
///
/// let flow = Flow::new([
///     FlowStep::new("log_in", "POST", "/session")
///         .json(&json!({ "user": "{{credential.user}}", "password": "{{credential.password}}" }))
///         .extract("token", FlowExtract::json("/token")),
///     FlowStep::new("orders", "GET", "/orders").header("authorization", "Bearer {{token}}"),
///     FlowStep::new("log_out", "DELETE", "/session")
///         .header("authorization", "Bearer {{token}}")
///         .always(),
/// ])
/// .allow_unsafe();
/// assert_eq!(flow.check(), Ok(()));
/// ```
///
/// The same in `readiness.toml`; the password comes from the environment:
///
/// ```toml
/// [targets.shop]
/// url = "https://shop.example.com"
/// credential = { user = "probe", password = { env = "SHOP_PASSWORD" } }
///
/// [[require]]
/// probe = "http.flow"
/// with.allow_unsafe = true
///
/// [[require.with.steps]]
/// name = "log_in"
/// method = "POST"
/// path = "/session"
/// json = { user = "{{credential.user}}", password = "{{credential.password}}" }
/// extract.token = { json = "/token" }
///
/// [[require.with.steps]]
/// name = "orders"
/// path = "/orders"
/// headers = { authorization = "Bearer {{token}}" }
/// expect.assert = [{ pointer = "/total", at_least = 0 }]
///
/// [[require.with.steps]]
/// name = "log_out"
/// method = "DELETE"
/// path = "/session"
/// headers = { authorization = "Bearer {{token}}" }
/// always = true
/// ```
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct FlowStep {
    /// What the step is called: letters, digits, `_` and `-`, at most 40.
    pub name: String,
    /// The method. Default: `GET`.
    pub method: String,
    /// The path, such as `/orders/{{id}}`, or one variable alone that holds a path or a URL of this origin.
    /// Default: `/`.
    pub path: String,
    /// Another origin to ask, such as `https://sso.example.com`. Default: the target's.
    pub origin: Option<String>,
    /// Headers to send. Default: none but our own.
    pub headers: BTreeMap<String, String>,
    /// Whether the target's credential is sent as a header, as other probes do. Default: no.
    pub credential: bool,
    /// A JSON document to send. A value that is one variable alone is sent as it was taken, a number as a number.
    pub json: Option<JsonText>,
    /// Fields of a form to send.
    pub form: BTreeMap<String, String>,
    /// A text to send.
    pub text: Option<String>,
    /// What must hold of the answer. Default: a status of 200 to 299.
    pub expect: FlowExpect,
    /// What is taken from the answer, by the name of the variable. Default: nothing.
    pub extract: BTreeMap<String, FlowExtract>,
    /// Whether what stands in the answer is secret. Default: once a credential or a secret value was sent.
    pub secret: Option<bool>,
    /// Whether it is sent although an earlier step failed, such as a log-out. Default: no.
    pub always: bool,
}

impl Default for FlowStep {
    fn default() -> Self {
        Self {
            name: String::new(),
            method: "GET".to_owned(),
            path: "/".to_owned(),
            origin: None,
            headers: BTreeMap::new(),
            credential: false,
            json: None,
            form: BTreeMap::new(),
            text: None,
            expect: FlowExpect::default(),
            extract: BTreeMap::new(),
            secret: None,
            always: false,
        }
    }
}

impl FlowStep {
    /// A step of this name that sends this method to this path.
    pub fn new(name: impl Into<String>, method: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            method: method.into(),
            path: path.into(),
            ..Self::default()
        }
    }

    /// Asks another origin than the target's.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Sends a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Sends the target's credential as a header.
    pub fn credential(mut self) -> Self {
        self.credential = true;
        self
    }

    /// Sends a JSON document.
    pub fn json(mut self, document: &Value) -> Self {
        self.json = Some(JsonText(document.to_string()));
        self
    }

    /// Sends a field of a form.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.form.insert(name.into(), value.into());
        self
    }

    /// Sends a text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Says what must hold of the answer.
    pub fn expect(mut self, expect: FlowExpect) -> Self {
        self.expect = expect;
        self
    }

    /// Takes a value from the answer.
    pub fn extract(mut self, name: impl Into<String>, from: FlowExtract) -> Self {
        self.extract.insert(name.into(), from);
        self
    }

    /// Says whether what stands in the answer is secret.
    pub fn secret(mut self, secret: bool) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Sends it although an earlier step failed.
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Whether its method may change something. RFC 9110, section 9.2.1.
    pub(super) fn is_unsafe(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    /// Whether anything asks for the body of the answer.
    pub(crate) fn reads_body(&self) -> bool {
        let expect = &self.expect;
        !(expect.contains.is_empty() && expect.not_contains.is_empty() && expect.assert.is_empty())
            || self
                .extract
                .values()
                .any(|from| from.json.is_some() || from.between.is_some())
    }

    /// Every text of it that may hold variables, with the name of its setting.
    pub(crate) fn texts(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![("path", self.path.clone())];
        all.extend(self.headers.values().map(|value| ("headers", value.clone())));
        all.extend(self.form.values().map(|value| ("form", value.clone())));
        all.extend(self.text.iter().map(|text| ("text", text.clone())));
        if let Some(json) = &self.json {
            strings(&json.value(), &mut all);
        }
        all
    }
}

fn strings(value: &Value, all: &mut Vec<(&'static str, String)>) {
    match value {
        Value::String(text) => all.push(("json", text.clone())),
        Value::Array(items) => items.iter().for_each(|item| strings(item, all)),
        Value::Object(members) => members.values().for_each(|member| strings(member, all)),
        _ => {}
    }
}

/// What must hold of the answer to a step.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct FlowExpect {
    /// The status codes that are right: a list such as `[200, "202-204"]`. Default: 200 to 299.
    pub status: StatusSet,
    /// What must hold of headers: `[{ name = "location", contains = "/orders/" }]`. Default: nothing.
    pub headers: Vec<HeaderAssertion>,
    /// Texts that must stand in the body. Default: none.
    pub contains: Vec<String>,
    /// Texts that must not stand in the body. Default: none.
    pub not_contains: Vec<String>,
    /// What must hold of the JSON document: `[{ pointer = "/state", equals = "open" }]`. Default: nothing.
    pub assert: Vec<Assertion>,
}

impl FlowExpect {
    /// Sets the status codes that are right.
    pub fn status(mut self, status: StatusSet) -> Self {
        self.status = status;
        self
    }

    /// Demands something of a header.
    pub fn header(mut self, assertion: HeaderAssertion) -> Self {
        self.headers.push(assertion);
        self
    }

    /// Demands a text in the body.
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        self.contains.push(text.into());
        self
    }

    /// Demands that a text is not in the body.
    pub fn not_contains(mut self, text: impl Into<String>) -> Self {
        self.not_contains.push(text.into());
        self
    }

    /// Demands something of the JSON document.
    pub fn assert(mut self, assertion: Assertion) -> Self {
        self.assert.push(assertion);
        self
    }
}

/// Where in an answer a value stands: one of `json`, `header`, `cookie` and `between`.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct FlowExtract {
    /// At this JSON Pointer: a text, a number, `true` or `false`.
    pub json: Option<String>,
    /// In this header; the first one counts.
    pub header: Option<String>,
    /// In the cookie of this name that the answer sets.
    pub cookie: Option<String>,
    /// Between these two texts of the body, where they stand first.
    pub between: Option<(String, String)>,
    /// Whether the value is secret: then it stands in no report and no recording, and goes only over trusted
    /// channels and to the origin it came from. Default: as the answer; a cookie and what is named like a token, a
    /// key or a session is secret anyway.
    pub secret: Option<bool>,
    /// Other origins that may see it although it is secret. Default: none.
    pub also_for: Vec<String>,
}

impl FlowExtract {
    /// What stands at this JSON Pointer.
    pub fn json(pointer: impl Into<String>) -> Self {
        Self {
            json: Some(pointer.into()),
            ..Self::default()
        }
    }

    /// What stands in this header.
    pub fn header(name: impl Into<String>) -> Self {
        Self {
            header: Some(name.into()),
            ..Self::default()
        }
    }

    /// The value of this cookie.
    pub fn cookie(name: impl Into<String>) -> Self {
        Self {
            cookie: Some(name.into()),
            ..Self::default()
        }
    }

    /// What stands between two texts.
    pub fn between(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self {
            between: Some((before.into(), after.into())),
            ..Self::default()
        }
    }

    /// Says whether it is secret.
    pub fn secret(mut self, secret: bool) -> Self {
        self.secret = Some(secret);
        self
    }

    /// Lets another origin see it although it is secret.
    pub fn also_for(mut self, origin: impl Into<String>) -> Self {
        self.also_for.push(origin.into());
        self
    }

    /// Where it stands, in words.
    pub(super) fn place(&self) -> String {
        match (&self.json, &self.header, &self.cookie, &self.between) {
            (Some(pointer), ..) if pointer.is_empty() => "as the document".to_owned(),
            (Some(pointer), ..) => format!("at `{pointer}`"),
            (_, Some(name), ..) => format!("in the header `{}`", name.to_ascii_lowercase()),
            (_, _, Some(name), _) => format!("in the cookie `{name}`"),
            _ => "between the two texts".to_owned(),
        }
    }
}

/// A JSON document, kept as text: in settings a table, a list, or the text of a document.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "Value", into = "String")]
pub struct JsonText(String);

impl JsonText {
    pub(super) fn value(&self) -> Value {
        // Both ways to make one come from a document.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl TryFrom<Value> for JsonText {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) => match serde_json::from_str::<Value>(&text) {
                Ok(_) => Ok(Self(text)),
                Err(e) => Err(format!("`json` is a text that is no JSON document: {e}")),
            },
            other => Ok(Self(other.to_string())),
        }
    }
}

impl From<JsonText> for String {
    fn from(json: JsonText) -> Self {
        json.0
    }
}

/// An origin as settings have it.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn origin_of_text(text: &str) -> Result<Origin, String> {
    let wrong = || {
        let shown: String = text.chars().take(80).collect();
        format!("`{shown}` is no origin; write scheme, host and port, such as `https://sso.example.com`")
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let is_bare = url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_bare {
        return Err(wrong());
    }
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => {
            let host = host.trim_matches(['[', ']']).trim_end_matches('.');
            Ok(Origin::new(url.scheme(), host, port))
        }
        _ => Err(wrong()),
    }
}
