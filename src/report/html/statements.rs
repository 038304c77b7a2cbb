//! The table of statement families: all of them, with the numbers that a reader sorts by.

use crate::finding::{Report, ReportStatement};
use crate::format;
use crate::report::logged::{figure, is_measured};
use crate::report::summary::status_word;
use crate::report::text::{cut, one_line};
use crate::sql::family::pretty;
use crate::units::{Millis, Rows, float};

/// Families that paper and the first look show; a button shows the others.
const SHOWN: usize = 25;
/// A statement is shortened to this width; its whole text unfolds.
const SHORT_COLUMNS: usize = 140;
/// Stands for a text that the server does not show.
const UNKNOWN: &str = "(text not known)";
/// Generated texts grow to megabytes: beyond this they are cut, and the JSON report has them whole.
const WHOLE_COLUMNS: usize = 8_000;

/// The families, the costliest first.
pub(super) struct Statements {
    pub(super) rows: Vec<Row>,
    pub(super) shown: usize,
    /// Whether single durations were measured, so that percentiles have columns.
    pub(super) measured: bool,
}

/// One family.
pub(super) struct Row {
    pub(super) numbers: Vec<Cell>,
    pub(super) probe: &'static str,
    pub(super) short: String,
    /// The text, where `short` leaves something out.
    pub(super) whole: Option<String>,
}

/// A number to read and to sort by.
pub(super) struct Cell {
    pub(super) label: &'static str,
    pub(super) text: String,
    /// Empty where unknown.
    pub(super) raw: String,
    /// The length of the bar beside it, 0..1.
    pub(super) share: Option<f64>,
}

impl Statements {
    /// None where statements were explained: of those there is nothing to compare.
    pub(super) fn of(report: &Report) -> Self {
        let families = report.statements.iter();
        let measured = is_measured(&report.statements);
        Self {
            measured,
            rows: families
                .filter(|_| report.plans.is_empty())
                .map(|statement| row(statement, measured))
                .collect(),
            shown: SHOWN,
        }
    }
}

fn row(statement: &ReportStatement, measured: bool) -> Row {
    let time = statement.total_exec_time_ms;
    let mean = statement.mean_exec_time_ms;
    let calls = float(statement.calls);
    let rows = statement.rows.map(Rows::get);
    let number = |label, value: Option<f64>, text: Option<String>| Cell {
        label,
        text: text.unwrap_or_default(),
        raw: value.map(|value| value.to_string()).unwrap_or_default(),
        share: None,
    };
    let share = Cell {
        share: statement.share,
        ..number(
            "share",
            statement.share,
            statement.share.map(format::percent),
        )
    };
    let query = one_line(&statement.query);
    let short = pretty(&query, SHORT_COLUMNS);
    let mut numbers = vec![
        number("time", Some(time.get()), Some(format::duration(time))),
        share,
        number("calls", Some(calls), Some(format::count(calls))),
        number("mean", mean.map(Millis::get), mean.map(format::duration)),
        number("rows", rows, rows.map(format::count)),
    ];
    if measured {
        let percentiles = [
            ("p50", statement.p50_ms),
            ("p95", statement.p95_ms),
            ("p99", statement.p99_ms),
        ];
        let of_log = percentiles.map(|(label, of)| number(label, of.value, Some(figure(of))));
        // Behind the mean.
        numbers.splice(4..4, of_log);
    }
    Row {
        numbers,
        probe: status_word(statement.probe.status),
        whole: (short != query).then(|| cut(&query, WHOLE_COLUMNS)),
        short: if short.is_empty() {
            UNKNOWN.to_owned()
        } else {
            short
        },
    }
}
