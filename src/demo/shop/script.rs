//! SQL files of several named statements.

use std::collections::BTreeMap;

/// The sections of a file in which `-- name: x` begins each; other comment lines are for the reader and are not sent.
#[derive(Debug, Clone)]
pub(super) struct Script {
    sections: BTreeMap<&'static str, String>,
    order: Vec<&'static str>,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Self {
        let mut sections: BTreeMap<&'static str, String> = BTreeMap::new();
        let mut order = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("-- name: ") {
                order.push(name.trim());
                sections.insert(name.trim(), String::new());
            } else if let Some(name) = order.last().filter(|_| !line.starts_with("--")) {
                let section = sections.entry(name).or_default();
                section.push_str(line);
                section.push('\n');
            }
        }
        for section in sections.values_mut() {
            *section = section.trim().trim_end_matches(';').to_owned();
        }
        Self { sections, order }
    }

    /// The statement of that name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.sections.get(name).map(String::as_str)
    }

    /// Names and statements, as the file has them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.order
            .iter()
            .filter_map(|name| Some((*name, self.sections.get(name)?.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_lose_comments_and_the_last_semicolon() {
        let script = Script::new(
            "-- header\n\n-- name: b\n-- why\nSELECT 1\n    + 2;\n\n-- name: a\nSELECT 3; SELECT 4;\n",
        );
        let found: Vec<_> = script.iter().collect();
        assert_eq!(
            found,
            [("b", "SELECT 1\n    + 2"), ("a", "SELECT 3; SELECT 4")]
        );
        assert_eq!(script.get("c"), None);
    }
}
