//! Where a health answer contradicts what it is for: kept by caches, out of date, asking too much, or nothing.

use readiness_core::{Finding, Timestamp, fact::Exchange};
use serde_json::Value;

use super::{
    HealthKind,
    payload::{Component, Health, capped},
};
use crate::http::cache_control::{self, CacheControl};

/// How long a cache may keep a health answer. In seconds.
const MOST_CACHED_SECONDS: i64 = 5;

/// Whether caches keep the answer, or kept it already. RFC 9111, sections 4.2 and 5.
pub(super) fn of_caching(exchange: &Exchange, now: Timestamp) -> Option<Finding> {
    const REMEDY: &str = "send `Cache-Control: no-store`";
    let age = exchange
        .first_str("age")
        .and_then(|age| age.trim().parse::<i64>().ok());
    if let Some(age) = age.filter(|age| *age > MOST_CACHED_SECONDS) {
        let message = format!("the answer came out of a cache, {age} s old, expected one of now");
        return Some(
            Finding::warn("cacheable", message)
                .evidence("Age", age.to_string())
                .remedy(format!("{REMEDY}, and let no cache answer for this path")),
        );
    }
    let header = exchange.joined("cache-control");
    let of_all = cache_control::parse(header.as_deref().unwrap_or_default());
    // A cache that goes by the one does not look at the other (RFC 9213, section 2.1).
    let of_cdn = cache_control::of_cdn(exchange);
    let longest = [Some(of_all.clone()), of_cdn]
        .into_iter()
        .flatten()
        .filter_map(|control| lifetime(&control, exchange, now))
        .max();
    match longest {
        Some(seconds) if seconds > MOST_CACHED_SECONDS => Some(
            Finding::warn(
                "cacheable",
                format!("caches may keep the answer for {seconds} s, expected `no-store`, or {MOST_CACHED_SECONDS} s at most"),
            )
            .evidence("lifetime", format!("{seconds} s"))
            .remedy(REMEDY),
        ),
        Some(_) => None,
        None if of_all.no_store || of_all.no_cache => None,
        None => Some(Finding::note(
            "cacheable",
            "nothing says that caches may not keep the answer: `Cache-Control: no-store` would",
        )),
    }
}

/// For how long somebody may keep it without asking; `None` where nothing says so, or something forbids it.
fn lifetime(control: &CacheControl, exchange: &Exchange, now: Timestamp) -> Option<i64> {
    if control.no_store || control.no_cache {
        return None;
    }
    let stated = control.s_maxage.max(control.max_age);
    if let Some(seconds) = stated {
        return Some(i64::try_from(seconds).unwrap_or(i64::MAX));
    }
    // RFC 9111, section 5.3: what is no date lies in the past.
    let expires = exchange.first("expires")?;
    let date = exchange.first("date").and_then(cache_control::expires);
    let lifetime = cache_control::expires(expires).map_or(0, |end| end.seconds_since(date.unwrap_or(now)));
    Some(lifetime.max(0))
}

/// Whether a time in the payload is older than it may be: then somebody repeats an old answer.
pub(super) fn of_age(json: Option<&Value>, now: Timestamp, most_seconds: u32) -> Option<Finding> {
    let mut oldest = None;
    times(json?, &mut Vec::new(), &mut oldest);
    let (time, place) = oldest?;
    let age = now.seconds_since(time);
    (age > i64::from(most_seconds)).then(|| {
        Finding::warn(
            "stale",
            format!("`{place}` is {age} s old, expected {most_seconds} s at most"),
        )
        .evidence("time", time.to_string())
        .remedy("see whether the check behind it still runs, and whether a cache answers for it")
    })
}

/// The oldest time of a payload and where it stands. As deep as the parser goes, which is not deep.
fn times<'j>(value: &'j Value, path: &mut Vec<&'j str>, oldest: &mut Option<(Timestamp, String)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                path.push(key);
                let is_time = ["time", "timestamp"]
                    .iter()
                    .any(|name| key.eq_ignore_ascii_case(name));
                if is_time && let Some(time) = instant(value) {
                    if oldest.as_ref().is_none_or(|(old, _)| time < *old) {
                        *oldest = Some((time, capped(&path.join("."))));
                    }
                } else {
                    times(value, path, oldest);
                }
                path.pop();
            }
        }
        Value::Array(list) => list.iter().for_each(|value| times(value, path, oldest)),
        _ => {}
    }
}

/// RFC 3339, or seconds or milliseconds since 1970, as they are written.
fn instant(value: &Value) -> Option<Timestamp> {
    /// The year 5138 in seconds, and 1973 in milliseconds.
    const FIRST_IN_MILLISECONDS: u64 = 100_000_000_000;
    match value {
        Value::String(text) if text.len() <= 40 => text.parse().ok(),
        Value::Number(number) => {
            let number = number.as_u64()?;
            let seconds = if number < FIRST_IN_MILLISECONDS {
                number
            } else {
                number / 1000
            };
            i64::try_from(seconds).ok().map(Timestamp::from_unix_seconds)
        }
        _ => None,
    }
}

/// What the answer of this kind of endpoint should list, and what not.
pub(super) fn of_kind(health: &Health, kind: Option<HealthKind>) -> Option<Finding> {
    match kind? {
        HealthKind::Liveness => of_liveness(health),
        HealthKind::Readiness => (health.has_list && health.components.is_empty()).then(|| {
            Finding::note(
                "empty_checks",
                "the service says what it is without a single check behind it",
            )
        }),
        HealthKind::Startup => None,
    }
}

fn of_liveness(health: &Health) -> Option<Finding> {
    const MOST_NAMES: usize = 5;
    let asked: Vec<&str> = health
        .components
        .iter()
        // What was not run is not asked.
        .filter(|component| component.verdict.is_some() && is_dependency(component))
        .map(|component| component.name.as_str())
        .collect();
    let first = asked.iter().take(MOST_NAMES).map(|name| format!("`{name}`"));
    let names = first.collect::<Vec<_>>().join(", ");
    let more = asked.len().saturating_sub(MOST_NAMES);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!asked.is_empty()).then(|| {
        Finding::warn(
            "liveness_has_dependencies",
            format!("liveness asks what is outside the process: {names}{rest}"),
        )
        .remedy("move it to readiness: whoever restarts by liveness restarts every instance when it is down")
    })
}

/// Whether a component is outside the process: by its kind where that is told, else by a word in its name.
fn is_dependency(component: &Component) -> bool {
    match component.kind.as_deref() {
        Some("datastore") => true,
        Some("component" | "system") => false,
        _ => words(&component.name).any(|word| {
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
            DEPENDENCIES.contains(&word)
        }),
    }
}

/// The words of a name in lower case: `primaryDb-1` is `primary`, `db` and `1`.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (was_lower && c.is_uppercase()) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words.into_iter().filter(|word| !word.is_empty())
}

/// Words by which a check of something outside the process goes.
const DEPENDENCIES: [&str; 44] = [
    "amqp",
    "broker",
    "cassandra",
    "consul",
    "couchbase",
    "database",
    "datasource",
    "db",
    "dns",
    "dynamodb",
    "elasticsearch",
    "etcd",
    "hazelcast",
    "influxdb",
    "jdbc",
    "jms",
    "kafka",
    "ldap",
    "mail",
    "mariadb",
    "memcached",
    "mongo",
    "mongodb",
    "mssql",
    "mysql",
    "nats",
    "neo4j",
    "network",
    "opensearch",
    "oracle",
    "postgres",
    "postgresql",
    "queue",
    "rabbit",
    "rabbitmq",
    "redis",
    "s3",
    "smtp",
    "solr",
    "sql",
    "sqlserver",
    "upstream",
    "valkey",
    "zookeeper",
];
