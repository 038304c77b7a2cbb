//! Severity from impact.

use crate::checks::support::{MATTERS, MEDIUM_SHARE};
use crate::finding::{CheckId, Draft, Finding, Severity, Weight};
use crate::snapshot::Scope;

/// From this share of the window's execution time on a finding is critical: a quarter of what the server does.
const CRITICAL: f64 = 0.25;
/// From this share on it is high.
const HIGH: f64 = 0.10;

/// The finding, weighed.
pub fn stamp(draft: Draft, id: CheckId, scope: Scope) -> Finding {
    let severity = weigh(&draft, scope);
    draft.stamp(id, severity)
}

/// What a statement that was explained alone costs in all is unknown, so that less than a second may matter as much.
fn weigh(draft: &Draft, scope: Scope) -> Severity {
    let impact = draft.impact();
    let by_workload = || {
        let severity = of_share(impact.share.unwrap_or_default());
        match impact.time_ms {
            Some(time) if scope.is_workload() && time < MATTERS => severity.min(Severity::Medium),
            _ => severity,
        }
    };
    match draft.weight() {
        Weight::Workload => by_workload(),
        Weight::Plan(share) => of_share(share),
        Weight::AtMost(most) => by_workload().min(most),
        Weight::Exactly(severity) => severity,
    }
}

fn of_share(share: f64) -> Severity {
    match share {
        share if share >= CRITICAL => Severity::Critical,
        share if share >= HIGH => Severity::High,
        share if share >= MEDIUM_SHARE => Severity::Medium,
        _ => Severity::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::support::{Words, advice};
    use crate::finding::{Action, Evidence, Impact, Source, Subject, Unit};
    use crate::units::Millis;

    fn draft(share: Option<f64>, time: Option<f64>, weight: Weight) -> Draft {
        let words = Words {
            summary: "",
            expected: "",
            risk: "",
        };
        let proof = Evidence::read("", 1.0, Unit::Count, Source::Catalog, "/x");
        Draft::new(
            Subject::new("s"),
            "t",
            proof,
            advice(Action::Investigate, words),
        )
        .costing(Impact {
            share,
            time_ms: time.map(Millis),
            ..Impact::default()
        })
        .weighed(weight)
    }

    #[test]
    fn severity_follows_the_share_on_both_sides_of_each_threshold() {
        use Severity::{Critical, High, Info, Low, Medium};
        let much = Some(60_000.0);
        for (share, time, weight, expected) in [
            (Some(0.25), much, Weight::Workload, Critical),
            (Some(0.249), much, Weight::Workload, High),
            (Some(0.10), much, Weight::Workload, High),
            (Some(0.099), much, Weight::Workload, Medium),
            (Some(0.02), much, Weight::Workload, Medium),
            (Some(0.019), much, Weight::Workload, Low),
            (None, None, Weight::Workload, Low),
            (Some(0.9), Some(1_000.0), Weight::Workload, Critical),
            (Some(0.9), Some(999.9), Weight::Workload, Medium),
            (Some(0.9), Some(999.9), Weight::AtMost(Info), Info),
            (Some(0.9), much, Weight::AtMost(High), High),
            (None, None, Weight::Exactly(High), High),
            (None, None, Weight::Plan(0.25), Critical),
            (None, None, Weight::Plan(0.249), High),
            (None, None, Weight::Plan(0.099), Medium),
            (None, None, Weight::Plan(0.019), Low),
        ] {
            assert_eq!(
                weigh(&draft(share, time, weight), Scope::Workload),
                expected,
                "{share:?} {time:?} {weight:?}"
            );
        }
        let alone = draft(Some(0.9), Some(0.1), Weight::Workload);
        assert_eq!(weigh(&alone, Scope::Explained), Critical);
    }
}
