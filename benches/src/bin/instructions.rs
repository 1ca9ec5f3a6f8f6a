//! Counts the instructions of decisions, handlers and laws, and fails if one has grown by more than
//! 3 % against the recorded count.

use std::env;
use std::io;
use std::process::ExitCode;

use traffik_benches::instructions::baseline::{Baseline, is_grown};
use traffik_benches::instructions::callgrind::{UNDER_VALGRIND, count_all, is_installed, run_all};

const HELP: &str = "\
Counts instructions with valgrind, and compares them with benches/instructions.json.

Usage: cargo run --release -p traffik-benches --bin instructions -- [options]

Options:
    --renew    Records the counts of this compiler and architecture
    --help     Prints this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => compare(),
        ["--renew"] => renew(),
        ["--help" | "-h"] => {
            print!("{HELP}");
            Ok(true)
        }
        [UNDER_VALGRIND] => {
            run_all();
            Ok(true)
        }
        _ => Err(io::Error::other("unknown arguments; see --help")),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the counts beside the recorded ones. Returns `false` if one has grown too much.
fn compare() -> io::Result<bool> {
    if !is_installed() {
        println!("instructions: nothing is counted; install valgrind");
        return Ok(true);
    }
    let baseline = Baseline::read()?;
    let mut grown = 0;
    println!("| instructions | recorded | now | |\n|---|---|---|---|");
    for (name, count) in count_all()? {
        let Some(recorded) = baseline.count(&name) else {
            println!("| {name} | – | {count:.0} | |");
            continue;
        };
        let is_grown = is_grown(count, recorded);
        grown += u32::from(is_grown);
        let change = (count / recorded - 1.0) * 100.0;
        let verdict = if is_grown { ": **grown**" } else { "" };
        println!("| {name} | {recorded:.0} | {count:.0} | {change:+.1} %{verdict} |");
    }
    if !baseline.is_recorded() {
        let environment = baseline.environment();
        println!("instructions: nothing is recorded for {environment}; use --renew to record it");
    }
    if grown > 0 {
        println!(
            "instructions: {grown} counts have grown by more than 3 %; use --renew if they should"
        );
    }
    Ok(grown == 0)
}

fn renew() -> io::Result<bool> {
    if !is_installed() {
        return Err(io::Error::other("install valgrind"));
    }
    Baseline::read()?.renew(&count_all()?)?;
    Ok(true)
}
