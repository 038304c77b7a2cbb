//! Severity from impact.

use crate::checks::Thresholds;
use crate::checks::support::{CRITICAL_SHARE, HIGH_SHARE, MATTERS, MEDIUM_SHARE};
use crate::finding::{CheckId, Draft, Finding, Severity, Weight};
use crate::snapshot::Scope;

/// The finding, weighed.
pub fn stamp(draft: Draft, id: CheckId, scope: Scope, thresholds: &Thresholds) -> Finding {
    let severity = weigh(&draft, scope, thresholds);
    draft.stamp(id, severity)
}

/// What a statement that was explained alone costs in all is unknown, so that less than a second may matter as much.
fn weigh(draft: &Draft, scope: Scope, thresholds: &Thresholds) -> Severity {
    let impact = draft.impact();
    let by_workload = || {
        let severity = of_share(thresholds, impact.share.unwrap_or_default());
        match impact.time_ms {
            Some(time) if scope.is_workload() && time < MATTERS.of(thresholds) => {
                severity.min(Severity::Medium)
            }
            _ => severity,
        }
    };
    match draft.weight() {
        Weight::Workload => by_workload(),
        Weight::Plan(share) => of_share(thresholds, share),
        Weight::AtMost(most) => by_workload().min(most),
        Weight::Exactly(severity) => severity,
    }
}

fn of_share(thresholds: &Thresholds, share: f64) -> Severity {
    match share {
        share if share >= CRITICAL_SHARE.of(thresholds) => Severity::Critical,
        share if share >= HIGH_SHARE.of(thresholds) => Severity::High,
        share if share >= MEDIUM_SHARE.of(thresholds) => Severity::Medium,
        _ => Severity::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Number;
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
        let usual = Thresholds::default();
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
                weigh(&draft(share, time, weight), Scope::Workload, &usual),
                expected,
                "{share:?} {time:?} {weight:?}"
            );
        }
        let mut moved = Thresholds::default();
        let mut severity = moved.of_severity();
        severity.set("high_share", Some(Number::Real(0.2))).unwrap();
        severity
            .set("min_time_ms", Some(Number::Whole(60_001)))
            .unwrap();
        for (share, time, expected) in [
            (0.19, 60_001.0, Medium),
            (0.2, 60_001.0, High),
            (0.2, 60_000.0, Medium),
        ] {
            let draft = draft(Some(share), Some(time), Weight::Workload);
            assert_eq!(weigh(&draft, Scope::Workload, &moved), expected);
        }
        let alone = draft(Some(0.9), Some(0.1), Weight::Workload);
        assert_eq!(weigh(&alone, Scope::Explained, &usual), Critical);
    }
}
