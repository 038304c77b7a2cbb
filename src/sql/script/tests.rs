use super::*;

fn names(text: &str) -> Vec<(u32, Option<String>, String)> {
    let statements = Script::read(text).statements.into_iter();
    statements
        .map(|statement| (statement.line, statement.name, statement.text))
        .collect()
}

fn one(text: &str) -> ScriptStatement {
    let script = Script::read(text);
    let [only] = script.statements.as_slice() else {
        panic!("{script:?}")
    };
    only.clone()
}

#[test]
fn statements_end_where_psql_ends_them() {
    let text = "\\set quiet 'it''s\n\
        -- it's a comment; with a semicolon\n\
        SELECT 'a;b', $tag$ ; ' $tag$, \"c;d\" /* ; */;\n\n\
        CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;\n\
        COPY t FROM STDIN;\n1\tit's\n2\tb;c\n\\.\n\
        BEGIN;\n\
        SELECT 2 \\gx\n\
        CREATE RULE r AS ON INSERT TO t DO (DELETE FROM a; DELETE FROM b);\n\
        SELECT\n  3";
    let found = names(text);
    let lines: Vec<(u32, &str)> = found
        .iter()
        .map(|(line, _, text)| (*line, text.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (3, "SELECT 'a;b', $tag$ ; ' $tag$, \"c;d\""),
            (11, "SELECT 2"),
            (13, "SELECT\n  3"),
        ]
    );
    let left_out: Vec<(u32, String)> = Script::read(text)
        .left_out
        .into_iter()
        .map(|left| (left.line, left.what))
        .collect();
    let expected = [
        (1, "psql meta-command"),
        (5, "CREATE"),
        (6, "COPY"),
        (7, "COPY data"),
        (10, "BEGIN"),
        (11, "psql meta-command"),
        (12, "CREATE"),
    ];
    assert_eq!(
        left_out,
        expected.map(|(line, what)| (line, what.to_owned()))
    );
}

#[test]
fn names_are_those_of_the_usual_tools() {
    for (comment, name) in [
        ("-- name: GetAuthor :one", "GetAuthor"),
        ("-- name: get_author", "get_author"),
        ("-- name: get_author^", "get_author"),
        ("-- name: get_author(id, mail)^", "get_author"),
        ("-- name: add-author<!", "add-author"),
        ("-- name: authors-by-country", "authors-by-country"),
        ("-- :name find-author :? :1", "find-author"),
        ("-- :name- find-author :? :1", "find-author"),
        ("/* name: get_author */", "get_author"),
        ("/* @name GetAuthor */", "GetAuthor"),
        (
            "/*\n * @name GetAuthor\n * @param id -> (...)\n */",
            "GetAuthor",
        ),
    ] {
        let found = one(&format!("{comment}\nSELECT 1;"));
        assert_eq!(found.name.as_deref(), Some(name), "{comment}");
    }
    assert_eq!(one("-- the name of all\nSELECT 1").name, None);
}

#[test]
fn a_name_ends_the_statement_before_it() {
    let text = "-- name: one\nSELECT 1\n\n-- name: two\n-- about two\nSELECT 2\n";
    assert_eq!(
        names(text),
        [
            (2, Some("one".to_owned()), "SELECT 1".to_owned()),
            (6, Some("two".to_owned()), "SELECT 2".to_owned()),
        ]
    );
}

#[test]
fn parameters_become_numbers() {
    for (text, expected, parameters) in [
        ("SELECT $1, $2", "SELECT $1, $2", &[][..]),
        (
            "a = :id AND b = :mail OR c = :id",
            "a = $1 AND b = $2 OR c = $1",
            &["id", "mail"],
        ),
        ("a::int = :id::int", "a::int = $1::int", &["id"]),
        ("a[1:n] = :n", "a[1:n] = $1", &["n"]),
        ("a = :'id'", "a = $1", &["id"]),
        ("a = :id!", "a = $1", &["id"]),
        ("a = :v:id", "a = $1", &["id"]),
        ("a IN (:v*:ids)", "a IN ($1)", &["ids"]),
        ("a IN :ids", "a IN ($1)", &["ids"]),
        ("a = @id AND b=@mail", "a = $1 AND b=$2", &["id", "mail"]),
        ("a @> $1 AND b <@c", "a @> $1 AND b <@c", &[]),
        ("a = sqlc.arg(id) + $1", "a = $2 + $1", &["id"]),
        ("a = sqlc.narg('id')", "a = $1", &["id"]),
        ("SELECT sqlc.embed(t), 1", "SELECT t.*, 1", &[]),
        ("a = %s AND b=%s", "a = $1 AND b=$2", &[]),
        (
            "a = %(id)s AND b LIKE '%%x' AND c %% 2 = 0",
            "a = $1 AND b LIKE '%x' AND c % 2 = 0",
            &["id"],
        ),
        (
            "b LIKE '%%x' AND c % 2 = 0",
            "b LIKE '%%x' AND c % 2 = 0",
            &[],
        ),
        ("a IN %s", "a IN ($1)", &[]),
        ("a = ? AND b IN (?, ?)", "a = $1 AND b IN ($2, $3)", &[]),
        ("a=? AND b>=?", "a=$1 AND b>=$2", &[]),
        (
            "a = ?1 AND b = ?2 AND c = ?1",
            "a = $1 AND b = $2 AND c = $1",
            &["1", "2"],
        ),
        ("data ? 'key' AND a = ?", "data ? 'key' AND a = $1", &[]),
        (
            "data ?| array['a'] AND b ? c",
            "data ?| array['a'] AND b ? c",
            &[],
        ),
        ("LIMIT ? OFFSET ?", "LIMIT $1 OFFSET $2", &[]),
        (
            "a[:n] || ARRAY[:a, :b]",
            "a[$1] || ARRAY[$2, $3]",
            &["n", "a", "b"],
        ),
        (
            "a = :user-id AND b=:active?",
            "a = $1 AND b=$2",
            &["user-id", "active"],
        ),
        ("a = $id AND b = $1", "a = $2 AND b = $1", &["id"]),
        ("a = :user.id", "a = $1", &["user.id"]),
        (
            "(:a IS NULL OR b = :a) AND (:a::int IS NOT NULL OR :a is not null)",
            "($1 IS NULL OR b = $2) AND ($2::int IS NOT NULL OR $1 is not null)",
            &["a", "a"],
        ),
        ("a IS DISTINCT FROM :b", "a IS DISTINCT FROM $1", &["b"]),
        (
            "SELECT extract(day FROM :d)",
            "SELECT extract(day FROM $1)",
            &["d"],
        ),
        (
            "d ?? 'a' AND d ??| b AND d @?? c AND e = ?",
            "d ? 'a' AND d ?| b AND d @? c AND e = $1",
            &[],
        ),
        ("FETCH FIRST ? ROWS ONLY", "FETCH FIRST $1 ROWS ONLY", &[]),
        ("a AT TIME ZONE ? = b", "a AT TIME ZONE $1 = b", &[]),
        (
            "a > now() - interval '%s days' AND b = %s",
            "a > now() - interval '1 days' AND b = $1",
            &[],
        ),
        (
            "'::' || ':a' /* :b */ -- :c",
            "'::' || ':a' /* :b */ -- :c",
            &[],
        ),
    ] {
        assert_numbered(text, expected, parameters);
    }
}

#[test]
fn rows_become_as_many_numbers_as_they_have_columns() {
    for (text, expected, parameters) in [
        (
            "INSERT INTO t (a, b) VALUES %s",
            "INSERT INTO t (a, b) VALUES ($1, $2)",
            &[][..],
        ),
        (
            "INSERT INTO t (a, b) VALUES :t*:rows",
            "INSERT INTO t (a, b) VALUES ($1, $2)",
            &[],
        ),
        ("WHERE (a, b) = :tuple:ab", "WHERE (a, b) = ($1, $2)", &[]),
        ("WHERE (a, b) IN %s", "WHERE (a, b) IN (($1, $2))", &[]),
        (
            "WHERE (a, b) IN (:t*:ab)",
            "WHERE (a, b) IN (($1, $2))",
            &[],
        ),
        ("WHERE lower(a, b) = :c", "WHERE lower(a, b) = $1", &["c"]),
    ] {
        assert_numbered(text, expected, parameters);
    }
}

fn assert_numbered(text: &str, expected: &str, parameters: &[&str]) {
    let found = placeholders::numbered(text, &placeholders::Known::default());
    let names: Vec<&str> = found.names.values().map(String::as_str).collect();
    assert_eq!(
        (found.text.as_str(), names.as_slice()),
        (expected, parameters)
    );
}

#[test]
fn values_of_parameters_stand_in_comments() {
    let found =
        one("-- param id = 42\n-- param $2 = 'it''s'\n-- param c = NULL\nSELECT :id, :c, $2");
    assert_eq!(found.parameters.get(&3).map(String::as_str), Some("id"));
    let values: Vec<(u32, Option<&str>)> = found
        .values
        .iter()
        .map(|(number, value)| (*number, value.as_deref()))
        .collect();
    assert_eq!(values, [(2, Some("it's")), (3, Some("42")), (4, None)]);
}

#[test]
fn a_finding_is_allowed_above_a_statement_in_it_and_at_its_end() {
    let allow = |check: &str| format!("-- pgtriage: allow {check} because x\n");
    let text = format!(
        "{}SELECT 1\n{}FROM t; {}SELECT 2; {}{}CREATE TABLE u ();\nSELECT 3;\n\n{}",
        allow("a"),
        allow("b"),
        allow("c"),
        allow("d"),
        allow("e"),
        "-- PGTRIAGE allow f Because x\n-- pgtriage allows nothing\n-- pgtriage: allow g, h because x\n",
    );
    let told: Vec<Vec<(u32, String, Option<Flaw>)>> = Script::read(&text)
        .statements
        .into_iter()
        .map(|statement| {
            let allows = statement.allows.into_iter();
            allows
                .map(|allow| (allow.line, allow.check, allow.flaw))
                .collect()
        })
        .collect();
    let fine = |line, check: &str| (line, check.to_owned(), None);
    let flawed = |line, check: &str, flaw| (line, check.to_owned(), Some(flaw));
    assert_eq!(
        told,
        [
            vec![fine(1, "a"), fine(3, "b"), fine(4, "c")],
            vec![fine(5, "d")],
            vec![
                flawed(6, "e", Flaw::Misplaced),
                flawed(10, "f", Flaw::Misplaced),
                flawed(12, "g", Flaw::Several),
            ],
        ]
    );
}

#[test]
fn a_finding_is_allowed_for_a_reason() {
    let text = "-- name: a\n\
        -- pgtriage: allow sort_spill because it runs once a year until 2030-12-31\n\
        -- pgtriage: allow seq_scan_selective because we wait until then\n\
        -- pgtriage: allow missing_index\n\
        -- pgtriage: allow x because y until 2030-13-01\n\
        -- pgtriage: permit x\n\
        SELECT 1";
    let allows = one(text).allows;
    let told: Vec<(u32, &str, &str, String)> = allows
        .iter()
        .map(|allow| {
            let flaw = allow.flaw.as_ref().map(ToString::to_string);
            let until = allow.until.map(|day| day.to_string());
            let rest = flaw.or(until).unwrap_or_default();
            (
                allow.line,
                allow.check.as_str(),
                allow.reason.as_str(),
                rest,
            )
        })
        .collect();
    let expected = [
        (2, "sort_spill", "it runs once a year", "2030-12-31"),
        (3, "seq_scan_selective", "we wait until then", ""),
        (
            4,
            "missing_index",
            "",
            "it gives no reason: pgtriage: allow missing_index because REASON",
        ),
        (
            5,
            "x",
            "",
            "\"2030-13-01\" is no day; write until YYYY-MM-DD",
        ),
        (
            6,
            "",
            "",
            "the comment is not of the form: pgtriage: allow ID because REASON [until YYYY-MM-DD]",
        ),
    ];
    assert_eq!(
        told,
        expected.map(|(line, check, reason, rest)| (line, check, reason, rest.to_owned()))
    );
}

#[test]
fn the_commands_of_a_dump_are_those_that_psql_sends() {
    let dump = "--\n-- PostgreSQL database dump\n--\n\n\\restrict aQ'x\n\nSET statement_timeout = 0;\n\n\
        --\n-- Name: a; Type: TABLE; Schema: public; Owner: -\n--\n\n\
        CREATE TABLE public.a (\n    id integer,\n    t text DEFAULT 'a;b'\n);\n\\connect shop\n\
        COPY public.a (id, t) FROM stdin;\n1\tit's\n\\.\n\nALTER TABLE ONLY public.a\n    ADD PRIMARY KEY (id);\n";
    assert_eq!(
        commands(dump),
        [
            (7, "SET statement_timeout = 0"),
            (
                13,
                "CREATE TABLE public.a (\n    id integer,\n    t text DEFAULT 'a;b'\n)"
            ),
            (22, "ALTER TABLE ONLY public.a\n    ADD PRIMARY KEY (id)"),
        ]
    );
    assert_eq!(commands("-- nothing\n"), []);
}

#[test]
fn objects_become_rows() {
    for (annotation, text, expected, parameters) in [
        (
            "@param users -> ((name!, age)...)",
            "INSERT INTO t (a, b) VALUES :users!",
            "INSERT INTO t (a, b) VALUES ($1, $2)",
            &["users.name", "users.age"][..],
        ),
        (
            "@param user -> (name, age)",
            "INSERT INTO t (a, b) VALUES :user",
            "INSERT INTO t (a, b) VALUES ($1, $2)",
            &["user.name", "user.age"],
        ),
        (
            "@param ages -> (...)",
            "SELECT a WHERE b IN :ages",
            "SELECT a WHERE b IN ($1)",
            &["ages"],
        ),
    ] {
        let found = one(&format!("/*\n  @name a\n  {annotation}\n*/\n{text};"));
        let names: Vec<&str> = found.parameters.values().map(String::as_str).collect();
        assert_eq!(
            (found.text.as_str(), names.as_slice()),
            (expected, parameters)
        );
    }
}

#[test]
fn what_only_the_program_knows_is_left_out_unless_a_comment_gives_it() {
    for (text, parameter) in [
        ("SELECT a FROM :i:table-name", "table-name"),
        ("SELECT :i*:columns FROM t", "columns"),
        ("SELECT a FROM t WHERE :sql:condition", "condition"),
        (":snip:select FROM t", "select"),
        ("SELECT a FROM :table WHERE b = :c", "table"),
        ("INSERT INTO :\"table\" VALUES (1)", "table"),
        ("DELETE FROM %s", "?"),
        ("SELECT a FROM t WHERE b = {{ b }}", "{…}"),
        ("SELECT a FROM t WHERE b = ${b}", "{…}"),
        ("SELECT a FROM t WHERE b = '{{ ds }}'::date", "{…}"),
        ("SELECT a FROM t WHERE b = '${b}'", "{…}"),
    ] {
        let script = Script::read(&format!("-- :name a :? :1\n{text}"));
        let found: Vec<_> = script
            .unfinished
            .iter()
            .map(|one| (one.line, one.parameter.as_str()))
            .collect();
        assert_eq!(
            (found.as_slice(), script.statements.len()),
            (&[(2, parameter)][..], 0),
            "{text}"
        );
    }
    let given =
        one("-- :name a\n-- param table-name = es.event\nSELECT a FROM :i:table-name WHERE b = :c");
    assert_eq!(given.text, "SELECT a FROM es.event WHERE b = $1");
    let part = Script::read("-- :snip some\nSELECT a, b\n-- :name whole\nSELECT 1");
    assert_eq!(
        (part.statements.len(), part.left_out[0].what.as_str()),
        (1, "part of statements")
    );
}

#[test]
fn variables_of_psql_give_values_and_names() {
    let text = "\\set since 2026-01-15\n\\set id '\\'x\\''\n\\set t 'Odd Name'\n\\set r random(1, 10)\n\
        SELECT :r FROM :\"t\" WHERE a > :'since' AND b = :id;\n\\unset since\nSELECT :'since';";
    let script = Script::read(text);
    let [first, second] = script.statements.as_slice() else {
        panic!("{script:?}")
    };
    assert_eq!(
        first.text,
        "SELECT $1 FROM \"Odd Name\" WHERE a > $2 AND b = $3"
    );
    let defaults = [
        (2, Some("2026-01-15".to_owned())),
        (3, Some("x".to_owned())),
    ];
    assert_eq!(first.defaults, defaults.into());
    assert!(second.defaults.is_empty());
}

#[test]
fn commands_of_psql_send_what_stands_before_them_and_bring_data() {
    let text = "SELECT 1 \\crosstabview\nSELECT $1 \\bind 1 \\g\n\\copy t from stdin\n1\tSELECT\n\\.\nSELECT 3";
    let found = names(text);
    let texts: Vec<&str> = found.iter().map(|(_, _, text)| text.as_str()).collect();
    assert_eq!(texts, ["SELECT 1", "SELECT $1", "SELECT 3"]);
}

#[test]
fn what_a_file_creates_is_known_of_the_statements_below() {
    let text = "CREATE TEMP TABLE IF NOT EXISTS Ids AS SELECT 1 AS id;\nSELECT id INTO UNLOGGED app.kept FROM ids;\n\
        SELECT * FROM ids;\nSELECT * FROM app.kept, other;";
    let script = Script::read(text);
    let created: Vec<Vec<&str>> = script
        .statements
        .iter()
        .map(|one| one.created.iter().map(String::as_str).collect())
        .collect();
    assert_eq!(created, [["ids"], ["kept"]]);
}
