//! Where an integer, or the name of a unit of time, is part of a statement's shape and not a value.

use crate::sql::lexer::{StringStyle, Token, TokenKind};

/// Type names that the grammar knows as keywords: what stands in parentheses behind them is never data.
const TYPE_KEYWORDS: [&str; 12] = [
    "numeric",
    "decimal",
    "dec",
    "varchar",
    "char",
    "character",
    "nchar",
    "varying",
    "bit",
    "timestamp",
    "time",
    "interval",
];

/// Words that end a GROUP BY or ORDER BY list on its own level.
const LIST_ENDS: [&str; 14] = [
    "having",
    "limit",
    "offset",
    "fetch",
    "for",
    "union",
    "intersect",
    "except",
    "window",
    "rows",
    "range",
    "groups",
    "returning",
    "set",
];

/// Words that may follow an item of such a list.
const ITEM_WORDS: [&str; 3] = ["asc", "desc", "nulls"];

/// Longest integer kept as a position or subscript: the server allows 1664 output columns.
const POSITION_DIGITS: usize = 4;

/// Longest integer kept as a type modifier: `varchar(10485760)` is the largest.
const MODIFIER_DIGITS: usize = 8;

/// Functions whose first argument is a unit of time.
const OF_UNITS: [&str; 2] = ["date_part", "date_trunc"];

/// What such an argument may say (`deltatktbl` and `datetktbl` in datetime.c, by the names that the documentation
/// has): words of the language as in
/// `EXTRACT(day FROM …)`, which tell nothing of the data.
const UNITS: [&str; 22] = [
    "century",
    "day",
    "decade",
    "dow",
    "doy",
    "epoch",
    "hour",
    "isodow",
    "isoyear",
    "julian",
    "microseconds",
    "millennium",
    "milliseconds",
    "minute",
    "month",
    "quarter",
    "second",
    "timezone",
    "timezone_hour",
    "timezone_minute",
    "week",
    "year",
];

/// What becomes of an integer or a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sql) enum Keep {
    /// It is a value.
    Redacted,
    /// It is shape.
    AsWritten,
}

/// What a bracket encloses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Enclosed {
    Anything,
    Cast,
    Modifiers,
    Subscript,
}

#[derive(Debug, Clone, Copy)]
struct Level {
    enclosed: Enclosed,
    list: List,
}

/// Whether a level is inside of a GROUP BY or ORDER BY list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Outside,
    Inside,
}

/// How far a type name after `::` or CAST's AS has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TypeName {
    None,
    Expected,
    Read,
}

/// What has been passed so far.
#[derive(Debug)]
pub(in crate::sql) struct Context<'a> {
    levels: Vec<Level>,
    previous: Option<Token<'a>>,
    before_previous: Option<Token<'a>>,
    type_name: TypeName,
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self {
            levels: vec![Level {
                enclosed: Enclosed::Anything,
                list: List::Outside,
            }],
            previous: None,
            before_previous: None,
            type_name: TypeName::None,
        }
    }
}

impl<'a> Context<'a> {
    /// What becomes of `token`, which `next` follows (white space and comments aside), if it is an integer or a string.
    pub(in crate::sql) fn judge(&self, token: &Token<'_>, next: Option<&Token<'_>>) -> Keep {
        let kept = token.kind == TokenKind::Integer
            && (self.is_modifier(token)
                || (token.text.len() <= POSITION_DIGITS
                    && (self.is_subscript(next)
                        || self.is_position(next)
                        || self.is_plan_number())))
            || self.is_unit(token);
        if kept {
            Keep::AsWritten
        } else {
            Keep::Redacted
        }
    }

    /// Moves past `token`.
    pub(in crate::sql) fn pass(&mut self, token: &Token<'a>) {
        if token.is_trivia() {
            return;
        }
        match token.text {
            "(" => self.open(self.parenthesis()),
            "[" => self.open(self.bracket()),
            ")" | "]" if self.levels.len() > 1 => {
                self.levels.pop();
            }
            _ => self.pass_word(token),
        }
        self.type_name = self.type_name_after(token);
        self.before_previous = self.previous.replace(*token);
    }

    fn open(&mut self, enclosed: Enclosed) {
        self.levels.push(Level {
            enclosed,
            list: List::Outside,
        });
    }

    fn parenthesis(&self) -> Enclosed {
        if self.previous_is_any(&TYPE_KEYWORDS)
            || self.type_name == TypeName::Read
            || self.previous_is("second") && self.before_previous_starts_seconds()
        {
            Enclosed::Modifiers
        } else if self.previous_is("cast") {
            Enclosed::Cast
        } else {
            Enclosed::Anything
        }
    }

    fn bracket(&self) -> Enclosed {
        let subscripted = self.previous.is_some_and(|token| {
            (token.is_name() && !token.is_word("array")) || matches!(token.text, ")" | "]")
        });
        if subscripted {
            Enclosed::Subscript
        } else {
            Enclosed::Anything
        }
    }

    fn pass_word(&mut self, token: &Token<'_>) {
        let by_list = token.is_word("by") && self.previous_is_any(&["order", "group"]);
        let Some(level) = self.levels.last_mut() else {
            return;
        };
        if by_list {
            level.list = List::Inside;
        } else if is_any(token, &LIST_ENDS) {
            level.list = List::Outside;
        }
    }

    fn type_name_after(&self, token: &Token<'_>) -> TypeName {
        if token.kind == TokenKind::Typecast
            || (token.is_word("as") && self.enclosed() == Enclosed::Cast)
        {
            return TypeName::Expected;
        }
        match self.type_name {
            TypeName::Expected if token.is_name() => TypeName::Read,
            TypeName::Read if token.text == "." => TypeName::Expected,
            _ => TypeName::None,
        }
    }

    fn enclosed(&self) -> Enclosed {
        self.levels
            .last()
            .map_or(Enclosed::Anything, |level| level.enclosed)
    }

    fn is_modifier(&self, token: &Token<'_>) -> bool {
        self.enclosed() == Enclosed::Modifiers && token.text.len() <= MODIFIER_DIGITS
    }

    fn is_unit(&self, token: &Token<'_>) -> bool {
        let first_argument = self.previous_is_text(&["("])
            && self
                .before_previous
                .is_some_and(|function| is_any(&function, &OF_UNITS));
        let plain = token.kind == TokenKind::String(StringStyle::Standard);
        let names = |value: String| UNITS.iter().any(|unit| value.eq_ignore_ascii_case(unit));
        first_argument && plain && token.string_value().is_some_and(names)
    }

    fn is_subscript(&self, next: Option<&Token<'_>>) -> bool {
        self.enclosed() == Enclosed::Subscript
            && self.previous_is_text(&["[", ":"])
            && next.is_some_and(|next| matches!(next.text, "]" | ":"))
    }

    /// A whole item of a GROUP BY or ORDER BY list.
    fn is_position(&self, next: Option<&Token<'_>>) -> bool {
        let in_list = self
            .levels
            .last()
            .is_some_and(|level| level.list == List::Inside);
        let starts_item = self.previous_is("by") || self.previous_is_text(&[","]);
        let ends_item = next.is_none_or(|next| {
            matches!(next.text, "," | ")" | ";")
                || is_any(next, &ITEM_WORDS)
                || is_any(next, &LIST_ENDS)
                || next.is_word("order")
        });
        in_list && starts_item && ends_item
    }

    /// `SubPlan 1` and `InitPlan 1` in a plan's expressions.
    fn is_plan_number(&self) -> bool {
        self.previous.is_some_and(|token| {
            token.kind == TokenKind::Word && matches!(token.text, "SubPlan" | "InitPlan")
        })
    }

    fn previous_is(&self, word: &str) -> bool {
        self.previous.is_some_and(|token| token.is_word(word))
    }

    fn previous_is_any(&self, words: &[&str]) -> bool {
        self.previous.is_some_and(|token| is_any(&token, words))
    }

    fn previous_is_text(&self, texts: &[&str]) -> bool {
        self.previous
            .is_some_and(|token| texts.contains(&token.text))
    }

    /// SECOND is an interval field after a constant, INTERVAL or TO, and else may be a function.
    fn before_previous_starts_seconds(&self) -> bool {
        self.before_previous
            .is_some_and(|token| token.is_literal() || is_any(&token, &["interval", "to"]))
    }
}

fn is_any(token: &Token<'_>, words: &[&str]) -> bool {
    token.kind == TokenKind::Word
        && words
            .iter()
            .any(|word| token.text.eq_ignore_ascii_case(word))
}
