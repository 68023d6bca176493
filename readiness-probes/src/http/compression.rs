use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::Exchange,
    probe,
};

use super::{
    applicability::{ResponseKind, by_status, gate, not_the_page},
    cache_control,
    media_type::media_type,
    page::{Looked, judge_each},
    pages::Pages,
    syntax::{excerpt, shown, split_unquoted, trim, varies_by},
};

probe! {
    /// Text travels compressed, and caches know it.
    ///
    /// # What it checks
    /// What comes back for `Accept-Encoding: br, zstd, gzip`: `Content-Encoding`, `Vary`, and how long the body
    /// is. This costs one request of its own for each page, as all other checks ask for `identity`.
    ///
    /// # Why it matters
    /// Text shrinks to a third or less, which users with a slow connection notice first. A cache that does not
    /// know that the answer depends on `Accept-Encoding` gives a compressed one to a client that cannot read it.
    ///
    /// # How it is judged
    /// Text longer than `min_bytes` that comes uncompressed warns, as does compression of what is compressed
    /// already (images, video, archives), more than one coding, and a missing `Vary: Accept-Encoding` where a
    /// shared cache may store the answer. A coding nobody asked for or that does not exist fails. That a page
    /// with cookies is compressed is noted, for the attack BREACH: secrets in it need a mask of their own.
    ///
    /// # How to fix
    /// Switch on gzip, and brotli or zstd where there is support, for text types, with
    /// `Vary: Accept-Encoding`.
    pub struct Compression {
        /// Text up to this long may come uncompressed. In bytes. Default: 1024.
        pub min_bytes: u32 = 1024,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.compression",
    title: "text travels compressed",
    priority: Low,
    references: [
        "RFC 9110 section 8.4" => "https://www.rfc-editor.org/rfc/rfc9110#section-8.4",
        "RFC 9110 section 12.5.3" => "https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3",
        "RFC 9110 section 12.5.5" => "https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5",
        "BREACH" => "https://www.breachattack.com/",
    ],
}

/// What is asked for. Browsers ask for `deflate` too, which servers and clients do not agree about.
const ASKED: &str = "br, zstd, gzip";

#[async_trait]
impl Probe for Compression {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_each(
            cx,
            self.pages.iter().map(|page| (page, ())),
            |key, ()| key.header("accept-encoding", ASKED),
            |looked, ()| judge(self, looked),
        )
        .await
    }
}

impl Compression {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

fn judge(settings: &Compression, looked: Looked<'_>) -> Outcome {
    let Looked { page, exchange, .. } = looked;
    let is_declared = page.is_declared(exchange.status);
    if let Some(gate) = gate(exchange).filter(|_| !is_declared) {
        return not_the_page(&gate);
    }
    match by_status(exchange) {
        ResponseKind::Redirect => return Outcome::not_applicable("a redirect has no content to compress"),
        ResponseKind::Error if !is_declared => {
            return Outcome::not_applicable("an error response is not worth compressing");
        }
        _ => {}
    }
    if matches!(exchange.status, 204 | 205 | 304) {
        return Outcome::not_applicable("the response has no content");
    }
    let media = media_type(exchange).unwrap_or_default();
    let codings = codings(exchange);
    let is_compressed = codings.iter().any(|coding| coding != "identity");
    let mut findings = Vec::new();
    findings.extend(of_codings(&codings));
    if is_compressed {
        if is_dense(&media) {
            let message = format!(
                "`{}` is compressed already, and was compressed again",
                excerpt(media.as_bytes())
            );
            findings.push(Finding::warn("compressed_again", message).remedy("compress text types alone"));
        }
        findings.extend(of_vary(exchange));
        findings.extend(breach(exchange, &media));
    } else if is_text(&media) {
        findings.extend(uncompressed(exchange, settings.min_bytes));
    }
    let summary = match (
        findings.first().map(|finding| finding.code.as_str()),
        is_compressed,
    ) {
        (Some("not_compressed"), _) => "text comes uncompressed".to_owned(),
        (_, true) => format!("compressed with {}", excerpt(codings.join(", ").as_bytes())),
        (_, false) if is_text(&media) => "short text, uncompressed".to_owned(),
        (_, false) => "uncompressed, and no text".to_owned(),
    };
    let outcome = Outcome::judged(summary, findings);
    match exchange.joined("content-encoding") {
        Some(value) => outcome.evidence("Content-Encoding", shown(&value)),
        None => outcome,
    }
}

/// The codings in the order they were applied, in lower case.
fn codings(exchange: &Exchange) -> Vec<String> {
    const MOST: usize = 20;
    let value = exchange.joined("content-encoding").unwrap_or_default();
    split_unquoted(&value, b',')
        .into_iter()
        .map(|(_, part)| trim(part))
        .filter(|part| !part.is_empty())
        .take(MOST)
        .map(|part| excerpt(part).to_ascii_lowercase())
        .collect()
}

fn of_codings(codings: &[String]) -> Vec<Finding> {
    // The registry of HTTP content codings.
    const KNOWN: [&str; 10] = [
        "aes128gcm",
        "br",
        "compress",
        "dcb",
        "dcz",
        "deflate",
        "exi",
        "pack200-gzip",
        "x-compress",
        "zstd",
    ];
    let mut findings = Vec::new();
    for coding in codings {
        let finding = match coding.as_str() {
            "br" | "gzip" | "x-gzip" | "zstd" => continue,
            // RFC 9110, section 8.4.1: it is for `Accept-Encoding`.
            "identity" => Finding::note(
                "identity",
                "`Content-Encoding: identity` says nothing, and need not be sent",
            ),
            known if KNOWN.contains(&known) => {
                let message = format!("the body is coded as `{known}`, which was not asked for");
                Finding::fail("not_asked_for", message).remedy("answer with what `Accept-Encoding` names")
            }
            other => {
                let message = format!("the body is coded as `{other}`, which no client knows");
                Finding::fail("unknown_coding", message)
                    .remedy("name the coding itself: a charset belongs into `Content-Type`")
            }
        };
        if !findings.iter().any(|known: &Finding| known.code == finding.code) {
            findings.push(finding);
        }
    }
    let real = codings.iter().filter(|coding| *coding != "identity").count();
    if real > 1 {
        let message = format!(
            "the body was compressed {real} times: `{}`",
            excerpt(codings.join(", ").as_bytes())
        );
        findings.push(
            Finding::warn("several_codings", message)
                .remedy("let either the service or the server before it compress, and not both"),
        );
    }
    findings
}

fn of_vary(exchange: &Exchange) -> Option<Finding> {
    let vary = exchange.joined("vary").unwrap_or_default();
    let is_named = varies_by(&vary, "accept-encoding");
    let control = cache_control::parse(&exchange.joined("cache-control").unwrap_or_default());
    if is_named || control.no_store || control.private {
        return None;
    }
    let message = "the answer depends on `Accept-Encoding`, and does not say so in `Vary`";
    Some(
        Finding::warn("no_vary", message)
            .evidence("Vary", shown(&vary))
            .remedy("send `Vary: Accept-Encoding`"),
    )
}

/// Text whose length betrays what stands in it, where an attacker can put text of his own beside it.
fn breach(exchange: &Exchange, media: &str) -> Option<Finding> {
    let is_page = matches!(media, "text/html" | "application/xhtml+xml");
    let is_personal = exchange.first("set-cookie").is_some();
    (is_page && is_personal && exchange.channel.is_secure()).then(|| {
        Finding::note(
            "breach",
            "a compressed page with cookies: mask tokens in it anew each time, for its length tells of them",
        )
    })
}

fn uncompressed(exchange: &Exchange, min_bytes: u32) -> Option<Finding> {
    let length = exchange
        .first_str("content-length")
        .and_then(|text| text.trim().parse::<u64>().ok())
        .unwrap_or(0)
        .max(exchange.body_bytes);
    let control = exchange.joined("cache-control").unwrap_or_default();
    let may_transform = !split_unquoted(&control, b',')
        .iter()
        .any(|(_, part)| trim(part).eq_ignore_ascii_case(b"no-transform"));
    if length <= u64::from(min_bytes) {
        return None;
    }
    let (and_more, remedy) = if may_transform {
        ("", "switch on compression for this type")
    } else {
        (
            ", as `no-transform` asks of proxies",
            "compress it in the service itself, or drop `no-transform`",
        )
    };
    let message =
        format!("{length} bytes of text came uncompressed{and_more}, expected `{ASKED}` to be heeded");
    Some(
        Finding::warn("not_compressed", message)
            .evidence("length", format!("{length} bytes"))
            .remedy(remedy),
    )
}

fn is_text(media: &str) -> bool {
    media.starts_with("text/")
        || media.ends_with("+json")
        || media.ends_with("+xml")
        || matches!(
            media,
            "application/javascript"
                | "application/json"
                | "application/wasm"
                | "application/x-javascript"
                | "application/xml"
                | "image/bmp"
        )
}

/// Whether it is compressed by its own format.
fn is_dense(media: &str) -> bool {
    match media.split('/').next() {
        Some("image") => !matches!(
            media,
            "image/bmp" | "image/svg+xml" | "image/x-icon" | "image/vnd.microsoft.icon"
        ),
        Some("video") => true,
        Some("audio") => !matches!(media, "audio/wav" | "audio/x-wav"),
        _ => matches!(
            media,
            "application/gzip"
                | "application/x-7z-compressed"
                | "application/x-bzip2"
                | "application/x-xz"
                | "application/zip"
                | "application/zstd"
                | "font/woff"
                | "font/woff2"
        ),
    }
}

#[cfg(test)]
mod tests;
