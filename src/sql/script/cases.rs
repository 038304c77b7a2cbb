//! Values of parameters in the plan files of regresql: test cases by name, each with the parameters of one statement.

use std::collections::BTreeMap;

/// The values of the first case that has any; `None` is NULL. Of YAML no more is read than regresql writes: maps of
/// maps of single values.
pub fn first_case(yaml: &str) -> BTreeMap<String, Option<String>> {
    let mut values = BTreeMap::new();
    for line in yaml.lines() {
        let inside = line.starts_with([' ', '\t']);
        if !inside && !values.is_empty() && !line.trim().is_empty() {
            break;
        }
        let entry = line.trim();
        if !inside || entry.starts_with(['#', '-']) {
            continue;
        }
        let Some((name, value)) = entry.split_once(':') else {
            continue;
        };
        let name = name.trim().trim_matches(['"', '\'']).to_owned();
        match value.trim() {
            "null" | "~" => {
                values.insert(name, None);
            }
            value => {
                values.extend(scalar(value).map(|value| (name, Some(value))));
            }
        }
    }
    values
}

/// A single value; nothing for the empty one that stands in a new file, and for lists and maps.
fn scalar(text: &str) -> Option<String> {
    if let Some(rest) = text.strip_prefix('"') {
        let (inner, _) = rest.rsplit_once('"')?;
        let plain = inner.replace("\\\"", "\"").replace("\\\\", "\\");
        return (!plain.is_empty()).then_some(plain);
    }
    if let Some(rest) = text.strip_prefix('\'') {
        let (inner, _) = rest.rsplit_once('\'')?;
        return (!inner.is_empty()).then(|| inner.replace("''", "'"));
    }
    let plain = text.split(" #").next().unwrap_or_default().trim();
    match plain {
        "" => None,
        list if list.starts_with(['[', '{', '|', '>', '&', '*', '#']) => None,
        plain => Some(plain.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_case_with_values_counts() {
        let yaml = "# cases\nfixtures:\n  - users\n\n\"1\": {}\n\"top-1\":\n  \"n\": \"1\"\n  name: Red Hot # chili\n  mail: 'it''s'\n  at: null\n  new: \"\"\n  list: [1, 2]\n\n\"top-3\":\n  n: 3\n";
        let expected = [
            ("at", None),
            ("mail", Some("it's")),
            ("n", Some("1")),
            ("name", Some("Red Hot")),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        assert_eq!(first_case(yaml), expected.into());
        assert!(first_case("\"1\": {}\n").is_empty());
    }
}
