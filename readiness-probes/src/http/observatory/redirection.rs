//! `redirection`.

use super::{
    mark::{Mark, Test},
    scan::Scan,
};

const TO_HTTPS: Mark = Mark::pass(
    "redirection-to-https",
    0,
    "plain http leads to https on the same host",
);
const PRELOADED: Mark = Mark::pass(
    "redirection-all-redirects-preloaded",
    0,
    "every host on the way is on the preload list",
);
const NO_HTTP: Mark = Mark::pass(
    "redirection-not-needed-no-http",
    0,
    "nothing answers over plain http",
);
const OFF_HOST: Mark = Mark::fault(
    "redirection-off-host-from-http",
    -5,
    "plain http leads to https on another host",
);
const LATE: Mark = Mark::fault(
    "redirection-not-to-https-on-initial-redirection",
    -10,
    "plain http leads to plain http first, and to https later",
);
const NEVER: Mark = Mark::fault(
    "redirection-not-to-https",
    -20,
    "the redirects end over plain http",
);
const MISSING: Mark = Mark::fault("redirection-missing", -20, "plain http does not redirect");
const UNTRUSTED: Mark = Mark::fault(
    "redirection-invalid-cert",
    -20,
    "plain http leads to a certificate that is not trusted",
);

pub(super) const TEST: Test = Test {
    name: "redirection",
    remedy: "redirect plain http at once to https on the same host; `http.https_redirect` shows the hops",
    #[cfg(test)]
    marks: &[
        TO_HTTPS, PRELOADED, NO_HTTP, OFF_HOST, LATE, NEVER, MISSING, UNTRUSTED,
    ],
    run: rate,
};

/// The first two hops and the last one decide; what lies between is not looked at.
fn rate(scan: &Scan) -> Mark {
    let Some(session) = &scan.http else {
        return NO_HTTP;
    };
    let mut hops = session.hops().map(|(place, _)| place);
    let (first, second, last) = (hops.next(), hops.next(), &session.last().0);
    if !session.is_verified() {
        UNTRUSTED
    } else if session.hops().all(|(place, _)| scan.is_preloaded(&place.host)) {
        PRELOADED
    } else {
        match (first, second) {
            (_, None) => MISSING,
            _ if !last.tls => NEVER,
            (_, Some(second)) if !second.tls => LATE,
            (Some(first), Some(second)) if !first.tls && first.host != second.host => OFF_HOST,
            _ => TO_HTTPS,
        }
    }
}
