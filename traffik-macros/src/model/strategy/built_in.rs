//! A strategy of the catalog. The catalog checks the name and the parameters.

use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Expr, ExprAssign, ExprCall, ExprLit, Ident, Lit, UnOp, parse_quote};
use traffik_runtime::strategy::FixedWindow;
use traffik_runtime::strategy::catalog::{self, Argument, Literal, Param, Spec, Subject, Takes};

use crate::diagnostics::{Result, collect_all, combine, error};
use crate::model::expr;

/// A strategy of the catalog, with its tokens.
#[derive(Clone)]
pub(crate) struct BuiltIn {
    pub(crate) spec: Spec,
    syntax: StrategySyntax,
}

/// The name and the parameters as they were written.
#[derive(Clone)]
struct StrategySyntax {
    name: Expr,
    parameters: Vec<(Ident, Expr)>,
}

impl BuiltIn {
    /// Resolves a name with its parameters.
    pub(super) fn read(word: &str, name: &Expr, call: Option<&ExprCall>) -> Result<Self> {
        let parameters = collect_all(
            call.iter()
                .flat_map(|call| &call.args)
                .map(|value| parameter(word, value)),
        )?;
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
        let syntax = StrategySyntax {
            name: name.clone(),
            parameters,
        };
        catalog::resolve(word, &arguments)
            .map(|spec| Self {
                spec,
                syntax: syntax.clone(),
            })
            .map_err(|problems| {
                let errors = problems
                    .into_iter()
                    .map(|problem| error(syntax.tokens(&problem.subject), problem.message));
                // The catalog never fails without a problem.
                combine(errors).unwrap_or_else(|| error(name, "unknown strategy"))
            })
    }

    /// Returns the path of `load`.
    pub(crate) fn load(&self) -> Option<&Expr> {
        self.syntax.value("load")
    }

    /// Returns the tokens of the strategy that a problem of the catalog is about.
    pub(crate) fn tokens(&self, subject: &Subject) -> &dyn ToTokens {
        self.syntax.tokens(subject)
    }
}

impl Default for BuiltIn {
    /// Returns `fixed_window`.
    fn default() -> Self {
        let syntax = StrategySyntax {
            name: parse_quote!(fixed_window),
            parameters: Vec::new(),
        };
        Self {
            spec: Spec::FixedWindow(FixedWindow::new()),
            syntax,
        }
    }
}

impl StrategySyntax {
    fn tokens(&self, subject: &Subject) -> &dyn ToTokens {
        let parameter = |index: usize| self.parameters.get(index);
        let found: Option<&dyn ToTokens> = match subject {
            Subject::Name(index) => parameter(*index).map(|(name, _)| name as _),
            Subject::Value(index) => parameter(*index).map(|(_, value)| value as _),
            Subject::Parameter(name) => self.value(name).map(|value| value as _),
            Subject::Window(index) => self.window(*index).map(|window| window as _),
            Subject::Strategy | Subject::Rate(_) | Subject::Cost => None,
        };
        found.unwrap_or(&self.name)
    }

    /// Returns the value of a parameter.
    fn value(&self, name: &str) -> Option<&Expr> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(written, _)| written.unraw() == name);
        found.map(|(_, value)| value)
    }

    /// Returns the time window at an index.
    fn window(&self, index: usize) -> Option<&Expr> {
        match self.value("windows").map(expr::without_groups) {
            Some(Expr::Array(windows)) => windows.elems.get(index),
            _ => None,
        }
    }
}

/// Splits a parameter, `burst = 150`, into its name and value.
fn parameter(strategy: &str, value: &Expr) -> Result<(Ident, Expr)> {
    if let Expr::Assign(ExprAssign { left, right, .. }) = value
        && let Some(name) = expr::ident(left)
    {
        return Ok((name.clone(), (**right).clone()));
    }
    let entry = catalog::ENTRIES.iter().find(|entry| entry.name == strategy);
    let params = entry.map_or(&[][..], |entry| entry.params);
    let word = expr::ident(value).filter(|word| params.iter().any(|param| *word == param.name));
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
        format!("parameters need names; write `{strategy}({first} = {text})`"),
    ))
}

/// Returns a parameter with a value, as an example.
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

/// A literal in the form that the catalog reads.
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
        match expr::without_groups(value) {
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
            path => match (expr::ident(path), expr::path(path)) {
                (Some(word), _) => Self::Word(word.unraw().to_string()),
                (None, Some(_)) => Self::Path,
                (None, None) => Self::Other,
            },
        }
    }

    /// Splits `"08:00-18:00" = 2.0`.
    fn pair(value: &Expr) -> Option<(String, Self)> {
        match expr::without_groups(value) {
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
