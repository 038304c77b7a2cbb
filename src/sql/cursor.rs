//! Cursors: a query is declared under a name, and its rows are fetched in pieces.

use super::lexer::{Token, redacted_tokens};

/// What `DECLARE … CURSOR FOR …` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared<'t> {
    /// The cursor's name.
    pub name: String,
    /// The query whose rows it gives.
    pub query: &'t str,
}

/// Words that may stand between the name and `CURSOR`: `BINARY INSENSITIVE NO SCROLL`.
const MOST_OPTIONS: usize = 4;

/// Words that may stand between `CURSOR` and `FOR`: `WITHOUT HOLD`.
const MOST_HOLD: usize = 2;

/// Understands `DECLARE`; `None` for every other statement.
pub fn declared(text: &str) -> Option<Declared<'_>> {
    let mut words = redacted_tokens(text).filter(|token| !token.is_trivia());
    words.next().filter(|word| word.is_word("declare"))?;
    let name = name(&words.next()?)?;
    let mut options = words.by_ref().take(MOST_OPTIONS + 1);
    options.find(|word| word.is_word("cursor"))?;
    let end = words.take(MOST_HOLD + 1).find(|word| word.is_word("for"))?;
    let query = text.get(end.span().end..)?.trim();
    (!query.is_empty()).then_some(Declared { name, query })
}

/// The name of the cursor that `FETCH` or `MOVE` is about; `None` for every other statement.
pub fn fetched(text: &str) -> Option<String> {
    let mut words = redacted_tokens(text).filter(|token| !token.is_trivia() && token.text != ";");
    words
        .next()
        .filter(|word| word.is_word("fetch") || word.is_word("move"))?;
    name(&words.last()?)
}

/// The query behind a text: what a cursor is declared for, or the text itself.
pub fn query(text: &str) -> &str {
    declared(text).map_or(text, |cursor| cursor.query)
}

fn name(token: &Token<'_>) -> Option<String> {
    let quoted = token
        .text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let name = quoted.map_or_else(
        || token.text.to_lowercase(),
        |text| text.replace("\"\"", "\""),
    );
    token.is_name().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_has_a_name_and_a_query() {
        for (text, expected) in [
            ("DECLARE c CURSOR FOR SELECT 1", Some(("c", "SELECT 1"))),
            (
                "declare \"A\"\"b\" binary insensitive no scroll cursor with hold for\nselect a for update;",
                Some(("A\"b", "select a for update;")),
            ),
            ("DECLARE c CURSOR FOR ", None),
            ("DECLARE c CURSOR", None),
            ("SELECT 1 FROM cursor FOR UPDATE", None),
            ("", None),
        ] {
            let found = declared(text);
            let found = found
                .as_ref()
                .map(|cursor| (cursor.name.as_str(), cursor.query));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn rows_are_fetched_from_a_name() {
        for (text, expected) in [
            ("FETCH 40 FROM c1", Some("c1")),
            (
                "FETCH FORWARD $1 FROM \"_django_curs_1\"",
                Some("_django_curs_1"),
            ),
            ("fetch all in C;", Some("c")),
            ("MOVE 1 c", Some("c")),
            ("CLOSE c", None),
            ("FETCH", None),
            ("SELECT 1", None),
        ] {
            assert_eq!(fetched(text).as_deref(), expected, "{text}");
        }
    }
}
