//! A number together with the formula that gives it.

use super::Formula;

/// An operand: its value, and its text in the grammar of [`Formula`].
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The value.
    pub value: f64,
    text: String,
}

impl Term {
    /// A number of the capture.
    pub fn read(value: f64, pointer: &str) -> Self {
        Self {
            value,
            text: Formula::at(pointer),
        }
    }

    /// A number that is not in the capture: a constant of PostgreSQL's, a setting, an estimate. Negative ones count as
    /// 0.
    pub fn number(value: f64) -> Self {
        let text = format!("{:.6}", value.max(0.0));
        Self {
            // What a reader computes from the text.
            value: text.parse().unwrap_or_default(),
            text,
        }
    }

    /// An expression that is known to have this value.
    pub fn of(value: f64, text: impl Into<String>) -> Self {
        Self {
            value,
            text: text.into(),
        }
    }

    /// The sum.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, "+", self.value + other.value)
    }

    /// The difference.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.with(other, "-", self.value - other.value)
    }

    /// The product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        self.with(other, "*", self.value * other.value)
    }

    /// The quotient.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        self.with(other, "/", self.value / other.value)
    }

    /// The smaller one.
    #[must_use]
    pub fn min(&self, other: &Self) -> Self {
        self.apply(other, "min", self.value.min(other.value))
    }

    /// The larger one.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        self.apply(other, "max", self.value.max(other.value))
    }

    /// The square root.
    #[must_use]
    pub fn sqrt(&self) -> Self {
        Self {
            value: self.value.sqrt(),
            text: format!("sqrt({})", self.text),
        }
    }

    /// The formula.
    pub fn formula(&self) -> Formula {
        Formula::new(self.text.clone())
    }

    fn with(&self, other: &Self, operator: &str, value: f64) -> Self {
        Self {
            value,
            text: format!("({} {operator} {})", self.text, other.text),
        }
    }

    fn apply(&self, other: &Self, function: &str, value: f64) -> Self {
        Self {
            value,
            text: format!("{function}({}, {})", self.text, other.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_term_is_what_its_formula_says() {
        let capture = json!({"rows": 1000.0, "pages": 50});
        let rows = Term::read(1000.0, "/rows");
        let pages = Term::read(50.0, "/pages");
        let two = Term::number(2.0);
        let term = two
            .times(&rows)
            .over(&two.plus(&pages))
            .min(&rows.minus(&pages))
            .max(&Term::number(1.0 / 3.0))
            .plus(&rows.sqrt());
        let value = term.formula().evaluate(&capture).unwrap();
        assert!((value - term.value).abs() < 1e-9);
    }
}
