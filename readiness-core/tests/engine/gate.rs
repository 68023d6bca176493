//! The gate: it waits, looks again at what stands in the way, and says why it stays shut.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_gate_waits_and_only_looks_again_at_what_stands_in_the_way() {
    let (a, b) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let counted = |counter: &Arc<AtomicUsize>, passes_from: usize| {
        let counter = Arc::clone(counter);
        probe_fn("x.y", move |_| {
            let n = counter.fetch_add(1, SeqCst) + 1;
            async move {
                Ok(if n >= passes_from {
                    Outcome::pass("")
                } else {
                    Outcome::fail("not yet")
                })
            }
        })
    };
    let suite = suite(
        Sources::default(),
        [
            Requirement::new(counted(&a, 1), target())
                .named("a.ready")
                .blocker(true),
            Requirement::new(counted(&b, 4), target())
                .named("a.late")
                .blocker(true),
        ],
    );
    let begun = tokio::time::Instant::now();
    let report = gate(suite).within(Duration::from_secs(20)).await.unwrap();
    assert_eq!((a.load(SeqCst), b.load(SeqCst)), (1, 4));
    assert!(report.results[1].targets[0].flaky);
    let waited = begun.elapsed();
    assert!(
        waited >= Duration::from_millis(700) && waited <= Duration::from_millis(1400),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_stays_shut_says_why_and_is_short() {
    let long = "x".repeat(10_000);
    let mut requirements = vec![
        Requirement::new(
            probe_fn("net.tcp", |_| async {
                Ok(Outcome::fail("connection to 127.0.0.1:5432 was refused"))
            }),
            Target::parse("tcp://127.0.0.1:5432").unwrap(),
        )
        .blocker(true),
    ];
    for i in 0..100 {
        let long = long.clone();
        let probe = probe_fn("a.b", move |_| {
            let long = long.clone();
            async move { Ok(Outcome::fail(format!("é\u{1b}[31m\n{long}"))) }
        });
        requirements.push(
            Requirement::new(probe, target())
                .named(format!("a.b{i}"))
                .blocker(true),
        );
    }
    let begun = tokio::time::Instant::now();
    let error = gate(suite(Sources::default(), requirements))
        .within(Duration::from_secs(3))
        .await
        .unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 3, "the error comes at the stated time");
    for text in [error.to_string(), format!("{error:?}")] {
        let first = text.lines().next().unwrap();
        assert!(
            first.len() <= 200 && text.len() <= 4096,
            "{} {}",
            first.len(),
            text.len()
        );
        assert!(
            first.contains("127.0.0.1:5432") && first.contains("refused"),
            "{first}"
        );
        assert!(!text.contains('\u{1b}'));
    }
    assert!(matches!(error, GateError::NotReady(_)));
}

#[tokio::test(start_paused = true)]
async fn a_gate_looks_until_its_time_is_over() {
    let begun = tokio::time::Instant::now();
    // Ready after the longest pause would have ended, and before the time does.
    let late = probe_fn("x.y", move |_| async move {
        let ready = begun.elapsed() >= Duration::from_millis(9_500);
        Ok(if ready {
            Outcome::pass("")
        } else {
            Outcome::fail("not yet")
        })
    });
    let requirement = Requirement::new(late, target()).blocker(true);
    let report = gate(suite(Sources::default(), [requirement]))
        .within(Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(statuses(&report), ["pass"]);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_last_look_that_is_cut_short_does_not_hide_what_was_seen() {
    let begun = tokio::time::Instant::now();
    let probe = probe_fn("net.tcp", move |_| async move {
        if begun.elapsed() >= Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        Ok(Outcome::fail("connection refused"))
    });
    let requirement = Requirement::new(probe, target()).blocker(true);
    let error = gate(suite(Sources::default(), [requirement]))
        .within(Duration::from_secs(3))
        .await
        .unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 3);
    assert!(error.to_string().contains("connection refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_lowered_gate_goes_on_for_local_targets_alone() {
    use readiness_core::GateMode;
    let failing = |text| {
        let probe = probe_fn("a.b", |_| async { Ok(Outcome::fail("broken")) });
        suite(
            Sources::default(),
            [Requirement::new(probe, Target::parse(text).unwrap()).blocker(true)],
        )
    };
    let report = gate(failing("127.0.0.1")).mode(GateMode::Warn).await.unwrap();
    assert_eq!(statuses(&report), ["fail"]);
    let report = gate(failing("127.0.0.1")).mode(GateMode::Off).await.unwrap();
    assert_eq!(statuses(&report), ["cancelled"]);
    let error = gate(failing("example.com"))
        .mode(GateMode::Off)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("production"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_gate_tells_two_requirements_of_one_id_apart() {
    let late = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&late);
    let at = |text: &str| Target::parse(text).unwrap();
    let first = probe_fn("net.tcp", |_| async { Ok(Outcome::pass("")) });
    let second = probe_fn("net.tcp", move |_| {
        let n = counter.fetch_add(1, SeqCst);
        async move {
            Ok(if n < 2 {
                Outcome::fail("not yet")
            } else {
                Outcome::pass("")
            })
        }
    });
    let suite = suite(
        Sources::default(),
        [
            Requirement::new(first, at("tcp://a.test:1")).blocker(true),
            Requirement::new(second, at("tcp://b.test:1")).blocker(true),
        ],
    );
    let report = gate(suite.clone()).within(Duration::from_secs(5)).await.unwrap();
    assert_eq!(statuses(&report), ["pass", "pass"]);

    let second_fails = suite.run().await;
    assert_eq!(second_fails.verdict(), readiness_core::Verdict::Ready);
    let one_of_two = Suite::new(Sources::default())
        .with(Requirement::new(
            probe_fn("a.b", |_| async { Ok(Outcome::pass("")) }),
            at("tcp://a.test:1"),
        ))
        .unwrap()
        .with(Requirement::new(
            probe_fn("a.b", |_| async { Ok(Outcome::fail("x")) }),
            at("tcp://b.test:1"),
        ))
        .unwrap()
        .run()
        .await;
    assert!(std::panic::catch_unwind(|| readiness_core::assert_pass!(one_of_two, "a.b")).is_err());
}
