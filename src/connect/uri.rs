//! Connection URIs by the rules of `conninfo_uri_parse_options` in fe-connect.c. No error quotes the URI: a password
//! whose special characters are not percent-encoded ends up in any of its parts.

use super::invalid::InvalidParameters;
use super::keyword::{Given, Keyword, Origin, Parameters};

/// Whether the text begins like a connection URI.
pub(super) fn is_uri(text: &str) -> bool {
    body(text).is_some()
}

fn body(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
}

/// Parses a connection URI: `postgresql://[user[:password]@][host[:port],…][/dbname][?name=value&…]`.
pub(super) fn parse(text: &str) -> Result<Parameters, InvalidParameters> {
    let body = body(text).unwrap_or_default();
    let mut uri = Uri {
        parameters: Parameters::new(),
    };
    let rest = uri.credentials(body)?;
    let rest = uri.hosts(rest)?;
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    if let Some(dbname) = path.strip_prefix('/').filter(|name| !name.is_empty()) {
        uri.check_path(dbname)?;
        uri.set(Keyword::DbName, decode(dbname)?);
    }
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        query.split('&').try_for_each(|pair| uri.query_pair(pair))?;
    }
    Ok(uri.parameters)
}

struct Uri {
    parameters: Parameters,
}

impl Uri {
    fn set(&mut self, keyword: Keyword, value: String) {
        let origin = Origin::Uri;
        self.parameters.insert(keyword, Given { value, origin });
    }

    /// Takes `user:password@` off the front: libpq looks for the first `@` before the first slash.
    fn credentials<'a>(&mut self, body: &'a str) -> Result<&'a str, InvalidParameters> {
        let Some(at) = body.find(['@', '/']) else {
            return Ok(body);
        };
        let (credentials, rest) = body.split_at(at);
        let Some(rest) = rest.strip_prefix('@') else {
            return Ok(body);
        };
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        if !user.is_empty() {
            self.set(Keyword::User, decode(user)?);
        }
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            self.set(Keyword::Password, decode(password)?);
        }
        Ok(rest)
    }

    /// In `u:123/x@host/db` the slash of the password makes `u` the host and the rest the database: refused, because
    /// the error of the failed connection would show it.
    fn check_path(&self, dbname: &str) -> Result<(), InvalidParameters> {
        let credentials = self.parameters.contains_key(&Keyword::User);
        if dbname.contains('@') && !credentials && self.parameters.contains_key(&Keyword::Port) {
            return Err(malformed(ENCODE_PASSWORD));
        }
        Ok(())
    }

    /// Takes the comma-separated `host:port` list off the front.
    fn hosts<'a>(&mut self, mut rest: &'a str) -> Result<&'a str, InvalidParameters> {
        let mut hosts = Vec::new();
        let mut ports = Vec::new();
        loop {
            let (host, after) = host(rest)?;
            let (port, after) = port(after)?;
            hosts.push(host);
            ports.push(port);
            let Some(next) = after.strip_prefix(',') else {
                rest = after;
                break;
            };
            rest = next;
        }
        let (hosts, ports) = (hosts.join(","), ports.join(","));
        if !hosts.is_empty() {
            self.set(Keyword::Host, decode(&hosts)?);
        }
        if !ports.is_empty() {
            self.set(Keyword::Port, decode(&ports)?);
        }
        Ok(rest)
    }

    fn query_pair(&mut self, pair: &str) -> Result<(), InvalidParameters> {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(malformed("a query parameter has no \"=\""));
        };
        if value.contains('=') {
            return Err(malformed(
                "a query parameter has two \"=\"; write %3D for one that belongs to the value",
            ));
        }
        let name = decode(name)?;
        let value = decode(value)?;
        // JDBC's spelling, which libpq takes too.
        if name == "ssl" && value == "true" {
            self.set(Keyword::SslMode, "require".to_owned());
            return Ok(());
        }
        let Some(keyword) = Keyword::named(&name) else {
            return Err(InvalidParameters::UnknownKeyword {
                keyword: name,
                origin: Origin::Uri.to_string(),
            });
        };
        self.set(keyword, value);
        Ok(())
    }
}

/// A host name, a bracketed IPv6 address, or nothing.
fn host(text: &str) -> Result<(&str, &str), InvalidParameters> {
    let Some(bracketed) = text.strip_prefix('[') else {
        let end = text.find([':', '/', '?', ',']).unwrap_or(text.len());
        let (host, rest) = text.split_at(end);
        if host.contains('@') {
            return Err(malformed(ENCODE_PASSWORD));
        }
        return Ok((host, rest));
    };
    let Some((address, rest)) = bracketed.split_once(']') else {
        return Err(malformed("an IPv6 address has no closing \"]\""));
    };
    if address.is_empty() {
        return Err(malformed("the IPv6 address in brackets is empty"));
    }
    if !rest.is_empty() && !rest.starts_with([':', '/', '?', ',']) {
        return Err(malformed(
            "after an IPv6 address in brackets comes \":\", \"/\", \"?\" or the end",
        ));
    }
    Ok((address, rest))
}

fn port(text: &str) -> Result<(&str, &str), InvalidParameters> {
    let Some(text) = text.strip_prefix(':') else {
        return Ok(("", text));
    };
    let end = text.find(['/', '?', ',']).unwrap_or(text.len());
    let (port, rest) = text.split_at(end);
    if port.chars().all(|c| c.is_ascii_digit() || c == '%') {
        return Ok((port, rest));
    }
    Err(malformed(ENCODE_PASSWORD))
}

const ENCODE_PASSWORD: &str = "what stands where the host and port belong is neither; \
     write special characters of the user name and password percent-encoded (@ is %40, / is %2F, : is %3A, # is %23)";

/// Percent-decoding (`conninfo_uri_decode`): `%00` is refused, `+` is itself.
fn decode(text: &str) -> Result<String, InvalidParameters> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.next().and_then(hex).zip(rest.next().and_then(hex));
        match digits {
            Some((high, low)) if high | low != 0 => bytes.push(high << 4 | low),
            Some(_) => return Err(malformed("%00 is not allowed")),
            None => {
                return Err(malformed(
                    "a \"%\" is not followed by two hexadecimal digits; write %25 for the character itself",
                ));
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed("the percent-encoded text is not UTF-8"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn malformed(problem: &str) -> InvalidParameters {
    InvalidParameters::Malformed {
        what: "connection URI",
        problem: problem.to_owned(),
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

    /// The cases of libpq's own `src/interfaces/libpq/t/001_uri.pl`, and some pasted from clouds.
    const CASES: &[(&str, &[(&str, &str)])] = &[
        (
            "postgresql://uri-user:secret@host:12345/db",
            &[
                ("user", "uri-user"),
                ("password", "secret"),
                ("dbname", "db"),
                ("host", "host"),
                ("port", "12345"),
            ],
        ),
        (
            "postgresql://uri-user@host:12345/",
            &[("user", "uri-user"), ("host", "host"), ("port", "12345")],
        ),
        (
            "postgresql://host:12345/db",
            &[("dbname", "db"), ("host", "host"), ("port", "12345")],
        ),
        ("postgresql://host", &[("host", "host")]),
        ("postgresql://", &[]),
        ("postgres://", &[]),
        ("postgresql:///db", &[("dbname", "db")]),
        ("postgresql://?host=h", &[("host", "h")]),
        ("postgresql:///?port=12345", &[("port", "12345")]),
        (
            "postgresql://host/db?user=u",
            &[("user", "u"), ("dbname", "db"), ("host", "host")],
        ),
        ("postgresql://%68ost/", &[("host", "host")]),
        (
            "postgresql://host:/db",
            &[("dbname", "db"), ("host", "host")],
        ),
        ("postgres://[::1]/db", &[("dbname", "db"), ("host", "::1")]),
        (
            "postgres://[2001:db8::1234]:5432",
            &[("host", "2001:db8::1234"), ("port", "5432")],
        ),
        ("postgres://[::]/", &[("host", "::")]),
        (
            "postgres:///db?host=/path/to/socket/dir",
            &[("dbname", "db"), ("host", "/path/to/socket/dir")],
        ),
        (
            "postgres://%2Fvar%2Flib/db",
            &[("dbname", "db"), ("host", "/var/lib")],
        ),
        (
            "postgres://h1:5432,h2:5433/db",
            &[("dbname", "db"), ("host", "h1,h2"), ("port", "5432,5433")],
        ),
        (
            "postgres://h1,h2/db",
            &[("dbname", "db"), ("host", "h1,h2"), ("port", ",")],
        ),
        (
            "postgres://u:p%40ss%2Fw@h/db",
            &[
                ("user", "u"),
                ("password", "p@ss/w"),
                ("dbname", "db"),
                ("host", "h"),
            ],
        ),
        ("postgres://:pw@h", &[("password", "pw"), ("host", "h")]),
        ("postgres://u:@h", &[("user", "u"), ("host", "h")]),
        (
            "postgres://u:a:b@h",
            &[("user", "u"), ("password", "a:b"), ("host", "h")],
        ),
        (
            "postgres://h/db?ssl=true",
            &[("dbname", "db"), ("host", "h"), ("sslmode", "require")],
        ),
        ("postgres://h/?", &[("host", "h")]),
        ("postgres://h/a+b", &[("dbname", "a+b"), ("host", "h")]),
        (
            "postgresql://u:npg_x@ep-a.eu.aws.neon.tech/db?sslmode=require&channel_binding=require",
            &[
                ("user", "u"),
                ("password", "npg_x"),
                ("channel_binding", "require"),
                ("dbname", "db"),
                ("host", "ep-a.eu.aws.neon.tech"),
                ("sslmode", "require"),
            ],
        ),
        (
            "postgres://h/db?options=-c%20search_path%3Da",
            &[
                ("dbname", "db"),
                ("host", "h"),
                ("options", "-c search_path=a"),
            ],
        ),
    ];

    #[test]
    fn uris_mean_what_they_mean_to_libpq() {
        for (text, expected) in CASES {
            let expected: Vec<_> = expected
                .iter()
                .map(|(k, v)| (*k, (*v).to_owned()))
                .collect();
            assert_eq!(pairs(text).as_deref(), Ok(expected.as_slice()), "{text}");
        }
    }

    #[test]
    fn what_libpq_refuses_is_refused() {
        for text in [
            "postgres://host?uzer=",
            "postgres://[::1",
            "postgres://[]",
            "postgres://[::1]z",
            "postgres://host?zzz",
            "postgres://host?value1&value2",
            "postgres://host?key=key=value",
            "postgres://host?dbname=%XXfoo",
            "postgres://a%00b",
            "postgres://%zz",
            "postgres://%1",
            "postgres://%",
            "postgres://%ff",
        ] {
            assert!(pairs(text).is_err(), "{text}");
        }
        assert_eq!(
            pairs("postgres://h/db?pgbouncer=true").unwrap_err(),
            "unknown connection parameter \"pgbouncer\" in the connection URI; remove it or correct its name"
        );
    }

    #[test]
    fn a_badly_encoded_password_does_not_leak() {
        for text in [
            "postgres://u:hun@ter2@h/db",
            "postgres://u:hun/ter2@h/db",
            "postgres://u:hun%ter2@h/db",
            "postgres://u:5/hunter2@h/db",
        ] {
            let message = pairs(text).unwrap_err();
            assert!(
                !message.contains("hun") && !message.contains("ter2"),
                "{message}"
            );
            assert!(message.contains('%'), "{message}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = parse(&format!("postgres://{text}"));
        }

        #[test]
        fn pieces_never_panic(parts in proptest::collection::vec("(host|[0-9]|@|:|/|\\?|&|=|%|%4|\\[|\\]|,|é)", 0..16)) {
            let _ = parse(&format!("postgresql://{}", parts.concat()));
        }

        #[test]
        fn an_encoded_password_comes_back(password in "[^\\u{0}]+") {
            let encoded: String = password.bytes().fold(String::new(), |text, b| text + &format!("%{b:02X}"));
            let given = parse(&format!("postgres://u:{encoded}@h:1/db")).unwrap();
            prop_assert_eq!(&given[&Keyword::Password].value, &password);
        }
    }
}
