//! Pages that mean harm, pages without end, and bytes of chance.

use proptest::prelude::*;

use super::*;

#[test]
fn hostile_pages_are_judged_in_one_pass() {
    const SIZE: usize = 64 * 1024;
    let units = samples::hostile().into_iter().map(|value| value[..16].to_vec());
    let own = [
        "\n",
        "a 1\n",
        "a{",
        "a{b=\"c\"} 1\n",
        "# TYPE a counter\n",
        "# TYPE a histogram\na_bucket 1\n",
        "# EOF\n",
        "a{b=\"\\",
        "a_bucket{le=\"1\"} 1\n",
        "b 1\na 1\n",
        "b=\"\",",
        "@a.b",
        "://:@",
        "# HELP a \\",
    ];
    for unit in units.chain(own.iter().map(|unit| unit.as_bytes().to_vec())) {
        for content_type in [TEXT, OPEN_METRICS] {
            let head = b"# TYPE a histogram\na{b=\""
                .iter()
                .filter(|_| unit.len().is_multiple_of(2))
                .copied();
            let body: Vec<u8> = head.chain(unit.iter().copied().cycle().take(SIZE)).collect();
            let outcome = of(&Metrics::default(), content_type, body);
            let json = serde_json::to_string(&outcome).unwrap();
            assert!(json.len() < 64 * 1024, "{} bytes", json.len());
        }
    }
    let labels: String = (0..50_000).map(|n| format!("a{n}=\"\",")).collect();
    assert_eq!(
        page::read(format!("a{{{labels}}} 1\n").as_bytes(), Format::Text, true).samples,
        1
    );
    let names: String = (0..50_000).map(|n| format!("a{n} 1\n")).collect();
    assert_eq!(
        page::read(names.as_bytes(), Format::Text, true).families.len(),
        50_000
    );
}

#[test]
fn more_samples_than_are_kept_are_not_judged_as_the_whole() {
    let body = "a 1\n".repeat(page::MOST_SAMPLES + 1);
    let outcome = of(&settings(json!({ "required": ["b"] })), TEXT, body);
    assert!(codes(&outcome).contains(&"body_too_large"), "{outcome:?}");
    let missing = outcome
        .findings
        .iter()
        .find(|finding| finding.subject == "family `b`")
        .unwrap();
    assert_eq!(missing.code, "not_read_to_its_end");
}

#[test]
fn a_hundred_thousand_counters_that_began_anew_take_one_pass() {
    let page = |total: u32, created: u32| {
        let mut page: String = (0..100_000)
            .map(|n| format!("# TYPE a{n} counter\na{n}_total {total}\na{n}_created {created}\n"))
            .collect();
        page.push_str("# EOF\n");
        page
    };
    let (first, second) = (page(5, 1), page(1, 2));
    let read = |body: &str| page::read(body.as_bytes(), Format::OpenMetrics, true).samples;
    assert_eq!((read(&first), read(&second)), (200_000, 200_000));
    let first = page::read(first.as_bytes(), Format::OpenMetrics, true);
    let second = page::read(second.as_bytes(), Format::OpenMetrics, true);
    let findings = progress::judge(&first, &second);
    assert_eq!(findings[0].code, "counters_rise", "{findings:?}");
}

#[test]
fn ten_million_lines_take_bounded_memory() {
    let page = "a 1\n".repeat(10_000_000);
    let read = page::read(page.as_bytes(), Format::Text, true);
    assert_eq!(read.samples, page::MOST_SAMPLES);
    assert_eq!(read.left_out, 10_000_000 - page::MOST_SAMPLES);
}

proptest! {
    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        lines in "([a-c_]{1,3}(\\{(le|b)=\"[0-9.\\\\n]{0,4}\"\\})? [0-9.eINnaf+-]{1,4}\n|# (TYPE|HELP|UNIT|EOF)( [a-c]{1,2}){0,2}\n|#? ?[ -~]{0,9}\n){0,12}",
    ) {
        for content_type in [TEXT, OPEN_METRICS] {
            of(&Metrics::default(), content_type, bytes.clone());
            let once = of(&Metrics::default(), content_type, lines.clone());
            prop_assert_eq!(once, of(&Metrics::default(), content_type, lines.clone()));
        }
    }

    #[test]
    fn what_is_written_is_read(
        samples in proptest::collection::btree_map("[a-z_:][a-z0-9_:]{0,8}", ("\\PC{0,12}", any::<i32>()), 1..20),
    ) {
        for format in [Format::Text, Format::OpenMetrics] {
            let mut body = String::new();
            for (name, (value, number)) in &samples {
                let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
                body.push_str(&format!("{name}{{l=\"{escaped}\"}} {number}\n"));
            }
            body.push_str("# EOF\n");
            let read = page::read(body.as_bytes(), format, true);
            prop_assert_eq!(read.samples, samples.len(), "{:?}", read.faults);
            prop_assert!(read.faults.failing().is_empty(), "{:?}", read.faults);
            let all = read.families.iter().flat_map(|family| &family.samples);
            for sample in all {
                let (value, number) = &samples[sample.name];
                prop_assert_eq!(sample.label("l").unwrap_or_default(), value.as_str());
                prop_assert_eq!(sample.value, f64::from(*number));
            }
        }
    }
}
