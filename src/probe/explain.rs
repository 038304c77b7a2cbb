//! Assembles EXPLAIN and sends it with values as parameters: nothing is quoted into or replaced in the text.

use std::error;
use std::time::Duration;

use bytes::BytesMut;
use tokio::time::Instant;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Error, Row};

use super::fault::Fault;
use super::inquiry::{Inquiry, Purpose};
use super::link::{PREPARED, Parameter, ProbeSession, SET, Settings};
use crate::json;
use crate::snapshot::ParameterValue;

/// How a statement is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Executed.
    Analyze,
    /// Planned with the given values.
    Plan,
    /// Planned without values.
    Generic,
}

impl Style {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Analyze => Purpose::Execute,
            Self::Plan | Self::Generic => Purpose::Plan,
        }
    }
}

/// `EXPLAIN (…) `. Every option that the version knows is named: their defaults differ between versions and with one
/// another. Except for ANALYZE where it is off, as it is by default everywhere: `HypoPG` takes the bare word for
/// execution (`hypo_query_walker()`).
pub(super) fn command(style: Style, major: i32) -> String {
    let analyze = style == Style::Analyze;
    let run = if analyze { "ANALYZE true, " } else { "" };
    let mut options = format!(
        "{run}VERBOSE true, COSTS true, SETTINGS true, BUFFERS true, WAL {analyze}, TIMING {analyze}, SUMMARY true"
    );
    if major >= 17 {
        options.push_str(", MEMORY false, SERIALIZE none");
    }
    format!("EXPLAIN ({options}, FORMAT JSON) /* pgtriage */ ")
}

/// A value in text form, whatever the parameter's type: the server's input function reads it.
#[derive(Debug)]
pub(super) struct TextValue<'a>(pub(super) Option<&'a str>);

impl ToSql for TextValue<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn error::Error + Sync + Send>> {
        Ok(match self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A statement of the workload, in the surroundings it is explained in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The text.
    pub text: &'a str,
    /// What the guard has been asked about it.
    pub inquiry: &'a Inquiry<'a>,
    /// The user's settings.
    pub settings: &'a Settings,
}

/// The plan and how long the round trip took.
pub(super) type Explained = (serde_json::Value, Duration);

impl ProbeSession {
    /// Explains in the open transaction, in one round trip. The transaction must have passed the guard.
    pub(super) async fn explain(
        &self,
        subject: Subject<'_>,
        style: Style,
        values: &[ParameterValue],
        limit: Duration,
    ) -> Result<Explained, Fault> {
        let nothing = std::future::ready(Ok(()));
        let ((), explained) = self
            .explain_after(nothing, subject, style, values, limit)
            .await?;
        Ok(explained)
    }

    /// Explains behind other requests, in the same round trip.
    pub(super) async fn explain_after<T>(
        &self,
        first: impl Future<Output = Result<T, Error>>,
        subject: Subject<'_>,
        style: Style,
        values: &[ParameterValue],
        limit: Duration,
    ) -> Result<(T, Explained), Fault> {
        let question = subject.inquiry.again(style.purpose());
        let started = Instant::now();
        let work = Box::pin(async {
            let explain = self.explain_directly(subject, style, values, limit);
            let (first, rows) = futures_util::join!(first, explain);
            Ok((first?, rows?))
        });
        let (first, rows) = self
            .bounded(limit, Box::pin(self.rechecked(&question, work)))
            .await
            .map_err(|fault| match style {
                // It was sent as an argument of EXECUTE.
                Style::Generic if fault.is_of_value() => fault,
                _ => fault.within(&sent_before(style, self.major()), subject.text),
            })?
            .ok_or(Fault::Changed)?;
        Ok((first, (plan(&rows)?, started.elapsed())))
    }

    async fn explain_directly(
        &self,
        subject: Subject<'_>,
        style: Style,
        values: &[ParameterValue],
        limit: Duration,
    ) -> Result<Vec<Row>, Error> {
        if style == Style::Generic {
            return self.explain_execute(subject, values, limit).await;
        }
        let preamble = self.preamble(limit, subject.inquiry.schemas, subject.settings);
        let preamble = preamble.parameters();
        let sql = command(style, self.major()) + subject.text;
        let texts: Vec<TextValue<'_>> = values
            .iter()
            .map(|value| TextValue(value.value.as_deref()))
            .collect();
        // The unknown type lets the server infer each parameter's type, as if none had been given.
        let parameters: Vec<Parameter<'_>> = texts
            .iter()
            .map(|value| (value as &(dyn ToSql + Sync), Type::UNKNOWN))
            .collect();
        let (set, rows) = futures_util::join!(
            self.client().query_typed(SET, &preamble),
            self.client().query_typed(&sql, &parameters)
        );
        set.and(rows)
    }

    /// The generic plan, the same way on all versions: `GENERIC_PLAN` (16 and later) takes text with parameters in the
    /// simple protocol only, which would take several statements, too. The values only decide which partitions are
    /// shown: NULL would prune all of them.
    async fn explain_execute(
        &self,
        subject: Subject<'_>,
        values: &[ParameterValue],
        limit: Duration,
    ) -> Result<Vec<Row>, Error> {
        let mut preamble = self.preamble(limit, subject.inquiry.schemas, subject.settings);
        preamble.set("plan_cache_mode", "force_generic_plan");
        let preamble = preamble.parameters();
        let prepare = prepare(subject.text);
        let arguments: Vec<String> = values
            .iter()
            .map(|value| literal(value.value.as_deref()))
            .collect();
        let execute = format!(
            "{}EXECUTE {PREPARED}({})",
            command(Style::Generic, self.major()),
            arguments.join(", ")
        );
        let client = self.client();
        let (set, prepared, _, rows, _, _) = futures_util::join!(
            client.query_typed(SET, &preamble),
            client.query_typed(&prepare, &[]),
            client.batch_execute(SAVE),
            client.query_typed(&execute, &[]),
            client.batch_execute(RESTORE),
            client.batch_execute(DEALLOCATE)
        );
        set.and(prepared).and(rows)
    }

    /// The types that the server infers for the parameters, in the open transaction, in one round trip. The transaction
    /// must have passed the guard: parsing alone can evaluate a domain's constraint.
    pub(super) async fn infer_types(
        &self,
        subject: Subject<'_>,
        limit: Duration,
    ) -> Result<Vec<InferredType>, Fault> {
        let preamble = self.preamble(limit, subject.inquiry.schemas, subject.settings);
        let preamble = preamble.parameters();
        let question = subject.inquiry.again(Purpose::Plan);
        let work = Box::pin(async {
            let (set, rows) = futures_util::join!(
                self.client().query_typed(SET, &preamble),
                self.described(subject.text)
            );
            set.and(rows)
        });
        let rows = self
            .bounded(limit, Box::pin(self.rechecked(&question, work)))
            .await
            .map_err(|fault| fault.within(&sent_before(Style::Generic, 0), subject.text))?
            .ok_or(Fault::Changed)?;
        inferred(&rows)
    }

    /// The rows of `probe_types.sql` for a statement, within a transaction that pins the search path.
    pub(super) async fn described(&self, text: &str) -> Result<Vec<Row>, Error> {
        let client = self.client();
        let prepare = prepare(text);
        let name: Parameter<'_> = (&PREPARED, Type::TEXT);
        let (prepared, _, rows, _, _) = futures_util::join!(
            client.query_typed(&prepare, &[]),
            client.batch_execute(SAVE_AND_PIN),
            client.query_typed(query!("probe_types.sql"), std::slice::from_ref(&name)),
            client.batch_execute(RESTORE),
            client.batch_execute(DEALLOCATE)
        );
        prepared.and(rows)
    }
}

/// The types that [`ProbeSession::described`] gives, in the order of the parameters.
pub(super) fn inferred(rows: &[Row]) -> Result<Vec<InferredType>, Fault> {
    rows.iter()
        .map(|row| {
            Ok(InferredType {
                name: super::link::get(row, "name")?,
                base: super::link::get(row, "base")?,
                kind: super::link::get(row, "kind")?,
                label: super::link::get(row, "label")?,
            })
        })
        .collect()
}

/// A parameter's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InferredType {
    /// As SQL writes it.
    pub name: String,
    /// The type below domains.
    pub base: String,
    /// `pg_type.typtype` of the base.
    pub kind: String,
    /// An enum's first label.
    pub label: Option<String>,
}

/// A prepared statement outlives a failed transaction, and a pooler may then hand its server connection to others: the
/// savepoint lets DEALLOCATE succeed whatever happened in between.
const SAVE: &str = "SAVEPOINT pgtriage_prepared /* pgtriage */";
/// The same, before a query of this program, which needs the system's names.
const SAVE_AND_PIN: &str = "SAVEPOINT pgtriage_prepared /* pgtriage */; SET LOCAL search_path = pg_catalog, pg_temp /* pgtriage */";
const RESTORE: &str = "ROLLBACK TO SAVEPOINT pgtriage_prepared /* pgtriage */";
const DEALLOCATE: &str = "DEALLOCATE pgtriage_probe /* pgtriage */";

/// What stands before the statement in what is sent first.
fn sent_before(style: Style, major: i32) -> String {
    match style {
        Style::Generic => prepare(""),
        Style::Analyze | Style::Plan => command(style, major),
    }
}

fn prepare(text: &str) -> String {
    format!("PREPARE {PREPARED} AS /* pgtriage */ {text}")
}

/// A constant that reads the same whatever `standard_conforming_strings` says.
pub(super) fn literal(value: Option<&str>) -> String {
    value.map_or_else(
        || "NULL".to_owned(),
        |text| format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
    )
}

/// What EXPLAIN returns: `json`, nested as deep as the plan.
struct Document(serde_json::Value);

impl<'a> FromSql<'a> for Document {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn error::Error + Sync + Send>> {
        Ok(Self(json::from_slice(raw, json::PLAN_LEVELS)?))
    }

    fn accepts(sql_type: &Type) -> bool {
        *sql_type == Type::JSON
    }
}

/// The element of EXPLAIN's array.
pub(super) fn plan(rows: &[Row]) -> Result<serde_json::Value, Fault> {
    let unreadable = || Fault::Unreadable("EXPLAIN returned no JSON plan".to_owned());
    let row = rows.first().ok_or_else(unreadable)?;
    let Document(document) = row
        .try_get(0)
        .map_err(|error| Fault::Unreadable(error.to_string()))?;
    match document {
        serde_json::Value::Array(plans) => plans.into_iter().next().ok_or_else(unreadable),
        _ => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_follow_the_version() {
        assert!(command(Style::Analyze, 17).contains("SERIALIZE none"));
        assert!(!command(Style::Analyze, 16).contains("MEMORY"));
        assert!(command(Style::Plan, 13).contains("WAL false"));
    }

    #[test]
    fn literals_cannot_be_left() {
        assert_eq!(literal(Some("it's")), r"E'it\'s'");
        assert_eq!(literal(Some(r"\' OR 1")), r"E'\\\' OR 1'");
        assert_eq!(literal(None), "NULL");
    }
}
