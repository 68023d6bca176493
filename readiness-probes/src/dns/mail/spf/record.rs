//! The grammar of SPF records. RFC 7208, section 12.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::tags::cut;

/// The most terms of one record: what fits into a message.
const MOST_TERMS: usize = 1_000;

/// An SPF record.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) directives: Vec<Directive>,
    pub(super) redirect: Option<Spec>,
    has_explanation: bool,
}

/// A mechanism and what follows where it matches.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Directive {
    pub(super) qualifier: Qualifier,
    pub(super) mechanism: Mechanism,
    /// As it stands in the record.
    pub(super) text: String,
}

/// What a match means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Qualifier {
    Fail,
    Neutral,
    Pass,
    SoftFail,
}

#[derive(Debug, Eq, PartialEq)]
pub(super) enum Mechanism {
    /// The addresses of a name; of the record's own where none is given. The prefixes are those of IPv4 and IPv6.
    A(Option<Spec>, Prefixes),
    All,
    Exists(Spec),
    Include(Spec),
    /// A network of this prefix.
    Ip(u8),
    Mx(Option<Spec>, Prefixes),
    Ptr,
}

/// The lengths of the prefixes of IPv4 and IPv6.
pub(super) type Prefixes = (u8, u8);

/// The name in a term.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Spec {
    /// It depends on the message, and is not known before.
    Macro(String),
    /// In lower case, without a final dot.
    Name(String),
}

/// Whether a text is meant as an SPF record. RFC 7208, section 4.5.
pub(super) fn is_spf(text: &str) -> bool {
    let is_version = text
        .get(..6)
        .is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"));
    is_version && matches!(text.as_bytes().get(6), None | Some(b' '))
}

/// Whether a text looks like an SPF record and is none: nobody reads it as one.
pub(super) fn looks_like_spf(text: &str) -> bool {
    let start: String = text.chars().take(24).collect::<String>().to_ascii_lowercase();
    let bare = start.trim_start_matches(['"', '\'', ' ', '\t', '\u{feff}']);
    !is_spf(text) && (bare.starts_with("v=spf") || bare.starts_with("v = spf") || bare.starts_with("spf1 "))
}

/// Reads a record that [is one](is_spf).
///
/// # Errors
/// Which term is wrong, and why.
pub(super) fn parse(text: &str) -> Result<Record, String> {
    let mut record = Record::default();
    let terms = text.get(6..).unwrap_or_default().split(' ');
    for (count, term) in terms.filter(|term| !term.is_empty()).enumerate() {
        if count == MOST_TERMS {
            return Err(format!("it holds more than {MOST_TERMS} terms"));
        }
        read(term, &mut record).map_err(|why| format!("`{}` {why}", cut(term)))?;
    }
    Ok(record)
}

fn read(term: &str, record: &mut Record) -> Result<(), String> {
    if !term.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("holds a character that may not stand there".into());
    }
    // A modifier has `=` behind its name; a mechanism may have one in its name of a domain only.
    let name_end = term.find([':', '/', '=']).unwrap_or(term.len());
    let (name, rest) = term.split_at_checked(name_end).unwrap_or((term, ""));
    if let Some(value) = rest.strip_prefix('=') {
        return modifier(name, value, record);
    }
    let (qualifier, name) = match name.as_bytes().first() {
        Some(b'+') => (Qualifier::Pass, name.get(1..)),
        Some(b'-') => (Qualifier::Fail, name.get(1..)),
        Some(b'~') => (Qualifier::SoftFail, name.get(1..)),
        Some(b'?') => (Qualifier::Neutral, name.get(1..)),
        _ => (Qualifier::Pass, Some(name)),
    };
    let mechanism = mechanism(&name.unwrap_or_default().to_ascii_lowercase(), rest)?;
    record.directives.push(Directive {
        qualifier,
        mechanism,
        text: term.to_owned(),
    });
    Ok(())
}

fn modifier(name: &str, value: &str, record: &mut Record) -> Result<(), String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_name) {
        return Err("is neither a mechanism nor a modifier".into());
    }
    match name.to_ascii_lowercase().as_str() {
        "redirect" if record.redirect.is_some() => Err("is the second `redirect`".into()),
        "redirect" => {
            record.redirect = Some(spec(value)?);
            Ok(())
        }
        "exp" if record.has_explanation => Err("is the second `exp`".into()),
        "exp" => {
            spec(value)?;
            record.has_explanation = true;
            Ok(())
        }
        // RFC 7208, section 6: others are ignored.
        _ => macros(value).map(|_| ()),
    }
}

fn mechanism(name: &str, rest: &str) -> Result<Mechanism, String> {
    let (argument, prefix) = match rest.find('/') {
        Some(slash) if name != "exists" && name != "include" => rest.split_at_checked(slash),
        _ => None,
    }
    .unwrap_or((rest, ""));
    let argument = match argument.strip_prefix(':') {
        Some("") => return Err("has nothing behind the colon".into()),
        Some(argument) => Some(argument),
        None if argument.is_empty() => None,
        None => return Err("is not understood".into()),
    };
    let needed = || argument.ok_or_else(|| format!("lacks what to look at, as in `{name}:example.com`"));
    let optional = || argument.map(spec).transpose();
    match name {
        "all" if rest.is_empty() => Ok(Mechanism::All),
        "all" => Err("has something behind `all`".into()),
        "include" => Ok(Mechanism::Include(spec(needed()?)?)),
        "exists" => Ok(Mechanism::Exists(spec(needed()?)?)),
        "a" => Ok(Mechanism::A(optional()?, both(prefix)?)),
        "mx" => Ok(Mechanism::Mx(optional()?, both(prefix)?)),
        "ptr" if prefix.is_empty() => optional().map(|_| Mechanism::Ptr),
        "ptr" => Err("has a prefix".into()),
        "ip4" => {
            let address = needed()?;
            address
                .parse::<Ipv4Addr>()
                .map_err(|_| "holds no IPv4 address".to_owned())?;
            Ok(Mechanism::Ip(length(prefix, 32)?))
        }
        "ip6" => {
            let address = needed()?;
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| "holds no IPv6 address".to_owned())?;
            Ok(Mechanism::Ip(length(prefix, 128)?))
        }
        _ => Err("is no mechanism of SPF".into()),
    }
}

/// The prefixes of `a` and `mx`: `/24`, `//64` or `/24//64`.
fn both(prefix: &str) -> Result<Prefixes, String> {
    let (v4, v6) = match prefix.find("//") {
        Some(at) => prefix.split_at_checked(at).unwrap_or((prefix, "")),
        None => (prefix, ""),
    };
    let v6 = v6.strip_prefix('/').unwrap_or(v6);
    Ok((length(v4, 32)?, length(v6, 128)?))
}

/// The length of a prefix, the most where none is given: `/24`.
fn length(prefix: &str, most: u8) -> Result<u8, String> {
    let Some(digits) = prefix.strip_prefix('/') else {
        return Ok(most);
    };
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    let length = digits.parse().ok().filter(|length| is_plain && *length <= most);
    length.ok_or_else(|| format!("has a prefix that is no number from 0 to {most}"))
}

fn spec(text: &str) -> Result<Spec, String> {
    if macros(text)? {
        return Ok(Spec::Macro(text.to_owned()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let labels_fit = name.split('.').all(|label| (1..=63).contains(&label.len()));
    // The last label is one of a domain: not all digits, no hyphen at its ends.
    let top = name.rsplit_once('.').map_or("", |(_, top)| top);
    let is_top = top.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !top.bytes().all(|b| b.is_ascii_digit())
        && !top.starts_with('-')
        && !top.ends_with('-');
    if name.len() > 253 || !labels_fit || !is_top {
        return Err("holds no name of a domain".into());
    }
    Ok(Spec::Name(name))
}

/// Whether a text holds macros. RFC 7208, section 7.1.
fn macros(text: &str) -> Result<bool, String> {
    let mut rest = text;
    let mut any = false;
    while let Some((_, after)) = rest.split_once('%') {
        any = true;
        rest = match after.as_bytes().first() {
            Some(b'%' | b'_' | b'-') => after.get(1..).unwrap_or_default(),
            Some(b'{') => {
                let (inner, after) = after
                    .get(1..)
                    .and_then(|inner| inner.split_once('}'))
                    .ok_or("holds a macro without an end")?;
                is_macro(inner)
                    .then_some(after)
                    .ok_or("holds a macro that there is not")?
            }
            _ => return Err("holds a `%` that begins no macro".into()),
        };
    }
    Ok(any)
}

/// Whether this stands between the braces of a macro: a letter, digits, `r`, delimiters.
fn is_macro(inner: &str) -> bool {
    let mut chars = inner.chars();
    let letter = chars
        .next()
        .is_some_and(|c| "slodiphcrtv".contains(c.to_ascii_lowercase()));
    let rest = chars.as_str().trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = chars.as_str().len() - rest.len();
    let keeps_some = digits == 0
        || chars
            .as_str()
            .get(..digits)
            .is_some_and(|d| d.bytes().any(|b| b != b'0'));
    let rest = rest.strip_prefix(['r', 'R']).unwrap_or(rest);
    letter && keeps_some && rest.chars().all(|c| ".-+,/_=".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Spec {
        Spec::Name(text.into())
    }

    fn one(term: &str) -> Mechanism {
        let mut record = parse(&format!("v=spf1 {term}")).unwrap_or_else(|e| panic!("{term}: {e}"));
        record.directives.pop().unwrap().mechanism
    }

    #[test]
    fn a_record_begins_with_its_version() {
        for (text, is, like) in [
            ("v=spf1", true, false),
            ("V=SPF1 -all", true, false),
            ("v=spf1 ", true, false),
            ("v=spf10 -all", false, true),
            ("v=spf1;-all", false, true),
            ("v=spf2.0/pra", false, true),
            (" v=spf1 -all", false, true),
            ("\"v=spf1 -all\"", false, true),
            ("spf1 -all", false, true),
            ("spf14 is a floor", false, false),
            ("google-site-verification=v=spf1", false, false),
            ("", false, false),
            ("v=spf\u{e9}", false, true),
        ] {
            assert_eq!((is_spf(text), looks_like_spf(text)), (is, like), "{text}");
        }
    }

    #[test]
    fn every_term_is_read() {
        for (term, wanted) in [
            ("all", Mechanism::All),
            ("ALL", Mechanism::All),
            (
                "include:_Spf.Example.com.",
                Mechanism::Include(name("_spf.example.com")),
            ),
            ("a", Mechanism::A(None, (32, 128))),
            ("a/24", Mechanism::A(None, (24, 128))),
            ("a//64", Mechanism::A(None, (32, 64))),
            ("a:b.example/0//0", Mechanism::A(Some(name("b.example")), (0, 0))),
            (
                "mx:b.example/32",
                Mechanism::Mx(Some(name("b.example")), (32, 128)),
            ),
            ("ptr", Mechanism::Ptr),
            ("ptr:b.example", Mechanism::Ptr),
            ("ip4:192.0.2.1", Mechanism::Ip(32)),
            ("ip4:192.0.2.0/24", Mechanism::Ip(24)),
            ("ip6:2001:db8::/32", Mechanism::Ip(32)),
            ("ip6:::1", Mechanism::Ip(128)),
            (
                "exists:%{ir}.%{v}._spf.%{d2}",
                Mechanism::Exists(Spec::Macro("%{ir}.%{v}._spf.%{d2}".into())),
            ),
            (
                "exists:%{l1r+-}.a/b.example",
                Mechanism::Exists(Spec::Macro("%{l1r+-}.a/b.example".into())),
            ),
        ] {
            assert_eq!(one(term), wanted, "{term}");
        }
        let record = parse("v=spf1  +a -mx ~ptr ?all exp=e.%{d} redirect=r.example unknown=%_x ").unwrap();
        let qualifiers: Vec<Qualifier> = record.directives.iter().map(|d| d.qualifier).collect();
        use Qualifier::{Fail, Neutral, Pass, SoftFail};
        assert_eq!(qualifiers, [Pass, Fail, SoftFail, Neutral]);
        assert_eq!(record.redirect, Some(name("r.example")));
        assert_eq!(parse("v=spf1").unwrap(), Record::default());
    }

    #[test]
    fn what_is_no_term_says_why() {
        let long = format!("a:{}.example", "x".repeat(64));
        let too_long = format!("a:{}example", "x.".repeat(124));
        for (terms, words) in [
            ("-all:x", "behind `all`"),
            ("all/8", "behind `all`"),
            ("include", "lacks what to look at"),
            ("include:", "nothing behind the colon"),
            ("include:example", "no name of a domain"),
            ("include:a.example/24", "no name of a domain"),
            ("include:192.0.2.1", "no name of a domain"),
            ("include:a..example", "no name of a domain"),
            ("include:a.-example", "no name of a domain"),
            (&long, "no name of a domain"),
            (&too_long, "no name of a domain"),
            ("a/33", "from 0 to 32"),
            ("a/", "from 0 to 32"),
            ("a/08", "from 0 to 32"),
            ("a/+8", "from 0 to 32"),
            ("a//129", "from 0 to 128"),
            ("ptr/24", "has a prefix"),
            ("ip4:192.0.2.256", "no IPv4 address"),
            ("ip4:2001:db8::1", "no IPv4 address"),
            ("ip4", "lacks what to look at"),
            ("ip6:192.0.2.1", "no IPv6 address"),
            ("ip4:192.0.2.0/33", "from 0 to 32"),
            ("ipv4:192.0.2.1", "no mechanism"),
            ("-al", "no mechanism"),
            ("+", "no mechanism"),
            ("--all", "no mechanism"),
            ("redirect=a.example redirect=b.example", "second `redirect`"),
            ("exp=a.example exp=b.example", "second `exp`"),
            ("redirect=", "no name of a domain"),
            ("-redirect=a.example", "neither a mechanism nor a modifier"),
            ("exists:%{x}.example", "macro that there is not"),
            ("exists:%{d0}.example", "macro that there is not"),
            ("exists:%{d.example", "without an end"),
            ("exists:%d.example", "begins no macro"),
            ("exists:a.example%", "begins no macro"),
            ("a:\u{e9}.example", "character"),
            ("a\tmx", "character"),
        ] {
            let problem = parse(&format!("v=spf1 {terms}")).unwrap_err();
            assert!(problem.contains(words), "{terms}: {problem}");
        }
        assert!(parse(&format!("v=spf1{}", " a".repeat(1_001))).is_err());
        assert!(parse(&format!("v=spf1{}", " a".repeat(1_000))).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(v=spf1)?[ -~\u{e9}%{}/:=]{0,80}") {
            let _ = (is_spf(&text), looks_like_spf(&text), parse(&text));
        }
    }
}
