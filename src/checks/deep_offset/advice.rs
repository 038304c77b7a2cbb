//! Keyset paging with the statement's own order: written out where that is sure to find each row once, else in words.

use super::super::Case;
use super::super::support::{Words, advice};
use crate::finding::{Action, Recommendation};
use crate::ids::quote_ident;
use crate::sql::facts::{Facts, Level, RelationUse, SortKey, facts};
use crate::sql::parse::{Statement, parse};
use crate::sql::rewrite::{self, Keyset};

/// Advises to page by key instead.
pub(super) fn keyset(case: &Case<'_>, text: &str) -> Recommendation {
    let statement = parse(text).ok();
    let written = statement
        .as_ref()
        .and_then(|statement| rewrite::keyset(statement, &case.catalog).ok());
    let summary = match &written {
        Some(keyset) => parameters(keyset),
        None => statement
            .and_then(|statement| order(case, &statement))
            .map_or_else(|| WITHOUT_ORDER.to_owned(), |order| order.advice()),
    };
    let words = Words {
        summary: &summary,
        expected: "a page costs the same however far down it is, given an index in this order",
        risk: "the application keeps the last row's key and can no longer jump to a page by its number",
    };
    Recommendation {
        rewrite: written.map(|keyset| keyset.rewrite.text),
        ..advice(Action::RewriteQuery, words)
    }
}

/// Advice where the statement's order is not understood.
const WITHOUT_ORDER: &str =
    "page by key instead of OFFSET: remember the last row's sort key and ask for the rows after it";

/// What the parameters of the rewritten statement take.
fn parameters(keyset: &Keyset) -> String {
    let keys: Vec<String> = keyset
        .keys
        .iter()
        .map(|(column, number)| format!("${number} is {column}"))
        .collect();
    let added = match keyset.added.as_slice() {
        [] => String::new(),
        added => format!("; it returns {} too, for the next page", added.join(", ")),
    };
    format!(
        "page by key instead of OFFSET: {} of the last row that was read; the first page goes without that condition{added}",
        keys.join(", ")
    )
}

/// What the statement sorts its pages by.
enum Order {
    /// Nothing.
    None,
    /// Columns of one table.
    Columns {
        columns: Vec<String>,
        direction: Direction,
        /// Whether the columns tell any two rows apart.
        unique: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
    Mixed,
}

/// `None` where the text does not parse, or it is sorted by anything else than columns of one table.
fn order(case: &Case<'_>, statement: &Statement) -> Option<Order> {
    let facts = facts(statement, &case.catalog);
    let level = facts.levels.iter().find(|level| level.offset.is_some())?;
    if level.order_by.is_empty() {
        return Some(Order::None);
    }
    let relation = facts.relations.get(level.order_relation()?)?;
    let columns: Option<Vec<String>> = level
        .order_by
        .iter()
        .map(|sort| Some(sort.key.as_ref()?.column()?.to_owned()))
        .collect();
    let columns = columns?;
    Some(Order::Columns {
        direction: direction(&level.order_by),
        unique: is_alone(&facts, level) && tells_apart(case, relation, &columns),
        columns,
    })
}

fn direction(keys: &[SortKey]) -> Direction {
    match keys.iter().filter(|key| key.descending).count() {
        0 => Direction::Ascending,
        descending if descending == keys.len() => Direction::Descending,
        _ => Direction::Mixed,
    }
}

/// A join may return a row of a table several times.
fn is_alone(facts: &Facts, level: &Level) -> bool {
    level.relations.len() == 1 && facts.levels.len() == 1
}

/// Whether a unique index has no other columns than these.
fn tells_apart(case: &Case<'_>, relation: &RelationUse, columns: &[String]) -> bool {
    let resolved = relation.resolved.as_ref();
    let table = resolved.and_then(|name| case.catalog.named(name));
    table.is_some_and(|table| {
        case.catalog.indexes(table.table.oid).any(|index| {
            let mut keys = index.keys.iter();
            index.unique
                && index.valid
                && index.predicate.is_none()
                && keys.all(|key| key.column.as_ref().is_some_and(|c| columns.contains(c)))
        })
    })
}

impl Order {
    fn advice(&self) -> String {
        let Self::Columns {
            columns,
            direction,
            unique,
        } = self
        else {
            return "page by key instead of OFFSET, in an order that a unique column ends: without ORDER BY a page holds any rows"
                .to_owned();
        };
        let quoted: Vec<_> = columns.iter().map(|column| quote_ident(column)).collect();
        let key = match quoted.as_slice() {
            [only] => only.to_string(),
            several => format!("({})", several.join(", ")),
        };
        let end = if *unique {
            ""
        } else {
            "; end the order with a unique column, such as the primary key"
        };
        match direction {
            Direction::Ascending => after(&key, ">", end),
            Direction::Descending => after(&key, "<", end),
            Direction::Mixed => format!(
                "page by key instead of OFFSET: remember {key} of the last row and ask for the rows after it, key by key, because the directions differ{end}"
            ),
        }
    }
}

fn after(key: &str, operator: &str, end: &str) -> String {
    format!(
        "page by key instead of OFFSET: WHERE {key} {operator} that of the last row, the same ORDER BY, LIMIT alone{end}"
    )
}
