//! Every target on stable: each seed, seeds cut and joined, what breaks parsers, and random bytes.

use std::{fs, path::Path};

use proptest::{
    prelude::*,
    sample::{Index, subsequence},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use readiness_fuzz::TARGETS;

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{name} has no seed");
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn each_target_has_its_file_and_its_seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let files = fs::read_dir(root.join("fuzz_targets")).unwrap().count();
    assert_eq!(files, TARGETS.len());
    for (name, target) in TARGETS {
        let file = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(file.contains(&format!("readiness_fuzz::{name}(data)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        for seed in seeds(name) {
            target(&seed);
        }
        target(b"");
    }
}

#[test]
fn what_breaks_parsers_breaks_nothing() {
    const SIZE: usize = 16 * 1024;
    for (_, target) in TARGETS {
        for unit in [
            &b";"[..],
            b",",
            b"\"",
            b"\\",
            b"=",
            b" ",
            b"\n",
            b"a",
            b"a;",
            b"a,",
            b"a=\"",
            b"'",
            b"(",
            b"*",
            b"1",
            b"<",
            b"<a b",
            b"&",
            b"\xff",
            b"\0",
            b"\xc3\xa9;",
            b"'none' ",
            b"script-src *;",
            b"max-age=1;",
            b"sid=a; Domain=b\n",
            b":;=,\"",
            b"https://",
            b"/",
            b"..",
            b"%00",
        ] {
            let data: Vec<u8> = unit.iter().copied().cycle().take(SIZE).collect();
            target(&data);
        }
    }
}

/// The same bytes in each run: what fails once fails again.
fn runner() -> TestRunner {
    let config = Config {
        cases: 128,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

#[test]
fn random_bytes_break_nothing() {
    let bytes = proptest::collection::vec(any::<u8>(), 0..400);
    for (name, target) in TARGETS {
        let run = |data: Vec<u8>| {
            target(&data);
            Ok(())
        };
        runner()
            .run(&bytes, run)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

#[test]
fn seeds_cut_joined_and_spoilt_break_nothing() {
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        let most = seeds.len().min(4);
        let spoilt = proptest::collection::vec((any::<Index>(), any::<u8>()), 0..8);
        let strategy = (
            subsequence(seeds, 1..=most).prop_shuffle(),
            any::<(Index, bool)>(),
            spoilt,
        );
        let run = |(parts, (cut, by_line), spoilt): (Vec<Vec<u8>>, (Index, bool), Vec<(Index, u8)>)| {
            let mut data = parts.join(if by_line { &b"\n"[..] } else { b"" });
            data.truncate(cut.index(data.len() + 1).max(data.len() / 2));
            for (at, byte) in spoilt {
                if !data.is_empty() {
                    let at = at.index(data.len());
                    data[at] = byte;
                }
            }
            target(&data);
            Ok(())
        };
        runner()
            .run(&strategy, run)
            .unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
