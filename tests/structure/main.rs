//! Checks of the sources themselves: layers and circles of imports, names and comments.
//!
//! Links none of the crates it checks. `ARCHITECTURE.md` holds the order of the layers.
//!
//! ```text
//! cargo test -p traffik-tests --test structure -- --nocapture
//! ```

mod circles;
mod figures;
mod fixtures;
mod imports;
mod layers;
mod modules;
mod names;
mod order;
mod prose;
mod sources;
mod syntax;
mod tokens;
