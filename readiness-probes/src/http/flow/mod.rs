//! A sequence of requests, of which later ones depend on what earlier ones were answered.

mod check;
mod facts;
mod flow;
mod judge;
mod literal;
mod secrecy;
mod step;
mod take;
mod template;
#[cfg(test)]
mod tests;

pub use self::{
    facts::{
        FlowAnswer, FlowDocument, FlowFacts, FlowHeader, FlowLack, FlowResult, FlowRun, FlowTaken, FlowUnfit,
    },
    flow::Flow,
    step::{FlowExpect, FlowExtract, FlowStep, JsonText},
};
pub(crate) use self::{
    judge::has_failed,
    secrecy::{OF_CREDENTIAL, Secrecy},
    step::origin_of_text,
    take::{Received, cookie, take},
    template::{Stop, Variable, Variables, body_of, header_of, path_of, variables},
};
