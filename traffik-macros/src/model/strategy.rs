//! `strategy`: a name of the catalog, bare, in quotes or with parameters, or `custom(…)`.

use quote::ToTokens;
use syn::{
    Expr, ExprAssign, ExprCall, ExprLit, Ident, Lit, LitFloat, LitInt, Path, Type, TypePath, UnOp,
    parse_quote,
};
use traffik_runtime::strategy::FixedWindow;
use traffik_runtime::strategy::catalog::{self, Argument, Literal, Problem, Spec, Subject};

use super::shape;
use crate::diagnostics::{Error, Result, near};

/// The law that decides.
#[derive(Clone)]
pub(crate) enum Strategy {
    /// One of ours.
    Known(Known),
    /// The user's own: the value and its type.
    Custom(Box<Expr>, Box<Type>),
}

/// A strategy of the catalog and the tokens that chose it.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) spec: Spec,
    name: Expr,
    arguments: Vec<(Ident, Expr)>,
}

impl Strategy {
    pub(crate) fn read(value: &Expr) -> Result<Self> {
        if let Some((path, call)) = shape::call(value) {
            return match path.get_ident() {
                Some(word) if word == "custom" => custom(call),
                Some(word) => known(&word.to_string(), &call.func, parameters(word, call)?),
                None => Err(wrapped(value)),
            };
        }
        if let Some(word) = shape::word(value) {
            return known(&word.to_string(), value, Vec::new());
        }
        match shape::string(value) {
            Some(text) if text.value().contains(['(', ':']) => Err(Error::new_spanned(
                text,
                format!(
                    "quotes stand around words only; write `strategy = {}`",
                    text.value()
                ),
            )),
            Some(text) => known(&text.value(), value, Vec::new()),
            None => Err(wrapped(value)),
        }
    }
}

impl Default for Strategy {
    /// Fixed windows.
    fn default() -> Self {
        let spec = Spec::FixedWindow(FixedWindow::new());
        Self::Known(Known {
            spec,
            name: parse_quote!(fixed_window),
            arguments: Vec::new(),
        })
    }
}

impl Known {
    /// The tokens a problem of the catalog is about, as far as they belong to the strategy.
    pub(crate) fn tokens(&self, subject: &Subject) -> &dyn ToTokens {
        subject_tokens(subject, &self.name, &self.arguments)
    }
}

fn subject_tokens<'a>(
    subject: &Subject,
    name: &'a Expr,
    arguments: &'a [(Ident, Expr)],
) -> &'a dyn ToTokens {
    let argument = match subject {
        Subject::Name(index) => arguments.get(*index).map(|(name, _)| name as &dyn ToTokens),
        Subject::Value(index) => arguments
            .get(*index)
            .map(|(_, value)| value as &dyn ToTokens),
        Subject::Strategy | Subject::Rate(_) | Subject::Cost => None,
    };
    argument.unwrap_or(name)
}

fn known(word: &str, name: &Expr, arguments: Vec<(Ident, Expr)>) -> Result<Strategy> {
    if word == "custom" {
        return Err(Error::new_spanned(
            name,
            "`custom` takes your strategy; write `custom(MyStrategy::new())`",
        ));
    }
    if near(word, &["custom"]).is_some() {
        return Err(Error::new_spanned(
            name,
            format!("unknown strategy `{word}`; did you mean `custom`?"),
        ));
    }
    let names: Vec<_> = arguments.iter().map(|(name, _)| name.to_string()).collect();
    let values: Vec<_> = arguments
        .iter()
        .map(|(_, value)| Written::of(value))
        .collect();
    let written: Vec<_> = names
        .iter()
        .zip(&values)
        .map(|(name, value)| Argument {
            name,
            value: value.literal(),
        })
        .collect();
    match catalog::resolve(word, &written) {
        Ok(spec) => Ok(Strategy::Known(Known {
            spec,
            name: name.clone(),
            arguments,
        })),
        Err(problems) => Err(combined(problems, |subject| {
            subject_tokens(subject, name, &arguments)
        })),
    }
}

fn combined<'a>(problems: Vec<Problem>, tokens: impl Fn(&Subject) -> &'a dyn ToTokens) -> Error {
    let errors = problems
        .into_iter()
        .map(|problem| Error::new_spanned(tokens(&problem.subject), problem.message));
    errors
        .reduce(|mut all, next| {
            all.combine(next);
            all
        })
        // The catalog never refuses without a reason.
        .unwrap_or_else(|| Error::new_spanned(tokens(&Subject::Strategy), "unknown strategy"))
}

/// The parameters of `token_bucket(burst = 150)`.
fn parameters(strategy: &Ident, call: &ExprCall) -> Result<Vec<(Ident, Expr)>> {
    let named = |value: &Expr| match value {
        Expr::Assign(ExprAssign { left, right, .. }) => {
            shape::word(left).map(|name| (name.clone(), (**right).clone()))
        }
        _ => None,
    };
    call.args
        .iter()
        .map(|value| named(value).ok_or_else(|| unnamed(strategy, value)))
        .collect()
}

fn unnamed(strategy: &Ident, value: &Expr) -> Error {
    let entry = catalog::ENTRIES.iter().find(|entry| strategy == entry.name);
    let name = entry
        .and_then(|entry| entry.params.first())
        .map_or("name", |param| param.name);
    let value_text = shape::text(value);
    Error::new_spanned(
        value,
        format!("parameters have names; write `{strategy}({name} = {value_text})`"),
    )
}

/// A literal's text, as the catalog reads it.
enum Written {
    Number(String),
    Text(String),
    Other,
}

impl Written {
    fn of(value: &Expr) -> Self {
        match shape::bare(value) {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Self::Text(text.value()),
            Expr::Lit(ExprLit {
                lit: Lit::Int(number),
                ..
            }) => Self::Number(LitInt::to_string(number)),
            Expr::Lit(ExprLit {
                lit: Lit::Float(number),
                ..
            }) => Self::Number(LitFloat::to_string(number)),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match Self::of(&unary.expr) {
                Self::Number(number) => Self::Number(format!("-{number}")),
                Self::Text(_) | Self::Other => Self::Other,
            },
            _ => Self::Other,
        }
    }

    fn literal(&self) -> Literal<'_> {
        match self {
            Self::Number(number) => Literal::Number(number),
            Self::Text(text) => Literal::Text(text),
            Self::Other => Literal::Other,
        }
    }
}

fn custom(call: &ExprCall) -> Result<Strategy> {
    let mut values = call.args.iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Error::new_spanned(
            call,
            "`custom` takes one value, your strategy: `custom(MyStrategy::new())`",
        ));
    };
    let ty = type_of(value).ok_or_else(|| {
        let written = shape::text(value);
        Error::new_spanned(value, format!("the type of this strategy cannot be seen here; name it: `custom({written} as MyStrategy)`"))
    })?;
    let value = match shape::bare(value) {
        Expr::Cast(cast) => (*cast.expr).clone(),
        value => value.clone(),
    };
    Ok(Strategy::Custom(Box::new(value), Box::new(ty)))
}

/// The type an expression names: `Mine`, `Mine { … }`, `Mine(…)`, `Mine::new(…)`, these followed by setters, or `… as Mine`.
fn type_of(value: &Expr) -> Option<Type> {
    match shape::bare(value) {
        Expr::Cast(cast) => Some((*cast.ty).clone()),
        Expr::MethodCall(call) => type_of(&call.receiver),
        Expr::Struct(literal) if literal.qself.is_none() => Some(named(literal.path.clone())),
        Expr::Call(call) => shape::path(&call.func).and_then(constructed),
        Expr::Path(_) => shape::path(value)
            .filter(|path| ends_in_type(path))
            .cloned()
            .map(named),
        _ => None,
    }
}

/// `Mine(…)` and `Mine::new(…)` both give a `Mine`.
fn constructed(function: &Path) -> Option<Type> {
    let mut path = function.clone();
    if !ends_in_type(&path) {
        path.segments.pop();
        path.segments.pop_punct();
    }
    ends_in_type(&path).then(|| named(path))
}

/// By convention only types are in camel case.
fn ends_in_type(path: &Path) -> bool {
    let Some(last) = path.segments.last() else {
        return false;
    };
    let name = last.ident.to_string();
    name.starts_with(char::is_uppercase) && (name.len() == 1 || name.contains(char::is_lowercase))
}

fn named(path: Path) -> Type {
    Type::Path(TypePath {
        attrs: Vec::new(),
        qself: None,
        path,
    })
}

fn wrapped(value: &Expr) -> Error {
    let written = shape::text(value);
    Error::new_spanned(
        value,
        format!("a strategy of your own stands in `custom`; write `strategy = custom({written})`"),
    )
}
