//! Rows of measured figures, and the tables that they make.

use std::env;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spread::{Goal, Spread};

/// A workload, measured on our side and on a peer's in one run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The workload.
    pub name: String,
    /// The median of our side, in the unit of the table.
    pub ours: f64,
    /// The median of the peer's side.
    pub peer: f64,
    /// The median of the least work that any limiter has to do, if it was measured.
    pub limit: Option<f64>,
    /// The ratio of our side to the peer's, by round; `None` for counts, which do not vary.
    pub ratio: Option<Spread>,
    /// The goal, for the ratio or for our side.
    pub goal: Goal,
}

impl Row {
    /// Creates a row of exact counts, such as allocations, with a goal for our side.
    pub fn count(name: impl Into<String>, ours: f64, peer: f64, goal: Goal) -> Self {
        Self {
            name: name.into(),
            ours,
            peer,
            limit: None,
            ratio: None,
            goal,
        }
    }

    /// Returns the figure that the goal is for: the ratio, or our side of a row of counts.
    pub fn figure(&self) -> f64 {
        self.ratio.map_or(self.ours, |ratio| ratio.median)
    }

    /// Returns `true` if the row has a goal.
    pub fn has_goal(&self) -> bool {
        self.goal != Goal::None
    }

    /// Returns `true` if the row has a goal and misses it.
    pub fn is_missed(&self) -> bool {
        !self.goal.is_met(self.figure())
    }
}

/// Rows of one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// The subject.
    pub title: String,
    /// The unit of our side, of the peer's and of the limit, such as `ns`.
    pub unit: String,
    /// The name of our side.
    pub ours: String,
    /// The name of the peer.
    pub peer: String,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Table {
    /// Creates an empty table of traffik beside a peer.
    pub fn new(title: impl Into<String>, unit: impl Into<String>, peer: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            unit: unit.into(),
            ours: "traffik".to_owned(),
            peer: peer.into(),
            rows: Vec::new(),
        }
    }

    /// Sets the name of our side; default: `traffik`.
    #[must_use]
    pub fn ours(self, ours: impl Into<String>) -> Self {
        Self {
            ours: ours.into(),
            ..self
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }
}

/// A Markdown table, without its title.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            unit, ours, peer, ..
        } = self;
        let has_limit = self.rows.iter().any(|row| row.limit.is_some());
        let has_ratio = self.rows.iter().any(|row| row.ratio.is_some());
        let has_goal = self.rows.iter().any(Row::has_goal);
        let mut titles = format!("| | {ours}, {unit} | {peer}, {unit} |");
        for (shown, title) in [
            (has_limit, " limit |"),
            (has_ratio, " ratio | middle half |"),
            (has_goal, " goal |"),
        ] {
            titles.push_str(if shown { title } else { "" });
        }
        let columns = titles.matches('|').count() - 1;
        writeln!(f, "{titles}\n|{}", "---|".repeat(columns))?;
        for row in &self.rows {
            let (ours, peer) = (number(row.ours), number(row.peer));
            write!(f, "| {} | {ours} | {peer} |", row.name)?;
            if has_limit {
                write!(f, " {} |", row.limit.map_or("–".to_owned(), number))?;
            }
            match row.ratio {
                Some(ratio) => write!(
                    f,
                    " **{}** | {} – {} |",
                    number(ratio.median),
                    number(ratio.low),
                    number(ratio.high)
                )?,
                None if has_ratio => write!(f, " – | – |")?,
                None => {}
            }
            if has_goal {
                write!(f, " {} |", row.goal.verdict(row.figure()))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Formats a figure with the digits that matter.
pub fn number(figure: f64) -> String {
    if figure >= 100.0 || figure.fract() == 0.0 {
        format!("{figure:.0}")
    } else if figure >= 10.0 {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}

/// Prints tables: as Markdown, or with the argument `--json` as JSON.
///
/// # Panics
///
/// Panics if a figure cannot be serialized.
pub fn print(tables: &[Table]) {
    if env::args().any(|argument| argument == "--json") {
        let json = serde_json::to_string(tables).expect("tables are plain data");
        println!("{json}");
        return;
    }
    for table in tables {
        println!("{}\n\n{table}", table.title);
    }
}
