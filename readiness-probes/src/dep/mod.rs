//! What a service stands on: databases, brokers and caches that must answer before it can.

mod amqp;
mod asked;
mod dialogue;
#[cfg(feature = "grpc")]
pub(crate) mod grpc_health;
mod http_api;
mod kafka;
mod memcached;
mod mongodb;
mod mysql;
mod nats;
mod open;
mod postgres;
mod postgres_migrations;
mod redis;
mod session;
mod smtp;
mod spoken;
#[cfg(feature = "ssh")]
pub(crate) mod ssh;
mod verdict;
mod version;

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
pub use self::{
    amqp::{Amqp, AmqpLogIn},
    dialogue::{Dialogue, DialogueEnd, DialogueFacts, DialogueReply, ReplyEnd},
    http_api::{ApiKind, HttpApi},
    kafka::Kafka,
    memcached::Memcached,
    mongodb::Mongodb,
    mysql::Mysql,
    nats::Nats,
    open::Authentication,
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
    smtp::Smtp,
};
