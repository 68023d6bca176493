use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait, probe,
};

use super::{FlowRun, FlowStep, check, judge::judge, secrecy::uses_credential};
use crate::address;

probe! {
    /// A sequence of requests goes through: log in, call, log out.
    ///
    /// # What it checks
    /// Each step in its order, at one address of the target: a request, what must hold of its answer, and what is
    /// taken from it for later steps. Cookies are kept as a browser keeps them. Redirects are not followed; a later
    /// step may ask where one leads.
    ///
    /// # Why it matters
    /// A service whose health page is green may still let nobody in: an expired key of the identity provider, a
    /// session store that forgets, a cookie for the wrong host. Only the way that users take shows it.
    ///
    /// # How it is judged
    /// Every expectation of a step is evaluated, and each that does not hold fails. Behind the first step that fails
    /// or cannot be looked at no other is sent, but those with `always`. Statuses outside `expect.status` fail, 401
    /// and 403 among them; 429 and a challenge page are unknown, and so is what is missing in a body over 1 MiB.
    /// A value that was taken and would write a header, or leave its place in the path, is not sent, and fails.
    ///
    /// # How to fix
    /// The first step that failed says what was expected. Credentials stand in the target and come from the
    /// environment; they and what is taken with them stand in no report and go over trusted channels alone.
    pub struct Flow {
        /// The steps, 1 to 32, each a table of `name`, `method`, `path`, `headers`, `credential`, one of `json`,
        /// `form` and `text`, `expect`, `extract`, `always`, and seldom `origin` and `secret`, such as `[{ name =
        /// "home", path = "/", expect = { contains = ["Welcome"] } }]`.
        pub steps: Vec<FlowStep> = Vec::new(),
        /// Whether steps may change something: send `POST`, `PUT`, `PATCH` and `DELETE`. Default: no.
        pub allow_unsafe: bool = false,
        /// Whether cookies that one step is given go with the next. Default: yes.
        pub cookies: bool = true,
        /// When no more steps begin but those with `always`, in seconds from the first, 1 to 120. Those have 15 s
        /// more, which the deadline of the whole run must leave them too. Default: 30.
        pub max_seconds: u32 = 30,
    }
    id: "http.flow",
    title: "a sequence of requests goes through",
    priority: Medium,
    timeout_seconds: 150,
    references: [
        "RFC 9110 section 9.2.1: safe methods" => "https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1",
        "RFC 6265bis: cookies" => "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis",
        "RFC 6901: JSON Pointer" => "https://www.rfc-editor.org/rfc/rfc6901",
    ],
}

impl Flow {
    /// These steps, none of which may change anything.
    pub fn new(steps: impl IntoIterator<Item = FlowStep>) -> Self {
        Self {
            steps: steps.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Lets steps change something.
    pub fn allow_unsafe(mut self) -> Self {
        self.allow_unsafe = true;
        self
    }

    /// Says what is wrong with the settings.
    ///
    /// # Errors
    /// What is wrong, in words, with the step it stands in.
    pub fn check(&self) -> Result<(), String> {
        check::check(self)
    }
}

#[async_trait]
impl Probe for Flow {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        if !matches!(target.scheme(), "http" | "https") {
            return Ok(Outcome::not_applicable(format!(
                "`{}` is no HTTP target",
                target.scheme()
            )));
        }
        // Settings made in a program have met nobody who checks them, and unsafe methods are acknowledged there.
        if let Err(problem) = self.check() {
            return Ok(Outcome::unknown(Reason::ERROR, problem));
        }
        let needs_credential = uses_credential(&self.steps);
        if needs_credential && target.credential().is_none() {
            let summary = "a step uses the target's credential, and the target has none";
            return Ok(Outcome::unknown(Reason::MISSING_CREDENTIAL, summary));
        }
        let (port, tls) = (target.port(), target.is_tls());
        let endpoints = address::endpoints(cx, port, tls).await?;
        let others = endpoints.len().saturating_sub(1);
        let Some(endpoint) = endpoints.into_iter().next() else {
            return Ok(Outcome::not_applicable("the target has no address"));
        };
        let run = FlowRun::new(
            endpoint,
            address::authority(target, port, tls),
            self.steps.clone(),
        )
        .credential(target.credential().filter(|_| needs_credential))
        .cookies(self.cookies)
        .max_seconds(self.max_seconds);
        let outcome = judge(&run, &*cx.observe(run.clone()).await?);
        let outcome = match others {
            0 => outcome,
            n => outcome.evidence(address::NOT_LOOKED_AT, format!("the flow at {n} more addresses")),
        };
        Ok(address::noted(cx, outcome).await)
    }
}
