//! The rates and switches of a file that the operator writes.

pub(crate) mod document;
pub(crate) mod json;
pub(crate) mod toml;
pub(crate) mod validate;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use parking_lot::Mutex;

use crate::definition::registry::entries::Entries;
use crate::definition::registry::overridden::RegistryEntry;
use crate::definition::registry::overrides::Override;
use crate::definition::registry::overrides_file::document::Member;
use crate::error::Error;

/// The overrides of the file that was loaded last.
pub(crate) struct OverridesFile {
    loaded: Mutex<Loaded>,
    /// Locked while a file is loaded, so that one is loaded after the other.
    loading: Mutex<()>,
}

struct Loaded {
    /// The number of files that were loaded.
    files: u64,
    by_uid: BTreeMap<String, Override>,
}

impl OverridesFile {
    pub(crate) const fn new() -> Self {
        Self {
            loaded: Mutex::new(Loaded {
                files: 0,
                by_uid: BTreeMap::new(),
            }),
            loading: Mutex::new(()),
        }
    }

    /// Applies the overrides to a throttle, and returns the number of the file that they are from.
    pub(crate) fn apply(&self, entry: &RegistryEntry) -> u64 {
        let (file, change) = {
            let loaded = self.loaded.lock();
            (loaded.files, loaded.by_uid.get(entry.uid()).cloned())
        };
        entry.override_by_file(change.as_ref());
        file
    }

    /// Returns the overrides, by uid.
    pub(crate) fn by_uid(&self) -> BTreeMap<String, Override> {
        self.loaded.lock().by_uid.clone()
    }

    /// Returns `true` if a file was loaded after the one of this number.
    pub(crate) fn is_newer_than(&self, file: u64) -> bool {
        self.loaded.lock().files > file
    }

    /// Loads a file, and applies it to the registered throttles.
    ///
    /// # Errors
    ///
    /// [`Error::Overrides`] with every problem of the file. Then nothing has changed.
    pub(crate) fn load(&self, path: &Path, entries: &Entries) -> Result<(), Error> {
        let _loading = self.loading.lock();
        let by_uid = read(path).and_then(|members| overrides(members, entries));
        let by_uid = by_uid.map_err(|problems| Error::Overrides {
            path: path.display().to_string(),
            problems,
        })?;
        {
            let mut loaded = self.loaded.lock();
            loaded.files += 1;
            loaded.by_uid = by_uid;
        }
        for entry in entries.all() {
            self.apply(&entry);
        }
        Ok(())
    }
}

/// Returns the overrides of a file's members by uid, or every problem with them.
fn overrides(
    members: Vec<Member>,
    entries: &Entries,
) -> Result<BTreeMap<String, Override>, Vec<String>> {
    let (mut by_uid, mut problems) = (BTreeMap::new(), Vec::new());
    for member in members {
        let (uid, position) = (member.name.clone(), member.position());
        let message = |problem| format!("{position}`{uid}`: {problem}");
        match validate::throttle(member) {
            Ok(change) => {
                problems.extend(refusal(&uid, &change, entries).map(message));
                if by_uid.insert(uid.clone(), change).is_some() {
                    problems.push(message("it is there twice; remove one".to_owned()));
                }
            }
            Err(found) => problems.extend(
                found
                    .into_iter()
                    .map(|(position, problem)| format!("{position}`{uid}`: {problem}")),
            ),
        }
    }
    if problems.is_empty() {
        Ok(by_uid)
    } else {
        Err(problems)
    }
}

/// Returns the reason why a registered throttle cannot have the rates or the leases of an override.
fn refusal(uid: &str, change: &Override, entries: &Entries) -> Option<String> {
    let check = |entry: &RegistryEntry| {
        let rates = change.rates.as_ref();
        rates.map_or(Ok(()), |rates| entry.compile(rates).map(drop))?;
        entry.check_lease(change.lease)
    };
    let mut entries = entries.of_uid(uid).into_iter();
    entries.find_map(|entry| match check(&entry) {
        Err(Error::Configuration { message, .. }) => Some(message),
        _ => None,
    })
}

/// Returns the members of a file that are throttles, or every problem with it.
fn read(path: &Path) -> Result<Vec<Member>, Vec<String>> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let (parse, none): (fn(&str) -> _, _) = match extension.to_str() {
        Some("toml") => (toml::members, r#"overrides = "none""#),
        Some("json") => (json::members, r#"{ "overrides": "none" }"#),
        _ => {
            return Err(vec![
                "its name has no known extension; end it in `.toml` or `.json`".to_owned(),
            ]);
        }
    };
    match fs::read_to_string(path) {
        Ok(text) => validate::throttles(parse(&text)?, none),
        Err(error) => Err(vec![format!("it cannot be read: {error}")]),
    }
}
