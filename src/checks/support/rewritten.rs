//! Advice to write a statement differently, with the statement written out where that is sure to return the same rows.

use crate::checks::{Case, CasePlan, Catalog};
use crate::finding::{Recommendation, Risk};
use crate::sql::parse::{Statement, parse};
use crate::sql::rewrite::{Assumption, Obstacle, Rewrite};

/// A way to write a statement differently.
pub type Way<'w> = &'w dyn Fn(&Statement, &Catalog<'_>) -> Result<Rewrite, Obstacle>;

/// What a plan's statement becomes.
///
/// # Errors
///
/// [`Obstacle`] says why it stays.
pub fn rewrite(case: &Case<'_>, plan: &CasePlan<'_>, way: Way<'_>) -> Result<Rewrite, Obstacle> {
    let statement = parse(case.text(plan)).map_err(|_| Obstacle::Grammar)?;
    way(&statement, &case.catalog)
}

/// `advice` with the statement that takes the place of the plan's; where there is none, with the reason.
pub fn rewritten(rewrite: Result<Rewrite, Obstacle>, advice: Recommendation) -> Recommendation {
    match rewrite {
        Ok(Rewrite { text, assumes }) => Recommendation {
            rewrite: Some(text),
            risk: Risk {
                text: same_rows(&assumes),
                ..advice.risk
            },
            ..advice
        },
        Err(Obstacle::Absent | Obstacle::Grammar) => advice,
        Err(obstacle) => Recommendation {
            summary: format!(
                "{}; it is not written out because {obstacle}",
                advice.summary
            ),
            ..advice
        },
    }
}

/// What must hold for the rewrite to return the same rows.
fn same_rows(assumes: &[Assumption]) -> String {
    if assumes.is_empty() {
        return "none for the result: the rows are the same".to_owned();
    }
    let conditions: Vec<String> = assumes.iter().map(ToString::to_string).collect();
    format!(
        "the rows are the same as long as {}",
        conditions.join(" and ")
    )
}
