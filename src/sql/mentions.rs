//! What a text mentions, from its tokens alone, for deciding whether it may be planned or run.
//!
//! Everything errs towards mentioning too much: a word that could name a function is a name, an UPDATE anywhere in a
//! SELECT counts as modifying. Nothing here depends on a grammar that could disagree with the server's.

use std::collections::BTreeSet;

use super::lexer::{IDENTIFIER_BYTES, Open, Token, TokenKind, tokens};

/// Operators that syntax without an operator token resolves to: IN, BETWEEN, NULLIF, CASE, USING, LIKE, SIMILAR TO, IS
/// DISTINCT FROM, sorting, grouping. `gram.y` looks them up by these names on the search path.
const IMPLIED_OPERATORS: [&str; 12] = [
    "=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*", "~", "!~",
];

/// The reserved words of PostgreSQL 13 to 18 (`kwlist.h`): unquoted they are never a name, unless a dot stands before
/// them.
const RESERVED: [&str; 77] = [
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// What kind of statement a text is, from its first words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatementClass {
    /// SELECT, in parentheses or behind WITH too.
    Select,
    /// VALUES
    Values,
    /// TABLE
    Table,
    /// INSERT
    Insert,
    /// UPDATE
    Update,
    /// DELETE
    Delete,
    /// MERGE
    Merge,
    /// Anything else, with its first word in lower case (empty when the text does not start with a word).
    Other(String),
}

impl StatementClass {
    /// The class that a first word announces.
    fn of_word(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "select" => Self::Select,
            "values" => Self::Values,
            "table" => Self::Table,
            "insert" => Self::Insert,
            "update" => Self::Update,
            "delete" => Self::Delete,
            "merge" => Self::Merge,
            other => Self::Other(other.to_owned()),
        }
    }

    /// SELECT, VALUES or TABLE: reads, if nothing in it has an [`Effect`].
    pub fn is_query(&self) -> bool {
        matches!(self, Self::Select | Self::Values | Self::Table)
    }

    /// What kind of statement a text is.
    pub fn of(text: &str) -> Self {
        let all: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
        class(&all)
    }

    /// One of the five statements that the planner plans: SELECT (VALUES and TABLE are ways to write it), INSERT,
    /// UPDATE, DELETE, MERGE.
    pub fn is_planned(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

/// A word that may mean that the statement changes or locks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The word INSERT.
    Insert,
    /// The word UPDATE, that of a locking clause included.
    Update,
    /// The word DELETE.
    Delete,
    /// The word MERGE.
    Merge,
    /// The word INTO: SELECT INTO creates a table.
    Into,
    /// FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE.
    Lock,
}

/// What a text mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mentions {
    /// Every identifier as the server folds and cuts it, types, functions, aliases and unreserved keywords included.
    pub names: BTreeSet<String>,
    /// Every `a.b`: `a` may be a schema. Of `a.b.c` both pairs.
    pub qualified: BTreeSet<(String, String)>,
    /// Every operator, those that syntax implies included; `!=` as `<>`.
    pub operators: BTreeSet<String>,
    /// Every `OPERATOR(schema.op)` as (schema, operator).
    pub qualified_operators: BTreeSet<(String, String)>,
    /// What kind of statement it is.
    pub class: StatementClass,
    /// The words in it that may change or lock something.
    pub effects: BTreeSet<Effect>,
    /// Something other than white space and comments follows a `;`.
    pub several_statements: bool,
    /// What the end of the text cut off: the text may have been truncated.
    pub unterminated: Option<Open>,
}

impl Mentions {
    /// What `text` mentions.
    pub fn of(text: &str) -> Self {
        let all: Vec<Token<'_>> = tokens(text).filter(|token| !token.is_trivia()).collect();
        let unterminated = all.iter().find_map(|token| match token.kind {
            TokenKind::Unterminated(open) => Some(open),
            _ => None,
        });
        let mut mentions = Self {
            names: BTreeSet::new(),
            qualified: BTreeSet::new(),
            operators: IMPLIED_OPERATORS.map(str::to_owned).into(),
            qualified_operators: BTreeSet::new(),
            class: class(&all),
            effects: effects(&all),
            several_statements: several_statements(&all),
            unterminated,
        };
        mentions.collect_names(&all);
        mentions
    }

    fn collect_names(&mut self, all: &[Token<'_>]) {
        // The name before the token at hand, and whether a dot came after it.
        let mut qualifier: Option<(String, Dot)> = None;
        for (index, token) in all.iter().enumerate() {
            let after_dot = matches!(qualifier, Some((_, Dot::Seen)));
            if token.kind == TokenKind::Punctuation && token.text == "." {
                qualifier = qualifier.map(|(name, _)| (name, Dot::Seen));
                continue;
            }
            if let Some(name) = name_at(all, index) {
                let whole = token.whole_identifier('\\');
                self.names
                    .extend(whole.filter(|whole| whole.len() > IDENTIFIER_BYTES));
                if let Some((schema, Dot::Seen)) = qualifier.take() {
                    self.qualified.insert((schema, name.clone()));
                }
                if after_dot || token.kind != TokenKind::Word || !is_reserved(&name) {
                    self.names.insert(name.clone());
                }
                qualifier = Some((name, Dot::NotYet));
                continue;
            }
            if matches!(token.kind, TokenKind::Operator | TokenKind::EqualsGreater) {
                let operator = if token.text == "!=" { "<>" } else { token.text };
                self.operators.insert(operator.to_owned());
                if let Some((schema, Dot::Seen)) = qualifier.take() {
                    self.qualified_operators
                        .insert((schema, operator.to_owned()));
                }
            }
            qualifier = None;
        }
    }
}

/// Whether a dot stands between a qualifier and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dot {
    NotYet,
    Seen,
}

/// The name at `index`, with the escape character that a following UESCAPE sets.
fn name_at(all: &[Token<'_>], index: usize) -> Option<String> {
    let token = all.get(index)?;
    let escape = match (token.kind, all.get(index + 1), all.get(index + 2)) {
        (TokenKind::UnicodeIdent, Some(word), Some(escape)) if word.is_word("uescape") => {
            escape.string_value().and_then(|value| value.chars().next())
        }
        _ => None,
    };
    token.identifier_escaped(escape.unwrap_or('\\'))
}

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.binary_search(&name).is_ok()
}

fn class(all: &[Token<'_>]) -> StatementClass {
    let first = all.iter().find(|token| token.text != "(");
    match first {
        Some(token) if token.is_word("with") => main_of_with(all),
        Some(token) if token.kind == TokenKind::Word => StatementClass::of_word(token.text),
        _ => StatementClass::Other(String::new()),
    }
}

/// The statement behind the WITH list: the first planned keyword on the level of the WITH that is not itself the name
/// of a list entry.
fn main_of_with(all: &[Token<'_>]) -> StatementClass {
    let mut depth = 0_usize;
    let mut base = None;
    let mut names_an_entry = false;
    for token in all {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ if base.is_none() => base = Some(depth),
            _ if token.kind == TokenKind::Word && base == Some(depth) && !names_an_entry => {
                let class = StatementClass::of_word(token.text);
                if class.is_planned() {
                    return class;
                }
            }
            _ => {}
        }
        names_an_entry = token.text == "," || token.is_word("with") || token.is_word("recursive");
    }
    StatementClass::Other("with".to_owned())
}

fn effects(all: &[Token<'_>]) -> BTreeSet<Effect> {
    let mut effects = BTreeSet::new();
    for (index, token) in all.iter().enumerate() {
        let effect = match token {
            token if token.is_word("insert") => Effect::Insert,
            token if token.is_word("update") => Effect::Update,
            token if token.is_word("delete") => Effect::Delete,
            token if token.is_word("merge") => Effect::Merge,
            token if token.is_word("into") => Effect::Into,
            token if token.is_word("for") && locks(all.get(index + 1..).unwrap_or_default()) => {
                Effect::Lock
            }
            _ => continue,
        };
        effects.insert(effect);
    }
    effects
}

/// Whether the words after FOR make a locking clause.
fn locks(after: &[Token<'_>]) -> bool {
    let mut words = after.iter();
    words.next().is_some_and(|word| {
        ["update", "share", "no", "key"]
            .iter()
            .any(|lock| word.is_word(lock))
    })
}

fn several_statements(all: &[Token<'_>]) -> bool {
    all.iter()
        .position(|token| token.kind == TokenKind::Punctuation && token.text == ";")
        .is_some_and(|end| end + 1 < all.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Effect, Mentions, RESERVED, StatementClass};

    fn set(items: &[&str]) -> std::collections::BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    /// A text, the names and the pairs in it.
    type Case = (
        &'static str,
        &'static [&'static str],
        &'static [(&'static str, &'static str)],
    );

    #[test]
    fn reserved_words_are_sorted() {
        assert!(super::RESERVED.is_sorted());
    }

    #[test]
    fn names_are_folded_and_paired() {
        let cases: &[Case] = &[
            (
                "SELECT Evil(a) FROM Sales.Orders",
                &["evil", "a", "sales", "orders"],
                &[("sales", "orders")],
            ),
            (
                "SELECT \"Evil\"(a), u&\"\\0065vil\"()",
                &["Evil", "a", "evil"],
                &[],
            ),
            (
                "SELECT u&\"!0065vil\" UESCAPE '!' ()",
                &["evil", "uescape"],
                &[],
            ),
            (
                "SELECT t.select, db.s . /* c */ f(x)",
                &["t", "select", "db", "s", "f", "x"],
                &[("t", "select"), ("db", "s"), ("s", "f")],
            ),
            (
                "SELECT (t).f, 'evil()', $$evil()$$, $1 -- evil",
                &["t", "f"],
                &[],
            ),
            (
                "SELECT interval '1 day'::my.type",
                &["interval", "my", "type"],
                &[("my", "type")],
            ),
        ];
        for (text, names, pairs) in cases {
            let mentions = Mentions::of(text);
            assert_eq!(mentions.names, set(names), "{text}");
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect();
            assert_eq!(mentions.qualified, pairs.into_iter().collect(), "{text}");
        }
    }

    #[test]
    fn operators_include_the_implied_ones() {
        let mentions = Mentions::of("SELECT a != b @> c OPERATOR(evil.+) d, x like y");
        for operator in ["<>", "@>", "+", "~~", "=", "!~~*"] {
            assert!(mentions.operators.contains(operator), "{operator}");
        }
        assert!(!mentions.operators.contains("!="));
        assert_eq!(
            mentions.qualified_operators.into_iter().collect::<Vec<_>>(),
            [("evil".to_owned(), "+".to_owned())]
        );
    }

    #[test]
    fn classes_come_from_the_first_words() {
        let other = |word: &str| StatementClass::Other(word.to_owned());
        let cases = [
            ("select 1", StatementClass::Select),
            (
                " /* c */ ((SELECT 1) UNION SELECT 2)",
                StatementClass::Select,
            ),
            ("VALUES (1)", StatementClass::Values),
            ("TABLE t", StatementClass::Table),
            (
                "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
                StatementClass::Select,
            ),
            (
                "WITH RECURSIVE a(x) AS (SELECT 1), b AS (SELECT 2) INSERT INTO t SELECT 1",
                StatementClass::Insert,
            ),
            ("with update as (select 1) select 2", StatementClass::Select),
            (
                "with a as (select 1), delete as (select 2) update t set x = 1",
                StatementClass::Update,
            ),
            ("(with a as (select 1) select 2)", StatementClass::Select),
            (
                "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE",
                StatementClass::Merge,
            ),
            ("EXPLAIN SELECT 1", other("explain")),
            ("COPY t TO PROGRAM 'x'", other("copy")),
            ("WITH a", other("with")),
            ("", other("")),
            ("'select'", other("")),
            ("\"select\" 1", other("")),
        ];
        for (text, expected) in cases {
            assert_eq!(Mentions::of(text).class, expected, "{text}");
        }
    }

    #[test]
    fn effects_are_seen_anywhere_but_in_literals() {
        let cases: &[(&str, &[Effect])] = &[
            ("SELECT 1", &[]),
            ("SELECT 'delete', \"update\", $$insert$$ -- merge", &[]),
            ("SELECT * INTO x FROM y", &[Effect::Into]),
            ("SELECT 1 FOR UPDATE", &[Effect::Update, Effect::Lock]),
            ("SELECT 1 FOR /* */ KEY SHARE", &[Effect::Lock]),
            (
                "SELECT 1 FOR NO KEY UPDATE",
                &[Effect::Update, Effect::Lock],
            ),
            ("SELECT 1 FOR SHARE OF t", &[Effect::Lock]),
            ("SELECT substring(a FOR 3)", &[]),
            (
                "WITH a AS (INSERT INTO t VALUES (1) RETURNING *) SELECT 1",
                &[Effect::Insert, Effect::Into],
            ),
        ];
        for (text, expected) in cases {
            let effects: Vec<_> = Mentions::of(text).effects.into_iter().collect();
            assert_eq!(effects, *expected, "{text}");
        }
    }

    #[test]
    fn reserved_words_are_among_those_that_are_quoted() {
        for word in RESERVED {
            assert_ne!(crate::ids::quote_ident(word), word);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn any_text_is_read(text in any::<String>()) {
            let mentions = Mentions::of(&text);
            prop_assert!(mentions.operators.contains("="));
        }

        #[test]
        fn a_call_is_never_hidden(
            before in "( |/\\*x\\*/|--c\n|[(,]|'s'|\\$1|1|=|\\$\\$x\\$\\$|\"q\"|::|\\[|E'\\\\''){0,6}",
            name in "[a-z_][a-z0-9_$]{0,8}"
        ) {
            prop_assume!(!super::is_reserved(&name));
            let text = format!("SELECT {before} {name} (1)");
            prop_assert!(Mentions::of(&text).names.contains(&name), "{}", text);
        }
    }
}
