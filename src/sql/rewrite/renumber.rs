//! Parameter numbers without gaps: the server wants a type for every number up to the highest.

use std::collections::{BTreeMap, BTreeSet};

use super::stream::{Edits, Stream};

/// `text` with its parameters numbered from 1 without gaps, in the order of their old numbers, and the old number of
/// each new one.
pub fn renumber(text: &str) -> (String, Vec<u32>) {
    let stream = Stream::new(text);
    let used: Vec<_> = (0..stream.len())
        .filter_map(|index| Some((index, stream.parameter(index)?)))
        .collect();
    let old: Vec<u32> = used
        .iter()
        .map(|(_, number)| *number)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let new: BTreeMap<u32, usize> = old.iter().copied().zip(1..).collect();
    let mut edits = Edits::default();
    for (index, number) in used {
        if let (Some(token), Some(new)) = (stream.get(index), new.get(&number))
            && usize::try_from(number) != Ok(*new)
        {
            edits.replace(token.span(), format!("${new}"));
        }
    }
    (edits.apply(text), old)
}

#[cfg(test)]
mod tests {
    use super::renumber;

    #[test]
    fn numbers_close_up() {
        for (text, expected, old) in [
            ("$1 $2", "$1 $2", vec![1, 2]),
            (
                "$7, $3, '$3', $70 $7",
                "$2, $1, '$3', $3 $2",
                vec![3, 7, 70],
            ),
            ("a", "a", vec![]),
        ] {
            assert_eq!(renumber(text), (expected.to_owned(), old));
        }
    }
}
