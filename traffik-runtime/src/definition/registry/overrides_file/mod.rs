//! Rates and switches from a file of the operator's.

pub(crate) mod document;
pub(crate) mod json;
pub(crate) mod toml;
pub(crate) mod validate;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use parking_lot::Mutex;

use crate::definition::registry::overridden::Live;
use crate::definition::registry::overrides_file::document::Member;
use crate::definition::registry::{Registry, upgraded};
use crate::error::Error;
use crate::rate::Rate;

/// What a file says of one throttle.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    pub(crate) rates: Option<Vec<Rate>>,
    pub(crate) enabled: Option<bool>,
}

/// What the file says that was loaded last.
pub(crate) struct Overrides {
    said: Mutex<Said>,
    /// Files are loaded one after the other.
    loading: Mutex<()>,
}

struct Said {
    /// How many files were loaded.
    files: u64,
    by_uid: BTreeMap<String, Override>,
}

impl Overrides {
    pub(crate) const fn new() -> Self {
        Self {
            said: Mutex::new(Said {
                files: 0,
                by_uid: BTreeMap::new(),
            }),
            loading: Mutex::new(()),
        }
    }

    /// Lets a throttle heed what is said of it, by the last of so many files.
    pub(crate) fn heed(&self, live: &Live) -> u64 {
        let (files, said) = {
            let said = self.said.lock();
            (said.files, said.by_uid.get(&*live.record.uid).cloned())
        };
        live.by_file(said.as_ref());
        files
    }

    /// Returns what the file that was loaded last says, by uid.
    pub(crate) fn by_uid(&self) -> BTreeMap<String, Override> {
        self.said.lock().by_uid.clone()
    }

    /// Whether there is another file than the last of so many.
    pub(crate) fn is_newer_than(&self, files: u64) -> bool {
        self.said.lock().files > files
    }
}

impl Registry {
    /// Takes rates and switches from a file, TOML or JSON by its extension:
    ///
    /// ```toml
    /// [uploads]
    /// rate = ["10/second", "1000/hour"]
    ///
    /// ["shop::orders::create"]
    /// rate = "10/minute"
    ///
    /// [mails]
    /// enabled = false
    /// ```
    ///
    /// ```json
    /// { "uploads": { "rate": ["10/second", "1000/hour"] }, "mails": { "enabled": false } }
    /// ```
    ///
    /// A file without a throttle is an error, because it would drop every override: where that is meant, it says
    /// `overrides = "none"`, and nothing else (in JSON `{ "overrides": "none" }`).
    ///
    /// What it says takes effect on the next hit. Loaded again, or another in its place, what a file no longer says returns
    /// to the definition. [`set_rate`](Registry::set_rate), [`disable`](Registry::disable) and
    /// [`enable`](Registry::enable) go before what the file says, until [`reset`](Registry::reset).
    ///
    /// A process that has just started has seen no throttles, so a uid that nobody knows is no mistake: it is kept, and heeded
    /// when a throttle of that uid is used. [`pending`](Registry::pending) lists those that have not been, such as misspelt
    /// ones.
    ///
    /// # Errors
    ///
    /// [`Error::Overrides`], with all that is wrong, where the file cannot be read, is no TOML or JSON, or says what makes no
    /// sense: no throttle at all, a key that is none, a rate that is none or that the strategy of a throttle in use makes no law of. Then nothing
    /// has changed.
    pub fn load_overrides(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let _loading = self.overrides.loading.lock();
        let path = path.as_ref();
        let members = read(path);
        let said = members.and_then(|members| self.meant(members));
        let said = said.map_err(|problems| Error::Overrides {
            path: path.display().to_string(),
            problems,
        })?;
        {
            let mut last = self.overrides.said.lock();
            last.files += 1;
            last.by_uid = said;
        }
        for live in self.live() {
            self.overrides.heed(&live);
        }
        Ok(())
    }

    /// What all members of a file mean, or all that is wrong with them.
    fn meant(&self, members: Vec<Member>) -> Result<BTreeMap<String, Override>, Vec<String>> {
        let (mut said, mut problems) = (BTreeMap::new(), Vec::new());
        for member in members {
            let (uid, place) = (member.name.clone(), member.place());
            let wrong = |problem| format!("{place}`{uid}`: {problem}");
            match validate::of(member) {
                Ok(one) => {
                    problems.extend(self.unfit(&uid, &one).map(wrong));
                    if said.insert(uid.clone(), one).is_some() {
                        problems.push(wrong("it is there twice; leave one".to_owned()));
                    }
                }
                Err(found) => problems.extend(
                    found
                        .into_iter()
                        .map(|(place, problem)| format!("{place}`{uid}`: {problem}")),
                ),
            }
        }
        if problems.is_empty() {
            Ok(said)
        } else {
            Err(problems)
        }
    }

    /// Why a throttle in use cannot have these rates, if it cannot.
    fn unfit(&self, uid: &str, said: &Override) -> Option<String> {
        let rates = said.rates.as_ref()?;
        let same = self.seen.lock().get(uid).map(|same| upgraded(same));
        let mut same = same.into_iter().flatten();
        same.find_map(|live| match live.worked_out(rates) {
            Err(Error::Configuration { message, .. }) => Some(message),
            _ => None,
        })
    }
}

/// What stands in a file, or why it cannot be read.
fn read(path: &Path) -> Result<Vec<Member>, Vec<String>> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let (parse, none): (fn(&str) -> _, _) = match extension.to_str() {
        Some("toml") => (toml::members, r#"overrides = "none""#),
        Some("json") => (json::members, r#"{ "overrides": "none" }"#),
        _ => {
            return Err(vec![
                "its name ends neither in `.toml` nor in `.json`; rename it".to_owned(),
            ]);
        }
    };
    match fs::read_to_string(path) {
        Ok(text) => validate::throttles(parse(&text)?, none),
        Err(error) => Err(vec![format!("it cannot be read: {error}")]),
    }
}
