//! `memoize_ineffective`: a cache in a plan that almost never has what it is asked for.

use super::support::{Seen, Words, advice, each_seen, with_setting};
use super::{Case, CasePlan, Category, Check, CheckMeta, Proposal, Threshold};
use crate::finding::{Action, CheckId, Recommendation, Unit};
use crate::format;
use crate::ids::quote_ident;
use crate::plan::{MemoizeUsage, Node, columns};
use crate::snapshot::Area;
use crate::units::{float, ratio};

static MIN_MISSES: Threshold<i64> = Threshold {
    key: "memoize_ineffective.min_misses",
    default: 1_000,
    unit: Unit::Count,
    what: "misses, so that the upkeep of the cache matters",
};

static MAX_HITS: Threshold<f64> = Threshold {
    key: "memoize_ineffective.max_hit_share",
    default: 0.10,
    unit: Unit::Ratio,
    what: "share of the look-ups that the cache answers, less than",
};

static META: CheckMeta = CheckMeta {
    id: CheckId::new("memoize_ineffective"),
    title: "useless memoize",
    summary: "a Memoize misses 1,000 times or more and answers fewer than 10 % of the look-ups",
    category: Category::Plan,
    needs: &[Area::Plans],
    thresholds: &[&MIN_MISSES, &MAX_HITS],
    page: include_str!("memoize_ineffective.md"),
};

/// The check.
#[derive(Debug)]
pub struct MemoizeIneffective;

impl Check for MemoizeIneffective {
    fn meta(&self) -> &'static CheckMeta {
        &META
    }

    fn run(&self, case: &Case<'_>, found: &mut Vec<Proposal>) {
        each_seen(case, found, look);
    }
}

fn look(case: &Case<'_>, plan: &CasePlan<'_>, node: &Node) -> Option<Seen> {
    let cache = node.memoize_total()?;
    let (hits, misses) = (float(cache.hits), float(cache.misses));
    let rate = ratio(hits, hits + misses)?;
    if cache.misses < MIN_MISSES.of(case) || rate >= MAX_HITS.of(case) {
        return None;
    }
    let count =
        |label, value, key| plan.computed(label, value, Unit::Count, plan.process_sum(node, key));
    let of_hits = plan.process_sum(node, "Cache Hits");
    let of_misses = plan.process_sum(node, "Cache Misses");
    let formula = format!("({of_hits}) / ({of_hits} + {of_misses})");
    Some(Seen {
        title: format!(
            "useless memoize: {} misses for {} hits",
            format::count(misses),
            format::count(hits)
        ),
        proof: plan.computed(
            "look-ups that the cache answered",
            rate,
            Unit::Ratio,
            formula,
        ),
        others: vec![
            count("misses", misses, "Cache Misses"),
            count("evictions", float(cache.evictions), "Cache Evictions"),
        ],
        advice: distinct(case, plan, node, cache),
        share: loop_share(plan, node),
        causes: Vec::new(),
        at_most: None,
    })
}

/// The loop was chosen for the cache's sake.
fn loop_share(plan: &CasePlan<'_>, node: &Node) -> f64 {
    let join = plan.plan.parent(node);
    join.map_or(plan.own_share(node), |join| plan.share_of_loop(join))
}

fn distinct(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    node: &Node,
    cache: MemoizeUsage,
) -> Recommendation {
    let key = node.cache_key.as_deref().unwrap_or("the cache key");
    let memory = if cache.evictions > 0 {
        "; it evicted entries, so where the values do repeat, more work_mem keeps them"
    } else {
        ""
    };
    let summary = format!(
        "tell the planner how many different values {key} has: it expected them to repeat{memory}"
    );
    let words = Words {
        summary: &summary,
        expected: "a plan without the cache, or another join",
        risk: "other plans that group or join by the column change, too",
    };
    let advice = advice(Action::CreateStatistics, words);
    // Without evictions each miss is a different value. A negative n_distinct is a share of the rows.
    let share = ratio(float(cache.misses), float(cache.hits + cache.misses));
    let share = share.filter(|_| cache.evictions == 0);
    let Some((column, share)) = key_column(case, plan, key).zip(share) else {
        return advice;
    };
    let alter = format!("ALTER TABLE {} ALTER COLUMN {}", column.table, column.name);
    let mut advice = with_setting(
        advice,
        format!("{alter} SET (n_distinct = {:.2});", -share),
        format!("{alter} RESET (n_distinct);"),
    );
    let analyze = format!("ANALYZE {};", column.table);
    advice.ddl.push(analyze.clone());
    advice.rollback.push(analyze);
    advice
}

struct KeyColumn {
    table: String,
    name: String,
}

/// The column of a table that the cache key is; `None` where it is an expression, or several.
fn key_column(case: &Case<'_>, plan: &CasePlan<'_>, key: &str) -> Option<KeyColumn> {
    let [column] = columns(key).try_into().ok()?;
    let qualifier = column.qualifier?;
    let whole = format!("{}.{}", quote_ident(&qualifier), quote_ident(&column.name));
    let mut scans = plan.plan.nodes();
    let scan = scans.find(|node| node.target.alias.as_ref() == Some(&qualifier))?;
    let table = plan.table(&case.catalog, scan)?;
    (whole == key).then(|| KeyColumn {
        table: table.table.name.to_string(),
        name: quote_ident(&column.name).into_owned(),
    })
}
