//! Numbers that could be of any type. What a cost's closure ends in is a `u64` if nothing else says what it is.

use syn::{Block, Expr, Lit, LitInt, Stmt};

/// The body of a closure, with the type of its numbers if it gives nothing but numbers.
pub(super) fn typed(body: &Expr) -> Expr {
    let mut body = body.clone();
    let mut numbers = Vec::new();
    if ends(&mut body, &mut numbers) {
        for number in numbers {
            *number = LitInt::new(&format!("{}u64", number.base10_digits()), number.span());
        }
    }
    body
}

/// Whether an expression ends in nothing but numbers without a type, and which those are. What does not come to an end
/// is no hindrance.
fn ends<'a>(value: &'a mut Expr, numbers: &mut Vec<&'a mut LitInt>) -> bool {
    match value {
        Expr::Lit(literal) => match &mut literal.lit {
            Lit::Int(number) if number.suffix().is_empty() => {
                numbers.push(number);
                true
            }
            _ => false,
        },
        Expr::Paren(inner) => ends(&mut inner.expr, numbers),
        Expr::Group(inner) => ends(&mut inner.expr, numbers),
        Expr::Block(inner) if inner.label.is_none() => block(&mut inner.block, numbers),
        Expr::Async(inner) => block(&mut inner.block, numbers),
        Expr::If(choice) => {
            let Some((_, otherwise)) = &mut choice.else_branch else {
                return false;
            };
            block(&mut choice.then_branch, numbers) && ends(otherwise, numbers)
        }
        Expr::Match(choice) => choice
            .arms
            .iter_mut()
            .all(|arm| ends(&mut arm.body, numbers)),
        Expr::Binary(sum) => ends(&mut sum.left, numbers) && ends(&mut sum.right, numbers),
        Expr::Call(call) => match &*call.func {
            Expr::Path(name) if name.path.is_ident("Err") => true,
            Expr::Path(name) if name.path.is_ident("Ok") => {
                call.args.iter_mut().all(|value| ends(value, numbers))
            }
            _ => false,
        },
        Expr::Return(_) => true,
        _ => false,
    }
}

fn block<'a>(block: &'a mut Block, numbers: &mut Vec<&'a mut LitInt>) -> bool {
    match block.stmts.last_mut() {
        Some(Stmt::Expr(value, None)) => ends(value, numbers),
        Some(Stmt::Expr(Expr::Return(_), Some(_))) => true,
        _ => false,
    }
}
