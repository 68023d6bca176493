//! What a service stands on: databases and caches that must answer before it can.

#[cfg(feature = "grpc")]
pub(crate) mod grpc_health;
mod postgres;
mod postgres_migrations;
mod redis;
mod session;
#[cfg(feature = "ssh")]
pub(crate) mod ssh;
mod verdict;
#[cfg(feature = "websocket")]
pub(crate) mod websocket;

#[cfg(feature = "grpc")]
pub use self::grpc_health::{
    GrpcHealth,
    call::{GrpcAnswer, GrpcEnd, GrpcHealthCheck, GrpcHealthFacts, GrpcReply},
};
#[cfg(feature = "ssh")]
pub use self::ssh::{
    Ssh,
    session::{SshAgreed, SshEnd, SshFacts, SshHostKey, SshLogIn, SshOffer, SshPassword, SshSession},
};
#[cfg(feature = "websocket")]
pub use self::websocket::{
    WebSocket,
    opening::{UpgradeAnswer, WebSocketEnd, WebSocketFacts, WebSocketOpen},
};
pub use self::{
    postgres::Postgres,
    postgres_migrations::{
        PostgresMigrations,
        ledger::{LedgerFacts, LedgerLook, LedgerSeen, MigrationLedger, MigrationTool},
    },
    redis::Redis,
    session::{
        AuthMethod, Broken, BrokenKind, ChannelTls, PostgresEnd, PostgresFacts, PostgresSession, RedisEnd,
        RedisFacts, RedisPing, RedisReply, ServerError, TlsUse,
    },
};
