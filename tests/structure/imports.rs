//! Imports between the files of a crate.

use std::collections::{BTreeMap, BTreeSet};

use crate::modules::Modules;
use crate::names::Target;
use crate::syntax::Mention;

/// One file names an item that another defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Import {
    pub(crate) from: String,
    pub(crate) line: usize,
    pub(crate) to: String,
    /// The path as it is written.
    pub(crate) path: String,
    /// Offers the item to others instead of using it.
    pub(crate) is_reexport: bool,
}

/// An import from each file to each other that it imports.
pub(crate) type FileGraph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Import>>;

/// All imports of a crate, and the paths that start in it and lead nowhere.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    pub(crate) all: BTreeSet<Import>,
    pub(crate) unresolved: BTreeSet<(String, usize, String)>,
}

impl Imports {
    /// Resolves everything that the modules of a crate import or name.
    ///
    /// The name of a module is no import: what is reached through it is.
    pub(crate) fn of(modules: &Modules) -> Self {
        let mut imports = Self::default();
        for id in 0..modules.all.len() {
            imports.read(modules, id);
        }
        imports
    }

    fn read(&mut self, modules: &Modules, id: usize) {
        let module = &modules.all[id];
        for used in &module.uses {
            self.add(modules, id, &used.mention, used.is_reexport);
        }
        for mention in &module.mentions {
            self.add(modules, id, mention, false);
        }
    }

    fn add(&mut self, modules: &Modules, id: usize, mention: &Mention, is_reexport: bool) {
        let file = &modules.all[id].file;
        let mut targets = modules.resolve(id, &mention.path);
        if let ([name], true) = (&mention.path[..], targets.is_empty()) {
            targets.extend(modules.macro_around(id, name));
        }
        let path = mention.path.join("::");
        let starts_here = matches!(&*mention.path[0], "crate" | "self" | "super");
        if targets.is_empty() && starts_here && !mention.in_macro {
            self.unresolved
                .insert((file.clone(), mention.line, path.clone()));
        }
        for target in targets {
            if let Target::Item(to) = target
                && to != *file
            {
                let (from, path) = (file.clone(), path.clone());
                self.all.insert(Import {
                    from,
                    line: mention.line,
                    to,
                    path,
                    is_reexport,
                });
            }
        }
    }

    /// Returns the first import from each file to each other.
    ///
    /// Re-exports are left out: they count for the files that import through them.
    pub(crate) fn between_files(&self) -> FileGraph<'_> {
        let mut files = FileGraph::new();
        for import in self.all.iter().filter(|import| !import.is_reexport) {
            let targets = files.entry(&import.from).or_default();
            targets.entry(&import.to).or_insert(import);
        }
        files
    }
}

impl Import {
    /// Reports whether a module's file imports one of the files below the module.
    pub(crate) fn is_of_child(&self) -> bool {
        let module = self.from.trim_end_matches(".rs").trim_end_matches("mod");
        self.to
            .starts_with(&format!("{}/", module.trim_end_matches('/')))
    }
}
