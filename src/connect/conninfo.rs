//! Conninfo strings, `host=localhost port=5432 password='it''s'`, by the rules of `conninfo_parse` in fe-connect.c.

use super::invalid::InvalidParameters;
use super::keyword::{Given, Keyword, Origin, Parameters};
use super::uri;

/// Whether libpq takes a database name for a connection string or URI (`recognized_connection_string`).
pub(super) fn is_connection_string(text: &str) -> bool {
    uri::is_uri(text) || text.contains('=')
}

/// Parses a connection string or URI. A later value of the same keyword wins.
pub(super) fn parse(text: &str) -> Result<Parameters, InvalidParameters> {
    if uri::is_uri(text) {
        return uri::parse(text);
    }
    let mut parser = Parser {
        rest: text,
        after_secret: false,
    };
    let mut parameters = Parameters::new();
    while let Some((keyword, value)) = parser.next_pair()? {
        parameters.insert(
            keyword,
            Given {
                value,
                origin: Origin::ConnInfo,
            },
        );
    }
    Ok(parameters)
}

/// What C's `isspace` accepts in the C locale.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

struct Parser<'a> {
    rest: &'a str,
    /// The word at hand may be the rest of a password that was not quoted: it is not to be named in an error.
    after_secret: bool,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn next_pair(&mut self) -> Result<Option<(Keyword, String)>, InvalidParameters> {
        self.skip_space();
        if self.rest.is_empty() {
            return Ok(None);
        }
        let end = self
            .rest
            .find(|c| c == '=' || is_space(c))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        self.skip_space();
        let Some(rest) = self.rest.strip_prefix('=') else {
            return Err(self.missing_equals(name));
        };
        self.rest = rest;
        self.skip_space();
        let value = self.value()?;
        let keyword = Keyword::named(name).ok_or_else(|| self.unknown(name))?;
        self.after_secret = keyword.is_secret();
        Ok(Some((keyword, value)))
    }

    /// A value in single quotes or up to the next blank; a backslash takes the next character as it is.
    fn value(&mut self) -> Result<String, InvalidParameters> {
        let quoted = self.rest.starts_with('\'');
        let mut characters = self.rest.char_indices().skip(usize::from(quoted));
        let mut value = String::new();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                '\'' if quoted => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(value);
                }
                c if !quoted && is_space(c) => {
                    self.rest = self.rest.get(at..).unwrap_or_default();
                    return Ok(value);
                }
                c => value.push(c),
            }
        }
        self.rest = "";
        if quoted {
            return Err(malformed("a quoted value has no closing quote".to_owned()));
        }
        Ok(value)
    }

    fn missing_equals(&self, name: &str) -> InvalidParameters {
        malformed(if self.after_secret {
            "a word after the password has no \"=\"; a password with blanks goes in single quotes"
                .to_owned()
        } else {
            format!("missing \"=\" after \"{name}\"; a value with blanks goes in single quotes")
        })
    }

    fn unknown(&self, name: &str) -> InvalidParameters {
        if self.after_secret {
            return malformed(
                "the word after the password is no parameter; a password with blanks goes in single quotes"
                    .to_owned(),
            );
        }
        InvalidParameters::UnknownKeyword {
            keyword: name.to_owned(),
            origin: Origin::ConnInfo.to_string(),
        }
    }
}

fn malformed(problem: String) -> InvalidParameters {
    InvalidParameters::Malformed {
        what: "connection string",
        problem,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Result<Vec<(&'static str, String)>, String> {
        parse(text)
            .map(|p| p.into_iter().map(|(k, g)| (k.name(), g.value)).collect())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn values_are_unquoted_and_unescaped() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("   ", &[]),
            ("host=db", &[("host", "db")]),
            (
                " host = db  port\t=\n5433 ",
                &[("host", "db"), ("port", "5433")],
            ),
            ("dbname='my shop'", &[("dbname", "my shop")]),
            (
                r"dbname='it\'s' user=a\ b",
                &[("user", "a b"), ("dbname", "it's")],
            ),
            (r"user=a\\b", &[("user", r"a\b")]),
            ("user=''", &[("user", "")]),
            ("user= dbname=x", &[("user", "dbname=x")]),
            ("host=a host=b", &[("host", "b")]),
            (
                "options='-c search_path=a'",
                &[("options", "-c search_path=a")],
            ),
            ("user='a'dbname=b", &[("user", "a"), ("dbname", "b")]),
            ("dbname=x=y", &[("dbname", "x=y")]),
            ("user=é", &[("user", "é")]),
            (r"user=a\", &[("user", "a")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(k, v)| (*k, (*v).to_owned()))
                .collect();
            assert_eq!(pairs(text).as_deref(), Ok(expected.as_slice()), "{text}");
        }
    }

    #[test]
    fn errors_name_the_word_but_never_a_password() {
        let cases = [
            (
                "host",
                "malformed connection string: missing \"=\" after \"host\"; a value with blanks goes in single quotes",
            ),
            (
                "colour=red",
                "unknown connection parameter \"colour\" in the connection string; remove it or correct its name",
            ),
            (
                "user='a",
                "malformed connection string: a quoted value has no closing quote",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(pairs(text), Err(expected.to_owned()), "{text}");
        }
        for text in [
            "password=top secret host=a",
            "password=top secret=x",
            "password='top secret",
        ] {
            let message = pairs(text).unwrap_err();
            assert!(
                !message.contains("secret") && !message.contains("top"),
                "{message}"
            );
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn pieces_never_panic(parts in proptest::collection::vec("(host|password|=|'|\\\\| |é|x|,|@)", 0..12)) {
            let _ = parse(&parts.concat());
        }

        #[test]
        fn a_quoted_value_comes_back(value in "[^\\u{0}]*") {
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            let given = parse(&format!("host=a password='{escaped}' user=b")).unwrap();
            prop_assert_eq!(&given[&Keyword::Password].value, &value);
        }
    }
}
