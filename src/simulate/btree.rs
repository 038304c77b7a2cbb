//! The height of btree indexes, which the planner reads from the index itself, and files that have one.
//!
//! A simulated index is a chain of pages, one a level, down to an empty leaf: enough for the planner, which reads the
//! metapage and sometimes walks to an end of the index to learn the greatest value (it finds none, and keeps to the
//! histogram). The layouts are those of `nbtree.h`, `bufpage.h` and `itup.h`, the same in versions 13 to 18.

/// `SizeOfPageHeaderData`, which is also where a metapage's contents begin.
const HEADER: usize = 24;
/// `sizeof(BTPageOpaqueData)`.
const OPAQUE: usize = 16;
/// Where `btm_root` stands, after `btm_magic` and `btm_version`; `btm_level`, `btm_fastroot` and `btm_fastlevel`
/// follow.
pub(super) const ROOT_AT: u64 = 32;
/// `BTP_LEAF`, `BTP_ROOT`.
const LEAF: u16 = 1;
const ROOT: u16 = 2;
/// `PG_PAGE_LAYOUT_VERSION`.
const LAYOUT: u16 = 4;
/// `LP_NORMAL`, shifted to its place in an `ItemIdData`, and where its length stands there.
const NORMAL: u32 = 1 << 15;
const LENGTH_AT: u32 = 17;
/// `sizeof(IndexTupleData)`, and `t_info` of a pivot tuple without keys: its size and `INDEX_ALT_TID_MASK`.
const TUPLE: u16 = 8;
const MINUS_INFINITY: u16 = 0x2000 | TUPLE;
/// `BTREE_NONLEAF_FILLFACTOR`.
const INNER_FILL: f64 = 0.7;

/// Levels above the leaves of an index of so many pages whose keys are so wide. Inner pages hold the keys that part the
/// pages below, filled to `BTREE_NONLEAF_FILLFACTOR`; the root alone is split no sooner than it is full, unless the
/// index was built after its rows, which nothing tells.
pub(super) fn height(pages: i64, key_bytes: f64, block_size: usize) -> u32 {
    let page = f64::from(u32::try_from(block_size - HEADER - OPAQUE).unwrap_or(u32::MAX));
    let tuple = 8.0 + (key_bytes.max(1.0) / 8.0).ceil() * 8.0 + 4.0;
    let root = (page / tuple).floor().max(2.0);
    let fan_out = (page * INNER_FILL / tuple).floor().max(2.0);
    // All but the metapage; of the rest, one inner page for each `fan_out` leaves.
    let mut level_pages = crate::units::float(pages - 1) * (1.0 - 1.0 / fan_out);
    let mut height = 0;
    while level_pages > root {
        level_pages = (level_pages / fan_out).ceil();
        height += 1;
    }
    height + u32::from(level_pages > 1.0)
}

/// The four words at [`ROOT_AT`] of a metapage whose root is at this block.
pub(super) fn root_words(root: u32, height: u32) -> Vec<u8> {
    let words = [root, height, root, height];
    words.into_iter().flat_map(u32::to_ne_bytes).collect()
}

/// The pages of an empty index of this height, root first, to stand from block `first` on.
pub(super) fn chain(first: u32, height: u32, block_size: usize) -> Vec<u8> {
    let levels = (0..=height).rev().zip(first..);
    levels
        .flat_map(|(level, block)| page(level, height, block + 1, block_size))
        .collect()
}

/// A page that is alone on its level; an inner one leads to `child`.
fn page(level: u32, height: u32, child: u32, block_size: usize) -> Vec<u8> {
    let special = block_size - OPAQUE;
    let tuple = usize::from(TUPLE);
    let (lower, upper) = match level {
        0 => (HEADER, special),
        _ => (HEADER + 4, special - tuple),
    };
    let mut page = vec![0; block_size];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = page.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(12, &half(lower));
    put(14, &half(upper));
    put(16, &half(special));
    put(18, &(word(block_size) | LAYOUT).to_ne_bytes());
    if level > 0 {
        let item = u32::from(word(upper)) | NORMAL | u32::from(TUPLE) << LENGTH_AT;
        put(HEADER, &item.to_ne_bytes());
        // `ItemPointerData`: the block's number in two halves, the higher first, and no offset.
        let [high, low] =
            [child >> 16, child & 0xffff].map(|half| u16::try_from(half).unwrap_or(0));
        put(upper, &high.to_ne_bytes());
        put(upper + 2, &low.to_ne_bytes());
        put(upper + 6, &MINUS_INFINITY.to_ne_bytes());
    }
    let mut flags = 0;
    if level == 0 {
        flags |= LEAF;
    }
    if level == height {
        flags |= ROOT;
    }
    put(special + 8, &level.to_ne_bytes());
    put(special + 12, &flags.to_ne_bytes());
    page
}

fn word(bytes: usize) -> u16 {
    u16::try_from(bytes).unwrap_or(0)
}

fn half(bytes: usize) -> [u8; 2] {
    word(bytes).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of indexes over bigints (8 bytes) and texts of 32 characters (33 bytes) that PostgreSQL 15 built, or that grew
    /// row by row to 382 and 410 pages, as `bt_metap` of pageinspect tells their heights.
    #[test]
    fn heights_are_those_of_built_indexes() {
        for (pages, width, levels) in [
            (1, 8.0, 0),
            (2, 8.0, 0),
            (30, 8.0, 1),
            (276, 8.0, 1),
            (287, 8.0, 1),
            (382, 8.0, 1),
            (410, 8.0, 2),
            (825, 8.0, 2),
            (13_713, 8.0, 2),
            (5, 33.0, 1),
            (74, 33.0, 1),
            (724, 33.0, 2),
            (2_165, 33.0, 2),
            (36_045, 33.0, 3),
        ] {
            assert_eq!(
                height(pages, width, 8192),
                levels,
                "{pages} pages of {width} bytes"
            );
        }
    }

    #[test]
    fn a_chain_has_a_page_a_level() {
        let pages = chain(1, 2, 8192);
        assert_eq!(pages.len(), 3 * 8192);
        let level = |page: usize| pages[page * 8192 + 8192 - 8];
        assert_eq!([level(0), level(1), level(2)], [2, 1, 0]);
    }
}
