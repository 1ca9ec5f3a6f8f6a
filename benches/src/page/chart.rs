//! A chart of one table: its rows are the bars or the points, its sides the colours.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::row::{Row, Table, number};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// A chart of a table.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// The name of its file.
    pub name: &'static str,
    /// The text in place of the picture.
    pub alternative: &'static str,
    /// The section with its table.
    pub section: &'static str,
    /// The number of the table in the section.
    pub table: usize,
    /// The title.
    pub title: &'static str,
    /// The form.
    pub kind: Kind,
    /// The name of the horizontal axis.
    pub axis: &'static str,
    /// Makes the axis of figures logarithmic.
    pub is_logarithmic: bool,
}

/// The form of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bars to the right, one group for each row.
    Bars,
    /// Lines, with one point for each row.
    Lines,
}

const WIDTH: u32 = 1140;
const HEAD: i32 = 84;
const INK: RGBColor = RGBColor(34, 34, 34);
const FRAME: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(214, 214, 214);

/// One side of a table: its colour and its figure in a row.
struct Side {
    name: String,
    colour: RGBColor,
    figure: fn(&Row) -> Option<f64>,
}

impl Chart {
    /// Draws the chart, as SVG.
    ///
    /// # Errors
    ///
    /// The drawing library fails.
    pub fn draw(&self, table: &Table) -> Drawn<String> {
        let sides = sides(table);
        let rows = i32::try_from(table.rows.len())?;
        let bars = i32::try_from(sides.len())? * 19 + 16;
        let height = match self.kind {
            Kind::Bars => HEAD + rows * bars + 16,
            Kind::Lines => 460,
        };
        let mut text = String::new();
        {
            let size = (WIDTH, u32::try_from(height)?);
            let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
            root.fill(&WHITE)?;
            root.draw(&Text::new(self.title, (20, 12), bold(26)))?;
            legend(&root, table, &sides)?;
            match self.kind {
                Kind::Bars => draw_bars(&root, table, &sides)?,
                Kind::Lines => self.draw_lines(&root, table, &sides)?,
            }
            root.present()?;
        }
        Ok(text)
    }

    fn draw_lines(&self, root: &Area<'_>, table: &Table, sides: &[Side]) -> Drawn {
        let (_, body) = root.split_vertically(HEAD);
        let figures = || {
            sides
                .iter()
                .flat_map(|side| table.rows.iter().filter_map(side.figure))
        };
        let scale = |figure: f64| {
            if self.is_logarithmic {
                figure.max(1e-9).log10()
            } else {
                figure
            }
        };
        let high = scale(figures().fold(0.0, f64::max));
        let low = if self.is_logarithmic {
            scale(figures().fold(f64::MAX, f64::min)).floor()
        } else {
            0.0
        };
        let high = if self.is_logarithmic {
            high.ceil()
        } else {
            high * 1.08
        };
        let last = table.rows.len() as f64 - 1.0;
        let mut chart = ChartBuilder::on(&body)
            .margin(10)
            .margin_right(30)
            .x_label_area_size(52)
            .y_label_area_size(82)
            .build_cartesian_2d(-0.2..last + 0.2, low..high)?;
        let label = |place: &f64| {
            let rows = table.rows.iter().enumerate();
            let mut found = rows.filter(|(row, _)| (*row as f64 - place).abs() < 1e-6);
            found
                .next()
                .map_or(String::new(), |(_, row)| row.name.clone())
        };
        let power = |figure: &f64| number(10_f64.powf(*figure));
        let level = |figure: &f64| number(*figure);
        let format: &dyn Fn(&f64) -> String = if self.is_logarithmic { &power } else { &level };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(FRAME)
            .x_labels(table.rows.len())
            .y_labels(6)
            .x_label_formatter(&label)
            .y_label_formatter(format)
            .label_style(text_style(18))
            .axis_desc_style(text_style(19))
            .x_desc(self.axis)
            .y_desc(table.unit.as_str())
            .draw()?;
        for side in sides {
            let points = table
                .rows
                .iter()
                .enumerate()
                .filter_map(|(place, row)| Some((place as f64, scale((side.figure)(row)?))));
            let points: Vec<_> = points.collect();
            chart.draw_series(LineSeries::new(points.clone(), side.colour.stroke_width(3)))?;
            chart.draw_series(
                points
                    .into_iter()
                    .map(|point| Circle::new(point, 5, side.colour.filled())),
            )?;
        }
        Ok(())
    }
}

/// Returns the sides that the table has, the limit last.
fn sides(table: &Table) -> Vec<Side> {
    let side = |name: &str, colour, figure| Side {
        name: name.replace('`', ""),
        colour,
        figure,
    };
    let mut sides = vec![
        side(&table.ours, RGBColor(31, 108, 176), |row| Some(row.ours)),
        side(&table.peer, RGBColor(176, 182, 190), |row| Some(row.peer)),
    ];
    if table.rows.iter().any(|row| row.limit.is_some()) {
        sides.push(side("the limit", RGBColor(217, 95, 14), |row| row.limit));
    }
    sides
}

/// Draws the names of the colours, in one row.
fn legend(root: &Area<'_>, table: &Table, sides: &[Side]) -> Drawn {
    let mut x = 20;
    for side in sides {
        root.draw(&Rectangle::new(
            [(x, 54), (x + 18, 68)],
            side.colour.filled(),
        ))?;
        root.draw(&Text::new(side.name.clone(), (x + 25, 51), text_style(19)))?;
        x += 25 + 10 * i32::try_from(side.name.chars().count())? + 24;
    }
    root.draw(&Text::new(
        format!("in {}", table.unit),
        (x, 51),
        text_style(19),
    ))?;
    Ok(())
}

/// Draws a group of bars for each row, with their figures at their ends.
fn draw_bars(root: &Area<'_>, table: &Table, sides: &[Side]) -> Drawn {
    const LEFT: i32 = 400;
    const LONGEST: f64 = 640.0;
    let figures = sides
        .iter()
        .flat_map(|side| table.rows.iter().filter_map(side.figure));
    let longest = figures.fold(0.0, f64::max);
    let mut y = HEAD;
    for row in &table.rows {
        let middle = y + 19 * i32::try_from(sides.len())? / 2 - 9;
        let name = row.name.replace('`', "");
        root.draw(&Text::new(name, (20, middle), text_style(18)))?;
        for side in sides {
            if let Some(figure) = (side.figure)(row) {
                let end = LEFT + (figure.max(0.0) / longest * LONGEST) as i32;
                let corners = [(LEFT, y), (end, y + 16)];
                root.draw(&Rectangle::new(corners, side.colour.filled()))?;
                root.draw(&Text::new(number(figure), (end + 6, y + 1), text_style(16)))?;
            }
            y += 19;
        }
        y += 16;
    }
    Ok(())
}

fn text_style(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

fn bold(size: u32) -> TextStyle<'static> {
    ("sans-serif", size, FontStyle::Bold)
        .into_font()
        .color(&INK)
}
