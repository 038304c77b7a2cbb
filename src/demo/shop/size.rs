//! The shop's tables and how many rows each gets.

/// In percent: of the shop's usual 3.7 million rows, or of its usual quarter of a million statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scale(pub u32);

impl Default for Scale {
    fn default() -> Self {
        Self(100)
    }
}

impl Scale {
    /// So many rows does the table get.
    pub(super) fn rows(self, table: Table) -> i64 {
        (table.rows() * i64::from(self.0) / 100).max(200)
    }

    /// So many of the usual rounds does a client make.
    pub(super) fn rounds(self, usual: u64) -> u64 {
        (usual * u64::from(self.0) / 100).max(1)
    }
}

/// A table of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    OrderItems,
    Events,
    Orders,
    Payments,
    Customers,
    Sessions,
    Reviews,
    Products,
    Jobs,
    Categories,
}

impl Table {
    /// The largest first, so that several connections end at about the same time.
    pub(super) const ALL: [Self; 10] = [
        Self::OrderItems,
        Self::Events,
        Self::Orders,
        Self::Payments,
        Self::Customers,
        Self::Sessions,
        Self::Reviews,
        Self::Products,
        Self::Jobs,
        Self::Categories,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OrderItems => "order_items",
            Self::Events => "events",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Customers => "customers",
            Self::Sessions => "sessions",
            Self::Reviews => "reviews",
            Self::Products => "products",
            Self::Jobs => "jobs",
            Self::Categories => "categories",
        }
    }

    const fn rows(self) -> i64 {
        match self {
            Self::OrderItems => 1_800_000,
            Self::Events => 800_000,
            Self::Orders | Self::Payments => 300_000,
            Self::Customers | Self::Sessions | Self::Reviews => 150_000,
            Self::Products => 50_000,
            Self::Jobs => 5_000,
            Self::Categories => 200,
        }
    }

    /// The tables whose numbers of rows `load.sql` wants as `$3` and `$4`.
    pub(super) const fn sized_by(self) -> &'static [Self] {
        match self {
            Self::Categories | Self::Customers | Self::Jobs => &[],
            Self::Products => &[Self::Categories],
            Self::Sessions => &[Self::Customers],
            Self::Payments => &[Self::Orders],
            Self::Orders => &[Self::Customers, Self::Orders],
            Self::OrderItems => &[Self::Orders, Self::Products],
            Self::Reviews => &[Self::Products, Self::Customers],
            Self::Events => &[Self::Customers, Self::Events],
        }
    }
}
