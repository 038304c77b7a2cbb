//! Who answers "what would this statement cost with these indexes".

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::StatementKey;
use crate::snapshot::{IndexDefinition, WhatIf};

/// Answers what-if questions: the planner with hypothetical indexes, or the record of its answers.
pub trait CostOracle {
    /// The statement's cost with `indexes` beside those that exist; `None` where it cannot be told.
    fn cost(&mut self, statement: &StatementKey, indexes: &[IndexDefinition]) -> Option<WhatIf>;
}

/// A question that has no answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    /// The statement.
    pub statement: StatementKey,
    /// The indexes to be assumed, sorted.
    pub indexes: Vec<IndexDefinition>,
}

impl Question {
    fn new(statement: &StatementKey, indexes: &[IndexDefinition]) -> Self {
        let mut indexes = indexes.to_vec();
        indexes.sort();
        indexes.dedup();
        Self {
            statement: statement.clone(),
            indexes,
        }
    }
}

/// The answers of a Snapshot. Whoever can ask the planner asks it the questions that stay
/// [`RecordedAnswers::unanswered`], records the answers, and lets the advice be given again, until no new question
/// comes: so what is advised live and what a capture file gives is the same code over the same answers.
#[derive(Debug)]
pub struct RecordedAnswers<'a> {
    answers: BTreeMap<Question, &'a WhatIf>,
    unanswered: BTreeSet<Question>,
}

impl<'a> RecordedAnswers<'a> {
    /// Over the answers of a Snapshot.
    pub fn new(what_if: &'a [WhatIf]) -> Self {
        Self {
            answers: what_if
                .iter()
                .map(|answer| (Question::new(&answer.key, &answer.indexes), answer))
                .collect(),
            unanswered: BTreeSet::new(),
        }
    }

    /// The questions that were asked and have no answer.
    pub fn unanswered(&self) -> &BTreeSet<Question> {
        &self.unanswered
    }
}

impl CostOracle for RecordedAnswers<'_> {
    fn cost(&mut self, statement: &StatementKey, indexes: &[IndexDefinition]) -> Option<WhatIf> {
        let question = Question::new(statement, indexes);
        if let Some(answer) = self.answers.get(&question) {
            return Some((*answer).clone());
        }
        self.unanswered.insert(question);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Oid, QualifiedName, QueryId};
    use crate::snapshot::WhatIfBasis;
    use crate::units::Cost;

    #[test]
    fn answers_are_found_whatever_the_order_of_the_indexes() {
        let key = StatementKey {
            userid: Oid(10),
            queryid: Some(QueryId(1)),
            toplevel: true,
        };
        let table = QualifiedName::new("public", "t");
        let one = IndexDefinition::btree(&table, ["a"]);
        let other = IndexDefinition::btree(&table, ["b"]);
        let recorded = [WhatIf {
            key: key.clone(),
            indexes: vec![other.clone(), one.clone()],
            basis: WhatIfBasis::Hypopg,
            before_cost: Cost(10.0),
            after_cost: Cost(1.0),
            before_ms: None,
            after_ms: None,
            used: vec![1],
            size_bytes: Vec::new(),
        }];
        let mut oracle = RecordedAnswers::new(&recorded);
        assert!(oracle.cost(&key, &[one.clone(), other]).is_some());
        assert!(oracle.unanswered().is_empty());
        assert!(oracle.cost(&key, std::slice::from_ref(&one)).is_none());
        assert!(oracle.cost(&key, std::slice::from_ref(&one)).is_none());
        assert_eq!(oracle.unanswered().len(), 1);
    }
}
