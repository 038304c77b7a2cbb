//! Least squares with coefficients that are not negative.

/// A column counts as a combination of others where less than this part of its length is left beside them.
const SINGULAR: f64 = 1e-9;

/// What a gradient must exceed, as a part of what it could be at most: below, it is rounding.
const TOLERANCE: f64 = 1e-10;

/// The coefficients `b ≥ 0` that make `Σ (y − Σ bᵢ · columnᵢ)²` least, by the active set method of Lawson and Hanson
/// (*Solving Least Squares Problems*, 1974, ch. 23, algorithm NNLS). A column that others already make up gets 0.
///
/// The columns are as long as `y`. Few columns are meant: each step solves their normal equations anew.
pub fn nnls(columns: &[&[f64]], y: &[f64]) -> Vec<f64> {
    let gram: Vec<Vec<f64>> = columns
        .iter()
        .map(|one| columns.iter().map(|other| dot(one, other)).collect())
        .collect();
    let target: Vec<f64> = columns.iter().map(|column| dot(column, y)).collect();
    Solver {
        gram,
        target,
        length: dot(y, y).sqrt(),
        free: Vec::new(),
        barred: vec![false; columns.len()],
        solution: vec![0.0; columns.len()],
    }
    .solve()
}

/// The sum of products.
pub fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

struct Solver {
    gram: Vec<Vec<f64>>,
    target: Vec<f64>,
    length: f64,
    /// Columns whose coefficients are not held at 0.
    free: Vec<usize>,
    /// Columns that depend on others which are free.
    barred: Vec<bool>,
    solution: Vec<f64>,
}

impl Solver {
    fn solve(mut self) -> Vec<f64> {
        // Each round lowers the sum of squares, so no set of free columns comes twice; the bound is against rounding.
        for _ in 0..=3 * self.target.len() {
            let Some(steepest) = self.steepest() else {
                break;
            };
            self.free.push(steepest);
            if !self.settle() {
                self.free.retain(|column| *column != steepest);
                if let Some(barred) = self.barred.get_mut(steepest) {
                    *barred = true;
                }
            }
        }
        self.solution
    }

    fn gram(&self, one: usize, other: usize) -> f64 {
        self.gram
            .get(one)
            .and_then(|row| row.get(other))
            .copied()
            .unwrap_or_default()
    }

    fn coefficient(&self, column: usize) -> f64 {
        self.solution.get(column).copied().unwrap_or_default()
    }

    fn set(&mut self, column: usize, value: f64) {
        if let Some(coefficient) = self.solution.get_mut(column) {
            *coefficient = value;
        }
    }

    /// The column held at 0 along which the sum of squares falls most; of equal ones the first.
    fn steepest(&self) -> Option<usize> {
        let candidates = (0..self.target.len()).filter_map(|column| {
            let held = !self.free.contains(&column) && !*self.barred.get(column)?;
            let scale = self.gram(column, column).sqrt() * self.length;
            let fitted: f64 = (0..self.target.len())
                .map(|other| self.gram(column, other) * self.coefficient(other))
                .sum();
            let gradient = (self.target.get(column)? - fitted) / scale;
            (held && gradient > TOLERANCE).then_some((column, gradient))
        });
        let steepest = candidates.reduce(|best, next| if next.1 > best.1 { next } else { best });
        steepest.map(|(column, _)| column)
    }

    /// Finds the least squares of the free columns, holding at 0 those that would be negative; `false` where the free
    /// columns depend on each other.
    fn settle(&mut self) -> bool {
        loop {
            let Some(wanted) = self.unbounded() else {
                return false;
            };
            let moves: Vec<(usize, f64, f64)> = self
                .free
                .iter()
                .zip(&wanted)
                .map(|(column, to)| (*column, self.coefficient(*column), *to))
                .collect();
            let reach = moves
                .iter()
                .filter(|(_, _, to)| *to <= 0.0)
                .map(|(_, from, to)| from / (from - to))
                .reduce(f64::min);
            let Some(reach) = reach else {
                for (column, _, to) in moves {
                    self.set(column, to);
                }
                return true;
            };
            for (column, from, to) in moves {
                let reached = from + reach * (to - from);
                let at_bound = to <= 0.0 && reached <= TOLERANCE * from.max(1.0);
                self.set(column, if at_bound { 0.0 } else { reached });
                if at_bound {
                    self.free.retain(|free| *free != column);
                }
            }
        }
    }

    /// The least squares of the free columns without a bound, by Cholesky's decomposition of their normal equations.
    fn unbounded(&self) -> Option<Vec<f64>> {
        let mut factor: Vec<Vec<f64>> = Vec::with_capacity(self.free.len());
        let mut forward: Vec<f64> = Vec::with_capacity(self.free.len());
        for column in &self.free {
            let mut row: Vec<f64> = Vec::with_capacity(factor.len() + 1);
            for (earlier, other) in factor.iter().zip(&self.free) {
                let known = dot(&row, earlier);
                row.push((self.gram(*column, *other) - known) / earlier.last()?);
            }
            let whole = self.gram(*column, *column);
            let left = whole - dot(&row, &row);
            if left <= SINGULAR * whole {
                return None;
            }
            forward.push((self.target.get(*column)? - dot(&row, &forward)) / left.sqrt());
            row.push(left.sqrt());
            factor.push(row);
        }
        let mut solved: Vec<f64> = Vec::with_capacity(forward.len());
        for (place, value) in forward.iter().enumerate().rev() {
            let later = factor.iter().skip(place + 1);
            let known: f64 = later
                .zip(solved.iter().rev())
                .filter_map(|(row, solved)| Some(row.get(place)? * solved))
                .sum();
            solved.push((value - known) / factor.get(place)?.get(place)?);
        }
        solved.reverse();
        Some(solved)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn squares(columns: &[&[f64]], y: &[f64], solution: &[f64]) -> f64 {
        let residual = |row: usize| {
            let fitted: f64 = columns.iter().zip(solution).map(|(x, b)| x[row] * b).sum();
            y[row] - fitted
        };
        (0..y.len()).map(|row| residual(row).powi(2)).sum()
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        let near = |(one, other): (&f64, &f64)| (one - other).abs() < 1e-9;
        assert!(
            found.len() == expected.len() && found.iter().zip(expected).all(near),
            "{found:?} is not {expected:?}"
        );
    }

    #[test]
    fn known_solutions() {
        let (a, b) = ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0]);
        // The sum of both, exactly.
        assert_near(&nnls(&[&a, &b], &[3.0, 2.0, 5.0]), &[1.0, 2.0]);
        // Without a bound the second would be −1: what is left is a · y ÷ a · a.
        assert_near(&nnls(&[&a, &b], &[0.0, 2.0, 2.0]), &[10.0 / 14.0, 0.0]);
        // Nothing but negative coefficients would help.
        assert_near(&nnls(&[&a, &b], &[-1.0, -2.0, -3.0]), &[0.0, 0.0]);
        // One column twice, and one of zeros: the first takes it all.
        let zero = [0.0; 3];
        assert_near(&nnls(&[&zero, &a, &a], &[2.0, 4.0, 6.0]), &[0.0, 2.0, 0.0]);
        assert_near(&nnls(&[], &[1.0]), &[]);
        assert_near(&nnls(&[&a], &zero), &[0.0]);
    }

    /// The least sum of squares over all sets of columns, each fitted by eliminating its normal equations.
    fn brute_force(columns: &[&[f64]], y: &[f64]) -> f64 {
        let mut least = dot(y, y);
        for set in 1..(1_usize << columns.len()) {
            let chosen: Vec<&[f64]> = (0..columns.len())
                .filter(|place| set >> place & 1 == 1)
                .map(|place| columns[place])
                .collect();
            let mut rows: Vec<Vec<f64>> = chosen
                .iter()
                .map(|one| {
                    let gram = chosen.iter().map(|other| dot(one, other));
                    gram.chain([dot(one, y)]).collect()
                })
                .collect();
            let size = chosen.len();
            for pivot in 0..size {
                let best = (pivot..size).max_by(|one, other| {
                    rows[*one][pivot]
                        .abs()
                        .total_cmp(&rows[*other][pivot].abs())
                });
                rows.swap(pivot, best.unwrap());
                for row in 0..size {
                    if row != pivot {
                        let factor = rows[row][pivot] / rows[pivot][pivot];
                        let above = rows[pivot].clone();
                        for (value, above) in rows[row].iter_mut().zip(above) {
                            *value -= factor * above;
                        }
                    }
                }
            }
            let solution: Vec<f64> = (0..size)
                .map(|row| rows[row][size] / rows[row][row])
                .collect();
            if solution.iter().all(|b| *b >= 0.0) {
                least = least.min(squares(&chosen, y, &solution));
            }
        }
        least
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn no_set_of_columns_does_better(
            values in prop::collection::vec(prop::collection::vec(0_u32..1_000, 8), 1..6),
            y in prop::collection::vec(0_u32..1_000, 8),
        ) {
            let values: Vec<Vec<f64>> = values
                .into_iter()
                .map(|column| column.into_iter().map(f64::from).collect())
                .collect();
            let columns: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
            let y: Vec<f64> = y.into_iter().map(f64::from).collect();
            let solution = nnls(&columns, &y);
            prop_assert!(solution.iter().all(|b| *b >= 0.0));
            let (found, least) = (squares(&columns, &y, &solution), brute_force(&columns, &y));
            prop_assert!(found <= least * (1.0 + 1e-9) + 1e-6, "{found} > {least}");
        }

        #[test]
        fn columns_that_depend_on_each_other_do_no_harm(
            one in prop::collection::vec(0_u32..100, 6),
            other in prop::collection::vec(0_u32..100, 6),
            (b, c) in (0_u32..5, 0_u32..5),
        ) {
            let one: Vec<f64> = one.into_iter().map(f64::from).collect();
            let other: Vec<f64> = other.into_iter().map(f64::from).collect();
            let both: Vec<f64> = one.iter().zip(&other).map(|(a, b)| a + b).collect();
            let y: Vec<f64> = one
                .iter()
                .zip(&other)
                .map(|(x, z)| f64::from(b) * x + f64::from(c) * z)
                .collect();
            let columns: [&[f64]; 4] = [&one, &other, &both, &both];
            let solution = nnls(&columns, &y);
            prop_assert!(solution.iter().all(|b| b.is_finite() && *b >= 0.0));
            prop_assert!(squares(&columns, &y, &solution) <= 1e-6 * dot(&y, &y).max(1.0));
        }
    }
}
