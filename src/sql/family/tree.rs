//! The canonical text of a syntax tree.
//!
//! One walk over the tree: names are resolved on the way down, expressions normalised on the way up, aliases dropped
//! when their query is left.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, Assignment, Delete, Distinct, Expr, FromTable, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, LimitClause, ObjectName, ObjectNamePart, OffsetRows,
    OnConflictAction, OnInsert, OrderByExpr, OrderBySort, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, Update, UpdateTableFromKind, VisitorMut,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};

use super::TokensReason;
use super::expression::{self, Place};
use super::output::{drop_aliases, drop_in_items};
use super::relations::{self, Frame, Frames, Resolved};
use super::shape::is_plain;
use crate::sql::walk::walk_mut;

/// Levels of the parser's own recursion; [`super::shape`] limits the text to fewer.
const RECURSION_LIMIT: usize = 400;

/// The canonical text of one statement, whose constants are `'?'`.
pub(super) fn canonical(sql: &str) -> Result<String, TokensReason> {
    let mut statements = Parser::new(&PostgreSqlDialect {})
        .with_recursion_limit(RECURSION_LIMIT)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(reason)?;
    let Some(mut statement) = statements.pop().filter(|_| statements.is_empty()) else {
        return Err(TokensReason::Several);
    };
    if let Statement::Query(query) = &mut statement {
        drop_aliases(query);
    }
    let mut walk = Walk::default();
    match walk_mut(&mut statement, &mut walk) {
        ControlFlow::Continue(()) => Ok(statement.to_string()),
        ControlFlow::Break(word) => Err(TokensReason::Syntax(format!(
            "{word} was taken for a relation"
        ))),
    }
}

fn reason(error: ParserError) -> TokensReason {
    match error {
        ParserError::RecursionLimitExceeded => TokensReason::TooComplex,
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            TokensReason::Syntax(message)
        }
    }
}

#[derive(Debug, Default)]
struct Walk {
    frames: Frames,
    places: Vec<Place>,
}

impl VisitorMut for Walk {
    /// A word that the parser misread.
    type Break = String;

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<String> {
        let frame = match statement {
            Statement::Update(update) => Frame::of_update(update),
            Statement::Delete(delete) => Frame::of_delete(delete),
            Statement::Insert(insert) => {
                if let Some(source) = &mut insert.source {
                    drop_aliases(source);
                }
                Frame::of_insert(insert)
            }
            Statement::Merge(merge) => Frame::of_merge(merge),
            _ => Frame::default(),
        };
        self.enter(frame)
    }

    fn post_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<String> {
        if let Some(frame) = self.frames.innermost() {
            match statement {
                Statement::Update(update) => strip_update(update, frame),
                Statement::Delete(delete) => strip_delete(delete, frame),
                Statement::Insert(insert) => {
                    insert.into = true;
                    insert.table_alias = None;
                    if let Some(OnInsert::OnConflict(conflict)) = &mut insert.on
                        && let OnConflictAction::DoUpdate(update) = &mut conflict.action
                    {
                        sort(&mut update.assignments);
                    }
                }
                Statement::Merge(merge) => {
                    merge.into = true;
                    relations::strip_factor(&mut merge.table, frame);
                    relations::strip_factor(&mut merge.source, frame);
                }
                _ => {}
            }
        }
        self.returning(statement);
        self.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<String> {
        limit(query);
        self.enter(match query.body.as_ref() {
            SetExpr::Select(select) => Frame::of_from(&select.from),
            _ => Frame::default(),
        })
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<String> {
        for lock in &mut query.locks {
            if let Some(of) = &mut lock.of {
                self.relation(of);
            }
        }
        self.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<String> {
        self.enter(Frame::of_from(&select.from))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<String> {
        for item in &mut select.projection {
            self.wildcard(item);
        }
        if matches!(select.distinct, Some(Distinct::All)) {
            select.distinct = None;
        }
        if let Some(frame) = self.frames.innermost() {
            relations::strip(&mut select.from, frame);
        }
        self.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<String> {
        if ident.quote_style == Some('"') && is_plain(&ident.value) {
            ident.quote_style = None;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_order_by_expr(&mut self, item: &mut OrderByExpr) -> ControlFlow<String> {
        let options = &mut item.options;
        if matches!(options.sort, Some(OrderBySort::Asc)) {
            options.sort = None;
        }
        let default = match options.sort {
            None => Some(false),
            Some(OrderBySort::Desc) => Some(true),
            _ => None,
        };
        if options.nulls_first == default {
            options.nulls_first = None;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<String> {
        self.places
            .push(Place::of(expression, self.places.last().copied()));
        match expression {
            Expr::Subquery(query)
            | Expr::InSubquery {
                subquery: query, ..
            }
            | Expr::Exists {
                subquery: query, ..
            } => drop_aliases(query),
            Expr::Function(function) => {
                if let FunctionArguments::List(list) = &mut function.args {
                    for argument in &mut list.args {
                        self.argument(argument);
                    }
                }
            }
            Expr::CompoundFieldAccess { root, access_chain } => join_column(root, access_chain),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => self.column(expression),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<String> {
        self.places.pop();
        expression::normalise(expression, self.places.last().copied());
        ControlFlow::Continue(())
    }
}

impl Walk {
    fn enter(&mut self, frame: Frame) -> ControlFlow<String> {
        let misread = frame.misread().map(str::to_owned);
        self.frames.push(frame);
        misread.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }

    /// Replaces a column's qualification by the relation's canonical name, or drops it.
    fn column(&self, expression: &mut Expr) {
        match expression {
            Expr::Identifier(name) => {
                if let Some(canonical) = self.frames.whole_row(&name.value) {
                    *name = canonical;
                }
            }
            Expr::CompoundIdentifier(parts) => {
                let resolved = match parts.as_slice() {
                    [relation, _] => self.frames.resolve(None, &relation.value),
                    [schema, relation, _] => {
                        self.frames.resolve(Some(&schema.value), &relation.value)
                    }
                    _ => None,
                };
                let (Some(resolved), Some(column)) = (resolved, parts.last().cloned()) else {
                    return;
                };
                *expression = match resolved {
                    Resolved::Only => Expr::Identifier(column),
                    Resolved::Named(relation) => Expr::CompoundIdentifier(vec![relation, column]),
                };
            }
            _ => {}
        }
    }

    /// `relation.*` in a select list.
    fn wildcard(&self, item: &mut SelectItem) {
        let SelectItem::QualifiedWildcard(
            SelectItemQualifiedWildcardKind::ObjectName(name),
            options,
        ) = item
        else {
            return;
        };
        match self.resolved(name) {
            Some(Resolved::Only) => *item = SelectItem::Wildcard(std::mem::take(options)),
            Some(Resolved::Named(relation)) => *name = object(relation),
            None => {}
        }
    }

    /// `relation.*` as an argument, as in `count(t.*)`. It is a row, which `*` there is not.
    fn argument(&self, argument: &mut FunctionArg) {
        let (FunctionArg::Unnamed(argument)
        | FunctionArg::Named { arg: argument, .. }
        | FunctionArg::ExprNamed { arg: argument, .. }) = argument;
        if let FunctionArgExpr::QualifiedWildcard(name) = argument {
            self.relation(name);
        }
    }

    /// A relation's name or alias where only its canonical name may stand.
    fn relation(&self, name: &mut ObjectName) {
        let canonical = match name.0.as_slice() {
            [ObjectNamePart::Identifier(only)] => self
                .frames
                .innermost()
                .and_then(|frame| frame.canonical(only)),
            _ => None,
        };
        if let Some(canonical) = canonical {
            *name = object(canonical);
        }
    }

    fn resolved(&self, name: &ObjectName) -> Option<Resolved> {
        match name.0.as_slice() {
            [ObjectNamePart::Identifier(relation)] => self.frames.resolve(None, &relation.value),
            [
                ObjectNamePart::Identifier(schema),
                ObjectNamePart::Identifier(relation),
            ] => self.frames.resolve(Some(&schema.value), &relation.value),
            _ => None,
        }
    }

    fn returning(&self, statement: &mut Statement) {
        let returning = match statement {
            Statement::Update(update) => &mut update.returning,
            Statement::Delete(delete) => &mut delete.returning,
            Statement::Insert(insert) => &mut insert.returning,
            _ => return,
        };
        for item in returning.iter_mut().flatten() {
            self.wildcard(item);
        }
        drop_in_items(returning.as_deref_mut().unwrap_or_default());
    }
}

/// `relation.column[1]`, which the parser reads as a relation with accesses, as a column with accesses.
fn join_column(root: &mut Expr, accesses: &mut Vec<AccessExpr>) {
    if let (Expr::Identifier(relation), Some(AccessExpr::Dot(Expr::Identifier(column)))) =
        (&mut *root, accesses.first())
    {
        *root = Expr::CompoundIdentifier(vec![relation.clone(), column.clone()]);
        accesses.remove(0);
    }
}

fn object(relation: Ident) -> ObjectName {
    ObjectName(vec![ObjectNamePart::Identifier(relation)])
}

fn strip_update(update: &mut Update, frame: &Frame) {
    relations::strip_joined(&mut update.table, frame);
    if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) =
        &mut update.from
    {
        relations::strip(from, frame);
    }
    sort(&mut update.assignments);
}

fn strip_delete(delete: &mut Delete, frame: &Frame) {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &mut delete.from;
    relations::strip(from, frame);
    if let Some(using) = &mut delete.using {
        relations::strip(using, frame);
    }
}

/// The order of assignments means nothing: all read the row as it was.
fn sort(assignments: &mut [Assignment]) {
    assignments.sort_by_cached_key(ToString::to_string);
}

/// FETCH FIRST becomes LIMIT; LIMIT ALL, ROW and ROWS go.
fn limit(query: &mut Query) {
    let fetched = query
        .fetch
        .take_if(|fetch| !fetch.with_ties && !fetch.percent)
        .map(|fetch| fetch.quantity.unwrap_or_else(expression::constant));
    if let Some(quantity) = fetched {
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset { limit, .. }) => *limit = Some(quantity),
            _ => {
                query.limit_clause = Some(LimitClause::LimitOffset {
                    limit: Some(quantity),
                    offset: None,
                    limit_by: Vec::new(),
                });
            }
        }
    }
    if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &mut query.limit_clause {
        if let Some(offset) = offset {
            offset.rows = OffsetRows::None;
        } else if limit.is_none() {
            query.limit_clause = None;
        }
    }
}
