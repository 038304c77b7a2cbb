//! `dominant_statement`: one statement takes a large share of the window's execution time.

use super::support::{Words, advice, label, subject};
use super::workload::{Family, Field};
use super::{Case, Category, Check, CheckMeta, Depth, Proposal, Threshold};
use crate::finding::{Action, CheckId, Draft, Severity, Unit, Weight};
use crate::format;
use crate::snapshot::Area;

/// From this share on a statement is where to look first; the engine calls such shares high (`Severity::High`).
static MIN_SHARE: Threshold<f64> = Threshold {
    key: "dominant_statement.min_share",
    default: 0.10,
    unit: Unit::Ratio,
    what: "share of the execution time",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("dominant_statement"),
    title: "dominant statement",
    summary: "a statement takes 10 % or more of the execution time",
    category: Category::Workload,
    needs: &[Area::Statements, Area::StatementTexts],
    thresholds: &[&MIN_SHARE],
    page: include_str!("dominant_statement.md"),
};

/// The check.
#[derive(Debug)]
pub struct DominantStatement;

impl Check for DominantStatement {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn depth(&self) -> Depth {
        Depth::Share
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        let families = case.workload.families().iter().enumerate();
        found.extend(families.filter_map(|(place, family)| propose(case, place, family)));
    }
}

fn propose(case: &Case<'_>, place: usize, family: &Family) -> Option<Proposal> {
    let workload = &case.workload;
    let share = workload.share(family.time())?;
    if !family.toplevel() || share < MIN_SHARE.of(case) {
        return None;
    }
    let title = format!(
        "dominant statement: {} of the execution time in {}",
        format::percent(share),
        label(workload.text(family))
    );
    let words = Words {
        summary: "look at this statement first; the related findings say what can be mended",
        expected: "none by itself: some statement always leads",
        risk: "none",
    };
    let draft = Draft::new(
        subject(family.fingerprint().as_str()),
        title,
        workload.share_evidence(family)?,
        advice(Action::Investigate, words),
    )
    .with(family.evidence(workload, "execution time", Field::ExecTime, Unit::Ms)?)
    .with(family.evidence(workload, "calls", Field::Calls, Unit::Calls)?)
    .at(case.location(family))
    .costing(case.impact(family, 1.0))
    .weighed(Weight::AtMost(Severity::Info));
    Some(Proposal {
        families: vec![place],
        draft,
    })
}
