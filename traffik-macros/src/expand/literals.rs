//! Number literals in the closure of a cost: those without a type become `u64`.

use syn::{Block, Expr, Lit, LitInt, Stmt};

/// Returns the body of a closure, with `u64` literals if it returns nothing but untyped numbers.
pub(super) fn with_u64_literals(body: &Expr) -> Expr {
    let mut body = body.clone();
    let mut numbers = Vec::new();
    if returned_numbers(&mut body, &mut numbers) {
        for number in numbers {
            *number = LitInt::new(&format!("{}u64", number.base10_digits()), number.span());
        }
    }
    body
}

/// Collects the numbers that an expression evaluates to. Returns `false` if it may evaluate to
/// anything but an untyped number. Diverging branches are ignored.
fn returned_numbers<'a>(value: &'a mut Expr, numbers: &mut Vec<&'a mut LitInt>) -> bool {
    match value {
        Expr::Lit(literal) => match &mut literal.lit {
            Lit::Int(number) if number.suffix().is_empty() => {
                numbers.push(number);
                true
            }
            _ => false,
        },
        Expr::Paren(inner) => returned_numbers(&mut inner.expr, numbers),
        Expr::Group(inner) => returned_numbers(&mut inner.expr, numbers),
        Expr::Block(inner) if inner.label.is_none() => block(&mut inner.block, numbers),
        Expr::Async(inner) => block(&mut inner.block, numbers),
        Expr::If(choice) => {
            let Some((_, otherwise)) = &mut choice.else_branch else {
                return false;
            };
            block(&mut choice.then_branch, numbers) && returned_numbers(otherwise, numbers)
        }
        Expr::Match(choice) => choice
            .arms
            .iter_mut()
            .all(|arm| returned_numbers(&mut arm.body, numbers)),
        Expr::Binary(binary) => {
            returned_numbers(&mut binary.left, numbers)
                && returned_numbers(&mut binary.right, numbers)
        }
        Expr::Call(call) => match &*call.func {
            Expr::Path(name) if name.path.is_ident("Err") => true,
            Expr::Path(name) if name.path.is_ident("Ok") => call
                .args
                .iter_mut()
                .all(|value| returned_numbers(value, numbers)),
            _ => false,
        },
        Expr::Return(_) => true,
        _ => false,
    }
}

fn block<'a>(block: &'a mut Block, numbers: &mut Vec<&'a mut LitInt>) -> bool {
    match block.stmts.last_mut() {
        Some(Stmt::Expr(value, None)) => returned_numbers(value, numbers),
        Some(Stmt::Expr(Expr::Return(_), Some(_))) => true,
        _ => false,
    }
}
