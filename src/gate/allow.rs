//! Comments that let findings pass.

use super::{Origin, Rules};
use crate::checks::{find, stale_allow};
use crate::finding::{Finding, Severity};
use crate::sql::script::{Allow, Flaw};

/// The findings that stay, those that pass with the comment that lets them, and what is wrong with comments.
type Applied<'o> = (Vec<Finding>, Vec<(String, &'o Allow)>, Vec<Finding>);

/// Lets findings pass as the comments above their statement say. `planned`: whether there is a plan that findings could
/// be of.
pub(super) fn apply<'o>(
    findings: Vec<Finding>,
    origin: &'o Origin,
    rules: &Rules,
    planned: bool,
) -> Applied<'o> {
    let mut stale = Vec::new();
    let mut counting = Vec::new();
    for allow in &origin.allows {
        match Standing::of(allow, &findings, rules, planned) {
            Standing::Counts => counting.push(allow),
            Standing::Beside => {}
            Standing::Stale(severity, why) => {
                let draft = stale_allow::draft(allow, &origin.called(), &why);
                stale.push(draft.stamp(stale_allow::ID, severity));
            }
        }
    }
    let mut allowed = Vec::new();
    let stay = findings.into_iter().filter_map(|finding| {
        let by = counting
            .iter()
            .find(|allow| allow.check == finding.kind.as_str());
        match by {
            Some(allow) => {
                allowed.push((finding.id, *allow));
                None
            }
            None => Some(finding),
        }
    });
    (stay.collect(), allowed, stale)
}

enum Standing {
    Counts,
    /// Its check does not run, or its statement has no plan: nothing can be said.
    Beside,
    Stale(Severity, String),
}

impl Standing {
    fn of(allow: &Allow, findings: &[Finding], rules: &Rules, planned: bool) -> Self {
        if let Some(flaw) = &allow.flaw {
            let severity = match flaw {
                Flaw::Misplaced => Severity::Medium,
                _ => Severity::High,
            };
            return Self::Stale(severity, flaw.to_string());
        }
        let Some(check) = find(&allow.check) else {
            let why = format!(
                "there is no check {:?}; pgtriage rules lists all",
                allow.check
            );
            return Self::Stale(Severity::High, why);
        };
        let used = findings
            .iter()
            .any(|finding| finding.kind == check.meta().id);
        if !planned && !used || !rules.analysis.checks.includes(check.meta().id) {
            return Self::Beside;
        }
        match allow.until.filter(|until| *until < rules.today) {
            Some(until) if used => Self::Stale(
                Severity::High,
                format!("it counted until {until}, and the finding is still there"),
            ),
            _ if used => Self::Counts,
            _ => Self::Stale(
                Severity::Medium,
                "nothing is found that it could allow".to_owned(),
            ),
        }
    }
}
