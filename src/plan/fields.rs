//! Reads a JSON object key by key and remembers which keys were understood; the rest is kept, never an error.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::units::{Blocks, Bytes, Millis};

pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    understood: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(map: &'a Map<String, Value>) -> Self {
        Self {
            map,
            understood: BTreeSet::new(),
        }
    }

    /// The value of `key` where `read` makes sense of it; otherwise the key counts as unknown.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.map.get(key)?)?;
        self.understood.insert(key);
        Some(value)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.read(key, |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn word<T>(&mut self, key: &'static str, from_word: fn(&str) -> T) -> Option<T> {
        self.read(key, |value| value.as_str().map(from_word))
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.read(key, Value::as_bool)
    }

    pub(super) fn number(&mut self, key: &'static str) -> Option<f64> {
        self.read(key, |value| value.as_f64().filter(|n| n.is_finite()))
    }

    pub(super) fn count(&mut self, key: &'static str) -> Option<i64> {
        self.read(key, Value::as_i64)
    }

    pub(super) fn millis(&mut self, key: &'static str) -> Option<Millis> {
        self.number(key).map(Millis)
    }

    pub(super) fn blocks(&mut self, key: &'static str) -> Option<Blocks> {
        self.count(key).map(Blocks)
    }

    /// A size that EXPLAIN prints in kB (`BYTES_TO_KILOBYTES`: units of 1024, rounded up).
    pub(super) fn kilobytes(&mut self, key: &'static str) -> Option<Bytes> {
        self.count(key).map(|kb| Bytes(kb.saturating_mul(1024)))
    }

    /// A list of texts; empty when the key is absent or holds something else.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.read(key, |value| {
            value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        })
        .unwrap_or_default()
    }

    pub(super) fn object(&mut self, key: &'static str) -> Option<Fields<'a>> {
        self.read(key, Value::as_object).map(Fields::new)
    }

    /// The objects of a list of objects; anything else in it is passed over.
    pub(super) fn objects(&mut self, key: &'static str) -> Vec<Fields<'a>> {
        self.read(key, Value::as_array)
            .map(|items| {
                items
                    .iter()
                    .filter_map(Value::as_object)
                    .map(Fields::new)
                    .collect()
            })
            .unwrap_or_default()
    }

    /// What no one asked for.
    pub(super) fn rest(self) -> BTreeMap<String, Value> {
        self.map
            .iter()
            .filter(|(key, _)| !self.understood.contains(key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }
}
