//! The session of the probes: every step has an end, and nothing outlives its transaction.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::fault::Fault;
use crate::connect::{Canceller, Session};
use crate::ids::quote_ident;

/// How long this program's own catalog queries wait for a lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a statement of the workload waits for a lock: the least that there is. While it waited, the lock's holder
/// could plant what the guard, which has looked already, would refuse. And whoever waits makes others queue behind:
/// [`Patience`] comes back later instead.
const NO_WAIT: Duration = Duration::from_millis(1);

/// The pauses between attempts while other sessions lock or change what a statement needs.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(600),
];

/// How long this program's own catalog queries may take.
pub(super) const CATALOG_TIMEOUT: Duration = Duration::from_secs(5);

/// How much later than the server's timeout this side cancels.
const CLIENT_GRACE: Duration = Duration::from_secs(1);

/// How long a cancel request and then the cancelled statement may take; after that the connection is given up.
const CANCEL_GRACE: Duration = Duration::from_secs(1);

/// The name of the statement that types are inferred with; it is deallocated in the round trip that makes it.
pub(super) const PREPARED: &str = "pgtriage_probe";

/// The settings that keep probes out of logs and counters, where the role may set them.
const QUIET: [(&str, &str); 6] = [
    ("auto_explain.log_min_duration", "-1"),
    ("log_duration", "off"),
    ("log_min_duration_sample", "-1"),
    ("log_min_duration_statement", "-1"),
    ("log_transaction_sample_rate", "0"),
    ("pg_stat_statements.track", "none"),
];

/// Whether a transaction may write. It is rolled back all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    /// READ ONLY
    Read,
    /// READ WRITE
    Write,
}

impl Access {
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::Read => "BEGIN TRANSACTION READ ONLY /* pgtriage */",
            Self::Write => "BEGIN TRANSACTION READ WRITE /* pgtriage */",
        }
    }
}

/// Sets [`Settings`] for the transaction.
pub(super) const SET: &str = query!("probe_set.sql");

/// Settings of a transaction, in the order they are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Settings {
    names: Vec<String>,
    values: Vec<Option<String>>,
}

impl Settings {
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.names.push(name.to_owned());
        self.values.push(Some(value.into()));
    }

    /// What this program's own queries run in: no other schema's operator stands before the system's, and compiling
    /// takes longer than running.
    pub(super) fn set_own_surroundings(&mut self) {
        self.set("search_path", "pg_catalog, pg_temp");
        self.set("jit", "off");
    }

    /// Back to what the session began with.
    pub(super) fn reset(&mut self, name: &str) {
        self.names.push(name.to_owned());
        self.values.push(None);
    }

    /// The parameters of [`SET`].
    pub(super) fn parameters(&self) -> [Parameter<'_>; 2] {
        [
            (&self.names, Type::TEXT_ARRAY),
            (&self.values, Type::TEXT_ARRAY),
        ]
    }
}

/// A parameter of one of this program's own queries.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// An own connection for probes.
pub(super) struct ProbeSession {
    session: Session,
    canceller: Canceller,
    cancelled: watch::Receiver<bool>,
    /// When all must have ended, whatever the server does.
    deadline: Instant,
    version_num: i32,
    schemas: Vec<String>,
    /// What keeps every transaction out of logs and counters.
    quiet: Settings,
    client_check: bool,
}

impl ProbeSession {
    /// Opens a connection beside `base` and learns what it needs.
    pub(super) async fn open(
        base: &Session,
        cancelled: watch::Receiver<bool>,
        deadline: Instant,
    ) -> Result<Self, Fault> {
        let left = deadline.saturating_duration_since(Instant::now());
        let session = timeout(left.min(CATALOG_TIMEOUT * 2), base.reconnect())
            .await
            .map_err(|_| Fault::Lost("the server does not accept a connection".to_owned()))?
            .map_err(|error| Fault::Lost(error.to_string()))?;
        let mut probe = Self {
            canceller: session.canceller(),
            session,
            cancelled,
            deadline,
            version_num: 0,
            schemas: Vec::new(),
            quiet: Settings::default(),
            client_check: false,
        };
        probe.learn().await?;
        Ok(probe)
    }

    async fn learn(&mut self) -> Result<(), Fault> {
        let rows = self.own(query!("probe_session.sql"), &[]).await?;
        let row = one(&rows)?;
        self.schemas = get(row, "schemas")?;
        self.version_num = get(row, "version_num")?;
        self.client_check = self.major() >= 14 && self.accepts_client_check().await?;
        let quiet = if self.major() >= 15 {
            query!("probe_quiet_15.sql")
        } else {
            query!("probe_quiet_13.sql")
        };
        self.begin(Access::Read).await?;
        let rows = self.own(quiet, &[]).await;
        self.end().await?;
        for row in rows? {
            let name: String = get(&row, "name")?;
            if let Some((name, value)) = QUIET.iter().find(|(known, _)| *known == name) {
                self.quiet.set(name, *value);
            }
        }
        Ok(())
    }

    /// Whether the platform of the server lets it notice a client that went away in the middle of a statement.
    async fn accepts_client_check(&self) -> Result<bool, Fault> {
        let mut check = Settings::default();
        check.set("client_connection_check_interval", "1000");
        match self.try_settings(&check).await {
            Ok(()) => Ok(true),
            Err(fault) if fault.is_lost() => Err(fault),
            Err(_) => Ok(false),
        }
    }

    /// Whether the server accepts these settings from this role.
    pub(super) async fn try_settings(&self, settings: &Settings) -> Result<(), Fault> {
        self.begin(Access::Read).await?;
        let set = self.own(SET, &settings.parameters()).await;
        self.end().await?;
        set.map(drop)
    }

    /// The server's major version.
    pub(super) const fn major(&self) -> i32 {
        self.version_num / 10_000
    }

    /// The schemas of the role's own search path, those of the system left out.
    pub(super) fn schemas(&self) -> &[String] {
        &self.schemas
    }

    pub(super) const fn client(&self) -> &Client {
        &self.session.client
    }

    /// What is left until all must have ended.
    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Opens a transaction in which this program's own queries are safe from other schemas' functions and operators.
    pub(super) async fn begin(&self, access: Access) -> Result<(), Fault> {
        let settings = self.opening();
        let parameters = settings.parameters();
        self.bounded(CATALOG_TIMEOUT, async {
            let (begun, set) = futures_util::join!(
                self.client().batch_execute(access.begin()),
                self.client().query_typed(SET, &parameters)
            );
            begun.and(set)
        })
        .await
        .map(drop)
    }

    /// What a transaction opens with: first what keeps it out of sight, then its names and its limits.
    pub(super) fn opening(&self) -> Settings {
        let mut settings = self.quiet.clone();
        settings.set_own_surroundings();
        settings.set("standard_conforming_strings", "on");
        self.limit(&mut settings, CATALOG_TIMEOUT, LOCK_TIMEOUT);
        settings
    }

    /// The timeouts of one statement, and what ends the session should this program be gone.
    fn limit(&self, settings: &mut Settings, statement: Duration, lock: Duration) {
        let statement = millis(statement.min(self.left()));
        let idle = millis(CATALOG_TIMEOUT * 2);
        settings.set("statement_timeout", statement.to_string());
        settings.set("lock_timeout", millis(lock).to_string());
        settings.set("idle_in_transaction_session_timeout", idle.to_string());
        if self.client_check {
            settings.set("client_connection_check_interval", "1000");
        }
        if self.major() >= 17 {
            let all = statement.saturating_add(idle);
            settings.set("transaction_timeout", all.to_string());
        }
    }

    /// What goes before a statement of the workload: the user's settings, its time, its search path.
    pub(super) fn preamble(
        &self,
        statement: Duration,
        schemas: &[String],
        given: &Settings,
    ) -> Settings {
        let mut settings = Settings::default();
        settings.reset("jit");
        settings.names.extend(given.names.iter().cloned());
        settings.values.extend(given.values.iter().cloned());
        settings.set("standard_conforming_strings", "on");
        self.limit(&mut settings, statement, NO_WAIT);
        settings.set("search_path", pinned_path(schemas));
        settings
    }

    /// Runs one of this program's own queries. Inside of a transaction, except for queries that qualify every name.
    pub(super) async fn own(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, Fault> {
        self.bounded(CATALOG_TIMEOUT, self.client().query_typed(sql, parameters))
            .await
    }

    /// Runs a command of the transaction itself, such as SAVEPOINT.
    pub(super) async fn execute(&self, command: &str) -> Result<(), Fault> {
        self.bounded(CATALOG_TIMEOUT, self.client().batch_execute(command))
            .await
    }

    /// Ends the transaction, whatever state it is in, and clears the session.
    pub(super) async fn end(&self) -> Result<(), Fault> {
        let ended = async {
            let (rolled_back, discarded) = futures_util::join!(
                self.client().batch_execute("ROLLBACK /* pgtriage */"),
                self.client().batch_execute("DISCARD ALL /* pgtriage */")
            );
            // A pooler may refuse DISCARD; every setting was LOCAL, so ROLLBACK has undone it already.
            drop(discarded);
            rolled_back
        };
        // Ctrl-C must not keep the transaction open.
        match timeout(CATALOG_TIMEOUT.min(self.left() + CANCEL_GRACE), ended).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.fault(&error).await),
            Err(_) => Err(Fault::Lost("the server does not answer".to_owned())),
        }
    }

    /// For asking again while other sessions lock or change what a statement needs.
    pub(super) fn patience(&self) -> Patience<'_> {
        Patience {
            session: self,
            pauses: PAUSES.iter(),
        }
    }

    /// Waits for `work` no longer than `limit`; then cancels it at the server.
    pub(super) async fn bounded<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Fault> {
        tokio::pin!(work);
        let limit = (limit + CLIENT_GRACE).min(self.left());
        let stop = tokio::select! {
            done = &mut work => return self.settled(done).await,
            () = sleep(limit) => Fault::Stopped(limit),
            () = asked_to_stop(self.cancelled.clone()) => Fault::Cancelled,
        };
        let asked = timeout(CANCEL_GRACE, self.canceller.cancel()).await;
        match timeout(CANCEL_GRACE, &mut work).await {
            Ok(Err(error)) => match self.fault(&error).await {
                lost @ Fault::Lost(_) => Err(lost),
                _ => Err(stop),
            },
            Ok(Ok(_)) => Err(stop),
            Err(_) => Err(match (stop, asked) {
                (Fault::Cancelled, _) => Fault::Cancelled,
                (_, Ok(Err(lost))) => Fault::Lost(lost.reason),
                _ => Fault::Lost(format!("no answer within {} s", limit.as_secs())),
            }),
        }
    }

    async fn settled<T>(&self, done: Result<T, tokio_postgres::Error>) -> Result<T, Fault> {
        match done {
            Ok(value) => Ok(value),
            Err(error) => Err(self.fault(&error).await),
        }
    }

    async fn fault(&self, error: &tokio_postgres::Error) -> Fault {
        if let Some(lost) = self.session.lost(error).await {
            return Fault::Lost(lost.reason);
        }
        match error.as_db_error() {
            Some(refusal) => Fault::Refused {
                code: refusal.code().clone(),
                message: refusal.message().to_owned(),
                hint: refusal.hint().map(str::to_owned),
                position: match refusal.position() {
                    Some(ErrorPosition::Original(position)) => Some(*position),
                    _ => None,
                },
                line: None,
                word: None,
            },
            None => Fault::Unreadable(error.to_string()),
        }
    }
}

/// How often something is tried again, and when.
pub(super) struct Patience<'a> {
    session: &'a ProbeSession,
    pauses: std::slice::Iter<'a, Duration>,
}

impl Patience<'_> {
    /// Whether to try again after this: it may have passed, and the pauses, a second in all, are not used up. Waits for
    /// the next one.
    pub(super) async fn again(&mut self, fault: Option<&Fault>) -> Result<bool, Fault> {
        if !fault.is_some_and(Fault::is_passing) {
            return Ok(false);
        }
        let Some(pause) = self.pauses.next() else {
            return Ok(false);
        };
        tokio::select! {
            () = sleep(self.session.left().min(*pause)) => Ok(true),
            () = asked_to_stop(self.session.cancelled.clone()) => Err(Fault::Cancelled),
        }
    }
}

/// Completes when the user asks to stop; never if nobody can ask any more.
async fn asked_to_stop(mut cancelled: watch::Receiver<bool>) {
    if cancelled.wait_for(|asked| *asked).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The search path with `pg_catalog` first and `pg_temp` last: neither another schema nor a temporary object can stand
/// before the system's.
pub(super) fn pinned_path(schemas: &[String]) -> String {
    let mut path = "pg_catalog".to_owned();
    for schema in schemas {
        // The server reads `"$user"`, quoted or not, as the role's name.
        let substituted = schema == "$user";
        if schema != "pg_catalog" && !schema.starts_with("pg_temp") && !substituted {
            path.push_str(", ");
            path.push_str(&quote_ident(schema));
        }
    }
    path.push_str(", pg_temp");
    path
}

/// At least 1: for the server 0 means no limit. At most what its settings hold.
fn millis(duration: Duration) -> u32 {
    let longest = i32::MAX.unsigned_abs();
    u32::try_from(duration.as_millis()).map_or(longest, |millis| millis.clamp(1, longest))
}

fn one(rows: &[Row]) -> Result<&Row, Fault> {
    rows.first()
        .ok_or_else(|| Fault::Unreadable("the server returned no row".to_owned()))
}

/// A column of a row of an own query.
pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    column: &str,
) -> Result<T, Fault> {
    row.try_get(column)
        .map_err(|error| Fault::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_path_is_pinned_and_quoted() {
        let schemas = ["Sales", "pg_catalog", "public", "pg_temp_3", "a\"b"].map(str::to_owned);
        assert_eq!(
            pinned_path(&schemas),
            "pg_catalog, \"Sales\", public, \"a\"\"b\", pg_temp"
        );
        assert_eq!(pinned_path(&[]), "pg_catalog, pg_temp");
    }

    #[test]
    fn what_keeps_probes_quiet_is_asked_for_by_name() {
        let wanted: Vec<&str> = QUIET.iter().map(|(name, _)| *name).collect();
        for query in [query!("probe_quiet_13.sql"), query!("probe_quiet_15.sql")] {
            let list = query
                .split_once("IN (")
                .and_then(|(_, rest)| rest.split_once(')'));
            let names = list.unwrap_or_default().0.split(',');
            let mut asked: Vec<&str> = names.map(|name| name.trim().trim_matches('\'')).collect();
            asked.sort_unstable();
            assert_eq!(asked, wanted);
        }
    }

    #[test]
    fn no_limit_becomes_the_servers_unlimited() {
        assert_eq!(millis(Duration::ZERO), 1);
        assert_eq!(millis(Duration::from_secs(2)), 2000);
        for long in [Duration::from_hours(700), Duration::MAX] {
            assert_eq!(millis(long), i32::MAX.unsigned_abs());
        }
    }
}
