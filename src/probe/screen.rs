//! Names what the guard has against statements that nobody asked a plan of: a planted statement need not take much
//! time.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::attempt::{Context, Probed};
use super::fault::Fault;
use super::guard::{GuardNames, Hold, TextVerdict, Verdict, judge, judge_text};
use super::inquiry::Inquiry;
use super::link::Access;
use super::{Writes, write_down};
use crate::snapshot::{ProbeStatus, Snapshot};
use crate::sql::mentions::Mentions;

/// How many statements are looked at, the most expensive first.
const SCREENED: usize = 100;

/// Writes down an outcome for statements besides `candidates`. Their texts are judged together, in one round trip, and
/// one by one only if there is something against any of them; none is given to the server's parser.
pub(super) async fn screen(
    context: &Context<'_>,
    snapshot: &mut Snapshot,
    candidates: &[usize],
) -> Result<(), Fault> {
    let rest = rest(snapshot, candidates);
    let mut all = GuardNames::default();
    let mut planned = Vec::new();
    for position in rest {
        let Some(text) = text(snapshot, position) else {
            continue;
        };
        let mentions = Mentions::of(text);
        match judge_text(&mentions) {
            // A utility command has no plan that could be missed.
            TextVerdict::Refused(_) if !mentions.class.is_planned() => {}
            TextVerdict::Refused(hold) => write(snapshot, position, ProbeStatus::Refused, hold),
            TextVerdict::Reads | TextVerdict::Modifies(_) => {
                all.add(&mentions);
                planned.push(position);
            }
        }
    }
    if planned.is_empty() {
        return Ok(());
    }
    let suspicious = matches!(verdict(context, all).await?, Verdict::Refuse(_));
    for position in planned {
        let Some(text) = text(snapshot, position) else {
            continue;
        };
        let names = GuardNames::of(&Mentions::of(text));
        if suspicious
            && Instant::now() < context.budget_end
            && let Verdict::Refuse(hold) = verdict(context, names).await?
        {
            write(snapshot, position, ProbeStatus::Refused, hold);
        } else {
            let hold = not_chosen(candidates.len(), context.options.top);
            write(snapshot, position, ProbeStatus::NotProbed, hold);
        }
    }
    Ok(())
}

/// The positions of the most expensive statements that are no candidates.
fn rest(snapshot: &Snapshot, candidates: &[usize]) -> Vec<usize> {
    let chosen: BTreeSet<usize> = candidates.iter().copied().collect();
    let mut rest: Vec<(usize, f64)> = snapshot
        .statements
        .iter()
        .enumerate()
        .filter(|(position, _)| !chosen.contains(position))
        .map(|(position, s)| (position, s.counters.total_exec_time_ms.get()))
        .collect();
    rest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    rest.truncate(SCREENED);
    rest.into_iter().map(|(position, _)| position).collect()
}

fn text(snapshot: &Snapshot, position: usize) -> Option<&str> {
    snapshot.statements.get(position)?.query.as_deref()
}

/// What the guard says of these names in a statement that reads.
async fn verdict(context: &Context<'_>, names: GuardNames) -> Result<Verdict, Fault> {
    let session = context.session;
    let inquiry = Inquiry {
        names,
        schemas: session.schemas(),
        trusted: &context.options.trust_owners,
        access: Access::Read,
        writes: Writes::Planned,
        // No text goes to the server.
        waits_for: &[],
    };
    let objections = session.begin_guarded(&inquiry).await;
    let ended = session.end().await;
    let objections = objections?;
    ended?;
    Ok(judge(TextVerdict::Reads, &objections, Writes::Planned))
}

/// Why a statement is none of the candidates, of which there are `top` at most.
fn not_chosen(candidates: usize, top: usize) -> Hold {
    if candidates < top {
        return Hold::new("other statements take nearly all of the time");
    }
    Hold {
        reason: format!("it is not among the {top} statements that --top allows"),
        remedy: Some(format!("--top {}", top.saturating_mul(2))),
    }
}

fn write(snapshot: &mut Snapshot, position: usize, status: ProbeStatus, hold: Hold) {
    if let Some(statement) = snapshot.statements.get(position).cloned() {
        write_down(snapshot, &statement, Probed::without_plan(status, hold));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_limit_cut_is_not_called_unimportant() {
        let few = not_chosen(3, 20);
        assert_eq!(
            (few.reason.contains("nearly all"), few.remedy),
            (true, None)
        );
        let cut = not_chosen(2, 2);
        assert_eq!(
            cut.reason,
            "it is not among the 2 statements that --top allows"
        );
        assert_eq!(cut.remedy.as_deref(), Some("--top 4"));
    }
}
