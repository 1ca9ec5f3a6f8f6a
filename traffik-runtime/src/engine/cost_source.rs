//! The source of a hit's cost.

/// The source of a hit's cost. It decides how a cost that can never be admitted is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CostSource {
    /// The definition, or the attribute on the handler.
    Constant,
    /// A function of the request's head, a closure over arguments from it, or code.
    #[default]
    Head,
    /// A closure over the argument that may read the body.
    Body,
}
