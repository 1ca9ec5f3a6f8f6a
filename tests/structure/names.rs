//! Resolution of paths to the items they stand for, through imports, re-exports, globs and renames.

use std::collections::BTreeSet;

use crate::modules::Modules;

/// Something that a path stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Module(usize),
    /// An item and the file that defines it.
    Item(String),
    /// An item of another crate that this one re-exports.
    Foreign,
}

/// Lookups that are under way, so that imports of each other end.
type Pending = BTreeSet<(usize, String)>;

impl Modules {
    /// Returns everything that a path stands for in a module; nothing for names of other crates.
    pub(crate) fn resolve(&self, module: usize, path: &[String]) -> BTreeSet<Target> {
        self.follow(module, path, &mut Pending::new())
    }

    fn follow(&self, module: usize, path: &[String], pending: &mut Pending) -> BTreeSet<Target> {
        let Some((first, rest)) = path.split_first() else {
            return BTreeSet::from([Target::Module(module)]);
        };
        let mut targets = match &**first {
            "crate" => BTreeSet::from([Target::Module(0)]),
            "self" => BTreeSet::from([Target::Module(module)]),
            "super" => self.all[module]
                .parent
                .map(Target::Module)
                .into_iter()
                .collect(),
            name => self.lookup(module, name, pending),
        };
        for name in rest {
            targets = targets
                .into_iter()
                .flat_map(|target| match target {
                    Target::Item(_) | Target::Foreign => BTreeSet::from([target]),
                    Target::Module(module) => {
                        self.follow(module, std::slice::from_ref(name), pending)
                    }
                })
                .collect();
        }
        targets
    }

    fn lookup(&self, id: usize, name: &str, pending: &mut Pending) -> BTreeSet<Target> {
        let mut targets = BTreeSet::new();
        if !pending.insert((id, name.to_owned())) {
            return targets;
        }
        let module = &self.all[id];
        if module.items.contains(name) || module.macros.contains(name) {
            targets.insert(Target::Item(module.file.clone()));
        }
        targets.extend(
            module
                .children
                .get(name)
                .map(|child| Target::Module(*child)),
        );
        if id == 0 {
            targets.extend(self.exported_macros.get(name).cloned().map(Target::Item));
        }
        for used in module.uses.iter().filter(|used| used.name == name) {
            targets.extend(self.follow(id, &used.mention.path, pending));
            if targets.is_empty() {
                targets.insert(Target::Foreign);
            }
        }
        if targets.is_empty() {
            for glob in module.uses.iter().filter(|used| used.name == "*") {
                for target in self.follow(id, &glob.mention.path, pending) {
                    if let Target::Module(offering) = target {
                        targets.extend(self.lookup(offering, name, pending));
                    }
                }
            }
        }
        if targets.is_empty() && module.generated.contains(name) {
            targets.insert(Target::Item(module.file.clone()));
        }
        pending.remove(&(id, name.to_owned()));
        targets
    }

    /// Returns the file of the macro that a call of one name reaches from the modules around.
    pub(crate) fn macro_around(&self, mut id: usize, name: &str) -> Option<Target> {
        loop {
            let module = &self.all[id];
            if module.macros.contains(name) {
                return Some(Target::Item(module.file.clone()));
            }
            id = module.parent?;
        }
    }
}
