//! What the name of a cookie says of its purpose.

use std::ops::Range;

/// Whether a cookie of this name usually holds a session or a proof of who somebody is.
pub(crate) fn is_session_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    // Tokens against forged requests are read by scripts on purpose; affinity belongs to a load balancer.
    if ["csrf", "xsrf", "antiforgery", "requestverification", "affinity"]
        .iter()
        .any(|word| contains(&lower, word))
    {
        return false;
    }
    FRAMEWORKS.iter().any(|known| lower.starts_with(known))
        || ["loggedin", "rememberme"]
            .iter()
            .any(|word| contains_letters(&lower, word))
        || is_guard(&lower)
        || words(name).any(|word| lower.get(word).is_some_and(is_session_word))
}

/// Names are short: to compare at each place is quicker than to prepare a search.
fn contains(name: &str, word: &str) -> bool {
    name.as_bytes()
        .windows(word.len())
        .any(|piece| piece == word.as_bytes())
}

/// Whether it contains this word when only its letters and digits are read: `remember-me`.
fn contains_letters(name: &str, word: &str) -> bool {
    let letters = |text: &str| -> bool {
        let mut letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        word.bytes().all(|byte| letters.next() == Some(byte))
    };
    name.char_indices()
        .any(|(at, first)| word.starts_with(first) && name.get(at..).is_some_and(letters))
}

/// Where the words of a name stand: `ASP.NET_SessionId` is `ASP`, `NET`, `Session` and `Id`.
fn words(name: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = name.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or_default();
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = (next..bytes.len()).find(|&i| at(i).is_ascii_alphanumeric())?;
        let is_end = |&i: &usize| {
            let is_new = at(i).is_ascii_uppercase() && !at(i - 1).is_ascii_uppercase();
            !at(i).is_ascii_alphanumeric() || is_new
        };
        next = (start + 1..bytes.len()).find(is_end).unwrap_or(bytes.len());
        Some(start..next)
    })
}

/// Whether a word of a name means a session: `assessment` and `author` do not.
fn is_session_word(word: &str) -> bool {
    const STARTS: [&str; 7] = ["auth", "jwt", "login", "oauth", "sess", "sso", "token"];
    // What is written in one: `phpsessid`, `accesstoken`, `aspxauth`.
    const ENDS: [&str; 5] = ["auth", "jwt", "session", "sessid", "token"];
    let is_other = (word.starts_with("author") && !word.starts_with("authori"))
        || ["possession", "obsession"].contains(&word);
    !is_other
        && (STARTS.iter().any(|start| word.starts_with(start))
            || ENDS.iter().any(|end| word.ends_with(end))
            // `JSESSIONIDSSO`, `ASPSESSIONIDQQ`
            || contains(word, "sessionid")
            || matches!(word, "cfid" | "sid"))
}

/// `remember_web_59ba36ad…`: the name of a guard and 40 hexadecimal digits, as Laravel stays logged in.
fn is_guard(name: &str) -> bool {
    name.strip_prefix("remember_")
        .and_then(|rest| rest.rsplit_once('_'))
        .is_some_and(|(guard, digest)| {
            !guard.is_empty() && digest.len() == 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Beginnings of names that frameworks give to the proof of who somebody is, in lower case.
const FRAMEWORKS: [&str; 5] = [
    ".aspnet.applicationcookie",
    ".aspnetcore.cookies",
    ".aspnetcore.identity",
    "keycloak_identity",
    "wordpress_sec_",
];

/// Whether a load balancer or a filter in front of the service sets a cookie of this name. The service cannot
/// change its attributes, and they hold no session of its own.
pub(super) fn is_balancer_name(name: &str) -> bool {
    BALANCERS.contains(&name) || BALANCER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

const BALANCERS: [&str; 30] = [
    "ARRAffinity",
    "ARRAffinitySameSite",
    "ASLBSA",
    "ASLBSACORS",
    "AWSALB",
    "AWSALBAPP-0",
    "AWSALBCORS",
    "AWSALBTG",
    "AWSALBTGCORS",
    "AWSELB",
    "AWSELBCORS",
    "ApplicationGatewayAffinity",
    "ApplicationGatewayAffinityCORS",
    "DO-LB",
    "GAESA",
    "GCILB",
    "GCLB",
    "INGRESSCOOKIE",
    "ROUTEID",
    "SERVERID",
    "__cf_bm",
    "__cflb",
    "__cfruid",
    "_abck",
    "_cfuvid",
    "ak_bmsc",
    "bm_sv",
    "bm_sz",
    "cf_clearance",
    "heroku-session-affinity",
];

const BALANCER_PREFIXES: [&str; 6] = [
    "BIGipServer",
    "NSC_",
    "citrix_ns_id",
    "incap_ses_",
    "nlbi_",
    "visid_incap_",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sessions() {
        for name in [
            "sid",
            "SID",
            "connect.sid",
            "app_sid",
            "__Host-sid",
            "JSESSIONID",
            "JSESSIONIDSSO",
            "PHPSESSID",
            "ASP.NET_SessionId",
            "ASPSESSIONIDQQ",
            "CFID",
            "CFTOKEN",
            ".AspNetCore.Cookies",
            ".AspNetCore.Identity.Application",
            ".AspNet.ApplicationCookie",
            ".AspNetCore.Session",
            "laravel_session",
            "rack.session",
            "session",
            "sessionid",
            "_myapp_session",
            "sess",
            "auth",
            "auth_token",
            "Authorization",
            "access_token",
            "next-auth.session-token",
            "jwt",
            "login",
            "wordpress_logged_in_5c",
            "wordpress_sec_5c",
            "remember_token",
            ".ASPXAUTH",
            "sso",
            "remember-me",
            "REMEMBERME",
            "rememberMe",
            "remember_web_59ba36addc2b2f9401580f014c7f58ea4e30989d",
            "KEYCLOAK_IDENTITY",
            "KEYCLOAK_IDENTITY_LEGACY",
            "KEYCLOAK_SESSION",
            "accesstoken",
            "myAppSession",
            "sessionToken",
            "_oauth2_proxy",
        ] {
            assert!(is_session_name(name), "{name}");
            assert!(!is_balancer_name(name), "{name}");
        }
        for name in [
            "",
            "theme",
            "lang",
            "author",
            "sidebar",
            "residence",
            "csrftoken",
            "XSRF-TOKEN",
            ".AspNetCore.Antiforgery.x",
            "_ga",
            "assessment_id",
            "assessmentId",
            "__RequestVerificationToken",
            "__RequestVerificationToken_L2FwcA2",
            "possession",
            "remember_language",
            "remember_web_1",
            "remember__59ba36addc2b2f9401580f014c7f58ea4e30989d",
            "é",
        ] {
            assert!(!is_session_name(name), "{name}");
        }
    }

    #[test]
    fn names_of_load_balancers() {
        for name in BALANCERS
            .into_iter()
            .chain(["BIGipServer~pool", "incap_ses_1_2", "visid_incap_3"])
        {
            assert!(is_balancer_name(name), "{name}");
            assert!(!is_session_name(name), "{name}");
        }
        for name in ["", "awsalb", "AWSALB2", "route", "_cf", "sid"] {
            assert!(!is_balancer_name(name), "{name}");
        }
    }
}
