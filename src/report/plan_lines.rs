//! Draws a plan as lines of text: a line a node with its own time as a bar, rows expected and come, and the findings'
//! numbers; below it what it does.

use unicode_width::UnicodeWidthStr;

use super::plan_tree::{Fact, PlanTree, TreeNode};
use super::text::{cut, wrap};
use crate::format;
use crate::units::Millis;

/// Columns of the bar.
const BAR: usize = 6;
/// From this width on blocks have a column of their own.
const WIDE: usize = 100;
/// Columns that are left for a node's name, however deep it stands.
const LEAST_ROOM: usize = 26;
/// Columns of the guide that are a node's own: its corner, the line to its children, and the sign that outer levels are
/// left out.
const OWN_GUIDE: usize = 6;
/// A condition that is longer than this many lines is cut; the JSON report has it whole.
const DETAIL_LINES: usize = 3;
/// Eighths of a column.
const EIGHTHS: [&str; 7] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// A line, and what it is, so that a terminal may colour it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The text.
    pub text: String,
    /// What it is.
    pub kind: Kind,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The headings of the columns.
    Head,
    /// A node.
    Node,
    /// A node that proves a finding.
    Marked,
    /// What a node does.
    Purpose,
    /// What it throws away or spills.
    Waste,
}

/// The times of a plan, those of single executions on a line of their own.
pub fn facts(block: &PlanTree) -> Vec<String> {
    let (many, few): (Vec<&Fact>, Vec<&Fact>) = block
        .times
        .iter()
        .partition(|fact| fact.value.contains(','));
    let text = |fact: &&Fact| format!("{} {}", fact.label, fact.value);
    let few: Vec<String> = few.iter().map(text).collect();
    let first = (!few.is_empty()).then(|| few.join(" · "));
    first.into_iter().chain(many.iter().map(text)).collect()
}

/// The plan in at most so many columns.
pub fn lines(block: &PlanTree, columns: usize) -> Vec<Line> {
    let measure = Measure::of(block);
    let cells: Vec<Cells> = block
        .nodes
        .iter()
        .map(|row| cells(block, measure, row))
        .collect();
    let table = Table::of(block, measure, &cells, columns);
    let mut lines = vec![table.head(measure)];
    let guides = Guides::of(&block.nodes);
    for (place, (row, cells)) in block.nodes.iter().zip(&cells).enumerate() {
        table.node(row, cells, &guides.at(place, table.room), &mut lines);
    }
    lines
}

/// What nodes are weighed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Milliseconds.
    Time,
    /// Planner cost: it was not executed, or not timed.
    Cost,
}

impl Measure {
    fn of(block: &PlanTree) -> Self {
        if block.nodes.iter().any(|node| node.self_time.is_some()) {
            Self::Time
        } else {
            Self::Cost
        }
    }

    /// What a node cost itself; `None` where it never ran.
    fn own(self, row: &TreeNode) -> Option<f64> {
        let ran = row.loops.is_none_or(|loops| loops > 0.0);
        let own = match self {
            Self::Time => row.self_time.map(Millis::get),
            Self::Cost => row.own_cost,
        };
        own.filter(|_| ran)
    }

    fn share(self, row: &TreeNode) -> f64 {
        let share = match self {
            Self::Time => row.time_share,
            Self::Cost => row.cost_share,
        };
        share.unwrap_or_default()
    }
}

/// The numbers of a row as text.
struct Cells {
    own: String,
    bar: String,
    estimated: String,
    actual: String,
    factor: String,
    blocks: String,
}

fn cells(block: &PlanTree, measure: Measure, row: &TreeNode) -> Cells {
    let count = |value: Option<f64>| value.map(format::short_count).unwrap_or_default();
    Cells {
        own: own(block, measure, row),
        bar: bar(measure.share(row)),
        estimated: count(row.estimated_rows),
        actual: count(row.actual_rows),
        factor: row
            .misestimate
            .map(|factor| format!("×{}", format::short_count(factor)))
            .unwrap_or_default(),
        blocks: row
            .blocks
            .filter(|blocks| *blocks > 0.0)
            .map(format::short_count)
            .unwrap_or_default(),
    }
}

/// As many decimals as the largest needs, so that the points stand below each other.
fn own(block: &PlanTree, measure: Measure, row: &TreeNode) -> String {
    let Some(own) = measure.own(row) else {
        return String::new();
    };
    let all = block.nodes.iter().filter_map(|row| measure.own(row));
    let largest = all.fold(0.0, f64::max);
    match measure {
        Measure::Cost => format::count(own),
        Measure::Time if largest >= 10_000.0 => format::count(own),
        Measure::Time if largest >= 10.0 => format!("{own:.1}"),
        Measure::Time => format!("{own:.3}"),
    }
}

/// A share of 0..1 as a bar of [`BAR`] columns; what is not nothing shows.
fn bar(share: f64) -> String {
    let mut filled = String::new();
    let eighths = BAR * 8;
    // Found by counting up: no lossy cast.
    let wanted = (0..=eighths)
        .take_while(|count| {
            u32::try_from(*count).is_ok_and(|count| f64::from(count) <= share * 48.0)
        })
        .last()
        .unwrap_or(0)
        .max(usize::from(share > 0.0));
    filled.push_str(&"█".repeat(wanted / 8));
    if let Some(part) = (wanted % 8)
        .checked_sub(1)
        .and_then(|part| EIGHTHS.get(part))
    {
        filled.push_str(part);
    }
    filled
}

/// The widths that a plan's numbers need.
struct Table {
    own: usize,
    estimated: usize,
    actual: usize,
    factor: usize,
    blocks: Option<usize>,
    /// Columns for the tree.
    room: usize,
}

impl Table {
    fn of(block: &PlanTree, measure: Measure, cells: &[Cells], columns: usize) -> Self {
        let widest = |text: fn(&Cells) -> &String, least: usize| {
            let widths = cells.iter().map(|cells| text(cells).width());
            widths.max().unwrap_or(0).max(least)
        };
        let blocks = block.nodes.iter().any(|row| row.blocks.is_some());
        let mut table = Self {
            own: widest(|cells| &cells.own, own_title(measure).len()),
            estimated: widest(|cells| &cells.estimated, "rows est".len()),
            actual: widest(|cells| &cells.actual, 0),
            factor: widest(|cells| &cells.factor, 0),
            blocks: (blocks && columns >= WIDE)
                .then(|| widest(|cells| &cells.blocks, "blocks".len())),
            room: 0,
        };
        if table.actual > 0 {
            table.actual = table.actual.max("act".len());
        }
        table.room = columns
            .saturating_sub(table.numbers().width())
            .max(LEAST_ROOM);
        table
    }

    /// The blank that stands for the numbers beside a line without any.
    fn numbers(&self) -> String {
        self.row(["", "", "", "", "", ""], "")
    }

    fn row(&self, [own, bar, estimated, actual, factor, blocks]: [&str; 6], arrow: &str) -> String {
        let actual =
            (self.actual > 0).then(|| format!(" {arrow:1} {actual:>width$}", width = self.actual));
        let factor = (self.factor > 0).then(|| format!(" {factor:<width$}", width = self.factor));
        let blocks = self.blocks.map(|width| format!("  {blocks:>width$}"));
        let columns = [actual, factor, blocks]
            .into_iter()
            .flatten()
            .collect::<String>();
        format!(
            "{own:>own_width$} {bar:<BAR$} {estimated:>estimated_width$}{columns}  ",
            own_width = self.own,
            estimated_width = self.estimated
        )
    }

    fn head(&self, measure: Measure) -> Line {
        let numbers = self.row(
            [own_title(measure), "", "rows est", "act", "", "blocks"],
            "→",
        );
        Line {
            text: format!("{numbers}node"),
            kind: Kind::Head,
        }
    }

    fn node(&self, row: &TreeNode, cells: &Cells, guide: &Guide, lines: &mut Vec<Line>) {
        let arrow = if cells.actual.is_empty() { "" } else { "→" };
        let numbers = self.row(
            [
                &cells.own,
                &cells.bar,
                &cells.estimated,
                &cells.actual,
                &cells.factor,
                &cells.blocks,
            ],
            arrow,
        );
        let mut push = |numbers: &str, guide: &str, text: &str, kind: Kind| {
            lines.push(Line {
                text: format!("{numbers}{guide}{text}").trim_end().to_owned(),
                kind,
            });
        };
        let blank = self.numbers();
        let room = |guide: &str| self.room.saturating_sub(guide.width()).max(LEAST_ROOM);
        let kind = if row.findings.is_empty() {
            Kind::Node
        } else {
            Kind::Marked
        };
        for (at, line) in wrap(&label(row), room(&guide.below)).iter().enumerate() {
            match at {
                0 => push(&numbers, &guide.first, line, kind),
                _ => push(&blank, &guide.below, line, kind),
            }
        }
        for condition in &row.conditions {
            let text = format!("{}: {}", condition.label, condition.value);
            for line in shortened(&text, room(&guide.below)) {
                push(&blank, &guide.below, &line, Kind::Purpose);
            }
        }
        for remark in &row.remarks {
            for line in wrap(remark, room(&guide.below)) {
                push(&blank, &guide.below, &line, Kind::Waste);
            }
        }
    }
}

/// The text wrapped, what does not fit into [`DETAIL_LINES`] cut.
fn shortened(text: &str, columns: usize) -> Vec<String> {
    let mut lines = wrap(text, columns);
    if lines.len() > DETAIL_LINES {
        let rest = lines.split_off(DETAIL_LINES - 1).join(" ");
        lines.push(cut(&rest, columns));
    }
    lines
}

const fn own_title(measure: Measure) -> &'static str {
    match measure {
        Measure::Time => "self ms",
        Measure::Cost => "cost",
    }
}

/// What a node is, how often it ran, and the numbers of the findings that it proves.
fn label(row: &TreeNode) -> String {
    let mut label = match &row.role {
        Some(role) => format!("{role}: {}", row.label),
        None => row.label.clone(),
    };
    let loops = row.loops.filter(|loops| *loops > 1.0);
    label.extend(loops.map(|loops| format!(" ({} loops)", format::short_count(loops))));
    for number in &row.findings {
        label.push(' ');
        label.push_str(&mark(*number));
    }
    label
}

/// A finding's number as it stands beside a node.
pub fn mark(number: usize) -> String {
    const FIRST: u32 = 0x2460;
    let circled = u32::try_from(number)
        .ok()
        .filter(|number| (1..=20).contains(number))
        .and_then(|number| char::from_u32(FIRST + number - 1));
    circled.map_or_else(|| format!("({number})"), String::from)
}

/// The lines of the tree left of a node.
struct Guide {
    /// On its first line.
    first: String,
    /// On the lines below it that are about it.
    below: String,
}

/// Where each row stands in the tree.
struct Guides {
    /// The rows above each row, the root first, and itself.
    paths: Vec<Vec<usize>>,
    /// Whether a sibling follows.
    continued: Vec<bool>,
    /// Whether anything stands under it.
    has_children: Vec<bool>,
}

impl Guides {
    fn of(rows: &[TreeNode]) -> Self {
        let mut paths: Vec<Vec<usize>> = Vec::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            let above = row.parent.and_then(|parent| paths.get(parent));
            let mut path = above.cloned().unwrap_or_default();
            path.push(place);
            paths.push(path);
        }
        let follows = |place: usize, parent: Option<usize>| {
            let mut later = rows.iter().skip(place + 1);
            parent.is_some() && later.any(|other| other.parent == parent)
        };
        Self {
            continued: rows
                .iter()
                .enumerate()
                .map(|(place, row)| follows(place, row.parent))
                .collect(),
            has_children: (0..rows.len())
                .map(|place| rows.iter().any(|row| row.parent == Some(place)))
                .collect(),
            paths,
        }
    }

    /// The guide of a row; where it stands too deep for the room, the outer levels are left out.
    fn at(&self, place: usize, room: usize) -> Guide {
        let path = self.paths.get(place).map_or(&[][..], Vec::as_slice);
        let runs_on = |row: &usize| self.continued.get(*row).copied().unwrap_or(false);
        let line = |on: bool| if on { "│ " } else { "  " };
        // The root has no line to its left.
        let mut levels: Vec<&str> = path.iter().skip(1).map(|row| line(runs_on(row))).collect();
        let last = levels.pop();
        let most = room.saturating_sub(LEAST_ROOM + OWN_GUIDE) / 2;
        let hidden = levels.len().saturating_sub(most);
        let mut outer: String = levels.split_off(hidden).concat();
        if hidden > 0 {
            outer.insert_str(0, "… ");
        }
        let own = match (last, path.last()) {
            (Some(_), Some(row)) if runs_on(row) => "├ ",
            (Some(_), _) => "└ ",
            (None, _) => "",
        };
        let has_children = self.has_children.get(place).copied().unwrap_or(false);
        Guide {
            first: format!("{outer}{own}"),
            below: format!("{outer}{}{}", last.unwrap_or_default(), line(has_children)),
        }
    }
}
