//! The modules of a crate: which names each defines, imports and offers.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::Visit as _;
use syn::{Item, ItemMod};

use crate::sources::{Sources, is_test_file};
use crate::syntax::{Mention, Reader, Use, attributes, is_test_only};
use crate::tokens;

/// A module, its items read.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// The file it stands in, as a key of `Sources`.
    pub(crate) file: String,
    pub(crate) parent: Option<usize>,
    pub(crate) children: BTreeMap<String, usize>,
    pub(crate) items: BTreeSet<String>,
    pub(crate) macros: BTreeSet<String>,
    /// Identifiers in its macros and in the macro calls between its items, which may define more.
    pub(crate) generated: BTreeSet<String>,
    pub(crate) uses: Vec<Use>,
    pub(crate) mentions: Vec<Mention>,
}

/// All modules of a crate; the first is its root.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    pub(crate) all: Vec<Module>,
    /// Macros with `#[macro_export]` and their files.
    pub(crate) exported_macros: BTreeMap<String, String>,
    /// Files that are named by a `mod` item and cannot be read.
    pub(crate) missing: Vec<(String, usize)>,
    /// Files of modules that only tests compile.
    test_only: BTreeSet<String>,
}

/// The folders that hold the files of a module's children.
struct Folders<'a> {
    /// For children with a path of their own: the folder of the file they are declared in.
    of_file: &'a str,
    /// For all others.
    of_children: String,
}

impl Modules {
    /// Reads a crate from its `lib.rs` on. Tests are left out.
    pub(crate) fn read(sources: &Sources) -> Self {
        let mut modules = Self::default();
        modules.read_file(sources, "lib.rs", None);
        modules
    }

    /// Returns the files that hold modules.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        self.all.iter().map(|module| &*module.file).collect()
    }

    /// Returns the files that no `mod` item names.
    pub(crate) fn unreached<'a>(&self, sources: &'a Sources) -> Vec<&'a str> {
        let files = self.files();
        let paths = sources.0.keys().map(String::as_str);
        paths
            .filter(|path| {
                !is_test_file(path) && !files.contains(path) && !self.test_only.contains(*path)
            })
            .collect()
    }

    fn read_file(&mut self, sources: &Sources, file: &str, parent: Option<usize>) -> Option<usize> {
        let syntax = syn::parse_file(sources.0.get(file)?)
            .unwrap_or_else(|error| panic!("{file}:{}: {error}", error.span().start().line));
        let (of_file, name) = file.rsplit_once('/').unwrap_or(("", file));
        let of_children = match name {
            "mod.rs" | "lib.rs" => of_file.to_owned(),
            _ => file.trim_end_matches(".rs").to_owned(),
        };
        let folders = Folders {
            of_file,
            of_children,
        };
        Some(self.read_module(sources, file, parent, &syntax.items, &folders))
    }

    fn read_module(
        &mut self,
        sources: &Sources,
        file: &str,
        parent: Option<usize>,
        items: &[Item],
        folders: &Folders<'_>,
    ) -> usize {
        let id = self.all.len();
        self.all.push(Module {
            file: file.to_owned(),
            parent,
            ..Module::default()
        });
        let mut reader = Reader::default();
        for item in items {
            if is_test_only(attributes(item)) {
                if let Item::Mod(module) = item {
                    self.test_only.extend(paths_of(module, folders));
                }
            } else if let Item::Mod(module) = item {
                self.read_child(sources, id, module, folders);
            } else {
                self.define(id, item);
                reader.visit_item(item);
            }
        }
        self.all[id].uses = reader.uses;
        self.all[id].mentions = reader.mentions;
        id
    }

    fn read_child(&mut self, sources: &Sources, id: usize, item: &ItemMod, folders: &Folders<'_>) {
        let (file, name) = (self.all[id].file.clone(), item.ident.to_string());
        let child = if let Some((_, items)) = &item.content {
            let of_children = joined(&folders.of_children, &name);
            let folders = Folders {
                of_children,
                ..*folders
            };
            Some(self.read_module(sources, &file, Some(id), items, &folders))
        } else {
            let paths = paths_of(item, folders);
            if paths.iter().any(|path| is_test_file(path)) {
                return;
            }
            paths
                .iter()
                .find_map(|path| self.read_file(sources, path, Some(id)))
        };
        match child {
            Some(child) => {
                self.all[id].children.insert(name, child);
            }
            None => self.missing.push((file, item.ident.span().start().line)),
        }
    }

    /// Notes the name that an item gives.
    fn define(&mut self, id: usize, item: &Item) {
        let module = &mut self.all[id];
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            Item::Macro(item) => return self.define_macro(id, item),
            _ => return,
        };
        module.items.insert(name.to_string());
    }

    /// Notes a macro, or what a macro call may define.
    fn define_macro(&mut self, id: usize, item: &syn::ItemMacro) {
        let module = &mut self.all[id];
        if let Some(name) = &item.ident {
            module.macros.insert(name.to_string());
            if item
                .attrs
                .iter()
                .any(|attribute| attribute.path().is_ident("macro_export"))
            {
                self.exported_macros
                    .insert(name.to_string(), module.file.clone());
            }
        }
        tokens::identifiers(item.mac.tokens.clone(), &mut |name| {
            module.generated.insert(name);
        });
    }
}

/// Returns the paths at which the file of a module may be.
fn paths_of(item: &ItemMod, folders: &Folders<'_>) -> Vec<String> {
    match written_path(item) {
        Some(path) => vec![joined(folders.of_file, &path)],
        None => ["", "/mod"]
            .map(|end| joined(&folders.of_children, &format!("{}{end}.rs", item.ident)))
            .to_vec(),
    }
}

/// The path in `#[path = "…"]`.
fn written_path(item: &ItemMod) -> Option<String> {
    item.attrs.iter().find_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(path),
            ..
        }) = &pair.value
        else {
            return None;
        };
        pair.path.is_ident("path").then(|| path.value())
    })
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
