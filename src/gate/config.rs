//! `pgtriage.toml`: what a repository says of its gate once for all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, de::Error as _};
use toml::{Spanned, Value};

use crate::checks::{Number, Section, Thresholds};

/// The keys of the file. All may be absent; a flag on the command line stands before it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// Database name, URI or conninfo string.
    pub database: Option<String>,
    /// Files and folders to check where the command line names none.
    pub paths: Vec<String>,
    /// The least severity that fails.
    pub fail_on: Option<String>,
    /// Run only these checks.
    pub only: Vec<String>,
    /// Leave these checks out.
    pub skip: Vec<String>,
    /// Tables that stay small, with or without their schema.
    pub small_tables: BTreeSet<String>,
    /// Rows that tables have in production.
    #[serde(deserialize_with = "rows")]
    pub assume_rows: BTreeMap<String, f64>,
    /// The baseline.
    pub baseline: Option<String>,
    /// What decides whether checks fire.
    #[serde(skip)]
    pub thresholds: Thresholds,
    #[serde(rename = "thresholds")]
    of_checks: BTreeMap<Spanned<String>, Numbers>,
    severity: Numbers,
}

/// Numbers by name, each name where it stands.
type Numbers = BTreeMap<Spanned<String>, Value>;

/// A file that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BadConfig {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl FileConfig {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Names the line of what is unknown, of the wrong type or out of its range.
    pub fn read(text: &str) -> Result<Self, BadConfig> {
        let bad = |at: usize, message: String| BadConfig {
            line: text.get(..at).unwrap_or_default().matches('\n').count() + 1,
            message,
        };
        let mut read: Self = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            bad(at, error.message().trim().replace('\n', " "))
        })?;
        let set = |mut section: Section<'_>, numbers: Numbers| {
            numbers.into_iter().try_for_each(|(name, value)| {
                let set = section.set(name.get_ref(), number(&value));
                set.map_err(|error| bad(name.span().start, error.to_string()))
            })
        };
        for (check, numbers) in std::mem::take(&mut read.of_checks) {
            let section = read.thresholds.of_check(check.get_ref());
            let section = section.map_err(|error| bad(check.span().start, error.to_string()))?;
            set(section, numbers)?;
        }
        let numbers = std::mem::take(&mut read.severity);
        let last = numbers.keys().map(|name| name.span().start).max();
        set(read.thresholds.of_severity(), numbers)?;
        if let Some((milder, severer)) = read.thresholds.disordered() {
            let message = format!("{} is above {}; set both", milder.path(), severer.path());
            return Err(bad(last.unwrap_or_default(), message));
        }
        Ok(read)
    }
}

fn rows<'de, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let rows = BTreeMap::<String, f64>::deserialize(source)?;
    match rows
        .iter()
        .find(|(_, number)| !number.is_finite() || **number < 0.0)
    {
        Some((table, number)) => Err(D::Error::custom(format!(
            "{table} = {number} is no number of rows; write one that is not below 0"
        ))),
        None => Ok(rows),
    }
}

const fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Integer(number) => Some(Number::Whole(*number)),
        Value::Float(number) => Some(Number::Real(*number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Selection;

    #[test]
    fn what_is_unknown_is_told_with_its_line() {
        let error =
            FileConfig::read("fail_on = \"high\"\n\nsmall_table = [\"country\"]\n").unwrap_err();
        assert_eq!(error.line, 3);
        assert!(
            error.message.contains("unknown field `small_table`"),
            "{error}"
        );
        let error = FileConfig::read("small_tables = \"country\"").unwrap_err();
        assert_eq!(error.line, 1);
        let error = FileConfig::read("paths = []\n[assume_rows]\norders = -1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: orders = -1 is no number of rows; write one that is not below 0"
        );
    }

    #[test]
    fn all_keys_are_read() {
        let text = "database = \"ci\"\npaths = [\"q\"]\nfail_on = \"medium\"\nskip = [\"sort_spill\"]\n\
            small_tables = [\"country\", \"app.kind\"]\nbaseline = \"x.json\"\n[assume_rows]\ncountry = 250\n\
            [thresholds.slow_statement]\nmin_mean_ms = 5\nmin_calls = 10\n\
            [severity]\nmedium_share = 0.05\n";
        let read = FileConfig::read(text).unwrap();
        assert_eq!(read.database.as_deref(), Some("ci"));
        assert_eq!(read.assume_rows.get("country"), Some(&250.0));
        assert!(read.small_tables.contains("app.kind"));
        let changed = read.thresholds.changed(&Selection::default());
        let wanted = [
            "severity.medium_share = 0.05 (default 0.02)",
            "thresholds.slow_statement.min_mean_ms = 5 (default 20)",
            "thresholds.slow_statement.min_calls = 10 (default 100)",
        ];
        assert_eq!(changed, wanted);
    }

    #[test]
    fn thresholds_that_cannot_be_are_told_with_their_line() {
        for (text, line, message) in [
            (
                "[thresholds.planing_dominant]\nmin_planning_ms = 5",
                1,
                "unknown check \"planing_dominant\" (did you mean planning_dominant?); pgtriage rules lists all",
            ),
            (
                "paths = []\n[thresholds.planning_dominant]\n\nplanning = 5",
                4,
                "planning_dominant has no threshold \"planning\" (did you mean min_planning_ms?)",
            ),
            (
                "[thresholds]\nsort_spill.min_bytes = 5",
                2,
                "sort_spill has no threshold \"min_bytes\"",
            ),
            (
                "[thresholds]\nimplicit_cast.min_rows_read = 5",
                2,
                "implicit_cast shares min_rows_read with others; \
                 set thresholds.seq_scan_selective.min_rows_read",
            ),
            (
                "[thresholds]\nplanning_dominant.min_planning_ms = \"5 ms\"",
                2,
                "thresholds.planning_dominant.min_planning_ms must be a number; the default is 5",
            ),
            (
                "[thresholds]\nplanning_dominant.min_planning_ms = -0.5",
                2,
                "thresholds.planning_dominant.min_planning_ms must be a number from 0 on; the default is 5",
            ),
            (
                "[thresholds]\nplanning_dominant.min_planning_ms = nan",
                2,
                "thresholds.planning_dominant.min_planning_ms must be a number from 0 on; the default is 5",
            ),
            (
                "[thresholds]\nseq_scan_selective.max_kept_share = 10",
                2,
                "thresholds.seq_scan_selective.max_kept_share is a share, from 0 to 1; the default is 0.1",
            ),
            (
                "[severity]\nhigh_share = 0.3",
                2,
                "severity.high_share is above severity.critical_share; set both",
            ),
            (
                "[severity]\nhigh_share = 0.2\ncritical = 0.3",
                3,
                "severity has no threshold \"critical\" (did you mean critical_share?)",
            ),
            (
                "[thresholds]\nslow_statement.min_calls = 10.5",
                2,
                "thresholds.slow_statement.min_calls must be a whole number; the default is 100",
            ),
        ] {
            let error = FileConfig::read(text).unwrap_err();
            assert_eq!((error.line, error.message.as_str()), (line, message));
        }
        let error = FileConfig::read("[thresholds]\nplanning_dominant = 5").unwrap_err();
        assert_eq!(error.line, 2);
    }

    #[test]
    fn shares_may_be_whole() {
        let text = "[thresholds.seq_scan_selective]\nmax_kept_share = 1\nmin_rows_read = 0\n";
        let read = FileConfig::read(text).unwrap();
        assert_eq!(read.thresholds.changed(&Selection::default()).len(), 2);
        let others = Selection::new([], ["seq_scan_selective"]).unwrap();
        assert_eq!(
            read.thresholds.changed(&others).len(),
            2,
            "others share them"
        );
        let others = Selection::new(["slow_statement"], []).unwrap();
        assert!(read.thresholds.changed(&others).is_empty());
    }
}
