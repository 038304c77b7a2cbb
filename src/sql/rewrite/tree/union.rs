//! `OR` across tables or columns as `UNION ALL` of its arms.
//!
//! Each arm's query leaves out what an earlier arm has returned: `b AND (a) IS NOT TRUE`. A row that both arms find
//! comes once, and rows that are equal come as often as before, so that no `DISTINCT` is needed and NULL counts as not
//! true.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, OrderBy, OrderByKind, Query, Select,
    SelectItem, SetExpr, Statement as Tree, Visit, Visitor, VisitorMut,
};

use super::condition::{all_of, as_conjunct, conjuncts, disjuncts};
use super::not_in::groups;
use super::sources::{Reader, Sources};
use super::volatile::{has_windows, volatile};
use super::{Obstacle, Rewrite, Tables, bare, expression, of_copy, written};
use crate::sql::parse::Statement;
use crate::sql::walk::{walk, walk_mut};

/// The most arms that are worth a query each.
const MOST_ARMS: usize = 4;

/// The statement with an `OR` over several columns as a `UNION ALL`, sorting, limiting and grouping around it.
///
/// # Errors
///
/// The first [`Obstacle`] that was met where nothing could be changed.
pub fn union_all(statement: &Statement, tables: &dyn Tables) -> Result<Rewrite, Obstacle> {
    of_copy(statement, |tree| rewritten(tree, tables))
}

fn rewritten(mut tree: Tree, tables: &dyn Tables) -> Result<Rewrite, Obstacle> {
    let reader = Reader::new(tables, &tree);
    let Tree::Query(query) = &mut tree else {
        return Err(Obstacle::Absent);
    };
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Err(Obstacle::Absent);
    };
    let sources = Sources::of_select(select, &reader);
    let split = Split::of(select, &sources).ok_or(Obstacle::Absent)?;
    if !query.locks.is_empty() {
        return Err(Obstacle::Clause("a row lock"));
    }
    if let Some(name) = split.arms.iter().find_map(volatile) {
        return Err(Obstacle::Volatile(name));
    }
    let arms = split.queries()?;
    **query = around(query, select, &sources, &arms)?;
    Ok(written(&tree, Vec::new()))
}

/// A query whose `OR` has been taken out of its conditions.
struct Split {
    /// The query with the condition empty that the `OR` was in.
    rest: Select,
    /// The join whose `ON` it was; else `WHERE`.
    join: Option<(usize, usize)>,
    /// What else that condition says.
    kept: Vec<Expr>,
    arms: Vec<Expr>,
}

impl Split {
    /// The first `OR` whose arms are about different columns, in `WHERE` or in the condition of an inner join.
    fn of(select: &Select, sources: &Sources) -> Option<Self> {
        let mut rest = select.clone();
        let mut places = select.from.iter().enumerate().flat_map(|(item, tables)| {
            let joins = tables.joins.iter().enumerate();
            joins.filter_map(move |(place, join)| Some(((item, place), inner_on(join)?)))
        });
        let join = places.find_map(|(place, on)| Some((place, split(on, sources)?)));
        let found = select.selection.as_ref();
        if let Some((kept, arms)) = found.and_then(|condition| split(condition, sources)) {
            rest.selection = None;
            return Some(Self {
                rest,
                join: None,
                kept,
                arms,
            });
        }
        // Rows that a RIGHT or FULL JOIN keeps would come from each arm.
        let mut joins = select.from.iter().flat_map(|tables| &tables.joins);
        if !joins.all(|join| inner_on(join).is_some() || keeps_left_only(join)) {
            return None;
        }
        let (place, (kept, arms)) = join?;
        Some(Self {
            rest,
            join: Some(place),
            kept,
            arms,
        })
    }

    /// A query for each arm.
    fn queries(&self) -> Result<Vec<Select>, Obstacle> {
        let mut queries = Vec::new();
        for (place, arm) in self.arms.iter().enumerate() {
            let mut select = self.rest.clone();
            let earlier: Result<Vec<Expr>, Obstacle> = self
                .arms
                .iter()
                .take(place)
                .map(|arm| expression(&format!("({}) IS NOT TRUE", bare(arm))))
                .collect();
            let own = self.kept.iter().cloned().chain([as_conjunct(arm.clone())]);
            let condition = all_of(own.chain(earlier?));
            match self.join {
                None => select.selection = condition,
                Some((item, join)) => {
                    let tables = select.from.get_mut(item);
                    let join = tables.and_then(|tables| tables.joins.get_mut(join));
                    if let (Some(join), Some(condition)) = (join, condition) {
                        join.join_operator = JoinOperator::Join(JoinConstraint::On(condition));
                    }
                }
            }
            queries.push(select);
        }
        Ok(queries)
    }
}

fn keeps_left_only(join: &Join) -> bool {
    matches!(
        join.join_operator,
        JoinOperator::CrossJoin(_) | JoinOperator::Left(_) | JoinOperator::LeftOuter(_)
    )
}

/// The condition of an inner join.
fn inner_on(join: &Join) -> Option<&Expr> {
    match &join.join_operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on)) => Some(on),
        _ => None,
    }
}

/// The arms of the first `OR` of a condition that is across columns, and what else the condition says.
fn split(condition: &Expr, sources: &Sources) -> Option<(Vec<Expr>, Vec<Expr>)> {
    let (mut kept, mut arms) = (Vec::new(), None);
    for test in conjuncts(condition) {
        let parts = disjuncts(test);
        if arms.is_none() && is_across(&parts, sources) {
            arms = Some(parts.into_iter().cloned().collect());
        } else {
            kept.push(as_conjunct(test.clone()));
        }
    }
    Some((kept, arms?))
}

/// Whether arms are about different columns, each about known ones.
fn is_across(arms: &[&Expr], sources: &Sources) -> bool {
    if arms.len() < 2 || arms.len() > MOST_ARMS {
        return false;
    }
    let columns: Option<Vec<BTreeSet<(usize, String)>>> = arms
        .iter()
        .map(|arm| columns(*arm, sources).filter(|columns| !columns.is_empty()))
        .collect();
    columns.is_some_and(|columns| {
        let mut pairs = columns.windows(2);
        pairs.all(|pair| matches!(pair, [one, other] if one != other))
    })
}

/// The columns in an expression; `None` where one is not known or a subquery stands there.
fn columns(tree: &impl Visit, sources: &Sources) -> Option<BTreeSet<(usize, String)>> {
    struct Columns<'s> {
        sources: &'s Sources,
        found: BTreeSet<(usize, String)>,
    }
    impl Visitor for Columns<'_> {
        type Break = ();
        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            ControlFlow::Break(())
        }
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Identifier(_) | Expr::CompoundIdentifier(_) = expr {
                let Some(column) = self.sources.column(expr) else {
                    return ControlFlow::Break(());
                };
                self.found
                    .insert((column.source, column.facts.name.clone()));
            }
            ControlFlow::Continue(())
        }
    }
    let mut columns = Columns {
        sources,
        found: BTreeSet::new(),
    };
    walk(tree, &mut columns)
        .is_continue()
        .then_some(columns.found)
}

/// The query over the arms.
fn around(
    query: &Query,
    select: &Select,
    sources: &Sources,
    arms: &[Select],
) -> Result<Query, Obstacle> {
    let sorts_output = super::keyset::sort_keys(query).is_some_and(|keys| {
        keys.iter().all(|key| match bare(&key.expr) {
            Expr::Identifier(ident) => is_output(ident, &select.projection),
            Expr::Value(_) => true,
            _ => false,
        })
    });
    let plain = select.distinct.is_none() && !groups(select) && !has_windows(&select.projection);
    let mut new = query.clone();
    if plain && sorts_output {
        let texts: Vec<String> = arms.iter().map(ToString::to_string).collect();
        new.body = Box::new(body(&texts.join(" UNION ALL "))?);
        return Ok(new);
    }
    // Sorting by what is not returned, grouping and the like see the rows of all arms: below them stand the columns
    // that they need.
    let mut needed = Needed {
        sources,
        names: Vec::new(),
        obstacle: None,
    };
    let mut outer = select.clone();
    outer.selection = None;
    outer.from = Vec::new();
    if outer.projection.iter().any(is_wildcard) {
        return Err(Obstacle::Clause("* below a sort or group"));
    }
    keep_names(&mut outer.projection);
    let _: ControlFlow<()> = walk_mut(&mut outer, &mut needed);
    let mut shell = new;
    if let Some(order) = &mut shell.order_by {
        needed.sort(order, &outer.projection);
    }
    *shell.body = SetExpr::Select(Box::new(outer));
    if let Some(obstacle) = needed.obstacle {
        return Err(obstacle);
    }
    let list = needed.list();
    let arms: Result<Vec<String>, Obstacle> = arms
        .iter()
        .map(|arm| {
            let mut arm = arm.clone();
            arm.distinct = None;
            arm.having = None;
            arm.named_window = Vec::new();
            arm.group_by = sqlparser::ast::GroupByExpr::Expressions(Vec::new(), Vec::new());
            arm.projection = list.clone()?;
            Ok(arm.to_string())
        })
        .collect();
    let from = body(&format!(
        "SELECT 1 FROM ({}) AS {MATCHED}",
        arms?.join(" UNION ALL ")
    ))?;
    if let (SetExpr::Select(outer), SetExpr::Select(from)) = (shell.body.as_mut(), from) {
        outer.from = from.from;
    }
    Ok(shell)
}

/// What the arms together are called.
const MATCHED: &str = "matched";

fn body(text: &str) -> Result<SetExpr, Obstacle> {
    let parsed = crate::sql::parse::parse(text).map_err(|_| Obstacle::Grammar)?;
    match parsed.tree() {
        Some(Tree::Query(query)) => Ok(query.body.as_ref().clone()),
        _ => Err(Obstacle::Grammar),
    }
}

/// Whether the output has a column of that name.
fn is_output(ident: &Ident, projection: &[SelectItem]) -> bool {
    projection.iter().any(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => alias == ident,
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => name == ident,
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last() == Some(ident),
        _ => false,
    })
}

fn is_wildcard(item: &SelectItem) -> bool {
    matches!(
        item,
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
    )
}

/// Gives columns of the select list the name that they have anyway.
fn keep_names(projection: &mut [SelectItem]) {
    for item in projection {
        let name = match &*item {
            SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident.clone()),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().cloned(),
            _ => None,
        };
        if let (Some(alias), SelectItem::UnnamedExpr(expr)) = (name, &*item) {
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias,
            };
        }
    }
}

/// The columns that are needed around the arms, as columns of theirs.
struct Needed<'s> {
    sources: &'s Sources,
    /// Relation, column, and its name around the arms.
    names: Vec<(usize, String, String)>,
    obstacle: Option<Obstacle>,
}

impl Needed<'_> {
    fn name(&mut self, source: usize, column: &str) -> String {
        let mut names = self.names.iter();
        if let Some((_, _, name)) = names.find(|(of, known, _)| *of == source && known == column) {
            return name.clone();
        }
        let taken = self.names.iter().any(|(_, _, name)| name == column);
        let relation = self.sources.items.get(source);
        let name = match relation {
            Some(relation) if taken => {
                format!("{}_{column}", relation.name.as_deref().unwrap_or_default())
            }
            _ => column.to_owned(),
        };
        let entry = (source, column.to_owned(), name.clone());
        self.names.push(entry);
        name
    }

    /// Keys of `ORDER BY` that are no output column's name.
    fn sort(&mut self, order: &mut OrderBy, projection: &[SelectItem]) {
        let OrderByKind::Expressions(keys) = &mut order.kind else {
            return;
        };
        for key in keys {
            let named = matches!(&key.expr, Expr::Identifier(name) if is_output(name, projection));
            if !named {
                let _: ControlFlow<()> = walk_mut(&mut key.expr, self);
            }
        }
    }

    fn list(&self) -> Result<Vec<SelectItem>, Obstacle> {
        if self.names.is_empty() {
            return Ok(vec![SelectItem::UnnamedExpr(expression("1")?)]);
        }
        self.names
            .iter()
            .map(|(source, column, name)| {
                let relation = self.sources.items.get(*source).ok_or(Obstacle::Absent)?;
                let column = crate::ids::quote_ident(column);
                let expr = expression(&format!("{}.{column}", relation.written))?;
                let alias = crate::ids::quote_ident(name);
                Ok(if *alias == *column {
                    SelectItem::UnnamedExpr(expr)
                } else {
                    SelectItem::ExprWithAlias {
                        expr,
                        alias: Ident::new(alias),
                    }
                })
            })
            .collect()
    }
}

impl VisitorMut for Needed<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {}
            Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
                self.obstacle
                    .get_or_insert(Obstacle::Clause("a subquery in its select list"));
                return ControlFlow::Break(());
            }
            _ => return ControlFlow::Continue(()),
        }
        let Some(column) = self.sources.column(expr) else {
            self.obstacle
                .get_or_insert(Obstacle::Unresolved(expr.to_string()));
            return ControlFlow::Break(());
        };
        let (source, column) = (column.source, column.facts.name.clone());
        let name = self.name(source, &column);
        let name = crate::ids::quote_ident(&name).into_owned();
        if let Ok(new) = expression(&format!("{MATCHED}.{name}")) {
            *expr = new;
        }
        ControlFlow::Continue(())
    }
}
