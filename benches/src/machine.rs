//! The machine of a run, and the versions of what is measured.

use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The root of the workspace.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The packages whose versions matter.
const PACKAGES: [&str; 4] = ["governor", "tower_governor", "axum", "tokio"];

/// The machine that figures are from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The number of cores.
    pub cores: usize,
    /// The name of the processor.
    pub processor: String,
    /// The architecture and the operating system.
    pub system: String,
    /// The version of the compiler.
    pub rustc: String,
    /// The versions of peers.
    pub versions: Vec<String>,
}

impl Machine {
    /// Returns this machine.
    pub fn current() -> Self {
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        Self {
            cores,
            processor: processor().unwrap_or_else(|| "unknown".to_owned()),
            system: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            rustc: rustc().unwrap_or_else(|| "unknown".to_owned()),
            versions: versions(),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            cores,
            processor,
            system,
            rustc,
            versions,
        } = self;
        let versions = versions.join(", ");
        write!(
            f,
            "{cores} cores of {processor}, `{system}`; {rustc}; {versions}"
        )
    }
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Returns the version of the compiler that the workspace pins, without its commit.
fn rustc() -> Option<String> {
    let output = Command::new("rustc").arg("-V").current_dir(ROOT).output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let mut words = text.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}

fn versions() -> Vec<String> {
    let lock = fs::read_to_string(format!("{ROOT}/Cargo.lock")).unwrap_or_default();
    let version = |package: &str| {
        let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
        Some(format!("`{package}` {}", rest.split('"').next()?))
    };
    PACKAGES.into_iter().filter_map(version).collect()
}
