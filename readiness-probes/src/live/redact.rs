use http::{HeaderMap, HeaderName, header};
use readiness_core::{Looking, Origin, fact::Header, redact::REDACTED};
use url::Url;

use crate::http::set_cookie::prefix_of;

/// The headers of a response as a fact may hold them.
///
/// Cookie values go; values in the query and in parameters of the path become handles which a later request to
/// that origin can carry, or go where no request follows the URL; secrets that were echoed go everywhere.
pub(crate) fn headers(all: &HeaderMap, url: &str, cx: &Looking) -> Vec<Header> {
    let base = Url::parse(url).ok();
    all.iter()
        .map(|(name, value)| {
            let clean = value_of(name, value.as_bytes(), |text| location(text, base.as_ref(), cx));
            Header::new(cx.scrub(name.as_str()), cx.scrub_bytes(&clean))
        })
        .collect()
}

fn value_of(name: &HeaderName, value: &[u8], mut location: impl FnMut(&str) -> String) -> Vec<u8> {
    match *name {
        header::SET_COOKIE => set_cookie(value),
        header::LOCATION | header::CONTENT_LOCATION => location(&ascii(value)).into_bytes(),
        header::REFRESH => refresh(&ascii(value), location).into_bytes(),
        header::LINK => link(&ascii(value), location).into_bytes(),
        // No response should hold these; some do.
        header::AUTHORIZATION | header::COOKIE | header::PROXY_AUTHORIZATION => REDACTED.into(),
        _ if is_secret(name.as_str()) => REDACTED.into(),
        // What is no text holds no URL that anybody could read.
        _ => match std::str::from_utf8(value) {
            Ok(text) => in_urls(name.as_str(), text).into_bytes(),
            Err(_) => value.to_vec(),
        },
    }
}

/// Whether a header's name says that its value lets somebody in.
fn is_secret(name: &str) -> bool {
    let ends = ["-token", "-secret", "api-key", "apikey"];
    ["authentication-info", "set-cookie2", "token"].contains(&name)
        || ends.iter().any(|end| name.ends_with(end))
}

/// A value whose URLs nobody follows: without userinfo and query values, and as well-formed as before.
fn in_urls(name: &str, text: &str) -> String {
    match name {
        "content-security-policy"
        | "content-security-policy-report-only"
        | "x-content-security-policy"
        | "x-webkit-csp" => policy(text),
        "nel" | "report-to" => in_strings(text, unescaped),
        "reporting-endpoints" => in_strings(text, str::to_owned),
        _ => absolute(text),
    }
}

/// The URLs of a policy. CSP Level 3, section 2.2: blanks, `;` and `,` end a token. Of the other tokens, none
/// that means something holds a `?` or `//`.
fn policy(text: &str) -> String {
    in_words(text, is_policy_end, |word| {
        let is_url = word.contains('?') || word.contains("//");
        is_url.then(|| without_values(word))
    })
}

fn is_policy_end(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, ';' | ',')
}

/// The URLs among other text, which begin with a scheme and two slashes.
fn absolute(text: &str) -> String {
    let ends =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | ',' | ';');
    in_words(text, ends, |word| {
        let (before, _) = word.split_once("://")?;
        let is_scheme_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let start = before.trim_end_matches(is_scheme_part).len();
        let (before, url) = word.split_at(start);
        url.contains(['?', '@', '#'])
            .then(|| format!("{before}{}", without_values(url)))
    })
}

/// The URLs in the strings of JSON and of structured fields, where an escape may hide what it stands for.
fn in_strings(text: &str, unescaped: impl Fn(&str) -> String) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('"') {
        let end = string_end(from);
        let (inside, after) = from.split_at(end);
        clean.push_str(&absolute(before));
        clean.push('"');
        let plain = unescaped(inside);
        if plain.contains(['?', '#', ';']) || plain.contains("//") {
            clean.push_str(&without_values(&plain));
        } else {
            clean.push_str(inside);
        }
        // The closing quote stays with what is left, if there is one.
        rest = match after.strip_prefix('"') {
            Some(after) => {
                clean.push('"');
                after
            }
            None => after,
        };
    }
    clean.push_str(&absolute(rest));
    clean
}

/// Where the string ends that has begun: before a quote that no `\` escapes.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len()
}

/// With what a URL consists of in place of its JSON escapes, `\/` and `\u003d`: they must not hide a value.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let code = from.strip_prefix("\\u").and_then(|code| code.get(..4));
        let character = code
            .and_then(|code| u8::from_str_radix(code, 16).ok())
            .filter(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        rest = if let Some(byte) = character {
            plain.push(char::from(byte));
            from.get(6..)
        } else if let Some(after) = from.strip_prefix("\\/") {
            plain.push('/');
            Some(after)
        } else {
            // An escaped quote and an escaped `\` stay as they are.
            let end = from.char_indices().nth(2).map_or(from.len(), |(at, _)| at);
            plain.push_str(from.get(..end).unwrap_or_default());
            from.get(end..)
        }
        .unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// The text with some of its words put in another way; what ends words stays.
fn in_words(text: &str, ends: impl Fn(char) -> bool, mut put: impl FnMut(&str) -> Option<String>) -> String {
    let mut clean = String::with_capacity(text.len());
    for piece in text.split_inclusive(&ends) {
        let word = piece.trim_end_matches(&ends);
        match put(word) {
            Some(other) => clean.push_str(&other),
            None => clean.push_str(word),
        }
        clean.push_str(piece.get(word.len()..).unwrap_or_default());
    }
    clean
}

fn without_values(url: &str) -> String {
    url_text(url, |_| REDACTED.to_owned())
}

/// Name, emptiness and attributes stay. RFC 6265, section 5.2: the value ends at the first `;`, and a pair
/// without `=` is all value.
///
/// What browsers look at in a value stays too: the size where it is over their limit, and the prefix of a name
/// that a nameless value begins with (RFC 6265bis, sections 5.6 and 5.7).
fn set_cookie(line: &[u8]) -> Vec<u8> {
    const LONGEST: usize = 4096;
    let end = line.iter().position(|&byte| byte == b';').unwrap_or(line.len());
    let (pair, attributes) = line.split_at(end);
    let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
        Some(at) => pair.split_at(at + 1),
        None => (&b""[..], pair),
    };
    let bare_name = name.strip_suffix(b"=").unwrap_or(name).trim_ascii();
    let bare = value.trim_ascii();
    let value = if bare.is_empty() {
        value.to_vec()
    } else if bare_name.len() + bare.len() > LONGEST {
        format!("[redacted {} bytes]", bare.len()).into_bytes()
    } else {
        let prefix = prefix_of(bare).filter(|_| bare_name.is_empty());
        [prefix.unwrap_or_default(), REDACTED].concat().into_bytes()
    };
    [name, &value, attributes].concat()
}

/// Text without a byte that a URL may not hold.
fn ascii(value: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(value) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(value.len());
    for &byte in value {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A URL without userinfo, with a handle for each value in its query and its path. `{` and `}`, which no URL may hold, are
/// escaped first, so that a peer cannot write a handle.
fn location(text: &str, base: Option<&Url>, cx: &Looking) -> String {
    let target = base.and_then(|base| base.join(text.trim()).ok());
    let origin = target.as_ref().and_then(origin_of);
    url_text(text, |value| match &origin {
        Some(origin) => cx.conceal(value, origin),
        None => REDACTED.to_owned(),
    })
}

/// Where a request to this URL goes, if it is one of HTTP.
pub(super) fn origin_of(url: &Url) -> Option<Origin> {
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str()?.trim_matches(['[', ']']).trim_end_matches('.');
    Some(Origin::new(url.scheme(), host, url.port_or_known_default()?))
}

/// A URL as a page holds it, for people: without userinfo and values.
#[cfg(feature = "html")]
pub(super) fn shown_url(text: &str) -> String {
    without_values(text)
}

/// A policy as a page holds it.
#[cfg(feature = "html")]
pub(super) fn shown_policy(text: &str) -> String {
    policy(text)
}

/// The content of a `meta` that names a delay and a URL.
#[cfg(feature = "html")]
pub(super) fn shown_refresh(text: &str) -> String {
    refresh(text, shown_url)
}

fn url_text(text: &str, mut conceal: impl FnMut(&str) -> String) -> String {
    let text = text.replace('{', "%7B").replace('}', "%7D");
    let (text, fragment) = match text.split_once('#') {
        Some((text, fragment)) => (text.to_owned(), Some(fragment.to_owned())),
        None => (text, None),
    };
    let (before, query) = match text.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (text.as_str(), None),
    };
    let mut clean = without_path_values(&without_userinfo(before), &mut conceal);
    if let Some(query) = query {
        for (i, pair) in query.split('&').enumerate() {
            clean.push(if i == 0 { '?' } else { '&' });
            let value = match pair.split_once('=') {
                Some((name, value)) => {
                    clean.push_str(name);
                    clean.push('=');
                    value
                }
                None => pair,
            };
            if !value.is_empty() {
                clean.push_str(&conceal(value));
            }
        }
    }
    if let Some(fragment) = fragment {
        clean.push('#');
        clean.push_str(&shown_fragment(&fragment));
    }
    clean
}

/// The names of the pairs in a fragment, with which some log-ins hand over a token (RFC 6749, section 4.2.2);
/// nothing of one that holds a `=` and no pairs.
fn shown_fragment(fragment: &str) -> String {
    if !fragment.contains('=') {
        return fragment.to_owned();
    }
    let names: Option<Vec<String>> = fragment
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            // Padding at the end of a token is no value.
            let is_pair = !name.is_empty() && !value.trim_matches('=').is_empty();
            is_pair.then(|| format!("{name}={REDACTED}"))
        })
        .collect();
    names.map_or_else(|| REDACTED.to_owned(), |names| names.join("&"))
}

/// Without the values of parameters in the path, such as `;jsessionid=…`. RFC 3986, section 3.3.
fn without_path_values(path: &str, mut conceal: impl FnMut(&str) -> String) -> String {
    let is_data = path
        .trim_start()
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("data:"));
    if is_data || !path.contains(';') {
        return path.to_owned();
    }
    let mut clean = String::with_capacity(path.len());
    for segment in path.split_inclusive(['/', '\\']) {
        let bare = segment.trim_end_matches(['/', '\\']);
        for (i, part) in bare.split(';').enumerate() {
            clean.push_str(if i == 0 { "" } else { ";" });
            match part
                .split_once('=')
                .filter(|(_, value)| i > 0 && !value.is_empty())
            {
                Some((name, value)) => {
                    clean.push_str(name);
                    clean.push('=');
                    clean.push_str(&conceal(value));
                }
                None => clean.push_str(part),
            }
        }
        clean.push_str(segment.get(bare.len()..).unwrap_or_default());
    }
    clean
}

fn without_userinfo(url: &str) -> String {
    let is_slash = |c: char| c == '/' || c == '\\';
    // The authority begins after two slashes, which browsers take in either form.
    let start = url
        .char_indices()
        .zip(url.chars().skip(1))
        .find(|&((_, a), b)| is_slash(a) && is_slash(b))
        .map(|((at, _), _)| at);
    let Some(start) = start else {
        return url.to_owned();
    };
    let (scheme, rest) = url.split_at(start);
    let slashes = rest.len() - rest.trim_start_matches(is_slash).len();
    let (slashes, rest) = rest.split_at(slashes);
    let (authority, path) = rest.split_at(rest.find(is_slash).unwrap_or(rest.len()));
    match authority.rfind('@') {
        Some(at) => {
            let host = authority.get(at..).unwrap_or_default();
            format!("{scheme}{slashes}{REDACTED}{host}{path}")
        }
        None => url.to_owned(),
    }
}

/// `5; url=https://…`: the URL after the first `;` or `,`, as the HTML standard reads it.
fn refresh(text: &str, mut location: impl FnMut(&str) -> String) -> String {
    let Some(at) = text.find([';', ',']) else {
        return text.to_owned();
    };
    let (delay, rest) = text.split_at(at + 1);
    let url_at = rest
        .to_ascii_lowercase()
        .find("url=")
        .map_or(0, |at| at + "url=".len());
    let (label, url) = rest.split_at(url_at);
    let quote = |c: char| c == '"' || c == '\'' || c == ' ';
    let bare = url.trim_matches(quote);
    let clean = location(bare);
    format!(
        "{delay}{label}{}",
        if bare.is_empty() {
            url.to_owned()
        } else {
            url.replacen(bare, &clean, 1)
        }
    )
}

/// `<https://…>; rel="next", <…>`: what stands between `<` and `>`. RFC 8288, section 3.
fn link(text: &str, mut location: impl FnMut(&str) -> String) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('<') {
        clean.push_str(&absolute(before));
        clean.push('<');
        let (url, after) = from.split_at(from.find('>').unwrap_or(from.len()));
        clean.push_str(&location(url));
        rest = after;
    }
    clean.push_str(&absolute(rest));
    clean
}

#[cfg(test)]
mod tests;
