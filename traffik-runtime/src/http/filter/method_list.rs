//! A list of methods.

use http::Method;

use crate::http::filter::error::FilterError;

/// A list of methods, in which `GET` includes `HEAD`.
#[derive(Clone, Debug)]
pub(super) struct MethodList(Box<[Method]>);

impl MethodList {
    pub(super) fn new(methods: impl IntoIterator<Item = Method>) -> Result<Self, FilterError> {
        let methods: Box<[Method]> = methods.into_iter().collect();
        if methods.is_empty() {
            return Err(FilterError::NoMethods);
        }
        Ok(Self(methods))
    }

    pub(super) fn matches(&self, method: &Method) -> bool {
        self.0.contains(method) || (*method == Method::HEAD && self.0.contains(&Method::GET))
    }
}
