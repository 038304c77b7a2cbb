//! How a number of the report follows from numbers of the capture, written so that anyone can recompute it.
//!
//! Grammar, with the usual precedence:
//!
//! ```text
//! expression = term  (("+" | "-") term)*
//! term       = factor (("*" | "/") factor)*
//! factor     = number | count | "{" pointer "}" | function "(" argument ("," argument)* ")" | "(" expression ")"
//! function   = "sum" | "max" | "min" | "sqrt" | "length" | "dot"
//! argument   = list | expression
//! list       = "{" pointer with "*" "}" | "rate" "(" list "," list ")" | "total" "(" list ("," list)* ")"
//! count      = "count" "(" "{" pointer "}" ("," "{" pointer "}")* ")"
//! ```
//!
//! A pointer is a JSON pointer (RFC 6901) into the capture. One segment may be `*`: all elements of an array (those
//! that hold the rest of the pointer), only where a list may stand.
//! `count` is the number of its pointers that lead to something, which need not be a number.
//! `{/statements/*/counters/calls}` counts toplevel statements only, because nested ones are part of their callers.
//!
//! `rate(a, b)` is the list of the differences between neighbours in `a`, each divided by that in `b`: what a counter
//! grew by for each second of a sub-window. `total` adds lists element by element, `dot` is the sum of the products
//! of two lists, and `length` says how many elements its arguments have.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::units::float;

/// An expression over the capture, see the [module's grammar](self).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Formula(String);

/// Why a formula has no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FormulaError {
    /// The text does not follow the grammar.
    #[error("formula is malformed at byte {0}")]
    Malformed(usize),
    /// A pointer leads nowhere, or not to a number.
    #[error("no number at {0}")]
    NoNumber(String),
}

impl Formula {
    /// A formula from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The number at a pointer, as an operand.
    pub fn at(pointer: &str) -> String {
        format!("{{{pointer}}}")
    }

    /// `sum(…)` over pointers.
    pub fn sum<'a>(pointers: impl IntoIterator<Item = &'a str>) -> Self {
        let operands: Vec<String> = pointers.into_iter().map(Self::at).collect();
        Self(format!("sum({})", operands.join(", ")))
    }

    /// How many of these places of the capture hold something.
    pub fn count<'a>(pointers: impl IntoIterator<Item = &'a str>) -> Self {
        let operands: Vec<String> = pointers.into_iter().map(Self::at).collect();
        Self(format!("count({})", operands.join(", ")))
    }

    /// The sum of operands as one operand; `None` without any.
    pub fn sum_of(terms: &[String]) -> Option<String> {
        match terms {
            [] => None,
            [only] => Some(only.clone()),
            _ => Some(format!("sum({})", terms.join(", "))),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value over a capture.
    ///
    /// # Errors
    /// Where the text is malformed or a pointer leads to no number.
    pub fn evaluate(&self, capture: &Value) -> Result<f64, FormulaError> {
        let mut parser = Parser {
            text: &self.0,
            at: 0,
            capture,
            depth: 0,
        };
        let value = parser.expression()?;
        parser.skip_space();
        if parser.at == self.0.len() {
            Ok(value)
        } else {
            Err(FormulaError::Malformed(parser.at))
        }
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Deep enough for any formula that the checks write, shallow enough for any stack.
const MAX_DEPTH: usize = 64;

struct Parser<'a> {
    text: &'a str,
    at: usize,
    capture: &'a Value,
    depth: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, expected: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    fn malformed<T>(&self) -> Result<T, FormulaError> {
        Err(FormulaError::Malformed(self.at))
    }

    fn expression(&mut self) -> Result<f64, FormulaError> {
        let mut value = self.term()?;
        loop {
            if self.take('+') {
                value += self.term()?;
            } else if self.take('-') {
                value -= self.term()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn term(&mut self) -> Result<f64, FormulaError> {
        let mut value = self.factor()?;
        loop {
            if self.take('*') {
                value *= self.factor()?;
            } else if self.take('/') {
                value /= self.factor()?;
            } else {
                return Ok(value);
            }
        }
    }

    fn factor(&mut self) -> Result<f64, FormulaError> {
        self.skip_space();
        if self.rest().starts_with('{') {
            let pointer = self.pointer()?;
            return self.number_at(&pointer);
        }
        if self.take('(') {
            return self.nested(Self::expression);
        }
        if self.rest().starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.function();
        }
        self.literal()
    }

    fn nested(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<f64, FormulaError>,
    ) -> Result<f64, FormulaError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.malformed();
        }
        let value = inner(self)?;
        self.depth -= 1;
        if self.take(')') {
            Ok(value)
        } else {
            self.malformed()
        }
    }

    fn literal(&mut self) -> Result<f64, FormulaError> {
        let rest = self.rest();
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        match rest.get(..digits).and_then(|text| text.parse().ok()) {
            Some(value) => {
                self.at += digits;
                Ok(value)
            }
            None => self.malformed(),
        }
    }

    fn pointer(&mut self) -> Result<String, FormulaError> {
        self.skip_space();
        let rest = self.rest();
        let Some((pointer, _)) = rest
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        else {
            return self.malformed();
        };
        let pointer = pointer.to_owned();
        self.at += pointer.len() + 2;
        Ok(pointer)
    }

    fn number_at(&self, pointer: &str) -> Result<f64, FormulaError> {
        self.capture
            .pointer(pointer)
            .and_then(Value::as_f64)
            .ok_or_else(|| FormulaError::NoNumber(pointer.to_owned()))
    }

    fn function(&mut self) -> Result<f64, FormulaError> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        if name == "count" {
            self.at += length;
            return self.count();
        }
        let Some(apply) = function_named(name) else {
            return self.malformed();
        };
        self.at += length;
        if !self.take('(') {
            return self.malformed();
        }
        self.nested(|parser| {
            let arguments = parser.arguments(Self::argument)?;
            apply(&arguments).map_or_else(|| parser.malformed(), Ok)
        })
    }

    fn count(&mut self) -> Result<f64, FormulaError> {
        if !self.take('(') {
            return self.malformed();
        }
        let mut found: f64 = 0.0;
        self.nested(|parser| {
            loop {
                let pointer = parser.pointer()?;
                if parser.capture.pointer(&pointer).is_some() {
                    found += 1.0;
                }
                if !parser.take(',') {
                    return Ok(found);
                }
            }
        })
    }

    fn arguments(
        &mut self,
        one: fn(&mut Self) -> Result<Vec<f64>, FormulaError>,
    ) -> Result<Vec<Vec<f64>>, FormulaError> {
        let mut arguments = vec![one(self)?];
        while self.take(',') {
            arguments.push(one(self)?);
        }
        Ok(arguments)
    }

    /// A list, or a number as a list of one.
    fn argument(&mut self) -> Result<Vec<f64>, FormulaError> {
        match self.list()? {
            Some(list) => Ok(list),
            None => Ok(vec![self.expression()?]),
        }
    }

    fn only_list(&mut self) -> Result<Vec<f64>, FormulaError> {
        match self.list()? {
            Some(list) => Ok(list),
            None => self.malformed(),
        }
    }

    fn list(&mut self) -> Result<Option<Vec<f64>>, FormulaError> {
        self.skip_space();
        let combine: Combine = if self.rest().starts_with("rate(") {
            rate
        } else if self.rest().starts_with("total(") {
            total
        } else {
            return self.wildcard();
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.malformed();
        }
        self.at += self.rest().find('(').map_or(0, |bracket| bracket + 1);
        let lists = self.arguments(Self::only_list)?;
        self.depth -= 1;
        if !self.take(')') {
            return self.malformed();
        }
        combine(&lists).map_or_else(|| self.malformed(), |list| Ok(Some(list)))
    }

    fn wildcard(&mut self) -> Result<Option<Vec<f64>>, FormulaError> {
        self.skip_space();
        let start = self.at;
        if !self.rest().starts_with('{') {
            return Ok(None);
        }
        let pointer = self.pointer()?;
        let Some((array, field)) = pointer.split_once("/*") else {
            self.at = start;
            return Ok(None);
        };
        let elements = self.capture.pointer(array).and_then(Value::as_array);
        let elements = elements.ok_or_else(|| FormulaError::NoNumber(pointer.clone()))?;
        let toplevel = |element: &&Value| {
            element
                .pointer("/key/toplevel")
                .and_then(Value::as_bool)
                .unwrap_or(true)
        };
        Ok(Some(
            elements
                .iter()
                .filter(toplevel)
                .filter_map(|element| element.pointer(field).and_then(Value::as_f64))
                .collect(),
        ))
    }
}

/// Makes one list of several; `None` where there are too few or too many.
type Combine = fn(&[Vec<f64>]) -> Option<Vec<f64>>;

/// What each second brought between neighbours.
fn rate(lists: &[Vec<f64>]) -> Option<Vec<f64>> {
    let [counts, seconds] = lists else {
        return None;
    };
    let steps = steps(counts).zip(steps(seconds));
    Some(steps.map(|(count, seconds)| count / seconds).collect())
}

fn steps(list: &[f64]) -> impl Iterator<Item = f64> + '_ {
    list.iter()
        .zip(list.iter().skip(1))
        .map(|(one, next)| next - one)
}

fn total(lists: &[Vec<f64>]) -> Option<Vec<f64>> {
    let (first, others) = lists.split_first()?;
    let mut sums = first.clone();
    for list in others {
        for (sum, value) in sums.iter_mut().zip(list) {
            *sum += value;
        }
    }
    Some(sums)
}

type Apply = fn(&[Vec<f64>]) -> Option<f64>;

fn function_named(name: &str) -> Option<Apply> {
    match name {
        "sum" => Some(|lists| Some(lists.iter().flatten().sum())),
        "max" => Some(|lists| lists.iter().flatten().copied().reduce(f64::max)),
        "min" => Some(|lists| lists.iter().flatten().copied().reduce(f64::min)),
        "sqrt" => Some(|lists| lists.iter().flatten().next().map(|value| value.sqrt())),
        "length" => Some(|lists| {
            i64::try_from(lists.iter().flatten().count())
                .ok()
                .map(float)
        }),
        "dot" => Some(|lists| match lists {
            [one, other] => Some(one.iter().zip(other).map(|(one, other)| one * other).sum()),
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn capture() -> Value {
        json!({
            "statements": [
                {"key": {"toplevel": true}, "counters": {"calls": 3}},
                {"key": {"toplevel": false}, "counters": {"calls": 100}},
                {"key": {"toplevel": true}, "counters": {"calls": 5}},
            ],
            "plans": [{"plan": {"Plan": {"Rows Removed by Filter": 10, "Actual Loops": 4}}}],
            "series": {"seconds": [0.0, 1.0, 3.0, 4.0], "calls": [0, 5, 25, 33], "rows": [1, 11, 51, 52]},
        })
    }

    #[test]
    fn formulas_recompute() {
        for (text, value) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3 - 4 / 2", 7.0),
            (
                "{/plans/0/plan/Plan/Rows Removed by Filter} * {/plans/0/plan/Plan/Actual Loops}",
                40.0,
            ),
            (
                "{/statements/0/counters/calls} / sum({/statements/*/counters/calls})",
                0.375,
            ),
            ("max(1, {/statements/2/counters/calls}, 2)", 5.0),
            ("sqrt(min(9, 16))", 3.0),
            ("length({/series/calls/*}) - 1", 3.0),
            ("sum(rate({/series/calls/*}, {/series/seconds/*}))", 23.0),
            (
                "dot(rate({/series/calls/*}, {/series/seconds/*}), rate({/series/rows/*}, {/series/seconds/*}))",
                5.0 * 10.0 + 10.0 * 20.0 + 8.0 * 1.0,
            ),
            (
                "sum(rate(total({/series/calls/*}, {/series/rows/*}), {/series/seconds/*}))",
                54.0,
            ),
            ("dot(1, 2)", 2.0),
        ] {
            let found = Formula::new(text).evaluate(&capture()).unwrap();
            assert!((found - value).abs() < 1e-9, "{text} = {found}");
        }
    }

    #[test]
    fn what_has_no_value_says_why() {
        for (text, error) in [
            ("", FormulaError::Malformed(0)),
            ("1 +", FormulaError::Malformed(3)),
            ("1 2", FormulaError::Malformed(2)),
            ("{/nowhere}", FormulaError::NoNumber("/nowhere".into())),
            (
                "{/statements}",
                FormulaError::NoNumber("/statements".into()),
            ),
            ("product(1)", FormulaError::Malformed(0)),
            ("dot(1)", FormulaError::Malformed(5)),
            ("sum(rate(1, 2))", FormulaError::Malformed(9)),
            ("rate({/series/calls/*})", FormulaError::Malformed(0)),
        ] {
            assert_eq!(
                Formula::new(text).evaluate(&capture()),
                Err(error),
                "{text}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn no_text_panics(text in "[-+*/(){}a-z0-9., é]{0,40}") {
            let _ = Formula::new(text).evaluate(&capture());
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(matches!(
            Formula::new(text).evaluate(&Value::Null),
            Err(FormulaError::Malformed(_))
        ));
    }
}
