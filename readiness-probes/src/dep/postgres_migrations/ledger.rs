//! The tables in which tools note which migrations they have applied.

use readiness_core::Observation;
use serde::{Deserialize, Serialize};

use crate::dep::{PostgresFacts, PostgresSession, ServerError};

/// Logs in to PostgreSQL, and reads the table of migrations.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerLook {
    /// The session in which it is read.
    pub session: PostgresSession,
    /// The table.
    pub ledger: MigrationLedger,
}

impl LedgerLook {
    /// Reads this table in this session.
    pub fn new(session: PostgresSession, ledger: MigrationLedger) -> Self {
        Self { session, ledger }
    }
}

impl Observation for LedgerLook {
    const KIND: &'static str = "postgres.migrations";
    type Fact = LedgerFacts;
}

/// A table of migrations. Empty names are those that the tool gives.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MigrationLedger {
    /// The tool that keeps it; `None` for one of your own.
    pub tool: Option<MigrationTool>,
    /// The schema; empty for what the search path leads to.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column of versions.
    pub column: String,
    /// The application whose migrations count; for Django alone.
    pub app: String,
}

/// A tool that migrates databases.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum MigrationTool {
    /// `alembic_version`.
    Alembic,
    /// `schema_migrations`, as dbmate keeps it.
    Dbmate,
    /// `__diesel_schema_migrations`.
    Diesel,
    /// `django_migrations`.
    Django,
    /// `flyway_schema_history`.
    Flyway,
    /// `schema_migrations`, as golang-migrate keeps it, with its `dirty` flag.
    GolangMigrate,
    /// `schema_migrations`, as Rails keeps it.
    Rails,
    /// `refinery_schema_history`.
    Refinery,
    /// `seaql_migrations`, as SeaORM keeps it.
    SeaOrm,
    /// `_sqlx_migrations`.
    Sqlx,
}

/// What became of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LedgerFacts {
    /// The session.
    pub session: PostgresFacts,
    /// What stood in the table; `None` where the session did not come to that.
    pub seen: Option<LedgerSeen>,
}

impl LedgerFacts {
    /// What was seen in this session.
    pub fn new(session: PostgresFacts, seen: Option<LedgerSeen>) -> Self {
        Self { session, seen }
    }
}

/// What stood in a table of migrations.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum LedgerSeen {
    /// It was read.
    Read {
        /// The version the database is at; several where it has several heads, none where nothing was applied.
        versions: Vec<String>,
        /// Migrations that failed half way, or are marked as such.
        failed: Vec<String>,
    },
    /// The server did not let it be read.
    Refused(ServerError),
}

/// The statements that read a table.
pub(crate) struct Statements {
    pub(crate) applied: String,
    pub(crate) failed: Option<String>,
    /// The value of `$1` in the first.
    pub(crate) parameter: Option<String>,
}

/// How a tool keeps its table.
struct Shape {
    table: &'static str,
    column: &'static str,
    /// What must hold of a row that counts; `{c}` is the column.
    applied: &'static str,
    order: &'static str,
    failed: &'static str,
    most_rows: usize,
}

/// By the bytes of the text, whatever the database's language.
const AS_TEXT: &str = "({c})::text COLLATE \"C\" DESC";
const AS_ITSELF: &str = "{c} DESC";

impl MigrationTool {
    fn shape(self) -> Shape {
        let base = Shape {
            table: "schema_migrations",
            column: "version",
            applied: "",
            order: AS_TEXT,
            failed: "",
            most_rows: 1,
        };
        match self {
            Self::Alembic => Shape {
                table: "alembic_version",
                column: "version_num",
                // Every row is a head.
                most_rows: 20,
                ..base
            },
            // Old ones count from 1, new ones have fourteen digits.
            Self::Dbmate | Self::Rails => Shape {
                order: "length(({c})::text) DESC, ({c})::text COLLATE \"C\" DESC",
                ..base
            },
            Self::Diesel => Shape {
                table: "__diesel_schema_migrations",
                ..base
            },
            Self::Django => Shape {
                table: "django_migrations",
                column: "name",
                applied: "app = $1",
                ..base
            },
            Self::Flyway => Shape {
                table: "flyway_schema_history",
                // Repeatable migrations have no version; `1.10` comes after `1.9`.
                applied: "success AND {c} ~ '^[0-9]+([._][0-9]+)*$'",
                order: "string_to_array(translate({c}, '_', '.'), '.')::numeric[] DESC",
                failed: "NOT success",
                ..base
            },
            Self::GolangMigrate => Shape {
                order: AS_ITSELF,
                failed: "dirty",
                ..base
            },
            Self::Refinery => Shape {
                table: "refinery_schema_history",
                order: AS_ITSELF,
                ..base
            },
            Self::SeaOrm => Shape {
                table: "seaql_migrations",
                ..base
            },
            Self::Sqlx => Shape {
                table: "_sqlx_migrations",
                applied: "success",
                order: AS_ITSELF,
                failed: "NOT success",
                ..base
            },
        }
    }

    /// What people call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Alembic => "Alembic",
            Self::Dbmate => "dbmate",
            Self::Diesel => "Diesel",
            Self::Django => "Django",
            Self::Flyway => "Flyway",
            Self::GolangMigrate => "golang-migrate",
            Self::Rails => "Rails",
            Self::Refinery => "Refinery",
            Self::SeaOrm => "SeaORM",
            Self::Sqlx => "sqlx",
        }
    }
}

impl MigrationLedger {
    fn shape(&self) -> Shape {
        self.tool.map_or(
            Shape {
                table: "",
                column: "",
                applied: "",
                order: AS_ITSELF,
                failed: "",
                most_rows: 1,
            },
            MigrationTool::shape,
        )
    }

    /// The table with its schema, as people write it.
    pub(crate) fn table_name(&self) -> String {
        let table = or(&self.table, self.shape().table);
        match self.schema.as_str() {
            "" => table.to_owned(),
            schema => format!("{schema}.{table}"),
        }
    }

    pub(crate) fn column_name(&self) -> String {
        or(&self.column, self.shape().column).to_owned()
    }

    /// The statements that read it. Every name in them is quoted.
    pub(crate) fn statements(&self) -> Statements {
        let shape = self.shape();
        let column = quoted(&self.column_name());
        let table = quoted(or(&self.table, shape.table));
        let table = match self.schema.as_str() {
            "" => table,
            schema => format!("{}.{table}", quoted(schema)),
        };
        let with_column = |text: &str| text.replace("{c}", &column);
        let condition = match shape.applied {
            "" => String::new(),
            applied => format!(" WHERE {}", with_column(applied)),
        };
        Statements {
            applied: format!(
                "SELECT {column}::text FROM {table}{condition} ORDER BY {} LIMIT {}",
                with_column(shape.order),
                shape.most_rows
            ),
            failed: (!shape.failed.is_empty()).then(|| {
                format!(
                    "SELECT {column}::text FROM {table} WHERE {} LIMIT 5",
                    shape.failed
                )
            }),
            parameter: (self.tool == Some(MigrationTool::Django)).then(|| self.app.clone()),
        }
    }
}

fn or<'a>(given: &'a str, usual: &'a str) -> &'a str {
    if given.is_empty() { usual } else { given }
}

/// A name as SQL has it between quotes: whatever stands in it is a part of the name.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_stands_in_them() {
        let ledger = MigrationLedger {
            tool: None,
            schema: "a.b".to_owned(),
            table: "x\"; DROP TABLE y; --".to_owned(),
            column: "Version".to_owned(),
            app: String::new(),
        };
        let statements = ledger.statements();
        assert_eq!(
            statements.applied,
            "SELECT \"Version\"::text FROM \"a.b\".\"x\"\"; DROP TABLE y; --\" ORDER BY \"Version\" DESC LIMIT 1"
        );
        assert!(statements.failed.is_none() && statements.parameter.is_none());
    }

    #[test]
    fn tools_have_their_tables() {
        let statements = |tool| {
            let ledger = MigrationLedger {
                tool: Some(tool),
                app: "shop".to_owned(),
                ..MigrationLedger::default()
            };
            (ledger.table_name(), ledger.statements())
        };
        let (table, sqlx) = statements(MigrationTool::Sqlx);
        assert_eq!(table, "_sqlx_migrations");
        assert_eq!(
            sqlx.applied,
            "SELECT \"version\"::text FROM \"_sqlx_migrations\" WHERE success ORDER BY \"version\" DESC LIMIT 1"
        );
        assert_eq!(
            sqlx.failed.unwrap(),
            "SELECT \"version\"::text FROM \"_sqlx_migrations\" WHERE NOT success LIMIT 5"
        );
        let (_, django) = statements(MigrationTool::Django);
        assert!(django.applied.contains("WHERE app = $1"), "{}", django.applied);
        assert_eq!(django.parameter.as_deref(), Some("shop"));
        let (_, alembic) = statements(MigrationTool::Alembic);
        assert!(alembic.applied.ends_with("LIMIT 20") && alembic.parameter.is_none());
    }
}
