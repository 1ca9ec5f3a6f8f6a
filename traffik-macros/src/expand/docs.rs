//! The documentation of a throttle's type: the limit in words.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;
use traffik_runtime::rate::Rate;

use super::worst_case;
use crate::model::{Cost, Headers, Identifier, Rates, Scope, Strategy, Throttle, text};

/// Units of time in microseconds, from the largest.
const UNITS: [(&str, u64); 7] = [
    ("week", 604_800_000_000),
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
    ("millisecond", 1_000),
    ("microsecond", 1),
];

/// Returns the documentation as attributes that follow the user's.
pub(crate) fn docs(throttle: &Throttle, attrs: &[Attribute]) -> TokenStream {
    let words = format!(
        " Limits {} to {}, by {}{}.{}{}{}",
        clients(throttle.settings.identifier.as_ref()),
        rates(&throttle.rates),
        strategy(&throttle.strategy),
        scope(throttle.settings.scope.as_ref()),
        cost(throttle.settings.cost.as_ref()),
        worst_case(throttle),
        headers(throttle),
    );
    let documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    let paragraph = documented.then(|| quote!(#[doc = ""]));
    quote!(#paragraph #[doc = #words])
}

fn clients(identifier: Option<&Identifier>) -> String {
    match identifier {
        None | Some(Identifier::Ip(_)) => "each client".to_owned(),
        Some(Identifier::Header(name)) => format!("each value of the header `{name}`"),
        Some(Identifier::Everyone) => "all clients together".to_owned(),
        Some(Identifier::Closure(_)) => {
            "each identity computed from the handler's arguments".to_owned()
        }
        Some(Identifier::Function(path)) => format!("each identity that `{}` returns", text(path)),
    }
}

fn rates(rates: &Rates) -> String {
    match rates {
        Rates::Path(path) => format!("the rate `{}`", text(path)),
        Rates::Constant(rates) => {
            let rates: Vec<_> = rates.iter().map(|(rate, _)| rate_in_words(*rate)).collect();
            rates.join(" and ")
        }
    }
}

/// Returns " At most 10 are admitted within any 10 seconds."
fn worst_case(throttle: &Throttle) -> String {
    let Strategy::BuiltIn(built_in) = &throttle.strategy else {
        return String::new();
    };
    let rates = throttle.rates.constants();
    let worst = rates.iter().filter_map(|rate| {
        let units = worst_case::units(&built_in.spec, *rate)?;
        Some(format!("{units} are admitted within any {}", period(*rate)))
    });
    let worst: Vec<_> = worst.collect();
    if worst.is_empty() {
        return String::new();
    }
    format!(" At most {}.", worst.join(", and "))
}

/// Describes the header fields.
fn headers(throttle: &Throttle) -> &'static str {
    match throttle.settings.headers {
        _ if throttle.settings.shadow => " It counts and refuses nobody.",
        None | Some(Headers::Ietf) => " Reported in `RateLimit` and `RateLimit-Policy`.",
        Some(Headers::Legacy) => {
            " Reported in `X-RateLimit-Limit`, `X-RateLimit-Remaining` and `X-RateLimit-Reset`."
        }
        Some(Headers::Both) => {
            " Reported in `RateLimit`, `RateLimit-Policy` and the `X-RateLimit-*` fields."
        }
        Some(Headers::None) => " Reported to refused clients only.",
    }
}

/// Returns "minute" or "10 seconds".
fn period(rate: Rate) -> String {
    let period = rate.period_micros();
    let mut units = UNITS.iter();
    match units.find(|(_, micros)| period.is_multiple_of(*micros)) {
        Some((unit, micros)) if period == *micros => (*unit).to_owned(),
        Some((unit, micros)) => format!("{} {unit}s", period / micros),
        None => rate.to_string(),
    }
}

/// Returns "5 per 10 seconds".
fn rate_in_words(rate: Rate) -> String {
    let period = rate.period_micros();
    let limit = rate.limit();
    match UNITS
        .iter()
        .find(|(_, micros)| period.is_multiple_of(*micros))
    {
        _ if rate.is_unlimited() => "no limit".to_owned(),
        Some((unit, micros)) if period == *micros => format!("{limit} per {unit}"),
        Some((unit, micros)) => format!("{limit} per {} {unit}s", period / micros),
        None => rate.to_string(),
    }
}

fn strategy(strategy: &Strategy) -> String {
    match strategy {
        Strategy::BuiltIn(built_in) => format!("`{}`", built_in.spec.name()),
        Strategy::Custom(_, ty) => format!("`{}`", text(ty)),
    }
}

fn scope(scope: Option<&Scope>) -> String {
    match scope {
        None | Some(Scope::Throttle) => String::new(),
        Some(Scope::Route) => ", separately for each route".to_owned(),
        Some(Scope::Segment(segment)) => format!(", counted separately as {:?}", segment.value()),
        Some(Scope::Path(path)) => format!(", separately for each `{}`", text(path)),
    }
}

fn cost(cost: Option<&Cost>) -> String {
    match cost {
        None => String::new(),
        Some(Cost::Units(units, _)) => format!(" A request costs {units}."),
        Some(Cost::Closure(_)) => {
            " A request costs an amount computed from the handler's arguments.".to_owned()
        }
        Some(Cost::Function(path)) => format!(" A request costs what `{}` returns.", text(path)),
    }
}
