use std::fmt;

use serde::Deserialize;

/// The formats of health payloads that are recognised.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum HealthFormat {
    /// github.com/alexliesenfeld/health for Go: `up`, `down` and `details` with timestamps.
    Alexliesenfeld,
    /// ASP.NET Core as JSON: `Healthy`, `Degraded`, `Unhealthy` with `entries` or `results`.
    Aspnet,
    /// ASP.NET Core's own text: one word.
    AspnetText,
    /// An object with a status under a usual name, and nothing else that is known.
    Generic,
    /// goss: `results` and `summary` with `failed-count`.
    Goss,
    /// github.com/hellofresh/health-go: `OK`, `Partially Available`, `Unavailable` with `component`.
    HealthGo,
    /// `application/health+json` (draft-inadarei-api-health-check-06).
    Inadarei,
    /// Kubernetes' verbose text: lines of `[+]name ok` and `[-]name failed: …`.
    Kubernetes,
    /// Eclipse MicroProfile Health: `UP`, `DOWN` and a list `checks`.
    #[serde(rename = "microprofile")]
    MicroProfile,
    /// Spring Boot Actuator: `UP`, `DOWN`, `OUT_OF_SERVICE`, `UNKNOWN` with `components`.
    Spring,
    /// NestJS and Godaddy Terminus: `ok`, `error`, `shutting_down` with `details`.
    Terminus,
    /// The word `ok` alone.
    TextOk,
}

impl fmt::Display for HealthFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alexliesenfeld => "alexliesenfeld/health",
            Self::Aspnet => "ASP.NET Core",
            Self::AspnetText => "ASP.NET Core text",
            Self::Generic => "generic",
            Self::Goss => "goss",
            Self::HealthGo => "health-go",
            Self::Inadarei => "health+json",
            Self::Kubernetes => "Kubernetes",
            Self::MicroProfile => "MicroProfile Health",
            Self::Spring => "Spring Boot",
            Self::Terminus => "Terminus",
            Self::TextOk => "text",
        })
    }
}
