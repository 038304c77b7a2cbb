//! What would make the conditions servable: an index, the statement written differently, or both.

use super::lookup::{Asks, Lookup, Wrap};
use super::policy::behind_policy;
use super::{Words, advice, create_index, rewrite, rewritten};
use crate::advisor::{Blueprint, MAX_WIDTH, defined_index, leading_index, pattern_class};
use crate::checks::{Case, CasePlan, TableRef};
use crate::finding::{Action, Expected, Recommendation, Severity};
use crate::ids::quote_ident;
use crate::snapshot::{Column, IndexColumn, IndexDefinition};
use crate::sql::lexer::{Token, redacted_tokens, tokens};
use crate::sql::rewrite::{Rewrite, Target, contained, sargable, uncast};

/// What is advised, and the columns that it is about.
#[derive(Debug)]
pub struct Mend {
    /// The columns.
    pub columns: Vec<String>,
    /// The advice.
    pub advice: Recommendation,
    /// How severe a finding with this advice is at most.
    pub at_most: Severity,
}

impl Mend {
    /// Advice that says nothing about the severity.
    pub(super) const fn new(columns: Vec<String>, advice: Recommendation) -> Self {
        Self {
            columns,
            advice,
            at_most: Severity::Critical,
        }
    }
}

/// The simplest change that lets an index serve the conditions; `None` where none would.
pub fn mend(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    table: TableRef<'_>,
    conditions: &[Lookup],
) -> Option<Mend> {
    let whole: Vec<&Lookup> = conditions
        .iter()
        .filter(|lookup| lookup.arm.is_none())
        .collect();
    let mender = Mender { case, plan, table };
    mender
        .btree(&whole)
        .or_else(|| whole.iter().find_map(|lookup| mender.one(lookup)))
        .or_else(|| mender.arms(conditions))
}

/// The index for a condition that no btree on its bare column serves; `None` where one would, where the value has the
/// wrong type, where an index of that kind is there, and where none can be.
pub fn special_index(
    case: &Case<'_>,
    plan: &CasePlan<'_>,
    table: TableRef<'_>,
    condition: &Lookup,
) -> Option<Recommendation> {
    let is_immutable = match &condition.wrap {
        Wrap::Expression { text, .. } => {
            calls_immutable(text) && casts_immutably(text, |name| type_of(table, name))
        }
        Wrap::Bare => true,
        Wrap::Cast(_) => false,
    };
    if condition.arm.is_some() || !is_immutable {
        return None;
    }
    let mender = Mender { case, plan, table };
    let mut advice = mender.one(condition)?.advice;
    let index = advice.index.as_ref()?;
    let first = index.keys.first()?;
    let there = case.catalog.indexes(table.table.oid).any(|there| {
        let key = there.keys.first();
        there.method == index.method && key.is_some_and(|key| condition.begins(key))
    });
    if there && (index.method != "btree" || first.opclass.is_none()) {
        return None;
    }
    if condition.asks == Asks::Prefix {
        advice.summary.push_str(
            "; it serves patterns that begin with letters, those that begin with a wildcard need trigrams",
        );
    }
    advice.expected = Expected::in_words("reads the rows that it keeps instead of the table");
    Some(advice)
}

/// Advice in words, with what creates the index that it is about where that is known.
pub fn with_index(advice: Recommendation, index: Option<Recommendation>) -> Recommendation {
    match index {
        Some(index) => Recommendation {
            ddl: index.ddl,
            rollback: index.rollback,
            index: index.index,
            ..advice
        },
        None => advice,
    }
}

/// Makes advice for the conditions on a table.
struct Mender<'c, 'a> {
    case: &'c Case<'a>,
    plan: &'c CasePlan<'a>,
    table: TableRef<'c>,
}

impl Mender<'_, '_> {
    /// One btree for the columns that stand alone: those compared for equality first, then one with a bound.
    fn btree(&self, whole: &[&Lookup]) -> Option<Mend> {
        let bare = |asks: Asks| {
            whole
                .iter()
                .filter(move |lookup| lookup.wrap == Wrap::Bare && lookup.asks == asks)
                .map(|lookup| lookup.column.clone())
        };
        let mut columns: Vec<String> = Vec::new();
        let mut add = |column: String| {
            if columns.len() < MAX_WIDTH && !columns.contains(&column) {
                columns.push(column);
            }
        };
        bare(Asks::Equal).for_each(&mut add);
        bare(Asks::Range).take(1).for_each(&mut add);
        if columns.is_empty() {
            return None;
        }
        let keys = columns.iter().map(|column| plain(column)).collect();
        let index = self.index("btree", keys, &columns);
        let advice = create_index(&index, self.table, Expected::in_words(EXPECTED));
        Some(Mend::new(columns, advice))
    }

    fn one(&self, lookup: &Lookup) -> Option<Mend> {
        let columns = vec![lookup.column.clone()];
        let advice = match (&lookup.wrap, &lookup.asks) {
            (Wrap::Bare, Asks::Equal | Asks::Range) => return None,
            (Wrap::Cast(to), Asks::Equal | Asks::Range) => self.without_cast(lookup, to),
            (_, Asks::Trigrams) => self.trigrams(lookup)?,
            (_, Asks::Contains(operator)) => self.containing(lookup, operator)?,
            (_, Asks::Element) => self.element(lookup)?,
            // Patterns that ignore case are beyond every index on the column.
            (Wrap::Bare, Asks::Prefix) if !self.is_text(&lookup.column) => return None,
            (Wrap::Bare | Wrap::Cast(_), Asks::Prefix) => {
                let key = IndexColumn {
                    opclass: Some(pattern_class(self.type_of(&lookup.column)).to_owned()),
                    ..plain(&lookup.column)
                };
                let index = self.index("btree", vec![key], &columns);
                create_index(&index, self.table, Expected::in_words(EXPECTED))
            }
            (Wrap::Expression { text, open }, asks) => {
                self.unwrapped(lookup, text, *open, *asks == Asks::Prefix)
            }
        };
        let mend = Mend::new(columns, advice);
        Some(behind_policy(self.case, self.table, lookup, &mend).unwrap_or(mend))
    }

    /// An index for each arm of OR that has none.
    fn arms(&self, conditions: &[Lookup]) -> Option<Mend> {
        let mut all: Option<Recommendation> = None;
        let mut columns = Vec::new();
        let arms = conditions.iter().filter(|lookup| lookup.arm.is_some());
        for lookup in arms {
            let one = std::slice::from_ref(&lookup.column);
            let served =
                lookup.wrap == Wrap::Bare && leading_index(self.case, self.table, one).is_some();
            if served || columns.contains(&lookup.column) {
                continue;
            }
            let whole = Lookup {
                arm: None,
                ..lookup.clone()
            };
            let mend = self.btree(&[&whole]).or_else(|| self.one(&whole))?;
            columns.extend(mend.columns);
            all = Some(match all.take() {
                None => mend.advice,
                Some(before) => both(before, mend.advice),
            });
        }
        all.map(|advice| Mend::new(columns, advice))
    }

    /// The value in the column's own type.
    fn without_cast(&self, lookup: &Lookup, to: &str) -> Recommendation {
        let column = &lookup.column;
        let own = self.table.table.column(column);
        let own = own.map_or("the column's type", |column| column.type_name.as_str());
        let summary = format!(
            "pass the value of {column} as {own}, not as {to}; an index on {} ({column}) then serves it",
            self.table.table.name
        );
        let words = Words {
            summary: &summary,
            expected: EXPECTED,
            risk: "a value that the column's type cannot hold must be caught by the application",
        };
        let advice = advice(Action::ChangeApplication, words);
        let advice = match self.rewritten(column, Way::Uncast) {
            Some(rewrite) => rewritten(Ok(rewrite), advice),
            None => advice,
        };
        self.and_index(lookup, advice)
    }

    /// The column bare where that returns the same rows, else an index on the expression.
    fn unwrapped(&self, lookup: &Lookup, text: &str, open: bool, prefix: bool) -> Recommendation {
        let column = &lookup.column;
        let name = &self.table.table.name;
        if let Some(rewrite) = self.rewritten(column, Way::Sargable) {
            let summary = format!(
                "compare {column} itself instead of {text}; an index on {name} ({column}) then serves it"
            );
            let words = Words {
                summary: &summary,
                expected: EXPECTED,
                risk: "",
            };
            let advice = rewritten(Ok(rewrite), advice(Action::RewriteQuery, words));
            return self.and_index(lookup, advice);
        }
        let is_steady = is_steady(text) && casts_immutably(text, |name| type_of(self.table, name));
        if open || !is_steady {
            let summary = format!(
                "write the condition so that {column} stands alone on its side instead of {text}; an index on {name} ({column}) then serves it"
            );
            let words = Words {
                summary: &summary,
                expected: EXPECTED,
                risk: "the bounds must be those of the expression: mind time zones",
            };
            return advice(Action::RewriteQuery, words);
        }
        let key = IndexColumn {
            expr: format!("({text})"),
            desc: false,
            opclass: prefix.then(|| "text_pattern_ops".to_owned()),
        };
        let index = self.index("btree", vec![key], std::slice::from_ref(column));
        Self::readable(create_index(
            &index,
            self.table,
            Expected::in_words(EXPECTED),
        ))
    }

    fn trigrams(&self, lookup: &Lookup) -> Option<Recommendation> {
        let expr = match &lookup.wrap {
            Wrap::Bare if !self.is_text(&lookup.column) => return None,
            Wrap::Bare => quote_ident(&lookup.column).into_owned(),
            Wrap::Cast(to) => format!("({}::{to})", quote_ident(&lookup.column)),
            Wrap::Expression { open: true, .. } => return None,
            Wrap::Expression { text, .. } => format!("({text})"),
        };
        let key = IndexColumn {
            expr,
            desc: false,
            opclass: Some("gin_trgm_ops".to_owned()),
        };
        let index = self.index("gin", vec![key], std::slice::from_ref(&lookup.column));
        let mut advice = create_index(&index, self.table, Expected::in_words(EXPECTED));
        if !self.case.snapshot.has_extension("pg_trgm") {
            advice.ddl.insert(0, "CREATE EXTENSION pg_trgm;".to_owned());
        }
        advice.summary = format!(
            "create a trigram index on {} ({}); patterns need three letters in a row",
            self.table.table.name,
            index.definition.key_list()
        );
        Some(Self::readable(advice))
    }

    /// An index of what a value contains: GIN or `GiST`, by the column's type.
    fn containing(&self, lookup: &Lookup, operator: &str) -> Option<Recommendation> {
        let (expr, type_name) = match &lookup.wrap {
            Wrap::Bare => (
                quote_ident(&lookup.column).into_owned(),
                self.type_of(&lookup.column).to_owned(),
            ),
            Wrap::Cast(_) | Wrap::Expression { open: true, .. } => return None,
            Wrap::Expression { text, .. } => {
                let of = if operator == "@@" {
                    "tsvector"
                } else {
                    "jsonb"
                };
                (format!("({text})"), of.to_owned())
            }
        };
        let unqualified = type_name.rsplit('.').next().unwrap_or_default();
        let (method, opclass) = match unqualified {
            "jsonb" | "tsvector" | "hstore" => ("gin", None),
            name if name.ends_with("[]") => ("gin", None),
            "inet" | "cidr" => ("gist", Some("inet_ops")),
            name if name.ends_with("range") => ("gist", None),
            "point" | "box" | "polygon" | "circle" | "ltree" | "cube" => ("gist", None),
            _ => return None,
        };
        let key = IndexColumn {
            expr,
            desc: false,
            opclass: opclass.map(str::to_owned),
        };
        let index = self.index(method, vec![key], std::slice::from_ref(&lookup.column));
        let mut advice = create_index(&index, self.table, Expected::in_words(EXPECTED));
        advice.summary = format!(
            "create a {} index on {} ({})",
            if method == "gin" { "GIN" } else { "GiST" },
            self.table.table.name,
            index.definition.key_list()
        );
        Some(Self::readable(advice))
    }

    /// No index serves `value = ANY (column)`, but one of its elements serves `column @> ARRAY[value]`.
    fn element(&self, lookup: &Lookup) -> Option<Recommendation> {
        let mut advice = self.containing(lookup, "@>")?;
        let column = &lookup.column;
        let index = std::mem::take(&mut advice.summary);
        advice.kind = Action::RewriteQuery;
        advice.summary =
            format!("write {column} @> ARRAY[value] instead of value = ANY ({column})");
        let mut indexes = self.case.catalog.indexes(self.table.table.oid);
        let exists = indexes.any(|index| {
            let leads = index
                .keys
                .iter()
                .any(|key| key.column.as_deref() == Some(column.as_str()));
            index.method == "gin" && index.valid && index.predicate.is_none() && leads
        });
        if exists {
            advice.ddl.clear();
            advice.rollback.clear();
            advice.index = None;
            "none".clone_into(&mut advice.risk.text);
        } else {
            advice.summary = format!("{}, and {index}", advice.summary);
        }
        if let Some(rewrite) = self.rewritten(column, Way::Contained) {
            advice.rewrite = Some(rewrite.text);
        }
        Some(advice)
    }

    /// With the index on the bare column, unless it is there.
    fn and_index(&self, lookup: &Lookup, mut advice: Recommendation) -> Recommendation {
        let columns = std::slice::from_ref(&lookup.column);
        if leading_index(self.case, self.table, columns).is_none() {
            let index = self.index("btree", vec![plain(&lookup.column)], columns);
            advice.ddl.extend(index.script.create);
            advice.rollback.extend(index.script.drop);
        }
        advice
    }

    fn rewritten(&self, column: &str, way: Way) -> Option<Rewrite> {
        let columns = [column.to_owned()];
        let target = Target {
            table: &self.table.table.name,
            columns: &columns,
        };
        let rewrite = rewrite(self.case, self.plan, &|statement, catalog| match way {
            Way::Sargable => sargable(statement, catalog, target),
            Way::Uncast => uncast(statement, catalog, target),
            Way::Contained => contained(statement, catalog, target),
        });
        rewrite.ok()
    }

    fn index(&self, method: &str, keys: Vec<IndexColumn>, columns: &[String]) -> Blueprint {
        let name = &self.table.table.name;
        let definition = IndexDefinition {
            schema: name.schema.clone(),
            table: name.name.clone(),
            method: method.to_owned(),
            keys,
            include: Vec::new(),
            predicate: None,
            unique: false,
        };
        let named: Vec<String> = keys_named(&definition, columns);
        defined_index(self.case, self.table, definition, columns, &named)
    }

    /// Without DDL where that has a token in the place of a literal.
    fn readable(mut advice: Recommendation) -> Recommendation {
        if advice.ddl.iter().any(|text| text.contains('‹')) {
            advice.ddl.clear();
            advice.rollback.clear();
            advice.index = None;
            advice.summary = format!("{}; --show-literals writes it out", advice.summary);
        }
        advice
    }

    /// The type that its values are stored as.
    fn type_of(&self, column: &str) -> &str {
        let column = self.table.table.column(column);
        column.map_or("", Column::stored_type)
    }

    /// Whether its values are compared byte by byte by LIKE: those of citext are not.
    fn is_text(&self, column: &str) -> bool {
        let name = self.type_of(column);
        ["text", "name"].contains(&name) || name.starts_with("character")
    }
}

#[derive(Clone, Copy)]
enum Way {
    Sargable,
    Uncast,
    Contained,
}

pub(super) const EXPECTED: &str = "reads the rows that match instead of the table, whatever its size; how much that saves \
    depends on the rows in production, which are unknown here";

/// What an index is called after: its columns, and what else tells it apart from one on those alone.
fn keys_named(definition: &IndexDefinition, columns: &[String]) -> Vec<String> {
    let more = definition.keys.iter().filter_map(|key| {
        let opclass = key
            .opclass
            .as_deref()
            .map(|class| class.split('_').find(|part| part.len() > 3));
        let function = key.expr.strip_prefix('(').map(|inner| {
            let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            inner
                .get(..end.unwrap_or(inner.len()))
                .filter(|word| !word.is_empty())
        });
        opclass.or(function).flatten().map(str::to_lowercase)
    });
    // What is taken out of a document tells indexes on it apart.
    let keys = definition.keys.iter().flat_map(|key| tokens(&key.expr));
    let fields: Vec<String> = keys.filter_map(|token| token.string_value()).collect();
    let plain = |field: &&String| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        !field.is_empty() && field.chars().all(word)
    };
    let mut named = columns.to_vec();
    named.extend(
        fields
            .iter()
            .filter(plain)
            .map(|field| field.to_lowercase()),
    );
    named.extend(more.filter(|word| !columns.contains(word)));
    named
}

fn plain(column: &str) -> IndexColumn {
    IndexColumn {
        expr: quote_ident(column).into_owned(),
        desc: false,
        opclass: None,
    }
}

fn both(one: Recommendation, other: Recommendation) -> Recommendation {
    Recommendation {
        summary: format!("{}, and {}", one.summary, other.summary),
        ddl: one.ddl.into_iter().chain(other.ddl).collect(),
        rollback: one.rollback.into_iter().chain(other.rollback).collect(),
        index: None,
        ..one
    }
}

/// Functions and casts that an index cannot be made of, because settings decide about their value.
const UNSTEADY: [&str; 12] = [
    "to_char(",
    "to_date(",
    "to_timestamp(",
    "date_trunc(",
    "date_part(",
    "extract(",
    "age(",
    "now(",
    "current_",
    "::date",
    "::timestamp",
    "concat",
];

/// Functions that an index can be made of, whatever their arguments; casts of these are another matter.
const IMMUTABLE: [&str; 20] = [
    "abs",
    "btrim",
    "ceil",
    "coalesce",
    "floor",
    "initcap",
    "left",
    "length",
    "lower",
    "ltrim",
    "md5",
    "mod",
    "replace",
    "reverse",
    "right",
    "round",
    "rtrim",
    "substr",
    "substring",
    "upper",
];

/// Whether an expression calls no function but those.
fn calls_immutable(text: &str) -> bool {
    let tokens: Vec<_> = redacted_tokens(text)
        .filter(|token| !token.is_trivia())
        .collect();
    let mut calls = tokens
        .windows(2)
        .filter(|pair| matches!(pair, [name, open] if name.is_name() && open.text == "("));
    calls.all(|call| {
        let name = call.first().and_then(Token::identifier);
        name.is_some_and(|name| IMMUTABLE.contains(&name.as_str()))
    })
}

fn is_steady(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    !UNSTEADY.iter().any(|unsteady| text.contains(unsteady))
}

/// Beginnings of the types whose casts follow the session's settings: no index can be made of them.
const UNSTEADY_TYPES: [&str; 4] = ["date", "time", "interval", "money"];

fn casts_immutably<'t>(text: &str, type_of: impl Fn(&str) -> Option<&'t str>) -> bool {
    let tokens: Vec<_> = redacted_tokens(text).collect();
    let mut words = tokens.iter().filter_map(Token::identifier);
    let casts = tokens.iter().any(|token| token.text == "::");
    !casts
        || words.all(|word| {
            let of_type = type_of(&word).unwrap_or(&word);
            !UNSTEADY_TYPES
                .iter()
                .any(|unsteady| of_type.starts_with(unsteady))
        })
}

fn type_of<'t>(table: TableRef<'t>, column: &str) -> Option<&'t str> {
    table.table.column(column).map(Column::stored_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_index_is_advised_on_a_cast_that_settings_decide_about() {
        let type_of = |name: &str| match name {
            "created_at" => Some("timestamp with time zone"),
            "date_code" => Some("integer"),
            "name" => Some("character varying(20)"),
            _ => None,
        };
        for (text, expected) in [
            ("lower((name)::text)", true),
            ("left((date_code)::text, 4)", true),
            ("lower((created_at)::text)", false),
            ("(name)::time", false),
            ("lower(name)", true),
        ] {
            assert_eq!(casts_immutably(text, type_of), expected, "{text}");
        }
    }
}
