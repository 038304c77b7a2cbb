//! The conditions that some index could look up. Those that no index method knows (`<>`, NOT LIKE), or that keep most
//! rows of most tables (a boolean, IS NULL), ask for none.

use super::{Dress, dress};
use crate::checks::TableRef;
use crate::snapshot::IndexKey;
use crate::sql::facts::{Facts, Literal, Operand, Predicate, Test, Value};
use crate::sql::redact::is_pattern_token;

/// What kind of index a condition asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A btree, the column being compared for equality.
    Equal,
    /// A btree, the column being compared with a bound.
    Range,
    /// A btree that compares characters: the start of a text.
    Prefix,
    /// Trigrams: what is somewhere in a text.
    Trigrams,
    /// An index of what the column contains, by this operator.
    Contains(String),
    /// An element of an array.
    Element,
}

/// A condition that an index could serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The column.
    pub column: String,
    /// How it stands in the condition.
    pub wrap: Wrap,
    /// What is asked.
    pub asks: Asks,
    /// The group and the arm of OR that it stands in; `None` where it must hold for every row.
    pub arm: Option<(usize, usize)>,
}

/// How a column stands in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrap {
    /// Alone.
    Bare,
    /// Cast to a wider type.
    Cast(String),
    /// In an expression, as an index would have it.
    Expression {
        /// The expression.
        text: String,
        /// Whether it needs the value of a parameter.
        open: bool,
    },
}

impl Lookup {
    /// Whether an index that begins with this key serves it.
    pub fn begins(&self, key: &IndexKey) -> bool {
        match &self.wrap {
            Wrap::Bare => key.column.as_deref() == Some(self.column.as_str()),
            Wrap::Cast(_) => false,
            Wrap::Expression { text, .. } => {
                key.expression.as_deref().is_some_and(|own| same(own, text))
            }
        }
    }
}

/// Whether two expressions are one, but for blanks, parentheses and the casts that the server writes out.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> String {
        text.replace("::text", "")
            .chars()
            .filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')'))
            .collect()
    };
    plain(one) == plain(other)
}

/// The conditions of a scan that an index could serve, those of an OR only where each of its arms has one.
pub fn lookups(facts: &Facts, table: TableRef<'_>) -> Vec<Lookup> {
    let predicates = facts.relations.first().map(|scan| &scan.predicates);
    let all: Vec<Lookup> = predicates
        .into_iter()
        .flatten()
        .filter_map(|predicate| lookup(predicate, table))
        .collect();
    let whole = |group: usize| {
        let arms = facts.or_groups.get(group).copied().unwrap_or_default();
        arms > 0 && (0..arms).all(|arm| all.iter().any(|lookup| lookup.arm == Some((group, arm))))
    };
    all.iter()
        .filter(|lookup| lookup.arm.is_none_or(|(group, _)| whole(group)))
        .cloned()
        .collect()
}

/// Whether the pattern of LIKE, which may be a token, begins with a wildcard.
pub fn is_infix(test: &Test) -> bool {
    matches!(test, Test::Like { pattern: Value::Literal(Literal::Text(pattern)), .. }
        if pattern.starts_with(['%', '_']) || is_pattern_token(pattern))
}

fn is_regex(operator: &str) -> bool {
    matches!(operator, "~" | "~*")
}

fn lookup(predicate: &Predicate, table: TableRef<'_>) -> Option<Lookup> {
    let arm = match predicate.arms.as_slice() {
        [] => None,
        [only] => Some((only.group, only.arm)),
        _ => return None,
    };
    let (column, wrap) = match dress(Some(table), &predicate.operand)? {
        Dress::Bare { column } => (column, Wrap::Bare),
        Dress::Cast { column, to } => (column, Wrap::Cast(to.to_owned())),
        Dress::Wrapped { column, text } => (
            column,
            Wrap::Expression {
                text: text.to_owned(),
                open: matches!(&predicate.operand, Operand::Expression(expression)
                    if !expression.parameters.is_empty()),
            },
        ),
    };
    let is_boolean = table
        .table
        .column(column)
        .is_some_and(|column| column.stored_type() == "boolean");
    let asks = match &predicate.test {
        Test::Equal(_) | Test::In(_) if !is_boolean || wrap != Wrap::Bare => Asks::Equal,
        // Where the other arms are looked up, so are the rows without a value.
        Test::IsNull if arm.is_some() => Asks::Equal,
        Test::Range { .. } | Test::Row { .. } => Asks::Range,
        Test::LikePrefix {
            case_insensitive: false,
            ..
        } => Asks::Prefix,
        Test::Like {
            pattern: Value::Literal(Literal::Text(_)),
            case_insensitive: false,
        } if !is_infix(&predicate.test) => Asks::Prefix,
        Test::LikePrefix { .. } | Test::Like { .. } => Asks::Trigrams,
        Test::Contains { operator, .. } | Test::Other { operator, .. } if is_regex(operator) => {
            Asks::Trigrams
        }
        Test::Contains { operator, .. } => Asks::Contains(operator.clone()),
        Test::HasElement(_) => Asks::Element,
        _ => return None,
    };
    Some(Lookup {
        column: column.to_owned(),
        wrap,
        asks,
        arm,
    })
}
