use std::sync::Arc;

use futures_util::future::join_all;
use readiness_core::{
    ObserveError, ProbeContext, Reason,
    fact::{HelloAnswer, HelloFacts, ServerHello, TlsHello, TlsVersion},
};

use crate::tls::hello::{Offer, Verdict, to_version};

/// What became of one version that was offered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::tls) struct Tried {
    pub(in crate::tls) version: TlsVersion,
    pub(in crate::tls) verdict: Verdict<ServerHello>,
    /// How many hellos it took.
    pub(in crate::tls) hellos: usize,
}

impl Tried {
    /// What the server agreed to.
    pub(in crate::tls) fn agreed(&self) -> Option<&ServerHello> {
        match &self.verdict {
            Verdict::Agreed(hello) => Some(hello),
            _ => None,
        }
    }
}

/// Offers each version alone, all at once, and again with less in the hello where nothing came of it. The
/// newest stands first.
pub(in crate::tls) async fn try_versions(
    cx: &ProbeContext,
    offer: &Offer,
) -> Result<Vec<Tried>, ObserveError> {
    let versions = || TlsVersion::ALL.into_iter().rev();
    let mut looks = looked(cx, versions().map(|version| offer.version(version))).await;
    let again: Vec<usize> = worth_another_try(&looks);
    let second = again.iter().map(|&i| {
        let version = versions().nth(i).unwrap_or(TlsVersion::Tls13);
        offer.version_again(version)
    });
    let second = looked(cx, second).await;
    let hellos = |i: usize| if again.contains(&i) { 2 } else { 1 };
    let hellos: Vec<usize> = (0..looks.len()).map(hellos).collect();
    for (i, look) in again.into_iter().zip(second) {
        // A second look that failed altogether tells less than the first.
        if let (Some(place), true) = (looks.get_mut(i), look.1.is_ok()) {
            *place = look;
        }
    }
    concluded(versions(), looks, hellos)
}

/// An offer and what came back.
type Look = (TlsHello, Result<Arc<HelloFacts>, ObserveError>);

async fn looked(cx: &ProbeContext, hellos: impl Iterator<Item = TlsHello>) -> Vec<Look> {
    join_all(hellos.map(|hello| async move {
        let result = cx.observe(hello.clone()).await;
        (hello, result)
    }))
    .await
}

/// Silence and a reset are, always: a server under pressure resets. A close is where no version got an answer at
/// all: else it is how this server refuses.
fn worth_another_try(looks: &[Look]) -> Vec<usize> {
    let answers = || {
        looks
            .iter()
            .map(|(_, look)| look.as_ref().ok().map(|facts| &facts.answer))
    };
    let has_answered = answers()
        .flatten()
        .any(|answer| matches!(answer, HelloAnswer::Hello(_) | HelloAnswer::Alert { .. }));
    answers()
        .enumerate()
        .filter(|(_, answer)| match answer {
            Some(HelloAnswer::Silent | HelloAnswer::Reset) => true,
            // Trouble of its own, or with the hello as such.
            Some(HelloAnswer::Alert {
                code: 10 | 47 | 50 | 80,
            }) => true,
            Some(HelloAnswer::Closed) => !has_answered,
            _ => false,
        })
        .map(|(i, _)| i)
        .collect()
}

fn concluded(
    versions: impl Iterator<Item = TlsVersion>,
    looks: Vec<Look>,
    hellos: Vec<usize>,
) -> Result<Vec<Tried>, ObserveError> {
    if let Some((_, Err(error))) = looks.first()
        && looks.iter().all(|(_, look)| look.is_err())
    {
        return Err(error.clone());
    }
    let mut all: Vec<Tried> = versions
        .zip(looks)
        .zip(hellos)
        .map(|((version, (offer, look)), hellos)| Tried {
            version,
            verdict: match look {
                Ok(facts) => owned(to_version(&offer, &facts.answer)),
                Err(e) => Verdict::Unclear(e.root_reason().clone(), e.message),
            },
            hellos,
        })
        .collect();
    // A server that answers others and ends this one without a word refuses it.
    let has_answered = all
        .iter()
        .any(|tried| matches!(tried.verdict, Verdict::Agreed(_) | Verdict::Refused(_)));
    for tried in &mut all {
        if let Verdict::Ended(reason, how) = &tried.verdict {
            tried.verdict = if has_answered {
                Verdict::Refused(how.clone())
            } else {
                Verdict::Unclear(reason.clone(), how.clone())
            };
        }
    }
    Ok(all)
}

fn owned(verdict: Verdict<&ServerHello>) -> Verdict<ServerHello> {
    match verdict {
        Verdict::Agreed(hello) => Verdict::Agreed(hello.clone()),
        Verdict::Refused(how) => Verdict::Refused(how),
        Verdict::Ended(reason, how) => Verdict::Ended(reason, how),
        Verdict::Unclear(reason, why) => Verdict::Unclear(reason, why),
    }
}

/// Why nothing can be said of any version, where that is so: nothing was agreed upon.
pub(in crate::tls) fn nothing_agreed(all: &[Tried]) -> Option<(Reason, &str)> {
    if all.iter().any(|tried| tried.agreed().is_some()) {
        return None;
    }
    // What is unclear tells more of the trouble than what is refused, and TLS 1.2 more than versions that
    // nobody misses.
    let first = all.iter().min_by_key(|tried| {
        let is_clear = !matches!(tried.verdict, Verdict::Unclear(..));
        (is_clear, tried.version != TlsVersion::Tls12)
    })?;
    Some(match &first.verdict {
        Verdict::Unclear(reason, why) | Verdict::Ended(reason, why) => (reason.clone(), why),
        Verdict::Refused(how) => (Reason::TLS_ALERT, how),
        Verdict::Agreed(_) => return None,
    })
}
