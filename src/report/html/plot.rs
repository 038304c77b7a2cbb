//! Statement families by calls and mean time: few slow ones, many quick ones, and where the findings are among them.

use crate::finding::{Finding, Report, ReportStatement};
use crate::format;
use crate::report::text::one_line;
use crate::sql::family::pretty;
use crate::units::{Millis, float};

/// Height of the drawing, and the room for its words above and below.
const HEIGHT: f64 = 300.0;
const ABOVE: f64 = 34.0;
const BELOW: f64 = 44.0;
/// The parts of the width that are left free, for the words on the left and half a circle on the right.
const LEFT: f64 = 0.08;
const RIGHT: f64 = 0.03;
/// The room around the outermost values, in powers of ten.
const AROUND: f64 = 0.25;
/// Fewer families are better read than looked at.
const FEWEST: usize = 4;
/// Families drawn: the others are specks.
const MOST: usize = 100;
/// Radius of the circle of a family that takes no time, and of one that takes all; of one with a number in it at least.
const SMALLEST: f64 = 3.5;
const LARGEST: f64 = 34.0;
const NUMBERED: f64 = 9.0;
/// A text in a tooltip is shortened to this width.
const TITLE_COLUMNS: usize = 100;

/// Circles over two logarithmic scales.
pub(super) struct Plot {
    pub(super) circles: Vec<Circle>,
    pub(super) calls: Vec<Tick>,
    pub(super) times: Vec<Tick>,
    pub(super) height: f64,
}

/// A family.
pub(super) struct Circle {
    /// A share of the width.
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) radius: f64,
    /// The rank of the worst finding about it.
    pub(super) finding: Option<usize>,
    pub(super) title: String,
}

/// A power of ten on a scale: a share of the width, or a height.
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// Logarithms from `low` on.
struct Scale {
    low: f64,
    span: f64,
}

impl Plot {
    /// `None` where there is too little to see.
    pub(super) fn of(report: &Report, leads: &[&Finding]) -> Option<Self> {
        let families: Vec<(&ReportStatement, f64, f64)> = report
            .statements
            .iter()
            .take(MOST)
            .filter_map(|family| {
                let mean = family.mean_exec_time_ms?.get();
                let calls = float(family.calls);
                (mean > 0.0 && calls >= 1.0).then(|| (family, calls.log10(), mean.log10()))
            })
            .collect();
        if families.len() < FEWEST {
            return None;
        }
        let across = Scale::of(families.iter().map(|(_, calls, _)| *calls));
        let upwards = Scale::of(families.iter().map(|(.., mean)| *mean));
        let circles = families.iter().map(|(family, calls, mean)| {
            let finding = rank(family, leads);
            let share = family.share.unwrap_or(0.0).clamp(0.0, 1.0);
            let radius = SMALLEST + (LARGEST - SMALLEST) * share.sqrt();
            Circle {
                x: x(across.place(*calls)),
                y: y(upwards.place(*mean)),
                radius: if finding.is_some() {
                    radius.max(NUMBERED)
                } else {
                    radius
                },
                finding,
                title: title(family),
            }
        });
        Some(Self {
            circles: circles.collect(),
            calls: across.ticks(x, format::short_count),
            times: upwards.ticks(y, |ms| format::duration(Millis(ms))),
            height: HEIGHT,
        })
    }
}

impl Scale {
    /// The values and some room around them: at least one power of ten.
    fn of(logarithms: impl Iterator<Item = f64> + Clone) -> Self {
        let low = logarithms.clone().fold(f64::INFINITY, f64::min) - AROUND;
        let high = logarithms.fold(f64::NEG_INFINITY, f64::max) + AROUND;
        Self {
            low,
            span: (high - low).max(1.0),
        }
    }

    /// 0..1.
    fn place(&self, logarithm: f64) -> f64 {
        (logarithm - self.low) / self.span
    }

    fn ticks(&self, at: fn(f64) -> f64, label: impl Fn(f64) -> String) -> Vec<Tick> {
        let exponents =
            std::iter::successors(Some(self.low.ceil()), |exponent| Some(exponent + 1.0));
        exponents
            .take_while(|exponent| *exponent <= self.low + self.span)
            .map(|exponent| Tick {
                at: at(self.place(exponent)),
                label: label(10.0_f64.powf(exponent)),
            })
            .collect()
    }
}

fn x(place: f64) -> f64 {
    LEFT + place * (1.0 - LEFT - RIGHT)
}

fn y(place: f64) -> f64 {
    HEIGHT - BELOW - place * (HEIGHT - ABOVE - BELOW)
}

fn rank(family: &ReportStatement, leads: &[&Finding]) -> Option<usize> {
    let about = |finding: &&Finding| {
        let queryids = &finding.location.queryids;
        queryids.iter().any(|id| family.members.contains(id))
    };
    Some(leads.iter().position(about)? + 1)
}

fn title(family: &ReportStatement) -> String {
    let mean = family.mean_exec_time_ms.unwrap_or_default();
    let share = family.share.map(format::percent).unwrap_or_default();
    format!(
        "{}: {}, {} each, {share}",
        pretty(&one_line(&family.query), TITLE_COLUMNS),
        format::calls(family.calls),
        format::duration(mean)
    )
}
