//! The sections of a comparison, and how each is run.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};

use crate::effort::Effort;
use crate::machine::ROOT;
use crate::row::Table;
use crate::{
    by_keys, by_limits, by_threads, churn, decision, flood, handler, messages, served, sets,
};

/// A subject with its tables.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The name by which it is selected, also of its place in the guide.
    pub name: &'static str,
    /// A summary in one line.
    pub summary: &'static str,
    source: Source,
}

#[derive(Clone, Copy, Debug)]
enum Source {
    /// A function, run in a process of its own, so that sections do not share their memory.
    Function(fn() -> Vec<Table>),
    /// A benchmark with an allocator of its own.
    Bench(&'static str),
    /// A script that takes long, or needs what not every machine has.
    Script(&'static str),
}

/// Every section, in the order of the guide.
pub const SECTIONS: &[Section] = &[
    Section {
        name: "decision",
        summary: "a decision in memory, beside governor",
        source: Source::Function(decision::tables),
    },
    Section {
        name: "keys",
        summary: "a decision by the number of keys",
        source: Source::Function(by_keys::tables),
    },
    Section {
        name: "threads",
        summary: "a decision by the number of threads",
        source: Source::Function(by_threads::tables),
    },
    Section {
        name: "limits",
        summary: "a decision by the number of limits",
        source: Source::Function(by_limits::tables),
    },
    Section {
        name: "sets",
        summary: "sets of throttles, several rates, logs and dynamic laws",
        source: Source::Function(sets::tables),
    },
    Section {
        name: "churn",
        summary: "the slowest decisions while new keys displace others",
        source: Source::Function(churn::tables),
    },
    Section {
        name: "flood",
        summary: "limited clients that are kept while 50 million others pass",
        source: Source::Function(flood::tables),
    },
    Section {
        name: "handler",
        summary: "the attribute and the layer, beside tower_governor",
        source: Source::Function(handler::tables),
    },
    Section {
        name: "served",
        summary: "an application over TCP, beside the same without a limiter",
        source: Source::Function(served::tables),
    },
    Section {
        name: "messages",
        summary: "messages of WebSockets, beside bare sockets",
        source: Source::Function(messages::tables),
    },
    Section {
        name: "footprint",
        summary: "bytes a key and allocations a request",
        source: Source::Bench("footprint"),
    },
    Section {
        name: "build",
        summary: "the build of 200 handlers; some minutes",
        source: Source::Script("benches/build_time"),
    },
    Section {
        name: "python",
        summary: "a server in Python with its limiters; installs them",
        source: Source::Script("benches/python/compare"),
    },
];

impl Section {
    /// Returns the section of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SECTIONS.iter().find(|section| section.name == name)
    }

    /// Returns `true` if the section only runs if it is selected.
    pub const fn is_on_demand(&self) -> bool {
        matches!(self.source, Source::Script(_))
    }

    /// Measures in this process, if that is possible.
    pub fn measure_here(&self) -> Option<Vec<Table>> {
        match self.source {
            Source::Function(tables) => Some(tables()),
            Source::Bench(_) | Source::Script(_) => None,
        }
    }

    /// Measures in a process of its own.
    ///
    /// # Errors
    ///
    /// The process cannot be started, fails, or does not print tables.
    pub fn measure(&self) -> io::Result<Vec<Table>> {
        let mut command = match self.source {
            Source::Function(_) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["--here", "--only", self.name]);
                command
            }
            Source::Bench(bench) => {
                let cargo = std::env::var_os("CARGO");
                let cargo = cargo.as_deref().unwrap_or(OsStr::new("cargo"));
                let mut command = Command::new(cargo);
                command.args([
                    "bench",
                    "--quiet",
                    "-p",
                    "traffik-benches",
                    "--bench",
                    bench,
                ]);
                // Cargo runs benchmarks with `--bench`, so that they measure.
                command.arg("--");
                command
            }
            Source::Script(path) => Command::new(format!("{ROOT}/{path}")),
        };
        command.arg("--json");
        if Effort::current() == Effort::Quick {
            command.arg("--quick");
        }
        let output = command
            .current_dir(ROOT)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("{command:?} fails")));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        // Cargo may print before it.
        let json = text.lines().rev().find(|line| line.starts_with('['));
        Ok(serde_json::from_str(json.unwrap_or_default())?)
    }
}
