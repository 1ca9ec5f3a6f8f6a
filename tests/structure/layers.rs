//! The check of layers and circles.

use std::collections::BTreeMap;
use std::fmt;

use crate::circles::circles;
use crate::imports::{FileGraph, Import, Imports};
use crate::modules::Modules;
use crate::order::Order;
use crate::sources::Sources;

/// The page that holds the order.
const PAGE: &str = "ARCHITECTURE.md";

/// Something that breaks the structure, at the place to change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl Violation {
    /// Returns the message with paths from the root of the workspace.
    fn within(&self, folder: &str) -> String {
        match &*self.file {
            PAGE => self.to_string(),
            _ => format!("{folder}/{self}"),
        }
    }
}

/// Checks a crate against the order of its layers. Returns the violations by file and line.
pub(crate) fn violations(sources: &Sources, order: &Order) -> Vec<Violation> {
    let modules = Modules::read(sources);
    let imports = Imports::of(&modules);
    let mut violations = placement(sources, &modules, order);
    violations.extend(imports.unresolved.iter().map(|(file, line, path)| {
        violation(
            file,
            *line,
            format!("`{path}` leads to no item of the crate; teach the check how to follow it"),
        )
    }));
    violations.extend(upward(&imports, order));
    violations.extend(circles_of_siblings(&imports, order));
    violations.sort();
    violations
}

/// Returns the circles of a module's file with files below it.
///
/// They are counted apart: `mod.rs` may hold a type that is made of what the files below it define
/// and that these extend.
pub(crate) fn circles_within_modules(sources: &Sources, order: &Order) -> Vec<Violation> {
    let imports = Imports::of(&Modules::read(sources));
    let mut circles = circles(&within_layers(&imports, order));
    circles.retain(|circle| circle.iter().any(|import| import.is_of_child()));
    circles.iter().map(|circle| in_a_circle(circle)).collect()
}

/// Returns the circles of other files.
fn circles_of_siblings(imports: &Imports, order: &Order) -> Vec<Violation> {
    let mut files = within_layers(imports, order);
    for targets in files.values_mut() {
        targets.retain(|_, import| !import.is_of_child());
    }
    circles(&files)
        .iter()
        .map(|circle| in_a_circle(circle))
        .collect()
}

/// Returns the imports within each layer. A circle through several layers holds an import from a
/// layer above, which is a violation by itself.
fn within_layers<'a>(imports: &'a Imports, order: &Order) -> FileGraph<'a> {
    let layer_of = |file: &str| {
        let folder = file.split('/').next().unwrap_or_default().to_owned();
        order.layer_of(file).ok_or(folder)
    };
    let mut files = imports.between_files();
    for (from, targets) in &mut files {
        targets.retain(|to, _| layer_of(from) == layer_of(to));
    }
    files
}

fn violation(file: &str, line: usize, message: impl Into<String>) -> Violation {
    Violation {
        file: file.to_owned(),
        line,
        message: message.into(),
    }
}

/// Files without a layer or a `mod` item, names without a file.
fn placement(sources: &Sources, modules: &Modules, order: &Order) -> Vec<Violation> {
    let files = Vec::from_iter(modules.files());
    let unnamed = files.iter().filter(|file| order.layer_of(file).is_none());
    let unnamed = unnamed.map(|file| {
        let message =
            "no layer has this file; name it in the `layers` of ARCHITECTURE.md or move it";
        violation(file, 1, message)
    });
    let unreached = modules.unreached(sources).into_iter();
    let unreached = unreached.map(|file| {
        violation(
            file,
            1,
            "no `mod` item names this file; add one or delete it",
        )
    });
    let missing = modules.missing.iter();
    let missing =
        missing.map(|(file, line)| violation(file, *line, "this module has no file; add it"));
    let unused = order.unused(&files).into_iter().map(|name| {
        let message = format!("`layers` names `{name}`, which is no file or folder; take it out");
        violation(PAGE, 1, message)
    });
    unnamed
        .chain(unreached)
        .chain(missing)
        .chain(unused)
        .collect()
}

/// Imports from a layer above, one for each pair of files.
fn upward(imports: &Imports, order: &Order) -> Vec<Violation> {
    let mut pairs = BTreeMap::new();
    for import in &imports.all {
        pairs.entry((&import.from, &import.to)).or_insert(import);
    }
    let layer_of = |file: &str| order.layer_of(file);
    let upward = pairs.into_values().filter_map(|import| {
        let (from, to) = (layer_of(&import.from)?, layer_of(&import.to)?);
        (from < to).then(|| points_up(import, order, from, to))
    });
    upward.collect()
}

fn points_up(import: &Import, order: &Order, from: usize, to: usize) -> Violation {
    let [from, to] = [from, to].map(|layer| order.0[layer].names.join(", "));
    let Import { path, to: file, .. } = import;
    let message = format!(
        "`{path}` is defined in {file}: layer `{from}` is below layer `{to}`; \
         move the item down, move its user up, or pass the value in"
    );
    violation(&import.from, import.line, message)
}

fn in_a_circle(circle: &[&Import]) -> Violation {
    let steps = circle.iter().map(|import| {
        let Import {
            from,
            line,
            to,
            path,
            ..
        } = import;
        format!("\n    {from}:{line} imports {to} (`{path}`)")
    });
    let steps: String = steps.collect();
    let message = format!(
        "{} files import each other in a circle; move what they share to a file below them:{steps}",
        circle.len()
    );
    violation(&circle[0].from, circle[0].line, message)
}

/// The crates that are checked, with the folders of their sources.
const CRATES: [(&str, &str); 2] = [
    ("traffik-macros", "traffik-macros/src"),
    ("traffik-runtime", "traffik-runtime/src"),
];

#[test]
fn imports_point_down_and_no_files_import_each_other_in_a_circle() {
    refuse(violations);
}

#[test]
fn no_module_imports_files_below_it_that_import_it() {
    refuse(circles_within_modules);
}

/// Prints what a check finds in the crates, and fails if there is anything.
#[track_caller]
fn refuse(check: impl Fn(&Sources, &Order) -> Vec<Violation>) {
    let mut count = 0;
    for (krate, folder) in CRATES {
        let found = check(&Sources::read(folder), &Order::read(krate));
        println!("{krate}: {} violations of the structure", found.len());
        for violation in &found {
            println!("{}", violation.within(folder));
        }
        count += found.len();
    }
    assert!(
        count == 0,
        "{count} violations of the structure are printed above"
    );
}
