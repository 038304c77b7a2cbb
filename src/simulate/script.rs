//! Cuts the text of a schema into the statements that psql would send, with the line of each.

use crate::sql::lexer::{Token, TokenKind, tokens};

/// A statement of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// The line it begins on, from 1.
    pub(super) line: usize,
    /// Its text without the final semicolon.
    pub(super) text: &'a str,
}

impl Statement<'_> {
    /// Its first words in lower case, which say what it is.
    pub(super) fn head(&self, words: usize) -> Vec<String> {
        let names = tokens(self.text).filter(|token| token.kind == TokenKind::Word);
        names
            .take(words)
            .map(|token| token.text.to_ascii_lowercase())
            .collect()
    }

    /// Whether the rows that it loads follow in the script (`COPY … FROM stdin`).
    fn reads_rows(&self) -> bool {
        if self.head(1) != ["copy"] {
            return false;
        }
        let significant: Vec<Token<'_>> = tokens(self.text).filter(|t| !t.is_trivia()).collect();
        significant.windows(2).any(
            |pair| matches!(pair, [from, stdin] if from.is_word("from") && stdin.is_word("stdin")),
        )
    }
}

/// The statements of a script, in order. Commands of psql itself (`\connect`, `\restrict`) and the rows after
/// `COPY … FROM stdin` are left out, and so is the COPY.
pub(super) fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut script = Script {
        text,
        at: 0,
        line: 1,
    };
    let mut found = Vec::new();
    while let Some(statement) = script.next() {
        if statement.reads_rows() {
            script.skip_rows();
        } else {
            found.push(statement);
        }
    }
    found
}

struct Script<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Script<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or_default();
        self.line += passed.matches('\n').count();
        self.at += bytes;
    }

    /// Passes over blanks, comments, empty statements and psql's own commands.
    fn skip_to_statement(&mut self) {
        loop {
            let rest = self.rest();
            let empty = tokens(rest)
                .take_while(|token| token.is_trivia() || token.text == ";")
                .map(|token| token.text.len())
                .sum();
            self.advance(empty);
            if !self.rest().starts_with('\\') {
                return;
            }
            self.skip_line();
        }
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        self.advance(end);
    }

    fn next(&mut self) -> Option<Statement<'a>> {
        self.skip_to_statement();
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        let (length, end) = length(rest);
        let statement = Statement {
            line: self.line,
            text: rest.get(..length).unwrap_or_default().trim_end(),
        };
        self.advance(length);
        match end {
            End::Semicolon => self.advance(1),
            End::Command => self.skip_line(),
            End::Text => {}
        }
        Some(statement)
    }

    /// Passes over rows up to the line that ends them.
    fn skip_rows(&mut self) {
        self.skip_line();
        while !self.rest().is_empty() {
            let last = self.rest().lines().next() == Some("\\.");
            self.skip_line();
            if last {
                return;
            }
        }
    }
}

/// What ends a statement.
enum End {
    Semicolon,
    /// A command of psql that sends it, such as `\gexec`.
    Command,
    Text,
}

/// The length of the statement that a text begins with. As in psql, a semicolon inside parentheses or inside the body
/// of a function that is written `BEGIN ATOMIC … END` ends nothing.
fn length(text: &str) -> (usize, End) {
    let (mut parentheses, mut blocks) = (0_usize, 0_usize);
    let mut words = Vec::new();
    for token in tokens(text) {
        match token.text {
            ";" if parentheses == 0 && blocks == 0 => return (token.start, End::Semicolon),
            "\\" => return (token.start, End::Command),
            "(" => parentheses += 1,
            ")" => parentheses = parentheses.saturating_sub(1),
            _ => {}
        }
        if token.kind != TokenKind::Word {
            continue;
        }
        if words.len() < 4 {
            words.push(token.text.to_ascii_lowercase());
        }
        if !makes_routine(&words) {
            continue;
        }
        if token.is_word("begin") || blocks > 0 && token.is_word("case") {
            blocks += 1;
        } else if token.is_word("end") {
            blocks = blocks.saturating_sub(1);
        }
    }
    (text.len(), End::Text)
}

fn makes_routine(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["create", "function" | "procedure", ..]
            | ["create", "or", "replace", "function" | "procedure"]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<(usize, &str)> {
        let all = statements(text);
        all.into_iter().map(|one| (one.line, one.text)).collect()
    }

    #[test]
    fn a_dump_is_cut_as_psql_cuts_it() {
        let dump = "--\n-- PostgreSQL database dump\n--\n\n\\restrict aQ'x\n\nSET statement_timeout = 0;\n\
            CREATE TABLE public.a (id integer, t text DEFAULT 'a;b');\n\\connect shop\n\
            COPY public.a (id, t) FROM stdin;\n1\tit's\n\\.\n\nALTER TABLE ONLY public.a\n    ADD PRIMARY KEY (id);\n";
        assert_eq!(
            cut(dump),
            [
                (7, "SET statement_timeout = 0"),
                (
                    8,
                    "CREATE TABLE public.a (id integer, t text DEFAULT 'a;b')"
                ),
                (14, "ALTER TABLE ONLY public.a\n    ADD PRIMARY KEY (id)"),
            ]
        );
    }

    #[test]
    fn bodies_of_functions_stay_whole() {
        let atomic = "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3";
        assert_eq!(cut(atomic).len(), 2);
        let quoted = "CREATE FUNCTION f() RETURNS void AS $$ BEGIN; END $$ LANGUAGE plpgsql;\nBEGIN;\nCOMMIT;";
        let lines: Vec<usize> = cut(quoted).iter().map(|one| one.0).collect();
        assert_eq!(lines, [1, 2, 3]);
        assert_eq!(
            cut("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); ;;").len(),
            1
        );
        assert_eq!(cut("SELECT 'SELECT 1' \\gexec\nSELECT 2").len(), 2);
        assert_eq!(cut("-- nothing\n"), []);
    }
}
