//! `custom(expr)`: a strategy of the user's, a value whose type must be named.

use syn::{Expr, ExprCall, Path, Type, TypePath};

use crate::diagnostics::{Result, error};
use crate::model::expr;

/// Reads the value in the parentheses and finds its type.
pub(super) fn read(call: &ExprCall) -> Result<(Expr, Type)> {
    let mut values = call.args.iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(error(
            call,
            "`custom` takes one value, your strategy: `custom(MyStrategy::new())`",
        ));
    };
    let ty = type_of(value).ok_or_else(|| {
        let written = expr::text(value);
        error(value, format!("the macro cannot see the type of this strategy; write `custom({written} as MyStrategy)`"))
    })?;
    let value = match expr::without_groups(value) {
        Expr::Cast(cast) => (*cast.expr).clone(),
        value => value.clone(),
    };
    Ok((value, ty))
}

/// Returns the type that an expression names: `Mine`, `Mine { … }`, `Mine(…)`, `Mine::new(…)`,
/// these followed by setters, or `… as Mine`.
fn type_of(value: &Expr) -> Option<Type> {
    match expr::without_groups(value) {
        Expr::Cast(cast) => Some((*cast.ty).clone()),
        Expr::MethodCall(call) => type_of(&call.receiver),
        Expr::Struct(literal) if literal.qself.is_none() => Some(path_type(literal.path.clone())),
        Expr::Call(call) => expr::path(&call.func).and_then(constructed),
        Expr::Path(_) => expr::path(value)
            .filter(|path| ends_in_type(path))
            .cloned()
            .map(path_type),
        _ => None,
    }
}

/// Returns the type that a function constructs: `Mine(…)` and `Mine::new(…)` both return a `Mine`.
fn constructed(function: &Path) -> Option<Type> {
    let mut path = function.clone();
    if !ends_in_type(&path) {
        path.segments.pop();
        path.segments.pop_punct();
    }
    ends_in_type(&path).then(|| path_type(path))
}

/// Returns `true` if the last segment is a type: by convention only types are in camel case.
fn ends_in_type(path: &Path) -> bool {
    let Some(last) = path.segments.last() else {
        return false;
    };
    let name = last.ident.to_string();
    name.starts_with(char::is_uppercase) && (name.len() == 1 || name.contains(char::is_lowercase))
}

fn path_type(path: Path) -> Type {
    Type::Path(TypePath {
        attrs: Vec::new(),
        qself: None,
        path,
    })
}
