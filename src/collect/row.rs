//! Rows decoded by column name. NULL and a column that this version lacks are both `None`; a value of an unexpected
//! type is an error, never a default.

use std::collections::BTreeMap;
use std::error::Error;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

/// A column that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column} {problem}")]
pub(super) struct DecodeError {
    column: String,
    problem: String,
}

impl DecodeError {
    pub(super) fn new(column: &str, problem: impl Into<String>) -> Self {
        Self {
            column: column.to_owned(),
            problem: problem.into(),
        }
    }
}

/// The positions of a result's columns.
#[derive(Debug, Default)]
pub(super) struct Columns(BTreeMap<String, usize>);

impl Columns {
    pub(super) fn of(row: &Row) -> Self {
        let names = row.columns().iter().enumerate();
        Self(
            names
                .map(|(index, column)| (column.name().to_owned(), index))
                .collect(),
        )
    }
}

/// One row with the positions of its columns.
pub(super) struct Record<'a> {
    pub(super) row: &'a Row,
    pub(super) columns: &'a Columns,
}

impl<'a> Record<'a> {
    /// The value; `None` for NULL and for a column that the query does not have.
    pub(super) fn opt<T: FromSql<'a>>(&self, name: &str) -> Result<Option<T>, DecodeError> {
        let Some(&index) = self.columns.0.get(name) else {
            return Ok(None);
        };
        self.row.try_get::<_, Option<T>>(index).map_err(|error| {
            let cause = error
                .source()
                .map_or_else(|| error.to_string(), ToString::to_string);
            DecodeError::new(name, format!("cannot be read: {cause}"))
        })
    }

    /// The value, which must be there.
    pub(super) fn get<T: FromSql<'a>>(&self, name: &str) -> Result<T, DecodeError> {
        self.opt(name)?
            .ok_or_else(|| DecodeError::new(name, "is null"))
    }

    pub(super) fn opt_text(&self, name: &str) -> Result<Option<String>, DecodeError> {
        Ok(self.opt::<Text>(name)?.map(|text| text.0))
    }

    pub(super) fn text(&self, name: &str) -> Result<String, DecodeError> {
        Ok(self.get::<Text>(name)?.0)
    }

    /// An array of texts; empty for NULL.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, DecodeError> {
        let texts = self.opt_texts(name)?.into_iter();
        texts
            .map(|text| text.ok_or_else(|| DecodeError::new(name, "has a null element")))
            .collect()
    }

    /// An array of texts that may be NULL; empty for NULL.
    pub(super) fn opt_texts(&self, name: &str) -> Result<Vec<Option<String>>, DecodeError> {
        let texts = self.opt::<Vec<Option<Text>>>(name)?.unwrap_or_default();
        Ok(texts
            .into_iter()
            .map(|text| text.map(|text| text.0))
            .collect())
    }

    /// A time; `None` for NULL and for one outside of what a calendar can hold (`infinity`).
    pub(super) fn opt_time(&self, name: &str) -> Result<Option<Timestamp>, DecodeError> {
        Ok(self.opt::<Moment>(name)?.and_then(|moment| moment.0))
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp, DecodeError> {
        self.opt_time(name)?
            .ok_or_else(|| DecodeError::new(name, "is null"))
    }
}

/// A text of any string type. A database in `SQL_ASCII` may hold bytes that are no UTF-8: they become U+FFFD.
struct Text(String);

impl<'a> FromSql<'a> for Text {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(String::from_utf8_lossy(raw).into_owned()))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::TEXT | Type::NAME | Type::VARCHAR | Type::BPCHAR | Type::UNKNOWN | Type::CHAR
        ) || matches!(ty.kind(), Kind::Domain(base) if Self::accepts(base))
    }
}

/// A `timestamptz`: microseconds since 2000-01-01 00:00 UTC (`src/include/datatype/timestamp.h`).
struct Moment(Option<Timestamp>);

const MICROSECONDS_1970_TO_2000: i64 = 946_684_800_000_000;

impl<'a> FromSql<'a> for Moment {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let since_2000 =
            <[u8; 8]>::try_from(raw).map_err(|_| format!("{ty} of {} bytes", raw.len()))?;
        let since_1970 = i64::from_be_bytes(since_2000).checked_add(MICROSECONDS_1970_TO_2000);
        Ok(Self(since_1970.and_then(|micros| {
            Timestamp::from_microsecond(micros).ok()
        })))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_microseconds() {
        let decode = |micros: i64| {
            Moment::from_sql(&Type::TIMESTAMPTZ, &micros.to_be_bytes())
                .unwrap()
                .0
        };
        assert_eq!(decode(0), Some("2000-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(
            decode(-1),
            Some("1999-12-31T23:59:59.999999Z".parse().unwrap())
        );
        assert_eq!(decode(i64::MAX), None);
        assert_eq!(decode(i64::MIN), None);
        assert!(Moment::from_sql(&Type::TIMESTAMPTZ, &[0; 4]).is_err());
    }

    #[test]
    fn bytes_that_are_no_text_do_not_lose_the_row() {
        assert_eq!(
            Text::from_sql(&Type::TEXT, b"caf\xe9").unwrap().0,
            "caf\u{fffd}"
        );
    }
}
