use proptest::prelude::*;

use super::{Open, StringStyle, Token, TokenKind, redacted_tokens, tokens};

/// `W`ord, `Q`uoted, `U`nicode identifier, `S`tring, `P`aram, `I`nteger, `D`ecimal, `O`perator, `T`ypecast, `,`
/// punctuation …
fn letter(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Whitespace => "_",
        TokenKind::LineComment => "lc",
        TokenKind::BlockComment => "bc",
        TokenKind::Word => "W",
        TokenKind::QuotedIdent => "Q",
        TokenKind::UnicodeIdent => "U",
        TokenKind::String(StringStyle::Standard) => "S",
        TokenKind::String(StringStyle::Escape) => "Se",
        TokenKind::String(StringStyle::Unicode) => "Su",
        TokenKind::String(StringStyle::National) => "Sn",
        TokenKind::String(StringStyle::Dollar) => "S$",
        TokenKind::String(StringStyle::Bits) => "Sb",
        TokenKind::String(StringStyle::Hex) => "Sx",
        TokenKind::Param => "P",
        TokenKind::Integer => "I",
        TokenKind::Decimal => "D",
        TokenKind::Operator => "O",
        TokenKind::Typecast => "T",
        TokenKind::DotDot => "..",
        TokenKind::ColonEquals => ":=",
        TokenKind::EqualsGreater => "=>",
        TokenKind::Punctuation => ",",
        TokenKind::Redacted => "R",
        TokenKind::Other => "?",
        TokenKind::Unterminated(Open::BlockComment) => "!bc",
        TokenKind::Unterminated(Open::String(_)) => "!S",
        TokenKind::Unterminated(Open::QuotedIdent) => "!Q",
        TokenKind::Unterminated(Open::UnicodeIdent) => "!U",
    }
}

/// `kind:text`, white space left out.
fn shown<'a>(tokens: impl Iterator<Item = Token<'a>>) -> Vec<String> {
    tokens
        .filter(|token| token.kind != TokenKind::Whitespace)
        .map(|token| format!("{}:{}", letter(token.kind), token.text))
        .collect()
}

#[test]
fn tokens_are_cut_where_the_server_cuts_them() {
    let cases: &[(&str, &[&str])] = &[
        ("select A.b_1$", &["W:select", "W:A", ",:.", "W:b_1$"]),
        ("größe, 名前", &["W:größe", ",:,", "W:名前"]),
        ("a\u{a0}b", &["W:a\u{a0}b"]),
        ("\"a\"\"b\".\"C\"", &["Q:\"a\"\"b\"", ",:.", "Q:\"C\""]),
        (
            "U&\"d\\0061t\" u&x",
            &["U:U&\"d\\0061t\"", "W:u", "O:&", "W:x"],
        ),
        // strings
        ("'it''s' e'\\''", &["S:'it''s'", "Se:e'\\''"]),
        ("'a\\' b", &["S:'a\\'", "W:b"]),
        ("E'\\\\' b", &["Se:E'\\\\'", "W:b"]),
        ("E'a''b\\'c'd", &["Se:E'a''b\\'c'", "W:d"]),
        (
            "b'01' X'1F' n'x' U&'\\0041'",
            &["Sb:b'01'", "Sx:X'1F'", "Sn:n'x'", "Su:U&'\\0041'"],
        ),
        ("b'0''1'", &["Sb:b'0'", "S:'1'"]),
        ("be'1'", &["W:be", "S:'1'"]),
        ("'a'\n'b'", &["S:'a'\n'b'"]),
        ("'a' 'b'", &["S:'a'", "S:'b'"]),
        ("'a' -- c\n -- d\r\n 'b'", &["S:'a' -- c\n -- d\r\n 'b'"]),
        ("'a' -- c 'b'", &["S:'a'", "lc:-- c 'b'"]),
        ("'a' /* \n */ 'b'", &["S:'a'", "bc:/* \n */", "S:'b'"]),
        ("'a'\n- 'b'", &["S:'a'", "O:-", "S:'b'"]),
        ("E'a'\n'\\'b'", &["Se:E'a'\n'\\'b'"]),
        (
            "$$a'b$$ $x$ $$ $y$ $x$",
            &["S$:$$a'b$$", "S$:$x$ $$ $y$ $x$"],
        ),
        ("$x$a$x$x$", &["S$:$x$a$x$", "W:x$"]),
        ("a$$b$$", &["W:a$$b$$"]),
        ("$1$ $", &["P:$1", "?:$", "?:$"]),
        ("$1$$a$$", &["P:$1", "S$:$$a$$"]),
        ("$a b", &["?:$", "W:a", "W:b"]),
        // parameters and numbers
        ("$1,$23", &["P:$1", ",:,", "P:$23"]),
        (
            "1 1. .5 1.5 1e3 1.e-3 .5E+1",
            &[
                "I:1", "D:1.", "D:.5", "D:1.5", "D:1e3", "D:1.e-3", "D:.5E+1",
            ],
        ),
        ("1..2", &["I:1", "..:..", "I:2"]),
        ("1.2.3", &["D:1.2", "D:.3"]),
        (
            "1e 1e+ 1and 2",
            &["I:1", "W:e", "I:1", "W:e", "O:+", "I:1", "W:and", "I:2"],
        ),
        (
            "0x1F 0o17 0b11 0x_1f 1_000.5_0",
            &["I:0x1F", "I:0o17", "I:0b11", "I:0x_1f", "D:1_000.5_0"],
        ),
        (
            "0xg 1__0 1_",
            &["I:0", "W:xg", "I:1", "W:__0", "I:1", "W:_"],
        ),
        ("a[1:2]", &["W:a", ",:[", "I:1", ",::", "I:2", ",:]"]),
        // operators
        ("a=-1", &["W:a", "O:=", "O:-", "I:1"]),
        ("a @- b", &["W:a", "O:@-", "W:b"]),
        ("a<+-b", &["W:a", "O:<", "O:+", "O:-", "W:b"]),
        ("a*-b", &["W:a", "O:*", "O:-", "W:b"]),
        (
            "a ->>'b'#>>'{c}'",
            &["W:a", "O:->>", "S:'b'", "O:#>>", "S:'{c}'"],
        ),
        (
            "a<>b!=c<=d>=e=>f",
            &[
                "W:a", "O:<>", "W:b", "O:!=", "W:c", "O:<=", "W:d", "O:>=", "W:e", "=>:=>", "W:f",
            ],
        ),
        ("a||-- c\nb", &["W:a", "O:||", "lc:-- c", "W:b"]),
        ("a+/*c*/b", &["W:a", "O:+", "bc:/*c*/", "W:b"]),
        ("a*/*c*/b", &["W:a", "O:*", "bc:/*c*/", "W:b"]),
        ("a?-b ?|", &["W:a", "O:?-", "W:b", "O:?|"]),
        ("a--b", &["W:a", "lc:--b"]),
        (
            "a::int x:=1",
            &["W:a", "T:::", "W:int", "W:x", ":=::=", "I:1"],
        ),
        ("(*)", &[",:(", "O:*", ",:)"]),
        // comments
        ("/*/* a */*/b", &["bc:/*/* a */*/", "W:b"]),
        ("/*/**/ a", &["!bc:/*/**/ a"]),
        ("/***/a", &["bc:/***/", "W:a"]),
        ("/*--*/a", &["bc:/*--*/", "W:a"]),
        ("-- /* \na", &["lc:-- /* ", "W:a"]),
        // open ends
        ("'a''", &["!S:'a''"]),
        ("E'a\\", &["!S:E'a\\"]),
        ("\"a", &["!Q:\"a"]),
        ("u&\"a", &["!U:u&\"a"]),
        ("$a$ $b$", &["!S:$a$ $b$"]),
        ("\0{}\\", &["?:\0", "?:{", "?:}", "?:\\"]),
        ("‹text#1›", &["W:‹text", "O:#", "I:1", "W:›"]),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(tokens(text)), *expected, "{text}");
    }
}

#[test]
fn redaction_tokens_are_read_only_where_asked_for() {
    let cases: &[(&str, &[&str])] = &[
        (
            "a=‹text#12›::text",
            &["W:a", "O:=", "R:‹text#12›", "T:::", "W:text"],
        ),
        ("‹text#› ‹›", &["W:‹text", "O:#", "W:›", "W:‹›"]),
        ("a‹text#1›b", &["W:a", "R:‹text#1›", "W:b"]),
        ("'‹text#1›'", &["S:'‹text#1›'"]),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(redacted_tokens(text)), *expected, "{text}");
    }
}

#[test]
fn identifiers_fold_and_are_cut_as_on_the_server() {
    let long = "ä".repeat(40);
    let cases: &[(&str, Option<&str>)] = &[
        ("Orders", Some("orders")),
        ("GRÖSSE", Some("grÖsse")),
        ("\"Order \"\"s\"\"\"", Some("Order \"s\"")),
        ("U&\"d\\0061t\\+000061\\\\\"", Some("data\\")),
        ("U&\"\\D83D\\DE00\"", Some("😀")),
        ("U&\"\\00zz\"", Some("\\00zz")),
        (&long, long.get(..62)),
        ("'a'", None),
        ("\"open", None),
    ];
    for (text, expected) in cases {
        let token = tokens(text).next().unwrap();
        assert_eq!(token.identifier().as_deref(), *expected, "{text}");
    }
    let token = tokens("U&\"d!0061t\"").next().unwrap();
    assert_eq!(token.identifier_escaped('!').as_deref(), Some("dat"));
}

#[test]
fn strings_give_their_value() {
    let cases: &[(&str, Option<&str>)] = &[
        ("'it''s'", Some("it's")),
        ("'a\\n'", Some("a\\n")),
        ("E'a\\n\\'\\x41\\101\\u00e9\\q\\\\'", Some("a\n'AAéq\\")),
        ("U&'\\0041\\\\'", Some("A\\")),
        ("N'x'", Some("x")),
        ("$t$a'$$b$t$", Some("a'$$b")),
        ("$$$$", Some("")),
        ("B'01'", Some("01")),
        ("X'1f'", Some("1f")),
        ("'a' -- it's\n 'b'", Some("ab")),
        ("'open", None),
        ("42", None),
    ];
    for (text, expected) in cases {
        let token = tokens(text).next().unwrap();
        assert_eq!(token.string_value().as_deref(), *expected, "{text}");
    }
}

/// Text made of what lexers stumble on.
fn fragments() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        Just("'"),
        Just("''"),
        Just("\""),
        Just("$$"),
        Just("$a$"),
        Just("$"),
        Just("E'"),
        Just("U&'"),
        Just("U&\""),
        Just("B'"),
        Just("\\"),
        Just("\n"),
        Just("--"),
        Just("/*"),
        Just("*/"),
        Just("+"),
        Just("-"),
        Just("="),
        Just("@"),
        Just("1"),
        Just("."),
        Just("e"),
        Just("0x"),
        Just("_"),
        Just("::"),
        Just(":="),
        Just("‹text#1›"),
        Just("‹"),
        Just("é"),
        Just("select "),
        Just(" "),
        Just("\\00e9"),
        Just("\\+"),
    ];
    prop::collection::vec(fragment, 0..24).prop_map(|parts| parts.concat())
}

fn covers<'a>(text: &str, tokens: impl Iterator<Item = Token<'a>>) {
    let mut position = 0;
    for token in tokens {
        assert_eq!(token.start, position);
        assert!(!token.text.is_empty());
        assert_eq!(text.get(token.span()), Some(token.text));
        position = token.span().end;
        let _ = (token.identifier(), token.string_value());
    }
    assert_eq!(position, text.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn tokens_cover_any_text(text in prop_oneof![any::<String>(), fragments()]) {
        covers(&text, tokens(&text));
        covers(&text, redacted_tokens(&text));
    }

    #[test]
    fn a_quoted_string_is_one_token_and_gives_its_value_back(value in any::<String>()) {
        let text = format!("'{}'", value.replace('\'', "''"));
        let all: Vec<_> = tokens(&text).collect();
        prop_assert_eq!(all.len(), 1);
        prop_assert_eq!(all[0].string_value(), Some(value));
    }
}
/// Texts that PostgreSQL 15 rejected, each with the token that its "syntax error at or near" showed.
#[test]
fn the_server_names_tokens_that_are_ours() {
    let cases = include_str!("../../../testdata/statements/tokens-15.jsonl");
    for line in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let (text, near) = (
            case["text"].as_str().unwrap(),
            case["near"].as_str().unwrap(),
        );
        assert!(tokens(text).any(|token| token.text == near), "{line}");
    }
}
