//! Which object-relational mapper wrote a statement, told from how it writes names, and what it calls loading related
//! rows together.

/// How a library's statements are told apart, and its word for loading related rows together.
struct Library {
    term: &'static str,
    writes: fn(&Text<'_>) -> bool,
}

const LIBRARIES: [Library; 24] = [
    Library {
        term: "ActiveRecord: includes or preload",
        writes: |text| {
            let whole_row =
                text.starts("SELECT \"") && text.has("\".* FROM \"") && !text.parenthesized();
            let question = text.starts("SELECT $") && text.has(" AS one FROM \"");
            let sum = ["COUNT", "SUM", "AVG", "MIN", "MAX"]
                .iter()
                .any(|name| text.starts(&format!("SELECT {name}(")) && text.has(") FROM \""));
            let sum = sum && !text.has("\" \"me\" ");
            whole_row || question || sum
        },
    },
    Library {
        term: "Bookshelf: withRelated",
        writes: |text| text.starts("select distinct \"") && text.has("\".* from \""),
    },
    Library {
        term: "DBIx::Class: prefetch",
        writes: |text| {
            let table = text.has(" me WHERE ( ") || text.has(" \"me\" WHERE ( ");
            text.starts("SELECT ") && (table || text.has(" me  JOIN "))
        },
    },
    Library {
        term: "Django: select_related or prefetch_related",
        writes: |text| {
            let columns = text
                .first_item()
                .is_some_and(|(_, rest)| rest.starts_with(", \""))
                && !text.joins_bare()
                && !(text.first_item_has_schema() && text.has(" OFFSET $"));
            let qualified = text.where_is_qualified("WHERE") || !text.has(" WHERE ");
            text.starts("SELECT \"") && columns && qualified && !text.parenthesized()
                || text.has(" AS \"__count\" FROM \"")
                || text.starts("SELECT $") && text.has(" AS \"a\" FROM \"")
        },
    },
    Library {
        term: "Doctrine: a fetch join (addSelect), or fetch: EAGER",
        writes: |text| {
            let count = text.starts("SELECT COUNT(*) FROM ") && text.has(" t0 WHERE t0.");
            count || text.starts("SELECT ") && text.first_label().is_some_and(doctrine_label)
        },
    },
    Library {
        term: "Drizzle: with, in relational queries",
        writes: |text| {
            let bare = text
                .0
                .strip_prefix("select \"")
                .and_then(|rest| rest.split_once('"'));
            bare.is_some_and(|(_, rest)| rest.starts_with(", ") || rest.starts_with(" from "))
                && (text.has(" where \"") || text.has(" where (\""))
                && !text.has("\" is not null")
                && text.where_is_qualified("where")
        },
    },
    Library {
        term: "Ecto: preload or join with assoc",
        writes: |text| text.starts("SELECT ") && text.has_word(ecto_alias),
    },
    Library {
        term: "Eloquent: with()",
        writes: |text| text.starts("select * from \"") && text.where_is_qualified("where"),
    },
    Library {
        term: "GORM: Preload or Joins; Orchid ORM: the relation in select()",
        writes: |text| {
            let bare = || {
                let rest = text.0.split_once("\" WHERE ").map(|(_, rest)| rest);
                rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
            };
            text.starts("SELECT * FROM \"")
                && (text.where_is_qualified("WHERE") || bare())
                && !text.parenthesized()
        },
    },
    Library {
        term: "Hibernate: JOIN FETCH, @EntityGraph or @BatchSize",
        writes: |text| text.starts("select ") && text.has_word(hibernate_alias),
    },
    Library {
        term: "LoopBack: include",
        writes: |text| {
            let rows = text.table_has_schema() && text.has("\"=$") && text.has(" ORDER BY \"");
            text.starts("SELECT \"") && rows || text.starts("SELECT count(*) as \"cnt\" FROM \"")
        },
    },
    Library {
        term: "MikroORM: populate",
        writes: |text| text.starts("select ") && text.has_word(mikro_alias),
    },
    Library {
        term: "Objection: withGraphFetched",
        writes: |text| {
            text.starts("select \"")
                && text.has("\".* from \"")
                && text.has(" in ($")
                && !text.has(" as \"")
        },
    },
    Library {
        term: "Ormar: select_related or prefetch_related",
        writes: |text| {
            let own = |(item, label): (&str, &str)| item.ends_with(&format!(".{label}"));
            text.has(" \nFROM ") && text.first_label().is_some_and(own)
        },
    },
    Library {
        term: "peewee: prefetch() or a join",
        writes: |text| text.starts("SELECT ") && text.has("\" AS \"t1\""),
    },
    Library {
        term: "Piccolo: prefetch, or the columns of the other table in select()",
        writes: |text| text.starts("SELECT ALL ") || text.starts("SELECT EXISTS(SELECT ALL "),
    },
    Library {
        term: "Pony: prefetch()",
        writes: |text| text.starts("SELECT ") && text.has("\nFROM \"") && !text.has(" \nFROM "),
    },
    Library {
        term: "Prisma: include, or relationLoadStrategy: \"join\"",
        writes: |text| {
            let rows = text.starts("SELECT \"") && text.first_item_has_schema();
            let sum = ["_count$", "_sum$", "_avg$", "_min$", "_max$"]
                .iter()
                .any(|label| text.has(&format!(" AS \"{label}")));
            (rows || sum) && text.has(" OFFSET $")
        },
    },
    Library {
        term: "Sequel: eager or eager_graph",
        writes: |text| text.starts("SELECT * FROM \"") && text.parenthesized(),
    },
    Library {
        term: "Sequelize: include",
        writes: |text| {
            let aliased = text
                .0
                .split_once(" FROM \"")
                .and_then(|(_, rest)| rest.split_once("\" AS \""));
            text.starts("SELECT ")
                && !text.parenthesized()
                && aliased.is_some_and(|(table, alias)| {
                    !table.contains(' ') && !alias.starts_with("t1\"")
                })
        },
    },
    Library {
        term: "SQLAlchemy: selectinload or joinedload",
        writes: |text| {
            let own = |(item, label): (&str, &str)| item.ends_with(&format!(".{label}"));
            let labelled = text.first_label().is_some_and(own);
            let numbered = text.has(" AS \"c0\"");
            text.starts("SELECT ") && text.has(" \nFROM ") && !labelled && !numbered
        },
    },
    Library {
        term: "Tortoise: prefetch_related or select_related",
        writes: |text| {
            let whole_row = text.starts("SELECT * ") || text.has("\".* FROM ");
            text.starts("SELECT ") && text.has("\"=$") && !whole_row && !text.table_has_schema()
        },
    },
    Library {
        term: "TypeORM: relations or leftJoinAndSelect",
        writes: |text| {
            text.starts("SELECT \"")
                && text.first_item().is_some_and(|(item, rest)| {
                    let label = item.replace("\".\"", "_");
                    rest.starts_with(&format!(" AS {label}"))
                })
        },
    },
    Library {
        term: "Waterline: populate()",
        writes: |text| {
            let table = text.0.split_once(" from \"").map(|(_, rest)| rest);
            let table = table.and_then(|rest| rest.split_once(" where \""));
            let in_schema = table.is_some_and(|(table, _)| {
                table.matches("\".\"").count() == 1 && !table.contains(' ')
            });
            text.starts("select \"") && in_schema && text.0.trim_end().ends_with(" limit $2")
        },
    },
];

/// The word of the library whose statements look like this one; `None` where no library's do, or those of several.
pub fn library(text: &str) -> Option<&'static str> {
    let text = Text(text.trim_start());
    let mut fitting = LIBRARIES.iter().filter(|library| (library.writes)(&text));
    let only = fitting.next()?;
    fitting.next().is_none().then_some(only.term)
}

/// A statement as it was written.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn starts(&self, sign: &str) -> bool {
        self.0.starts_with(sign)
    }

    fn has(&self, sign: &str) -> bool {
        self.0.contains(sign)
    }

    /// `"books"."id"`, the first item of the select list, and what follows.
    fn first_item(&self) -> Option<(&'a str, &'a str)> {
        let list = self.0.get("SELECT ".len()..)?;
        let end = list.find([' ', ','])?;
        let (item, rest) = list.split_at(end);
        item.contains("\".\"").then_some((item, rest))
    }

    /// `books.id` and `id` of `SELECT books.id AS id`, where no quotes stand around them.
    fn first_label(&self) -> Option<(&'a str, &'a str)> {
        let list = self.0.get("SELECT ".len()..)?;
        let (item, rest) = list.split_once(" AS ")?;
        let end = rest.find([' ', ',']).unwrap_or(rest.len());
        let plain = |name: &&str| {
            let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.".contains(&byte);
            name.bytes().all(in_name)
        };
        let label = rest.get(..end).filter(plain)?;
        Some((Some(item).filter(plain)?, label))
    }

    /// `"public"."books"."id"`
    fn first_item_has_schema(&self) -> bool {
        self.first_item()
            .is_some_and(|(item, _)| item.matches("\".\"").count() > 1)
    }

    /// Whether the first table is named with its schema: `FROM "public"."books"`.
    fn table_has_schema(&self) -> bool {
        let table = self.0.split_once(" FROM \"").map(|(_, rest)| rest);
        table
            .and_then(|rest| rest.split_once('"'))
            .is_some_and(|(_, rest)| rest.starts_with(".\""))
    }

    /// Whether the first condition names its table: `where "books"."author_id"`.
    fn where_is_qualified(&self, word: &str) -> bool {
        let condition = self
            .0
            .split_once(&format!(" {word} "))
            .map(|(_, rest)| rest);
        condition.is_some_and(|condition| {
            let condition = condition.trim_start_matches('(');
            let end = condition.find([' ', '=']).unwrap_or(condition.len());
            condition
                .get(..end)
                .is_some_and(|column| column.contains("\".\""))
        })
    }

    /// `WHERE ("a" = $1)` and `WHERE (("a" = $1) AND …)`: parentheses around each condition, even around one.
    fn parenthesized(&self) -> bool {
        let condition = self.0.split_once(" WHERE (").map(|(_, rest)| rest);
        condition.is_some_and(|rest| rest.trim_start().starts_with('(') || !rest.contains(" AND "))
    }

    /// `JOIN "a" ON "b"`: without parentheses around the condition.
    fn joins_bare(&self) -> bool {
        self.has(" JOIN ") && !self.has(" ON (\"")
    }

    fn has_word(&self, is: fn(&str) -> bool) -> bool {
        let mut words = self
            .0
            .split(|c: char| c.is_whitespace() || ",()=".contains(c));
        words.any(is)
    }
}

/// `b0."id"`
fn ecto_alias(word: &str) -> bool {
    let parts = word.split_once('.');
    parts.is_some_and(|(alias, column)| lettered(alias, 1) && column.starts_with('"'))
}

/// `t0.id` as `id_1`, and `b0_.id` as `id_0`
fn doctrine_label((item, label): (&str, &str)) -> bool {
    let parts = item.split_once('.').zip(label.rsplit_once('_'));
    parts.is_some_and(|((alias, column), (name, number))| {
        let alias = alias.strip_suffix('_').unwrap_or(alias);
        lettered(alias, 1) && column == name && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// `b1_0.id`
fn hibernate_alias(word: &str) -> bool {
    let parts = word
        .split_once('.')
        .and_then(|(alias, _)| alias.strip_suffix("_0"));
    parts.is_some_and(|alias| lettered(alias, 3))
}

/// `"b0".*` and `"b0"."id"`
fn mikro_alias(word: &str) -> bool {
    let alias = word
        .strip_prefix('"')
        .and_then(|word| word.split_once("\"."));
    alias.is_some_and(|(alias, _)| lettered(alias, 1))
}

/// Whether a word is a letter or as many as `most`, and a number.
fn lettered(word: &str, most: usize) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let letters = word.len() - digits.len();
    (1..=most).contains(&letters)
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::library;

    /// Statements, and the library that wrote each.
    const WRITTEN: &[(&str, &str)] = &[
        (
            "SELECT \"books\".* FROM \"books\" WHERE \"books\".\"author_id\" = $1",
            "ActiveRecord",
        ),
        (
            "SELECT COUNT(*) FROM \"books\" WHERE \"books\".\"author_id\" = $1",
            "ActiveRecord",
        ),
        (
            "select distinct \"a\".* from \"a\" where \"a\".\"id\" = $1",
            "Bookshelf",
        ),
        (
            "SELECT me.id, me.a FROM b me WHERE ( me.a = $1 )",
            "DBIx::Class",
        ),
        (
            "SELECT \"me\".\"id\", \"me\".\"a\" FROM \"b\" \"me\" WHERE ( ( \"me\".\"a\" = $1 AND \"me\".\"c\" = $2 ) )",
            "DBIx::Class",
        ),
        (
            "SELECT t0.id AS id_1, t0.a AS a_2 FROM b t0 WHERE t0.a = $1",
            "Doctrine",
        ),
        (
            "SELECT b0_.id AS id_0 FROM b b0_ WHERE b0_.a = $1",
            "Doctrine",
        ),
        ("SELECT COUNT(*) FROM b t0 WHERE t0.a = $1", "Doctrine"),
        (
            "SELECT a.id AS id, a.b AS b \nFROM a \nWHERE a.b = $1::INTEGER",
            "Ormar",
        ),
        (
            "SELECT ALL \"a\".\"id\" AS \"id\" FROM \"a\" WHERE \"a\".\"b\" = $1",
            "Piccolo",
        ),
        (
            "SELECT COUNT(*) AS \"_count$_all\" FROM (SELECT \"public\".\"a\".\"id\" FROM \"public\".\"a\" WHERE \"public\".\"a\".\"b\" = $1 OFFSET $2) AS \"sub\"",
            "Prisma",
        ),
        (
            "SELECT a.id AS a_id, a.b AS a_b \nFROM a \nWHERE a.b = $1",
            "SQLAlchemy",
        ),
        (
            "select \"id\", \"a\" from \"public\".\"b\" where \"a\" = $1 limit $2",
            "Waterline",
        ),
        (
            "SELECT \"a\".\"id\", \"a\".\"name\" FROM \"a\" WHERE \"a\".\"id\" = $1 LIMIT $2",
            "Django",
        ),
        (
            "SELECT COUNT(*) AS \"__count\" FROM \"a\" WHERE \"a\".\"id\" = $1",
            "Django",
        ),
        (
            "select \"id\", \"name\" from \"a\" where \"a\".\"id\" = $1",
            "Drizzle",
        ),
        (
            "SELECT a0.\"id\" FROM \"authors\" AS a0 WHERE (a0.\"id\" = $1)",
            "Ecto",
        ),
        (
            "select * from \"a\" where \"a\".\"id\" = $1 limit $2",
            "Eloquent",
        ),
        (
            "SELECT * FROM \"a\" WHERE \"a\".\"id\" = $1 ORDER BY \"a\".\"id\" LIMIT $2",
            "GORM",
        ),
        (
            "select a1_0.id,a1_0.name from authors a1_0 where a1_0.id=$1",
            "Hibernate",
        ),
        (
            "SELECT \"id\",\"name\" FROM \"public\".\"a\" WHERE \"b\"=$1 ORDER BY \"id\" LIMIT $2",
            "LoopBack",
        ),
        (
            "select \"a0\".* from \"a\" as \"a0\" where \"a0\".\"id\" in ($1)",
            "MikroORM",
        ),
        (
            "select \"a\".* from \"a\" where \"a\".\"id\" in ($1)",
            "Objection",
        ),
        (
            "SELECT \"t1\".\"id\" FROM \"a\" AS \"t1\" WHERE (\"t1\".\"id\" = $1)",
            "peewee",
        ),
        (
            "SELECT \"id\", \"name\"\nFROM \"a\"\nWHERE \"id\" = $1",
            "Pony",
        ),
        (
            "SELECT \"public\".\"a\".\"id\" FROM \"public\".\"a\" WHERE \"public\".\"a\".\"b\" = $1 OFFSET $2",
            "Prisma",
        ),
        ("SELECT * FROM \"a\" WHERE (\"a\".\"b\" = $1)", "Sequel"),
        (
            "SELECT \"id\" FROM \"a\" AS \"A\" WHERE \"A\".\"id\" = $1",
            "Sequelize",
        ),
        (
            "SELECT a.id, a.name \nFROM a \nWHERE a.id = $1",
            "SQLAlchemy",
        ),
        (
            "SELECT \"name\",\"id\" FROM \"a\" WHERE \"b\"=$1",
            "Tortoise",
        ),
        (
            "SELECT \"A\".\"id\" AS \"A_id\" FROM \"a\" \"A\" WHERE \"A\".\"id\" = $1",
            "TypeORM",
        ),
    ];

    #[test]
    fn libraries_are_told_by_how_they_write() {
        for (text, expected) in WRITTEN {
            let found = library(text);
            assert!(
                found.is_some_and(|found| found.starts_with(&format!("{expected}:"))),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn what_several_may_have_written_is_nobody_s() {
        for text in [
            "select id from a where id = $1",
            "select * from \"a\" where \"b\" = $1",
            "SELECT \"a\".\"name\" FROM \"a\" WHERE \"a\".\"b\" = $1",
            "SELECT \"a\".\"id\", \"a\".\"b\" FROM \"a\" INNER JOIN \"b\" ON \"b\".\"a\" = \"a\".\"id\" WHERE \"b\".\"id\" = $1",
            "SELECT \"a\".\"id\", \"a\".\"b\" FROM \"a\" WHERE (\"a\".\"b\" = $1)",
            "select \"a\".* from \"a\" where \"a\".\"b\" = $1",
            "SELECT id, name\nFROM a\nWHERE id = $1",
            "SELECT t0.id FROM a t0 WHERE t0.b = $1",
            "select \"id\" from \"a\" where \"b\" = $1 limit $2",
            // ent, bun, Beam, SQLBoiler, Yii, Cycle.
            "SELECT \"a\".\"id\", \"a\".\"b\" FROM \"a\" WHERE \"b\" = $1",
            "SELECT \"a\".\"id\" FROM \"as\" AS \"a\" WHERE (\"a\".\"b\" = $1)",
            "SELECT \"t0\".\"id\" AS \"res0\" FROM \"a\" AS \"t0\" WHERE (\"t0\".\"b\") = ($1)",
            "SELECT \"a\".* FROM \"a\" WHERE (\"a\".\"b\"=$1);",
            "SELECT * FROM \"a\" WHERE \"b\"=$1",
            "SELECT \"a\".\"id\" AS \"c0\" \nFROM \"as\" AS \"a\" \nWHERE \"a\".\"b\" IN ($1)",
            "",
        ] {
            assert_eq!(library(text), None, "{text}");
        }
    }
}
