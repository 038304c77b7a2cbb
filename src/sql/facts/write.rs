//! `INSERT`, `UPDATE`, `DELETE` and `MERGE`.

use std::collections::BTreeSet;

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, Expr, FromTable, Insert, Merge,
    MergeAction, MergeClauseKind, MergeInsertKind, MergeUpdateKind, ObjectName, OnConflict,
    OnConflictAction, OnInsert, OutputClause, SelectItem, SetExpr, TableObject, Update,
    UpdateTableFromKind,
};

use super::analyzer::{Analyzer, Filter, QueryColumns};
use super::condition::row;
use super::side::{Shape, Side, parameter};
use super::{JoinType, LevelRole, Role};
use crate::sql::parameters::{ParameterUse, Position};
use crate::sql::scope::{ColumnRef, Columns, Scope, folded, parts, schema_and_name};

impl Analyzer<'_> {
    /// Opens a level with an empty scope.
    fn open_write(&mut self, role: LevelRole) -> (usize, Option<usize>) {
        let levels = self.open_level(role);
        self.scopes.push(Scope::default());
        levels
    }

    /// Reads `RETURNING` and closes the level.
    fn close_write(
        &mut self,
        (level, outer): (usize, Option<usize>),
        returning: Option<&[SelectItem]>,
    ) -> QueryColumns {
        let mut projection = self.projection(returning.unwrap_or_default());
        let output = std::mem::take(&mut projection.output);
        self.at_level(level, |level| level.output = output);
        self.scopes.pop();
        self.level = outer;
        projection.result(level)
    }

    pub fn update(&mut self, update: &Update, role: LevelRole) -> QueryColumns {
        let levels = self.open_write(role);
        let target = self.facts.relations.len();
        self.factor(&update.table.relation, Role::UpdateTarget);
        match &update.from {
            Some(UpdateTableFromKind::AfterSet(from) | UpdateTableFromKind::BeforeSet(from)) => {
                for from in from {
                    self.table_with_joins(from);
                }
            }
            None => {}
        }
        self.assignments(target, &update.assignments);
        if let Some(selection) = &update.selection {
            self.condition(selection, &Filter::all());
        }
        self.close_write(levels, update.returning.as_deref())
    }

    pub fn delete(&mut self, delete: &Delete, role: LevelRole) -> QueryColumns {
        let levels = self.open_write(role);
        let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
        for table in tables {
            self.factor(&table.relation, Role::DeleteTarget);
        }
        for using in delete.using.iter().flatten() {
            self.table_with_joins(using);
        }
        if let Some(selection) = &delete.selection {
            self.condition(selection, &Filter::all());
        }
        self.close_write(levels, delete.returning.as_deref())
    }

    pub fn merge(&mut self, merge: &Merge, role: LevelRole) -> QueryColumns {
        let levels = self.open_write(role);
        let target = self.facts.relations.len();
        self.factor(&merge.table, Role::MergeTarget);
        self.factor(&merge.source, Role::Scan);
        // With NOT MATCHED the source's rows stay (transform_MERGE_to_join() in prepjointree.c).
        let keeps_source = merge.clauses.iter().any(|clause| {
            matches!(
                clause.clause_kind,
                MergeClauseKind::NotMatched | MergeClauseKind::NotMatchedByTarget
            )
        });
        let filter = Filter {
            allowed: keeps_source.then_some(target..target + 1),
            arms: Vec::new(),
            join: JoinType::Inner,
        };
        self.condition(&merge.on, &filter);
        for clause in &merge.clauses {
            clause.predicate.iter().for_each(|expr| self.expr(expr));
            self.merge_action(target, &clause.action);
        }
        let returning = match &merge.output {
            Some(OutputClause::Returning { select_items, .. }) => Some(select_items.as_slice()),
            _ => None,
        };
        self.close_write(levels, returning)
    }

    fn merge_action(&mut self, target: usize, action: &MergeAction) {
        match action {
            MergeAction::Update(update) => {
                if let MergeUpdateKind::Set(assignments) = &update.kind {
                    self.assignments(target, assignments);
                }
            }
            MergeAction::Insert(insert) => {
                let columns = self.target_columns(target, &insert.columns);
                if let MergeInsertKind::Values(values) = &insert.kind {
                    for row in &values.rows {
                        self.assign_row(target, &columns, &row.content);
                    }
                }
            }
            MergeAction::Delete { .. } | MergeAction::DoNothing { .. } => {}
        }
    }

    pub fn insert(&mut self, insert: &Insert, role: LevelRole) -> QueryColumns {
        let levels = self.open_write(role);
        let TableObject::TableName(name) = &insert.table else {
            return self.close_write(levels, None);
        };
        let (schema, name) = schema_and_name(name);
        let alias = insert
            .table_alias
            .as_ref()
            .map(|alias| folded(&alias.alias));
        let (target, names) = self.add_relation(
            schema.clone(),
            name.clone(),
            alias.clone(),
            Role::InsertTarget,
        );
        let columns = self.target_columns(target, &insert.columns);
        self.insert_source(insert, target, &columns);
        let schema = schema.filter(|_| alias.is_none());
        self.push_item(
            Some(alias.unwrap_or(name)),
            schema,
            Columns::Relation {
                relation: target,
                names,
                renamed: Vec::new(),
            },
        );
        if let Some(OnInsert::OnConflict(conflict)) = &insert.on {
            self.conflict(target, conflict);
        }
        self.close_write(levels, insert.returning.as_deref())
    }

    fn insert_source(&mut self, insert: &Insert, target: usize, columns: &[String]) {
        let Some(source) = &insert.source else { return };
        if let SetExpr::Values(values) = source.body.as_ref()
            && source.with.is_none()
        {
            for row in &values.rows {
                self.assign_row(target, columns, &row.content);
            }
            return;
        }
        let result = self.query(source, LevelRole::Derived);
        let mut bare = BTreeSet::new();
        for (column, expr) in selected(&source.body, columns) {
            self.stored(target, column, expr);
            bare.extend(parameter(expr));
        }
        for (output, column) in result.columns.iter().zip(columns) {
            // INSERT gives the parameters of its own select list the types of its columns.
            let carried: Vec<_> = output
                .parameters
                .iter()
                .filter(|number| !bare.contains(number))
                .copied()
                .collect();
            self.assigned(&carried, target, column, Position::Carried);
        }
        self.written(target, columns);
    }

    fn conflict(&mut self, target: usize, conflict: &OnConflict) {
        if let Some(ConflictTarget::Columns(columns)) = &conflict.conflict_target {
            for column in columns {
                self.refer(&ColumnRef {
                    relation: target,
                    column: folded(column),
                });
            }
        }
        self.push_pseudo("excluded");
        if let OnConflictAction::DoUpdate(update) = &conflict.action {
            self.assignments(target, &update.assignments);
            if let Some(selection) = &update.selection {
                self.expr(selection);
            }
        }
        if let Some(scope) = self.scopes.current_mut() {
            scope.items.pop();
        }
    }

    /// The columns that values go to by position: those named, else the relation's.
    fn target_columns(&self, target: usize, named: &[ObjectName]) -> Vec<String> {
        if !named.is_empty() {
            return named
                .iter()
                .map(|name| parts(name).into_iter().next().unwrap_or_default())
                .collect();
        }
        let relation = self.facts.relations.get(target);
        relation
            .and_then(|relation| {
                self.catalog
                    .relation(relation.schema.as_deref(), &relation.name)
            })
            .map(|known| known.columns.clone())
            .unwrap_or_default()
    }

    fn assign_row(&mut self, target: usize, columns: &[String], values: &[Expr]) {
        for (index, value) in values.iter().enumerate() {
            self.expr(value);
            if let Some(column) = columns.get(index) {
                self.stored(target, column, value);
            }
        }
        let written = columns.get(..values.len().min(columns.len()));
        self.written(target, written.unwrap_or_default());
    }

    fn written(&mut self, target: usize, columns: &[String]) {
        self.at_relation(target, |relation| {
            for column in columns {
                if !relation.written.contains(column) {
                    relation.written.insert(column.clone());
                }
            }
        });
    }

    fn assignments(&mut self, target: usize, assignments: &[Assignment]) {
        for assignment in assignments {
            // `column.field = …` sets a part of a composite column.
            let column = |name: &ObjectName| parts(name).into_iter().next().unwrap_or_default();
            self.expr(&assignment.value);
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => {
                    let name = column(name);
                    self.stored(target, &name, &assignment.value);
                    self.written(target, &[name]);
                }
                AssignmentTarget::Tuple(names) => {
                    let names: Vec<_> = names.iter().map(column).collect();
                    let values = row(&assignment.value).unwrap_or_default();
                    for (name, value) in names.iter().zip(values) {
                        self.stored(target, name, value);
                    }
                    if let Expr::Subquery(query) = &assignment.value {
                        for (name, expr) in selected(&query.body, &names) {
                            let carried: Vec<_> = parameter(expr).into_iter().collect();
                            self.assigned(&carried, target, name, Position::Carried);
                        }
                    }
                    self.written(target, &names);
                }
            }
        }
    }

    /// Records the parameters of a value that is stored into a column.
    fn stored(&mut self, target: usize, column: &str, value: &Expr) {
        let side = Side::new(self, value);
        let position = match side.shape {
            Shape::Parameter { .. } => Position::Value,
            _ => Position::Part,
        };
        self.assigned(&side.parameters, target, column, position);
        for found in &side.columns {
            self.assigned(&found.parameters, target, column, Position::Carried);
        }
    }

    fn assigned(&mut self, parameters: &[u32], target: usize, column: &str, position: Position) {
        for number in parameters {
            let source = ColumnRef {
                relation: target,
                column: column.to_owned(),
            };
            let column = self.parameter_column(&source, None);
            self.use_parameter(*number, ParameterUse::Assigned { column, position });
        }
    }
}

/// What the select lists of a query's arms give for each column.
fn selected<'a>(body: &'a SetExpr, columns: &'a [String]) -> Vec<(&'a str, &'a Expr)> {
    let mut pending = vec![body];
    let mut found = Vec::new();
    while let Some(next) = pending.pop() {
        match next {
            SetExpr::Select(select) => {
                for (item, column) in select.projection.iter().zip(columns) {
                    if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } =
                        item
                    {
                        found.push((column.as_str(), expr));
                    }
                }
            }
            SetExpr::Query(query) => pending.push(&query.body),
            SetExpr::SetOperation { left, right, .. } => {
                pending.push(right);
                pending.push(left);
            }
            _ => {}
        }
    }
    found
}
