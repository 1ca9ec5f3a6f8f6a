//! Functions told from constants, by their types.

use http::request::Parts;

use super::Probe;
use crate::rate::Rate;

/// A constant: the same for all requests.
#[derive(Clone, Copy, Debug)]
pub struct Constant;

/// A function of the request.
#[derive(Clone, Copy, Debug)]
pub struct Function;

/// Finds constants.
pub trait ConstantKind {
    /// That it is one.
    fn __traffik_source(&self) -> Constant {
        Constant
    }
}

/// Finds everything else.
pub trait FunctionKind {
    /// That it is no constant.
    fn __traffik_source(&self) -> Function {
        Function
    }
}

impl ConstantKind for Probe<Rate> {}
impl ConstantKind for Probe<&'static str> {}
impl<T> FunctionKind for &Probe<T> {}

impl Constant {
    /// The constant.
    pub fn of<T>(self, constant: T, _: &Parts) -> T {
        constant
    }
}

impl Function {
    /// What the function gives for this request.
    pub fn of<'a, T>(self, function: impl FnOnce(&'a Parts) -> T, parts: &'a Parts) -> T {
        function(parts)
    }
}
