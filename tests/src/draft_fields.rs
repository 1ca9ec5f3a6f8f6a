//! The `RateLimit` fields of the IETF draft, read back by a parser that is not ours.

use sfv::{BareItem, Item, List, ListEntry, Parser};

/// An item of `RateLimit-Policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaPolicy {
    /// The policy's name.
    pub name: String,
    /// `q`: the quota.
    pub quota: u64,
    /// `w`: the window, in seconds.
    pub window: Option<u64>,
}

/// An item of `RateLimit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceLimit {
    /// The policy's name.
    pub name: String,
    /// `r`: the remaining units.
    pub remaining: u64,
    /// `t`: the seconds until more units are available.
    pub next: Option<u64>,
}

impl QuotaPolicy {
    /// Creates an item to compare with.
    pub fn new(name: &str, quota: u64, window: impl Into<Option<u64>>) -> Self {
        Self {
            name: name.to_owned(),
            quota,
            window: window.into(),
        }
    }

    pub(crate) fn parse_list(field: &str) -> Vec<Self> {
        let item = |(name, quota, window)| Self {
            name,
            quota,
            window,
        };
        items(field, ["q", "w"]).map(item).collect()
    }
}

impl ServiceLimit {
    /// Creates an item to compare with.
    pub fn new(name: &str, remaining: u64, next: impl Into<Option<u64>>) -> Self {
        Self {
            name: name.to_owned(),
            remaining,
            next: next.into(),
        }
    }

    pub(crate) fn parse_list(field: &str) -> Vec<Self> {
        let item = |(name, remaining, next)| Self {
            name,
            remaining,
            next,
        };
        items(field, ["r", "t"]).map(item).collect()
    }
}

/// Parses a list of strings with a required and an optional parameter, and no others.
fn items(field: &str, parameters: [&str; 2]) -> impl Iterator<Item = (String, u64, Option<u64>)> {
    let list: List = Parser::new(field)
        .parse()
        .unwrap_or_else(|error| panic!("{error}: {field}"));
    list.into_iter().map(move |entry| match entry {
        ListEntry::Item(item) => parse_item(&item, parameters),
        ListEntry::InnerList(_) => panic!("an inner list instead of a string"),
    })
}

fn parse_item(item: &Item, [required, optional]: [&str; 2]) -> (String, u64, Option<u64>) {
    let name = item
        .bare_item
        .as_string()
        .expect("a policy's name is a string");
    for parameter in item.params.keys() {
        assert!(
            [required, optional].contains(&parameter.as_str()),
            "unknown parameter `{parameter}`"
        );
    }
    let number = |parameter| item.params.get(parameter).map(unsigned);
    let required = number(required).unwrap_or_else(|| panic!("`{required}` is missing"));
    (name.as_str().to_owned(), required, number(optional))
}

fn unsigned(value: &BareItem) -> u64 {
    let value = value.as_integer().expect("a parameter is an integer");
    u64::try_from(value).expect("a parameter is not negative")
}
