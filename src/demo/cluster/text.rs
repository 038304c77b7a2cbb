//! Names as URIs and shells want them.

use std::fmt::Write;
use std::path::Path;

/// RFC 3986: everything but unreserved characters is escaped.
pub(super) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

pub(super) fn shell_quote(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._/+@".contains(&b))
    {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_uris_and_shells() {
        assert_eq!(percent_encode("/tmp/a b"), "%2Ftmp%2Fa%20b");
        assert_eq!(percent_encode("shop_1-2.3~"), "shop_1-2.3~");
        assert_eq!(shell_quote(Path::new("/usr/bin/pg_ctl")), "/usr/bin/pg_ctl");
        assert_eq!(shell_quote(Path::new("/it's")), r"'/it'\''s'");
    }
}
