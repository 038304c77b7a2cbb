//! Statements inside `PREPARE`.

use super::lexer::{Token, tokens};

/// The statement that `PREPARE name (types) AS …` prepares; `None` for other texts.
///
/// `pg_stat_statements` counts every `EXECUTE` under the text that prepared the statement.
pub fn prepared(text: &str) -> Option<&str> {
    let mut tokens = tokens(text).filter(|token| !token.is_trivia());
    tokens.next().filter(|token| token.is_word("prepare"))?;
    tokens.next().filter(Token::is_name)?;
    let mut next = tokens.next()?;
    if next.text == "(" {
        let mut depth = 1_usize;
        while depth > 0 {
            match tokens.next()?.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
        }
        next = tokens.next()?;
    }
    next.is_word("as").then_some(())?;
    let rest = text.get(tokens.next()?.span().start..)?;
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::prepared;

    #[test]
    fn the_inner_statement_is_found_behind_names_and_types() {
        let inner = "SELECT * FROM t WHERE a = $1";
        for head in [
            "PREPARE p AS ",
            "prepare \"P 1\"(int)\n\tAS -- why\n",
            "PREPARE p (numeric(8, 2), text[]) AS /* so */ ",
        ] {
            assert_eq!(prepared(&format!("{head}{inner}")), Some(inner));
        }
    }

    #[test]
    fn other_texts_prepare_nothing() {
        for text in [
            "SELECT 1",
            "PREPARE TRANSACTION 'a'",
            "PREPARE p (int",
            "PREPARE p AS",
            "PREPARE",
            "",
        ] {
            assert_eq!(prepared(text), None, "{text}");
        }
    }
}
