//! The sources: how facts are got from real deployments. All network I/O of this crate is in here.

mod builder;
#[cfg(feature = "http")]
mod flow;
#[cfg(feature = "http")]
mod in_process;
mod link;
#[cfg(feature = "http")]
mod load;
mod names;
mod route;
mod settings;
mod view;

#[cfg(feature = "api")]
pub mod api;
#[cfg(feature = "dep")]
mod channel;
#[cfg(feature = "dep")]
mod dialogue;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "html")]
mod document;
#[cfg(feature = "dep")]
#[cfg(test)]
mod fake;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "tls")]
mod hello;
#[cfg(feature = "tls")]
mod paths;
#[cfg(feature = "tls")]
mod pem;
#[cfg(feature = "dep")]
mod postgres;
#[cfg(feature = "tls")]
mod provider;
#[cfg(feature = "http")]
mod redact;
#[cfg(feature = "dep")]
mod redis;
#[cfg(feature = "tls")]
mod roots;
#[cfg(feature = "net")]
mod sockets;
#[cfg(feature = "ssh")]
mod ssh;
#[cfg(feature = "tls")]
mod stores;
#[cfg(feature = "net")]
mod sweep;
#[cfg(not(feature = "dns"))]
mod system;
#[cfg(feature = "net")]
mod udp;
#[cfg(feature = "tls")]
mod verifier;

pub use self::builder::{Live, LiveError};
#[cfg(feature = "html")]
pub use self::document::read_document;
#[cfg(feature = "http")]
pub use self::in_process::InProcess;
#[cfg(feature = "tower")]
pub use self::in_process::NoBody;
#[cfg(feature = "tls")]
#[doc(hidden)]
pub use self::link::starttls::hold_dialogue;
#[cfg(feature = "net")]
pub use self::sweep::SweepSource;
