//! Source files in memory, read from a folder or written by a test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rust files by their path from a root, with `/` between folders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(pub(crate) BTreeMap<String, String>);

impl Sources {
    /// Reads every Rust file below a folder of the workspace.
    pub(crate) fn read(folder: &str) -> Self {
        let root = workspace().join(folder);
        let mut sources = Self::default();
        sources.read_folder(&root, &root);
        assert!(!sources.0.is_empty(), "no Rust files in {folder}");
        sources
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                self.read_folder(root, &path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                self.0.insert(name.replace('\\', "/"), text);
            }
        }
    }

    /// Adds a line to the end of a file and returns its number.
    pub(crate) fn append(&mut self, file: &str, line: &str) -> usize {
        let text = self
            .0
            .get_mut(file)
            .unwrap_or_else(|| panic!("no file {file}"));
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(line);
        text.lines().count()
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Sources {
    fn from(files: [(&str, &str); N]) -> Self {
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        Self(BTreeMap::from(files))
    }
}

/// The folder that holds the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Reports whether a file of `src` holds nothing but tests, by its name.
pub(crate) fn is_test_file(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_tests = folder.split('/').any(|folder| folder == "tests");
    in_tests || name == "tests.rs" || name.ends_with("_tests.rs") || name.ends_with("_loom.rs")
}
