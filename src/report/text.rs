//! Text of other people made safe to show: query texts and names come from whoever used the database.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text on one line: runs of white space become one blank, and what could steer a terminal or hide the
/// direction of text (control characters, Unicode's bidirectional controls) becomes U+FFFD.
pub fn one_line(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        .map(|word| word.chars().map(harmless).collect())
        .collect();
    words.join(" ")
}

const fn harmless(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c => c,
    }
}

/// As [`one_line`], but line breaks stay.
pub fn lines(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.chars()
                .map(|c| if c == '\t' { ' ' } else { harmless(c) })
                .collect()
        })
        .collect::<Vec<String>>()
        .join("\n")
}

/// The text cut to so many columns, the cut shown by `…`.
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 0;
    let mut kept = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used >= columns {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// A page of Markdown, its paragraphs filled to lines of at most so many columns; headings and points of lists begin
/// lines of their own.
pub fn filled(page: &str, columns: usize) -> String {
    let mut text = String::with_capacity(page.len());
    for paragraph in page.trim_end().split("\n\n") {
        let mut whole: Vec<String> = Vec::new();
        let mut open = false;
        for line in paragraph.lines() {
            let heading = line.starts_with('#');
            match whole
                .last_mut()
                .filter(|_| open && !heading && !line.starts_with("- "))
            {
                Some(last) => {
                    last.push(' ');
                    last.push_str(line.trim_start());
                }
                None => whole.push(line.to_owned()),
            }
            open = !heading;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        for line in whole.iter().flat_map(|line| wrap(line, columns)) {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// The text broken at blanks into lines of at most so many columns; a longer word is broken where it must be.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let mut word = word;
        if !line.is_empty() && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::take(&mut line));
        }
        while word.width() > columns {
            let (head, tail) = split_at_width(word, columns);
            lines.push(head.to_owned());
            word = tail;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn split_at_width(word: &str, columns: usize) -> (&str, &str) {
    // A selector that follows a character can make it wider, so that widths of characters do not add up.
    for (at, c) in word.char_indices().skip(1) {
        let with = word.get(..at + c.len_utf8()).unwrap_or(word);
        if with.width() > columns {
            return word.split_at(at);
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_lose_their_force() {
        assert_eq!(one_line("SELECT\n  1 \u{1b}[31m"), "SELECT 1 \u{fffd}[31m");
        assert_eq!(one_line("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn filled_pages_keep_their_words_and_headings() {
        for check in crate::checks::CHECKS {
            let page = check.meta().page;
            let text = filled(page, 80);
            assert!(text.lines().all(|line| line.width() <= 80), "{text}");
            assert!(text.split_whitespace().eq(page.split_whitespace()));
            let headings = |text: &str| text.matches("\n## ").count();
            assert_eq!(headings(&text), headings(page));
            assert_eq!(filled(&text, 80), text);
        }
    }

    #[test]
    fn points_of_a_list_begin_lines() {
        let page = "## Two\nof\nthem:\n- one\n  and more\n- other\n";
        assert_eq!(
            filled(page, 80),
            "## Two\nof them:\n- one and more\n- other\n"
        );
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(cut("SELECT 1", 8), "SELECT 1");
        assert_eq!(cut("SELECT 12", 8), "SELECT …");
    }

    #[test]
    fn wrapping_breaks_at_blanks() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
    }

    proptest! {
        #[test]
        fn no_wrapped_line_is_too_wide(text in "\\PC{0,120}", columns in 8_usize..40) {
            for line in wrap(&one_line(&text), columns) {
                prop_assert!(line.width() <= columns, "{line:?}");
            }
        }
    }
}
