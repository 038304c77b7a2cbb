//! A password that cannot be printed by accident.

use std::fmt;

/// A password. `Debug` hides it and there is no `Display`, so it reaches neither a log nor an error.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Password(String);

impl Password {
    /// Wraps a password; an empty one means that there is none, as in libpq.
    pub(super) fn new(value: impl Into<String>) -> Option<Self> {
        let value = value.into();
        (!value.is_empty()).then_some(Self(value))
    }

    /// The bytes to authenticate with.
    pub(super) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}
