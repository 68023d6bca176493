//! Whether a service keeps what it promises of errors and latency, said with confidence or not at all.

mod binomial;
mod confidence;
mod judge;
mod load;
mod objectives;
mod question;
mod scraped;
mod wanted;

pub(super) use self::{
    judge::statuses,
    objectives::{check_path, load_at_one, within},
};
pub use self::{
    load::{LatencyCount, LoadFacts, LoadRun, StatusCount},
    objectives::Objectives,
    scraped::{HistogramUnit, ObjectivesFrom, ScrapedObjectives},
    wanted::{LatencyObjective, Share},
};
