//! The statements of `queries/` as they are sent: without the comments above them, so that each begins with the
//! program's marker wherever a server shows the beginning of a text (`pg_stat_activity`, the log).

/// The statement in a file of `queries/`.
macro_rules! query {
    ($file:literal) => {
        const {
            $crate::query::body(include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/queries/",
                $file
            )))
        }
    };
}

/// The text after the comment lines that it begins with.
pub(crate) const fn body(text: &str) -> &str {
    let bytes = text.as_bytes();
    let mut start = 0;
    while start + 1 < bytes.len() && bytes[start] == b'-' && bytes[start + 1] == b'-' {
        while start < bytes.len() && bytes[start] != b'\n' {
            start += 1;
        }
        start += 1;
    }
    text.split_at(start).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comments_above_a_statement_are_left_out() {
        for (text, statement) in [
            ("-- a\n-- b - c\nSELECT -- d\n 1\n", "SELECT -- d\n 1\n"),
            ("SELECT 1", "SELECT 1"),
            ("-- nothing\n", ""),
            ("", ""),
        ] {
            assert_eq!(body(text), statement);
        }
    }
}
