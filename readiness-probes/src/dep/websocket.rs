use std::sync::Arc;

use readiness_core::{
    Described, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::Endpoint,
};

use super::verdict::each_address;
use crate::address::{authority, authority_of, check_query, path_at};

mod judge;
pub(crate) mod opening;
#[cfg(test)]
mod tests;

use self::{
    judge::judge,
    opening::{WebSocketFacts, WebSocketOpen},
};

readiness_core::probe! {
    /// The WebSocket opens, answers and closes.
    ///
    /// # What it checks
    /// It asks for a WebSocket as a browser on the service's own page does (`wss://host/path`), checks the
    /// answer, sends a ping, and closes in order. With `foreign_origin_refused` it asks once more, as a page of
    /// somebody else would.
    ///
    /// # Why it matters
    /// Proxies that do not know the upgrade, or end idle connections, break WebSockets while every other request
    /// works. And browsers let any page open a WebSocket with the user's cookies: only the server can refuse it.
    ///
    /// # How it is judged
    /// Another status than 101 fails, and 401 and 403 leave it unknown. An answer that clients refuse fails: no
    /// `Upgrade: websocket`, no `Connection: Upgrade`, a `Sec-WebSocket-Accept` that is missing or wrong, a
    /// subprotocol or an extension that nobody asked for, none of the `subprotocols` that are asked for. A ping
    /// without a pong fails, and so do a close before it and frames that break the rules, such as masked ones. A
    /// server that does not answer the close warns. A foreign origin that is let in fails where
    /// `foreign_origin_refused` is set; 400, 401, 403, 404 and a close refuse it, while any other status, and a
    /// close of a server that is busy or starts again, leave it unknown. One address that accepts is enough.
    ///
    /// # How to fix
    /// 400 or 404: let the proxy pass `Upgrade` and `Connection` on (nginx: `proxy_http_version 1.1`). No pong:
    /// answer control frames also while the service is busy. Foreign origin: compare `Origin` with a list.
    pub struct WebSocket {
        /// The path. Default: the target's own.
        pub path: String = String::new(),
        /// The `Origin` that is sent, such as `https://www.example.com`. Default: the target's own.
        pub origin: String = String::new(),
        /// The subprotocols that are offered; the server must choose one. Default: none.
        pub subprotocols: Vec<String> = Vec::new(),
        /// Whether a page of somebody else must be refused; costs a second connection. Default: false.
        pub foreign_origin_refused: bool = false,
    }
    id: "dep.websocket",
    title: "the WebSocket opens, answers and closes",
    priority: High,
    timeout_seconds: 20,
    references: [
        "RFC 6455 section 4.1, what the server must answer" => "https://www.rfc-editor.org/rfc/rfc6455#section-4.1",
        "RFC 6455 section 5.5, control frames" => "https://www.rfc-editor.org/rfc/rfc6455#section-5.5",
        "RFC 6455 section 10.2, origins" => "https://www.rfc-editor.org/rfc/rfc6455#section-10.2",
    ],
}

/// A page that is nobody's (RFC 2606, section 2).
const FOREIGN: &str = "https://readiness.invalid";

impl WebSocket {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        const MOST_SUBPROTOCOLS: usize = 16;
        if !self.path.is_empty() && !self.path.starts_with('/') {
            return Err(format!(
                "`path` is `{}`, expected it to begin with `/`",
                self.path.escape_debug()
            ));
        }
        check_query(&self.path)?;
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain(&self.path) || !is_plain(&self.origin) {
            return Err("`path` or `origin` holds a blank, or what is no ASCII".into());
        }
        if !self.origin.is_empty() && !self.origin.contains("://") {
            return Err(format!("`origin` is `{}`, expected `https://host`", self.origin));
        }
        if self.subprotocols.len() > MOST_SUBPROTOCOLS {
            return Err(format!(
                "`subprotocols` names {}, expected at most {MOST_SUBPROTOCOLS}",
                self.subprotocols.len()
            ));
        }
        for name in &self.subprotocols {
            // RFC 6455, section 4.1: tokens of HTTP.
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || name.len() > 64 || !name.bytes().all(is_token) {
                let shown: String = name.escape_debug().take(60).collect();
                return Err(format!(
                    "`subprotocols` holds `{shown}`, expected a token of at most 64 characters"
                ));
            }
        }
        Ok(())
    }

    /// What is sent to an endpoint, from a page of this origin.
    fn key(&self, cx: &ProbeContext, endpoint: Endpoint, from: &str) -> WebSocketOpen {
        let target = cx.target();
        let path = if self.path.is_empty() {
            target.path_and_query()
        } else {
            path_at(target, &self.path)
        };
        let authority = authority(target, target.port(), endpoint.tls);
        WebSocketOpen::new(endpoint, authority, path, target.origin())
            .from(from)
            .subprotocols(self.subprotocols.clone())
            .credential(target.credential())
    }

    async fn look(&self, cx: &ProbeContext, endpoint: Endpoint) -> Result<Seen, ObserveError> {
        let target = cx.target();
        let own = if self.origin.is_empty() {
            let scheme = if endpoint.tls { "https" } else { "http" };
            format!(
                "{scheme}://{}",
                authority_of(target.host(), target.port(), endpoint.tls)
            )
        } else {
            self.origin.clone()
        };
        let own = cx.observe(self.key(cx, endpoint.clone(), &own)).await?;
        let asks_again = self.foreign_origin_refused
            && own
                .answer
                .as_ref()
                .is_some_and(opening::UpgradeAnswer::is_upgrade);
        let foreign = match asks_again {
            true => Some(cx.observe(self.key(cx, endpoint, FOREIGN)).await?),
            false => None,
        };
        Ok(Seen { own, foreign })
    }
}

/// What was seen at one address.
struct Seen {
    own: Arc<WebSocketFacts>,
    foreign: Option<Arc<WebSocketFacts>>,
}

#[async_trait]
impl Probe for WebSocket {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        each_address(
            cx,
            cx.target().is_tls(),
            |endpoint| self.look(cx, endpoint),
            |seen| seen.own.tcp.state,
            |scene, seen| judge(self, scene, &seen.own, seen.foreign.as_deref()),
        )
        .await
    }
}
