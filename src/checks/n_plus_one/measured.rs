//! Loops that the parts of a measured window prove or refute.

use crate::checks::Case;
use crate::finding::{Evidence, Formula, Source, Unit};
use crate::snapshot::delta::{NoRates, SubWindows};
use crate::sql::parse::Kind;
use crate::units::{float, ratio};

use super::fit::{Look, MIN_PARTS, Regressor, Verdict, variation};
use super::groups::Group;

/// What each group did in each part of the window.
pub struct Parts {
    /// Mean length of a part in seconds.
    seconds: f64,
    of_groups: Vec<Option<Rates>>,
}

/// What a group did, a second.
struct Rates {
    calls: Vec<f64>,
    rows: Vec<f64>,
    /// Its statements' positions in the capture's series.
    places: Vec<usize>,
}

/// A statement that may be looped over.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// Position of its group.
    pub group: usize,
    /// Rows that come with one call of the statement that begins the loop.
    pub burst: f64,
}

/// What proves a loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    /// The parents, the one that explains most first.
    pub parents: Vec<Parent>,
    child: Vec<usize>,
    r_squared: f64,
    scatter: f64,
    parts: f64,
    seconds: f64,
}

/// A parent in a proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Parent {
    /// Position of its group.
    pub group: usize,
    /// Look-ups for each of its rows.
    per_row: f64,
    burst: f64,
    variation: f64,
    places: Vec<usize>,
}

impl Parts {
    /// The parts of the window; `None` where it was not measured, or not finely enough.
    pub fn of(case: &Case<'_>, groups: &[Group]) -> Option<Self> {
        let windows = SubWindows::of(case.snapshot, case.workload.window())?;
        let count = windows.seconds().len();
        if count < MIN_PARTS {
            return None;
        }
        let seconds: f64 = windows.seconds().iter().sum();
        let of_groups = groups.iter().map(|group| rates(case, &windows, group));
        Some(Self {
            seconds: ratio(seconds, i64::try_from(count).map_or(0.0, float))?,
            of_groups: of_groups.collect(),
        })
    }

    fn rates(&self, group: usize) -> Option<&Rates> {
        self.of_groups.get(group)?.as_ref()
    }

    fn look(&self, child: usize) -> Option<Look<'_>> {
        Some(Look {
            calls: &self.rates(child)?.calls,
            seconds: self.seconds,
        })
    }

    fn regressor(&self, candidate: Candidate) -> Option<Regressor<'_>> {
        Some(Regressor {
            rows: &self.rates(candidate.group)?.rows,
            burst: candidate.burst,
        })
    }

    /// Whose rows the look-ups run for, if the parts prove it and no `rival` explains them as well.
    pub fn prove(
        &self,
        groups: &[Group],
        child: usize,
        candidates: &[Candidate],
        rivals: &[usize],
    ) -> Option<Proof> {
        let look = self.look(child)?;
        let known: Vec<(Candidate, Regressor<'_>)> = candidates
            .iter()
            .filter_map(|candidate| Some((*candidate, self.regressor(*candidate)?)))
            .collect();
        let regressors: Vec<Regressor<'_>> =
            known.iter().map(|(_, regressor)| *regressor).collect();
        let (chosen, fit) = look.prove(&regressors)?;
        let explained = rivals.iter().any(|rival| {
            let requests = self.requests(groups, *rival);
            requests.is_some_and(|requests| look.explained_by(requests, &fit))
        });
        if explained {
            return None;
        }
        let mut parents: Vec<(f64, Parent)> = chosen
            .iter()
            .zip(&fit.coefficients)
            .filter_map(|(place, per_row)| {
                let (candidate, regressor) = known.get(*place)?;
                let parent = Parent {
                    group: candidate.group,
                    per_row: *per_row,
                    burst: candidate.burst,
                    variation: variation(regressor.rows),
                    places: self.rates(candidate.group)?.places.clone(),
                };
                Some((per_row * regressor.rows.iter().sum::<f64>(), parent))
            })
            .collect();
        parents.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        Some(Proof {
            parents: parents.into_iter().map(|(_, parent)| parent).collect(),
            child: self.rates(child)?.places.clone(),
            r_squared: fit.r_squared,
            scatter: fit.scatter,
            parts: i64::try_from(look.calls.len()).map_or(0.0, float),
            seconds: self.seconds,
        })
    }

    /// What a statement that gives one key a call does: its rows, or the calls of an INSERT.
    fn requests(&self, groups: &[Group], rival: usize) -> Option<&[f64]> {
        let rates = self.rates(rival)?;
        let inserts = groups.get(rival)?.kind == Kind::Insert;
        Some(if inserts { &rates.calls } else { &rates.rows })
    }

    /// Whether the parts show that the look-ups do not follow the rows of these statements together.
    pub fn refutes(&self, child: usize, parents: &[Candidate]) -> bool {
        let refuted = || {
            let look = self.look(child)?;
            let mut rows = vec![0.0; look.calls.len()];
            let mut requests = 0.0;
            for parent in parents {
                let regressor = self.regressor(*parent)?;
                for (sum, more) in rows.iter_mut().zip(regressor.rows) {
                    *sum += more;
                }
                requests += regressor.rows.iter().sum::<f64>() / regressor.burst;
            }
            let together = Regressor {
                burst: ratio(rows.iter().sum(), requests)?,
                rows: &rows,
            };
            Some(look.doubt(together) == Verdict::Refuted)
        };
        refuted().unwrap_or(false)
    }
}

/// What a group did in each part; `None` where it is not known of one of its statements.
fn rates(case: &Case<'_>, windows: &SubWindows<'_>, group: &Group) -> Option<Rates> {
    let count = windows.seconds().len();
    let mut sum = Rates {
        calls: vec![0.0; count],
        rows: vec![0.0; count],
        places: Vec::new(),
    };
    for member in &group.members {
        let statement = case.snapshot.statements.get(member.statement)?;
        match windows.rates(&statement.key) {
            Ok(rates) => {
                add(&mut sum.calls, rates.calls.get());
                add(&mut sum.rows, rates.rows.get());
                sum.places.push(rates.place);
            }
            Err(NoRates::StoodStill) => {}
            Err(NoRates::Unknown) => return None,
        }
    }
    (!sum.places.is_empty()).then_some(sum)
}

fn add(sums: &mut [f64], more: &[f64]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

impl Proof {
    /// The numbers, the one that proves the loop first.
    pub fn evidence(&self) -> Vec<Evidence> {
        let mut evidence: Vec<Evidence> = self
            .parents
            .iter()
            .enumerate()
            .map(|(place, parent)| self.per_row(place, parent))
            .collect();
        let squares = self.squares();
        let calls = self.calls();
        evidence.push(computed(
            "share of the variation of the look-ups that the rows explain (R²)",
            self.r_squared,
            Unit::Ratio,
            format!(
                "1 - ({squares}) / (dot({calls}, {calls}) - sum({calls}) * sum({calls}) / length({calls}))"
            ),
        ));
        let independent: Vec<String> = self
            .parents
            .iter()
            .map(|parent| {
                let Parent { per_row, burst, .. } = parent;
                format!("{per_row} * {per_row} * {burst} * sum({})", parent.rows())
            })
            .collect();
        evidence.push(computed(
            "scatter left, as a part of what independent requests leave",
            self.scatter,
            Unit::Ratio,
            format!(
                "({squares}) * {} / (sum({calls}) + {})",
                self.seconds,
                independent.join(" + ")
            ),
        ));
        evidence.extend(self.parents.iter().map(|parent| {
            let rows = parent.rows();
            let mean = format!("(sum({rows}) / length({rows}))");
            computed(
                "variation of the parent's rows (standard deviation / mean)",
                parent.variation,
                Unit::Ratio,
                format!("sqrt(dot({rows}, {rows}) / length({rows}) - {mean} * {mean}) / {mean}"),
            )
        }));
        evidence.push(computed(
            "sub-windows",
            self.parts,
            Unit::Count,
            format!("length({calls})"),
        ));
        evidence
    }

    fn calls(&self) -> String {
        list(&self.child, "calls")
    }

    /// Each coefficient follows from the others: what they leave of the calls, by the parent's rows.
    fn per_row(&self, place: usize, parent: &Parent) -> Evidence {
        let rows = parent.rows();
        let others = self.parents.iter().enumerate();
        let others: Vec<String> = others
            .filter(|(other, _)| *other != place)
            .map(|(_, other)| format!(" - {} * dot({rows}, {})", other.per_row, other.rows()))
            .collect();
        let others = others.concat();
        let calls = self.calls();
        computed(
            "look-ups for each row of the parent statement, over the sub-windows",
            parent.per_row,
            Unit::Factor,
            format!("(dot({rows}, {calls}){others}) / dot({rows}, {rows})"),
        )
    }

    /// The sum of the squared residuals.
    fn squares(&self) -> String {
        let calls = self.calls();
        let mut terms = vec![format!("dot({calls}, {calls})")];
        for (place, one) in self.parents.iter().enumerate() {
            let rows = one.rows();
            let b = one.per_row;
            terms.push(format!(
                " - 2 * {b} * dot({rows}, {calls}) + {b} * {b} * dot({rows}, {rows})"
            ));
            terms.extend(self.parents.iter().skip(place + 1).map(|other| {
                let both = format!("dot({rows}, {})", other.rows());
                format!(" + 2 * {b} * {} * {both}", other.per_row)
            }));
        }
        terms.concat()
    }
}

impl Parent {
    fn rows(&self) -> String {
        list(&self.places, "rows")
    }
}

/// What a second brought of a counter, by part, as a list of the formula's grammar.
fn list(places: &[usize], counter: &str) -> String {
    let lists: Vec<String> = places
        .iter()
        .map(|place| Formula::at(&format!("/series/statements/{place}/{counter}/*")))
        .collect();
    let sum = match lists.as_slice() {
        [only] => only.clone(),
        all => format!("total({})", all.join(", ")),
    };
    format!("rate({sum}, {{/series/seconds/*}})")
}

fn computed(label: &str, value: f64, unit: Unit, formula: String) -> Evidence {
    Evidence::computed(
        label,
        value,
        unit,
        Source::SubWindows,
        Formula::new(formula),
    )
}
