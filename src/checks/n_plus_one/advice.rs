//! The one statement that takes the place of the loop, and how libraries write it.

use crate::checks::Case;
use crate::checks::support::{Words, advice, label};
use crate::finding::{Action, Recommendation};
use crate::format;
use crate::sql::facts::{Distinct, Facts, Output};
use crate::sql::rewrite::{KeyParameter, PerKey, batch};

use super::groups::Group;
use super::pairs::Pair;
use super::ties::Tie;

/// The advice for a loop.
pub fn recommendation(case: &Case<'_>, groups: &[Group], pair: &Pair) -> Option<Recommendation> {
    let child = groups.get(pair.child)?;
    let parent = groups.get(*pair.parents.first()?)?;
    let hint = library(child.text(case))
        .map(|library| format!(" ({library})"))
        .unwrap_or_default();
    let summary = format!(
        "look up {} once for all rows of \"{}\"{hint}, not once for each",
        pair.tie.child_name(case),
        label(parent.text(case)),
    );
    let expected = format!(
        "{} statements become {}",
        format::count(child.calls),
        format::count(child.calls - pair.saved(child)),
    );
    let words = Words {
        summary: &summary,
        expected: &expected,
        risk: "rows of many keys come at once: where the parent returns very many rows, page it",
    };
    let mut advice = advice(Action::ChangeApplication, words);
    let facts = child.facts(case);
    advice.rewrite = facts.and_then(|facts| rewrite(case, child.text(case), facts, &pair.tie));
    Some(advice)
}

/// The look-up for many keys at once.
pub fn rewrite(case: &Case<'_>, text: &str, facts: &Facts, tie: &Tie) -> Option<String> {
    let table = case.catalog.by_oid(tie.child_table)?.table;
    let keys: Vec<KeyParameter<'_>> = tie
        .parameters
        .iter()
        .zip(&tie.child_columns)
        .filter_map(|(number, column)| {
            Some(KeyParameter {
                number: *number,
                type_name: &table.column(column)?.type_name,
            })
        })
        .collect();
    batch(text, &keys, per_key(facts, tie))
}

fn per_key(facts: &Facts, tie: &Tie) -> PerKey {
    let Some(level) = facts.main() else {
        return PerKey::Computed;
    };
    let returned = tie.child_columns.iter().all(|column| {
        level.output.iter().any(|output| match output {
            Output::Column { sources, .. } => sources.iter().any(|source| source.column == *column),
            Output::All { .. } => true,
            Output::Computed { .. } => false,
        })
    });
    let plain = returned
        && !level.aggregates
        && !level.set_operation
        && level.distinct == Distinct::No
        && level.windows.is_empty()
        && facts.levels.len() == 1;
    let bounded = level.limit.is_some() || level.offset.is_some();
    match (plain, tie.unique, bounded) {
        (true, true, _) => PerKey::OneRow,
        (true, false, false) => PerKey::Rows,
        _ => PerKey::Computed,
    }
}

/// How object-relational mappers load related rows together, told from how they write aliases. The order matters: the
/// first sign that is found counts.
pub fn library(text: &str) -> Option<&'static str> {
    let has = |sign: &str| text.contains(sign);
    let alias_of = |quoted: char| numbered_alias(text, quoted);
    match () {
        () if has("\"t1\".\"") => Some("peewee: prefetch() or a join"),
        () if alias_of('"') => Some("Ecto: preload or join with assoc"),
        () if alias_of('_') => Some("Hibernate: JOIN FETCH, @EntityGraph or @BatchSize"),
        () if has("\"public\".\"") => Some("Prisma: include, or relationLoadStrategy: \"join\""),
        () if has("\".* FROM \"") => Some("ActiveRecord: includes or preload"),
        () if has("SELECT * FROM \"") => Some("GORM: Preload or Joins"),
        () if has("select * from \"") => Some("Eloquent: with()"),
        () if has("\" AS \"") => {
            Some("Sequelize: include; TypeORM: relations or leftJoinAndSelect")
        }
        () if has("\".\"") => Some("Django: select_related or prefetch_related"),
        () if has("::INTEGER") || has("::BIGINT") || has("::UUID") || has("::VARCHAR") => {
            Some("SQLAlchemy: selectinload or joinedload")
        }
        () => None,
    }
}

/// Whether columns are qualified as `b0."id"` (Ecto, quote `"`) or `b1_0.id` (Hibernate, quote `_`).
fn numbered_alias(text: &str, style: char) -> bool {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '='));
    words.into_iter().any(|word| {
        let Some((alias, column)) = word.split_once('.') else {
            return false;
        };
        let digits = alias.trim_start_matches(|c: char| c.is_ascii_lowercase());
        let letters = alias.len() - digits.len();
        match style {
            '"' => {
                letters == 1
                    && !digits.is_empty()
                    && digits.bytes().all(|b| b.is_ascii_digit())
                    && column.starts_with('"')
            }
            _ => {
                (1..=3).contains(&letters)
                    && digits.ends_with("_0")
                    && digits
                        .trim_end_matches("_0")
                        .bytes()
                        .all(|b| b.is_ascii_digit())
                    && digits.len() > 2
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::library;

    #[test]
    fn libraries_are_told_by_their_aliases() {
        for (text, expected) in [
            ("SELECT \"t1\".\"id\" FROM \"a\" AS \"t1\"", "peewee"),
            ("SELECT a0.\"id\" FROM \"authors\" AS a0", "Ecto"),
            ("select a1_0.id,a1_0.name from authors a1_0", "Hibernate"),
            (
                "SELECT \"public\".\"a\".\"id\" FROM \"public\".\"a\"",
                "Prisma",
            ),
            ("SELECT \"books\".* FROM \"books\"", "ActiveRecord"),
            ("SELECT * FROM \"a\" WHERE \"a\".\"id\" = $1", "GORM"),
            ("select * from \"a\" where \"a\".\"id\" = $1", "Eloquent"),
            (
                "SELECT \"id\" FROM \"a\" AS \"A\" WHERE \"A\".\"id\" = $1",
                "Sequelize",
            ),
            ("SELECT \"a\".\"id\" FROM \"a\"", "Django"),
            ("SELECT a.id FROM a WHERE a.id = $1::INTEGER", "SQLAlchemy"),
        ] {
            assert!(
                library(text).is_some_and(|found| found.starts_with(expected)),
                "{text}: {:?}",
                library(text)
            );
        }
        assert_eq!(library("select id from a where id = $1"), None);
    }
}
