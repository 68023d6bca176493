//! The tables of the file, as they are written.

use std::{collections::BTreeMap, fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Deserializer, de};
use toml::Spanned;

use super::{
    LookSettings,
    secret::{SecretFrom, UrlEntry},
};
use crate::{
    probe::Priority,
    score::{Attestation, BasisPoints, Policy, Waiver},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) catalog: Option<Spanned<String>>,
    pub(super) profile: Option<Spanned<String>>,
    pub(super) baseline: Option<Spanned<PathBuf>>,
    #[serde(default)]
    pub(super) look: LookSettings,
    #[serde(default)]
    pub(super) targets: BTreeMap<String, TargetEntry>,
    #[serde(default)]
    pub(super) preset: Vec<PresetEntry>,
    #[serde(default)]
    pub(super) require: Vec<RequireEntry>,
    #[serde(default)]
    pub(super) policy: PolicyEntry,
    #[serde(default)]
    pub(super) waiver: Vec<Spanned<Waiver>>,
    #[serde(default)]
    pub(super) attestation: Vec<Spanned<Attestation>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetEntry {
    pub(super) url: Spanned<UrlEntry>,
    pub(super) credential: Option<Spanned<CredentialEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialEntry {
    pub(super) bearer: Option<SecretFrom>,
    pub(super) header: Option<String>,
    pub(super) value: Option<SecretFrom>,
    pub(super) user: Option<String>,
    pub(super) password: Option<SecretFrom>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PresetEntry {
    #[serde(rename = "use")]
    pub(super) name: Spanned<String>,
    pub(super) targets: Option<Vec<Spanned<String>>>,
    pub(super) with: Option<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RequireEntry {
    pub(super) probe: Spanned<String>,
    pub(super) id: Option<String>,
    pub(super) targets: Option<Vec<Spanned<String>>>,
    pub(super) priority: Option<Priority>,
    pub(super) weight: Option<Spanned<u32>>,
    pub(super) blocker: Option<bool>,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) attempts: Option<Spanned<u32>>,
    pub(super) needed: Option<Spanned<u32>>,
    pub(super) every_seconds: Option<u64>,
    pub(super) max_age_days: Option<u64>,
    pub(super) max_age_seconds: Option<Spanned<u64>>,
    pub(super) with: Option<Spanned<toml::Table>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PolicyEntry {
    pub(super) target: Option<Percent>,
    pub(super) min_coverage: Option<Percent>,
    pub(super) floors: BTreeMap<String, Percent>,
    pub(super) max_not_applicable: Option<Percent>,
    pub(super) fail_on: Option<FailOn>,
    pub(super) no_regression: bool,
    pub(super) four_eyes: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FailOn {
    Blocker,
    Warn,
}

/// `95`, or `"99.5"` where hundredths matter.
pub(super) struct Percent(pub(super) BasisPoints);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage from 0 to 100, such as 95 or \"99.5\"")
            }

            fn visit_i64<E: de::Error>(self, percent: i64) -> Result<Percent, E> {
                self.visit_str(&percent.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                let error = || E::invalid_value(de::Unexpected::Str(text), &self);
                let (whole, part) = text
                    .trim_end_matches([' ', '%'])
                    .split_once('.')
                    .unwrap_or((text.trim_end_matches([' ', '%']), ""));
                if part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(error());
                }
                let whole = u32::from_str(whole).map_err(|_| error())?;
                let hundredths = format!("{part:0<2}").parse::<u32>().map_err(|_| error())?;
                let points = whole.checked_mul(100).and_then(|n| n.checked_add(hundredths));
                match points {
                    Some(points) if points <= 10_000 => Ok(Percent(BasisPoints::new(points))),
                    _ => Err(error()),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl PolicyEntry {
    /// The rule it states.
    pub(super) fn policy(&self) -> Policy {
        let points = |percent: &Option<Percent>| percent.as_ref().map(|percent| percent.0);
        Policy {
            target: points(&self.target),
            min_coverage: points(&self.min_coverage),
            floors: self
                .floors
                .iter()
                .map(|(family, floor)| (family.clone(), floor.0))
                .collect(),
            max_not_applicable: points(&self.max_not_applicable),
            fail_on_warn: matches!(self.fail_on, Some(FailOn::Warn)),
            no_regression: self.no_regression,
            four_eyes: self.four_eyes,
        }
    }
}
