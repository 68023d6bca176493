use std::cmp::Ordering;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
};

use super::{
    PostgresEnd, ServerError, TlsUse,
    postgres::{self, session},
    verdict::{Scene, each_address, told},
};

pub(crate) mod ledger;
#[cfg(test)]
mod tests;
mod version;

use self::{
    ledger::{LedgerFacts, LedgerLook, LedgerSeen, MigrationLedger, MigrationTool},
    version::{compare, has_order},
};

readiness_core::probe! {
    /// The database is at the version that the service expects.
    ///
    /// # What it checks
    /// It logs in as `dep.postgres` does, and reads the table in which a tool of migrations notes what it has
    /// applied: the newest version, and migrations that failed half way. It writes nothing.
    ///
    /// # Why it matters
    /// A service that starts before its migrations have run fails with the first query that needs a new column,
    /// and one that starts after a failed one works on half a schema.
    ///
    /// # How it is judged
    /// With `version` the database must be at that very version, with `at_least` at that or a later one. Behind,
    /// ahead, another version, several heads of Alembic, no table, no column and nothing applied fail, and so
    /// does a migration that is marked as failed or dirty. A table that the user may not read leaves it unknown.
    /// Where nobody is let in, it is judged as by `dep.postgres`. One address that accepts is enough.
    ///
    /// Versions are compared by their numbers, `1.9` before `1.10` and `0009_cart` before `0010_order`; those of
    /// Alembic have no order. For a table of your own the newest version is the greatest as the database has it.
    /// Migrations that Flyway has undone count as applied.
    ///
    /// # How to fix
    /// Behind: run the migrations before the service starts. Failed: mend what it left, and clear the mark as
    /// the tool's manual says. No table: look whether database, schema and tool are the right ones.
    pub struct PostgresMigrations {
        /// The tool that keeps the table: `alembic`, `dbmate`, `diesel`, `django`, `flyway`, `golang_migrate`,
        /// `rails`, `refinery`, `sea_orm` or `sqlx`. Default: none, for a table of your own.
        pub tool: Option<MigrationTool> = None,
        /// The schema of the table. Default: what the search path leads to.
        pub schema: String = String::new(),
        /// The table. Default: the one of the tool.
        pub table: String = String::new(),
        /// The column of versions. Default: the one of the tool.
        pub column: String = String::new(),
        /// The application whose migrations count, for Django alone. Default: none.
        pub app: String = String::new(),
        /// The version the database must be at. Default: none.
        pub version: String = String::new(),
        /// The version the database must be at or beyond, in place of `version`. Default: none.
        pub at_least: String = String::new(),
        /// Whether TLS is asked for: `prefer`, `require` or `disable`. Default: `prefer`.
        pub tls: TlsUse = TlsUse::Prefer,
    }
    id: "dep.postgres_migrations",
    title: "the database is at the version that the service expects",
    priority: Critical,
    references: [
        "PostgreSQL, error codes" => "https://www.postgresql.org/docs/current/errcodes-appendix.html",
    ],
}

impl PostgresMigrations {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        // PostgreSQL cuts longer names off.
        const MOST_NAME_BYTES: usize = 63;
        const MOST_VERSION_BYTES: usize = 255;
        for (setting, value, most) in [
            ("schema", &self.schema, MOST_NAME_BYTES),
            ("table", &self.table, MOST_NAME_BYTES),
            ("column", &self.column, MOST_NAME_BYTES),
            ("app", &self.app, MOST_VERSION_BYTES),
            ("version", &self.version, MOST_VERSION_BYTES),
            ("at_least", &self.at_least, MOST_VERSION_BYTES),
        ] {
            if value.len() > most || value.chars().any(char::is_control) {
                let shown: String = value.escape_debug().take(60).collect();
                return Err(format!(
                    "`{setting}` is `{shown}`, expected at most {most} bytes and no control characters"
                ));
            }
        }
        match (self.version.as_str(), self.at_least.as_str()) {
            ("", "") => return Err("a version is missing: give `version` or `at_least`".into()),
            (_, "") => {}
            ("", least) if self.tool == Some(MigrationTool::Alembic) => {
                return Err(format!(
                    "`at_least` is `{least}`, and versions of Alembic have no order; give `version`"
                ));
            }
            ("", least) if !has_order(least) => {
                return Err(format!(
                    "`at_least` is `{least}`, expected a version that begins with a number; or give `version`"
                ));
            }
            ("", _) => {}
            _ => return Err("`version` and `at_least` are given; one of them decides".into()),
        }
        if self.tool.is_none() && (self.table.is_empty() || self.column.is_empty()) {
            return Err("name the `tool`, or `table` and `column` of your own".into());
        }
        match (self.tool, self.app.is_empty()) {
            (Some(MigrationTool::Django), true) => {
                Err("`app` is missing: the table of Django holds the migrations of many".into())
            }
            (Some(MigrationTool::Django), false) | (_, true) => Ok(()),
            _ => Err("`app` is for Django alone".into()),
        }
    }

    fn ledger(&self) -> MigrationLedger {
        MigrationLedger {
            tool: self.tool,
            schema: self.schema.clone(),
            table: self.table.clone(),
            column: self.column.clone(),
            app: self.app.clone(),
        }
    }
}

#[async_trait]
impl Probe for PostgresMigrations {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let ledger = self.ledger();
        let key = |endpoint| LedgerLook::new(session(cx.target(), endpoint, self.tls), ledger.clone());
        each_address(
            cx,
            false,
            |endpoint| cx.observe(key(endpoint)),
            |facts| facts.session.tcp.state,
            |scene, facts| judge(self, scene, facts),
        )
        .await
    }
}

fn judge(settings: &PostgresMigrations, scene: &Scene<'_>, facts: &LedgerFacts) -> Outcome {
    if facts.session.end != PostgresEnd::Answered {
        return postgres::judge(&postgres::Postgres::default(), scene, &facts.session);
    }
    let place = scene.place;
    let ledger = settings.ledger();
    let table = ledger.table_name();
    let (versions, failed) = match &facts.seen {
        Some(LedgerSeen::Read { versions, failed }) => (versions.as_slice(), failed.as_slice()),
        Some(LedgerSeen::Refused(error)) => {
            let finding = refused(place, &ledger, error).subject(subject(&table));
            return Outcome::judged(finding.message.clone(), vec![finding]);
        }
        None => return Outcome::unknown(Reason::ERROR, format!("{place}: `{table}` was not read")),
    };
    let mut findings = Vec::new();
    for version in failed {
        findings.push(
            Finding::fail(
                "failed_migration",
                format!("{place}: the migration `{version}` in `{table}` is marked as failed"),
            )
            .subject(format!("migration `{version}`"))
            .remedy("mend what it left half done, and clear the mark as the manual of the tool says"),
        );
    }
    findings.extend(
        at_version(settings, place, &table, versions).map(|finding| finding.subject(subject(&table))),
    );
    let found = versions.join(", ");
    let summary = told(place, &findings, || {
        format!("{place}: the database is at `{found}`")
    });
    Outcome::judged(summary, findings)
        .evidence("table", table)
        .evidence("version", found)
}

fn subject(table: &str) -> String {
    format!("table `{table}`")
}

/// The fault of another version than the wanted one.
fn at_version(
    settings: &PostgresMigrations,
    place: &str,
    table: &str,
    versions: &[String],
) -> Option<Finding> {
    let found = match versions {
        [] => {
            return Some(
                Finding::fail(
                    "nothing_applied",
                    format!(
                        "{place}: `{table}` holds no migration, expected `{}`",
                        settings.wanted()
                    ),
                )
                .remedy("run the migrations before the service starts"),
            );
        }
        [one] => one,
        several => {
            return Some(
                Finding::fail(
                    "several_heads",
                    format!(
                        "{place}: the database is at {} versions at once: `{}`",
                        several.len(),
                        several.join("`, `")
                    ),
                )
                .remedy("merge the heads, as with `alembic merge`, and run the migrations"),
            );
        }
    };
    let wanted = settings.wanted();
    let order = compare(found, wanted);
    if found == wanted || order == Some(Ordering::Equal) {
        return None;
    }
    let at_least = settings.version.is_empty();
    let said = |word: &str| {
        let bound = if at_least { "at least " } else { "" };
        format!("{place}: the database is {word} `{found}`, expected {bound}`{wanted}`")
    };
    match order {
        Some(Ordering::Greater) if at_least => None,
        Some(Ordering::Less) => Some(
            Finding::fail("behind", said("only at")).remedy("run the migrations before the service starts"),
        ),
        Some(_) => Some(Finding::fail("ahead", said("already at")).remedy(
            "deploy the service that belongs to it, or expect `at_least` where it works with later ones",
        )),
        None => Some(
            Finding::fail("other_version", said("at"))
                .remedy("run the migrations of the service that is deployed, and look who ran others"),
        ),
    }
}

impl PostgresMigrations {
    fn wanted(&self) -> &str {
        if self.version.is_empty() {
            &self.at_least
        } else {
            &self.version
        }
    }
}

/// The fault of a table that the server did not let us read.
fn refused(place: &str, ledger: &MigrationLedger, error: &ServerError) -> Finding {
    let table = ledger.table_name();
    let tool = ledger
        .tool
        .map_or_else(String::new, |tool| format!(" of {}", tool.name()));
    let finding = match error.code.as_str() {
        "42P01" | "3F000" => Finding::fail(
            "no_table",
            format!("{place}: there is no table `{table}`, expected the migrations{tool} in it"),
        )
        .remedy("run the migrations, or look whether database, schema and tool are the right ones"),
        "42703" => Finding::fail(
            "no_column",
            format!(
                "{place}: the table `{table}` has other columns than expected{tool}: {}",
                error.message
            ),
        )
        .remedy("look whether `tool` and `column` are the right ones"),
        "42501" => Finding::unknown(
            "not_permitted",
            Reason::MISSING_CREDENTIAL,
            format!("{place}: the user may not read the table `{table}`"),
        )
        .remedy("grant the user `SELECT` on it, and `USAGE` on its schema"),
        _ => Finding::unknown(
            "not_read",
            Reason::ERROR,
            format!(
                "{place}: the table `{table}` could not be read: {}",
                error.message
            ),
        )
        .remedy("look the code up in the list of PostgreSQL's error codes"),
    };
    finding.evidence("SQLSTATE", error.code.as_str())
}
