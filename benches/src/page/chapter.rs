//! The chapter's text: what stands between its markers is made of the recorded figures.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{fs, io};

use crate::machine::ROOT;
use crate::page::charts::CHARTS;
use crate::page::data_url::data_url;
use crate::page::results::Results;
use crate::row::Row;

const DOCS: &str = "traffik/docs";

/// A file of the guide that is made of figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Makes the chapter, its charts and the pictures of the generated docs.
///
/// # Errors
///
/// The chapter cannot be read, or a chart cannot be drawn.
pub fn files(results: &Results) -> io::Result<Vec<File>> {
    let folder = PathBuf::from(ROOT).join(DOCS);
    let path = folder.join("performance.md");
    let mut text = fs::read_to_string(&path)?;
    for recorded in &results.sections {
        let mut tables = String::new();
        for chart in CHARTS.iter().filter(|it| it.section == recorded.section) {
            if recorded.tables.len() <= chart.table {
                continue;
            }
            let _ = writeln!(tables, "![{}][{}]\n", chart.alternative, chart.name);
        }
        for table in &recorded.tables {
            let _ = writeln!(tables, "{}:\n\n{table}", table.title);
        }
        replace(&mut text, &recorded.section, tables.trim_end());
    }
    replace(&mut text, "machine", &machines(results));
    replace(&mut text, "missed goals", &missed(results));
    let (mut files, mut links, mut pictures) = (Vec::new(), String::new(), String::new());
    for chart in CHARTS {
        let Some(table) = results.tables(chart.section).get(chart.table) else {
            continue;
        };
        let text = chart.draw(table).map_err(io::Error::other)?;
        let file = format!("performance/{}.svg", chart.name);
        let _ = writeln!(links, "[{}]: {file}", chart.name);
        let _ = writeln!(pictures, "[{}]: <{}>", chart.name, data_url(&text));
        let path = folder.join(file);
        files.push(File { path, text });
    }
    replace(&mut text, "pictures", links.trim_end());
    files.push(File { path, text });
    let path = folder.join("performance/pictures.md");
    files.push(File {
        path,
        text: pictures,
    });
    Ok(files)
}

/// Replaces the text between the markers of a name, if the chapter has them.
fn replace(chapter: &mut String, name: &str, text: &str) {
    let (begin, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let found = chapter.find(&begin).zip(chapter.find(&end));
    if let Some((start, end)) = found {
        chapter.replace_range(start + begin.len()..end, &format!("\n{text}\n\n"));
    }
}

/// Lists the machines, each with its sections.
fn machines(results: &Results) -> String {
    if results.sections.is_empty() {
        return "None are recorded yet: this page has no tables until they are.".to_owned();
    }
    let mut machines: Vec<(&_, Vec<&str>)> = Vec::new();
    for recorded in &results.sections {
        let machine = &recorded.machine;
        match machines.iter_mut().find(|(other, _)| *other == machine) {
            Some((_, sections)) => sections.push(&recorded.section),
            None => machines.push((machine, vec![&recorded.section])),
        }
    }
    let lines = machines
        .iter()
        .map(|(machine, sections)| format!("* {machine}: {}", sections.join(", ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// Lists every row that misses its goal.
fn missed(results: &Results) -> String {
    let (mut rows, mut count) = (Vec::new(), 0);
    for table in results.sections.iter().flat_map(|it| &it.tables) {
        count += table.rows.iter().filter(|row| row.has_goal()).count();
        for row in table.rows.iter().filter(|row| row.is_missed()) {
            rows.push(format!(
                "| {} | {} | {} |",
                table.title,
                row.name,
                line(row)
            ));
        }
    }
    let title = format!("{} of {count} goals are missed.", rows.len());
    if count == 0 {
        return "Nothing has been recorded yet.".to_owned();
    }
    if rows.is_empty() {
        return title;
    }
    format!(
        "{title}\n\n| | | figure, goal |\n|---|---|---|\n{}",
        rows.join("\n")
    )
}

fn line(row: &Row) -> String {
    format!("{:.2}, {}", row.figure(), row.goal)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::files;
    use crate::page::results::Results;

    #[test]
    fn the_guide_has_the_recorded_figures() {
        let results = Results::read().unwrap();
        for file in files(&results).unwrap() {
            assert!(
                fs::read_to_string(&file.path).is_ok_and(|text| text == file.text),
                "{} is not made of the figures; run `compare` with `--render`",
                file.path.display()
            );
        }
    }
}
