//! Counting by valgrind's tool callgrind.
//!
//! This program runs itself under it. Each call of [`counted`] makes a dump with the instructions
//! of that call, so one run counts every operation. An operation runs N times and 2N times, and the
//! difference has no start in it.

use std::process::Command;
use std::{env, fs, io};

use crate::instructions::operations::{Operation, operations};

/// The argument of the run under valgrind.
pub const UNDER_VALGRIND: &str = "--under-valgrind";

/// The runs of an operation that are counted.
const RUNS: u64 = 1_024;

/// Runs an operation. Its instructions are counted by its name.
#[inline(never)]
pub fn counted(operation: &mut Operation, runs: u64) {
    (operation.run)(runs);
}

/// Runs every operation, under valgrind.
pub fn run_all() {
    for mut operation in operations() {
        for runs in [RUNS, 2 * RUNS] {
            counted(&mut operation, runs);
        }
    }
}

/// Returns `true` if valgrind is there.
pub fn is_installed() -> bool {
    let version = Command::new("valgrind").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// Counts the instructions of each operation: its name, and the count of one run.
///
/// # Errors
///
/// Valgrind cannot run this program, or makes no counts.
pub fn count_all() -> io::Result<Vec<(String, f64)>> {
    let folder = env::temp_dir().join(format!("traffik-instructions-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let counts = count_in(&folder);
    fs::remove_dir_all(&folder)?;
    let counts = counts?;
    let mut operations = operations();
    if counts.len() != 2 * operations.len() {
        let message = format!("{} counts of {} operations", counts.len(), operations.len());
        return Err(io::Error::other(message));
    }
    let names: Vec<String> = operations.iter().map(|it| it.name.clone()).collect();
    let each: Vec<f64> = counts
        .chunks_exact(2)
        .map(|pair| (pair[1] as f64 - pair[0] as f64) / RUNS as f64)
        .collect();
    let count = |operation: &mut Operation| {
        let at = |name: &str| names.iter().position(|other| other == name);
        let base = operation.beyond.and_then(at).map_or(0.0, |base| each[base]);
        let own = at(&operation.name).map_or(f64::NAN, |own| each[own]);
        (operation.name.clone(), own - base)
    };
    Ok(operations.iter_mut().map(count).collect())
}

/// Runs valgrind, and returns the counts of all calls of [`counted`], in order.
fn count_in(folder: &std::path::Path) -> io::Result<Vec<u64>> {
    let function = "*::callgrind::counted";
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--zero-before={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(format!("--callgrind-out-file={}/counts", folder.display()))
        .arg(env::current_exe()?)
        .arg(UNDER_VALGRIND)
        .output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(text));
    }
    let mut counts = Vec::new();
    while let Ok(text) = fs::read_to_string(folder.join(format!("counts.{}", counts.len() + 1))) {
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let total = total.and_then(|total| total.trim().parse().ok());
        match total {
            Some(total) => counts.push(total),
            None => return Err(io::Error::other("a dump without its total")),
        }
    }
    // The last dump is of the end of the program.
    let calls = counts.len() / 2 * 2;
    counts.truncate(calls);
    Ok(counts)
}
