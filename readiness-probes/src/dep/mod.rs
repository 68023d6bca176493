//! What a service stands on: databases, brokers and caches that must answer before it can.

mod amqp;
mod asked;
mod dialogue;
mod http_api;
mod kafka;
mod memcached;
mod mongodb;
mod mysql;
mod nats;
mod open;
mod postgres;
mod redis;
mod session;
mod smtp;
mod spoken;
mod verdict;
mod version;

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
    redis::Redis,
    session::{
        AuthMethod, Broken, BrokenKind, ChannelTls, PostgresEnd, PostgresFacts, PostgresSession, RedisEnd,
        RedisFacts, RedisPing, RedisReply, ServerError, TlsUse,
    },
    smtp::Smtp,
};
