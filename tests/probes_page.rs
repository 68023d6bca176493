//! PROBES.md tells what the probes themselves tell. `READINESS_WRITE=1 cargo test` writes it anew.

use std::{fmt::Write, fs, path::Path};

use readiness_probes::builtin;

fn page() -> String {
    let mut page =
        "# The probes\n\nMade from the probes' own descriptions, as `check explain ID` prints them; \
                    `READINESS_WRITE=1 cargo test -p readiness-tests --test probes_page` writes it anew.\n\n\
                    | id | what is wanted | priority |\n|---|---|---|\n"
            .to_owned();
    let registry = builtin::registry();
    for info in registry.infos() {
        let anchor = info.id.as_str().replace('.', "");
        writeln!(
            page,
            "| [`{}`](#{anchor}) | {} | {} |",
            info.id, info.title, info.priority
        )
        .unwrap();
    }
    for info in registry.infos() {
        write!(page, "\n## {}\n\n{}\n", info.id, info.summary).unwrap();
        let sections = [
            ("What it checks", &info.what),
            ("Why it matters", &info.why),
            ("How it is judged", &info.how),
            ("How to fix", &info.fix),
        ];
        for (title, text) in sections {
            write!(page, "\n**{title}.** {text}\n").unwrap();
        }
        if !info.references.is_empty() {
            page.push_str("\n**References.**\n\n");
            for reference in info.references.iter() {
                writeln!(page, "- [{}]({})", reference.title, reference.url).unwrap();
            }
        }
    }
    page
}

#[test]
fn the_page_is_what_the_probes_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../PROBES.md");
    if std::env::var_os("READINESS_WRITE").is_some() {
        fs::write(&path, page()).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "PROBES.md is not what the probes say; write it with \
         `READINESS_WRITE=1 cargo test -p readiness-tests --test probes_page`"
    );
}
