//! What a browser would do, asked of the crate `content-security-policy`: its matching of requests, inline code
//! and strings to source lists, CSP Level 3, sections 6.7 and 4.4.
//!
//! It is given source lists that were read before (`List`), never the bytes of a peer, for where it differs
//! from the standard or costs too much:
//! - a port above 65535 panics in it with debug assertions and matches every default port without
//!   (section 6.7.2.11: it equals no port); such a source is dropped when it is read;
//! - `'strict-dynamic'` and the prefixes of nonces and hashes have a case in it (section 2.3.1 and RFC 5234,
//!   section 2.3: they have none); they are written in lower case for it;
//! - it takes a nonce or a hash with any number of `=` (section 2.3.1: two at most), and would let a malformed
//!   one cancel `'unsafe-inline'`; only well-formed ones reach it;
//! - it refuses a host name that holds four numbers, such as `10.0.0.1.example`, as an address (section
//!   6.7.2.10: only addresses are refused); single hosts are compared by `Host::matches`;
//! - its parser compares each directive with all before it, and each violation copies the whole policy.

use std::{borrow::Cow, sync::LazyLock};

use content_security_policy::{
    CheckResult, CspList, Destination, Directive, Element, Initiator, InlineCheckType, NavigationCheckType,
    ParserMetadata, Policy, PolicyDisposition, PolicySource, Request, Response,
};
use url::{Host, Origin, Url};

use super::rules::{List, Purpose};

/// Where the page itself comes from. Only its scheme matters to strangers' hosts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Page {
    Http,
    Https,
}

impl Page {
    fn origin(self) -> &'static Origin {
        static HTTP: LazyLock<Origin> = LazyLock::new(|| tuple("http", 80));
        static HTTPS: LazyLock<Origin> = LazyLock::new(|| tuple("https", 443));
        match self {
            Self::Http => &HTTP,
            Self::Https => &HTTPS,
        }
    }
}

/// The page has a name that no stranger can have. RFC 6761, section 6.4.
fn tuple(scheme: &str, port: u16) -> Origin {
    Origin::Tuple(scheme.to_owned(), Host::Domain("page.invalid".to_owned()), port)
}

/// A policy that holds one directive and nothing to fall back to: what governs was found before.
static BARE: LazyLock<Policy> = LazyLock::new(|| policy_of(Vec::new()));

fn policy_of(directive_set: Vec<Directive>) -> Policy {
    Policy {
        directive_set,
        disposition: PolicyDisposition::Enforce,
        source: PolicySource::Header,
    }
}

/// The lists that govern one purpose, as the crate reads them, one for each policy.
#[derive(Debug)]
pub(crate) struct Browser {
    purpose: Purpose,
    page: Page,
    directives: Vec<Directive>,
}

/// What is asked of a list. Each source costs the crate time, so it is given those that have a say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    Inline,
    String,
    Url,
}

impl Browser {
    /// A browser on this page under these lists.
    pub(crate) fn under(lists: &[&List<'_>], ask: Ask, purpose: Purpose, page: Page) -> Self {
        let directives = lists.iter().map(|list| directive_of(list, ask, purpose));
        Self {
            purpose,
            page,
            directives: directives.collect(),
        }
    }

    /// A browser on this page under one source.
    pub(crate) fn under_source(source: &str, purpose: Purpose, page: Page) -> Self {
        Self {
            purpose,
            page,
            directives: vec![Directive {
                name: name_of(purpose).to_owned(),
                value: vec![source.to_owned()],
            }],
        }
    }

    /// Whether every list lets this URL through.
    pub(crate) fn fetches(&self, url: &Url) -> bool {
        let mut request = Request {
            url: url.clone(),
            current_url: url.clone(),
            origin: self.page.origin().clone(),
            redirect_count: 0,
            destination: match self.purpose {
                Purpose::Plugin => Destination::Object,
                Purpose::Style => Destination::Style,
                Purpose::Worker => Destination::Worker,
                _ => Destination::Script,
            },
            initiator: Initiator::None,
            nonce: String::new(),
            integrity_metadata: String::new(),
            // Injected markup goes through the parser; a script that runs already needs no hole.
            parser_metadata: ParserMetadata::ParserInserted,
        };
        self.directives.iter().all(|directive| {
            let answer = match self.purpose {
                Purpose::Form => {
                    let kind = NavigationCheckType::FormSubmission;
                    directive.pre_navigation_check(&mut request, kind, |_| None, &BARE)
                }
                Purpose::Ancestor => {
                    let response = Response {
                        url: PAGE.clone(),
                        redirect_count: 0,
                    };
                    directive.navigation_response_check(
                        &response,
                        self.page.origin(),
                        &vec![url.clone()],
                        &BARE,
                    )
                }
                Purpose::Base => {
                    let list = CspList(vec![policy_of(vec![directive.clone()])]);
                    list.is_base_allowed_for_document(url, self.page.origin()).0
                }
                _ => directive.pre_request_check(&request, &BARE),
            };
            answer == CheckResult::Allowed
        })
    }

    /// Whether every list lets inline code run that carries this nonce.
    pub(crate) fn runs_inline(&self, nonce: Option<&str>, code: &str) -> bool {
        let element = Element {
            nonce: nonce.map(Cow::Borrowed),
        };
        let kind = match self.purpose {
            Purpose::Handler => InlineCheckType::ScriptAttribute,
            Purpose::Style => InlineCheckType::Style,
            Purpose::StyleAttribute => InlineCheckType::StyleAttribute,
            _ => InlineCheckType::Script,
        };
        self.directives
            .iter()
            .all(|directive| directive.inline_check(&element, kind, &BARE, code) == CheckResult::Allowed)
    }

    /// Whether every list lets this string run as code.
    pub(crate) fn runs_string(&self, code: &str) -> bool {
        let policies = self
            .directives
            .iter()
            .map(|directive| policy_of(vec![directive.clone()]));
        let list = CspList(policies.collect());
        list.is_js_evaluation_allowed(code).0 == CheckResult::Allowed
    }
}

static PAGE: LazyLock<Url> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is a constant")]
    Url::parse("https://page.invalid/").expect("it is a URL")
});

/// The directive that section 6.8 gives the check of, whichever it fell back to.
const fn name_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Ancestor => "frame-ancestors",
        Purpose::Base => "base-uri",
        Purpose::Element => "script-src-elem",
        Purpose::Eval => "script-src",
        Purpose::Form => "form-action",
        Purpose::Handler => "script-src-attr",
        Purpose::Plugin => "object-src",
        Purpose::Style => "style-src-elem",
        Purpose::StyleAttribute => "style-src-attr",
        Purpose::Worker => "worker-src",
    }
}

/// The sources of a list that concern strangers and what is asked, keywords in lower case.
fn directive_of(list: &List<'_>, ask: Ask, purpose: Purpose) -> Directive {
    let mut value: Vec<String> = Vec::new();
    if list.strict_dynamic && ask != Ask::String {
        value.push("'strict-dynamic'".to_owned());
    }
    match ask {
        Ask::Inline => {
            if list.unsafe_inline {
                value.push("'unsafe-inline'".to_owned());
            }
            value.extend(list.nonces.iter().map(|nonce| format!("'nonce-{nonce}'")));
            if list.hash {
                // Of nothing anybody has: a stranger's code has no hash in the list.
                value.push("'sha256-AAAA'".to_owned());
            }
        }
        Ask::String if list.unsafe_eval => value.push("'unsafe-eval'".to_owned()),
        Ask::String => {}
        Ask::Url => {
            value.extend(list.wide.iter().map(|wide| wide.text.to_owned()));
            value.extend(list.local.iter().map(|&text| text.to_owned()));
        }
    }
    Directive {
        name: name_of(purpose).to_owned(),
        value,
    }
}
