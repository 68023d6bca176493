//! Who may send in the name of the domain. RFC 7208.

use readiness_core::{Finding, fact::RecordType};

use self::record::{Mechanism, Qualifier, Record, Spec};
use super::{
    answers::{Answers, Question},
    tags::cut,
};

mod record;
#[cfg(test)]
mod tests;

/// The most terms that make a receiver ask. RFC 7208, section 4.6.4.
const MOST_LOOKUPS: u32 = 10;

/// The most of them that may find nothing. RFC 7208, section 4.6.4.
const MOST_VOID: usize = 2;

/// The most exchanges that `mx` may lead to. RFC 7208, section 4.6.4.
const MOST_EXCHANGES: usize = 10;

/// Where counting ends: includes that are included again and again double with each level.
const MOST_COUNTED: u32 = 50;

/// The most findings about one policy.
const MOST_FINDINGS: usize = 24;

/// What a domain says of who may send in its name.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) findings: Vec<Finding>,
    /// The record, where there is exactly one.
    pub(super) record: Option<String>,
    /// Whether it authorises nobody: `v=spf1 -all`.
    pub(super) is_closed: bool,
    pub(super) lookups: u32,
    /// What each term of the domain's own record costs: `include:_spf.example.com` 4.
    pub(super) costs: Vec<(String, u32)>,
    /// What must be asked to know more.
    pub(super) wanted: Vec<Question>,
}

/// Judges the SPF record of a domain with all it leads to, as far as the answers go.
pub(super) fn judge(domain: &str, answers: &Answers) -> Policy {
    let mut walk = Walk {
        answers,
        policy: Policy::default(),
        void: Vec::new(),
        unexpanded: Vec::new(),
        path: Vec::new(),
        is_open: false,
    };
    let end = walk.visit(domain, Role::Own);
    walk.finish(domain, end)
}

/// Why a record is read.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Role {
    Include,
    Own,
    Redirect,
}

/// What happens to a sender that no mechanism matches.
#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    All(Qualifier),
    /// Neither `all` nor `redirect`.
    Missing,
    /// The record, or what it leads to, is not known or wrong.
    Unknown,
}

struct Walk<'a> {
    answers: &'a Answers,
    policy: Policy,
    void: Vec<String>,
    unexpanded: Vec<String>,
    path: Vec<String>,
    is_open: bool,
}

impl Walk<'_> {
    fn say(&mut self, finding: Finding) {
        let all = &mut self.policy.findings;
        let is_known = |known: &Finding| (&known.code, &known.subject) == (&finding.code, &finding.subject);
        if all.len() < MOST_FINDINGS && !all.iter().any(is_known) {
            all.push(finding);
        }
    }

    fn visit(&mut self, name: &str, role: Role) -> End {
        let subject = format!("SPF of {name}");
        if self.path.iter().any(|known| known == name) {
            let message = format!(
                "the SPF record of `{name}` leads back to itself: {}",
                self.way(name)
            );
            self.say(
                Finding::fail("spf_loop", message)
                    .subject(subject)
                    .remedy("take one of the includes out; receivers treat a loop as an error"),
            );
            return End::Unknown;
        }
        if self.answers.get(name, RecordType::Txt).is_none() {
            self.policy.wanted.push((name.to_owned(), RecordType::Txt));
        }
        let texts = match self.answers.texts(name) {
            Ok(texts) => texts,
            Err(lost) => {
                let message = format!(
                    "the TXT records of `{name}` could not be looked up: {}",
                    lost.problem
                );
                self.say(
                    Finding::unknown("spf_not_looked_up", lost.reason, message)
                        .subject(subject)
                        .remedy("look at the nameserver, or name another one in `nameservers`"),
                );
                return End::Unknown;
            }
        };
        let records: Vec<&str> = texts
            .iter()
            .copied()
            .filter(|text| record::is_spf(text))
            .collect();
        let text = match records.as_slice() {
            [text] => *text,
            [] => {
                if texts.is_empty() && role != Role::Own {
                    self.void.push(self.way(name));
                }
                self.say(missing(name, role, &texts).subject(subject));
                return End::Unknown;
            }
            several => {
                let message = format!(
                    "`{name}` has {} SPF records, expected one: receivers treat several as an error",
                    several.len()
                );
                self.say(
                    Finding::fail("spf_several", message)
                        .subject(subject)
                        .evidence(
                            "records",
                            several
                                .iter()
                                .map(|text| cut(text))
                                .collect::<Vec<_>>()
                                .join(" | "),
                        )
                        .remedy(format!(
                            "put the terms of all of them into one TXT record of `{name}`"
                        )),
                );
                return End::Unknown;
            }
        };
        if role == Role::Own {
            self.policy.record = Some(text.to_owned());
        }
        match record::parse(text) {
            Ok(record) => self.walk(name, role, &record),
            Err(problem) => {
                let message = format!("the SPF record of `{name}` is wrong: {problem}");
                self.say(
                    Finding::fail("spf_syntax", message)
                        .subject(subject)
                        .evidence("record", cut(text))
                        .remedy(format!(
                            "correct the TXT record of `{name}` (RFC 7208, section 12)"
                        )),
                );
                End::Unknown
            }
        }
    }

    fn walk(&mut self, name: &str, role: Role, record: &Record) -> End {
        self.path.push(name.to_owned());
        let mut end = End::Missing;
        for directive in &record.directives {
            if self.policy.lookups >= MOST_COUNTED {
                end = End::Unknown;
                break;
            }
            let before = self.policy.lookups;
            match &directive.mechanism {
                Mechanism::All => end = End::All(directive.qualifier),
                other => self.mechanism(name, other, directive.qualifier, &directive.text),
            }
            let cost = self.policy.lookups.saturating_sub(before);
            if role == Role::Own && cost > 0 {
                self.policy.costs.push((cut(&directive.text), cost));
            }
            if end != End::Missing {
                break;
            }
        }
        if role == Role::Own {
            let is_all_there_is = record.directives.len() == 1 && record.redirect.is_none();
            self.policy.is_closed = is_all_there_is && end == End::All(Qualifier::Fail);
            self.unreachable(name, record);
        }
        if let (End::Missing, Some(redirect)) = (end, &record.redirect) {
            let before = self.policy.lookups;
            self.policy.lookups += 1;
            end = match redirect {
                Spec::Macro(text) => {
                    self.unexpanded.push(format!("redirect={}", cut(text)));
                    End::Unknown
                }
                Spec::Name(to) => self.visit(to, Role::Redirect),
            };
            if role == Role::Own {
                let cost = self.policy.lookups.saturating_sub(before);
                self.policy.costs.push(("redirect".to_owned(), cost));
            }
        }
        self.path.pop();
        end
    }

    fn mechanism(&mut self, own: &str, mechanism: &Mechanism, qualifier: Qualifier, text: &str) {
        let passes = qualifier == Qualifier::Pass;
        match mechanism {
            Mechanism::All => {}
            Mechanism::Ip(prefix) => self.is_open |= passes && *prefix == 0,
            Mechanism::Ptr => {
                self.policy.lookups += 1;
                let message = format!(
                    "the SPF record of `{own}` asks for the names of each sender (`{}`), which is slow, unreliable, \
                     and not to be used",
                    cut(text)
                );
                self.say(
                    Finding::warn("spf_ptr", message)
                        .subject(format!("SPF of {own}"))
                        .remedy("name the addresses with `ip4:` and `ip6:` instead (RFC 7208, section 5.5)"),
                );
            }
            Mechanism::Include(spec) => {
                self.policy.lookups += 1;
                if let Some(to) = self.known(spec, text) {
                    let end = self.visit(&to, Role::Include);
                    self.is_open |= passes && end == End::All(Qualifier::Pass);
                }
            }
            Mechanism::Exists(spec) => {
                self.policy.lookups += 1;
                if let Some(name) = self.known(spec, text) {
                    self.look(&name, &[RecordType::A], text);
                }
            }
            Mechanism::A(spec, prefixes) => {
                self.policy.lookups += 1;
                self.is_open |= passes && matches!(prefixes, (0, _) | (_, 0));
                let name = spec
                    .as_ref()
                    .map_or(Some(own.to_owned()), |spec| self.known(spec, text));
                if let Some(name) = name {
                    self.look(&name, &[RecordType::A, RecordType::Aaaa], text);
                }
            }
            Mechanism::Mx(spec, prefixes) => {
                self.policy.lookups += 1;
                self.is_open |= passes && matches!(prefixes, (0, _) | (_, 0));
                let name = spec
                    .as_ref()
                    .map_or(Some(own.to_owned()), |spec| self.known(spec, text));
                if let Some(name) = name {
                    self.look(&name, &[RecordType::Mx], text);
                    self.count_exchanges(&name, text);
                }
            }
        }
    }

    /// The name of a term; `None` where it depends on the message.
    fn known(&mut self, spec: &Spec, text: &str) -> Option<String> {
        match spec {
            Spec::Name(name) => Some(name.clone()),
            Spec::Macro(_) => {
                self.unexpanded.push(cut(text));
                None
            }
        }
    }

    /// Looks whether a name has records of one of these types.
    fn look(&mut self, name: &str, kinds: &[RecordType], text: &str) {
        let mut is_void = true;
        for kind in kinds {
            if self.answers.get(name, *kind).is_none() {
                self.policy.wanted.push((name.to_owned(), *kind));
            }
            match self.answers.answer(name, *kind) {
                Ok(answer) => is_void &= !answer.records.iter().any(|record| record.data.is_of(*kind)),
                Err(lost) => {
                    is_void = false;
                    let message = format!(
                        "the {kind} records of `{name}` could not be looked up: {}",
                        lost.problem
                    );
                    self.say(
                        // RFC 7208, section 5: receivers then answer temperror, and may defer or refuse the mail.
                        Finding::unknown("spf_term_not_looked_up", lost.reason.clone(), message)
                            .subject(format!("SPF term {}", cut(text)))
                            .remedy("see why its nameservers do not answer; receivers may defer the mail"),
                    );
                }
            }
        }
        if is_void {
            self.void.push(format!("`{}` ({name})", cut(text)));
        }
    }

    fn count_exchanges(&mut self, name: &str, text: &str) {
        let Ok(answer) = self.answers.answer(name, RecordType::Mx) else {
            return;
        };
        let exchanges = answer
            .records
            .iter()
            .filter(|record| record.data.is_of(RecordType::Mx));
        let count = exchanges.count();
        if count > MOST_EXCHANGES {
            let message = format!(
                "`{}` leads to {count} mail exchanges, expected at most {MOST_EXCHANGES}: receivers treat more as an error",
                cut(text)
            );
            self.say(
                Finding::fail("spf_too_many_exchanges", message)
                    .subject(format!("SPF term {}", cut(text)))
                    .remedy("name the addresses with `ip4:` and `ip6:` instead (RFC 7208, section 4.6.4)"),
            );
        }
    }

    fn unreachable(&mut self, name: &str, record: &Record) {
        let all = record
            .directives
            .iter()
            .position(|d| d.mechanism == Mechanism::All);
        let Some(all) = all else { return };
        let behind = record.directives.get(all + 1..).unwrap_or_default();
        let mut unread: Vec<String> = behind.iter().map(|directive| cut(&directive.text)).collect();
        unread.extend(record.redirect.is_some().then(|| "redirect".to_owned()));
        if !unread.is_empty() {
            let message = format!(
                "nobody reads what stands beside `all`: `{}`",
                cut(&unread.join(" "))
            );
            self.say(Finding::note("spf_unreachable_terms", message).subject(format!("SPF of {name}")));
        }
    }

    fn way(&self, name: &str) -> String {
        let names: Vec<&str> = self.path.iter().map(String::as_str).chain([name]).collect();
        names.join(" → ")
    }

    fn finish(mut self, domain: &str, end: End) -> Policy {
        let subject = || format!("SPF of {domain}");
        let correct = || format!("correct the SPF record of `{domain}`");
        if self.is_open || end == End::All(Qualifier::Pass) {
            let message = format!("the SPF record of `{domain}` lets everybody send in its name");
            let finding = Finding::fail("spf_allows_all", message).remedy(format!(
                "end the record of `{domain}` with `-all` or `~all`, and name no network of all addresses"
            ));
            self.say(finding.subject(subject()));
        }
        match end {
            End::All(Qualifier::Neutral) => {
                let message =
                    format!("the SPF record of `{domain}` ends with `?all`, which says nothing of strangers");
                let finding = Finding::warn("spf_all_neutral", message);
                self.say(
                    finding
                        .subject(subject())
                        .remedy("end the record with `-all` or `~all`"),
                );
            }
            End::Missing => {
                let message = format!(
                    "the SPF record of `{domain}` has neither `all` nor `redirect`, and says nothing of strangers"
                );
                let finding = Finding::warn("spf_no_all", message);
                self.say(
                    finding
                        .subject(subject())
                        .remedy("end the record with `-all` or `~all`"),
                );
            }
            _ => {}
        }
        let lookups = self.policy.lookups;
        if lookups > MOST_LOOKUPS {
            let found = match lookups {
                MOST_COUNTED.. => format!("{MOST_COUNTED} or more"),
                few => few.to_string(),
            };
            let message = format!(
                "the SPF record of `{domain}` takes {found} look-ups, expected at most {MOST_LOOKUPS}: receivers give up"
            );
            let costs = self
                .policy
                .costs
                .iter()
                .map(|(term, cost)| format!("{term} {cost}"));
            let finding = Finding::fail("spf_too_many_lookups", message)
                .evidence("look-ups", costs.collect::<Vec<_>>().join(", "))
                .remedy("take out includes that nobody sends from, or name their addresses with `ip4:` and `ip6:`");
            self.say(finding.subject(subject()));
        }
        let void = self.void.len();
        if void > MOST_VOID {
            let message = format!(
                "{void} look-ups of the SPF record of `{domain}` find nothing, expected at most {MOST_VOID}: receivers \
                 give up"
            );
            let finding = Finding::fail("spf_too_many_void_lookups", message)
                .evidence(
                    "find nothing",
                    self.void.iter().take(8).cloned().collect::<Vec<_>>().join(", "),
                )
                .remedy(correct());
            self.say(finding.subject(subject()));
        } else if void > 0 {
            let message = format!(
                "{} in the SPF record of `{domain}` finds nothing",
                self.void.join(" and ")
            );
            self.say(Finding::note("spf_void_lookup", message).subject(subject()));
        }
        if !self.unexpanded.is_empty() {
            let terms: Vec<&str> = self.unexpanded.iter().take(4).map(String::as_str).collect();
            let message = format!(
                "what depends on the message was not looked up, so there may be more look-ups: `{}`",
                terms.join("`, `")
            );
            self.say(Finding::note("spf_macro_not_expanded", message).subject(subject()));
        }
        self.policy
    }
}

fn missing(name: &str, role: Role, texts: &[&str]) -> Finding {
    let alike = texts.iter().find(|text| record::looks_like_spf(text));
    let finding = match role {
        Role::Own => Finding::fail(
            "spf_missing",
            format!("`{name}` has no SPF record: anybody can send in its name"),
        )
        .remedy(format!(
            "add a TXT record `v=spf1 … -all` to `{name}` that names who sends; `v=spf1 -all` where nobody does"
        )),
        Role::Include | Role::Redirect => Finding::fail(
            "spf_include_without_record",
            format!("the SPF record leads to `{name}`, which has none: receivers treat that as an error"),
        )
        .remedy(format!("take `{name}` out of the SPF record, or correct its name")),
    };
    match alike {
        Some(text) => finding.evidence("looks like one, and is none", cut(text)),
        None => finding,
    }
}
