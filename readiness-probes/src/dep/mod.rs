//! What a service stands on: databases and caches that must answer before it can.

mod postgres;
mod redis;
mod session;
mod verdict;

pub use self::{
    postgres::Postgres,
    redis::Redis,
    session::{
        AuthMethod, Broken, BrokenKind, ChannelTls, PostgresEnd, PostgresFacts, PostgresSession, RedisEnd,
        RedisFacts, RedisPing, RedisReply, ServerError, TlsUse,
    },
};
