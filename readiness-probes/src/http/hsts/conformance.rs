//! Lines of `Strict-Transport-Security`, each with what RFC 6797 makes of it.

use super::StrictTransport;
use crate::http::strict_transport::parse;

/// What a browser takes from a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    /// A policy of this many seconds for the host.
    Plain(u64),
    /// The same for every host below it as well.
    WithSubdomains(u64),
    /// Nothing: section 8.1 has it ignore a line that does not conform to section 6.1.
    Ignored,
}

use Wanted::{Ignored, Plain, WithSubdomains};

/// A section of RFC 6797, what its cases show, and the cases.
type Group = (&'static str, &'static str, &'static [(&'static str, Wanted)]);

const CASES: &[Group] = &[
    (
        "6.1",
        "the example forms of section 6.2",
        &[
            ("max-age=31536000", Plain(31_536_000)),
            ("max-age=15768000 ; includeSubDomains", WithSubdomains(15_768_000)),
            (r#"max-age="31536000""#, Plain(31_536_000)),
            ("max-age=0", Plain(0)),
            ("max-age=0; includeSubDomains", WithSubdomains(0)),
        ],
    ),
    (
        "6.1",
        "rule 2: directives stand in any order",
        &[
            ("includeSubDomains; max-age=1", WithSubdomains(1)),
            ("includeSubDomains;max-age=1", WithSubdomains(1)),
            ("a; includeSubDomains; b; max-age=1; c", WithSubdomains(1)),
            ("preload; max-age=1", Plain(1)),
            ("a=b; max-age=1", Plain(1)),
        ],
    ),
    (
        "6.1",
        "rule 3: names are compared without regard to case",
        &[
            ("MAX-AGE=1", Plain(1)),
            ("Max-Age=1", Plain(1)),
            ("mAX-aGE=1", Plain(1)),
            ("max-age=1; INCLUDESUBDOMAINS", WithSubdomains(1)),
            ("max-age=1; includesubdomains", WithSubdomains(1)),
            ("max-age=1; iNCLUDEsUBdOMAINS", WithSubdomains(1)),
        ],
    ),
    (
        "6.1",
        "blanks may stand between any two tokens (RFC 2616, section 2.1, implied LWS)",
        &[
            (" max-age=1", Plain(1)),
            ("max-age=1 ", Plain(1)),
            ("\tmax-age=1\t", Plain(1)),
            ("max-age =1", Plain(1)),
            ("max-age= 1", Plain(1)),
            ("max-age = 1", Plain(1)),
            ("max-age\t=\t1", Plain(1)),
            (" \t max-age \t = \t 1 \t ", Plain(1)),
            ("max-age=1 ;includeSubDomains", WithSubdomains(1)),
            ("max-age=1; \t includeSubDomains \t", WithSubdomains(1)),
            (r#"max-age = "1" ; a = "b""#, Plain(1)),
        ],
    ),
    (
        "6.1",
        "`[ directive ]`: a directive may be left out",
        &[
            (";max-age=1", Plain(1)),
            ("max-age=1;", Plain(1)),
            (";max-age=1;", Plain(1)),
            (";;;max-age=1", Plain(1)),
            ("max-age=1;;;", Plain(1)),
            (" ; ; max-age=1 ; ; ", Plain(1)),
            ("max-age=1;;includeSubDomains", WithSubdomains(1)),
            ("max-age=1; ;\t; includeSubDomains;;", WithSubdomains(1)),
        ],
    ),
    (
        "6.1",
        "a line without any directive lacks the required one",
        &[
            ("", Ignored),
            (" ", Ignored),
            ("\t", Ignored),
            (";", Ignored),
            (";;;", Ignored),
            (" ; ", Ignored),
        ],
    ),
    (
        "6.1.1",
        "`max-age` is required",
        &[
            ("includeSubDomains", Ignored),
            ("preload", Ignored),
            ("includeSubDomains; preload", Ignored),
            ("maxage=1", Ignored),
            ("max_age=1", Ignored),
            ("max-ages=1", Ignored),
            ("xmax-age=1", Ignored),
            ("s-maxage=1", Ignored),
            ("max-age2=1", Ignored),
            (r#"a="max-age=1""#, Ignored),
        ],
    ),
    (
        "6.1.1",
        "`max-age` needs a value",
        &[
            ("max-age", Ignored),
            ("max-age=", Ignored),
            ("max-age =", Ignored),
            ("max-age= ", Ignored),
            ("max-age=;", Ignored),
            ("max-age=; includeSubDomains", Ignored),
            (r#"max-age="""#, Ignored),
            (r#"max-age=" ""#, Ignored),
            ("max-age; includeSubDomains", Ignored),
        ],
    ),
    (
        "6.1.1",
        "delta-seconds are one digit or more (RFC 2616, section 3.3.2), and nothing else",
        &[
            ("max-age=abc", Ignored),
            ("max-age=1a", Ignored),
            ("max-age=a1", Ignored),
            ("max-age=31536000s", Ignored),
            ("max-age=-1", Ignored),
            ("max-age=+1", Ignored),
            ("max-age=1.0", Ignored),
            ("max-age=1.", Ignored),
            ("max-age=0x10", Ignored),
            ("max-age=1e3", Ignored),
            ("max-age=1_000", Ignored),
            ("max-age=1,000", Ignored),
            ("max-age=1 0", Ignored),
            ("max-age=1 year", Ignored),
            ("max-age=1\t2", Ignored),
            (r#"max-age="1 2""#, Ignored),
            (r#"max-age=" 1""#, Ignored),
            (r#"max-age="1 ""#, Ignored),
            (r#"max-age="-1""#, Ignored),
            (r#"max-age="1a""#, Ignored),
            ("max-age=\u{661}", Ignored),
            ("max-age=\"\u{661}\"", Ignored),
            ("max-age=\u{ff11}", Ignored),
        ],
    ),
    (
        "6.1.1",
        "zeros in front change nothing",
        &[
            ("max-age=01", Plain(1)),
            ("max-age=0000000031536000", Plain(31_536_000)),
            ("max-age=00", Plain(0)),
            (r#"max-age="007""#, Plain(7)),
        ],
    ),
    (
        "6.1.1",
        "a number has no bound; a recipient clamps what it cannot hold (RFC 9111, section 1.2.2)",
        &[
            ("max-age=63072000", Plain(63_072_000)),
            ("max-age=315360001", Plain(315_360_001)),
            ("max-age=2147483647", Plain(2_147_483_647)),
            ("max-age=2147483648", Plain(2_147_483_648)),
            ("max-age=4294967295", Plain(4_294_967_295)),
            ("max-age=4294967296", Plain(4_294_967_296)),
            ("max-age=9223372036854775808", Plain(9_223_372_036_854_775_808)),
            ("max-age=18446744073709551615", Plain(u64::MAX)),
            ("max-age=18446744073709551616", Plain(u64::MAX)),
            ("max-age=99999999999999999999999999", Plain(u64::MAX)),
            (
                r#"max-age="99999999999999999999999999"; includeSubDomains"#,
                WithSubdomains(u64::MAX),
            ),
        ],
    ),
    (
        "6.1.2",
        "`includeSubDomains` has no value",
        &[
            ("max-age=1; includeSubDomains", WithSubdomains(1)),
            ("max-age=1; includeSubDomains=", Ignored),
            ("max-age=1; includeSubDomains =", Ignored),
            ("max-age=1; includeSubDomains=true", Ignored),
            ("max-age=1; includeSubDomains=false", Ignored),
            ("max-age=1; includeSubDomains=1", Ignored),
            (r#"max-age=1; includeSubDomains="""#, Ignored),
            (r#"max-age=1; includeSubDomains="true""#, Ignored),
            ("includeSubDomains=anything; max-age=1", Ignored),
            ("max-age=1; includeSubDomains = x", Ignored),
        ],
    ),
    (
        "6.1.2",
        "what is named otherwise is unknown, and not `includeSubDomains`",
        &[
            ("max-age=1; includeSubDomain", Plain(1)),
            ("max-age=1; includeSubDomainss", Plain(1)),
            ("max-age=1; include-sub-domains", Plain(1)),
            ("max-age=1; subdomains", Plain(1)),
            ("max-age=1; a=includeSubDomains", Plain(1)),
            (r#"max-age=1; a="includeSubDomains""#, Plain(1)),
        ],
    ),
    (
        "6.1",
        "rule 1: a directive stands once at most",
        &[
            ("max-age=1; max-age=1", Ignored),
            ("max-age=1; max-age=2", Ignored),
            ("max-age=1; MAX-AGE=1", Ignored),
            ("max-age=1; max-age", Ignored),
            (r#"max-age=1; max-age="1""#, Ignored),
            ("max-age=1; a; max-age=1", Ignored),
            ("max-age=1; includeSubDomains; includeSubDomains", Ignored),
            ("max-age=1; includeSubDomains; INCLUDESUBDOMAINS", Ignored),
            ("includeSubDomains; max-age=1; includeSubDomains", Ignored),
        ],
    ),
    (
        "6.1",
        "rule 4: what is unknown is skipped",
        &[
            ("max-age=1; preload", Plain(1)),
            ("max-age=1; includeSubDomains; preload", WithSubdomains(1)),
            ("max-age=1; a", Plain(1)),
            ("max-age=1; a=b", Plain(1)),
            (r#"max-age=1; a="b""#, Plain(1)),
            ("max-age=1; a=1", Plain(1)),
            (r#"max-age=1; a="""#, Plain(1)),
            (r#"max-age=1; a=" ""#, Plain(1)),
            ("max-age=1; !#$%&'*+-.^_`|~=!#$%&'*+-.^_`|~", Plain(1)),
            ("max-age=1; '=b", Plain(1)),
            (r#"max-age=1; report-uri="https://example.com/?a=b;c""#, Plain(1)),
            ("max-age=1; preload; preload", Plain(1)),
            ("max-age=1; a; a", Plain(1)),
            ("max-age=1; preload=", Ignored),
        ],
    ),
    (
        "6.1",
        "a directive's name is a token (RFC 2616, section 2.2)",
        &[
            ("max-age=1; =", Ignored),
            ("max-age=1; =a", Ignored),
            ("=1", Ignored),
            (r#""max-age"=1"#, Ignored),
            (r#""max-age=1""#, Ignored),
            (r#"max-age=1; "a""#, Ignored),
            ("max-age=1; a b", Ignored),
            ("max age=1", Ignored),
            ("max-age:1", Ignored),
            ("max-age=1; a/b", Ignored),
            ("max-age=1; a@b", Ignored),
            ("max-age=1; (a)", Ignored),
            ("max-age=1; {a}", Ignored),
            ("max-age=1; [a]=b", Ignored),
            ("max-age=1; <a>", Ignored),
            ("max-age=1; a?", Ignored),
            ("max-age=1; a\\", Ignored),
            ("max-age=1; \u{e9}", Ignored),
            ("max-age=1 includeSubDomains", Ignored),
            ("max-age=1, includeSubDomains", Ignored),
            ("max-age=1,max-age=1", Ignored),
            (",max-age=1", Ignored),
            ("max-age=1 preload", Ignored),
        ],
    ),
    (
        "6.1",
        "a directive's value is a token or a quoted string",
        &[
            ("max-age=1; a=", Ignored),
            ("max-age=1; a = ", Ignored),
            ("max-age=1; a=b=c", Ignored),
            ("max-age==1", Ignored),
            ("max-age=1=1", Ignored),
            ("max-age=1; a=b c", Ignored),
            (r#"max-age=1; a="b" c"#, Ignored),
            (r#"max-age=1; a="b"c"#, Ignored),
            (r#"max-age=1; a=b"c""#, Ignored),
            ("max-age=1; a=b/c", Ignored),
            ("max-age=1; a=\u{e9}", Ignored),
            ("max-age='1'", Ignored),
            ("max-age=1; a='b'", Plain(1)),
            ("max-age=1; a='b c'", Ignored),
            ("max-age=(1)", Ignored),
        ],
    ),
    (
        "6.1",
        "a quoted string begins and ends with a quote (RFC 2616, section 2.2)",
        &[
            (r#"max-age="1"#, Ignored),
            (r#"max-age=1""#, Ignored),
            (r#"max-age="1"""#, Ignored),
            (r#"max-age=""1"""#, Ignored),
            (r#"max-age="1"1"#, Ignored),
            (r#"max-age=1; ""#, Ignored),
            (r#"max-age=1; a=""#, Ignored),
            (r#"max-age=1; a="b"#, Ignored),
            (r#"max-age=1; a=b""#, Ignored),
            (r#"max-age=1; a="b"c""#, Ignored),
            (r#"max-age=1"; a="b"#, Ignored),
            (r#""max-age=1"#, Ignored),
            (r#"max-age=1; a="b\""#, Ignored),
            (r#"max-age="1; includeSubDomains""#, Ignored),
        ],
    ),
    (
        "6.1",
        "within a quoted string nothing else has a meaning (RFC 2616, section 2.2)",
        &[
            (r#"max-age=1; a="; includeSubDomains""#, Plain(1)),
            (r#"max-age=1; a="; max-age=2""#, Plain(1)),
            (r#"max-age=1; a=";;="; includeSubDomains"#, WithSubdomains(1)),
            (r#"a="; max-age=2"; max-age=1"#, Plain(1)),
            (r#"max-age=1; a="b, c=d e""#, Plain(1)),
            ("max-age=1; a=\"\u{e9}\"", Plain(1)),
            ("max-age=1; a=\"b\tc\"", Plain(1)),
            ("max-age=1; a=\"\u{1}\"", Ignored),
            ("max-age=1; a=\"\u{7f}\"", Ignored),
        ],
    ),
    (
        "6.1",
        "a backslash in a quoted string stands before any character (RFC 2616, section 2.2)",
        &[
            (r#"max-age="\1""#, Plain(1)),
            (r#"max-age="\3\1536000""#, Plain(31_536_000)),
            (r#"max-age=1; a="\"""#, Plain(1)),
            (r#"max-age=1; a="\\""#, Plain(1)),
            (r#"max-age=1; a="b\";includeSubDomains""#, Plain(1)),
            (r#"max-age=1; a="\;"; includeSubDomains"#, WithSubdomains(1)),
            (r#"max-age="\"1""#, Ignored),
            ("max-age=\\1", Ignored),
        ],
    ),
];

/// Lines that are no text, and what a browser takes from them.
const BYTES: &[(&[u8], Wanted)] = &[
    // TEXT is any octet but for control characters (RFC 2616, section 2.2).
    (b"max-age=1; a=\"\xff\xfe\"", Plain(1)),
    (b"max-age=1; a=\"b\0c\"", Ignored),
    (b"max-age=1; a=\xff", Ignored),
    (b"max-age=1; \xff", Ignored),
    (b"max-age=1\xa0", Ignored),
    (b"\xef\xbb\xbfmax-age=1", Ignored),
    (b"max-age=1\0", Ignored),
    (b"max-age=1\x0b; a", Ignored),
];

fn taken(line: &[u8]) -> Wanted {
    match parse(line) {
        Err(_) => Ignored,
        Ok(StrictTransport {
            max_age_seconds,
            include_subdomains: true,
            ..
        }) => WithSubdomains(max_age_seconds),
        Ok(policy) => Plain(policy.max_age_seconds),
    }
}

#[test]
fn each_line_is_read_as_the_standard_says() {
    for (section, what, cases) in CASES {
        for (line, wanted) in *cases {
            assert_eq!(
                taken(line.as_bytes()),
                *wanted,
                "RFC 6797, section {section}, {what}: {line}"
            );
        }
    }
    for (line, wanted) in BYTES {
        assert_eq!(taken(line), *wanted, "{line:?}");
    }
}

#[test]
fn there_are_enough_cases_and_each_is_another() {
    let lines: Vec<&str> = CASES
        .iter()
        .flat_map(|(_, _, cases)| cases.iter().map(|(line, _)| *line))
        .collect();
    let mut apart = lines.clone();
    apart.sort_unstable();
    apart.dedup();
    assert_eq!(apart.len(), lines.len());
    assert!(lines.len() >= 117, "{}", lines.len());
}

#[test]
fn the_fault_is_placed_within_the_line() {
    for (_, _, cases) in CASES {
        for (line, _) in *cases {
            if let Err(fault) = parse(line.as_bytes()) {
                assert!(fault.at <= line.len() && !fault.problem.is_empty(), "{line}");
            }
        }
    }
}
