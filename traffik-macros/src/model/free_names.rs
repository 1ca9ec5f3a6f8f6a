//! The names that an expression takes from around it, as far as tokens tell.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit_mut::{VisitMut, visit_expr_call_mut, visit_expr_mut};
use syn::{Expr, ExprCall, Ident, Macro, Pat};

use super::arguments::names;
use super::expr;

/// The names an expression mentions and does not bind itself. Functions that are called are none.
pub(super) fn mentioned(value: &Expr) -> Vec<Ident> {
    let mut found = Found::default();
    found.visit_expr_mut(&mut value.clone());
    let Found { used, bound } = found;
    let mut used = used;
    used.retain(|name| !bound.contains(name));
    used
}

#[derive(Default)]
struct Found {
    used: Vec<Ident>,
    bound: Vec<Ident>,
}

impl VisitMut for Found {
    fn visit_expr_mut(&mut self, value: &mut Expr) {
        match value {
            Expr::Path(_) => self.used.extend(expr::word(value).cloned()),
            value => visit_expr_mut(self, value),
        }
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        if expr::word(&call.func).is_none() {
            return visit_expr_call_mut(self, call);
        }
        for value in &mut call.args {
            self.visit_expr_mut(value);
        }
    }

    fn visit_pat_mut(&mut self, pattern: &mut Pat) {
        self.bound.extend(names(pattern));
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        words(call.tokens.clone(), &mut self.used);
    }
}

/// The words in a macro's tokens that stand like names: behind no `.` and in front of no `:`, `!` or parentheses.
fn words(tokens: TokenStream, found: &mut Vec<Ident>) {
    let tokens: Vec<_> = tokens.into_iter().collect();
    for (place, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => words(group.stream(), found),
            TokenTree::Ident(word) => {
                let before = place.checked_sub(1).and_then(|place| tokens.get(place));
                let member = matches!(before, Some(TokenTree::Punct(it)) if it.as_char() == '.');
                let other = match tokens.get(place + 1) {
                    Some(TokenTree::Punct(next)) => matches!(next.as_char(), ':' | '!'),
                    Some(TokenTree::Group(_)) => true,
                    _ => false,
                };
                if !member && !other {
                    found.push(word.clone());
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}
