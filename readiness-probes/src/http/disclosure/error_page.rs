//! What an error page tells of the software behind it.

use readiness_core::Finding;

/// What a mark on an error page gives away.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Gives {
    /// A debug page: settings, source, sometimes a console.
    DebugPage,
    /// The name of the product.
    Product,
    /// Where in the code it broke.
    Trace,
    /// The version that follows the mark.
    Version,
}
use Gives::{DebugPage, Product, Trace, Version};

/// What the body of an error response tells, each product and kind once.
pub(super) fn telling(body: &[u8]) -> Vec<Finding> {
    const SUBJECT: &str = "error page";
    const OWN_PAGE: &str = "send an error page of your own";
    let mut said = Vec::new();
    let mut findings = Vec::new();
    for (mark, gives, what) in MARKS {
        let Some(after) = behind(body, mark.as_bytes(), gives == Version) else {
            continue;
        };
        if said.contains(&(gives, what)) {
            continue;
        }
        said.push((gives, what));
        let finding = match gives {
            DebugPage => Finding::fail(
                "debug_page",
                format!("it is a debug page of {what}, expected a page that tells nothing"),
            )
            .remedy(format!("switch the debug mode of {what} off, and {OWN_PAGE}")),
            Trace => Finding::fail(
                "stack_trace",
                format!("it shows a trace of {what}, expected a page that tells nothing"),
            )
            .remedy(format!("write traces to the log, and {OWN_PAGE}")),
            Version => {
                let version: String = after
                    .iter()
                    .take(20)
                    .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
                    .map(|&byte| char::from(byte))
                    .collect();
                let version = version.trim_end_matches('.');
                Finding::fail(
                    "version",
                    format!("it names {what} `{version}`, expected at most the product"),
                )
                .remedy(format!("turn the version off, or {OWN_PAGE}"))
            }
            Product => Finding::note("product", format!("it names {what}")),
        };
        findings.push(finding.subject(SUBJECT).evidence("mark", mark.trim()));
    }
    // A version names its product as well.
    let versions: Vec<&str> = said
        .iter()
        .filter(|(gives, _)| *gives == Version)
        .map(|(_, what)| *what)
        .collect();
    findings.retain(|finding| {
        finding.code != "product"
            || !versions
                .iter()
                .any(|what| finding.message == format!("it names {what}"))
    });
    findings
}

/// What follows a mark, where it stands; where a version is wanted, a digit must follow.
fn behind<'b>(body: &'b [u8], mark: &[u8], wants_digit: bool) -> Option<&'b [u8]> {
    let first = *mark.first()?;
    let mut rest = body;
    while let Some(at) = rest.iter().position(|&byte| byte == first) {
        rest = rest.get(at..)?;
        if let Some(after) = rest.strip_prefix(mark)
            && (!wants_digit || after.first().is_some_and(u8::is_ascii_digit))
        {
            return Some(after);
        }
        rest = rest.get(1..)?;
    }
    None
}

/// Marks as the software writes them, what they give away, and of what.
const MARKS: [(&str, Gives, &str); 61] = [
    // Python.
    ("Traceback (most recent call last)", Trace, "Python"),
    ("<title>Werkzeug Debugger", DebugPage, "Werkzeug"),
    ("// Werkzeug Debugger</title>", DebugPage, "Werkzeug"),
    (
        "The debugger caught an exception in your WSGI application",
        DebugPage,
        "Werkzeug",
    ),
    ("__debugger__=yes", DebugPage, "Werkzeug"),
    ("<code>DEBUG = True</code>", DebugPage, "Django"),
    ("Using the URLconf defined in", DebugPage, "Django"),
    ("django.core.exceptions.", Trace, "Django"),
    // Ruby.
    ("Action Controller: Exception caught", DebugPage, "Rails"),
    ("<code>Rails.root: ", DebugPage, "Rails"),
    ("ActionController::RoutingError", Trace, "Rails"),
    ("Sinatra doesn&rsquo;t know this ditty", DebugPage, "Sinatra"),
    ("BetterErrors", DebugPage, "Better Errors"),
    // PHP.
    ("<b>Warning</b>:  ", Trace, "PHP"),
    ("<b>Notice</b>:  ", Trace, "PHP"),
    ("<b>Deprecated</b>:  ", Trace, "PHP"),
    ("<b>Fatal error</b>:  ", Trace, "PHP"),
    ("<b>Parse error</b>:  ", Trace, "PHP"),
    ("PHP Fatal error:  ", Trace, "PHP"),
    ("Stack trace:\n#0 ", Trace, "PHP"),
    ("Illuminate\\", Trace, "Laravel"),
    ("Whoops! There was an error.", DebugPage, "Laravel"),
    ("vendor/laravel/framework", Trace, "Laravel"),
    ("class=\"sf-toolbar", DebugPage, "Symfony"),
    ("<title>Symfony Exception", DebugPage, "Symfony"),
    // Java.
    ("Whitelabel Error Page", Product, "Spring Boot"),
    ("org.springframework.", Trace, "Spring"),
    ("\tat java.base/", Trace, "Java"),
    ("\tat java.lang.", Trace, "Java"),
    ("\tat org.apache.", Trace, "Java"),
    ("java.lang.NullPointerException", Trace, "Java"),
    ("Apache Tomcat/", Version, "Apache Tomcat"),
    ("Apache Tomcat", Product, "Apache Tomcat"),
    ("Jetty:// ", Version, "Jetty"),
    ("Powered by Jetty://", Product, "Jetty"),
    // .NET.
    (
        "An unhandled exception occurred while processing the request.",
        DebugPage,
        "ASP.NET Core",
    ),
    ("Microsoft .NET Framework Version:", Version, "the .NET Framework"),
    ("Microsoft .NET Framework Version:", DebugPage, "ASP.NET"),
    ("ASP.NET Version:", Version, "ASP.NET"),
    ("Server Error in '/", Product, "ASP.NET"),
    ("   at System.", Trace, ".NET"),
    ("   at Microsoft.AspNetCore.", Trace, ".NET"),
    // JavaScript.
    ("<pre>Cannot GET /", Product, "Express"),
    ("(node:internal/", Trace, "Node.js"),
    ("    at Layer.handle", Trace, "Express"),
    // Go and Rust.
    ("goroutine 1 [running]:", Trace, "Go"),
    ("panic: runtime error:", Trace, "Go"),
    ("' panicked at ", Trace, "Rust"),
    ("stack backtrace:\n", Trace, "Rust"),
    ("RUST_BACKTRACE=", Trace, "Rust"),
    // Elixir.
    ("Phoenix.Router.NoRouteError", DebugPage, "Phoenix"),
    // Databases, through whatever stands before them.
    ("SQLSTATE[", Trace, "SQL"),
    ("You have an error in your SQL syntax", Trace, "SQL"),
    // Servers and proxies.
    ("<center>nginx/", Version, "nginx"),
    ("<center>nginx</center>", Product, "nginx"),
    ("<center>openresty/", Version, "OpenResty"),
    ("<center>openresty</center>", Product, "OpenResty"),
    ("<address>Apache/", Version, "Apache"),
    ("<address>Apache Server at ", Product, "Apache"),
    ("lighttpd/", Version, "lighttpd"),
    ("LiteSpeed Web Server", Product, "LiteSpeed"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::samples;

    fn found(body: &str) -> Vec<(String, String)> {
        telling(body.as_bytes())
            .into_iter()
            .map(|finding| (finding.code, finding.message))
            .collect()
    }

    #[test]
    fn what_error_pages_tell() {
        for (body, code, what) in [
            (
                "<title>KeyError: 'x' // Werkzeug Debugger</title>",
                "debug_page",
                "Werkzeug",
            ),
            (
                "<p>You see this because you have <code>DEBUG = True</code> in your settings",
                "debug_page",
                "Django",
            ),
            (
                "<h1>Action Controller: Exception caught</h1>",
                "debug_page",
                "Rails",
            ),
            ("<h1>Whitelabel Error Page</h1>", "product", "Spring Boot"),
            (
                "<h2>Server Error in '/shop' Application.</h2>",
                "product",
                "ASP.NET",
            ),
            (
                "<br />\n<b>Warning</b>:  fopen(x) in <b>/srv/a.php</b> on line <b>3</b>",
                "stack_trace",
                "PHP",
            ),
            (
                "<h3>Apache Tomcat/9.0.82</h3>",
                "version",
                "Apache Tomcat `9.0.82`",
            ),
            ("<hr><center>nginx/1.25.3</center>", "version", "nginx `1.25.3`"),
            ("<hr><center>nginx</center>", "product", "nginx"),
            (
                "<address>Apache/2.4.57 (Debian) Server at a.test Port 80</address>",
                "version",
                "Apache `2.4.57`",
            ),
            (
                "<address>Apache Server at a.test Port 80</address>",
                "product",
                "Apache",
            ),
            (
                "thread 'main' panicked at src/main.rs:3:5:",
                "stack_trace",
                "Rust",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1",
                "stack_trace",
                "Python",
            ),
            ("<pre>Cannot GET /nothing</pre>", "product", "Express"),
            ("x\n\tat java.base/java.lang.Thread.run", "stack_trace", "Java"),
            ("panic: runtime error: index out of range", "stack_trace", "Go"),
        ] {
            let all = found(body);
            assert!(
                all.iter()
                    .any(|(found, message)| found == code && message.contains(what)),
                "{body}: {all:?}"
            );
        }
        for body in [
            "",
            "<h1>404 Not Found</h1>",
            "<p>nginx</p>",
            "lighttpd/x",
            "{\"error\": \"not found\"}",
            "<p>Our apache tomcat is well</p>",
        ] {
            assert_eq!(found(body), [], "{body}");
        }
    }

    #[test]
    fn a_version_is_told_once() {
        let all = found("<h3>Apache Tomcat/9.0.82</h3> Apache Tomcat/9.0.82");
        assert_eq!(all.len(), 1, "{all:?}");
    }

    #[test]
    fn each_mark_is_found_and_named() {
        for (mark, gives, what) in MARKS {
            let page = format!("<p>{mark}1.2</p>");
            let all = found(&page);
            assert!(
                all.iter().any(|(_, message)| message.contains(what)),
                "{mark} ({gives:?}): {all:?}"
            );
        }
    }

    #[test]
    fn hostile_bodies_are_read_to_their_end() {
        for body in samples::hostile() {
            assert_eq!(telling(&body), []);
        }
        // What begins like a mark again and again.
        let almost = "<center>nginx".repeat(5_000);
        assert_eq!(telling(almost.as_bytes()), []);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = telling(&body);
        }

        #[test]
        fn a_mark_is_found_wherever_it_stands(before in ".{0,50}", after in ".{0,50}") {
            let body = format!("{before}Whitelabel Error Page{after}");
            prop_assert!(telling(body.as_bytes()).iter().any(|finding| finding.message.contains("Spring")));
        }
    }
}
