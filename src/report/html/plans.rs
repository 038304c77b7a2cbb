//! Plans to explore: a tree that folds, a flame graph, and the three measures that both can show.

use crate::format;
use crate::report::plan_tree::{PlanTree, TreeNode};
use crate::report::text::cut;
use crate::units::ratio;

use super::flame::Flame;

/// Statements above their plans are shortened to this width.
const QUERY_COLUMNS: usize = 2_000;
/// Counts from here on are written in short.
const SHORT_FROM: f64 = 10_000.0;

/// The plans of one statement.
pub(super) struct Group<'a> {
    pub(super) query: String,
    pub(super) plans: Vec<Drawn<'a>>,
}

/// A plan with its drawings.
pub(super) struct Drawn<'a> {
    /// From 1, over all groups.
    pub(super) number: usize,
    pub(super) tree: &'a PlanTree,
    pub(super) time: String,
    pub(super) findings: Vec<usize>,
    pub(super) open: bool,
    pub(super) measures: Vec<Measured>,
    pub(super) lines: Vec<Line<'a>>,
}

/// What bars and flames show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Time,
    /// Where there is no time: the plan was not executed.
    Cost,
    Rows,
    Blocks,
}

/// A measure that the plan has numbers of.
pub(super) struct Measured {
    pub(super) measure: Measure,
    pub(super) flame: Flame,
}

/// A node on its line.
pub(super) struct Line<'a> {
    pub(super) place: usize,
    pub(super) node: &'a TreeNode,
    pub(super) has_children: bool,
    /// How many lists end after it.
    pub(super) closes: usize,
    pub(super) time: String,
    pub(super) rows: String,
    pub(super) factor: String,
    pub(super) blocks: String,
    pub(super) blocks_share: Option<f64>,
    pub(super) counts: Option<Counts>,
}

/// Expected and actual rows on a common logarithmic scale, 0..1.
pub(super) struct Counts {
    pub(super) estimated: f64,
    pub(super) actual: f64,
    /// The left and the right end of the line between them.
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Measure {
    const ALL: [Self; 4] = [Self::Time, Self::Cost, Self::Rows, Self::Blocks];

    /// As class names have it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Cost => "cost",
            Self::Rows => "rows",
            Self::Blocks => "blocks",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Time => "self time",
            Self::Cost => "cost",
            Self::Rows => "rows, expected and actual",
            Self::Blocks => "blocks",
        }
    }

    /// What the width of a flame is.
    pub(super) const fn flame_title(self) -> &'static str {
        match self {
            Self::Time => "time of a node and of those below it",
            Self::Cost => "planner's cost of a node and of those below it",
            Self::Rows => "rows that a node and those below it returned",
            Self::Blocks => "blocks that a node and those below it touched",
        }
    }

    pub(super) const fn of(self, node: &TreeNode) -> Option<f64> {
        match self {
            Self::Time => match node.self_time {
                Some(time) => Some(time.get()),
                None => None,
            },
            Self::Cost => match node.self_time {
                Some(_) => None,
                None => node.own_cost,
            },
            Self::Rows => node.total_rows,
            Self::Blocks => node.blocks,
        }
    }

    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Time => format::duration(crate::units::Millis(value)),
            Self::Cost => format!("cost {}", format::quantity(value)),
            Self::Rows => format!("{} rows", count(value)),
            Self::Blocks => format!("{} blocks", format::count(value)),
        }
    }
}

/// The plans by statement, in their order.
pub(super) fn groups(trees: &[PlanTree]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (place, tree) in trees.iter().enumerate() {
        let query = cut(&tree.query, QUERY_COLUMNS);
        let plan = drawn(place + 1, tree);
        match groups.last_mut().filter(|group| group.query == query) {
            Some(group) => group.plans.push(plan),
            None => groups.push(Group {
                query,
                plans: vec![plan],
            }),
        }
    }
    let only = trees.len() == 1;
    for group in &mut groups {
        let proves = |plan: &Drawn<'_>| only || !plan.findings.is_empty();
        if let Some(first) = group.plans.iter_mut().find(|plan| proves(plan)) {
            first.open = true;
        }
    }
    groups
}

fn drawn(number: usize, tree: &PlanTree) -> Drawn<'_> {
    let measures = Measure::ALL.into_iter().filter_map(|measure| {
        let flame = Flame::of(&tree.nodes, measure)?;
        Some(Measured { measure, flame })
    });
    Drawn {
        number,
        tree,
        time: tree.time.map(format::duration).unwrap_or_default(),
        findings: tree.findings(),
        open: false,
        measures: measures.collect(),
        lines: lines(&tree.nodes),
    }
}

fn lines(nodes: &[TreeNode]) -> Vec<Line<'_>> {
    let largest =
        |of: fn(&TreeNode) -> Option<f64>| nodes.iter().filter_map(of).fold(0.0, f64::max);
    let most_rows = largest(|node| node.estimated_rows).max(largest(|node| node.actual_rows));
    let most_blocks = largest(|node| node.blocks);
    let line = |(place, node): (usize, &'_ TreeNode)| (place, node.depth);
    let depths: Vec<(usize, usize)> = nodes.iter().enumerate().map(line).collect();
    nodes
        .iter()
        .enumerate()
        .map(|(place, node)| {
            let next = depths.get(place + 1).map(|(_, depth)| *depth);
            Line {
                place,
                node,
                has_children: next.is_some_and(|next| next > node.depth),
                closes: node.depth.saturating_sub(next.unwrap_or(0)),
                time: node.self_time.map(format::duration).unwrap_or_default(),
                rows: rows(node),
                factor: node
                    .misestimate
                    .map(|factor| format!("{} ×", format::quantity(factor.round())))
                    .unwrap_or_default(),
                blocks: node.blocks.map(count).unwrap_or_default(),
                blocks_share: node.blocks.and_then(|blocks| ratio(blocks, most_blocks)),
                counts: counts(node, most_rows),
            }
        })
        .collect()
}

fn rows(node: &TreeNode) -> String {
    match (node.estimated_rows, node.actual_rows) {
        (Some(estimated), Some(actual)) => format!("{} → {}", count(estimated), count(actual)),
        (Some(estimated), None) => format!("{} →", count(estimated)),
        (None, Some(actual)) => format!("→ {}", count(actual)),
        (None, None) => String::new(),
    }
}

fn count(value: f64) -> String {
    if value >= SHORT_FROM {
        format::short_count(value)
    } else {
        format::quantity(value)
    }
}

fn counts(node: &TreeNode, most: f64) -> Option<Counts> {
    let place = |rows: f64| ratio(rows.max(1.0).ln(), most.max(10.0).ln());
    let (estimated, actual) = (place(node.estimated_rows?)?, place(node.actual_rows?)?);
    Some(Counts {
        estimated,
        actual,
        from: estimated.min(actual),
        to: estimated.max(actual),
    })
}
