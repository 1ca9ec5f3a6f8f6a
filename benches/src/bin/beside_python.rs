//! Measures traffik beside limiters of Python, which `benches/python/compare` installs.

use std::process::ExitCode;

use traffik_benches::beside_python;
use traffik_benches::row::print;

fn main() -> ExitCode {
    let is_path = |argument: &String| !argument.starts_with("--");
    let Some(uvicorn) = std::env::args().skip(1).find(is_path) else {
        eprintln!("beside_python: run benches/python/compare, which installs what this needs");
        return ExitCode::from(2);
    };
    print(&beside_python::tables(&uvicorn));
    ExitCode::SUCCESS
}
