//! Truncated dates and timestamps as ranges of the column.
//!
//! `timestamp`: truncating is monotone and idempotent, so that `date_trunc(u, c) = x` holds exactly for the one unit
//! that begins with `x`, and for none where `x` begins no unit. `timestamptz`: the session's time zone decides where a
//! day begins, and where clocks change at midnight it may begin an hour late or occur twice. The range is then wider
//! by a day on both sides, and the test itself stays: the range is what an index needs.

use sqlparser::ast::{Expr, Value};

use super::catalog::base_type;
use super::constant::{Constant, Type};
use super::sources::Column;
use super::{Assumption, Obstacle, bare};

/// An operator of a comparison, the column at its left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Operator {
    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// The one with the sides exchanged.
    pub fn commuted(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    fn bounds_below(self) -> bool {
        matches!(self, Self::Equal | Self::Greater | Self::GreaterOrEqual)
    }

    fn bounds_above(self) -> bool {
        matches!(self, Self::Equal | Self::Less | Self::LessOrEqual)
    }
}

/// One comparison of a wrapped column.
#[derive(Debug, Clone, Copy)]
pub struct Comparison<'e> {
    /// The column as written.
    pub column: &'e str,
    /// What is known of it.
    pub facts: Column<'e>,
    /// The operator, the column's side at its left.
    pub operator: Operator,
    /// The column's side as written.
    pub wrapped: &'e str,
    /// The other side.
    pub value: &'e Expr,
}

impl Comparison<'_> {
    /// The column's type.
    pub fn base_type(&self) -> String {
        base_type(&self.facts.facts.type_name)
    }

    /// The obstacle that the column's type is.
    pub fn type_obstacle(&self) -> Obstacle {
        Obstacle::Type {
            column: self.column.to_owned(),
            type_name: self.facts.facts.type_name.clone(),
        }
    }

    fn value_obstacle(&self) -> Obstacle {
        Obstacle::Value(self.value.to_string())
    }

    /// An infinite value plus an interval is the value itself, so that nothing lies between the two.
    fn assume_finite(&self, value: &Constant, assumes: &mut Vec<Assumption>) {
        let adds = matches!(
            self.operator,
            Operator::Equal | Operator::Greater | Operator::LessOrEqual
        );
        if adds && !value.is_clock {
            assumes.push(Assumption::Finite(value.text.clone()));
        }
    }

    /// The test itself beside a range that it implies.
    fn kept(&self, below: Option<String>, above: Option<String>, value: &str) -> String {
        let column = self.column;
        let below = below.filter(|_| self.operator.bounds_below());
        let above = above.filter(|_| self.operator.bounds_above());
        let range = below
            .map(|bound| format!("{column} >= {bound}"))
            .into_iter()
            .chain(above.map(|bound| format!("{column} <= {bound}")));
        let itself = format!("{} {} {value}", self.wrapped, self.operator.as_str());
        range.chain([itself]).collect::<Vec<_>>().join(" AND ")
    }
}

/// Units of `date_trunc()` and the intervals that are as long.
const UNITS: [(&str, &str); 12] = [
    ("microseconds", "1 microsecond"),
    ("milliseconds", "1 millisecond"),
    ("second", "1 second"),
    ("minute", "1 minute"),
    ("hour", "1 hour"),
    ("day", "1 day"),
    ("week", "7 days"),
    ("month", "1 month"),
    ("quarter", "3 months"),
    ("year", "1 year"),
    ("decade", "10 years"),
    ("century", "100 years"),
];

/// Units within which clocks do not change.
const WITHIN_AN_HOUR: [&str; 5] = ["microseconds", "milliseconds", "second", "minute", "hour"];

/// The first argument of `date_trunc()`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unit {
    /// As written.
    text: String,
    /// An interval of its length.
    length: String,
    /// Whether it is no longer than an hour; `None` for a parameter.
    within_an_hour: Option<bool>,
}

impl Unit {
    fn of(expr: &Expr) -> Result<Self, Obstacle> {
        let text = expr.to_string();
        let unknown = || Obstacle::Unit(text.clone());
        let value = match bare(expr) {
            Expr::Value(value) => &value.value,
            Expr::Cast { expr, .. } => return Self::of(expr),
            _ => return Err(unknown()),
        };
        match value {
            Value::Placeholder(_) => Ok(Self {
                length: format!("('1 ' || {text})::interval"),
                text,
                within_an_hour: None,
            }),
            Value::SingleQuotedString(name) => {
                let name = name.to_lowercase();
                let known = UNITS.iter().find(|(unit, _)| *unit == name);
                let (unit, length) = known.ok_or_else(unknown)?;
                Ok(Self {
                    length: format!("interval '{length}'"),
                    within_an_hour: Some(WITHIN_AN_HOUR.contains(unit)),
                    text,
                })
            }
            _ => Err(unknown()),
        }
    }

    /// Whether each day begins one.
    fn is_within_a_day(&self) -> bool {
        self.within_an_hour == Some(true) || self.text.eq_ignore_ascii_case("'day'")
    }
}

/// `date_trunc(unit, column) operator value`
pub fn truncated(
    comparison: &Comparison<'_>,
    unit: &Expr,
    assumes: &mut Vec<Assumption>,
) -> Result<String, Obstacle> {
    let unit = Unit::of(unit)?;
    let value = Constant::of(comparison.value)?;
    if unit.within_an_hour.is_none() {
        assumes.push(Assumption::IntervalUnit(unit.text.clone()));
    }
    match comparison.base_type().as_str() {
        "timestamp" if value.fits(&["timestamp", "date"]) => {
            Ok(local_range(comparison, &unit, &value, assumes))
        }
        "timestamptz" | "date" if value.fits(&["timestamptz", "timestamp", "date"]) => {
            Ok(zoned_range(comparison, &unit, &value))
        }
        "timestamp" | "timestamptz" | "date" => Err(comparison.value_obstacle()),
        _ => Err(comparison.type_obstacle()),
    }
}

/// Whether a value surely begins a unit.
fn begins(comparison: &Comparison<'_>, unit: &Unit, value: &Constant) -> bool {
    let Type::Known(of) = &value.kind else {
        return false;
    };
    let truncates = value
        .text
        .to_lowercase()
        .starts_with(&format!("date_trunc({},", unit.text.to_lowercase()));
    let whole_call = matches!(bare(comparison.value), Expr::Function(_));
    truncates && whole_call || of == "date" && unit.is_within_a_day()
}

fn local_range(
    comparison: &Comparison<'_>,
    unit: &Unit,
    value: &Constant,
    assumes: &mut Vec<Assumption>,
) -> String {
    let (column, length) = (comparison.column, &unit.length);
    let start = value.typed("timestamp");
    let begins = begins(comparison, unit, value);
    comparison.assume_finite(value, assumes);
    // The first unit that begins at the value or after it, and the first one after it.
    let (at, after) = if begins {
        (start.clone(), format!("{start} + {length}"))
    } else {
        let unit = &unit.text;
        (
            format!("date_trunc({unit}, {start} + {length} - interval '1 microsecond')"),
            format!("date_trunc({unit}, {start}) + {length}"),
        )
    };
    match comparison.operator {
        Operator::Equal => {
            let range = format!("{column} >= {start} AND {column} < {start} + {length}");
            if begins {
                range
            } else {
                format!("{range} AND date_trunc({}, {start}) = {start}", unit.text)
            }
        }
        Operator::GreaterOrEqual => format!("{column} >= {at}"),
        Operator::Greater => format!("{column} >= {after}"),
        Operator::Less => format!("{column} < {at}"),
        Operator::LessOrEqual => format!("{column} < {after}"),
    }
}

fn zoned_range(comparison: &Comparison<'_>, unit: &Unit, value: &Constant) -> String {
    let start = value.typed("timestamptz");
    let end = format!("{start} + {}", unit.length);
    let exact = unit.within_an_hour == Some(true) && comparison.base_type() == "timestamptz";
    let (below, above) = if exact {
        (start.clone(), end)
    } else {
        (
            format!("{start} - interval '1 day'"),
            format!("{end} + interval '1 day'"),
        )
    };
    comparison.kept(Some(below), Some(above), &start)
}

/// `column::date operator value`
pub fn dated(
    comparison: &Comparison<'_>,
    assumes: &mut Vec<Assumption>,
) -> Result<String, Obstacle> {
    let value = Constant::of(comparison.value)?;
    if !value.fits(&["date"]) {
        return Err(comparison.value_obstacle());
    }
    let day = value.typed("date");
    let column = comparison.column;
    match comparison.base_type().as_str() {
        "timestamp" => {}
        "timestamptz" => {
            let (below, above) = (format!("{day} - 1"), format!("{day} + 2"));
            return Ok(comparison.kept(Some(below), Some(above), &day));
        }
        _ => return Err(comparison.type_obstacle()),
    }
    comparison.assume_finite(&value, assumes);
    Ok(match comparison.operator {
        Operator::Equal => format!("{column} >= {day} AND {column} < {day} + 1"),
        Operator::GreaterOrEqual => format!("{column} >= {day}"),
        Operator::Greater => format!("{column} >= {day} + 1"),
        Operator::Less => format!("{column} < {day}"),
        Operator::LessOrEqual => format!("{column} < {day} + 1"),
    })
}

/// `extract(year FROM column) operator value`
pub fn year(
    comparison: &Comparison<'_>,
    assumes: &mut Vec<Assumption>,
) -> Result<String, Obstacle> {
    let value = Constant::of(comparison.value)?;
    let number = match &value.kind {
        Type::Open | Type::Number => format!("{}::integer", value.text),
        Type::Known(of) if of == "integer" => value.text.clone(),
        Type::Known(_) => return Err(comparison.value_obstacle()),
    };
    assumes.push(Assumption::Year(value.text.clone()));
    let column = comparison.column;
    let first = format!("make_date({number}, 1, 1)");
    let next = format!("make_date({number} + 1, 1, 1)");
    match comparison.base_type().as_str() {
        "timestamp" | "date" => {}
        "timestamptz" => {
            let (below, above) = (format!("{first} - 1"), format!("{next} + 1"));
            return Ok(comparison.kept(Some(below), Some(above), &number));
        }
        _ => return Err(comparison.type_obstacle()),
    }
    Ok(match comparison.operator {
        Operator::Equal => format!("{column} >= {first} AND {column} < {next}"),
        Operator::GreaterOrEqual => format!("{column} >= {first}"),
        Operator::Greater => format!("{column} >= {next}"),
        Operator::Less => format!("{column} < {first}"),
        Operator::LessOrEqual => format!("{column} < {next}"),
    })
}
