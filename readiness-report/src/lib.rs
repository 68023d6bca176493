#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod audience;
mod entry;
mod escape;
mod json;
mod junit;
mod markdown;

pub use self::{
    audience::{Audience, for_audience, public},
    json::{ReadError, SCHEMA, from_json, schema, to_json},
    junit::{JunitDialect, to_junit},
    markdown::{MarkdownOptions, to_markdown},
};
