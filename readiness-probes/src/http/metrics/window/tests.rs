use super::*;

const TEXT: &str = "text/plain; version=0.0.4";

fn page(body: &str) -> Exchange {
    Exchange::new(200, [("content-type", TEXT)]).body(body)
}

fn rise(before: &str, after: &str, matchers: &str) -> Result<u64, String> {
    let (before, after) = (page(before), page(after));
    let matchers = matchers.parse().unwrap();
    let window = Window::between(&before, Ok(&after)).map_err(|e| e.message)?;
    window.rise("r_total", &[&matchers]).map_err(|e| e.message)
}

#[test]
fn a_rise_is_of_all_series_that_fit() {
    let before = "r_total{s=\"200\"} 100\nr_total{s=\"500\"} 5\nother 3\n";
    let after = "r_total{s=\"200\"} 150\nr_total{s=\"500\"} 7\nr_total{s=\"503\"} 4\nother 1\n";
    assert_eq!(rise(before, after, ""), Ok(56), "what is new began at 0");
    assert_eq!(rise(before, after, "s=~\"5..\""), Ok(6));
    assert_eq!(rise(before, after, "s=\"404\""), Ok(0));
    assert_eq!(rise(before, before, ""), Ok(0));
    assert_eq!(
        rise("r_total 9007199254740992\n", "r_total 9007199254740992\n", ""),
        Ok(0)
    );
}

#[test]
fn what_began_anew_tells_nothing() {
    let start = "process_start_time_seconds";
    for (before, after, said) in [
        ("r_total 5\n".to_owned(), "r_total 4\n".to_owned(), "fell"),
        (
            "r_total{a=\"1\"} 5\n".to_owned(),
            "r_total{a=\"2\"} 6\n".to_owned(),
            "lost a series",
        ),
        (
            format!("{start} 10\nr_total 5\n"),
            format!("{start} 11\nr_total 6\n"),
            "began anew",
        ),
        (
            format!("{start} 10\nr_total 5\n"),
            format!("{start} 9\nr_total 6\n"),
            "another process",
        ),
        ("r_total 5\n".to_owned(), "r_total NaN\n".to_owned(), "fell"),
        ("r_total NaN\n".to_owned(), "r_total 5\n".to_owned(), "fell"),
        ("r_total -5\n".to_owned(), "r_total 5\n".to_owned(), "fell"),
        (
            "r_total 5\n".to_owned(),
            "r_total 5.5\n".to_owned(),
            "no whole number",
        ),
        (
            "r_total 5\n".to_owned(),
            "r_total +Inf\n".to_owned(),
            "no whole number",
        ),
        (
            "# TYPE r_total gauge\nr_total 5\n".to_owned(),
            "# TYPE r_total gauge\nr_total 6\n".to_owned(),
            "is of a gauge, which may fall",
        ),
    ] {
        let error = rise(&before, &after, "").unwrap_err();
        assert!(error.contains(said), "{before} {after}: {error}");
    }
    let same = format!("{start} 10\nr_total 5\n");
    assert_eq!(rise(&same, &same, ""), Ok(0));
    let untold = format!("{start} NaN\nr_total 5\n");
    assert_eq!(rise(&untold, &untold, ""), Ok(0));
}

#[test]
fn a_label_that_nothing_has_counts_nothing() {
    let body = "r_total{code=\"200\",h=\"a\"} 9\nr_total{status=\"500\",h=\"b\"} 1\n";
    let page = page(body);
    let window = Window::between(&page, Ok(&page)).unwrap_or_else(|e| panic!("{e:?}"));
    let has = |labels: &str, errors: &str| {
        let (labels, errors) = (labels.parse().unwrap(), errors.parse().unwrap());
        window
            .has_labels("r_total", &labels, &errors)
            .map_err(|e| e.message)
    };
    for (labels, errors) in [
        ("", "status=~\"5..\""),
        ("", "status!~\"2..\",code!=\"200\""),
        ("h=\"a\"", "code=~\"5..\""),
        // The selector speaks of series that do not have it.
        ("", "error!=\"\""),
        ("", "error=\"\""),
        ("", "error=~\"|none\""),
        // That there are none of these is told already.
        ("h=\"c\"", "status=\"500\""),
    ] {
        assert_eq!(has(labels, errors), Ok(()), "{labels} {errors}");
    }
    for (labels, errors) in [
        ("h=\"a\"", "status=~\"5..\""),
        ("h=\"a\"", "status!~\"2..\""),
        ("h=\"a\"", "code=\"500\", status=\"500\""),
    ] {
        assert_eq!(
            has(labels, errors).unwrap_err(),
            "no series of `r_total` has the label `status`; they have `code`, `h`",
            "{labels} {errors}"
        );
    }
}

fn histogram(buckets: &[(&str, u64)]) -> String {
    buckets
        .iter()
        .map(|(le, count)| format!("h_bucket{{le=\"{le}\"}} {count}\n"))
        .collect()
}

fn over(before: &str, after: &str, limit: f64) -> Result<Over, String> {
    let (before, after) = (page(before), page(after));
    let window = Window::between(&before, Ok(&after)).map_err(|e| e.message)?;
    window
        .over("h", &LabelMatchers::default(), limit)
        .map_err(|e| e.message)
}

#[test]
fn both_edges_next_to_a_limit_are_counted() {
    let before = histogram(&[("0.1", 10), ("0.5", 20), ("1", 30), ("+Inf", 30)]);
    let after = histogram(&[("0.1", 60), ("0.5", 110), ("1", 125), ("+Inf", 130)]);
    for (limit, fewest, most, below, above) in [
        (0.05, 50, 100, None, 0.1),
        (0.1, 50, 50, Some(0.1), 0.1),
        (0.3, 10, 50, Some(0.1), 0.5),
        (0.5, 10, 10, Some(0.5), 0.5),
        (0.75, 5, 10, Some(0.5), 1.0),
        (1.0, 5, 5, Some(1.0), 1.0),
        (2.0, 0, 5, Some(1.0), f64::INFINITY),
    ] {
        let wanted = Over {
            fewest,
            most,
            of: 100,
            below,
            above,
        };
        assert_eq!(over(&before, &after, limit), Ok(wanted), "{limit}");
    }
}

#[test]
fn series_have_edges_of_their_own() {
    let of = |a: u64, b: u64| {
        format!(
            "h_bucket{{p=\"a\",le=\"0.3\"}} {a}\nh_bucket{{p=\"a\",le=\"+Inf\"}} {}\n\
             h_bucket{{p=\"b\",le=\"0.2\"}} {b}\nh_bucket{{p=\"b\",le=\"0.4\"}} {}\nh_bucket{{p=\"b\",le=\"+Inf\"}} {}\n",
            2 * a,
            2 * b,
            3 * b
        )
    };
    let over = over(&of(0, 0), &of(10, 7), 0.3).unwrap();
    assert_eq!((over.fewest, over.most, over.of), (10 + 7, 10 + 14, 20 + 21));
    assert_eq!((over.below, over.above), (Some(0.2), 0.4));
}

#[test]
fn histograms_that_disagree_with_themselves_tell_nothing() {
    let good = histogram(&[("0.1", 1), ("+Inf", 1)]);
    for (after, said) in [
        (histogram(&[("0.1", 9), ("+Inf", 5)]), "counts more below an edge"),
        (
            histogram(&[("0.1", 9), ("0.2", 9), ("+Inf", 9)]),
            "counts more below an edge",
        ),
        (histogram(&[("0.1", 9)]), "lost a series"),
        (
            "h_bucket{le=\"0.1\"} 2\nh_bucket{le=\"x\"} 2\nh_bucket{le=\"+Inf\"} 2\n".to_owned(),
            "without an edge",
        ),
        ("h_count 5\n".to_owned(), "shows none"),
    ] {
        let error = over(&good, &after, 0.1).unwrap_err();
        assert!(error.contains(said), "{after}: {error}");
    }
    let endless = histogram(&[("0.1", 1)]);
    assert!(
        over(&endless, &endless, 0.1)
            .unwrap_err()
            .contains("no bucket `+Inf`")
    );
}

#[test]
fn a_page_that_is_none_is_said() {
    let good = page("r_total 1\n");
    let late = ObserveError::new(Reason::TIMEOUT, "late");
    assert_eq!(
        Window::between(&good, Err(&late)).err().unwrap().reason,
        Reason::TIMEOUT
    );
    let mut cut = good.clone();
    cut.body_complete = false;
    assert_eq!(
        Window::between(&cut, Ok(&good)).err().unwrap().reason,
        Reason::HTTP_TOO_LARGE
    );
    let forbidden = Exchange::new(403, [("content-type", TEXT)]);
    assert!(
        Window::between(&good, Ok(&forbidden))
            .err()
            .unwrap()
            .message
            .contains("403")
    );
    let html = Exchange::new(200, [("content-type", "text/html")]);
    assert!(Window::between(&html, Ok(&good)).is_err());
}
