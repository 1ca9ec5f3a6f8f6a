//! `on_error`: the policy for hits that cannot be decided because the backend fails.

use std::time::Duration;

use syn::{Expr, ExprCall, ExprLit, Lit, Path};
use traffik_runtime::strategy::catalog::Warning;

use super::keywords::{KeywordValue, Keywords};
use super::params::{Param, Params, number};
use super::timeout::duration;
use super::{SpannedWarning, expr};
use crate::diagnostics::{Error, Result, collect_all, error, quoted_list};

/// The policy for failures of the backend.
#[derive(Clone)]
pub(crate) enum OnError {
    Allow,
    Throttle,
    Raise,
    Retry(Box<Retry>),
    Fallback(Box<Fallback>),
    Failover(Box<Failover>),
    /// A function of the user's.
    Handler(Path),
}

/// `retry(…)`.
#[derive(Clone)]
pub(crate) struct Retry {
    pub(crate) max_retries: Option<u32>,
    pub(crate) delay: Option<Duration>,
    pub(crate) multiplier: Option<f64>,
    pub(crate) jitter: Option<&'static str>,
    pub(crate) on: Option<Vec<ErrorKind>>,
    pub(crate) even_if_it_may_have_counted: bool,
    pub(crate) then: Option<OnError>,
    warning: Option<SpannedWarning>,
}

/// `fallback(…)`.
#[derive(Clone)]
pub(crate) struct Fallback {
    pub(crate) backend: Expr,
    pub(crate) on: Option<Vec<ErrorKind>>,
    pub(crate) instances: Option<u32>,
    pub(crate) then: Option<OnError>,
}

/// `failover(…)`.
#[derive(Clone)]
pub(crate) struct Failover {
    pub(crate) fallback: Fallback,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) max_retries: Option<u32>,
    pub(crate) delay: Option<Duration>,
}

/// A circuit breaker.
#[derive(Clone)]
pub(crate) enum Breaker {
    /// A `static`, which other throttles may share.
    Static(Path),
    /// An expression.
    Value(Expr),
    /// `breaker(…)`: a new one.
    New {
        failures: Option<u32>,
        recovery: Option<Duration>,
        successes: Option<u32>,
    },
}

/// A kind of backend error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Connection,
    Timeout,
    Contention,
}

const KEYWORDS: Keywords = Keywords {
    key: "on_error",
    list: &[
        "allow", "throttle", "raise", "retry", "fallback", "failover",
    ],
    allows_paths: true,
};

const JITTERS: Keywords = Keywords {
    key: "jitter",
    list: &["none", "full", "equal"],
    allows_paths: false,
};

const KINDS: Keywords = Keywords {
    key: "on",
    list: &["connection", "timeout", "contention"],
    allows_paths: false,
};

const MAX_RETRIES: Param = ("max_retries", "max_retries = 3");
const DELAY: Param = ("delay", "delay = \"100ms\"");
const MULTIPLIER: Param = ("multiplier", "multiplier = 2.0");
const JITTER: Param = ("jitter", "jitter = full");
const ON: Param = ("on", "on = [connection, timeout]");
const EVEN_IF_COUNTED: Param = ("even_if_it_may_have_counted", "even_if_it_may_have_counted");
const THEN: Param = ("then", "then = throttle");
const BACKEND: Param = ("backend", "backend = Backend::memory()");
const INSTANCES: Param = ("instances", "instances = 4");
const BREAKER: Param = ("breaker", "breaker = BREAKER");
const FAILURES: Param = ("failures", "failures = 10");
const RECOVERY: Param = ("recovery", "recovery = \"60s\"");
const SUCCESSES: Param = ("successes", "successes = 3");

impl OnError {
    /// Reads the value of `on_error`.
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        match KEYWORDS.read(value)? {
            KeywordValue::Keyword("allow") => Ok(Self::Allow),
            KeywordValue::Keyword("throttle") => Ok(Self::Throttle),
            KeywordValue::Keyword("raise") => Ok(Self::Raise),
            KeywordValue::Keyword(word) => Err(error(
                value,
                format!("`{word}` needs parameters; write `{}`", example(word)),
            )),
            KeywordValue::Call("retry", call) => retry(call).map(Box::new).map(Self::Retry),
            KeywordValue::Call("fallback", call) => {
                fallback(call).map(Box::new).map(Self::Fallback)
            }
            KeywordValue::Call("failover", call) => {
                failover(call).map(Box::new).map(Self::Failover)
            }
            KeywordValue::Call(word, call) => Err(error(
                call,
                format!("`{word}` takes no parameters; write `on_error = {word}`"),
            )),
            KeywordValue::Path(path) => Ok(Self::Handler(path.clone())),
            KeywordValue::Text(text) => Err(KEYWORDS.unknown_text(text)),
            KeywordValue::Other(value) => Err(unexpected(value)),
        }
    }

    /// Returns the warnings about the policy itself.
    pub(crate) fn warnings(&self) -> Vec<SpannedWarning> {
        let (own, then) = match self {
            Self::Allow | Self::Throttle | Self::Raise | Self::Handler(_) => (None, None),
            Self::Retry(retry) => (retry.warning.clone(), retry.then.as_ref()),
            Self::Fallback(fallback) => (None, fallback.then.as_ref()),
            Self::Failover(failover) => (None, failover.fallback.then.as_ref()),
        };
        let then = then.into_iter().flat_map(Self::warnings);
        own.into_iter().chain(then).collect()
    }
}

fn retry(call: &ExprCall) -> Result<Retry> {
    let allowed = [
        MAX_RETRIES,
        DELAY,
        MULTIPLIER,
        JITTER,
        ON,
        EVEN_IF_COUNTED,
        THEN,
    ];
    let mut params = Params::new("retry", call, &allowed);
    let on = params.read(ON.0, kinds);
    let even_if_it_may_have_counted = params.read(EVEN_IF_COUNTED.0, flag).is_some();
    let is_idle = !even_if_it_may_have_counted && on.as_deref() == Some(&[ErrorKind::Timeout]);
    let retry = Retry {
        max_retries: params.read(MAX_RETRIES.0, |value| number(value, MAX_RETRIES, 1)),
        delay: params.read(DELAY.0, |value| duration(value, DELAY.1)),
        multiplier: params.read(MULTIPLIER.0, multiplier),
        jitter: params.read(JITTER.0, jitter),
        warning: params.value(ON.0).filter(|_| is_idle).map(idle_retry),
        on,
        even_if_it_may_have_counted,
        then: params.read(THEN.0, OnError::read),
    };
    params.finish(Some(retry))
}

fn fallback(call: &ExprCall) -> Result<Fallback> {
    let allowed = [BACKEND, ON, INSTANCES, THEN];
    let mut params = Params::new("fallback", call, &allowed);
    let fallback = read_fallback(&mut params);
    params.finish(fallback)
}

fn read_fallback(params: &mut Params<'_>) -> Option<Fallback> {
    let backend = params.require(BACKEND, |value| Ok(value.clone()));
    let on = params.read(ON.0, kinds);
    let instances = params.read(INSTANCES.0, |value| number(value, INSTANCES, 1));
    let then = params.read(THEN.0, OnError::read);
    Some(Fallback {
        backend: backend?,
        on,
        instances,
        then,
    })
}

fn failover(call: &ExprCall) -> Result<Failover> {
    let allowed = [BACKEND, BREAKER, MAX_RETRIES, DELAY, ON, INSTANCES, THEN];
    let mut params = Params::new("failover", call, &allowed);
    let breaker = params.read(BREAKER.0, breaker);
    let max_retries = params.read(MAX_RETRIES.0, |value| number(value, MAX_RETRIES, 0));
    let delay = params.read(DELAY.0, |value| duration(value, DELAY.1));
    let failover = read_fallback(&mut params).map(|fallback| Failover {
        fallback,
        breaker,
        max_retries,
        delay,
    });
    params.finish(failover)
}

/// Reads `BREAKER`, `breaker(failures = 10)`, or an expression.
fn breaker(value: &Expr) -> Result<Breaker> {
    if let Some(path) = expr::path(value) {
        return Ok(Breaker::Static(path.clone()));
    }
    let new = expr::call(value).filter(|(path, _)| path.is_ident("breaker"));
    let Some((_, call)) = new else {
        return Ok(Breaker::Value(value.clone()));
    };
    let mut params = Params::new("breaker", call, &[FAILURES, RECOVERY, SUCCESSES]);
    let breaker = Breaker::New {
        failures: params.read(FAILURES.0, |value| number(value, FAILURES, 1)),
        recovery: params.read(RECOVERY.0, |value| duration(value, RECOVERY.1)),
        successes: params.read(SUCCESSES.0, |value| number(value, SUCCESSES, 1)),
    };
    params.finish(Some(breaker))
}

fn kinds(value: &Expr) -> Result<Vec<ErrorKind>> {
    let Expr::Array(array) = expr::without_groups(value) else {
        let message = format!("`on` is a list; write `{}`", ON.1);
        return Err(error(value, message));
    };
    if array.elems.is_empty() {
        let message = "`on` is empty; remove it to include every error";
        return Err(error(value, message));
    }
    collect_all(array.elems.iter().map(kind))
}

fn kind(value: &Expr) -> Result<ErrorKind> {
    Ok(match keyword(&KINDS, value)? {
        "timeout" => ErrorKind::Timeout,
        "contention" => ErrorKind::Contention,
        _ => ErrorKind::Connection,
    })
}

fn jitter(value: &Expr) -> Result<&'static str> {
    keyword(&JITTERS, value)
}

/// Reads a keyword of a closed list.
fn keyword(keywords: &Keywords, value: &Expr) -> Result<&'static str> {
    match keywords.read(value)? {
        KeywordValue::Keyword(word) => Ok(word),
        KeywordValue::Text(text) => Err(keywords.unknown_text(text)),
        _ => {
            let message = format!("`{}` takes {}", keywords.key, quoted_list(keywords.list));
            Err(error(value, message))
        }
    }
}

fn multiplier(value: &Expr) -> Result<f64> {
    let number = match expr::without_groups(value) {
        Expr::Lit(ExprLit {
            lit: Lit::Float(number),
            ..
        }) if number.suffix().is_empty() => number.base10_parse().ok(),
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) if number.suffix().is_empty() => number.base10_parse().ok(),
        _ => None,
    };
    let number = number.filter(|number: &f64| *number >= 1.0 && number.is_finite());
    number.ok_or_else(|| {
        let message = format!(
            "`multiplier` must be a number of at least 1; write `{}`",
            MULTIPLIER.1
        );
        error(value, message)
    })
}

fn flag(value: &Expr) -> Result<()> {
    let is_flag = expr::ident(value).is_some_and(|word| word == EVEN_IF_COUNTED.0);
    is_flag.then_some(()).ok_or_else(|| {
        error(
            value,
            format!("`{0}` takes no value; write `{0}`", EVEN_IF_COUNTED.0),
        )
    })
}

fn idle_retry(on: &Expr) -> SpannedWarning {
    let message = "a hit that timed out may have counted, so it is never retried; add `even_if_it_may_have_counted`, or `connection` to the list";
    SpannedWarning::new(on, Warning::IdleRetry, message.to_owned())
}

fn example(word: &str) -> String {
    let (_, param) = if word == "retry" {
        MAX_RETRIES
    } else {
        BACKEND
    };
    format!("{word}({param})")
}

fn unexpected(value: &Expr) -> Error {
    let message = match (value, expr::call(value)) {
        (Expr::Closure(_), _) => {
            "`on_error` cannot be a closure; write the path of an `async fn(&Failure<'_>) -> Verdict`"
                .to_owned()
        }
        (_, Some((function, _))) => format!(
            "name the function instead of calling it; write `on_error = {}`",
            expr::text(function)
        ),
        _ => format!(
            "`on_error` must be {}, or the path of an `async fn(&Failure<'_>) -> Verdict`",
            quoted_list(KEYWORDS.list)
        ),
    };
    error(value, message)
}
