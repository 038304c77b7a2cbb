//! Operators, and what a comparison by them asks.

use sqlparser::ast::{BinaryOperator, Expr, Value as SqlValue};

use super::predicate::{Comparison, Literal, Test, Value};
use crate::sql::parameters::Position;
use crate::sql::redact::is_token;

/// The operator as `pg_operator.oprname` has it.
pub fn symbol(operator: &BinaryOperator) -> String {
    match operator {
        BinaryOperator::PGCustomBinaryOperator(parts) => {
            canonical(parts.last().map_or("", String::as_str)).to_owned()
        }
        other => canonical(&other.to_string()).to_owned(),
    }
}

fn canonical(symbol: &str) -> &str {
    match symbol {
        "!=" => "<>",
        other => other,
    }
}

/// Whether the operator gives a value rather than a truth value. `<<` and `>>` shift bits, or compare ranges: taken for
/// a comparison only where a condition is wanted.
pub fn is_arithmetic(symbol: &str) -> bool {
    matches!(
        symbol,
        "+" | "-" | "*" | "/" | "%" | "^" | "||" | "|" | "&" | "#" | "<<" | ">>" | "#-"
    )
}

/// Whether the operator takes a part of a JSON value by key or path.
pub fn is_json_access(symbol: &str) -> bool {
    matches!(symbol, "->" | "->>" | "#>" | "#>>")
}

/// The operator for the sides exchanged (`pg_operator.oprcom`); itself when it has none.
pub fn commuted(symbol: &str) -> &str {
    match symbol {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        "@>" => "<@",
        "<@" => "@>",
        "<<" => ">>",
        ">>" => "<<",
        "<<=" => ">>=",
        ">>=" => "<<=",
        other => other,
    }
}

/// The operator of the opposite condition (`pg_operator.oprnegate`).
pub fn negated(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "=" => "<>",
        "<>" => "=",
        "<" => ">=",
        "<=" => ">",
        ">" => "<=",
        ">=" => "<",
        _ => return None,
    })
}

/// The ordering comparison of an operator.
pub fn comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

/// What a parameter at the right of the operator is.
pub fn position(symbol: &str) -> Position {
    match symbol {
        "~" | "~*" | "!~" | "!~*" | "~~" | "~~*" | "!~~" | "!~~*" | "^@" => Position::Pattern,
        "<<" | ">>" => Position::Value,
        _ if is_arithmetic(symbol) => Position::Part,
        _ => Position::Value,
    }
}

/// A condition of no known class.
pub fn other(operator: &str) -> Test {
    Test::Other {
        operator: operator.to_owned(),
        value: None,
    }
}

fn with_value(operator: &str, value: Value) -> Test {
    Test::Other {
        operator: operator.to_owned(),
        value: Some(value),
    }
}

/// What `operand symbol value`, or its opposite, asks.
pub fn test(symbol: &str, value: Value, negate: bool) -> Test {
    let symbol = if negate {
        match (negated(symbol), symbol) {
            (Some(opposite), _) => opposite,
            (None, symbol) => return with_value(&not(symbol), value),
        }
    } else {
        symbol
    };
    if let Some(operator) = comparison(symbol) {
        return Test::Range { operator, value };
    }
    match symbol {
        "=" => Test::Equal(value),
        "<>" => Test::NotEqual(value),
        "~~" | "~~*" => like(symbol, value, None, false),
        "^@" => match value {
            Value::Literal(Literal::Text(prefix)) => Test::LikePrefix {
                prefix,
                case_insensitive: false,
            },
            value => with_value(symbol, value),
        },
        "@>" | "<@" | "&&" | "@@" | "@@@" | "?" | "?|" | "?&" | "@?" | "<<" | ">>" | "<<="
        | ">>=" | "-|-" | "&<" | "&>" | "<<|" | "|>>" | "&<|" | "|&>" | "~=" | "%" | "<%"
        | "%>" | "<<%" | "%>>" => Test::Contains {
            operator: symbol.to_owned(),
            value,
        },
        _ => with_value(symbol, value),
    }
}

/// The name of the opposite operator where no class depends on it.
fn not(symbol: &str) -> String {
    match symbol {
        "~~" | "~~*" | "~" | "~*" => format!("!{symbol}"),
        symbol => format!("NOT {symbol}"),
    }
}

/// What a pattern match asks. `escape` is the expression after `ESCAPE`.
pub fn like(symbol: &str, pattern: Value, escape: Option<&Expr>, negate: bool) -> Test {
    if negate {
        return with_value(&not(symbol), pattern);
    }
    let case_insensitive = symbol == "~~*";
    if !matches!(symbol, "~~" | "~~*") {
        return with_value(symbol, pattern);
    }
    if let (Value::Literal(Literal::Text(text)), Some(escape)) = (&pattern, escape_char(escape))
        && !is_token(text)
    {
        match start(text, escape.chars().next()) {
            Start::Whole(value) if !case_insensitive => {
                return Test::Equal(Value::Literal(Literal::Text(value)));
            }
            Start::Prefix(prefix) if !prefix.is_empty() => {
                return Test::LikePrefix {
                    prefix,
                    case_insensitive,
                };
            }
            _ => {}
        }
    }
    Test::Like {
        pattern,
        case_insensitive,
    }
}

/// The escape character as a string: a backslash unless said otherwise, empty for `ESCAPE ''`. `None` when it cannot be
/// told.
fn escape_char(escape: Option<&Expr>) -> Option<&str> {
    match escape {
        None => Some("\\"),
        Some(Expr::Value(value)) => match &value.value {
            SqlValue::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        Some(_) => None,
    }
}

enum Start {
    /// The pattern has no wildcard.
    Whole(String),
    /// What stands before the first wildcard.
    Prefix(String),
}

fn start(pattern: &str, escape: Option<char>) -> Start {
    let mut prefix = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            prefix.extend(chars.next());
        } else if matches!(c, '%' | '_') {
            return Start::Prefix(prefix);
        } else {
            prefix.push(c);
        }
    }
    Start::Whole(prefix)
}

/// An expression without the parentheses around it.
pub fn bare(expr: &Expr) -> &Expr {
    let mut expr = expr;
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}
