//! What the name of a cookie says of its purpose.

/// Whether a cookie of this name usually holds a session or a proof of who somebody is.
pub(crate) fn is_session_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // Tokens against forged requests are read by scripts on purpose; affinity belongs to a load balancer.
    if ["csrf", "xsrf", "antiforgery", "affinity"]
        .iter()
        .any(|word| name.contains(word))
    {
        return false;
    }
    // `author` is no `auth`; `authorization` is.
    let auth = name.contains("auth") && (!name.contains("author") || name.contains("authori"));
    auth || ["sess", "token", "jwt", "login", "logged_in", "wordpress_sec_"]
        .iter()
        .any(|word| name.contains(word))
        || FRAMEWORKS.iter().any(|known| name.starts_with(known))
        || name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| matches!(word, "cfid" | "sid" | "sso" | "jsessionid" | "phpsessid"))
}

/// Beginnings of names that frameworks give to the proof of who somebody is, in lower case.
const FRAMEWORKS: [&str; 3] = [
    ".aspnet.applicationcookie",
    ".aspnetcore.cookies",
    ".aspnetcore.identity",
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
