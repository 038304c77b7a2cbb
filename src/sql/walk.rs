//! Walks over the parser's trees. Its visitors are generic over some hundreds of node types; each of ours would be
//! compiled for all of them. Here all visitors share one that is compiled once and calls them through a trait object.

use std::ops::ControlFlow;

use sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectName, OrderBy, OrderByExpr, Query, Select, Statement,
    TableFactor, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};

/// Calls the visitor at each node of the tree until it breaks.
pub(super) fn walk<V: Visitor>(tree: &impl Visit, visitor: &mut V) -> ControlFlow<V::Break> {
    let mut kept = Kept {
        visitor,
        reason: None,
    };
    let walked = tree.visit(&mut Called(&mut kept));
    kept.ended(walked)
}

/// As [`walk`], for a visitor that changes the nodes.
pub(super) fn walk_mut<V: VisitorMut>(
    tree: &mut impl VisitMut,
    visitor: &mut V,
) -> ControlFlow<V::Break> {
    let mut kept = KeptMut {
        visitor,
        reason: None,
    };
    let walked = tree.visit(&mut CalledMut(&mut kept));
    kept.ended(walked)
}

/// Calls `look` with each expression, outer ones first, until it breaks.
pub(super) fn expressions(
    tree: &impl Visit,
    look: impl FnMut(&Expr) -> ControlFlow<()>,
) -> ControlFlow<()> {
    struct Expressions<F>(F);
    impl<F: FnMut(&Expr) -> ControlFlow<()>> Visitor for Expressions<F> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            (self.0)(expr)
        }
    }
    walk(tree, &mut Expressions(look))
}

/// Calls `look` with each relation's name.
pub(super) fn relations(tree: &impl Visit, look: impl FnMut(&ObjectName)) {
    struct Relations<F>(F);
    impl<F: FnMut(&ObjectName)> Visitor for Relations<F> {
        type Break = ();
        fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
            (self.0)(relation);
            ControlFlow::Continue(())
        }
    }
    let _: ControlFlow<()> = walk(tree, &mut Relations(look));
}

/// For each of the traits: a visitor of any break type as one that keeps the reason to itself, and one that calls a
/// trait object.
macro_rules! visitors {
    ($trait:ident, $kept:ident, $called:ident, $($mutable:ident)?) => {
        struct $kept<'v, V: $trait> {
            visitor: &'v mut V,
            reason: Option<V::Break>,
        }

        impl<V: $trait> $kept<'_, V> {
            fn keep(&mut self, done: ControlFlow<V::Break>) -> ControlFlow<()> {
                match done {
                    ControlFlow::Continue(()) => ControlFlow::Continue(()),
                    ControlFlow::Break(reason) => {
                        self.reason = Some(reason);
                        ControlFlow::Break(())
                    }
                }
            }

            fn ended(self, walked: ControlFlow<()>) -> ControlFlow<V::Break> {
                match (walked, self.reason) {
                    (ControlFlow::Break(()), Some(reason)) => ControlFlow::Break(reason),
                    _ => ControlFlow::Continue(()),
                }
            }
        }

        impl<V: $trait> $trait for $kept<'_, V> {
            type Break = ();
            visitors!(@hooks kept, $($mutable)?);
        }

        struct $called<'v>(&'v mut dyn $trait<Break = ()>);

        impl $trait for $called<'_> {
            type Break = ();
            visitors!(@hooks called, $($mutable)?);
        }
    };
    (@hooks $way:ident, $($mutable:ident)?) => {
        visitors!(@hook $way, pre_visit_query, &$($mutable)? Query);
        visitors!(@hook $way, post_visit_query, &$($mutable)? Query);
        visitors!(@hook $way, pre_visit_select, &$($mutable)? Select);
        visitors!(@hook $way, post_visit_select, &$($mutable)? Select);
        visitors!(@hook $way, pre_visit_relation, &$($mutable)? ObjectName);
        visitors!(@hook $way, post_visit_relation, &$($mutable)? ObjectName);
        visitors!(@hook $way, pre_visit_table_factor, &$($mutable)? TableFactor);
        visitors!(@hook $way, post_visit_table_factor, &$($mutable)? TableFactor);
        visitors!(@hook $way, pre_visit_expr, &$($mutable)? Expr);
        visitors!(@hook $way, post_visit_expr, &$($mutable)? Expr);
        visitors!(@hook $way, pre_visit_statement, &$($mutable)? Statement);
        visitors!(@hook $way, post_visit_statement, &$($mutable)? Statement);
        visitors!(@hook $way, pre_visit_value, &$($mutable)? ValueWithSpan);
        visitors!(@hook $way, post_visit_value, &$($mutable)? ValueWithSpan);
        visitors!(@hook $way, pre_visit_ident, &$($mutable)? Ident);
        visitors!(@hook $way, post_visit_ident, &$($mutable)? Ident);
        visitors!(@hook $way, pre_visit_order_by, &$($mutable)? OrderBy);
        visitors!(@hook $way, post_visit_order_by, &$($mutable)? OrderBy);
        visitors!(@hook $way, pre_visit_order_by_expr, &$($mutable)? OrderByExpr);
        visitors!(@hook $way, post_visit_order_by_expr, &$($mutable)? OrderByExpr);
        visitors!(@hook $way, pre_visit_group_by, &$($mutable)? GroupByExpr);
        visitors!(@hook $way, post_visit_group_by, &$($mutable)? GroupByExpr);
    };
    (@hook kept, $hook:ident, $node:ty) => {
        fn $hook(&mut self, node: $node) -> ControlFlow<()> {
            let done = self.visitor.$hook(node);
            self.keep(done)
        }
    };
    (@hook called, $hook:ident, $node:ty) => {
        fn $hook(&mut self, node: $node) -> ControlFlow<()> {
            self.0.$hook(node)
        }
    };
}

visitors!(Visitor, Kept, Called,);
visitors!(VisitorMut, KeptMut, CalledMut, mut);
