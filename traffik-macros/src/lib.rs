//! The macros of `traffik`: `#[throttled]` for a handler, `throttles!` for throttles that several
//! handlers share.
//!
//! Depend on `traffik`, which re-exports both. The macros work in three steps, each in a folder:
//! `parse` turns tokens into syntax, `model` checks its meaning and reports every error, and
//! `expand` generates the code.

mod diagnostics;
mod expand;
mod model;
mod parse;
#[cfg(test)]
mod tests;

use diagnostics::Errors;
use model::{Block, ThrottledAttribute};
use parse::{Args, Handler, ParsedBlock};
use proc_macro2::TokenStream;

/// Limits an axum handler.
///
/// ```
/// use axum::http::request::Parts;
/// use traffik::{Identity, throttled, throttles};
///
/// #[throttled(rate = "100/minute")]
/// async fn hello() -> &'static str {
///     "hello\n"
/// }
///
/// #[throttled(
///     rate = ["10/second", "1000/hour"],
///     strategy = sliding_counter,
///     identifier = user_id,
///     cost = 5,
/// )]
/// async fn search(terms: String) -> String {
///     format!("nothing was found for {terms}\n")
/// }
///
/// fn user_id(parts: &Parts) -> Identity {
///     match parts.headers.get("x-user") {
///         Some(user) => Identity::new(user),
///         None => Identity::ip(),
///     }
/// }
///
/// throttles! {
///     pub throttle Burst(rate = "10/minute");
///     pub throttle Sustained(rate = "1000/hour");
/// }
///
/// #[throttled(Burst, Sustained)] // both or neither
/// async fn data() -> &'static str {
///     "data\n"
/// }
/// # fn main() {}
/// ```
///
/// The handler stays a handler: it can have any state, any return type and any arguments that axum
/// accepts. A generic handler, or one with further attributes below, can have 15 arguments at most,
/// because the macro needs one. The handler's name is also the name of a type, which implements
/// `Throttle`: `hello::stat(&parts)`.
///
/// All arguments but the last are extracted first. Then the identifier and the cost are computed,
/// and the decision is made. Only then the last argument, which may read the body, is extracted,
/// and the handler runs. A refused client gets 429, and its body is not read.
///
/// # Keys
///
/// | key | value | default |
/// |---|---|---|
/// | (paths before keys) | throttles defined elsewhere, decided together | – |
/// | `rate` | `"100/minute"`; several: `["10/second", "1000/hour"]`; the path of a `const` or `static` `Rate` (or of a type that dereferences to one, such as a `LazyLock<Rate>`), or of a `fn(&Parts) -> Rate` | required unless throttles are named |
/// | `strategy` | `sliding_counter`, `"sliding_counter"`, `token_bucket(burst = 150)`, `custom(MyStrategy::new())` | `fixed_window` |
/// | `identifier` | `ip`, `ip(trusted = ["10.0.0.0/8"], header = forwarded, prefix = 64)`, `header("x-api-key")`, `everyone`, the path of a `fn(&Parts) -> impl Into<Identity>`, or [a closure](#closures) | the backend's, else `ip` |
/// | `cost` | a whole number, the path of a `fn(&Parts) -> u64`, or [a closure](#closures) | `1` |
/// | `backend` | an expression of type `Backend`, evaluated once | the provided one, else the process's |
/// | `on_error` | `allow`, `throttle`, `raise`, `retry(…)`, `fallback(…)`, `failover(…)`, the path of an `async fn(&Failure<'_>) -> Verdict`; see [below](#when-the-backend-fails) | the backend's, else `throttle` |
/// | `timeout` | the longest time that one decision may take, including retries: `"100ms"` | the backend's, else 250 ms |
/// | `lease` | the life of leases, by which this process admits clients that hit often without a call of a shared store: `"200ms"`, at most a minute | the backend's, else none |
/// | `headers` | `ietf`, `legacy`, `both`, `none` | `ietf` |
/// | `scope` | `throttle`, `route`, a string, the path of a string or of a `fn(&Parts) -> String` | `throttle` |
/// | `only_if`, `skip_if` | the path of a `fn(&Parts) -> bool`, which selects the requests that the throttle applies to | all requests |
/// | `on_throttled` | the path of a `fn(&Rejection) -> impl IntoResponse`, which returns the response to a refused request | the backend's, else 429 with a problem |
/// | `shadow` | no value: count, log and measure, but refuse nobody | off |
/// | `min_wait` | the shortest retry time for a *refused* client: `"500ms"` | none |
/// | `spread` | the largest random addition to the retry time of a *refused* client, so that clients do not all return at once: `"5s"` | none |
/// | `uid` | a string | `module::path::function`, with the enclosing function where there is one |
/// | `policy` | a string: the name in header fields and problem responses | the throttle's name |
/// | `name` | the type's name | the function's |
/// | `crate` | the absolute path of a re-exported `traffik` | `::traffik` |
/// | `allow(…)` | names of [warnings](#warnings) to switch off | – |
///
/// Functions may be async and may fail.
///
/// With throttles defined elsewhere and no `rate`, the keys `cost`, `headers`, `on_throttled`,
/// `spread`, `only_if` and `skip_if` apply to all of them on this handler. The other keys belong to
/// their definitions.
///
/// # Closures
///
/// The identifier and the cost may be closures over the handler's arguments. Their parameters are
/// names that the arguments' patterns bind, without types. They get those arguments by reference,
/// and nothing is cloned. Like functions, they may be async and may fail.
///
/// ```
/// use axum::Json;
/// use axum::extract::{Path, State};
/// use traffik::throttled;
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     items: Vec<String>,
/// }
///
/// #[throttled(
///     rate = "100/minute",
///     identifier = |shop, tenant| format!("{tenant}:{shop}"),
///     cost = |order| order.items.len(),
/// )]
/// async fn create(
///     State(tenant): State<String>,
///     Path(shop): Path<u64>,
///     Json(order): Json<Order>,
/// ) -> String {
///     format!("{} things from {shop} of {tenant}\n", order.items.len())
/// }
/// # fn main() {}
/// ```
///
/// If a closure names the last argument, and only then, the body is read before the decision, even
/// if the client is refused. Only the handler has its arguments, so `create::hit(&parts)` of such a
/// throttle returns an error. If only the cost is a closure, `hit_cost` and `stat` work.
///
/// # When the backend fails
///
/// | `on_error` | result for a hit that cannot be decided |
/// |---|---|
/// | `allow` | it is admitted, uncounted |
/// | `throttle` | it is refused: 429 |
/// | `raise` | it is an error: 503 |
/// | `retry(max_retries = 3, delay = "20ms", multiplier = 2.0, jitter = full, on = [connection], then = throttle)` | the backend is tried again if it certainly has not counted the hit; with `even_if_it_may_have_counted`, also if it may have |
/// | `fallback(backend = …, on = […], instances = 4, then = …)` | another backend decides, with the limit divided by the number of `instances` |
/// | `failover(backend = …, breaker = BREAKER, max_retries = 2, delay = "10ms", …)` | another backend decides, behind a circuit breaker: a `static` one, or `breaker(failures = 10, recovery = "60s", successes = 3)` |
///
/// All parameters but `backend` are optional. `jitter` is `none`, `full` or `equal`; `on` lists
/// `connection`, `timeout` and `contention`; `then` takes the values of `on_error`.
///
/// ```
/// use std::time::Duration;
/// use traffik::{Backend, CircuitBreaker, Failure, Verdict, throttled};
///
/// static BREAKER: CircuitBreaker = CircuitBreaker::new().failures(10);
///
/// #[throttled(
///     rate = "100/minute",
///     on_error = failover(backend = Backend::memory(), breaker = BREAKER, then = last_resort),
/// )]
/// async fn search() {}
///
/// async fn last_resort(failure: &Failure<'_>) -> Verdict {
///     Verdict::Throttle(Duration::from_secs(failure.cost))
/// }
/// # fn main() {}
/// ```
///
/// # Warnings
///
/// Errors are reported at the token to change. Code that is legal but probably not intended gets a
/// warning there, in the form of a use of a deprecated constant of the throttle. `allow(…)` with
/// its name switches it off, for one throttle or, in `defaults(…)`, for a block.
///
/// | name | warns of |
/// |---|---|
/// | `boundary_burst` | an explicit `strategy = fixed_window` with a limit under 10: twice as many can be admitted at the end of a window |
/// | `unreachable_rate` | a rate in a list that never refuses a hit that the others admit, or that is listed twice |
/// | `unlimited_rate` | `0/0` in a list |
/// | `zero_cost` | `cost = 0` |
/// | `misspelt_scope` | a string as `scope` that is nearly `route` or `throttle` |
/// | `coarse_rate` | `time_of_day` with a period longer than a day |
/// | `idle_retry` | `retry(on = [timeout])`, which never retries without `even_if_it_may_have_counted` |
/// | `short_window` | a window of `time_of_day` that is no longer than the rate's period |
///
/// ```
/// use traffik::throttled;
///
/// // The first rate admits at most 600 a minute, so the second never refuses a hit.
/// #[throttled(rate = ["10/second", "1000/minute"], allow(unreachable_rate))]
/// async fn search() -> &'static str {
///     "found\n"
/// }
/// # fn main() {}
/// ```
///
/// # Several attributes
///
/// They are decided from top to bottom, those that read the body last. The first one with a `rate`
/// names its throttle after the function; every further one needs a `name`. Write `#[throttled]`
/// above `#[debug_handler]`, and above or below any other attribute. It cannot be used on a
/// function in an `impl` or a trait, where no type can be defined.
///
/// `TRAFFIK_MACROS_DEBUG=1` prints the generated code.
#[proc_macro_attribute]
pub fn throttled(
    args: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    print_expansion(attribute(args.into(), &item.into())).into()
}

/// Defines throttles that several handlers share.
///
/// ```
/// traffik::throttles! {
///     // Optional: keys for every throttle of this block.
///     defaults(headers = both, strategy = sliding_counter);
///
///     /// Short bursts.
///     pub throttle Burst(rate = "10/minute");
///     /// Steady use.
///     pub throttle Sustained(rate = "1000/hour", identifier = header("x-api-key"));
/// }
///
/// /// Both or neither.
/// pub type Api = (Burst, Sustained);
/// # fn main() {}
/// ```
///
/// Each throttle becomes a type that implements `Throttle`. The keys are those of
/// [`#[throttled]`](macro@throttled) without `name`. `defaults` cannot have `rate`, `cost`, `uid`,
/// `policy` and `name`.
#[proc_macro]
pub fn throttles(block: proc_macro::TokenStream) -> proc_macro::TokenStream {
    print_expansion(self::block(block.into())).into()
}

fn attribute(args: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let args = Args::parse(args, &mut errors);
    let Some(handler) = errors.handle(syn::parse2::<Handler>(item.clone())) else {
        return quote::quote!(#errors #item);
    };
    let attribute = ThrottledAttribute::read(args, &handler, &mut errors);
    if errors.is_empty() {
        expand::attribute(&attribute, handler)
    } else {
        expand::attribute_with_errors(&errors, &attribute, &handler)
    }
}

fn block(block: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let block = ParsedBlock::parse(block, &mut errors);
    let block = Block::read(block, &mut errors);
    expand::block(&block, &errors)
}

/// Prints an expansion if `TRAFFIK_MACROS_DEBUG` is 1. No other environment variable is read.
fn print_expansion(expansion: TokenStream) -> TokenStream {
    if std::env::var_os("TRAFFIK_MACROS_DEBUG").is_some_and(|value| value == "1") {
        eprintln!("{expansion}");
    }
    expansion
}
