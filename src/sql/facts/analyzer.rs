//! The walk over a statement that collects its facts.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::ast::{self, Expr};

use super::predicate::Arm;
use super::side::name_parts;
use super::{Distinct, Facts, JoinType, Level, LevelRole, RelationUse, Role};
use crate::ids::QualifiedName;
use crate::sql::parameters::{ParameterColumn, ParameterUse};
use crate::sql::parse::Statement;
use crate::sql::rewrite::Stream;
use crate::sql::scope::{Added, CatalogNames, ColumnRef, Columns, Found, OutputName, Scopes};

/// A `WITH` query that names may mean.
#[derive(Debug, Clone)]
pub struct Cte {
    pub name: String,
    pub columns: Vec<OutputName>,
    pub open: Vec<(usize, bool)>,
}

/// The columns of a query and the level that made them.
#[derive(Debug, Clone, Default)]
pub struct QueryColumns {
    pub columns: Vec<OutputName>,
    pub open: Vec<(usize, bool)>,
    pub level: usize,
}

/// What a condition may restrict, and where it stands.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The relation uses that it restricts; `None` for all.
    pub allowed: Option<Added>,
    pub arms: Vec<Arm>,
    pub join: JoinType,
}

impl Filter {
    /// `WHERE`
    pub fn all() -> Self {
        Self {
            allowed: None,
            arms: Vec::new(),
            join: JoinType::Inner,
        }
    }

    pub fn allows(&self, relation: usize) -> bool {
        self.allowed
            .as_ref()
            .is_none_or(|allowed| allowed.contains(&relation))
    }
}

/// The state of the walk.
pub struct Analyzer<'c> {
    pub catalog: &'c dyn CatalogNames,
    pub facts: Facts,
    pub scopes: Scopes,
    pub ctes: Vec<Vec<Cte>>,
    /// The level that is being read; `None` outside of all.
    pub level: Option<usize>,
    /// Whether a select list is being read.
    pub selecting: bool,
    /// The view whose query is being read, and how many views deep that is.
    pub view: Option<QualifiedName>,
    pub view_depth: usize,
}

/// The facts of `statement`.
pub fn run(statement: &Statement, catalog: &dyn CatalogNames) -> Facts {
    let mut analyzer = Analyzer {
        catalog,
        facts: Facts {
            kind: statement.kind(),
            levels: Vec::new(),
            relations: Vec::new(),
            joins: Vec::new(),
            or_groups: Vec::new(),
            parameters: BTreeMap::new(),
            unresolved: BTreeSet::new(),
        },
        scopes: Scopes::default(),
        ctes: Vec::new(),
        level: None,
        selecting: false,
        view: None,
        view_depth: 0,
    };
    if let Some(tree) = statement.tree() {
        analyzer.statement(tree, LevelRole::Main);
    }
    // The tree does not show all of them (TABLESAMPLE … REPEATABLE, what was simplified away).
    let stream = Stream::new(statement.text());
    for number in (0..stream.len()).filter_map(|index| stream.parameter(index)) {
        analyzer.facts.parameters.entry(number).or_default();
    }
    analyzer.facts
}

impl Analyzer<'_> {
    pub fn statement(&mut self, tree: &ast::Statement, role: LevelRole) -> QueryColumns {
        match tree {
            ast::Statement::Query(query) => self.query(query, role),
            ast::Statement::Insert(insert) => self.insert(insert, role),
            ast::Statement::Update(update) => self.update(update, role),
            ast::Statement::Delete(delete) => self.delete(delete, role),
            ast::Statement::Merge(merge) => self.merge(merge, role),
            // EXPLAIN, COPY (query), CREATE TABLE AS: understood as far as their query goes.
            ast::Statement::Explain { statement, .. } => self.statement(statement, role),
            _ => QueryColumns::default(),
        }
    }

    /// Opens a level and makes it the current one; returns it and the one before.
    pub fn open_level(&mut self, role: LevelRole) -> (usize, Option<usize>) {
        let outer = self.level;
        let level = self.facts.levels.len();
        self.facts.levels.push(Level {
            parent: outer,
            role,
            relations: Vec::new(),
            order_by: Vec::new(),
            group_by: Vec::new(),
            grouping_sets: false,
            distinct: Distinct::No,
            limit: None,
            offset: None,
            aggregates: false,
            extremes: Vec::new(),
            windows: Vec::new(),
            locking: None,
            set_operation: false,
            output: Vec::new(),
        });
        self.level = Some(level);
        (level, outer)
    }

    /// The facts of the current level.
    pub fn current(&mut self) -> Option<&mut Level> {
        self.facts.levels.get_mut(self.level?)
    }

    /// Changes level `level`.
    pub fn at_level(&mut self, level: usize, change: impl FnOnce(&mut Level)) {
        if let Some(level) = self.facts.levels.get_mut(level) {
            change(level);
        }
    }

    /// Adds a relation use to the current level; returns it and the columns that the catalog knows.
    pub fn add_relation(
        &mut self,
        schema: Option<String>,
        name: String,
        alias: Option<String>,
        role: Role,
    ) -> (usize, Option<Vec<String>>) {
        let known = self.catalog.relation(schema.as_deref(), &name);
        let names = known.map(|known| known.columns.clone());
        let resolved = known.map(|known| known.name.clone());
        let relation = self.facts.relations.len();
        self.facts.relations.push(RelationUse {
            schema,
            name,
            resolved,
            alias,
            role,
            level: self.level.unwrap_or_default(),
            view: self.view.clone(),
            predicates: Vec::new(),
            referenced: BTreeSet::new(),
            selected: BTreeSet::new(),
            whole_row: false,
            written: BTreeSet::new(),
        });
        if let Some(level) = self.current() {
            level.relations.push(relation);
        }
        (relation, names)
    }

    /// What an identifier expression means.
    pub fn resolve(&self, expr: &Expr) -> Option<Found> {
        self.scopes.resolve(&name_parts(expr)?)
    }

    /// Records that the statement mentions a column, or a whole row by its alias.
    pub fn mention(&mut self, parts: &[String]) {
        if let Some(found) = self.scopes.resolve(parts) {
            for source in found.sources {
                self.refer(&source);
            }
        } else if !self.mention_row(parts) && !is_value_keyword(parts) {
            self.facts.unresolved.extend(parts.last().cloned());
        }
    }

    fn mention_row(&mut self, parts: &[String]) -> bool {
        let relations = match self.scopes.item(parts) {
            None => return false,
            Some(item) => match &item.columns {
                Columns::Relation { relation, .. } => vec![*relation],
                Columns::Derived { open, .. } => {
                    open.iter().map(|(relation, _)| *relation).collect()
                }
                Columns::Opaque { .. } => Vec::new(),
            },
        };
        for relation in relations {
            self.at_relation(relation, |relation| relation.whole_row = true);
        }
        true
    }

    /// Records a mention of a relation's column.
    pub fn refer(&mut self, source: &ColumnRef) {
        let selecting = self.selecting;
        self.at_relation(source.relation, |relation| {
            if !relation.referenced.contains(&source.column) {
                relation.referenced.insert(source.column.clone());
            }
            if selecting {
                relation.selected.insert(source.column.clone());
            }
        });
    }

    /// Changes a relation use.
    pub fn at_relation(&mut self, relation: usize, change: impl FnOnce(&mut RelationUse)) {
        if let Some(relation) = self.facts.relations.get_mut(relation) {
            change(relation);
        }
    }

    /// Records a use of a parameter, once.
    pub fn use_parameter(&mut self, number: u32, usage: ParameterUse) {
        let uses = self.facts.parameters.entry(number).or_default();
        if !uses.contains(&usage) {
            uses.push(usage);
        }
    }

    /// A relation's column as parameters see it.
    pub fn parameter_column(
        &self,
        source: &ColumnRef,
        expression: Option<String>,
    ) -> ParameterColumn {
        let relation = self.facts.relations.get(source.relation);
        let resolved = relation.and_then(|relation| relation.resolved.as_ref());
        ParameterColumn {
            schema: resolved
                .map(|name| name.schema.clone())
                .or_else(|| relation?.schema.clone()),
            table: resolved
                .map(|name| name.name.clone())
                .or_else(|| relation.map(|relation| relation.name.clone())),
            column: source.column.clone(),
            expression,
        }
    }

    /// The `WITH` query that a bare name means.
    pub fn cte(&self, name: &str) -> Option<&Cte> {
        self.ctes
            .iter()
            .rev()
            .flat_map(|frame| frame.iter().rev())
            .find(|cte| cte.name == name)
    }

    /// The kind of a join whose left side is of an outer level.
    pub fn correlation(&self) -> JoinType {
        let level = self.level.and_then(|level| self.facts.levels.get(level));
        match level.map(|level| &level.role) {
            Some(LevelRole::Exists | LevelRole::In) => JoinType::Semi,
            Some(LevelRole::NotExists | LevelRole::NotIn) => JoinType::Anti,
            _ => JoinType::Correlated,
        }
    }
}

/// Words that the grammar reads as values although they look like columns.
fn is_value_keyword(parts: &[String]) -> bool {
    matches!(parts, [name] if matches!(name.as_str(), "default" | "current_date" | "current_user" | "session_user" | "user" | "current_catalog" | "current_schema" | "current_role" | "current_time" | "current_timestamp" | "localtime" | "localtimestamp"))
}
