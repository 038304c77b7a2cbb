//! The password file (`passwordFromFile` in fe-connect.c): lines of `host:port:database:user:password`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::secret::Password;

/// What a line must match. A field of the file that is `*` matches everything.
pub(super) struct Wanted<'a> {
    /// The host name, address or socket directory.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The lines of a password file. No `Debug`: it holds passwords.
#[derive(Default)]
pub(super) struct PassFile {
    text: String,
}

impl PassFile {
    /// Reads the file; a file that is not there is an empty one. A file that others can read, that is no plain file
    /// or that cannot be read is not used, and the text of a warning says so.
    pub(super) fn read(path: &Path) -> (Self, Option<String>) {
        let Ok(metadata) = std::fs::metadata(path) else {
            return (Self::default(), None);
        };
        let shown = path.display();
        if !metadata.is_file() {
            let warning = format!("password file \"{shown}\" is not a plain file; it is not used");
            return (Self::default(), Some(warning));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            let warning = format!(
                "password file \"{shown}\" has group or world access and is not used; run: chmod 0600 {shown}"
            );
            return (Self::default(), Some(warning));
        }
        match std::fs::read_to_string(path) {
            Ok(text) => (Self { text }, None),
            Err(error) => (
                Self::default(),
                Some(format!(
                    "cannot read the password file \"{shown}\": {error}"
                )),
            ),
        }
    }

    /// The password of the first line that matches.
    pub(super) fn find(&self, wanted: &Wanted<'_>) -> Option<Password> {
        self.text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .find_map(|line| password(line, wanted))
            .and_then(Password::new)
    }
}

fn password(line: &str, wanted: &Wanted<'_>) -> Option<String> {
    let port = wanted.port.to_string();
    let rest = host_matches(line, wanted.host)?;
    let rest = field_matches(rest, &port)?;
    let rest = field_matches(rest, wanted.database)?;
    let rest = field_matches(rest, wanted.user)?;
    Some(unescape(rest))
}

/// A socket directory matches itself and `localhost`. libpq takes `localhost` only for the directory compiled into
/// it, which differs between builds; here it stands for any.
fn host_matches<'a>(line: &'a str, host: &str) -> Option<&'a str> {
    field_matches(line, host).or_else(|| {
        host.starts_with('/')
            .then(|| field_matches(line, "localhost"))
            .flatten()
    })
}

/// What follows the field's colon, if the field (with its backslash escapes) is `*` or the text.
fn field_matches<'a>(line: &'a str, text: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut expected = text.chars();
    let mut characters = line.char_indices();
    while let Some((at, c)) = characters.next() {
        let c = match c {
            ':' => {
                let rest = line.get(at + 1..)?;
                return expected.next().is_none().then_some(rest);
            }
            '\\' => characters.next()?.1,
            c => c,
        };
        if expected.next() != Some(c) {
            return None;
        }
    }
    None
}

/// The last field: up to a colon that is not escaped, without the escapes.
fn unescape(field: &str) -> String {
    let mut password = String::new();
    let mut characters = field.chars();
    while let Some(c) = characters.next() {
        match c {
            ':' => break,
            '\\' => password.extend(characters.next()),
            c => password.push(c),
        }
    }
    password
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use proptest::prelude::*;

    use super::*;

    const WANTED: Wanted<'_> = Wanted {
        host: "db",
        port: 5432,
        database: "shop",
        user: "ann",
    };

    fn find(text: &str, wanted: &Wanted<'_>) -> Option<Vec<u8>> {
        PassFile { text: text.into() }
            .find(wanted)
            .map(|p| p.expose().to_vec())
    }

    #[test]
    fn lines_match_field_by_field() {
        let cases = [
            ("db:5432:shop:ann:pw", Some("pw")),
            ("*:*:*:*:pw", Some("pw")),
            ("db:*:*:ann:pw\n", Some("pw")),
            ("db:*:*:ann:pw\r\n", Some("pw")),
            ("# db:5432:shop:ann:no\ndb:5432:shop:ann:pw", Some("pw")),
            ("other:5432:shop:ann:no\n\ndb:5432:shop:ann:pw", Some("pw")),
            (
                "db:5432:shop:ann:first\ndb:5432:shop:ann:second",
                Some("first"),
            ),
            (r"db:5432:shop:ann:a\:b\\c", Some(r"a:b\c")),
            ("db:5432:shop:ann:a:b", Some("a")),
            (r"d\b:5432:shop:ann:pw", Some("pw")),
            ("db:5432:shop:ann:pä ss", Some("pä ss")),
            ("db:5433:shop:ann:no", None),
            ("dbx:5432:shop:ann:no", None),
            ("d:5432:shop:ann:no", None),
            ("db*:5432:shop:ann:no", None),
            ("db:5432:shop:ann:", None),
            ("db:5432:shop:ann", None),
            ("db:5432", None),
            ("localhost:5432:shop:ann:no", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(
                find(text, &WANTED).as_deref(),
                expected.map(str::as_bytes),
                "{text}"
            );
        }
    }

    #[test]
    fn sockets_match_their_directory_and_localhost() {
        let wanted = Wanted {
            host: "/run/x",
            ..WANTED
        };
        assert_eq!(
            find("localhost:5432:shop:ann:pw", &wanted).as_deref(),
            Some(&b"pw"[..])
        );
        assert_eq!(
            find("/run/x:5432:shop:ann:pw", &wanted).as_deref(),
            Some(&b"pw"[..])
        );
        assert_eq!(find("/run:5432:shop:ann:pw", &wanted), None);
        let wanted = Wanted {
            host: "::1",
            ..WANTED
        };
        assert_eq!(
            find(r"\:\:1:5432:shop:ann:pw", &wanted).as_deref(),
            Some(&b"pw"[..])
        );
    }

    #[test]
    fn a_file_others_can_read_is_not_used() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pgpass");
        assert!(matches!(PassFile::read(&path), (file, None) if file.text.is_empty()));
        std::fs::write(&path, "*:*:*:*:pw").unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let (file, warning) = PassFile::read(&path);
            assert_eq!(file.find(&WANTED).is_some(), used, "{mode:o}");
            assert_eq!(warning.is_none(), used, "{mode:o}");
        }
        let (_, warning) = PassFile::read(directory.path());
        assert!(warning.unwrap().contains("not a plain file"));
    }

    proptest! {
        #[test]
        fn finding_never_panics(text in "(db|:|\\*|\\\\|\n|é|5432|shop|ann)*") {
            let _ = find(&text, &WANTED);
        }

        #[test]
        fn an_escaped_password_comes_back(password in "[^\\u{0}\r\n]+") {
            let escaped = password.replace('\\', "\\\\").replace(':', "\\:");
            let found = find(&format!("db:5432:shop:ann:{escaped}"), &WANTED);
            prop_assert_eq!(found.as_deref(), Some(password.as_bytes()));
        }
    }
}
