use serde_json::json;

use super::*;

#[test]
fn the_built_in_ones_are_sound_and_stay_short_in_a_key() {
    for name in StartTls::KNOWN {
        let dialogue = StartTls::named(name).unwrap();
        assert_eq!((dialogue.name(), dialogue.check()), (*name, Ok(())));
        let written = serde_json::to_value(&dialogue).unwrap();
        assert_eq!(written, json!(name));
        assert_eq!(serde_json::from_value::<StartTls>(written).unwrap(), dialogue);
        let called = dialogue.clone().with_client_name("probe.example.com").unwrap();
        let written = serde_json::to_value(&called).unwrap();
        assert_eq!(
            written,
            json!({ "name": name, "client_name": "probe.example.com" })
        );
        assert_eq!(serde_json::from_value::<StartTls>(written).unwrap(), called);
    }
}

#[test]
fn one_of_ones_own_is_kept_whole() {
    // It has a built-in name and other steps: the steps count.
    for name in ["smtp", "managesieve"] {
        let steps = vec![
            Step::Expect(
                Expect::new(Frame::Lines {
                    until: vec!["OK".to_owned()],
                })
                .accept(Pattern::keyword("STARTTLS"))
                .most_bytes(100),
            ),
            Step::send([0, 255]),
            Step::Expect(
                Expect::new(Frame::Prefixed(LengthField::new(2, 2, 0).big_endian()))
                    .accept(Pattern::Bit(BitField::new(1, 4)))
                    .within_ms(50),
            ),
            Step::Expect(Expect::new(Frame::Until(">".into())).accept(Pattern::Contains("<proceed".into()))),
        ];
        let own = StartTls::new(name, steps).unwrap();
        let written = serde_json::to_string(&own).unwrap();
        assert_eq!(
            serde_json::from_str::<StartTls>(&written).unwrap(),
            own,
            "{written}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    let step = |expect: serde_json::Value| json!({ "name": "x", "steps": [{ "expect": expect }] });
    let ok = json!([{ "begins": "OK" }]);
    for (written, said) in [
        (
            json!("gopher"),
            "`gopher` is no known dialogue, expected imap, lmtp,",
        ),
        (json!({ "name": "gopher" }), "`gopher` is no known dialogue"),
        (json!({ "name": "x y", "steps": [] }), "short word"),
        (json!({ "name": "x", "steps": [] }), "no step that expects"),
        (
            json!({ "name": "x", "steps": [{ "send": "a" }] }),
            "no step that expects",
        ),
        (
            json!({ "name": "smtp", "client_name": "a b" }),
            "`client_name` must be",
        ),
        (
            json!({ "name": "smtp", "client_name": "a\r\nMAIL" }),
            "`client_name` must be",
        ),
        (json!({ "name": "x", "step": [] }), "unknown field `step`"),
        (json!(3), "the name of a dialogue such as"),
        (step(json!({ "frame": "line" })), "`accept` is empty"),
        (
            step(json!({ "frame": "line", "accept": ok, "most_bytes": 0 })),
            "`most_bytes`",
        ),
        (
            step(json!({ "frame": "line", "accept": ok, "most_bytes": 65537 })),
            "`most_bytes`",
        ),
        (
            step(json!({ "frame": "line", "accept": ok, "within_ms": 30001 })),
            "`within_ms`",
        ),
        (step(json!({ "frame": { "bytes": 0 }, "accept": ok })), "`bytes`"),
        (
            step(json!({ "frame": { "lines": { "until": [""] } }, "accept": ok })),
            "`until`",
        ),
        (step(json!({ "frame": { "until": "" }, "accept": ok })), "`until`"),
        (
            step(json!({ "frame": { "prefixed": { "offset": 0, "size": 5 } }, "accept": ok })),
            "`size`",
        ),
        (
            step(json!({ "frame": "line", "accept": [{ "begins": "" }] })),
            "a pattern is empty",
        ),
    ] {
        let problem = serde_json::from_value::<StartTls>(written.clone())
            .unwrap_err()
            .to_string();
        assert!(problem.contains(said), "{written}: {problem}");
    }
    let many = vec![Step::Expect(Expect::new(Frame::Line).accept(Pattern::begins("a"))); 33];
    assert!(StartTls::new("x", many).unwrap_err().contains("33 steps"));
    let empty = vec![
        Step::send(""),
        Step::Expect(Expect::new(Frame::Line).accept(Pattern::begins("a"))),
    ];
    assert!(
        StartTls::new("x", empty)
            .unwrap_err()
            .contains("step 1 of `x`: `send`")
    );
}
