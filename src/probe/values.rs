//! Values for parameters: from the planner's statistics of the column that a parameter is used with, else from a row of
//! the table, else from its type.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::TablesUnder;
use super::defaults::{argument, array, cast_type, default_of};
use super::explain::InferredType;
use crate::ids::QualifiedName;
use crate::snapshot::{Column, ColumnStatistics, ParameterValue, ParameterVariant};
use crate::sql::parameters::{ParameterColumn, ParameterUse, Parameters, Position};

/// The origin of a value that the user gave.
const GIVEN: &str = "--param";

/// What stands for LIMIT's parameter: a page of a list.
const LIMIT: &str = "10";

/// How many values an array holds.
const ARRAY_LENGTH: usize = 3;

/// Where in the histogram the bound of an open range lies, in percent, so that a tenth of the values is within it.
const OPEN_RANGE: usize = 90;

/// Where the lower bound of a closed range lies, in percent, so that a tenth of the values is within it.
const CLOSED_RANGE: usize = 45;

/// Where values may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// Statistics and rows first.
    Columns,
    /// The type alone: for when those did not fit.
    Types,
}

/// All that is known about a statement's parameters.
pub(super) struct Known<'a> {
    /// Their uses.
    pub uses: &'a Parameters,
    /// How many there are: the highest number.
    pub count: u32,
    /// Their types in order, once the server was asked.
    pub types: Option<&'a [InferredType]>,
    /// The tables.
    pub tables: &'a TablesUnder<'a>,
    /// What may be used.
    pub source: Source,
    /// What the user gave.
    pub given: &'a BTreeMap<u32, Option<String>>,
}

impl Known<'_> {
    /// A value for each parameter; `None` where the type has to be known first. A value of `None` in the end is NULL.
    pub(super) fn choose(&self, variant: ParameterVariant) -> Option<Vec<ParameterValue>> {
        let mut company = Company::of(self.uses);
        (1..=self.count)
            .map(|number| {
                let value = self.value(number, variant, &company);
                company.pass(self.uses_of(number));
                value
            })
            .collect()
    }

    /// Whether a value could not be found. NULL that the user gave is found.
    pub(super) fn lacks(&self, values: &[ParameterValue]) -> bool {
        values
            .iter()
            .any(|value| value.value.is_none() && !self.given.contains_key(&value.number))
    }

    /// What values of a kind are called: those that the user gave alone are of no kind.
    pub(super) fn variant(&self, variant: ParameterVariant) -> ParameterVariant {
        if (1..=self.count).all(|number| self.given.contains_key(&number)) {
            ParameterVariant::Given
        } else {
            variant
        }
    }

    fn type_of(&self, number: u32) -> Option<&InferredType> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.types?.get(index)
    }

    fn uses_of(&self, number: u32) -> &[ParameterUse] {
        self.uses.get(&number).map_or(&[], Vec::as_slice)
    }

    fn value(
        &self,
        number: u32,
        variant: ParameterVariant,
        company: &Company<'_>,
    ) -> Option<ParameterValue> {
        let uses = self.uses_of(number);
        let inferred = self.type_of(number);
        let with = |type_name: &str, value: Option<String>, origin: String| ParameterValue {
            number,
            type_name: inferred.map_or(type_name, |t| t.name.as_str()).to_owned(),
            value,
            origin,
            observed: false,
        };
        if let Some(value) = self.given.get(&number) {
            return Some(with("unknown", value.clone(), GIVEN.to_owned()));
        }
        if uses.contains(&ParameterUse::Limit) {
            return Some(with("bigint", Some(LIMIT.to_owned()), "LIMIT".to_owned()));
        }
        if uses.contains(&ParameterUse::Offset) {
            return Some(with("bigint", Some("0".to_owned()), "OFFSET".to_owned()));
        }
        if self.source == Source::Columns {
            let found = uses
                .iter()
                .find_map(|used| self.column_value(number, used, variant, company));
            if let Some((type_name, value, origin)) = found {
                return Some(ParameterValue {
                    observed: true,
                    ..with(&type_name, Some(value), origin)
                });
            }
        }
        let known = inferred.cloned().or_else(|| cast_type(uses))?;
        let value = argument(uses, &known).or_else(|| default_of(&known));
        let origin = if value.is_some() {
            format!("a value of type {}", known.name)
        } else {
            format!("no value of type {} is known", known.name)
        };
        Some(with(&known.name, value, origin))
    }

    /// Type, value and origin.
    fn column_value(
        &self,
        number: u32,
        used: &ParameterUse,
        variant: ParameterVariant,
        company: &Company<'_>,
    ) -> Option<(String, String, String)> {
        let (named, operator, position, variant) = match used {
            ParameterUse::Compared {
                column,
                operator,
                position,
            } => (column, operator.as_str(), *position, variant),
            // What is stored decides about no plan: it is no reason for another one.
            ParameterUse::Assigned { column, position } => {
                (column, "=", *position, ParameterVariant::Typical)
            }
            _ => return None,
        };
        let (table, column) = self.tables.column(named)?;
        if !takes_its_own_type(operator) || !self.fits(number, named, column) {
            return None;
        }
        let nth = company.equal_before(named);
        let pick = |nth: usize| self.pick(&table.name, column, variant, nth);
        let name = format!("{}.{}", table.name, column.name);
        match position {
            Position::Part => None,
            Position::ColumnElement => self.element(&table.name, column, variant, nth),
            Position::Element if operator != "=" && operator != "<>" => {
                self.element(&table.name, column, variant, nth)
            }
            Position::Array => {
                let values: Vec<(String, &str)> = (0..ARRAY_LENGTH).filter_map(pick).collect();
                let (_, what) = values.first()?;
                let origin = format!("{what} of {name} and its neighbours");
                let list = values.iter().map(|(value, _)| value.as_str());
                Some((format!("{}[]", column.type_name), array(list), origin))
            }
            Position::Pattern => {
                let (value, what) = pick(nth)?;
                let pattern = pattern(&folded(named, value), operator);
                Some((
                    "text".to_owned(),
                    pattern,
                    format!("start of {what} of {name}"),
                ))
            }
            Position::Value | Position::Element | Position::Carried => {
                let (value, what) = match bound(operator) {
                    Some(bound) => company
                        .range(number, named, column, bound)
                        .or_else(|| pick(0))?,
                    None => pick(nth)?,
                };
                let value = folded(named, value);
                Some((column.type_name.clone(), value, format!("{what} of {name}")))
            }
        }
    }

    /// Whether values of the column are values of what the parameter is compared with: the column itself, or an
    /// expression of a like type.
    fn fits(&self, number: u32, named: &ParameterColumn, column: &Column) -> bool {
        let Some(expression) = &named.expression else {
            return true;
        };
        let text = expression.contains("lower(") || expression.contains("upper(");
        let of_column = family(column.stored_type());
        text || match self.type_of(number) {
            Some(inferred) => family(&inferred.base) == of_column,
            None => of_column == Family::Text,
        }
    }

    /// An element of an array column.
    fn element(
        &self,
        table: &QualifiedName,
        column: &Column,
        variant: ParameterVariant,
        nth: usize,
    ) -> Option<(String, String, String)> {
        let elements = self.tables.elements(table, &column.name);
        let start = match variant {
            ParameterVariant::MostCommon => 0,
            _ => elements.len() / 2,
        };
        let index = (start + nth).checked_rem(elements.len())?;
        let value = elements.get(index)?.clone();
        let type_name = column.type_name.trim_end_matches("[]").to_owned();
        Some((
            type_name,
            value,
            format!("common element of {table}.{}", column.name),
        ))
    }

    fn pick(
        &self,
        table: &QualifiedName,
        column: &Column,
        variant: ParameterVariant,
        nth: usize,
    ) -> Option<(String, &'static str)> {
        column
            .statistics
            .as_ref()
            .and_then(|statistics| pick(statistics, variant, nth))
            .or_else(|| {
                let sample = self.tables.sample(table, &column.name)?.clone()?;
                Some((sample, "a row's value"))
            })
    }
}

/// What other parameters of a statement are compared with the same columns.
struct Company<'a> {
    /// How many of the parameters that were passed are compared with a column for equality: the elements of an IN list
    /// are to differ.
    equal: BTreeMap<&'a ParameterColumn, usize>,
    /// The parameters that bound a column from below, or from above.
    bounds: BTreeMap<(&'a ParameterColumn, Bound), BTreeSet<u32>>,
}

impl<'a> Company<'a> {
    fn of(uses: &'a Parameters) -> Self {
        let mut bounds: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
        for (number, uses) in uses {
            for (column, operator) in comparisons(uses) {
                if let Some(bound) = bound(operator) {
                    bounds.entry((column, bound)).or_default().insert(*number);
                }
            }
        }
        Self {
            equal: BTreeMap::new(),
            bounds,
        }
    }

    fn pass(&mut self, uses: &'a [ParameterUse]) {
        let equal = comparisons(uses).filter(|(_, operator)| bound(operator).is_none());
        for column in equal.map(|(column, _)| column).collect::<BTreeSet<_>>() {
            *self.equal.entry(column).or_default() += 1;
        }
    }

    fn equal_before(&self, column: &ParameterColumn) -> usize {
        self.equal.get(column).copied().unwrap_or_default()
    }

    /// The bound of a range: so that a tenth of the values lies within, whether it is open or closed by another
    /// parameter.
    fn range(
        &self,
        number: u32,
        named: &ParameterColumn,
        column: &Column,
        bound: Bound,
    ) -> Option<(String, &'static str)> {
        let statistics = column.statistics.as_ref()?;
        let closing = self.bounds.get(&(named, bound.opposite()));
        let closed = closing.is_some_and(|closing| closing.iter().any(|other| *other != number));
        let (lower, what) = if closed {
            (CLOSED_RANGE, "near the middle of the histogram")
        } else {
            (OPEN_RANGE, "near the end of the histogram")
        };
        let at = match bound {
            Bound::Lower => lower,
            Bound::Upper => 100 - lower,
        };
        quantile(statistics, at).map(|value| (value, what))
    }
}

/// The columns that a parameter is compared with, and how.
fn comparisons(uses: &[ParameterUse]) -> impl Iterator<Item = (&ParameterColumn, &str)> {
    uses.iter().filter_map(|used| match used {
        ParameterUse::Compared {
            column, operator, ..
        } => Some((column, operator.as_str())),
        _ => None,
    })
}

/// The types of parameters that a column of a list of rows carries to where a column of a table tells what they are.
/// Constants had types of their own there; parameters are text to the server.
pub(super) fn carried_types(uses: &Parameters, tables: &TablesUnder<'_>) -> BTreeMap<u32, String> {
    let of_use = |used: &ParameterUse| match used {
        ParameterUse::Compared {
            column,
            position: Position::Carried,
            ..
        }
        | ParameterUse::Assigned {
            column,
            position: Position::Carried,
        } if column.expression.is_none() => Some(tables.column(column)?.1.type_name.clone()),
        _ => None,
    };
    uses.iter()
        .filter_map(|(number, uses)| Some((*number, uses.iter().find_map(of_use)?)))
        .collect()
}

/// Whether both sides of the operator are of one type, or the other side is text. `?`, `@@`, `@?`, `->` and the like
/// take something else.
fn takes_its_own_type(operator: &str) -> bool {
    matches!(
        operator,
        "=" | "<>" | "!=" | "<" | "<=" | ">" | ">=" | "@>" | "<@" | "&&"
    ) || operator.contains('~')
        || operator.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Which end of a range a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Lower,
    Upper,
}

impl Bound {
    const fn opposite(self) -> Self {
        match self {
            Self::Lower => Self::Upper,
            Self::Upper => Self::Lower,
        }
    }
}

fn bound(operator: &str) -> Option<Bound> {
    match operator {
        ">" | ">=" => Some(Bound::Lower),
        "<" | "<=" => Some(Bound::Upper),
        _ => None,
    }
}

/// The `nth` value of a kind. The histogram leaves the most common values out, so its values are the ordinary ones.
fn pick(
    statistics: &ColumnStatistics,
    variant: ParameterVariant,
    nth: usize,
) -> Option<(String, &'static str)> {
    let common = &statistics.most_common_values;
    let histogram = &statistics.histogram_bounds;
    let at = |values: &[String], start: usize| {
        let index = (start + nth).checked_rem(values.len())?;
        values.get(index).cloned()
    };
    let most_common = || Some((at(common, 0)?, "most common value"));
    let middle = || {
        Some((
            at(histogram, histogram.len() / 2)?,
            "middle of the histogram",
        ))
    };
    match variant {
        ParameterVariant::MostCommon => most_common().or_else(middle),
        ParameterVariant::Rare if !common.is_empty() => at(histogram, histogram.len() / 4)
            .map(|value| (value, "rare value"))
            .or_else(|| {
                let last = common.len().checked_sub(1 + nth % common.len().max(1))?;
                Some((
                    common.get(last)?.clone(),
                    "least common of the listed values",
                ))
            }),
        _ => middle().or_else(|| {
            let value = at(common, common.len() / 2)?;
            Some((value, "middle of the most common values"))
        }),
    }
}

/// The value below which so many percent of the values lie; without a histogram, of the most common values in their
/// order.
fn quantile(statistics: &ColumnStatistics, percent: usize) -> Option<String> {
    let mut values = statistics.histogram_bounds.clone();
    if values.is_empty() {
        values.clone_from(&statistics.most_common_values);
        sort_values(&mut values);
    }
    let last = values.len().checked_sub(1)?;
    values.get(last * percent / 100).cloned()
}

/// By number where all are numbers; else as text, which is right for ISO dates.
fn sort_values(values: &mut [String]) {
    let numeric = values.iter().all(|value| value.parse::<f64>().is_ok());
    if numeric {
        values.sort_by(|a, b| {
            let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
            number(a).total_cmp(&number(b))
        });
    } else {
        values.sort();
    }
}

/// The value as an expression over the column would give it.
fn folded(column: &ParameterColumn, value: String) -> String {
    let expression = column.expression.as_deref().unwrap_or_default();
    if expression.contains("lower(") {
        value.to_lowercase()
    } else if expression.contains("upper(") {
        value.to_uppercase()
    } else {
        value
    }
}

/// A pattern that the start of `value` matches.
fn pattern(value: &str, operator: &str) -> String {
    let length = value.chars().count().div_ceil(2).clamp(1, 4);
    let start: String = value.chars().take(length).collect();
    if operator.contains("~~") || operator.eq_ignore_ascii_case("similar to") {
        let mut pattern: String = start
            .chars()
            .filter(|c| !matches!(c, '%' | '_' | '\\'))
            .collect();
        pattern.push('%');
        pattern
    } else {
        let plain: String = start.chars().filter(|c| c.is_alphanumeric()).collect();
        format!("^{plain}")
    }
}

/// Kinds of types that read one another's text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Text,
    Number,
    Time,
    Other,
}

pub(super) fn family(type_name: &str) -> Family {
    let name = type_name.to_ascii_lowercase();
    if name.ends_with("[]") {
        return Family::Other;
    }
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(&["text", "char", "varchar", "citext", "name"]) {
        Family::Text
    } else if starts(&["timestamp", "date"]) {
        Family::Time
    } else if starts(&[
        "int", "bigint", "smallint", "numeric", "decimal", "real", "double", "float",
    ]) && !name.starts_with("interval")
        && !name.ends_with("range")
    {
        Family::Number
    } else {
        Family::Other
    }
}
