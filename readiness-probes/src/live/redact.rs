use http::{HeaderMap, HeaderName, header};
use readiness_core::{Looking, Origin, fact::Header, redact::REDACTED};
use url::Url;

use crate::http::set_cookie::prefix_of;

/// The headers of a response as a fact may hold them.
///
/// Cookie values go; query values become handles which a later request to that origin can carry; secrets
/// that were echoed go everywhere.
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
        _ if [
            "authentication-info",
            "set-cookie2",
            "x-api-key",
            "x-auth-token",
            "x-csrf-token",
        ]
        .contains(&name.as_str()) =>
        {
            REDACTED.into()
        }
        _ => value.to_vec(),
    }
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

/// A URL without userinfo, with a handle for each query value. `{` and `}`, which no URL may hold, are
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

/// A URL as a page holds it, for people: without userinfo and query values.
#[cfg(feature = "html")]
pub(super) fn shown_url(text: &str) -> String {
    url_text(text, |_| REDACTED.to_owned())
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
    let mut clean = without_userinfo(before);
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
        // A fragment with pairs in it is how some log-ins hand over a token (RFC 6749, section 4.2.2).
        clean.push_str(if fragment.contains('=') {
            REDACTED
        } else {
            &fragment
        });
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
        clean.push_str(before);
        clean.push('<');
        let (url, after) = from.split_at(from.find('>').unwrap_or(from.len()));
        clean.push_str(&location(url));
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &'static str, value: &str) -> String {
        let name = HeaderName::from_static(name);
        let clean = value_of(&name, value.as_bytes(), |text| {
            url_text(text, |_| "{x}".to_owned())
        });
        String::from_utf8(clean).unwrap()
    }

    #[test]
    fn cookie_values_go_and_the_rest_stays() {
        for (line, clean) in [
            ("sid=s3cr3t; Path=/; Secure", "sid=[redacted]; Path=/; Secure"),
            ("sid=a=b", "sid=[redacted]"),
            ("sid=; Max-Age=0", "sid=; Max-Age=0"),
            ("__Host-a = x", "__Host-a =[redacted]"),
            ("s3cr3t", "[redacted]"),
            ("s3cr3t; Secure", "[redacted]; Secure"),
            ("", ""),
            ("=s3cr3t", "=[redacted]"),
            ("=__Host-s3cr3t; Secure", "=__Host-[redacted]; Secure"),
            ("__secure-s3cr3t", "__Secure-[redacted]"),
            ("__Host-a=__Host-s3cr3t", "__Host-a=[redacted]"),
        ] {
            assert_eq!(shown("set-cookie", line), clean, "{line}");
        }
        let long = |n: usize| shown("set-cookie", &format!("sid={}; Secure", "x".repeat(n)));
        assert_eq!(long(4093), "sid=[redacted]; Secure");
        assert_eq!(long(4094), "sid=[redacted 4094 bytes]; Secure");
    }

    #[test]
    fn query_values_and_userinfo_go_from_urls() {
        for (text, clean) in [
            ("/a?b=s&c=&d", "/a?b={x}&c=&{x}"),
            (
                "https://u:p@h.test/a@b?x=1#top",
                "https://[redacted]@h.test/a@b?x={x}#top",
            ),
            ("//u@h/", "//[redacted]@h/"),
            ("https:\\\\u:p@h\\x", "https:\\\\[redacted]@h\\x"),
            ("https:///u:p@h/x", "https:///[redacted]@h/x"),
            ("/cb#access_token=s", "/cb#[redacted]"),
            ("/a{api}?{api}={api}", "/a%7Bapi%7D?%7Bapi%7D={x}"),
            ("mailto:a@b", "mailto:a@b"),
            ("", ""),
            ("?", "?"),
        ] {
            assert_eq!(shown("location", text), clean, "{text}");
        }
    }

    #[test]
    fn urls_inside_other_headers_are_found() {
        assert_eq!(shown("refresh", "5; URL='/a?t=s'"), "5; URL='/a?t={x}'");
        assert_eq!(shown("refresh", "5"), "5");
        assert_eq!(shown("refresh", "0,/a?t=s"), "0,/a?t={x}");
        assert_eq!(shown("refresh", "0; url="), "0; url=");
        assert_eq!(
            shown("link", "</a?t=s>; rel=next, <b?u=s>; rel=\"x?y=z\""),
            "</a?t={x}>; rel=next, <b?u={x}>; rel=\"x?y=z\""
        );
        assert_eq!(shown("link", "<?t=s"), "<?t={x}");
        assert_eq!(shown("x-auth-token", "s3cr3t"), "[redacted]");
        assert_eq!(shown("server", "a?b=c"), "a?b=c");
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(ascii(b"/a\xff?b"), "/a%FF?b");
        assert_eq!(ascii("/é".as_bytes()), "/é");
    }

    #[test]
    fn the_origin_is_the_one_of_the_next_hop() {
        let of = |text: &str| origin_of(&Url::parse(text).unwrap()).map(|origin| origin.to_string());
        assert_eq!(of("https://A.test./x").unwrap(), "https://a.test:443");
        assert_eq!(of("http://[::1]:81/").unwrap(), "http://[::1]:81");
        assert_eq!(of("app://x/"), None);
    }
}
