use regex::Regex;

use super::error::FilterError;

/// A regular expression that matches a whole path or nothing.
#[derive(Clone, Debug)]
pub(super) struct Whole(Regex);

impl Whole {
    pub(super) fn new(expression: &str) -> Result<Self, FilterError> {
        // By itself first: `a)|(b` would be one between the parentheses.
        let compiled = Regex::new(expression)
            .and_then(|_| Regex::new(&format!("^(?:{expression})$")))
            .map_err(|source| FilterError::Regex {
                expression: expression.to_owned(),
                source,
            })?;
        Ok(Self(compiled))
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}
