//! Circles of files that import each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::{FileGraph, Import};

/// Returns the shortest circle through every file that is in one, each circle once, shortest first.
pub(crate) fn circles<'a>(files: &FileGraph<'a>) -> Vec<Vec<&'a Import>> {
    let mut found = BTreeMap::new();
    for file in files.keys() {
        if let Some(circle) = shortest_circle(files, file) {
            let members: BTreeSet<_> = circle.iter().map(|import| &*import.from).collect();
            found.entry((circle.len(), members)).or_insert(circle);
        }
    }
    found.into_values().collect()
}

/// Walks imports breadth first from a file until one leads back to it.
fn shortest_circle<'a>(files: &FileGraph<'a>, start: &str) -> Option<Vec<&'a Import>> {
    let mut reached_by = BTreeMap::<&str, &Import>::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for (&to, &import) in files.get(file).into_iter().flatten() {
            if to == start {
                return Some(path_back(&reached_by, import, start));
            }
            reached_by.entry(to).or_insert_with(|| {
                queue.push_back(to);
                import
            });
        }
    }
    None
}

/// Returns the imports that lead from `start` to `last`, in order.
fn path_back<'a>(
    reached_by: &BTreeMap<&str, &'a Import>,
    last: &'a Import,
    start: &str,
) -> Vec<&'a Import> {
    let before = |import: &&'a Import| reached_by.get(&*import.from).copied();
    let mut path: Vec<_> = std::iter::successors(Some(last), |import| {
        if import.from == start {
            None
        } else {
            before(import)
        }
    })
    .collect();
    path.reverse();
    path
}
