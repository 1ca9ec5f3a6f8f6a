//! `lease`: the life of leases.

use std::time::Duration;

use syn::Expr;
use traffik_runtime::strategy::catalog;

use super::keys::Key;
use super::{Strategy, timeout};
use crate::diagnostics::{Errors, Result, error};

/// The longest life: a process may hold units back from others for so long.
const LONGEST: Duration = Duration::from_secs(60);

/// Reads `lease = "200ms"`.
pub(crate) fn read(value: &Expr) -> Result<Duration> {
    let example = Key::Lease.example();
    let life = timeout::duration(value, example)?;
    if life > LONGEST {
        let message = format!(
            "a lease of more than a minute holds quota back from other processes for too long; write less, such as `{example}`"
        );
        return Err(error(value, message));
    }
    Ok(life)
}

/// Reports a `lease` beside a strategy whose quota cannot be leased.
pub(crate) fn check(value: Option<&Expr>, strategy: Option<&Strategy>, errors: &mut Errors) {
    let (Some(value), Some(strategy)) = (value, strategy) else {
        return;
    };
    if read(value).is_ok_and(|life| life.is_zero()) {
        return;
    }
    let name = match strategy {
        Strategy::BuiltIn(built_in) => built_in.spec.name(),
        Strategy::Custom(..) => "custom",
    };
    if !catalog::is_leasable(name) {
        let message = format!(
            "the quota of `{name}` cannot be leased; remove `lease`, or choose another strategy"
        );
        errors.report(value, message);
    }
}
