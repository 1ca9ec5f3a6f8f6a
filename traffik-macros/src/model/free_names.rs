//! Names that an expression takes from its surroundings, as far as tokens show them.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit_mut::{VisitMut, visit_expr_call_mut, visit_expr_mut};
use syn::{Expr, ExprCall, Ident, Macro, Pat};

use super::arguments::bound_names;
use super::expr;

/// Returns the names that an expression uses and does not bind itself, without called functions.
pub(super) fn free_names(value: &Expr) -> Vec<Ident> {
    let mut collector = NameCollector::default();
    collector.visit_expr_mut(&mut value.clone());
    let NameCollector { mut used, bound } = collector;
    used.retain(|name| !bound.contains(name));
    used
}

#[derive(Default)]
struct NameCollector {
    used: Vec<Ident>,
    bound: Vec<Ident>,
}

impl VisitMut for NameCollector {
    fn visit_expr_mut(&mut self, value: &mut Expr) {
        match value {
            Expr::Path(_) => self.used.extend(expr::ident(value).cloned()),
            value => visit_expr_mut(self, value),
        }
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        if expr::ident(&call.func).is_none() {
            return visit_expr_call_mut(self, call);
        }
        for value in &mut call.args {
            self.visit_expr_mut(value);
        }
    }

    fn visit_pat_mut(&mut self, pattern: &mut Pat) {
        self.bound.extend(bound_names(pattern));
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        collect_from_macro(call.tokens.clone(), &mut self.used);
    }
}

/// Collects the identifiers in a macro's tokens that may be variables: not preceded by `.`, and
/// not followed by `:`, `!` or a group.
fn collect_from_macro(tokens: TokenStream, names: &mut Vec<Ident>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => collect_from_macro(group.stream(), names),
            TokenTree::Ident(name) => {
                let before = index.checked_sub(1).and_then(|index| tokens.get(index));
                let is_member =
                    matches!(before, Some(TokenTree::Punct(punct)) if punct.as_char() == '.');
                let is_path_or_call = match tokens.get(index + 1) {
                    Some(TokenTree::Punct(next)) => matches!(next.as_char(), ':' | '!'),
                    Some(TokenTree::Group(_)) => true,
                    _ => false,
                };
                if !is_member && !is_path_or_call {
                    names.push(name.clone());
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
