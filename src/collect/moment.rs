//! One consistent moment: a read-only transaction in which each area is read on its own, so that what fails in one
//! does not lose the others, and after which nothing is left.

use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error};

use super::row::{Columns, DecodeError, Record};
use super::{CollectError, Limits};

const SEARCH_PATH: &str = query!("search_path.sql");
const SESSION: &str = query!("session.sql");

const BEGIN: &str = "BEGIN /* pgtriage */ ISOLATION LEVEL REPEATABLE READ, READ ONLY";
const SAVEPOINT: &str = "SAVEPOINT /* pgtriage */ area";
const UNDO: &str = "ROLLBACK /* pgtriage */ TO SAVEPOINT area";
const END: &str = "ROLLBACK /* pgtriage */";

/// Why an area could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The server's answer was an error.
    #[error("{message}")]
    Server { state: SqlState, message: String },
    /// The rows are not what they should be.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// There is no connection any more.
    #[error("{0}")]
    Lost(Error),
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match error.as_db_error() {
            Some(db) if !is_shutdown(db.code()) => Self::Server {
                state: db.code().clone(),
                message: db.message().to_owned(),
            },
            _ => Self::Lost(error),
        }
    }
}

fn is_shutdown(state: &SqlState) -> bool {
    [
        &SqlState::ADMIN_SHUTDOWN,
        &SqlState::CRASH_SHUTDOWN,
        &SqlState::DATABASE_DROPPED,
    ]
    .contains(&state)
}

/// The transaction. [`Moment::end`] rolls it back; dropped without it, the session stays in the transaction until the
/// connection closes.
pub(super) struct Moment<'a> {
    client: &'a Client,
    /// The role's own search path, before it was pinned for the transaction.
    pub(super) search_path: Vec<String>,
}

impl<'a> Moment<'a> {
    /// Begins the transaction and pins its settings, in one round trip.
    pub(super) async fn begin(client: &'a Client, limits: Limits) -> Result<Self, CollectError> {
        let settings = settings(limits);
        // Unnamed statements and SET LOCAL only: a pooler in transaction mode keeps no session for us.
        let (begun, search_path, pinned, session, saved) = futures_util::join!(
            client.batch_execute(BEGIN),
            rows(client, SEARCH_PATH, &[], |record| record
                .texts("search_path")),
            client.batch_execute(&settings),
            rows(client, SESSION, &[], |_| Ok(())),
            client.batch_execute(SAVEPOINT),
        );
        let started = async {
            begun?;
            let search_path = search_path?.into_iter().next().unwrap_or_default();
            pinned?;
            session?;
            saved?;
            Ok(search_path)
        };
        match started.await {
            Ok(search_path) => Ok(Self {
                client,
                search_path,
            }),
            Err(error) => {
                // The error that stopped us is what to tell, whatever the ROLLBACK meets.
                let _rolled_back = client.batch_execute(END).await;
                Err(CollectError::from_read(
                    "begin a read-only transaction",
                    error,
                ))
            }
        }
    }

    /// Reads one area. Whatever happens, the transaction is fit for the next one.
    pub(super) async fn read<T>(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
        decode: impl FnMut(&Record<'_>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, ReadError> {
        let (rows, undone) = futures_util::join!(
            rows(self.client, sql, parameters, decode),
            self.client.batch_execute(UNDO),
        );
        undone?;
        rows
    }

    /// Ends the transaction; nothing of it stays.
    pub(super) async fn end(self) -> Result<(), CollectError> {
        let ended = self.client.batch_execute(END).await;
        ended.map_err(|error| CollectError::from_read("end the transaction", error.into()))
    }
}

fn settings(limits: Limits) -> String {
    let milliseconds = |limit: Duration| limit.as_millis().clamp(1, 2_147_483_647);
    let statement = milliseconds(limits.statement_timeout);
    format!(
        "SET LOCAL /* pgtriage */ search_path = pg_catalog, pg_temp; \
         SET LOCAL /* pgtriage */ statement_timeout = {statement}; \
         SET LOCAL /* pgtriage */ lock_timeout = {}; \
         SET LOCAL /* pgtriage */ idle_in_transaction_session_timeout = {statement}",
        milliseconds(limits.lock_timeout),
    )
}

/// Rows are decoded as they arrive, so that the memory needed is that of the result.
async fn rows<T>(
    client: &Client,
    sql: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
    mut decode: impl FnMut(&Record<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, ReadError> {
    let parameters = parameters.iter().map(|(value, ty)| (*value, ty.clone()));
    let mut stream = pin!(client.query_typed_raw(sql, parameters).await?);
    let mut decoded = Vec::new();
    let mut columns = None;
    while let Some(row) = stream.try_next().await? {
        let columns = columns.get_or_insert_with(|| Columns::of(&row));
        decoded.push(decode(&Record { row: &row, columns })?);
    }
    Ok(decoded)
}
