//! Conditions that must hold for a row to count, each on its own.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, JoinConstraint, JoinOperator, Select, Statement, VisitorMut,
};

use super::sources::{Reader, Sources};
use super::{Assumption, Obstacle, Rewrite, Tables, of_copy, written};
use crate::sql::parse;
use crate::sql::walk::walk_mut;

/// What a condition stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    And,
    Or,
}

/// Offers each test below `AND` and `OR` to `change`. There it matters only whether a test is true: what is not true
/// may as well be false or NULL.
pub fn each_test(condition: &mut Expr, change: &mut dyn FnMut(&Expr) -> Option<Expr>) {
    test(condition, Inside::And, change);
}

fn test(condition: &mut Expr, inside: Inside, change: &mut dyn FnMut(&Expr) -> Option<Expr>) {
    match condition {
        Expr::Nested(inner) => test(inner, Inside::And, change),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => {
            test(left, Inside::And, change);
            test(right, Inside::And, change);
        }
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Or,
            right,
        } => {
            test(left, Inside::Or, change);
            test(right, Inside::Or, change);
        }
        leaf => {
            if let Some(new) = change(leaf) {
                let several = match &new {
                    Expr::BinaryOp { op, .. } => {
                        *op == BinaryOperator::Or
                            || *op == BinaryOperator::And && inside == Inside::Or
                    }
                    _ => false,
                };
                *leaf = if several {
                    Expr::Nested(Box::new(new))
                } else {
                    new
                };
            }
        }
    }
}

/// The tests that must all hold.
pub fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    operands(condition, &BinaryOperator::And)
}

/// The tests of which one must hold.
pub fn disjuncts(condition: &Expr) -> Vec<&Expr> {
    operands(condition, &BinaryOperator::Or)
}

/// What a chain of an operator connects.
fn operands<'e>(condition: &'e Expr, operator: &BinaryOperator) -> Vec<&'e Expr> {
    match condition {
        Expr::Nested(inner) => operands(inner, operator),
        Expr::BinaryOp { left, op, right } if op == operator => {
            let mut all = operands(left, operator);
            all.extend(operands(right, operator));
            all
        }
        other => vec![other],
    }
}

/// `tests`, each of which must hold.
pub fn all_of(tests: impl IntoIterator<Item = Expr>) -> Option<Expr> {
    tests.into_iter().reduce(|left, right| Expr::BinaryOp {
        left: Box::new(left),
        op: BinaryOperator::And,
        right: Box::new(right),
    })
}

/// Parentheses where an operator binds less than `AND` or as much.
pub fn as_conjunct(expr: Expr) -> Expr {
    match expr {
        Expr::BinaryOp {
            op: BinaryOperator::Or,
            ..
        } => Expr::Nested(Box::new(expr)),
        other => other,
    }
}

/// The condition of a join that has `ON`.
pub fn on(operator: &JoinOperator) -> Option<&Expr> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on))
        | JoinOperator::Left(JoinConstraint::On(on))
        | JoinOperator::LeftOuter(JoinConstraint::On(on))
        | JoinOperator::Right(JoinConstraint::On(on))
        | JoinOperator::RightOuter(JoinConstraint::On(on))
        | JoinOperator::FullOuter(JoinConstraint::On(on)) => Some(on),
        _ => None,
    }
}

/// Of the joins that take any condition: a `FULL JOIN` needs one that can be hashed or merged.
fn on_mut(operator: &mut JoinOperator) -> Option<&mut Expr> {
    match operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on))
        | JoinOperator::Left(JoinConstraint::On(on))
        | JoinOperator::LeftOuter(JoinConstraint::On(on))
        | JoinOperator::Right(JoinConstraint::On(on))
        | JoinOperator::RightOuter(JoinConstraint::On(on)) => Some(on),
        _ => None,
    }
}

/// What a test sees.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The relations of its level and those around it.
    pub sources: &'a Sources,
    /// What is known of the catalog and of the whole statement.
    pub reader: &'a Reader<'a>,
}

/// The statement with the new form of each test of each `WHERE` and `ON` that `change` has one for. What a new form
/// takes for granted, it adds to the assumptions.
///
/// # Errors
///
/// The first [`Obstacle`] that was met where no test could be changed.
pub fn each_rewritten(
    statement: &parse::Statement,
    tables: &dyn Tables,
    change: impl Fn(&Expr, Around<'_>, &mut Vec<Assumption>) -> Option<Result<Expr, Obstacle>>,
) -> Result<Rewrite, Obstacle> {
    of_copy(statement, |mut tree| {
        let reader = Reader::new(tables, &tree);
        let (mut assumes, mut obstacle, mut changed) = (Vec::new(), None, false);
        each_condition(&mut tree, &reader, &mut |test, sources| {
            let mut own = Vec::new();
            let around = Around {
                sources,
                reader: &reader,
            };
            match change(test, around, &mut own)? {
                Ok(new) => {
                    changed = true;
                    assumes.append(&mut own);
                    Some(new)
                }
                Err(found) => {
                    obstacle.get_or_insert(found);
                    None
                }
            }
        });
        if changed {
            Ok(written(&tree, assumes))
        } else {
            Err(obstacle.unwrap_or(Obstacle::Absent))
        }
    })
}

/// Offers each test of each `WHERE` and `ON` of the statement to `change`, with the relations that it sees.
fn each_condition(
    tree: &mut Statement,
    reader: &Reader<'_>,
    change: &mut dyn FnMut(&Expr, &Sources) -> Option<Expr>,
) {
    if let Some(sources) = Sources::of_write(tree, reader) {
        let selection = match tree {
            Statement::Update(update) => update.selection.as_mut(),
            Statement::Delete(delete) => delete.selection.as_mut(),
            _ => None,
        };
        if let Some(condition) = selection {
            each_test(condition, &mut |test| change(test, &sources));
        }
    }
    let mut selects = Selects { reader, change };
    let _: ControlFlow<()> = walk_mut(tree, &mut selects);
}

struct Selects<'r, 'f> {
    reader: &'r Reader<'r>,
    change: &'f mut dyn FnMut(&Expr, &Sources) -> Option<Expr>,
}

impl VisitorMut for Selects<'_, '_> {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let sources = Sources::of_select(select, self.reader);
        let joins = select.from.iter_mut().flat_map(|tables| &mut tables.joins);
        let joined = joins.filter_map(|join| on_mut(&mut join.join_operator));
        for condition in joined.chain(&mut select.selection) {
            each_test(condition, &mut |test| (self.change)(test, &sources));
        }
        ControlFlow::Continue(())
    }
}
