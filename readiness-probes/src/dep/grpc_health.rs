use std::time::Duration;

use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::PortState,
};

use super::verdict::{Scene, broken, channel, described, each_address, tls_missing, told, withheld};
use crate::{address::authority, net::tcp::not_open};

pub(crate) mod call;
mod reply;
#[cfg(test)]
mod tests;
pub(crate) mod wire;

use self::{
    call::{GrpcEnd, GrpcHealthCheck, GrpcHealthFacts},
    reply::{Call, name_of},
};

readiness_core::probe! {
    /// The gRPC server says that it serves.
    ///
    /// # What it checks
    /// It calls `grpc.health.v1.Health/Check` for the whole server, or for the services that are named, and
    /// `List` where that is wanted: over HTTP/2 from the first byte (`http://host:50051`), or over TLS that
    /// agrees on `h2` (`https://host`). A credential of the target goes with each call.
    ///
    /// # Why it matters
    /// A port that accepts says nothing about the service behind it. Load balancers and Kubernetes ask this
    /// very question, and keep traffic away from who answers something else than SERVING.
    ///
    /// # How it is judged
    /// SERVING passes. NOT_SERVING and UNKNOWN fail, and so does a reply without a status, which means UNKNOWN.
    /// A service that the server does not know (NOT_FOUND), DEADLINE_EXCEEDED, UNAVAILABLE and other errors
    /// fail; a server without a health service (UNIMPLEMENTED), RESOURCE_EXHAUSTED and a refused credential
    /// leave it unknown. What is no gRPC fails: another media type, no `grpc-status`, a message that is
    /// compressed, cut off or repeated, TLS without `h2`. One address that accepts is enough.
    ///
    /// # How to fix
    /// NOT_SERVING: look at what the service waits for. UNIMPLEMENTED: register the health service of your
    /// gRPC library. No `grpc-status`: let the proxy before the server speak HTTP/2 to it and pass trailers on.
    pub struct GrpcHealth {
        /// The services to ask for, by full name; the empty name is the whole server. Default: `[""]`.
        pub services: Vec<String> = vec![String::new()],
        /// Whether every service that `List` names must serve as well. Default: false.
        pub list: bool = false,
    }
    id: "dep.grpc_health",
    title: "the gRPC server says that it serves",
    priority: Critical,
    references: [
        "gRPC, health checking protocol" => "https://github.com/grpc/grpc/blob/master/doc/health-checking.md",
        "gRPC over HTTP/2" => "https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md",
    ],
}

impl GrpcHealth {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        const MOST_SERVICES: usize = 32;
        const MOST_NAME_BYTES: usize = 200;
        if self.services.is_empty() && !self.list {
            return Err(
                "`services` is empty: nothing would be asked; name one, or leave it out for the whole server"
                    .into(),
            );
        }
        if self.services.len() > MOST_SERVICES {
            return Err(format!(
                "`services` names {}, expected at most {MOST_SERVICES}",
                self.services.len()
            ));
        }
        for (i, service) in self.services.iter().enumerate() {
            let shown: String = service.escape_debug().take(60).collect();
            if service.len() > MOST_NAME_BYTES || service.chars().any(char::is_control) {
                return Err(format!(
                    "`services` holds `{shown}`, expected at most {MOST_NAME_BYTES} bytes and no control characters"
                ));
            }
            if self
                .services
                .get(..i)
                .is_some_and(|before| before.contains(service))
            {
                return Err(format!("`services` holds `{shown}` twice"));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Probe for GrpcHealth {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let is_tls = target.is_tls() || target.scheme() == "grpcs";
        let authority = authority(target, target.port(), is_tls);
        let key = |endpoint| {
            GrpcHealthCheck::new(endpoint, authority.clone(), target.origin())
                .asking(self.services.clone(), self.list)
                .credential(target.credential())
        };
        each_address(
            cx,
            is_tls,
            |endpoint| cx.observe(key(endpoint)),
            |facts| facts.tcp.state,
            |scene, facts| judge(self, scene, facts),
        )
        .await
    }
}

fn judge(settings: &GrpcHealth, scene: &Scene<'_>, facts: &GrpcHealthFacts) -> Outcome {
    let place = scene.place;
    if facts.tcp.state != PortState::Open {
        let finding = not_open(place, &facts.tcp);
        return Outcome::judged(finding.message.clone(), vec![finding]);
    }
    let mut findings = Vec::new();
    let mut served = Vec::new();
    match &facts.end {
        GrpcEnd::Done => {
            // What has no answer in the fact was not asked, and cannot pass.
            let mut answers = facts.checks.iter();
            for service in &settings.services {
                let statuses = reply::judge(scene, Call::Check(service), answers.next());
                reply::sort(Call::Check(service), statuses, &mut served, &mut findings);
            }
            if settings.list {
                let statuses = reply::judge(scene, Call::List, facts.list.as_ref());
                reply::sort(Call::List, statuses, &mut served, &mut findings);
            }
        }
        GrpcEnd::Broken(how) => findings.push(broken(scene, "gRPC", how)),
        GrpcEnd::CredentialWithheld => findings.push(withheld(scene, &facts.tls)),
        GrpcEnd::NoHttp2 => findings.push(
            Finding::fail(
                "no_http2",
                format!("{place}: TLS was agreed without `h2`, expected HTTP/2: clients of gRPC refuse that"),
            )
            .remedy("offer `h2` by ALPN in the server, or in the proxy that ends TLS before it"),
        ),
        GrpcEnd::NotOpen => findings.push(not_open(place, &facts.tcp)),
        GrpcEnd::TlsMissing => findings.push(tls_missing(scene, &facts.tls)),
    }
    findings.extend(channel(
        scene,
        &facts.tls,
        scene.has_credential && facts.end == GrpcEnd::Done,
    ));
    let summary = told(place, &findings, || match served.as_slice() {
        [one] => format!("{place}: {} is SERVING", name_of(one)),
        all => format!("{place}: {} services are SERVING", all.len()),
    });
    let micros = Duration::from_micros;
    Outcome::judged(summary, findings)
        .evidence("TLS", described(&facts.tls))
        .measure(Measure::duration("connect", micros(facts.tcp.connect_us)))
        .measure(Measure::duration("session", micros(facts.session_us)))
}
