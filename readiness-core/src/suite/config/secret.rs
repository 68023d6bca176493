//! Secrets stand in the file by where they come from, never written out.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Deserializer, de};

/// `{ env = "NAME" }` or `{ file = "path" }`; a literal is refused, unseen.
#[derive(Clone)]
pub(super) enum SecretFrom {
    Env(String),
    File(PathBuf),
}

/// The same for a URL, which may be written out where it holds no password.
#[derive(Clone)]
pub(super) enum UrlEntry {
    Literal(String),
    From(SecretFrom),
}

pub(super) struct FromVisitor {
    pub(super) literal: bool,
}

impl<'de> de::Visitor<'de> for FromVisitor {
    type Value = UrlEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`{ env = \"NAME\" }` or `{ file = \"path\" }`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<UrlEntry, E> {
        if self.literal {
            Ok(UrlEntry::Literal(text.to_owned()))
        } else {
            Err(E::custom(LITERAL_SECRET))
        }
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<UrlEntry, E> {
        Err(E::custom(LITERAL_SECRET))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<UrlEntry, E> {
        Err(E::custom(LITERAL_SECRET))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<UrlEntry, E> {
        Err(E::custom(LITERAL_SECRET))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<UrlEntry, A::Error> {
        Err(de::Error::custom(LITERAL_SECRET))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<UrlEntry, A::Error> {
        const FIELDS: &[&str] = &["env", "file"];
        let Some((key, value)) = map.next_entry::<String, String>()? else {
            return Err(de::Error::custom(
                "expected `{ env = \"NAME\" }` or `{ file = \"path\" }`",
            ));
        };
        let from = match key.as_str() {
            "env" => SecretFrom::Env(value),
            "file" => SecretFrom::File(value.into()),
            other => return Err(de::Error::unknown_field(other, FIELDS)),
        };
        match map.next_key::<String>()? {
            None => Ok(UrlEntry::From(from)),
            Some(_) => Err(de::Error::custom("expected `env` or `file` alone")),
        }
    }
}

pub(super) const LITERAL_SECRET: &str =
    "a secret may not be written out here; write `{ env = \"NAME\" }` or `{ file = \"path\" }`";

impl<'de> Deserialize<'de> for SecretFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(FromVisitor { literal: false })? {
            UrlEntry::From(from) => Ok(from),
            UrlEntry::Literal(_) => Err(de::Error::custom(LITERAL_SECRET)),
        }
    }
}

impl<'de> Deserialize<'de> for UrlEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FromVisitor { literal: true })
    }
}

/// The first key that names a secret and has a literal value.
pub(super) fn literal_secret(table: &toml::Table) -> Option<String> {
    const SECRET: [&str; 10] = [
        "apikey",
        "authorization",
        "bearer",
        "cookievalue",
        "credential",
        "passphrase",
        "passwd",
        "password",
        "privatekey",
        "secret",
    ];
    let names_a_secret = |key: &str| {
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        SECRET.iter().any(|word| plain.contains(word)) || plain.ends_with("token")
    };
    table.iter().find_map(|(key, value)| match value {
        toml::Value::String(text) if is_placeholder(text) => None,
        toml::Value::String(_) | toml::Value::Integer(_) | toml::Value::Float(_) => {
            names_a_secret(key).then(|| key.clone())
        }
        toml::Value::Table(inner) => literal_secret(inner),
        toml::Value::Array(items) => items.iter().find_map(|item| match item {
            toml::Value::Table(inner) => literal_secret(inner),
            toml::Value::String(text) if is_placeholder(text) => None,
            toml::Value::String(_) | toml::Value::Integer(_) => names_a_secret(key).then(|| key.clone()),
            _ => None,
        }),
        _ => None,
    })
}

/// Whether a text holds no secret but says where one is put in: `{{token}}`, or `Bearer {{token}}`.
fn is_placeholder(text: &str) -> bool {
    const SCHEMES: [&str; 4] = ["Basic ", "Bearer ", "DPoP ", "Token "];
    let text = SCHEMES
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
    text.strip_prefix("{{")
        .and_then(|text| text.strip_suffix("}}"))
        .is_some_and(|name| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
            !name.is_empty() && name.chars().all(is_part)
        })
}
