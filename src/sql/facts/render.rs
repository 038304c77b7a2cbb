//! An expression as an index would have it.

use std::ops::ControlFlow;

use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, VisitorMut};

use crate::ids::quote_ident;
use crate::sql::scope::{Scopes, folded};
use crate::sql::walk::walk_mut;

struct Unqualify<'a> {
    scopes: &'a Scopes,
}

impl VisitorMut for Unqualify<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let parts = match expr {
            Expr::Identifier(ident) => vec![folded(ident)],
            Expr::CompoundIdentifier(idents) => idents.iter().map(folded).collect(),
            Expr::Function(function) => {
                lower(&mut function.name);
                return ControlFlow::Continue(());
            }
            _ => return ControlFlow::Continue(()),
        };
        if let Some(found) = self.scopes.resolve(&parts)
            && let [source] = found.sources.as_slice()
        {
            let quoted = quote_ident(&source.column).as_ref() != source.column;
            *expr = Expr::Identifier(if quoted {
                Ident::with_quote('"', source.column.clone())
            } else {
                Ident::new(source.column.clone())
            });
        }
        ControlFlow::Continue(())
    }
}

/// One spelling for one function.
fn lower(name: &mut ObjectName) {
    for part in &mut name.0 {
        if let ObjectNamePart::Identifier(ident) = part
            && ident.quote_style.is_none()
        {
            ident.value = ident.value.to_lowercase();
        }
    }
}

/// `expr` as text, its columns by their bare names in their relation.
pub fn unqualified(expr: &Expr, scopes: &Scopes) -> String {
    let mut copy = expr.clone();
    while let Expr::Nested(inner) = copy {
        copy = *inner;
    }
    let _: ControlFlow<()> = walk_mut(&mut copy, &mut Unqualify { scopes });
    copy.to_string()
}
