//! Puts the advisor's questions to the planner, until it has no more.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;

use super::ProbeOptions;
use super::hypothetical::HypopgOracle;
use crate::advisor::{self, Question, RecordedAnswers};
use crate::checks::{Case, Thresholds};
use crate::connect::Session;
use crate::snapshot::{self, Area, IndexColumn, Snapshot};
use crate::sql::redact::Redactor;

/// The advisor asks about single indexes first, then about sets of those that help; more rounds than this bring
/// nothing.
const ROUNDS: usize = 12;

/// Asks the planner what statements would cost with the indexes that the advisor has in mind, and records the answers
/// in the snapshot, where `analyze` finds them. All questions together take `time` at most; what stays unanswered is
/// advised by formula. Without the `HypoPG` extension nothing is asked, and a gap says so.
pub async fn ask_what_if(
    session: &Session,
    snapshot: &mut Snapshot,
    options: &ProbeOptions,
    time: Duration,
    cancelled: watch::Receiver<bool>,
) {
    let thresholds = &options.thresholds;
    if snapshot.plans.is_empty()
        || open_questions(snapshot, thresholds, &BTreeSet::new()).is_empty()
    {
        return;
    }
    let mut oracle = match HypopgOracle::open(session, snapshot, options, time, cancelled).await {
        Ok(oracle) => oracle,
        Err(gap) => {
            if snapshot.gap(Area::HypotheticalIndexes).is_none() {
                snapshot.gaps.push(gap);
            }
            return;
        }
    };
    let mut refused = BTreeSet::new();
    for _ in 0..ROUNDS {
        let questions = open_questions(snapshot, thresholds, &refused);
        if questions.is_empty() {
            break;
        }
        for question in questions {
            let answer = oracle
                .what_if(snapshot, &question.statement, &question.indexes)
                .await;
            match answer {
                Ok(answer) => snapshot.what_if.push(answer),
                Err(_) => {
                    refused.insert(question);
                }
            }
        }
    }
}

fn open_questions(
    snapshot: &Snapshot,
    thresholds: &Thresholds,
    refused: &BTreeSet<Question>,
) -> Vec<Question> {
    let mut open = unanswered(snapshot, thresholds);
    if !snapshot.scope.is_workload() {
        // A text with literals asks for other indexes once they are tokens, and that is how it is analysed.
        let mut redacted = snapshot.clone();
        snapshot::redact(&mut redacted, &mut Redactor::new());
        open.extend(
            unanswered(&redacted, thresholds)
                .into_iter()
                .filter(is_plain),
        );
    }
    open.difference(refused).cloned().collect()
}

fn unanswered(snapshot: &Snapshot, thresholds: &Thresholds) -> BTreeSet<Question> {
    let mut answers = RecordedAnswers::new(&snapshot.what_if);
    advisor::advise(&Case::of(snapshot, thresholds), &mut answers);
    answers.unanswered().clone()
}

/// Whether no literal stands in its indexes, so that tokens changed nothing.
fn is_plain(question: &Question) -> bool {
    question.indexes.iter().all(|index| {
        let columns = |key: &IndexColumn| !key.expr.contains('‹');
        index.predicate.is_none() && index.keys.iter().all(columns)
    })
}
