//! Plain SQL that creates a least-privileged role.
