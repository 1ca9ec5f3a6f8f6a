//! A strategy of the catalog, which says what is wrong with the name and the parameters.

use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Expr, ExprAssign, ExprCall, ExprLit, Ident, Lit, UnOp, parse_quote};
use traffik_runtime::strategy::FixedWindow;
use traffik_runtime::strategy::catalog::{self, Argument, Literal, Param, Spec, Subject, Takes};

use crate::diagnostics::{Result, all, error, joined};
use crate::model::expr;

/// A strategy of the catalog and the tokens that chose it.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) spec: Spec,
    written: Written,
}

/// The name and the parameters, as they were written.
#[derive(Clone)]
struct Written {
    name: Expr,
    parameters: Vec<(Ident, Expr)>,
}

impl Known {
    /// The strategy of a name and of the parameters behind it.
    pub(super) fn read(word: &str, name: &Expr, call: Option<&ExprCall>) -> Result<Self> {
        let parameters = all(call
            .iter()
            .flat_map(|call| &call.args)
            .map(|value| parameter(word, value)))?;
        let names: Vec<_> = parameters
            .iter()
            .map(|(name, _)| name.to_string())
            .collect();
        let values: Vec<_> = parameters
            .iter()
            .map(|(_, value)| Value::of(value))
            .collect();
        let pairs: Vec<_> = values.iter().map(Value::pairs).collect();
        let arguments: Vec<_> = names
            .iter()
            .zip(values.iter().zip(&pairs))
            .map(|(name, (value, pairs))| Argument {
                name,
                value: value.literal(pairs),
            })
            .collect();
        let written = Written {
            name: name.clone(),
            parameters,
        };
        catalog::resolve(word, &arguments)
            .map(|spec| Self {
                spec,
                written: written.clone(),
            })
            .map_err(|problems| {
                let errors = problems
                    .into_iter()
                    .map(|problem| error(written.tokens(&problem.subject), problem.message));
                // The catalog never refuses without a reason.
                joined(errors).unwrap_or_else(|| error(name, "unknown strategy"))
            })
    }

    /// The function that `load` names, if there is one.
    pub(crate) fn load(&self) -> Option<&Expr> {
        self.written.value("load")
    }

    /// The tokens a problem of the catalog is about, as far as they belong to the strategy.
    pub(crate) fn tokens(&self, subject: &Subject) -> &dyn ToTokens {
        self.written.tokens(subject)
    }
}

impl Default for Known {
    /// Fixed windows.
    fn default() -> Self {
        let written = Written {
            name: parse_quote!(fixed_window),
            parameters: Vec::new(),
        };
        Self {
            spec: Spec::FixedWindow(FixedWindow::new()),
            written,
        }
    }
}

impl Written {
    fn tokens(&self, subject: &Subject) -> &dyn ToTokens {
        let at = |place: usize| self.parameters.get(place);
        let found: Option<&dyn ToTokens> = match subject {
            Subject::Name(place) => at(*place).map(|(name, _)| name as _),
            Subject::Value(place) => at(*place).map(|(_, value)| value as _),
            Subject::Parameter(name) => self.value(name).map(|value| value as _),
            Subject::Window(place) => self.window(*place).map(|window| window as _),
            Subject::Strategy | Subject::Rate(_) | Subject::Cost => None,
        };
        found.unwrap_or(&self.name)
    }

    /// What a parameter was given.
    fn value(&self, name: &str) -> Option<&Expr> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(written, _)| written.unraw() == name);
        found.map(|(_, value)| value)
    }

    /// The time window at a place.
    fn window(&self, place: usize) -> Option<&Expr> {
        match self.value("windows").map(expr::bare) {
            Some(Expr::Array(windows)) => windows.elems.get(place),
            _ => None,
        }
    }
}

/// One parameter, `burst = 150`.
fn parameter(strategy: &str, value: &Expr) -> Result<(Ident, Expr)> {
    if let Expr::Assign(ExprAssign { left, right, .. }) = value
        && let Some(name) = expr::word(left)
    {
        return Ok((name.clone(), (**right).clone()));
    }
    let entry = catalog::ENTRIES.iter().find(|entry| entry.name == strategy);
    let params = entry.map_or(&[][..], |entry| entry.params);
    let word = expr::word(value).filter(|word| params.iter().any(|param| *word == param.name));
    if let Some(word) = word {
        let example = example(params, &word.to_string());
        let message = format!("`{word}` needs a value; write `{strategy}({example})`");
        return Err(error(value, message));
    }
    let first = params.first().map_or("name", |param| param.name);
    let text = match value {
        Expr::Assign(_) => format!("[{}]", expr::text(value)),
        value => expr::text(value),
    };
    Err(error(
        value,
        format!("parameters have names; write `{strategy}({first} = {text})`"),
    ))
}

/// A parameter with a value, as an example.
pub(crate) fn example(params: &[Param], name: &str) -> String {
    let takes = params
        .iter()
        .find(|param| param.name == name)
        .map(|param| param.takes);
    let value = match takes {
        Some(Takes::Duration) => "\"500ms\"",
        Some(Takes::Share) => "0.8",
        Some(Takes::Multiplier) => "1.5",
        Some(Takes::Name) => "free",
        Some(Takes::Windows) => "[\"08:00-18:00\" = 2.0]",
        Some(Takes::Offset) => "\"+05:30\"",
        Some(Takes::Function) => "current_load",
        // A count, or a percentage.
        _ => "50",
    };
    format!("{name} = {value}")
}

/// A value's text, as the catalog reads it.
enum Value {
    Number(String),
    Text(String),
    Word(String),
    Pairs(Vec<(String, Value)>),
    Path,
    Other,
}

impl Value {
    fn of(value: &Expr) -> Self {
        match expr::bare(value) {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) if text.suffix().is_empty() => Self::Text(text.value()),
            Expr::Lit(ExprLit {
                lit: lit @ (Lit::Int(_) | Lit::Float(_)),
                ..
            }) => Self::Number(expr::text(lit)),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match Self::of(&unary.expr) {
                Self::Number(number) => Self::Number(format!("-{number}")),
                _ => Self::Other,
            },
            Expr::Array(array) => {
                let pairs: Option<_> = array.elems.iter().map(Self::pair).collect();
                pairs.map_or(Self::Other, Self::Pairs)
            }
            path => match (expr::word(path), expr::path(path)) {
                (Some(word), _) => Self::Word(word.unraw().to_string()),
                (None, Some(_)) => Self::Path,
                (None, None) => Self::Other,
            },
        }
    }

    /// `"08:00-18:00" = 2.0`.
    fn pair(value: &Expr) -> Option<(String, Self)> {
        match expr::bare(value) {
            Expr::Assign(ExprAssign { left, right, .. }) => {
                let text = expr::string(left)?;
                Some((text.value(), Self::of(right)))
            }
            _ => None,
        }
    }

    fn pairs(&self) -> Vec<(&str, Literal<'_>)> {
        match self {
            Self::Pairs(pairs) => pairs
                .iter()
                .map(|(text, value)| (text.as_str(), value.literal(&[])))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn literal<'a>(&'a self, pairs: &'a [(&'a str, Literal<'a>)]) -> Literal<'a> {
        match self {
            Self::Number(number) => Literal::Number(number),
            Self::Text(text) => Literal::Text(text),
            Self::Word(word) => Literal::Word(word),
            Self::Pairs(_) => Literal::Pairs(pairs),
            Self::Path => Literal::Path,
            Self::Other => Literal::Other,
        }
    }
}
