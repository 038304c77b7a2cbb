use proptest::prelude::*;
use serde_json::json;

use super::{Redactor, is_number, is_token, quoted};

#[test]
fn a_literal_that_looks_like_a_token_does_not_use_up_the_numbers() {
    let mut redactor = Redactor::new();
    redactor.sql("SELECT '‹text#18446744073709551615›', '‹text#4294967295›'");
    let [one, other] = ["SELECT 'a'", "SELECT 'b'"].map(|text| redactor.sql(text));
    assert_ne!(one, other);
}

#[test]
fn the_number_of_a_token_that_is_met_is_given_to_no_other_value() {
    let mut redactor = Redactor::new();
    let text = redactor.sql("SELECT ‹text#7› = 'a'");
    assert_eq!(text, "SELECT ‹text#7› = ‹text#8›");
    assert_eq!(redactor.value("‹number#9›"), "‹number#9›");
    let message = "Key (a)=(‹text#12›) already exists.";
    assert_eq!(redactor.message(message), message);
    assert_eq!(
        redactor.sql("SELECT 'a', 'b'"),
        "SELECT ‹text#8›, ‹text#13›"
    );
}
use crate::sql::lexer::{TokenKind, redacted_tokens};

fn sql(text: &str) -> String {
    Redactor::new().sql(text)
}

#[test]
fn constants_of_sql_become_tokens() {
    let cases = [
        (
            "a = 'x' AND b = 'x' AND c = 'y'",
            "a = ‹text#1› AND b = ‹text#1› AND c = ‹text#2›",
        ),
        (
            "a = 42 OR a = '42'::bigint OR b = 4_2",
            "a = ‹number#1› OR a = ‹number#1›::bigint OR b = ‹number#1›",
        ),
        (
            "E'x' $$x$$ U&'x' N'x' $t$x$t$",
            "‹text#1› ‹text#1› ‹text#1› ‹text#1› ‹text#1›",
        ),
        (
            "B'01' X'1F' 1.5e3 0x1f .5",
            "‹bits#1› ‹bits#2› ‹number#3› ‹number#4› ‹number#5›",
        ),
        ("x=$1 AND y = $2::int", "x=$1 AND y = $2::int"),
        (
            "date_trunc('Day', a) = 'day' OR f('day') OR date_trunc('secret', a) OR date_part('year'::text, a)",
            "date_trunc('Day', a) = ‹text#1› OR f(‹text#1›) OR date_trunc(‹text#2›, a) OR date_part('year'::text, a)",
        ),
        // shape stays
        (
            "x::numeric(8,2), cast(y AS varchar(20)), z::vector(3)",
            "x::numeric(8,2), cast(y AS varchar(20)), z::vector(3)",
        ),
        (
            "cast(x AS public.t(3)), x::character varying(9)",
            "cast(x AS public.t(3)), x::character varying(9)",
        ),
        ("timestamp(3) '2020-01-01'", "timestamp(3) ‹text#1›"),
        (
            "interval '1' second(3), second(3)",
            "interval ‹number#1› second(3), second(‹number#2›)",
        ),
        ("f(3), a AS b, f(4)", "f(‹number#1›), a AS b, f(‹number#2›)"),
        (
            "a[1], (b)[2][3], a[1:2], a[i+7], ARRAY[1,2], ARRAY[[1],[2]]",
            "a[1], (b)[2][3], a[1:2], a[i+‹number#1›], ARRAY[‹number#2›,‹number#3›], ARRAY[[‹number#2›],[‹number#3›]]",
        ),
        (
            "j['key'], j->'a'->1",
            "j[‹text#1›], j->‹text#2›->‹number#3›",
        ),
        (
            "GROUP BY 1, 2 ORDER BY 2 DESC, a, 3 LIMIT 5 OFFSET 6",
            "GROUP BY 1, 2 ORDER BY 2 DESC, a, 3 LIMIT ‹number#1› OFFSET ‹number#2›",
        ),
        (
            "ORDER BY a + 1, f(2), 3 + 4",
            "ORDER BY a + ‹number#1›, f(‹number#2›), ‹number#3› + ‹number#4›",
        ),
        (
            "GROUP BY a UNION SELECT 1, 2",
            "GROUP BY a UNION SELECT ‹number#1›, ‹number#2›",
        ),
        ("PARTITION BY 1", "PARTITION BY ‹number#1›"),
        (
            "(SELECT a ORDER BY 1), 5, 6",
            "(SELECT a ORDER BY 1), ‹number#1›, ‹number#2›",
        ),
        ("ORDER BY 123456", "ORDER BY ‹number#1›"),
        // comments
        ("a/* x */+/**/-- y\nb -- z", "a + \nb "),
        ("a -- x\n= /* it's */ 1", "a \n=  ‹number#1›"),
        // cut off
        ("a = 'secr", "a = ‹text#1›"),
        ("a = $$secr", "a = ‹text#1›"),
        ("a = \"secr", "a = ‹text#1›"),
        ("a /* secr", "a "),
        // written for standard_conforming_strings = off
        ("a = 'it\\'s secret', b", "a = ‹text#1›"),
        ("a = 'it\\'s secret' and b = 'x\\'y'", "a = ‹text#1›"),
        (
            "a LIKE 'x' ESCAPE '\\' AND b = 'c'",
            "a LIKE ‹text#1› ESCAPE ‹text#2› AND b = ‹text#3›",
        ),
        (
            "a LIKE '%x%' OR a LIKE 'x%' OR a = '%x%'",
            "a LIKE ‹pattern#1› OR a LIKE ‹text#2› OR a = ‹pattern#1›",
        ),
        // twice
        ("a = ‹text#7›", "a = ‹text#7›"),
    ];
    for (text, expected) in cases {
        assert_eq!(sql(text), expected, "{text}");
    }
}

#[test]
fn equal_values_share_a_token_wherever_they_are() {
    let mut redactor = Redactor::new();
    assert_eq!(redactor.value("berlin"), "‹text#1›");
    assert_eq!(
        redactor.sql("city = 'berlin' OR n = 7"),
        "city = ‹text#1› OR n = ‹number#2›"
    );
    assert_eq!(
        redactor.values(["7", "berlin", "-1.5", "‹text#1›"]),
        ["‹number#2›", "‹text#1›", "‹number#3›", "‹text#1›"]
    );
    assert_eq!(
        redactor.message("invalid input syntax for type integer: \"berlin\""),
        "invalid input syntax for type integer: \"‹text#1›\""
    );
}

#[test]
fn plans_keep_names_and_lose_constants() {
    let mut plan = json!({"Plan": {
        "Node Type": "Index Scan", "Relation Name": "orders 2024", "Alias": "o'1", "Index Name": "i_7", "Subplan Name": "SubPlan 1",
        "Index Cond": "((city = 'berlin'::text) AND (a[1] > 42))", "Filter": "(NOT (hashed SubPlan 1))",
        "Output": ["id", "'x'::text", "(InitPlan 1).col1", "$0"], "Actual Rows": 7, "Sort Method": "top-N heapsort",
        "Plans": [{"Node Type": "Function Scan", "Function Call": "f(7)", "Mystery": "value 'x'", "Sort Key": ["total DESC", "(a || 'x'::text)"]}]},
        "Settings": {"work_mem": "64MB"},
        "Triggers": [{"Trigger Name": "t 1", "Calls": 3}]});
    let mut redactor = Redactor::new();
    redactor.plan(&mut plan);
    let expected = json!({"Plan": {
        "Node Type": "Index Scan", "Relation Name": "orders 2024", "Alias": "o'1", "Index Name": "i_7", "Subplan Name": "SubPlan 1",
        "Index Cond": "((city = ‹text#1›::text) AND (a[1] > ‹number#2›))", "Filter": "(NOT (hashed SubPlan 1))",
        "Output": ["id", "‹text#3›::text", "(InitPlan 1).col1", "$0"], "Actual Rows": 7, "Sort Method": "top-N heapsort",
        "Plans": [{"Node Type": "Function Scan", "Function Call": "f(‹number#4›)", "Mystery": "value ‹text#3›", "Sort Key": ["total DESC", "(a || ‹text#3›::text)"]}]},
        "Settings": {"work_mem": "64MB"},
        "Triggers": [{"Trigger Name": "t 1", "Calls": 3}]});
    assert_eq!(plan, expected);
    redactor.plan(&mut plan);
    assert_eq!(plan, expected);
}

/// Messages and what is left of them.
const MESSAGES: &[(&str, &str)] = &[
    (
        "relation \"Orders\" does not exist",
        "relation \"Orders\" does not exist",
    ),
    (
        "column \"a\" of relation \"t\" does not exist",
        "column \"a\" of relation \"t\" does not exist",
    ),
    (
        "permission denied for table orders",
        "permission denied for table orders",
    ),
    ("\"v\" is not a table", "\"v\" is not a table"),
    (
        "column reference \"id\" is ambiguous",
        "column reference \"id\" is ambiguous",
    ),
    (
        "invalid input syntax for type integer: \"a\"b\"",
        "invalid input syntax for type integer: \"‹text#1›\"",
    ),
    (
        "invalid input syntax for type json: \"\"",
        "invalid input syntax for type json: \"\"",
    ),
    (
        "value \"99999999999\" is out of range for type integer",
        "value \"‹number#1›\" is out of range for type integer",
    ),
    (
        "invalid value for parameter \"work_mem\": \"bob\"",
        "invalid value for parameter \"work_mem\": \"‹text#1›\"",
    ),
    (
        "duplicate key value violates unique constraint \"users_email_key\"",
        "duplicate key value violates unique constraint \"users_email_key\"",
    ),
    (
        "Key (email)=(bob@x.org) already exists.",
        "Key (email)=(‹text#1›) already exists.",
    ),
    (
        "Key (a, b)=(1, x)) already exists.",
        "Key (a, b)=(‹number#1›, ‹text#2›) already exists.",
    ),
    (
        "Key (a)=(1, 2) is not present in table \"t\".",
        "Key (a)=(‹text#1›) is not present in table \"t\".",
    ),
    (
        "Key (a)=(x) already exists.) already exists.",
        "Key (a)=(‹text#1›) already exists.",
    ),
    (
        "Key (c)=([1,5)) conflicts with existing key (c)=([2,3)).",
        "Key (c)=(‹text#1›) conflicts with existing key (c)=(‹text#2›).",
    ),
    (
        "Failing row contains (1, bob (jr), null).",
        "Failing row contains (‹text#1›).",
    ),
    (
        "Token \"bob\" is invalid.",
        "Token \"‹text#1›\" is invalid.",
    ),
    (
        "JSON data, line 1: {\"a\": bob...",
        "JSON data, line 1: ‹text#1›",
    ),
    (
        "syntax error at or near \"FORM\"",
        "syntax error at or near \"FORM\"",
    ),
    (
        "syntax error at or near \"'bob\"",
        "syntax error at or near \"‹text#1›\"",
    ),
    (
        "SQL statement \"SELECT \"a\" = 'bob' -- bob\"\nPL/pgSQL function f() line 3",
        "SQL statement \"SELECT \"a\" = ‹text#1› \"\nPL/pgSQL function f() line 3",
    ),
    (
        "unnamed portal with parameter $1 = 'it''s'",
        "unnamed portal with parameter $1 = '‹text#1›'",
    ),
    (
        "the servers' list can't say 'bob'",
        "the servers' list can't say '‹text#1›'",
    ),
    (
        "invalid byte sequence for encoding \"UTF8\": 0xff 0xfe",
        "invalid byte sequence for encoding \"UTF8\": ‹text#1› ‹text#2›",
    ),
    (
        "Relation «bob» existiert nicht, „bob“",
        "Relation «‹text#1›» existiert nicht, „‹text#1›“",
    ),
    (
        "canceling statement due to statement timeout",
        "canceling statement due to statement timeout",
    ),
];

#[test]
fn messages_keep_names_and_lose_values() {
    for (message, expected) in MESSAGES {
        let mut redactor = Redactor::new();
        let once = redactor.message(message);
        assert_eq!(once, *expected, "{message}");
        assert_eq!(redactor.message(&once), once, "twice: {message}");
    }
}

#[test]
fn learnt_secrets_are_replaced_anywhere_in_a_message() {
    let mut redactor = Redactor::new();
    for secret in ["bob", "bobby tables", "7", "text", " "] {
        redactor.learn_secret(secret);
    }
    assert_eq!(
        redactor.message("customer bobby tables (bob) not found: 7 of 17, $7, text"),
        "customer ‹text#1› (‹text#3›) not found: ‹number#4› of 17, $7, ‹text#2›"
    );
}

#[test]
fn a_secret_that_is_a_word_or_a_number_is_none_inside_another() {
    let mut redactor = Redactor::new();
    for secret in ["time", "500", "a@b.example"] {
        redactor.learn_secret(secret);
    }
    assert_eq!(
        redactor.message("canceling after 1500 ms of timeout at xa@b.example"),
        "canceling after 1500 ms of timeout at x‹text#1›"
    );
    assert_eq!(redactor.message("time: 500"), "‹text#2›: ‹number#3›");
}

#[test]
fn quoting_makes_tokens_constants() {
    assert_eq!(quoted("a = ‹text#1›::text"), "a = '‹text#1›'::text");
    assert_eq!(quoted("a = '‹text#1›'"), "a = '‹text#1›'");
    assert_eq!(quoted("a"), "a");
}

const SECRET: &str = "sEcReT";

/// The secret as a constant, in every notation.
fn constants() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(format!("'{SECRET}'")),
        Just(format!("'it''s {SECRET}'")),
        Just(format!("'it\\'s {SECRET}'")),
        Just(format!("E'\\'{SECRET}\\\\'")),
        Just(format!("e'a'\n'{SECRET}'")),
        Just(format!("'a' -- '\n '{SECRET}'")),
        Just(format!("U&'\\0041{SECRET}'")),
        Just(format!("N'{SECRET}'")),
        Just(format!("$${SECRET}$$")),
        Just(format!("$a$ $$ ' {SECRET}$a$")),
        Just(format!("B'{SECRET}'")),
        Just(format!("'{SECRET}")),
        Just(format!("$x${SECRET}")),
        Just(format!("E'{SECRET}\\'")),
        Just(format!("/* {SECRET} '*/")),
        Just(format!("-- {SECRET}\n")),
        Just(format!("/* {SECRET}")),
    ]
}

fn surroundings() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("a = "),
        Just("::text"),
        Just(" AND "),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just(","),
        Just(" "),
        Just("\n"),
        Just("\"q\""),
        Just("$1"),
        Just("1"),
        Just(" ORDER BY "),
        Just("numeric("),
        Just("||"),
        Just("-"),
        Just("'x'"),
        Just("interval "),
        Just("‹text#1›"),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

/// A number of nine digits, in every notation.
fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("987654321".to_owned()),
        Just("987654321.5".to_owned()),
        Just("1.987654321".to_owned()),
        Just(".987654321".to_owned()),
        Just("1e987654321".to_owned()),
        Just("0x987654321".to_owned()),
        Just("1_987654321".to_owned()),
        Just("'987654321'".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn a_planted_constant_never_survives(before in surroundings(), constant in constants(), after in surroundings()) {
        let text = format!("{before} {constant}{after}");
        let mut redactor = Redactor::new();
        let once = redactor.sql(&text);
        prop_assert!(!once.contains(SECRET), "{} -> {}", text, once);
        prop_assert_eq!(redactor.sql(&once), once.clone(), "{}", text);
        for token in redacted_tokens(&once) {
            prop_assert!(!matches!(token.kind, TokenKind::String(_) | TokenKind::Unterminated(_)), "{} -> {}", text, once);
        }
        let mut plan = json!({"Filter": text, "Output": [text]});
        redactor.plan(&mut plan);
        prop_assert!(!plan.to_string().contains(SECRET));
    }

    #[test]
    fn a_planted_number_never_survives(before in surroundings(), number in numbers(), after in surroundings()) {
        let once = sql(&format!("{before} {number}{after}"));
        prop_assert!(!once.contains("987654321"), "{}", once);
    }

    #[test]
    fn any_text_can_be_redacted_and_redacting_twice_changes_nothing(text in any::<String>()) {
        let mut redactor = Redactor::new();
        let once = redactor.sql(&text);
        prop_assert_eq!(redactor.sql(&once), once);
        let once = redactor.message(&text);
        prop_assert_eq!(redactor.message(&once), once);
        let once = redactor.value(&text);
        prop_assert!(is_token(&once));
        prop_assert_eq!(redactor.value(&once), once);
    }

    #[test]
    fn a_secret_never_survives_in_a_message(
        before in "[a-z '\":(«]{0,12}( column \"|: \"|=\\(|\\)=\\(|Key \\(a\\)=\\(| near \")?",
        secret in "[A-Z0-9'\" )(]{3,8}",
        after in "[a-z '\":)»]{0,12}(\\) already exists)?"
    ) {
        prop_assume!(!secret.trim().is_empty());
        // A word inside another is no secret: the message would be illegible.
        let plain = secret.chars().all(char::is_alphabetic) || is_number(&secret);
        let inside = before.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        prop_assume!(!(plain && inside));
        let mut redactor = Redactor::new();
        redactor.learn_secret(&secret);
        let message = format!("{before}{secret}{after}");
        let once = redactor.message(&message);
        let bare: String = once.split('‹').map(|part| part.rsplit('›').next().unwrap_or_default()).collect::<Vec<_>>().join("\u{0}");
        prop_assert!(!bare.contains(&secret), "{} -> {}", message, once);
    }

    #[test]
    fn a_value_in_quotes_never_survives_unlearnt(
        before in "(invalid input syntax for type integer: \"|Key \\(a\\)=\\(|Failing row contains \\(|Token \"|parameter \\$1 = ')",
        value in "[A-Z]{4}[A-Z)( ]{0,4}", after in "(\"|\\)|'|\\) already exists\\.|\" is invalid\\.)?"
    ) {
        let once = Redactor::new().message(&format!("{before}{value}{after}"));
        prop_assert!(!once.contains(value.trim()), "{}", once);
    }
}
