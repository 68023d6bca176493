//! A dialogue as it is written: a built-in one by its name, any other as a table.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
    ser::SerializeStruct,
};

use super::{StartTls, Step, known};

impl Serialize for StartTls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = known::find(&self.name).is_some_and(|known| known.steps == self.steps);
        if known && self.client_name.is_empty() {
            return serializer.serialize_str(&self.name);
        }
        let mut table = serializer.serialize_struct("StartTls", 3)?;
        table.serialize_field("name", &self.name)?;
        if !self.client_name.is_empty() {
            table.serialize_field("client_name", &self.client_name)?;
        }
        if !known {
            table.serialize_field("steps", &self.steps)?;
        }
        table.end()
    }
}

/// As it is written: without steps it is a built-in one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    client_name: String,
    steps: Option<Vec<Step>>,
}

impl<'de> Deserialize<'de> for StartTls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;
        impl<'de> Visitor<'de> for NameOrTable {
            type Value = StartTls;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a dialogue such as \"smtp\", or a table with `name` and `steps`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<StartTls, E> {
                StartTls::named(name).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<StartTls, A::Error> {
                let written = Written::deserialize(MapAccessDeserializer::new(map))?;
                let dialogue = match written.steps {
                    Some(steps) => StartTls::new(written.name, steps),
                    None => StartTls::named(&written.name),
                };
                dialogue
                    .and_then(|dialogue| dialogue.with_client_name(written.client_name))
                    .map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(NameOrTable)
    }
}
