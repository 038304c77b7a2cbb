//! A flame graph of a plan, the root on top: a node is as wide as what it and those below it did.

use crate::format;
use crate::report::plan_tree::TreeNode;
use crate::units::ratio;

use super::plans::Measure;

/// Nodes that are narrower than this share of the whole are left out.
const NARROWEST: f64 = 0.002;
/// Height of a node in the drawing.
pub(super) const ROW: usize = 22;

/// Where the nodes stand.
pub(super) struct Flame {
    pub(super) blocks: Vec<Block>,
    pub(super) height: usize,
    /// What it shows, in words.
    pub(super) summary: String,
}

/// A node in the flame graph; lengths are shares of the whole width.
pub(super) struct Block {
    pub(super) place: usize,
    pub(super) left: f64,
    pub(super) width: f64,
    pub(super) top: usize,
    /// How much of the whole the node did itself, as a class.
    pub(super) heat: &'static str,
    pub(super) label: String,
    pub(super) title: String,
}

impl Flame {
    /// `None` where the plan has no such numbers, or they are all nothing.
    pub(super) fn of(nodes: &[TreeNode], measure: Measure) -> Option<Self> {
        let own: Vec<f64> = nodes
            .iter()
            .map(|node| measure.of(node).unwrap_or(0.0).max(0.0))
            .collect();
        let widths = with_children(nodes, &own);
        let whole = own.iter().sum::<f64>();
        let lefts = lefts(nodes, &widths);
        let blocks: Vec<Block> = nodes
            .iter()
            .zip(own.iter().zip(widths.iter().zip(&lefts)))
            .enumerate()
            .filter_map(|(place, (node, (own, (width, left))))| {
                let share = ratio(*own, whole)?;
                Some(Block {
                    place,
                    left: ratio(*left, whole)?,
                    width: ratio(*width, whole)?,
                    top: node.depth * ROW,
                    heat: heat(share),
                    label: node.label.clone(),
                    title: format!(
                        "{}: {} itself ({}), {} with those below",
                        node.label,
                        measure.text(*own),
                        format::percent(share),
                        measure.text(*width)
                    ),
                })
            })
            .filter(|block| block.width >= NARROWEST)
            .collect();
        let deepest = blocks.iter().map(|block| block.top).max()?;
        Some(Self {
            summary: summary(nodes, &own, whole, measure),
            height: deepest + ROW,
            blocks,
        })
    }
}

fn summary(nodes: &[TreeNode], own: &[f64], whole: f64, measure: Measure) -> String {
    let most = nodes
        .iter()
        .zip(own)
        .max_by(|(_, one), (_, other)| one.total_cmp(other));
    let most = most.and_then(|(node, own)| {
        let share = format::percent(ratio(*own, whole)?);
        Some(format!("; most of it in {}: {share}", node.label))
    });
    format!(
        "Flame graph, {}{}. The tree below has all numbers.",
        measure.flame_title(),
        most.unwrap_or_default()
    )
}

/// What each node and all below it did.
fn with_children(nodes: &[TreeNode], own: &[f64]) -> Vec<f64> {
    let mut sums = own.to_vec();
    for (place, node) in nodes.iter().enumerate().rev() {
        let sum = sums.get(place).copied().unwrap_or(0.0);
        if let Some(parent) = node.parent.and_then(|parent| sums.get_mut(parent)) {
            *parent += sum;
        }
    }
    sums
}

/// Where each begins: its siblings follow one another from where the node above begins.
fn lefts(nodes: &[TreeNode], widths: &[f64]) -> Vec<f64> {
    let mut next = vec![0.0; nodes.len()];
    let mut lefts = Vec::with_capacity(nodes.len());
    for (place, node) in nodes.iter().enumerate() {
        let left = match node.parent.and_then(|parent| next.get_mut(parent)) {
            Some(cursor) => {
                let left = *cursor;
                *cursor += widths.get(place).copied().unwrap_or(0.0);
                left
            }
            None => 0.0,
        };
        lefts.push(left);
        if let Some(own) = next.get_mut(place) {
            *own = left;
        }
    }
    lefts
}

const fn heat(share: f64) -> &'static str {
    match share {
        s if s >= 0.25 => "hottest",
        s if s >= 0.10 => "hot",
        s if s >= 0.02 => "warm",
        _ => "cool",
    }
}
