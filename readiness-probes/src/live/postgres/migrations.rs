use std::{error::Error, sync::Arc};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::{
    IsNull,
    message::{backend::Message, frontend},
};
use readiness_core::{Looking, ObserveError, Source};

use super::{Shared, error_of, next, not_postgres, session, unasked, unsendable};
use crate::{
    dep::{LedgerFacts, LedgerLook, LedgerSeen, MigrationLedger, PostgresEnd, ServerError},
    live::channel::{Clean, Login, Stop, Talk},
};

/// The object identifier of the type `text`.
const TEXT: u32 = 25;
/// The most rows that are kept; no statement here asks for more.
const MOST_ROWS: usize = 32;

/// Answers [`LedgerLook`].
pub(crate) struct MigrationsSource(pub(crate) Arc<Shared>);

impl Source<LedgerLook> for MigrationsSource {
    async fn look(&self, key: LedgerLook, cx: Looking) -> Result<LedgerFacts, ObserveError> {
        let login = Login::find(&cx, key.session.credential.as_deref(), &key.session.origin)?;
        cx.spend("tcp_connections", 1);
        let clean = Clean {
            cx: &cx,
            login: login.as_ref(),
        };
        let mut further = Further {
            ledger: Some(&key.ledger),
            seen: None,
        };
        let mut facts = session(&self.0, &key.session, clean, &mut further).await?;
        if let PostgresEnd::Broken(broken) = &mut facts.end {
            broken.message = cx.scrub(&broken.message);
        }
        Ok(LedgerFacts::new(facts, further.seen))
    }
}

/// What is asked beyond a sign of life.
#[derive(Default)]
pub(super) struct Further<'a> {
    ledger: Option<&'a MigrationLedger>,
    seen: Option<LedgerSeen>,
}

impl Further<'_> {
    pub(super) async fn ask(&mut self, talk: &mut Talk, clean: Clean<'_>) -> Result<(), Stop> {
        let Some(ledger) = self.ledger else {
            return Ok(());
        };
        let statements = ledger.statements();
        let parameter = statements.parameter.as_deref();
        let versions = match rows(talk, clean, &statements.applied, parameter).await? {
            Ok(versions) => versions,
            Err(error) => {
                self.seen = Some(LedgerSeen::Refused(error));
                return Ok(());
            }
        };
        let failed = match &statements.failed {
            None => Vec::new(),
            Some(failed) => match rows(talk, clean, failed, None).await? {
                Ok(failed) => failed,
                Err(error) => {
                    self.seen = Some(LedgerSeen::Refused(error));
                    return Ok(());
                }
            },
        };
        self.seen = Some(LedgerSeen::Read { versions, failed });
        Ok(())
    }
}

/// The first column of what a statement gives. The parameter travels beside the statement, never in it.
async fn rows(
    talk: &mut Talk,
    clean: Clean<'_>,
    statement: &str,
    parameter: Option<&str>,
) -> Result<Result<Vec<String>, ServerError>, Stop> {
    let mut out = BytesMut::new();
    let types = parameter.map(|_| TEXT);
    frontend::parse("", statement, types, &mut out).map_err(|e| unsendable(&e))?;
    let write = |value: &str, out: &mut BytesMut| -> Result<IsNull, Box<dyn Error + Send + Sync>> {
        out.extend_from_slice(value.as_bytes());
        Ok(IsNull::No)
    };
    frontend::bind("", "", [], parameter, write, [], &mut out).map_err(|_| unsendable(&"a value of it"))?;
    frontend::execute("", 0, &mut out).map_err(|e| unsendable(&e))?;
    frontend::sync(&mut out);
    talk.send(&out).await?;
    let mut found = Vec::new();
    let mut refused = None;
    loop {
        match next(talk).await? {
            Message::DataRow(body) => {
                let first = body.ranges().next().map_err(|e| not_postgres(&e))?.flatten();
                let value = first
                    .and_then(|range| body.buffer().get(range))
                    .unwrap_or_default();
                if found.len() < MOST_ROWS {
                    found.push(clean.text(value));
                }
            }
            Message::ErrorResponse(body) => refused = Some(error_of(&body, clean)),
            Message::ReadyForQuery(_) => break,
            Message::ParseComplete
            | Message::BindComplete
            | Message::CommandComplete(_)
            | Message::EmptyQueryResponse
            | Message::NoticeResponse(_)
            | Message::ParameterStatus(_) => {}
            _ => return Err(unasked().into()),
        }
    }
    Ok(match refused {
        Some(error) => Err(error),
        None => Ok(found),
    })
}
