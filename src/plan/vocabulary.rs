//! The words EXPLAIN uses for kinds of nodes, joins and relationships (explain.c, `ExplainNode`).

use std::fmt;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        ///
        /// A word that no supported version prints is kept as `Other`.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(
                #[doc = concat!("`", $text, "`.")]
                $variant,
            )*
            /// A word of a newer server or of an extension.
            Other(String),
        }

        impl $name {
            /// The value that EXPLAIN prints as `word`.
            #[must_use]
            pub fn from_word(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }

            /// The word as EXPLAIN prints it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(word) => word,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// `Node Type`.
    NodeType {
        Result = "Result",
        ProjectSet = "ProjectSet",
        ModifyTable = "ModifyTable",
        Append = "Append",
        MergeAppend = "Merge Append",
        RecursiveUnion = "Recursive Union",
        BitmapAnd = "BitmapAnd",
        BitmapOr = "BitmapOr",
        NestedLoop = "Nested Loop",
        MergeJoin = "Merge Join",
        HashJoin = "Hash Join",
        SeqScan = "Seq Scan",
        SampleScan = "Sample Scan",
        Gather = "Gather",
        GatherMerge = "Gather Merge",
        IndexScan = "Index Scan",
        IndexOnlyScan = "Index Only Scan",
        BitmapIndexScan = "Bitmap Index Scan",
        BitmapHeapScan = "Bitmap Heap Scan",
        TidScan = "Tid Scan",
        TidRangeScan = "Tid Range Scan",
        SubqueryScan = "Subquery Scan",
        FunctionScan = "Function Scan",
        TableFunctionScan = "Table Function Scan",
        ValuesScan = "Values Scan",
        CteScan = "CTE Scan",
        NamedTuplestoreScan = "Named Tuplestore Scan",
        WorkTableScan = "WorkTable Scan",
        ForeignScan = "Foreign Scan",
        CustomScan = "Custom Scan",
        Materialize = "Materialize",
        Memoize = "Memoize",
        Sort = "Sort",
        IncrementalSort = "Incremental Sort",
        Group = "Group",
        Aggregate = "Aggregate",
        WindowAgg = "WindowAgg",
        Unique = "Unique",
        SetOp = "SetOp",
        LockRows = "LockRows",
        Limit = "Limit",
        Hash = "Hash",
    }
}

words! {
    /// `Strategy` of an Aggregate or a `SetOp`.
    Strategy { Plain = "Plain", Sorted = "Sorted", Hashed = "Hashed", Mixed = "Mixed" }
}

words! {
    /// `Partial Mode` of an Aggregate.
    PartialMode { Partial = "Partial", Finalize = "Finalize", Simple = "Simple" }
}

words! {
    /// `Operation` of a `ModifyTable` or a Foreign Scan.
    Operation { Select = "Select", Insert = "Insert", Update = "Update", Delete = "Delete", Merge = "Merge" }
}

words! {
    /// `Parent Relationship`: what a node is to its parent.
    Relationship {
        Outer = "Outer",
        Inner = "Inner",
        Member = "Member",
        InitPlan = "InitPlan",
        SubPlan = "SubPlan",
        Subquery = "Subquery",
        CustomChild = "child",
        CustomChildren = "children",
    }
}

words! {
    /// `Join Type`.
    JoinType {
        Inner = "Inner",
        Left = "Left",
        Full = "Full",
        Right = "Right",
        Semi = "Semi",
        Anti = "Anti",
        RightSemi = "Right Semi",
        RightAnti = "Right Anti",
    }
}

words! {
    /// `Scan Direction` of an index scan.
    ScanDirection { Forward = "Forward", Backward = "Backward", NoMovement = "NoMovement" }
}

words! {
    /// `Sort Space Type`: where a sort kept its tuples.
    SpaceType { Memory = "Memory", Disk = "Disk" }
}

words! {
    /// The key under which a node shows an expression.
    ConditionKind {
        IndexCond = "Index Cond",
        RecheckCond = "Recheck Cond",
        Filter = "Filter",
        JoinFilter = "Join Filter",
        HashCond = "Hash Cond",
        MergeCond = "Merge Cond",
        TidCond = "TID Cond",
        OrderBy = "Order By",
        OneTimeFilter = "One-Time Filter",
        RunCondition = "Run Condition",
        ConflictFilter = "Conflict Filter",
        FunctionCall = "Function Call",
        TableFunctionCall = "Table Function Call",
    }
}

impl ConditionKind {
    /// The keys of all kinds that are known by name.
    pub const KEYS: [&str; 13] = [
        "Index Cond",
        "Recheck Cond",
        "Filter",
        "Join Filter",
        "Hash Cond",
        "Merge Cond",
        "TID Cond",
        "Order By",
        "One-Time Filter",
        "Run Condition",
        "Conflict Filter",
        "Function Call",
        "Table Function Call",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_both_ways() {
        for word in ["Seq Scan", "WindowAgg", "Quantum Scan"] {
            assert_eq!(NodeType::from_word(word).as_str(), word);
        }
        for key in ConditionKind::KEYS {
            assert!(!matches!(
                ConditionKind::from_word(key),
                ConditionKind::Other(_)
            ));
        }
        assert_eq!(NodeType::from_word("Hash"), NodeType::Hash);
        assert_eq!(Relationship::from_word("child"), Relationship::CustomChild);
    }
}
