//! What a scan of a plan is about: the table and the columns that its conditions mention.

use super::subject;
use crate::checks::{Case, CasePlan, Proposal, TableRef, with_columns};
use crate::finding::{Draft, Evidence, Location, Recommendation, Subject};
use crate::plan::{ConditionKind, Node};
use crate::sql::parse::Statement;
use crate::sql::rewrite::{Obstacle, Rewrite, Tables, Target};

/// What a check says of a scan.
#[derive(Debug)]
pub struct Told {
    /// The title.
    pub title: String,
    /// The number that proves it.
    pub proof: Evidence,
    /// More numbers.
    pub others: Vec<Evidence>,
    /// The advice.
    pub advice: Recommendation,
}

/// A way to write a statement with columns compared differently.
pub type Freeing<'w> = &'w dyn Fn(&Statement, &dyn Tables, Target<'_>) -> Result<Rewrite, Obstacle>;

/// A scanned relation and the columns at issue.
#[derive(Debug)]
pub struct Scan<'a> {
    /// The table; `None` where the Snapshot does not have it.
    pub table: Option<TableRef<'a>>,
    /// Its name, with its schema where that is known.
    pub name: String,
    /// The columns, each once.
    pub columns: Vec<String>,
}

impl<'a> Scan<'a> {
    /// Of a node that scans a relation, with the columns of these conditions in their order; `None` for other nodes. A
    /// partition stands for its whole table: what its filter shows, that of every other one does as well.
    pub fn of_root(
        case: &Case<'a>,
        plan: &CasePlan<'a>,
        node: &Node,
        conditions: &[ConditionKind],
    ) -> Option<Self> {
        let scan = Self::of(case, plan, node, conditions)?;
        let root = scan.table.map(|table| case.catalog.root(table));
        Some(Self {
            name: root.map_or(scan.name, |root| root.table.name.to_string()),
            table: root,
            columns: scan.columns,
        })
    }

    /// The same, a partition as the table that it is.
    pub fn of(
        case: &Case<'a>,
        plan: &CasePlan<'a>,
        node: &Node,
        conditions: &[ConditionKind],
    ) -> Option<Self> {
        let relation = node.target.relation.as_deref()?;
        let table = plan.table(&case.catalog, node);
        let name = table.map_or_else(|| relation.to_owned(), |table| table.table.name.to_string());
        let mut columns: Vec<String> = Vec::new();
        for text in conditions.iter().filter_map(|kind| node.condition(kind)) {
            for column in plan.columns(table, node, text) {
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        Some(Self {
            table,
            name,
            columns,
        })
    }

    /// The statement with the columns at issue compared in another way.
    ///
    /// # Errors
    ///
    /// [`Obstacle`] says why it stays.
    pub fn rewrite(
        &self,
        case: &Case<'_>,
        plan: &CasePlan<'_>,
        way: Freeing<'_>,
    ) -> Result<Rewrite, Obstacle> {
        let table = self.table.ok_or(Obstacle::Absent)?;
        // The statement names the partitioned table, and the plan its partition.
        let named = case
            .catalog
            .by_oid(table.table.oid)
            .map(|own| case.catalog.root(own));
        let target = Target {
            table: &named.unwrap_or(table).table.name,
            columns: &self.columns,
        };
        super::rewrite(case, plan, &|statement, catalog| {
            way(statement, catalog, target)
        })
    }

    /// A finding about it, weighed by the time of the scan itself.
    pub fn proposal(
        &self,
        case: &Case<'a>,
        plan: &CasePlan<'a>,
        node: &Node,
        told: Told,
    ) -> Proposal {
        let draft = Draft::new(
            self.subject(case, plan),
            told.title,
            told.proof,
            told.advice,
        )
        .with_all(told.others)
        .at(self.location());
        case.of_node(plan, node, plan.own_share(node), draft)
    }

    /// `public.orders(customer_id)`.
    pub fn label(&self) -> String {
        with_columns(&self.name, &self.columns)
    }

    /// The columns as a list in a sentence.
    pub fn column_list(&self) -> String {
        self.columns.join(", ")
    }

    /// What a finding about it is about: the table and columns, or where the table is unknown, those in their
    /// statement.
    pub fn subject(&self, case: &Case<'a>, plan: &CasePlan<'a>) -> Subject {
        match self.table {
            Some(_) => Subject::new(self.label()),
            None => subject(&format!("{} in {}", self.label(), case.shape(plan))),
        }
    }

    /// The table and columns as a place.
    pub fn location(&self) -> Location {
        Location {
            table: self.table.map(|table| table.table.name.to_string()),
            columns: self.columns.clone(),
            ..Location::default()
        }
    }
}
