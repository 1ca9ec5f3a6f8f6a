//! The recorded figures: `benches/results.json`, of which the guide's chapter is made.

use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::machine::{Machine, ROOT};
use crate::row::Table;
use crate::sections::SECTIONS;

const FILE: &str = "benches/results.json";

/// The figures of every section that has been recorded.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The sections, in the order of the guide.
    pub sections: Vec<Recorded>,
}

/// The figures of a section, and where they are from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// The section's name.
    pub section: String,
    /// The machine.
    pub machine: Machine,
    /// The tables.
    pub tables: Vec<Table>,
}

impl Results {
    /// Reads the recorded figures.
    ///
    /// # Errors
    ///
    /// The file cannot be read or has another form.
    pub fn read() -> io::Result<Self> {
        let text = fs::read_to_string(format!("{ROOT}/{FILE}"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Replaces or adds the figures of a section.
    pub fn record(&mut self, recorded: Recorded) {
        self.sections
            .retain(|other| other.section != recorded.section);
        self.sections.push(recorded);
        let place = |recorded: &Recorded| {
            SECTIONS
                .iter()
                .position(|section| section.name == recorded.section)
        };
        self.sections.sort_by_key(place);
    }

    /// Returns the tables of a section.
    pub fn tables(&self, section: &str) -> &[Table] {
        let recorded = self.sections.iter().find(|it| it.section == section);
        recorded.map_or(&[], |recorded| &recorded.tables)
    }

    /// Writes the figures.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(format!("{ROOT}/{FILE}"), text + "\n")
    }
}
