//! The imports and the paths in the syntax of a module.

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, UseTree, Visibility};

use crate::tokens;

/// A path that code names, with the line it stands on.
#[derive(Clone, Debug)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    /// Read from the tokens of a macro, where a path may mean something else.
    pub(crate) in_macro: bool,
}

/// One leaf of a `use`.
#[derive(Clone, Debug)]
pub(crate) struct Use {
    /// The name it gives, `*` for every name of the path.
    pub(crate) name: String,
    pub(crate) mention: Mention,
    /// Any visibility beyond the module's own.
    pub(crate) is_reexport: bool,
}

/// The imports and the paths in the items of a module.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub(crate) uses: Vec<Use>,
    pub(crate) mentions: Vec<Mention>,
}

/// Macros whose tokens are the code of another crate.
const QUOTING: [&str; 5] = [
    "quote",
    "quote_spanned",
    "parse_quote",
    "parse_quote_spanned",
    "stringify",
];

impl Reader {
    fn mention(&mut self, path: &syn::Path) {
        let (None, Some(first)) = (path.leading_colon, path.segments.first()) else {
            return;
        };
        self.mentions.push(Mention {
            path: path
                .segments
                .iter()
                .map(|segment| segment.ident.to_string())
                .collect(),
            line: first.ident.span().start().line,
            in_macro: false,
        });
    }

    fn tokens(&mut self, tokens: TokenStream) {
        tokens::paths(tokens, &mut |path, line| {
            self.mentions.push(Mention {
                path,
                line,
                in_macro: true,
            });
        });
    }

    fn leaves(&mut self, prefix: &[String], tree: &UseTree, is_reexport: bool) {
        let (written, name) = match tree {
            UseTree::Path(path) => {
                let prefix = [prefix, &[path.ident.to_string()]].concat();
                return self.leaves(&prefix, &path.tree, is_reexport);
            }
            UseTree::Group(group) => {
                return group
                    .items
                    .iter()
                    .for_each(|tree| self.leaves(prefix, tree, is_reexport));
            }
            UseTree::Name(leaf) => (leaf.ident.to_string(), leaf.ident.to_string()),
            UseTree::Rename(leaf) => (leaf.ident.to_string(), leaf.rename.to_string()),
            UseTree::Glob(_) => ("self".to_owned(), "*".to_owned()),
        };
        match (&*written, prefix) {
            // `a::{self}` names `a`.
            ("self", [.., last]) => {
                let name = if name == "self" { last.clone() } else { name };
                self.push(name, prefix.to_vec(), tree, is_reexport);
            }
            _ => self.push(name, [prefix, &[written]].concat(), tree, is_reexport),
        }
    }

    fn push(&mut self, name: String, path: Vec<String>, tree: &UseTree, is_reexport: bool) {
        let line = syn::spanned::Spanned::span(tree).start().line;
        let mention = Mention {
            path,
            line,
            in_macro: false,
        };
        self.uses.push(Use {
            name,
            mention,
            is_reexport,
        });
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => &item.attrs[..],
            syn::ImplItem::Const(item) => &item.attrs,
            _ => &[],
        };
        if !is_test_only(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !is_test_only(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if item.leading_colon.is_none() {
            let is_reexport = !matches!(item.vis, Visibility::Inherited);
            self.leaves(&[], &item.tree, is_reexport);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.mention(path);
        visit::visit_path(self, path);
    }

    /// A lower-case name alone is a variable, unless it is called.
    fn visit_expr_path(&mut self, expr: &'ast syn::ExprPath) {
        let is_variable = expr.path.get_ident().is_some_and(|ident| {
            ident
                .to_string()
                .starts_with(|first: char| first.is_lowercase())
        });
        if !is_variable {
            visit::visit_expr_path(self, expr);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func
            && function.path.get_ident().is_some()
        {
            self.mention(&function.path);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.mention(&call.path);
        let name = &call.path.segments[call.path.segments.len() - 1].ident;
        if !QUOTING.iter().any(|quoting| name == quoting) {
            self.tokens(call.tokens.clone());
        }
    }

    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// Reports whether attributes leave an item out of everything but tests.
pub(crate) fn is_test_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute
            .path()
            .is_ident("cfg")
            .then(|| attribute.parse_args::<Meta>());
        matches!(condition, Some(Ok(condition)) if needs_test(&condition))
    })
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("all") => {
            let conditions = list.parse_args_with(
                syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated,
            );
            conditions.is_ok_and(|conditions| conditions.iter().any(needs_test))
        }
        _ => false,
    }
}

/// Returns the attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
