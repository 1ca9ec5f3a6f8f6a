//! Measures every row beside its peer, prints the tables, and writes the guide's chapter on
//! performance.

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use traffik_benches::effort::Effort;
use traffik_benches::machine::Machine;
use traffik_benches::page::chapter;
use traffik_benches::page::results::{Recorded, Results};
use traffik_benches::row::{Row, print};
use traffik_benches::sections::{SECTIONS, Section};

const HELP: &str = "\
Measures traffik beside its peers: every row with both medians, the limit (the least work that any
limiter has to do), the ratio, its middle half, and the goal.

Usage: cargo run --release -p traffik-benches --bin compare -- [options]

Options:
    --quick           Measures few rounds: half a minute instead of some minutes
    --only <section>  Measures this section; may be repeated
    --write           Records the figures, and writes the tables and charts of the guide
    --render          Writes the tables and charts of the guide without measuring
    --json            Prints the tables as JSON, one line a section
    --here            Measures in this process instead of one for each section
    --list            Lists the sections
    --help            Prints this text
";

/// The options of a run.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
struct Options {
    quick: bool,
    only: Vec<&'static Section>,
    write: bool,
    render: bool,
    here: bool,
    json: bool,
    list: bool,
    help: bool,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("compare: {error}; see --help");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--write" => options.write = true,
            "--render" => options.render = true,
            "--here" => options.here = true,
            "--json" => options.json = true,
            "--list" => options.list = true,
            "--help" | "-h" => options.help = true,
            "--only" => {
                let name = arguments.next().unwrap_or_default();
                let section = Section::find(&name);
                let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
                let names = names.join(", ");
                options.only.push(
                    section.ok_or_else(|| format!("no section `{name}`; use one of {names}"))?,
                );
            }
            other => return Err(format!("unknown argument `{other}`")),
        }
    }
    if options.quick && options.write {
        return Err("the guide has no figures of quick runs; leave out --quick or --write".into());
    }
    Ok(options)
}

fn run(options: &Options) -> io::Result<()> {
    if options.help {
        print!("{HELP}");
    } else if options.list {
        for section in SECTIONS {
            println!("{:10} {}", section.name, section.summary);
        }
    } else if options.render {
        render(&Results::read()?)?;
    } else {
        measure(options)?;
    }
    Ok(())
}

fn measure(options: &Options) -> io::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!("compare: built without optimizations; use `cargo run --release`");
    }
    let effort = if options.quick {
        Effort::Quick
    } else {
        Effort::Full
    };
    effort.set();
    let sections: Vec<&Section> = if options.only.is_empty() {
        let all = SECTIONS.iter().filter(|section| !section.is_on_demand());
        all.collect()
    } else {
        options.only.clone()
    };
    let machine = Machine::current();
    let mut results = if options.write {
        Results::read().unwrap_or_default()
    } else {
        Results::default()
    };
    let (mut count, mut missed) = (0, 0);
    let start = Instant::now();
    if !options.json {
        println!("{machine}\n");
    }
    for section in sections {
        let here = options.here.then(|| section.measure_here()).flatten();
        let tables = match here {
            Some(tables) => tables,
            None => section.measure()?,
        };
        print(&tables);
        let rows = || tables.iter().flat_map(|table| &table.rows);
        count += rows().filter(|row| row.has_goal()).count();
        missed += rows().filter(|row| Row::is_missed(row)).count();
        results.record(Recorded {
            section: section.name.to_owned(),
            machine: machine.clone(),
            tables,
        });
        // What has been measured is not lost if a later section fails.
        if options.write {
            results.write()?;
        }
    }
    if !options.json {
        let seconds = start.elapsed().as_secs();
        println!("{missed} of {count} goals are missed; measured in {seconds} s.");
    }
    if options.write {
        render(&results)?;
    }
    Ok(())
}

fn render(results: &Results) -> io::Result<()> {
    for file in chapter::files(results)? {
        if let Some(folder) = file.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&file.path, file.text)?;
    }
    Ok(())
}
