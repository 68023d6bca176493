//! What a service stands on: databases, brokers and caches that must answer before it can.

mod dialogue;
mod postgres;
mod redis;
mod session;
mod verdict;

pub use self::{
    dialogue::{Dialogue, DialogueEnd, DialogueFacts, DialogueReply, ReplyEnd},
    postgres::Postgres,
    redis::Redis,
    session::{
        AuthMethod, Broken, BrokenKind, ChannelTls, PostgresEnd, PostgresFacts, PostgresSession, RedisEnd,
        RedisFacts, RedisPing, RedisReply, ServerError, TlsUse,
    },
};
