//! Values that stand for captured ones: in their order, equal where those were equal.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::snapshot::{Distribution, Values, element_kind, kind_of};

/// What times are spread over: a column of which nothing but the order is known is taken to have filled at the same
/// pace for two years.
const SPAN: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);

/// What is known of the values that are to be stood for.
#[derive(Debug)]
pub(super) struct Synthesis {
    /// The latest moment.
    end: Timestamp,
    /// How many values of each kind the capture has.
    counts: BTreeMap<String, u32>,
    /// Labels of enums, by type.
    labels: BTreeMap<String, Vec<String>>,
}

impl Synthesis {
    pub(super) fn new(
        distributions: &[Distribution],
        labels: BTreeMap<String, Vec<String>>,
        end: Timestamp,
    ) -> Self {
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut count = |kind: &str, values: &Values| {
            let most = values
                .ranks
                .iter()
                .max()
                .map_or(0, |most| most.saturating_add(1));
            let known = counts.entry(kind.to_owned()).or_default();
            *known = most.max(*known);
        };
        for one in distributions {
            count(kind_of(&one.type_name), &one.most_common);
            count(kind_of(&one.type_name), &one.histogram);
            count(element_kind(&one.type_name), &one.elements);
        }
        Self {
            end,
            counts,
            labels,
        }
    }

    /// The values as the text of an array; `None` where there are none, or none can stand for them.
    pub(super) fn array(&self, type_name: &str, values: &Values) -> Option<String> {
        if values.is_empty() {
            return None;
        }
        if !values.texts.is_empty() {
            return Some(array_text(&values.texts));
        }
        let texts = values.ranks.iter().map(|rank| self.value(type_name, *rank));
        Some(array_text(&texts.collect::<Option<Vec<String>>>()?))
    }

    /// The elements of arrays, or the lexemes of texts, as the text of an array.
    pub(super) fn elements(&self, type_name: &str, values: &Values) -> Option<String> {
        self.array(type_name.strip_suffix("[]").unwrap_or("text"), values)
    }

    fn value(&self, type_name: &str, rank: u32) -> Option<String> {
        if let Some(labels) = self.labels.get(type_name) {
            return labels.get(usize::try_from(rank).ok()?).cloned();
        }
        if let Some(element) = type_name.strip_suffix("[]") {
            return Some(array_text(&[self.value(element, rank)?]));
        }
        let [_, high, middle, low] = rank.to_be_bytes();
        Some(match type_name {
            "boolean" => if rank == 0 { "f" } else { "t" }.to_owned(),
            "date" => self.moment(rank)?.strftime("%Y-%m-%d").to_string(),
            "timestamp without time zone" => self
                .moment(rank)?
                .strftime("%Y-%m-%d %H:%M:%S%.f")
                .to_string(),
            "timestamp with time zone" => self.moment(rank)?.to_string(),
            "interval" => format!("{rank} seconds"),
            "uuid" => format!("{rank:08x}-0000-4000-8000-000000000000"),
            "bytea" => format!("\\x{rank:08x}"),
            "inet" | "cidr" => format!("10.{high}.{middle}.{low}"),
            "macaddr" => format!("02:00:00:{high:02x}:{middle:02x}:{low:02x}"),
            "int4range" | "int8range" | "numrange" => {
                format!("[{rank},{})", rank.saturating_add(1))
            }
            "jsonb" | "money" => rank.to_string(),
            other => match kind_of(other) {
                "number" => rank.saturating_add(1).to_string(),
                // Digits stand in the same order in every collation.
                "text" => format!("{rank:010}"),
                _ => return None,
            },
        })
    }

    fn moment(&self, rank: u32) -> Option<Timestamp> {
        let count = self.counts.get("moment").copied().unwrap_or(1).max(1);
        let step = SPAN / i32::try_from(count).ok()?;
        let steps = i32::try_from(count.saturating_sub(rank.saturating_add(1))).ok()?;
        self.end.checked_sub(step.checked_mul(steps)?).ok()
    }
}

/// An array as `array_in` reads it.
pub(super) fn array_text(values: &[String]) -> String {
    let quoted = values.iter().map(|value| {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn synthesis() -> Synthesis {
        let labels = BTreeMap::from([(
            "public.mood".to_owned(),
            vec!["sad".to_owned(), "ok".to_owned()],
        )]);
        let counts = BTreeMap::from([("moment".to_owned(), 731)]);
        Synthesis {
            end: "2026-01-01T00:00:00Z".parse().unwrap(),
            counts,
            labels,
        }
    }

    #[test]
    fn values_keep_their_order_and_end_with_the_capture() {
        let ranks = Values {
            texts: Vec::new(),
            ranks: vec![0, 1, 730],
        };
        for (type_name, expected) in [
            ("bigint", Some(r#"{"1","2","731"}"#)),
            ("text", Some(r#"{"0000000000","0000000001","0000000730"}"#)),
            ("date", Some(r#"{"2024-01-02","2024-01-03","2026-01-01"}"#)),
            ("integer[]", Some(r#"{"{\"1\"}","{\"2\"}","{\"731\"}"}"#)),
            ("public.mood", None),
            ("point", None),
        ] {
            let text = synthesis().array(type_name, &ranks);
            assert_eq!(text.as_deref(), expected, "{type_name}");
        }
        let labels = Values {
            texts: Vec::new(),
            ranks: vec![1, 0],
        };
        let text = synthesis().array("public.mood", &labels);
        assert_eq!(text.as_deref(), Some(r#"{"ok","sad"}"#));
    }

    #[test]
    fn captured_values_are_taken_as_they_are() {
        let shown = Values {
            texts: vec!["a\"b".to_owned(), "c\\d".to_owned()],
            ranks: Vec::new(),
        };
        let text = synthesis().array("point", &shown);
        assert_eq!(text.as_deref(), Some(r#"{"a\"b","c\\d"}"#));
    }
}
