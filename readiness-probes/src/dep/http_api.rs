mod response;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{Expect, Frame, Step},
};
use serde::{Deserialize, Serialize};

use self::response::{Response, holds};
use super::{
    Authentication, DialogueFacts, ReplyEnd,
    asked::{ask, failed, foreign, whole},
    open::{not_judged, open},
    spoken::words,
    verdict::{Scene, channel, worst},
    version,
};

readiness_core::probe! {
    /// The HTTP interface of a database or a cluster answers nobody without a log-in.
    ///
    /// # What it checks
    /// It sends one request without any credential to `http://host:port` or `https://host:port`, by `kind`:
    /// `elasticsearch` (OpenSearch too) `GET /`, `etcd` a read of one key that nobody has, `docker`
    /// `GET /version`, `kubelet` `GET /healthz`. Nothing is changed, and no data is read.
    ///
    /// # Why it matters
    /// These interfaces have no log-in until somebody turns it on. Who reaches an open one reads every document,
    /// every secret of the cluster, or runs containers as root.
    ///
    /// # How it is judged
    /// 401 passes, and so do 403 and the answer of etcd that a user is missing, as far as they are `kind`'s own: a
    /// 403 of something that stands before it leaves the log-in unknown. An answer as `kind` gives it to those it
    /// lets in fails; under the profile `local` it warns, and over loopback it is a note. A refused or silent
    /// port and an answer of something else fail. Any other status is unknown, by its number. A server that wants
    /// a certificate of the client ends the handshake: that is a failed handshake here, and no open interface.
    ///
    /// # How to fix
    /// Elasticsearch: `xpack.security.enabled: true`. etcd: `--client-cert-auth`, or `etcdctl auth enable`.
    /// Docker: no TCP socket, or `--tlsverify`. Kubelet: `authentication.anonymous.enabled: false`, and
    /// `readOnlyPort: 0`.
    pub struct HttpApi {
        /// Whether the interface must ask for a log-in: `required`, or `none` where it is meant to be open.
        /// Default: `required`.
        pub authentication: Authentication = Authentication::Required,
        /// Whose interface it is: `elasticsearch`, `etcd`, `docker` or `kubelet`. Default: `none`, and the probe
        /// does not apply.
        pub kind: ApiKind = ApiKind::None,
        /// The least version, where the interface tells it. Default: none.
        pub min_version: String = String::new(),
    }
    id: "dep.http_api",
    title: "the interface asks for a log-in",
    priority: Critical,
    references: [
        "Elasticsearch, security" => "https://www.elastic.co/docs/deploy-manage/security",
        "etcd, authentication" => "https://etcd.io/docs/latest/op-guide/authentication/",
        "Docker, protecting the socket" => "https://docs.docker.com/engine/security/protect-access/",
        "Kubelet, authentication" => "https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/",
    ],
}

/// Whose interface it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ApiKind {
    /// The engine that runs containers.
    Docker,
    /// A store of documents, OpenSearch too.
    Elasticsearch,
    /// A store of keys, such as that of Kubernetes.
    Etcd,
    /// What runs on each node of Kubernetes.
    Kubelet,
    /// Nobody's.
    #[default]
    None,
}

#[async_trait]
impl Probe for HttpApi {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        if self.kind == ApiKind::None {
            return Ok(Outcome::not_applicable("no `kind` of interface is named"));
        }
        ask(cx, steps(self.kind), |scene, facts| judge(self, scene, facts)).await
    }
}

impl HttpApi {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        version::check(&self.min_version)
    }
}

impl ApiKind {
    fn name(self) -> &'static str {
        match self {
            Self::Docker => "Docker",
            Self::Elasticsearch => "Elasticsearch",
            Self::Etcd => "etcd",
            Self::Kubelet => "kubelet",
            Self::None => "HTTP",
        }
    }

    /// The request, and what it is called.
    fn request(self) -> (&'static str, &'static str) {
        match self {
            Self::Docker => ("GET /version", ""),
            Self::Elasticsearch | Self::None => ("GET /", ""),
            // The key of one zero byte, and no more than its count.
            Self::Etcd => ("POST /v3/kv/range", "{\"key\":\"AA==\",\"count_only\":true}"),
            Self::Kubelet => ("GET /healthz", ""),
        }
    }

    /// The version of a body that shows its reader to be let in, empty where it tells none; `None` where it is
    /// the body of something else.
    fn let_in(self, body: &[u8]) -> Option<String> {
        if self == Self::Kubelet {
            return (body.trim_ascii() == b"ok").then(String::new);
        }
        // Deep nesting ends the parser by its own limit.
        let json: serde_json::Value = serde_json::from_slice(body).ok()?;
        let text = |place: &str| {
            let found = json.pointer(place).and_then(serde_json::Value::as_str);
            found.map(|text| words(text.as_bytes(), 40))
        };
        match self {
            Self::Docker => {
                json.get("ApiVersion")?;
                text("/Version")
            }
            Self::Elasticsearch => {
                json.get("cluster_name")?;
                text("/version/number")
            }
            Self::Etcd => json.pointer("/header/cluster_id").map(|_| String::new()),
            Self::Kubelet | Self::None => None,
        }
    }

    /// Whether the body of an error says that a log-in is missing where the status does not.
    fn wants_log_in(self, body: &[u8]) -> bool {
        const WORDS: [&str; 3] = ["user name is empty", "invalid auth token", "permission denied"];
        self == Self::Etcd && WORDS.iter().any(|words| holds(body, words))
    }

    /// Whether a refusal is by the interface itself, and not by what stands before it.
    fn signs(self, response: &Response<'_>) -> bool {
        let (head, body): (&[&str], &[&str]) = match self {
            Self::Docker => (
                &["\nserver: docker", "\napi-version:", "\ndocker-"],
                &["authorization denied by plugin"],
            ),
            Self::Elasticsearch => (
                &[
                    "\nx-elastic-product:",
                    "opensearch security",
                    "realm=\"security\"",
                ],
                &["security_exception", "es:eshttp"],
            ),
            Self::Etcd => (&[], &["etcdserver: ", "user name is empty", "permission denied"]),
            Self::Kubelet => (&[], &["system:anonymous"]),
            Self::None => (&[], &[]),
        };
        head.iter().any(|sign| holds(response.head, sign))
            || body.iter().any(|sign| holds(response.body, sign))
    }
}

fn steps(kind: ApiKind) -> Vec<Step> {
    let (request, body) = kind.request();
    // HTTP/1.0: the answer is not cut into chunks, and the end of the connection is its end.
    let request = format!(
        "{request} HTTP/1.0\r\nHost: {{host}}\r\nUser-Agent: readiness\r\nAccept: application/json, text/plain\r\n\
         Content-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    vec![
        Step::send(request),
        Step::Expect(Expect::new(Frame::Until("\0\0\0\0".into())).most_bytes(16 * 1024)),
    ]
}

fn judge(settings: &HttpApi, scene: &Scene<'_>, facts: &DialogueFacts) -> Outcome {
    let (kind, place) = (settings.kind, scene.place);
    let name = kind.name();
    let (request, _) = kind.request();
    let response = match read(scene, facts) {
        Ok(response) => response,
        Err(finding) => return failed(*finding),
    };
    let status = response.status;
    let said = format!("HTTP {status}");
    if matches!(status, 401 | 403) || kind.wants_log_in(response.body) {
        let is_its_own = kind.signs(&response);
        let mut findings = channel(scene, &facts.tls, false);
        // Who stands before it may let nobody through from here, and everybody from elsewhere.
        if status == 403 && !is_its_own && settings.authentication.is_required() {
            findings.push(not_judged(
                &format!("{request} is refused with {said}, and nothing in it is of {name}"),
                "look who refuses: a proxy or a list of addresses before it is no log-in",
            ));
        }
        let summary = match status {
            _ if is_its_own => format!("{place}: {name} asks for a log-in ({said})"),
            403 => format!("{place}: {said}, and nothing in it is of {name}"),
            _ => format!("{place}: {said}; nobody is let in without a log-in"),
        };
        return Outcome::judged(summary, findings).evidence("answer", format!("{request}: {said}"));
    }
    if status != 200 {
        let summary = format!("{place}: {said} tells nothing about the log-in of {name}");
        return Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary)
            .evidence("answer", format!("{request}: {said}"));
    }
    let Some(found) = kind.let_in(response.body) else {
        let message = format!(
            "{place}: expected an answer of {name}, and {request} is answered with `{}`",
            words(response.body, 80)
        );
        let finding = Finding::fail("other_protocol", message)
            .remedy("look whether host and port are right, and what listens there");
        return failed(finding);
    };
    let mut findings: Vec<Finding> = match settings.min_version.is_empty() {
        true => Vec::new(),
        false => version::too_old(&found, &settings.min_version)
            .into_iter()
            .collect(),
    };
    findings.extend(open(
        scene,
        settings.authentication,
        &format!("{request} is answered without a log-in"),
        match kind {
            ApiKind::Docker => "take the TCP socket away, or set `--tlsverify`",
            ApiKind::Elasticsearch => "set `xpack.security.enabled: true`",
            ApiKind::Etcd => "set `--client-cert-auth`, or `etcdctl auth enable`",
            _ => "set `authentication.anonymous.enabled: false` and `readOnlyPort: 0`",
        },
    ));
    findings.extend(channel(scene, &facts.tls, false));
    let shown = match found.as_str() {
        "" => name.to_owned(),
        version => format!("{name} {version}"),
    };
    let summary = match worst(&findings) {
        Some(finding) => format!("{place}: {shown}: {}", finding.code),
        None => format!("{place}: {shown} answers"),
    };
    Outcome::judged(summary, findings)
        .evidence("version", shown)
        .evidence("answer", format!("{request}: {said}"))
}

/// The response, which ends where the connection does.
fn read<'a>(scene: &Scene<'_>, facts: &'a DialogueFacts) -> Result<Response<'a>, Box<Finding>> {
    const NAME: &str = "HTTP";
    let bytes = facts
        .replies
        .first()
        .map_or(&[][..], |reply| reply.bytes.as_bytes());
    let is_silent = facts
        .replies
        .first()
        .is_some_and(|reply| reply.end == ReplyEnd::Silent);
    match Response::read(bytes) {
        // Also one that is longer than is read: its status tells enough.
        Some(response) if response.is_whole || !is_silent => return Ok(response),
        // Where the connection ends is where a response ends: what is none by then is something else.
        None if !bytes.is_empty() && !is_silent => {
            return Err(Box::new(foreign(
                scene,
                NAME,
                bytes,
                "its answer is none of HTTP",
            )));
        }
        _ => {}
    }
    let bytes = whole(scene, NAME, "its answer", facts, 0)?;
    Err(Box::new(foreign(
        scene,
        NAME,
        bytes,
        "its answer is none of HTTP",
    )))
}

#[cfg(test)]
mod tests;
