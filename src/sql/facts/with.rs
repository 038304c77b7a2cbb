//! `WITH`: what its queries return, and which conditions reach into them.

use std::collections::BTreeMap;

use sqlparser::ast::{self, CteAsMaterialized, Query, SetExpr, With};

use super::analyzer::{Analyzer, Cte, QueryColumns};
use super::select::{close, rename};
use super::{LevelRole, Role};
use crate::sql::scope::{folded, parts};
use crate::sql::walk::relations;

impl Analyzer<'_> {
    /// Reads the `WITH` queries; whether there were any.
    pub fn with(&mut self, query: &Query) -> bool {
        let Some(with) = &query.with else {
            return false;
        };
        let uses = count_names(query);
        self.ctes.push(Vec::new());
        for cte in &with.cte_tables {
            self.cte_query(with, cte, &uses);
        }
        true
    }

    fn cte_query(&mut self, with: &With, cte: &ast::Cte, uses: &BTreeMap<String, usize>) {
        let name = folded(&cte.alias.name);
        let recursive = with.recursive && count_names(&cte.query).contains_key(&name);
        let scopes = self.scopes.take();
        let role = LevelRole::Cte { name: name.clone() };
        let first_relation = self.facts.relations.len();
        let columns = if recursive {
            self.recursive(cte, &name, role)
        } else {
            self.query(&cte.query, role)
        };
        self.scopes.restore(scopes);
        let inlined = match cte.materialized {
            Some(CteAsMaterialized::Materialized) => false,
            // PostgreSQL inlines what is used once (inline_cte() in subselect.c). NOT MATERIALIZED inlines every use on
            // its own: conditions of several uses must not meet in the one relation use that stands for all of them.
            Some(CteAsMaterialized::NotMaterialized) | None => {
                uses.get(&name).copied().unwrap_or(0) <= 1
            }
        };
        let reads = self
            .facts
            .relations
            .get(first_relation..)
            .unwrap_or_default()
            .iter()
            .all(|relation| relation.role == Role::Scan);
        self.register(&name, &cte.alias, columns, inlined && reads && !recursive);
    }

    /// The non-recursive arm gives the columns that the recursive one sees.
    fn recursive(&mut self, cte: &ast::Cte, name: &str, role: LevelRole) -> QueryColumns {
        let SetExpr::SetOperation { left, right, .. } = cte.query.body.as_ref() else {
            return self.query(&cte.query, role);
        };
        let frame = self.with(&cte.query);
        let result = self.wrapped(Some(&cte.query), role, |analyzer| {
            let base = analyzer.body(left, None, LevelRole::SetArm);
            analyzer.register(name, &cte.alias, base.clone(), false);
            let step = analyzer.body(right, None, LevelRole::SetArm);
            if let Some(frame) = analyzer.ctes.last_mut() {
                frame.pop();
            }
            vec![base, step]
        });
        if frame {
            self.ctes.pop();
        }
        self.at_level(result.level, |level| level.set_operation = true);
        result
    }

    fn register(
        &mut self,
        name: &str,
        alias: &ast::TableAlias,
        mut columns: QueryColumns,
        pushable: bool,
    ) {
        if !pushable {
            close(&mut columns, |_| false);
        }
        rename(&mut columns.columns, alias);
        if let Some(frame) = self.ctes.last_mut() {
            frame.push(Cte {
                name: name.to_owned(),
                columns: columns.columns,
                open: columns.open,
            });
        }
    }
}

/// How often each bare relation name stands in a query.
fn count_names(query: &Query) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    relations(query, |name| {
        if let [only] = parts(name).as_slice() {
            *uses.entry(only.clone()).or_default() += 1;
        }
    });
    uses
}
