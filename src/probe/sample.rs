//! Rows of tables, for columns that have no statistics to take values from.

use std::collections::BTreeMap;
use std::time::Duration;

use super::TableRows;
use super::attempt::Attempt;
use super::catalog::Tables;
use super::fault::Fault;
use super::guard::Verdict;
use super::inquiry::Purpose;
use super::link::{SET, Settings};
use super::step::Wanted;
use crate::ids::{QualifiedName, quote_ident};
use crate::sql::parameters::{ParameterUse, Parameters};

/// How long looking at one row of a table may take.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(2);

const ROW: &str = query!("sample_row.sql");

/// The query of one row. The names are put in one after the other, so that a column whose name looks like a placeholder
/// stays a column.
pub(super) fn row_query(table: &QualifiedName, columns: &[String]) -> String {
    let list: Vec<String> = columns
        .iter()
        .map(|column| format!("{}::text", quote_ident(column)))
        .collect();
    let (select, from) = ROW.split_once("{columns}").unwrap_or_default();
    let (from, limit) = from.split_once("{table}").unwrap_or_default();
    format!(
        "{select}{}{from}{table}{}",
        list.join(", "),
        limit.trim_end()
    )
}

impl Attempt<'_> {
    /// Looks at one row of each table whose columns have no statistics.
    pub(super) async fn sample(&self, uses: &Parameters, tables: &mut Tables) -> Result<(), Fault> {
        for (table, columns) in self.unknown_columns(uses, tables) {
            let text = row_query(&table, &columns);
            let values = match self.row(&text, columns.len()).await {
                Err(fault) if fault.is_lost() => return Err(fault),
                row => row.unwrap_or_default(),
            };
            let mut values = values.into_iter();
            for column in columns {
                tables.remember(&table, &column, values.next().flatten());
            }
        }
        Ok(())
    }

    pub(super) fn unknown_columns(
        &self,
        uses: &Parameters,
        tables: &Tables,
    ) -> BTreeMap<QualifiedName, Vec<String>> {
        let mut unknown: BTreeMap<QualifiedName, Vec<String>> = BTreeMap::new();
        if self.context.options.rows == TableRows::Absent {
            return unknown;
        }
        for used in uses.values().flatten() {
            let (ParameterUse::Compared { column, .. } | ParameterUse::Assigned { column, .. }) =
                used
            else {
                continue;
            };
            let Some((table, column)) = tables.column(column, self.path) else {
                continue;
            };
            let has_values = column.statistics.as_ref().is_some_and(|statistics| {
                !statistics.most_common_values.is_empty() || !statistics.histogram_bounds.is_empty()
            });
            if table.readable && !has_values && tables.sample(&table.name, &column.name).is_none() {
                let columns = unknown.entry(table.name.clone()).or_default();
                if !columns.contains(&column.name) {
                    columns.push(column.name.clone());
                }
            }
        }
        unknown
    }

    /// The first row of a text of this program over a table of the workload: guarded like any other.
    async fn row(&self, text: &str, columns: usize) -> Result<Vec<Option<String>>, Fault> {
        let mut patience = self.context.session.patience();
        loop {
            let done = self.row_once(text, columns).await;
            if !patience.again(done.as_ref().err()).await? {
                return done;
            }
        }
    }

    async fn row_once(&self, text: &str, columns: usize) -> Result<Vec<Option<String>>, Fault> {
        let session = self.context.session;
        let inquiry = self.inquiry(text, &Wanted::Plan(None));
        if self.begin(text, &inquiry).await? != Verdict::Run {
            session.end().await?;
            return Ok(Vec::new());
        }
        let preamble = session.preamble(SAMPLE_TIMEOUT, &[], &Settings::default());
        let preamble = preamble.parameters();
        let sql = format!("/* pgtriage */ {text}");
        let question = inquiry.again(Purpose::Execute);
        let work = Box::pin(async {
            let client = session.client();
            let (set, rows) = futures_util::join!(
                client.query_typed(SET, &preamble),
                client.query_typed(&sql, &[])
            );
            set.and(rows)
        });
        let work = Box::pin(session.rechecked(&question, work));
        let rows = session.bounded(SAMPLE_TIMEOUT, work).await;
        let ended = session.end().await;
        let rows = rows?.ok_or(Fault::Changed)?;
        ended?;
        Ok(rows.first().map_or_else(Vec::new, |row| {
            (0..columns)
                .map(|column| row.try_get(column).unwrap_or_default())
                .collect()
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_in_once() {
        let table = QualifiedName::new("public", "Odd");
        let columns = ["id".to_owned(), "{table}".to_owned()];
        assert_eq!(
            row_query(&table, &columns),
            "SELECT /* pgtriage */ id::text, \"{table}\"::text FROM public.\"Odd\" LIMIT 1"
        );
    }
}
