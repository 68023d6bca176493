//! Formats of plain text.

use super::*;

pub(super) const TEXTS: [Row; 3] = [
    Row {
        format: F::Kubernetes,
        examples: &[
            (
                500,
                TEXT,
                "[+]ping ok\n[+]poststarthook/open-ledger ok\n[-]ledger-db failed: reason withheld\nreadyz check failed\n",
                Fail,
            ),
            (200, TEXT, "[+]ping ok\n[+]log ok\nlivez check passed", Pass),
            (200, TEXT, "[+]ping ok\r\n\r\n[+]etcd excluded: ok\r\n", Pass),
            (200, TEXT, "[+]etcd excluded with label: ok", Pass),
            (
                200,
                TEXT,
                "warn: no such check to leave out: x\n[+]ping ok\nhealthz check passed",
                Warn,
            ),
            (200, TEXT, "[+]ping ok\nhealthz check failed", Fail),
            (500, TEXT, "[-]ping failed: ", Fail),
            (500, TEXT, "internal server error: no quorum", Fail),
        ],
        near: &[
            (
                "a line of another kind",
                200,
                TEXT,
                "[+]ping ok\nuptime 3 d",
                Nothing,
            ),
            ("another word than ok", 200, TEXT, "[+]ping fine", Nothing),
            ("no word at all", 200, TEXT, "[+]ping", Nothing),
            ("no name", 200, TEXT, "[+] ok", Nothing),
            ("a name of two words", 200, TEXT, "[+]ping pong ok", Nothing),
            ("a name with a tab", 200, TEXT, "[+]ping\tpong ok", Nothing),
            ("excluded without `ok`", 200, TEXT, "[+]etcd excluded", Nothing),
            (
                "excluded with nothing",
                200,
                TEXT,
                "[+]etcd excluded with : ok",
                Nothing,
            ),
            (
                "no space behind `failed:`",
                500,
                TEXT,
                "[-]db failed:refused",
                Nothing,
            ),
            ("failed without a colon", 500, TEXT, "[-]db failed", Nothing),
            (
                "no check, only the last line",
                200,
                TEXT,
                "readyz check passed",
                Nothing,
            ),
            (
                "an error of the server with 200",
                200,
                TEXT,
                "internal server error: x",
                Nothing,
            ),
            ("the word alone", 200, TEXT, "ok", As(F::TextOk, Pass)),
        ],
    },
    Row {
        format: F::TextOk,
        examples: &[
            (200, TEXT, "ok", Pass),
            (204, "", "OK", Pass),
            (200, "text/html", "\u{feff}Ok\r\n", Pass),
            // Sixteen bytes.
            (200, TEXT, "ok              ", Pass),
        ],
        near: &[
            ("seventeen bytes", 200, TEXT, "ok               ", Nothing),
            ("an error status", 500, TEXT, "ok", Nothing),
            ("a redirect", 302, TEXT, "ok", Nothing),
            ("a longer word", 200, TEXT, "okay", Nothing),
            ("twice", 200, TEXT, "ok ok", Nothing),
            ("a full stop", 200, TEXT, "ok.", Nothing),
            (
                "in quotes, which is JSON",
                200,
                JSON,
                "\"ok\"",
                As(F::Generic, Pass),
            ),
            ("nothing", 200, TEXT, " \r\n", Empty),
        ],
    },
    Row {
        format: F::AspnetText,
        examples: &[
            (200, TEXT, "Healthy", Pass),
            (200, TEXT, "Degraded\r\n", Warn),
            (503, TEXT, "Unhealthy", Fail),
        ],
        near: &[
            ("lower case", 200, TEXT, "healthy", Nothing),
            ("upper case", 503, TEXT, "UNHEALTHY", Nothing),
            ("a full stop", 200, TEXT, "Healthy.", Nothing),
            ("a sentence", 200, TEXT, "Healthy: all 3 checks", Nothing),
            (
                "in quotes, which is JSON",
                200,
                JSON,
                "\"Healthy\"",
                As(F::Generic, Pass),
            ),
        ],
    },
];
