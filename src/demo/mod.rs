//! A throwaway PostgreSQL server, and the sample shop that `pgtriage demo` diagnoses on it.

pub mod binaries;
pub mod cluster;
pub mod shop;
