//! Whether look-ups rise and fall with the rows of other statements, as they must if they run once for each.
//!
//! In a loop, look-ups are rows times a constant, in each part of a window. Traffic that merely rises together follows
//! the same load, but each request comes when it comes. So two things are asked of a fit: that it explains the
//! variation (R²), and that it leaves far less scatter than requests that come independently of each other would.

use crate::units::{float, ratio};

use super::nnls::{dot, nnls};

/// Parts from which a fit says anything.
pub const MIN_PARTS: usize = 6;

/// Look-ups per row: an identity map loads each key once, so fewer than rows; a few more come from elsewhere.
pub const RATIO: std::ops::RangeInclusive<f64> = 0.3..=1.1;

/// Coefficient of variation of a parent's rows from which it tells anything: under a steady load everything is
/// proportional to everything.
const MIN_VARIATION: f64 = 0.3;

/// Part of the variation of the look-ups that the rows must explain.
const MIN_R_SQUARED: f64 = 0.9;

/// Scatter left, as a part of what independent requests leave, below which it is no coincidence however many points
/// there are. Loops that are cut by the end of a part leave 2/3 of their duration ÷ the part's length: at one second
/// this allows for loops of half a second.
const MOST_SCATTER: f64 = 0.3;

/// The quantile of the normal distribution for a chance of 1 in 100 that independent requests scatter so little.
const Z: f64 = -2.326;

/// How far look-ups and rows drift apart from which they have nothing to do with each other. In loops what is missing
/// in one part comes in the next, so they never do; independent counts walk randomly, and the mean square of such a
/// walk is below this in less than 1 of 200 cases (Anderson and Darling's table for the ω² of Cramér and von Mises,
/// *Asymptotic Theory of Certain "Goodness of Fit" Criteria Based on Stochastic Processes*, 1952).
const UNRELATED_DRIFT: f64 = 0.02;

/// Parts by which look-ups may come after the rows that they run for: a loop of two seconds, where a part is one.
const LAGS: usize = 2;

/// Part of the variation explained below which most of it has another reason.
const UNRELATED_R_SQUARED: f64 = 0.5;

/// The F statistic for leaving out a parent below which it explains nothing that the others do not: about 1 chance in
/// 500 for 10 to 60 points.
const MIN_F: f64 = 12.0;

/// A parent for each so many points at most: more of them fit anything.
const POINTS_FOR_EACH: usize = 3;

/// What is taken for scatter at least, as a part of the mean: a parent that explains less is not worth a name.
const FLOOR: f64 = 0.01;

/// A statement that may be looped over.
#[derive(Debug, Clone, Copy)]
pub struct Regressor<'r> {
    /// Its rows a second in each part.
    pub rows: &'r [f64],
    /// Rows that come at once, with one request.
    pub burst: f64,
}

/// The look-ups, by part.
#[derive(Debug, Clone, Copy)]
pub struct Look<'r> {
    /// Calls a second.
    pub calls: &'r [f64],
    /// Mean length of a part.
    pub seconds: f64,
}

/// How well rows explain look-ups.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Look-ups per row of each parent.
    pub coefficients: Vec<f64>,
    /// 1 − Σ residual² ÷ Σ (calls − mean)². For a fit through the origin some divide by Σ calls² instead, but then a
    /// steady load gives nearly 1 whatever is fitted; about the mean, what is asked is whether the variation is
    /// explained.
    pub r_squared: f64,
    /// Σ residual² ÷ what it would be if look-ups and parents came independently, each with a Poisson process of any
    /// rate: calls + Σ b² · rows · burst, for the difference's variance is the sum of both.
    pub scatter: f64,
    squares: f64,
}

/// What the parts of a window say of a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The look-ups do not follow its rows.
    Refuted,
    /// They say nothing: the load is too steady, or there is too little of it.
    Open,
}

/// Standard deviation ÷ mean; 0 without a mean.
pub fn variation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let count = count(values);
    ratio(
        (dot(values, values) / count - mean * mean).max(0.0).sqrt(),
        mean,
    )
    .unwrap_or_default()
}

/// Whether something varies enough to tell what follows it.
pub fn varies(values: &[f64]) -> bool {
    variation(values) >= MIN_VARIATION
}

fn count(values: &[f64]) -> f64 {
    i64::try_from(values.len()).map_or(f64::INFINITY, float)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values)
}

impl Look<'_> {
    /// The fit through the origin.
    pub fn fit(&self, parents: &[Regressor<'_>]) -> Fit {
        let columns: Vec<&[f64]> = parents.iter().map(|parent| parent.rows).collect();
        self.weigh(parents, nnls(&columns, self.calls))
    }

    /// The fit of one parent whose look-ups may come in later parts, beside others that come at a steady rate. The
    /// first parts are left out: what their look-ups run for may have come before them.
    fn loose_fit(&self, parent: Regressor<'_>) -> Loose {
        let parts = self.calls.len().saturating_sub(LAGS);
        let later = |list: &[f64], lag: usize| -> Vec<f64> {
            list.iter().skip(LAGS - lag).take(parts).copied().collect()
        };
        let steady = vec![1.0; parts];
        let lagged: Vec<Vec<f64>> = (0..=LAGS).map(|lag| later(parent.rows, lag)).collect();
        let mut columns: Vec<&[f64]> = lagged.iter().map(Vec::as_slice).collect();
        columns.push(&steady);
        let calls = later(self.calls, 0);
        let solution = nnls(&columns, &calls);
        let per_row = solution.get(..=LAGS).unwrap_or_default();
        let mut residuals = calls.clone();
        subtract(&mut residuals, &columns, &solution);
        let all: f64 = calls.iter().sum();
        let rows = lagged.first().map_or(0.0, |rows| rows.iter().sum());
        let each: f64 = per_row.iter().sum();
        let look = Look {
            calls: &calls,
            seconds: self.seconds,
        };
        let independent = all + each * each * parent.burst * rows;
        let walk = walk(&residuals) * self.seconds;
        Loose {
            r_squared: look.judge(vec![each], &residuals, independent).r_squared,
            drift: ratio(walk, independent).unwrap_or(f64::INFINITY),
        }
    }

    fn weigh(&self, parents: &[Regressor<'_>], coefficients: Vec<f64>) -> Fit {
        let mut residuals = self.calls.to_vec();
        let columns: Vec<&[f64]> = parents.iter().map(|parent| parent.rows).collect();
        subtract(&mut residuals, &columns, &coefficients);
        let of_parents = parents.iter().zip(&coefficients);
        let of_parents: f64 = of_parents
            .map(|(parent, b)| b * b * parent.burst * parent.rows.iter().sum::<f64>())
            .sum();
        let independent = self.calls.iter().sum::<f64>() + of_parents;
        self.judge(coefficients, &residuals, independent)
    }

    fn judge(&self, coefficients: Vec<f64>, residuals: &[f64], independent: f64) -> Fit {
        let squares = dot(residuals, residuals);
        let mean = mean(self.calls);
        let total = dot(self.calls, self.calls) - mean * mean * count(self.calls);
        Fit {
            coefficients,
            r_squared: 1.0 - ratio(squares, total).unwrap_or(f64::INFINITY),
            scatter: ratio(squares * self.seconds, independent).unwrap_or(f64::INFINITY),
            squares,
        }
    }

    /// The parents, by their positions in `candidates`, whose rows the look-ups run for, and the fit that proves it.
    pub fn prove(&self, candidates: &[Regressor<'_>]) -> Option<(Vec<usize>, Fit)> {
        if self.calls.len() < MIN_PARTS {
            return None;
        }
        let mut chosen: Vec<usize> = candidates
            .iter()
            .enumerate()
            .filter(|(_, candidate)| varies(candidate.rows))
            .map(|(place, _)| place)
            .collect();
        let rows = |place: &usize| -> f64 {
            let candidate = candidates.get(*place);
            candidate.map_or(0.0, |candidate| candidate.rows.iter().sum())
        };
        chosen.sort_by(|one, other| rows(other).total_cmp(&rows(one)));
        chosen.truncate(self.calls.len() / POINTS_FOR_EACH);
        while !chosen.is_empty() {
            let parents = pick(candidates, &chosen);
            let fit = self.fit(&parents);
            match self.weakest(candidates, &chosen, &fit) {
                Some(weakest) => chosen.retain(|place| *place != weakest),
                None => return self.proves(&parents, &fit).then_some((chosen, fit)),
            }
        }
        None
    }

    /// The parent that explains least, where that is too little.
    fn weakest(&self, candidates: &[Regressor<'_>], chosen: &[usize], fit: &Fit) -> Option<usize> {
        let least = chosen
            .iter()
            .zip(&fit.coefficients)
            .filter(|(_, b)| **b < *RATIO.start())
            .min_by(|(_, one), (_, other)| one.total_cmp(other));
        if let Some((place, _)) = least {
            return Some(*place);
        }
        if chosen.len() < 2 {
            return None;
        }
        let floor = (FLOOR * mean(self.calls)).powi(2) * count(self.calls);
        let scale = fit.squares.max(floor) / self.freedom(chosen.len());
        let without = |place: &usize| {
            let others: Vec<usize> = chosen
                .iter()
                .copied()
                .filter(|other| other != place)
                .collect();
            let worse = self.fit(&pick(candidates, &others));
            (worse.squares - fit.squares) / scale
        };
        chosen
            .iter()
            .map(|place| (*place, without(place)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))
            .filter(|(_, f)| *f < MIN_F)
            .map(|(place, _)| place)
    }

    fn freedom(&self, parents: usize) -> f64 {
        let parents = i64::try_from(parents).map_or(f64::INFINITY, float);
        (count(self.calls) - parents).max(1.0)
    }

    fn proves(&self, parents: &[Regressor<'_>], fit: &Fit) -> bool {
        let points = count(self.calls);
        let freedom = self.freedom(fit.coefficients.len());
        // Adjusted, so that a parent more is no better for being one more; of one parent it is R² itself.
        let adjusted = 1.0 - (1.0 - fit.r_squared) * (points - 1.0) / freedom;
        adjusted >= MIN_R_SQUARED
            && fit.scatter <= MOST_SCATTER.min(rare(freedom) / points)
            && (0..parents.len()).all(|place| self.in_range(parents, place, fit))
    }

    /// Whether a coefficient may be one of a loop. Of several parents that rise and fall together each coefficient is
    /// known less well than their sum, so that one may come out too high by twice its standard error.
    fn in_range(&self, parents: &[Regressor<'_>], place: usize, fit: &Fit) -> bool {
        let (Some(b), Some(own)) = (fit.coefficients.get(place), parents.get(place)) else {
            return false;
        };
        if RATIO.contains(b) || parents.len() < 2 {
            return RATIO.contains(b);
        }
        let others = parents.iter().enumerate();
        let others = others.filter(|(other, _)| *other != place);
        let others: Vec<&[f64]> = others.map(|(_, other)| other.rows).collect();
        let mut alone = own.rows.to_vec();
        subtract(&mut alone, &others, &nnls(&others, own.rows));
        let variance = fit.squares / self.freedom(parents.len());
        let error = ratio(variance, dot(&alone, &alone)).map_or(0.0, f64::sqrt);
        *b > *RATIO.end() && b - 2.0 * error <= *RATIO.end()
    }

    /// What the parts say of one parent that they do not prove. Fewer than one call of it in each part could be loops
    /// that last longer than a part, whose look-ups come in later ones.
    pub fn doubt(&self, parent: Regressor<'_>) -> Verdict {
        let each = ratio(mean(parent.rows) * self.seconds, parent.burst).unwrap_or_default();
        if self.calls.len() < MIN_PARTS + LAGS || each < 1.0 || !varies(parent.rows) {
            return Verdict::Open;
        }
        let loose = self.loose_fit(parent);
        let scattered = self.fit(&[parent]).scatter >= MOST_SCATTER;
        let apart = scattered && loose.drift >= UNRELATED_DRIFT;
        if apart || loose.r_squared < UNRELATED_R_SQUARED {
            Verdict::Refuted
        } else {
            Verdict::Open
        }
    }

    /// Whether another statement explains the look-ups at least as well as what was proven by `fit`.
    pub fn explained_by(&self, other: &[f64], fit: &Fit) -> bool {
        let rival = self.fit(&[Regressor {
            rows: other,
            burst: 1.0,
        }]);
        let floor = (FLOOR * mean(self.calls)).powi(2) * count(self.calls);
        let one_each = rival.coefficients.iter().all(|b| RATIO.contains(b));
        one_each && rival.squares <= fit.squares.max(floor)
    }
}

/// A fit that allows for loops that are cut by the end of a part, and for other look-ups.
struct Loose {
    r_squared: f64,
    /// The mean square of the running sum of residuals, as a part of what all parts of independent requests add up to.
    drift: f64,
}

fn subtract(values: &mut [f64], columns: &[&[f64]], coefficients: &[f64]) {
    for (column, b) in columns.iter().zip(coefficients) {
        for (value, x) in values.iter_mut().zip(*column) {
            *value -= b * x;
        }
    }
}

/// The mean square of the running sum of differences from the mean.
fn walk(values: &[f64]) -> f64 {
    let mean = mean(values);
    let sums = values.iter().scan(0.0, |sum, value| {
        *sum += value - mean;
        Some(*sum * *sum)
    });
    sums.sum::<f64>() / count(values)
}

fn pick<'r>(candidates: &[Regressor<'r>], places: &[usize]) -> Vec<Regressor<'r>> {
    let picked = places.iter().filter_map(|place| candidates.get(*place));
    picked.copied().collect()
}

/// The value that χ² falls below once in 100 times (Wilson and Hilferty, *The Distribution of Chi-Square*, 1931).
fn rare(freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + Z * spread.sqrt()).max(0.0).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that rise and fall, by part.
    const WAVE: [f64; 12] = [
        100.0, 140.0, 220.0, 300.0, 340.0, 300.0, 200.0, 140.0, 80.0, 60.0, 40.0, 80.0,
    ];
    const OTHER: [f64; 12] = [
        40.0, 300.0, 20.0, 60.0, 200.0, 20.0, 320.0, 100.0, 20.0, 260.0, 40.0, 100.0,
    ];

    fn parent(rows: &[f64]) -> Regressor<'_> {
        Regressor { rows, burst: 20.0 }
    }

    fn look(calls: &[f64]) -> Look<'_> {
        Look {
            calls,
            seconds: 1.0,
        }
    }

    fn combined(terms: &[(f64, &[f64; 12])]) -> Vec<f64> {
        (0..12)
            .map(|part| terms.iter().map(|(b, rows)| b * rows[part]).sum())
            .collect()
    }

    #[test]
    fn the_rare_value_is_that_of_tables() {
        for (freedom, expected) in [(5.0, 0.554), (10.0, 2.558), (29.0, 14.256), (59.0, 36.698)] {
            let found = rare(freedom);
            assert!((found - expected).abs() < 0.06, "{freedom}: {found}");
        }
    }

    #[test]
    fn look_ups_that_follow_the_rows_are_proven() {
        for b in [1.0, 0.6, 0.31] {
            let calls = combined(&[(b, &WAVE)]);
            let (parents, fit) = look(&calls)
                .prove(&[parent(&OTHER), parent(&WAVE)])
                .unwrap();
            assert_eq!(parents, [1]);
            assert!((fit.coefficients[0] - b).abs() < 1e-9 && fit.r_squared > 0.999_999);
        }
        for b in [0.29, 1.11] {
            let calls = combined(&[(b, &WAVE)]);
            assert_eq!(look(&calls).prove(&[parent(&WAVE)]), None, "{b} a row");
        }
    }

    #[test]
    fn several_parents_of_one_look_up_are_told_apart() {
        let calls = combined(&[(1.0, &WAVE), (0.5, &OTHER)]);
        let third: Vec<f64> = (0..12).map(|part| f64::from(part * 20)).collect();
        let all = [parent(&third), parent(&WAVE), parent(&OTHER)];
        let (mut parents, fit) = look(&calls).prove(&all).unwrap();
        parents.sort_unstable();
        assert_eq!(parents, [1, 2]);
        assert!(fit.scatter < 1e-9);
    }

    #[test]
    fn a_steady_load_proves_nothing_and_refutes_nothing() {
        let steady = [100.0, 101.0, 99.0, 100.0, 102.0, 98.0, 100.0, 100.0];
        assert_eq!(look(&steady).prove(&[parent(&steady)]), None);
        assert_eq!(look(&steady).doubt(parent(&steady)), Verdict::Open);
    }

    #[test]
    fn few_parts_say_nothing() {
        let calls = &WAVE[..5];
        assert_eq!(look(calls).prove(&[parent(calls)]), None);
        assert_eq!(look(calls).doubt(parent(&OTHER[..5])), Verdict::Open);
        assert!(look(&WAVE[..6]).prove(&[parent(&WAVE[..6])]).is_some());
    }

    #[test]
    fn traffic_that_only_rises_together_is_refuted() {
        // Each differs from the other by what chance alone makes differ: some requests of 20 rows more or less.
        let off = [
            40.0, -20.0, 60.0, -80.0, 40.0, 80.0, -60.0, 20.0, 40.0, -20.0, 40.0, -40.0,
        ];
        let calls: Vec<f64> = WAVE
            .iter()
            .zip(off)
            .map(|(rows, off)| (rows + off).max(0.0))
            .collect();
        assert_eq!(look(&calls).prove(&[parent(&WAVE)]), None);
        assert_eq!(look(&calls).doubt(parent(&OTHER)), Verdict::Refuted);
    }

    #[test]
    fn look_ups_from_elsewhere_refute_no_loop() {
        let calls: Vec<f64> = WAVE.iter().map(|rows| rows + 60.0).collect();
        assert_eq!(look(&calls).doubt(parent(&WAVE)), Verdict::Open);
    }

    #[test]
    fn long_loops_are_not_refuted() {
        let (mut rows, mut calls) = ([0.0; 12], [500.0; 12]);
        (rows[0], rows[6], calls[11]) = (3_000.0, 3_000.0, 600.0);
        let batch = Regressor {
            rows: &rows,
            burst: 3_000.0,
        };
        assert_eq!(look(&calls).prove(&[batch]), None);
        assert_eq!(look(&calls).doubt(batch), Verdict::Open);
    }

    #[test]
    fn a_request_that_explains_each_look_up_is_preferred() {
        let calls = combined(&[(1.0, &OTHER)]);
        let rows: Vec<f64> = OTHER
            .iter()
            .zip(WAVE)
            .map(|(calls, wave)| calls + wave / 20.0)
            .collect();
        let fit = look(&calls).fit(&[parent(&rows)]);
        assert!(look(&calls).explained_by(&OTHER, &fit));
        assert!(!look(&calls).explained_by(&WAVE, &fit));
    }
}
