//! What the filter of a scan asks, read as SQL.

use crate::checks::{Case, CasePlan, TableRef};
use crate::ids::quote_ident;
use crate::plan::{ConditionKind, Node};
use crate::snapshot::Column;
use crate::sql::facts::{Expression, Facts, Operand, Predicate, facts};
use crate::sql::lexer::{Token, TokenKind, redacted_tokens};
use crate::sql::parse::parse;

/// Types that a value of another is cast to without losing anything: where the server compares two values so, it is the
/// other one that has the wrong type (`pg_cast`: implicit casts upwards in the numeric category).
const NUMERIC: [&str; 3] = ["numeric", "double precision", "real"];

/// Whole numbers, which such a cast goes out from.
const WHOLE: [&str; 4] = ["smallint", "integer", "bigint", "numeric"];

/// Types of texts.
const TEXTS: [&str; 3] = ["text", "character varying", "name"];

/// What a condition does to the column that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dress<'p> {
    /// Nothing that keeps an index on the column from serving it.
    Bare {
        /// The column.
        column: &'p str,
    },
    /// A cast that loses nothing, so that the other side could have had the column's type.
    Cast {
        /// The column.
        column: &'p str,
        /// The type that it is cast to.
        to: &'p str,
    },
    /// A function, an operator or another cast.
    Wrapped {
        /// The column.
        column: &'p str,
        /// The expression, as an index would have it.
        text: &'p str,
    },
}

/// The facts of `SELECT … WHERE filter` over the relation that a node scans; its only relation use is that one.
pub fn filter_facts(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Facts> {
    let filter = node.condition(&ConditionKind::Filter)?;
    condition_facts(case, plan, node, filter)
}

/// The same of another condition of the scan.
pub fn condition_facts(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    condition: &str,
) -> Option<Facts> {
    let target = &node.target;
    let relation = target.relation.as_deref()?;
    let name = match plan.table(&case.catalog, node) {
        Some(table) => case.catalog.root(table).table.name.to_string(),
        None => quote_ident(relation).into_owned(),
    };
    let alias = target.alias.as_deref().unwrap_or(relation);
    let condition = closed(condition, alias);
    let alias = quote_ident(alias);
    let text = format!("SELECT 1 FROM {name} AS {alias} WHERE {condition}");
    let statement = parse(&text).ok()?;
    Some(facts(&statement, &case.catalog))
}

/// A value that other parts of the plan give.
const GIVEN: &str = "(SELECT 1)";

/// A condition with a value in place of whatever other parts of the plan give: the results of sub-plans
/// (`(hashed SubPlan 1).col1`) and columns of other relations.
fn closed(condition: &str, alias: &str) -> String {
    let all: Vec<Token<'_>> = redacted_tokens(condition).collect();
    let mut out = String::with_capacity(condition.len());
    let mut at = 0;
    while let Some(token) = all.get(at) {
        let rest = all.get(at..).unwrap_or_default();
        let is_type = at
            .checked_sub(1)
            .and_then(|before| all.get(before))
            .is_some_and(|before| before.text == "::");
        let taken = sub_plan(rest).or_else(|| outer(rest, alias).filter(|_| !is_type));
        out.push_str(taken.map_or(token.text, |_| GIVEN));
        at += taken.unwrap_or(1);
    }
    out
}

/// How many tokens `(SubPlan 1)`, `(hashed SubPlan 1).col1` or `(InitPlan 1).col1` takes.
fn sub_plan(rest: &[Token<'_>]) -> Option<usize> {
    let open = rest.first().filter(|token| token.text == "(")?;
    let close = rest.iter().position(|token| token.text == ")")?;
    let inner = rest.get(open.text.len()..close)?;
    let words: Vec<&Token<'_>> = inner.iter().filter(|token| !token.is_trivia()).collect();
    let named = match words.as_slice() {
        [hashed, kind, _] if hashed.is_word("hashed") => kind,
        [kind, number] if number.kind == TokenKind::Integer => kind,
        _ => return None,
    };
    if !named.is_word("subplan") && !named.is_word("initplan") {
        return None;
    }
    let dot = rest.get(close + 1).is_some_and(|token| token.text == ".");
    Some(close + 1 + if dot { 2 } else { 0 })
}

/// How many tokens `other.column` takes.
fn outer(rest: &[Token<'_>], alias: &str) -> Option<usize> {
    let [name, dot, column, ..] = rest else {
        return None;
    };
    let called = rest.get(3).is_some_and(|token| token.text == "(");
    let other = name.identifier().is_some_and(|name| name != alias);
    (other && dot.text == "." && column.is_name() && !called).then_some(3)
}

/// The conditions that every row must meet.
pub fn conditions(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Vec<Predicate> {
    let facts = filter_facts(case, plan, node);
    let scan = facts.and_then(|facts| facts.relations.into_iter().next());
    let predicates = scan.into_iter().flat_map(|scan| scan.predicates);
    predicates
        .filter(|predicate| predicate.arms.is_empty())
        .collect()
}

/// How the column stands in a condition; `None` where it is about several columns.
pub fn dress<'p>(table: Option<TableRef<'_>>, operand: &'p Operand) -> Option<Dress<'p>> {
    let expression = match operand {
        Operand::Column(column) => return Some(Dress::Bare { column }),
        Operand::Expression(expression) => expression,
    };
    let [column] = expression.columns.as_slice() else {
        return None;
    };
    let of_column = table.and_then(|table| table.table.column(column));
    Some(match cast(expression, of_column) {
        Some(Cast::Relabelled) => Dress::Bare { column },
        Some(Cast::Lossless { to }) => Dress::Cast { column, to },
        None => Dress::Wrapped {
            column,
            text: &expression.text,
        },
    })
}

enum Cast<'p> {
    /// The same bytes: an index on the column serves the condition.
    Relabelled,
    Lossless {
        to: &'p str,
    },
}

fn cast<'p>(expression: &'p Expression, of_column: Option<&Column>) -> Option<Cast<'p>> {
    let to = expression.cast.as_deref()?;
    let of_column = of_column.map(|column| {
        let domain = column.base_type.is_some();
        (unmodified(column.stored_type()), domain)
    });
    // The server compares a domain's values as those of its base type.
    if matches!(of_column, Some((base, true)) if base == unmodified(to)) {
        return Some(Cast::Relabelled);
    }
    let of_column = of_column.map(|(name, _)| name);
    let is = |types: &[&str], name: &str| types.contains(&name);
    match of_column {
        Some(from) if is(&TEXTS, from) => is(&TEXTS, to).then_some(Cast::Relabelled),
        Some(from) if is(&NUMERIC, to) => is(&WHOLE, from).then_some(Cast::Lossless { to }),
        // Equal to one another are other values of this type than of text.
        Some(from) if from.ends_with("citext") => None,
        Some(_) => is(&TEXTS, to).then_some(Cast::Lossless { to }),
        // Without the catalog: a text is mostly a varchar, and a number mostly a whole one.
        None if is(&TEXTS, to) => Some(Cast::Relabelled),
        None => is(&NUMERIC, to).then_some(Cast::Lossless { to }),
    }
}

/// A type without its modifier: `character varying` of `character varying(20)`.
fn unmodified(name: &str) -> &str {
    name.split('(').next().unwrap_or(name).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_parts_of_the_plan_give_is_a_value() {
        for (condition, expected) in [
            ("(o.id = c.id)", "(o.id = (SELECT 1))"),
            ("(o.id = (InitPlan 1).col1)", "(o.id = (SELECT 1))"),
            ("(hashed SubPlan 2)", "(SELECT 1)"),
            ("(NOT EXISTS(SubPlan 1))", "(NOT EXISTS(SELECT 1))"),
            (
                "(o.kind = 'a'::shop.kind AND shop.f(o.id) > 1)",
                "(o.kind = 'a'::shop.kind AND shop.f(o.id) > 1)",
            ),
        ] {
            assert_eq!(closed(condition, "o"), expected);
        }
    }
}
