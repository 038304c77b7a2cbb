//! Queries: set operations, `SELECT`.

use sqlparser::ast::{
    self, Distinct as SqlDistinct, Expr, Fetch, LimitClause, LockClause, NamedWindowExpr, NonBlock,
    OrderByExpr, OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
};

use super::analyzer::{Analyzer, Filter, QueryColumns};
use super::side::{Shape, Side, parameter};
use super::{Bound, Distinct, LevelRole, Literal, Locking, Output};
use crate::sql::parameters::ParameterUse;
use crate::sql::scope::{Item, OutputName, Scope, folded, parts};

/// One column of a select list, with its expression where it is not from a `*`.
pub struct Projected<'e> {
    pub column: OutputName,
    pub expr: Option<&'e Expr>,
}

/// A select list as it is read.
#[derive(Default)]
pub struct Projection<'e> {
    pub columns: Vec<Projected<'e>>,
    pub open: Vec<(usize, bool)>,
    pub output: Vec<Output>,
}

impl Projection<'_> {
    /// What the query at that level returns.
    pub fn result(self, level: usize) -> QueryColumns {
        let columns = self.columns.into_iter();
        QueryColumns {
            columns: columns.map(|projected| projected.column).collect(),
            open: self.open,
            level,
        }
    }
}

impl Analyzer<'_> {
    pub fn query(&mut self, query: &Query, role: LevelRole) -> QueryColumns {
        let frame = self.with(query);
        let result = self.body(&query.body, Some(query), role);
        if frame {
            self.ctes.pop();
        }
        result
    }

    pub fn body(&mut self, body: &SetExpr, query: Option<&Query>, role: LevelRole) -> QueryColumns {
        match body {
            SetExpr::Select(select) => self.select(select, query, role),
            SetExpr::Query(inner) if query.is_none_or(is_bare) => self.query(inner, role),
            SetExpr::Query(inner) => self.wrapped(query, role, |analyzer| {
                vec![analyzer.query(inner, LevelRole::SetArm)]
            }),
            SetExpr::SetOperation { .. } => {
                let result = self.wrapped(query, role, |analyzer| analyzer.arms(body));
                self.at_level(result.level, |level| level.set_operation = true);
                result
            }
            SetExpr::Values(values) => self.values(values, query, role),
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => self.statement(statement, role),
            SetExpr::Table(_) => QueryColumns::default(),
        }
    }

    /// The arms of a chain of set operations, without recursion along the chain.
    fn arms(&mut self, body: &SetExpr) -> Vec<QueryColumns> {
        let mut pending = vec![body];
        let mut arms = Vec::new();
        while let Some(next) = pending.pop() {
            if let SetExpr::SetOperation { left, right, .. } = next {
                pending.push(right);
                pending.push(left);
            } else {
                arms.push(self.body(next, None, LevelRole::SetArm));
            }
        }
        arms
    }

    /// A level without relations of its own, over others.
    pub fn wrapped(
        &mut self,
        query: Option<&Query>,
        role: LevelRole,
        read: impl FnOnce(&mut Self) -> Vec<QueryColumns>,
    ) -> QueryColumns {
        let (level, outer) = self.open_level(role);
        let arms = read(self);
        let mut result = merge_arms(&arms);
        result.level = level;
        let output = result
            .columns
            .iter()
            .map(output)
            .chain(all_of(&result.open))
            .collect();
        self.at_level(level, |level| level.output = output);
        self.scopes.push(Scope {
            items: vec![Item {
                name: None,
                schema: None,
                columns: crate::sql::scope::Columns::Derived {
                    columns: result.columns.clone(),
                    open: result.open.clone(),
                },
            }],
        });
        if let Some(query) = query {
            self.order_and_limit(query, &Projection::default());
            if limits(query) {
                close(&mut result, |_| false);
            }
        }
        self.scopes.pop();
        self.level = outer;
        result
    }

    fn values(
        &mut self,
        values: &ast::Values,
        query: Option<&Query>,
        role: LevelRole,
    ) -> QueryColumns {
        let (level, outer) = self.open_level(role);
        let mut columns: Vec<OutputName> = Vec::new();
        for row in &values.rows {
            for (index, expr) in row.content.iter().enumerate() {
                self.expr(expr);
                if columns.len() == index {
                    columns.push(OutputName {
                        name: Some(format!("column{}", index + 1)),
                        ..OutputName::default()
                    });
                }
                if let Some(column) = columns.get_mut(index) {
                    column.parameters.extend(parameter(expr));
                }
            }
        }
        if let Some(query) = query {
            self.order_and_limit(query, &Projection::default());
        }
        self.level = outer;
        QueryColumns {
            columns,
            open: Vec::new(),
            level,
        }
    }

    fn select(&mut self, select: &Select, query: Option<&Query>, role: LevelRole) -> QueryColumns {
        let (level, outer) = self.open_level(role);
        self.scopes.push(Scope::default());
        for from in &select.from {
            self.table_with_joins(from);
        }
        if let Some(selection) = &select.selection {
            self.condition(selection, &Filter::all());
        }
        let mut projection = self.projection(&select.projection);
        self.group_by(select, &projection);
        self.windows(select);
        if let Some(having) = &select.having {
            self.having(having);
        }
        self.distinct(select, &projection);
        if let Some(query) = query {
            self.order_and_limit(query, &projection);
        }
        let output = std::mem::take(&mut projection.output);
        self.at_level(level, |level| level.output = output);
        let mut result = projection.result(level);
        self.shut(&mut result, query.is_some_and(limits));
        self.scopes.pop();
        self.level = outer;
        result
    }

    /// Which output columns conditions from outside reach through, as `subquery_is_pushdown_safe()` has it
    /// (allpaths.c).
    fn shut(&self, result: &mut QueryColumns, limited: bool) {
        let Some(level) = self.facts.levels.get(result.level) else {
            return;
        };
        if limited {
            close(result, |_| false);
        }
        let mut keep = |keys: Vec<Option<&super::Key>>| {
            close(result, |column| {
                column.sources.len() == 1
                    && keys.iter().flatten().any(|key| match key {
                        super::Key::Column(key) => column.sources.first() == Some(key),
                        super::Key::Expression { .. } => false,
                    })
            });
        };
        if level.grouping_sets {
            keep(Vec::new());
        } else if level.aggregates {
            keep(level.group_by.iter().map(Option::as_ref).collect());
        }
        if let Distinct::On(keys) = &level.distinct {
            keep(keys.iter().map(Option::as_ref).collect());
        }
        for window in &level.windows {
            keep(window.partition.iter().map(Option::as_ref).collect());
        }
    }

    /// Reads a select list or `RETURNING`.
    pub fn projection<'e>(&mut self, items: &'e [SelectItem]) -> Projection<'e> {
        let mut projection = Projection::default();
        let selecting = std::mem::replace(&mut self.selecting, true);
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = column_name(expr);
                    self.project(expr, name, &mut projection);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    self.project(expr, Some(folded(alias)), &mut projection);
                }
                SelectItem::ExprWithAliases { expr, .. } => self.expr(expr),
                SelectItem::Wildcard(_) => {
                    let items = self
                        .scopes
                        .current()
                        .map(|scope| scope.items.clone())
                        .unwrap_or_default();
                    for item in &items {
                        self.expand(item, &mut projection);
                    }
                }
                SelectItem::QualifiedWildcard(kind, _) => {
                    let item = match kind {
                        SelectItemQualifiedWildcardKind::ObjectName(name) => {
                            self.scopes.item(&parts(name)).cloned()
                        }
                        SelectItemQualifiedWildcardKind::Expr(expr) => {
                            self.expr(expr);
                            None
                        }
                    };
                    if let Some(item) = item {
                        self.expand(&item, &mut projection);
                    }
                }
            }
        }
        self.selecting = selecting;
        projection
    }

    fn project<'e>(
        &mut self,
        expr: &'e Expr,
        name: Option<String>,
        projection: &mut Projection<'e>,
    ) {
        self.expr(expr);
        if let Some(number) = parameter(expr) {
            self.use_parameter(number, ParameterUse::Selected);
        }
        let side = Side::new(self, expr);
        let column = match side.shape {
            Shape::Column(found) => OutputName {
                name,
                sources: found.sources,
                parameters: found.parameters,
                pushable: found.pushable && found.up == 0,
            },
            _ => OutputName {
                name,
                parameters: parameter(expr).into_iter().collect(),
                ..OutputName::default()
            },
        };
        projection.output.push(output(&column));
        projection.columns.push(Projected {
            column,
            expr: Some(expr),
        });
    }

    fn expand(&mut self, item: &Item, projection: &mut Projection<'_>) {
        match item.expand() {
            Ok(columns) => {
                for column in columns {
                    for source in &column.sources {
                        self.refer(source);
                    }
                    projection.output.push(output(&column));
                    projection.columns.push(Projected { column, expr: None });
                }
            }
            Err(open) => {
                for (relation, _) in &open {
                    self.at_relation(*relation, |relation| relation.whole_row = true);
                }
                projection.output.extend(all_of(&open));
                projection.open.extend(open);
            }
        }
    }

    fn windows(&mut self, select: &Select) {
        for window in &select.named_window {
            if let NamedWindowExpr::WindowSpec(spec) = &window.1 {
                self.window(spec);
            }
        }
    }

    fn distinct(&mut self, select: &Select, projection: &Projection<'_>) {
        let distinct = match &select.distinct {
            Some(SqlDistinct::Distinct) => Distinct::All,
            Some(SqlDistinct::On(keys)) => Distinct::On(
                keys.iter()
                    .map(|key| {
                        self.expr(key);
                        self.output_key(key, projection)
                    })
                    .collect(),
            ),
            _ => return,
        };
        if let Some(level) = self.current() {
            level.distinct = distinct;
        }
    }

    /// `ORDER BY`, `LIMIT`, `OFFSET`, `FETCH` and locks of the current level.
    fn order_and_limit(&mut self, query: &Query, projection: &Projection<'_>) {
        if let Some(order) = &query.order_by
            && let OrderByKind::Expressions(keys) = &order.kind
        {
            let sorted = self.order_keys(keys, projection);
            if let Some(level) = self.current() {
                level.order_by = sorted;
            }
        }
        let (limit, offset) = bounds(query.limit_clause.as_ref(), query.fetch.as_ref());
        let limit = limit.map(|expr| self.bound(expr, ParameterUse::Limit));
        // `FETCH FIRST ROW ONLY` is one row.
        let one_row = query
            .fetch
            .as_ref()
            .is_some_and(|fetch| fetch.quantity.is_none());
        let limit = limit.or_else(|| one_row.then_some(Some(Bound::Rows(1))));
        let offset = offset.map(|expr| self.bound(expr, ParameterUse::Offset));
        let locking = query.locks.iter().map(locking).max();
        if let Some(level) = self.current() {
            level.limit = limit.flatten();
            level.offset = offset.flatten();
            level.locking = locking;
        }
    }

    fn order_keys(
        &mut self,
        keys: &[OrderByExpr],
        projection: &Projection<'_>,
    ) -> Vec<super::SortKey> {
        keys.iter()
            .map(|key| self.sort_key(key, projection))
            .collect()
    }

    /// A row count; `LIMIT NULL` and `LIMIT ALL` are none.
    fn bound(&mut self, expr: &Expr, usage: ParameterUse) -> Option<Bound> {
        self.expr(expr);
        let side = Side::new(self, expr);
        Some(match side.shape {
            Shape::Parameter { number, .. } => {
                self.use_parameter(number, usage);
                Bound::Parameter(number)
            }
            Shape::Literal(Literal::Null) => return None,
            Shape::Literal(Literal::Number(digits) | Literal::Text(digits)) => {
                digits.parse().map_or(Bound::Other, Bound::Rows)
            }
            _ => {
                for number in side.parameters {
                    self.use_parameter(number, usage.clone());
                }
                Bound::Other
            }
        })
    }
}

fn bounds<'q>(
    limit: Option<&'q LimitClause>,
    fetch: Option<&'q Fetch>,
) -> (Option<&'q Expr>, Option<&'q Expr>) {
    let (rows, offset) = match limit {
        Some(LimitClause::LimitOffset { limit, offset, .. }) => {
            (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
        }
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
        None => (None, None),
    };
    (
        rows.or_else(|| fetch.and_then(|fetch| fetch.quantity.as_ref())),
        offset,
    )
}

fn locking(lock: &LockClause) -> Locking {
    match lock.nonblock {
        None => Locking::Wait,
        Some(NonBlock::Nowait) => Locking::NoWait,
        Some(NonBlock::SkipLocked) => Locking::SkipLocked,
    }
}

fn limits(query: &Query) -> bool {
    query.limit_clause.is_some() || query.fetch.is_some() || !query.locks.is_empty()
}

/// Whether a query adds nothing to its body.
fn is_bare(query: &Query) -> bool {
    query.order_by.is_none() && !limits(query)
}

/// Lets conditions through only for the columns that `keep` accepts.
pub fn close(result: &mut QueryColumns, keep: impl Fn(&OutputName) -> bool) {
    for column in &mut result.columns {
        column.pushable &= keep(column);
    }
    for (_, pushable) in &mut result.open {
        *pushable = false;
    }
}

/// Set operations name their columns after the first arm; a value may come from any arm.
fn merge_arms(arms: &[QueryColumns]) -> QueryColumns {
    let mut arms = arms.iter();
    let mut result = arms.next().cloned().unwrap_or_default();
    for arm in arms {
        for (column, other) in result.columns.iter_mut().zip(&arm.columns) {
            column.pushable = (column.pushable || column.sources.is_empty())
                && (other.pushable || other.sources.is_empty());
            for source in &other.sources {
                if !column.sources.contains(source) {
                    column.sources.push(source.clone());
                }
            }
            column.parameters.extend(&other.parameters);
        }
        result.open.extend(&arm.open);
    }
    result
}

fn output(column: &OutputName) -> Output {
    match (&column.name, column.sources.as_slice()) {
        (Some(name), [_, ..]) => Output::Column {
            name: name.clone(),
            sources: column.sources.clone(),
        },
        (name, _) => Output::Computed { name: name.clone() },
    }
}

fn all_of(open: &[(usize, bool)]) -> impl Iterator<Item = Output> + '_ {
    open.iter().map(|(relation, _)| Output::All {
        relation: *relation,
    })
}

/// Gives columns the names of an alias's column list.
pub fn rename(columns: &mut Vec<OutputName>, alias: &ast::TableAlias) {
    for (index, column) in alias.columns.iter().enumerate() {
        let name = Some(folded(&column.name));
        match columns.get_mut(index) {
            Some(known) => known.name = name,
            None => columns.push(OutputName {
                name,
                ..OutputName::default()
            }),
        }
    }
}

/// The name that PostgreSQL gives an output column (`FigureColname()` in `parse_target.c`), where it is not `?column?`.
fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(idents) => idents.last().map(folded),
        Expr::Nested(inner) => column_name(inner),
        Expr::Cast {
            expr, data_type, ..
        } => column_name(expr).or_else(|| Some(data_type.to_string().to_lowercase())),
        Expr::Collate { expr, .. } => column_name(expr),
        Expr::Function(function) => parts(&function.name).pop(),
        Expr::Case { .. } => Some("case".to_owned()),
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        _ => None,
    }
}
