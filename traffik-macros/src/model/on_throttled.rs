//! `on_throttled`: the response to a refused request.

use syn::{Expr, Path};

use super::expr;
use super::keys::Key;
use crate::diagnostics::{Result, error};

/// Reads `on_throttled = my_response`.
pub(crate) fn read(value: &Expr) -> Result<Path> {
    if let Some(path) = expr::path(value) {
        return Ok(path.clone());
    }
    let example = Key::OnThrottled.example();
    let message = match (expr::without_groups(value), expr::string(value), expr::call(value)) {
        (_, Some(text), _) => format!(
            "a function must not be quoted; write `on_throttled = {}`",
            text.value()
        ),
        (_, _, Some((function, _))) => format!(
            "name the function instead of calling it; write `on_throttled = {}`",
            expr::text(function)
        ),
        (Expr::Closure(_), ..) => {
            "`on_throttled` cannot be a closure; write the path of a `fn(&Rejection) -> impl IntoResponse`"
                .to_owned()
        }
        _ => format!("`on_throttled` takes the path of a `fn(&Rejection) -> impl IntoResponse`; write `{example}`"),
    };
    Err(error(value, message))
}
