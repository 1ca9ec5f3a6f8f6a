//! Figures of the crates: how many files and functions, how long they are.

use std::fmt;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Block, Signature};

use crate::sources::{Sources, is_test_file};
use crate::syntax::{attributes, is_test_only};

/// The functions of a file outside its tests, with their lines.
#[derive(Debug, Default)]
struct Functions(Vec<(usize, String)>);

impl Functions {
    fn add(&mut self, signature: &Signature, block: &Block) {
        let (first, last) = (signature.span().start().line, block.span().end().line);
        self.0.push((last - first + 1, signature.ident.to_string()));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_only(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Lengths in lines, each with what is that long; shortest first.
struct Lengths(Vec<(usize, String)>);

impl Lengths {
    fn new(mut lengths: Vec<(usize, String)>) -> Self {
        lengths.sort();
        Self(lengths)
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let lines: usize = self.0.iter().map(|(lines, _)| lines).sum();
        let (median, tenth) = (self.0[count / 2].0, self.0[count * 9 / 10].0);
        write!(
            f,
            "{count}, {lines} lines, median {median}, nine tenths {tenth}, longest"
        )?;
        for (lines, name) in self.0.iter().rev().take(5) {
            write!(f, " {lines} ({name})")?;
        }
        Ok(())
    }
}

/// Prints the figures of the crates without their tests.
#[test]
fn prints_figures_of_files_and_functions() {
    for krate in ["traffik", "traffik-macros", "traffik-runtime"] {
        let (mut files, mut functions) = (Vec::new(), Vec::new());
        for (path, text) in Sources::read(&format!("{krate}/src")).0 {
            if is_test_file(&path) {
                continue;
            }
            let mut found = Functions::default();
            found.visit_file(&syn::parse_file(&text).unwrap());
            functions.extend(
                found
                    .0
                    .into_iter()
                    .map(|(n, name)| (n, format!("{path} {name}"))),
            );
            files.push((text.lines().count(), path));
        }
        println!("{krate}: files {}", Lengths::new(files));
        if !functions.is_empty() {
            println!("{krate}: functions {}", Lengths::new(functions));
        }
    }
}
