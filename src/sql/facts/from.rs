//! `FROM`: relations, subqueries, functions and joins.

use sqlparser::ast::{
    Expr, Join, JoinConstraint, JoinOperator, ObjectName, Query, TableAlias, TableFactor,
    TableSampleKind, TableWithJoins,
};

use super::analyzer::{Analyzer, Filter, QueryColumns};
use super::predicate::Key;
use super::select::rename;
use super::{JoinEdge, JoinType, LevelRole, Role, children};
use crate::sql::parameters::Position;
use crate::sql::parse::parse;
use crate::sql::scope::{Added, Columns, Found, Item, folded, parts, schema_and_name};

/// Views upon views further down than this are taken for tables.
const MAX_VIEW_DEPTH: usize = 8;

impl Analyzer<'_> {
    pub fn table_with_joins(&mut self, from: &TableWithJoins) {
        let start = self.facts.relations.len();
        let first_item = self.item_count();
        self.factor(&from.relation, Role::Scan);
        for join in &from.joins {
            self.join(join, start, first_item);
        }
    }

    fn item_count(&self) -> usize {
        self.scopes.current().map_or(0, |scope| scope.items.len())
    }

    fn join(&mut self, join: &Join, start: usize, first_item: usize) {
        let middle = self.facts.relations.len();
        let right_item = self.item_count();
        self.factor(&join.relation, Role::Scan);
        let end = self.facts.relations.len();
        let (kind, constraint) = join_type(&join.join_operator);
        // The side whose rows stay whatever the condition says is not restricted by it.
        let allowed: Option<Added> = match kind {
            JoinType::Left => Some(middle..end),
            JoinType::Right => Some(start..middle),
            JoinType::Full => Some(0..0),
            _ => None,
        };
        match constraint {
            Some(JoinConstraint::On(condition)) => {
                let filter = Filter {
                    allowed,
                    arms: Vec::new(),
                    join: kind,
                };
                self.condition(condition, &filter);
            }
            Some(JoinConstraint::Using(columns)) => {
                for column in columns {
                    if let Some(name) = parts(column).pop() {
                        self.using(&name, first_item, right_item, kind);
                    }
                }
            }
            Some(JoinConstraint::Natural) => {
                for name in self.common_columns(first_item, right_item) {
                    self.using(&name, first_item, right_item, kind);
                }
            }
            _ => {}
        }
    }

    /// What `name` is in the items from `from` to `to`.
    fn column_of(&self, name: &str, from: usize, to: usize) -> Found {
        let Some(scope) = self.scopes.current() else {
            return Found::default();
        };
        let side = crate::sql::scope::Scope {
            items: scope
                .items
                .get(from..to.min(scope.items.len()))
                .unwrap_or_default()
                .to_vec(),
        };
        let mut scopes = crate::sql::scope::Scopes::default();
        scopes.push(side);
        scopes.resolve(&[name.to_owned()]).unwrap_or_default()
    }

    fn using(&mut self, name: &str, first_item: usize, right_item: usize, kind: JoinType) {
        let left = self.column_of(name, first_item, right_item);
        let right = self.column_of(name, right_item, usize::MAX);
        for column in left.sources.iter().chain(&right.sources) {
            self.refer(column);
        }
        for (carrying, other) in [(&left, &right), (&right, &left)] {
            if let Some(column) = other.sources.first() {
                self.compared(&carrying.parameters, column, None, "=", Position::Carried);
            }
        }
        if let (Some(left), Some(right)) = (left.sources.first(), right.sources.first()) {
            self.facts.joins.push(JoinEdge {
                left: Key::Column(left.clone()),
                right: Key::Column(right.clone()),
                operator: "=".to_owned(),
                kind,
                arms: Vec::new(),
            });
        }
    }

    fn common_columns(&self, first_item: usize, right_item: usize) -> Vec<String> {
        let Some(scope) = self.scopes.current() else {
            return Vec::new();
        };
        let names = |items: Option<&[Item]>| -> Vec<String> {
            items
                .unwrap_or_default()
                .iter()
                .filter_map(|item| item.expand().ok())
                .flatten()
                .filter_map(|column| column.name)
                .collect()
        };
        let left = names(scope.items.get(first_item..right_item));
        names(scope.items.get(right_item..))
            .into_iter()
            .filter(|name| left.contains(name))
            .collect()
    }

    /// Adds an item.
    pub fn push_item(&mut self, name: Option<String>, schema: Option<String>, columns: Columns) {
        if let Some(scope) = self.scopes.current_mut() {
            scope.items.push(Item {
                name,
                schema,
                columns,
            });
        }
    }

    pub fn factor(&mut self, factor: &TableFactor, role: Role) {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                sample,
                ..
            } => {
                self.table(name, alias.as_ref(), role);
                self.sample(sample.as_ref());
            }
            TableFactor::Table {
                name, alias, args, ..
            } => {
                let args = args.iter().flat_map(|args| &args.args);
                let exprs: Vec<_> = args.filter_map(children::argument).collect();
                self.function_item(&parts(name), &exprs, alias.as_ref());
            }
            TableFactor::Function {
                name, args, alias, ..
            } => {
                let exprs: Vec<_> = args.iter().filter_map(children::argument).collect();
                self.function_item(&parts(name), &exprs, alias.as_ref());
            }
            TableFactor::UNNEST {
                alias, array_exprs, ..
            } => {
                let exprs: Vec<_> = array_exprs.iter().collect();
                self.function_item(&["unnest".to_owned()], &exprs, alias.as_ref());
            }
            TableFactor::TableFunction { expr, alias } => {
                self.function_item(&[], &[expr], alias.as_ref());
            }
            TableFactor::Derived {
                lateral,
                subquery,
                alias,
                sample,
            } => {
                self.derived(*lateral, subquery, alias.as_ref());
                self.sample(sample.as_ref());
            }
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.table_with_joins(table_with_joins),
            TableFactor::JsonTable {
                json_expr, alias, ..
            } => {
                self.expr(json_expr);
                self.opaque(None, alias.as_ref());
            }
            TableFactor::XmlTable {
                row_expression,
                alias,
                ..
            } => {
                self.expr(row_expression);
                self.opaque(None, alias.as_ref());
            }
            _ => {}
        }
    }

    fn sample(&mut self, sample: Option<&TableSampleKind>) {
        let Some(
            TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample),
        ) = sample
        else {
            return;
        };
        if let Some(quantity) = &sample.quantity {
            self.expr(&quantity.value);
        }
    }

    /// A table, view or `WITH` query by name.
    pub fn table(&mut self, name: &ObjectName, alias: Option<&TableAlias>, role: Role) {
        let (schema, name) = schema_and_name(name);
        let shown = alias.map_or_else(|| name.clone(), |alias| folded(&alias.name));
        if schema.is_none()
            && role == Role::Scan
            && let Some(cte) = self.cte(&name)
        {
            let mut columns = cte.columns.clone();
            let open = cte.open.clone();
            if let Some(alias) = alias {
                rename(&mut columns, alias);
            }
            self.push_item(Some(shown), None, Columns::Derived { columns, open });
            return;
        }
        if role == Role::Scan && self.view(schema.as_deref(), &name, &shown, alias) {
            return;
        }
        let written_alias = alias.map(|alias| folded(&alias.name));
        let (relation, names) = self.add_relation(schema.clone(), name, written_alias, role);
        let renamed = alias
            .iter()
            .flat_map(|alias| &alias.columns)
            .map(|column| folded(&column.name))
            .collect();
        let schema = match alias {
            Some(_) => None,
            None => schema.or_else(|| {
                let relation = self.facts.relations.get(relation)?;
                Some(relation.resolved.as_ref()?.schema.clone())
            }),
        };
        self.push_item(
            Some(shown),
            schema,
            Columns::Relation {
                relation,
                names,
                renamed,
            },
        );
    }

    /// Reads a view's query in the place of the view; whether the name is a view whose query is understood.
    fn view(
        &mut self,
        schema: Option<&str>,
        name: &str,
        shown: &str,
        alias: Option<&TableAlias>,
    ) -> bool {
        if self.view_depth >= MAX_VIEW_DEPTH {
            return false;
        }
        let Some(relation) = self.catalog.relation(schema, name) else {
            return false;
        };
        let Some(Ok(statement)) = relation.view.as_deref().map(parse) else {
            return false;
        };
        let (names, qualified) = (relation.columns.clone(), relation.name.clone());
        let scopes = self.scopes.take();
        let ctes = std::mem::take(&mut self.ctes);
        let outer_view = self.view.replace(self.view.clone().unwrap_or(qualified));
        let parameters = std::mem::take(&mut self.facts.parameters);
        let selecting = std::mem::take(&mut self.selecting);
        self.view_depth += 1;
        let mut result = statement.on_stack(|| {
            statement
                .tree()
                .map(|tree| self.statement(tree, LevelRole::Derived))
                .unwrap_or_default()
        });
        self.view_depth -= 1;
        self.selecting = selecting;
        self.facts.parameters = parameters;
        self.view = outer_view;
        self.ctes = ctes;
        self.scopes.restore(scopes);
        for (column, name) in result.columns.iter_mut().zip(names) {
            column.name = Some(name);
        }
        self.push_derived(result, shown.to_owned(), schema.map(str::to_owned), alias);
        true
    }

    fn derived(&mut self, lateral: bool, subquery: &Query, alias: Option<&TableAlias>) {
        let selecting = std::mem::take(&mut self.selecting);
        let result = if lateral {
            self.query(subquery, LevelRole::Lateral)
        } else {
            // What stands beside it in FROM is out of its sight.
            let siblings = self.scopes.pop();
            let result = self.query(subquery, LevelRole::Derived);
            self.scopes.push(siblings);
            result
        };
        self.selecting = selecting;
        let name = alias.map(|alias| folded(&alias.name)).unwrap_or_default();
        self.push_derived(result, name, None, alias);
    }

    fn push_derived(
        &mut self,
        result: QueryColumns,
        name: String,
        schema: Option<String>,
        alias: Option<&TableAlias>,
    ) {
        let QueryColumns {
            mut columns, open, ..
        } = result;
        if let Some(alias) = alias {
            rename(&mut columns, alias);
        }
        let schema = schema.filter(|_| alias.is_none());
        self.push_item(Some(name), schema, Columns::Derived { columns, open });
    }

    fn function_item(&mut self, name: &[String], args: &[&Expr], alias: Option<&TableAlias>) {
        for (index, arg) in args.iter().enumerate() {
            self.expr(arg);
            if let Some(function) = name.last() {
                self.argument_use(arg, function, index);
            }
        }
        self.opaque(name.last(), alias);
    }

    fn opaque(&mut self, name: Option<&String>, alias: Option<&TableAlias>) {
        let names: Vec<String> = alias
            .iter()
            .flat_map(|alias| &alias.columns)
            .map(|column| folded(&column.name))
            .collect();
        let shown = alias
            .map(|alias| folded(&alias.name))
            .or_else(|| name.cloned());
        self.push_item(shown, None, Columns::Opaque { names });
    }

    /// `EXCLUDED` of `ON CONFLICT`, `NEW` and `OLD`: rows that no scan gives.
    pub fn push_pseudo(&mut self, name: &str) {
        self.push_item(
            Some(name.to_owned()),
            None,
            Columns::Opaque { names: Vec::new() },
        );
    }
}

fn join_type(operator: &JoinOperator) -> (JoinType, Option<&JoinConstraint>) {
    match operator {
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
            (JoinType::Left, Some(constraint))
        }
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
            (JoinType::Right, Some(constraint))
        }
        JoinOperator::FullOuter(constraint) => (JoinType::Full, Some(constraint)),
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::CrossJoin(constraint) => (JoinType::Inner, Some(constraint)),
        _ => (JoinType::Inner, None),
    }
}
