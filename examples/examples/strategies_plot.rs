//! Draws the traffic that each strategy admits of the same offered traffic:
//! `cargo run -p traffik-examples --example strategies_plot`.
//!
//! The pictures are written to `traffik/docs/strategies`. The clock is manual, so nothing sleeps
//! and every run draws the same pictures.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use traffik::strategy::{
    Adaptive, CostBasedTokenBucket, Gcra, LeakyBucket, LeakyBucketWithQueue,
    Priority as Priorities, QuotaWithRollover, SlidingCounter, SlidingLog, TimeOfDay, TokenBucket,
};
use traffik::{Backend, DynThrottle, DynThrottleBuilder, Identity, ManualClock, Priority};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type PlotResult<T = ()> = Result<T, Box<dyn Error>>;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../traffik/docs/strategies");
const RATE: &str = "20/10s";
const LIMIT: f64 = 20.0;
const PERIOD: f64 = 10.0;
/// The time that a picture shows, in seconds, and the length and number of the steps of its upper
/// row.
const SPAN: f64 = 60.0;
const STEP: f64 = 2.0;
const STEPS: u32 = 30;
const SECOND: u64 = 1_000_000;

const SIZE: (u32, u32) = (1140, 740);
const INK: RGBColor = RGBColor(34, 34, 34);
const FRAME: RGBColor = RGBColor(120, 120, 120);
const GRID: RGBColor = RGBColor(214, 214, 214);
const OFFERED: RGBColor = RGBColor(176, 182, 190);
const ADMITTED: RGBColor = RGBColor(31, 108, 176);
const RUNS: RGBColor = RGBColor(217, 95, 14);
/// Low, normal and critical priority.
const LANES: [RGBColor; 3] = [
    RGBColor(217, 95, 14),
    RGBColor(31, 108, 176),
    RGBColor(20, 110, 60),
];

/// Traffic that is offered to every strategy.
struct Shape {
    title: &'static str,
    /// The arrival time of each unit, in microseconds.
    arrivals: Vec<u64>,
    /// The ends of the vertical axes: units a second, and units in all.
    axis_ends: (f64, f64),
}

/// One strategy's picture.
struct Picture {
    name: &'static str,
    title: &'static str,
    /// A sentence on what the picture shows.
    caption: &'static str,
    strategy: fn(DynThrottleBuilder) -> DynThrottleBuilder,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// One line of admitted hits, each of cost 1.
    Single,
    /// The picture starts twenty seconds before eight in the morning.
    Morning,
    /// Every hit costs two units; half as many arrive.
    Double,
    /// Hits are of low, normal and critical priority in turn.
    Ranked,
    /// Admitted hits are held back.
    Queued,
}

/// The result of one hit; times are in seconds.
#[derive(Clone, Copy)]
struct PlottedHit {
    at: f64,
    units: f64,
    lane: usize,
    /// The time at which it runs, if it was admitted.
    runs: Option<f64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> PlotResult {
    std::fs::create_dir_all(FOLDER)?;
    for picture in pictures() {
        let file = Path::new(FOLDER).join(format!("{}.svg", picture.name));
        let mut columns = Vec::new();
        for shape in shapes() {
            let hits = picture.simulate(&shape).await?;
            columns.push((shape, hits));
        }
        picture.draw(&file, &columns)?;
        println!("drew {}.svg", picture.name);
    }
    Ok(())
}

fn shapes() -> [Shape; 3] {
    let steady = (0..180).map(|n| n * SECOND / 3).collect();
    let calm = (0..60).map(|n| n * SECOND + SECOND / 2);
    let mut burst: Vec<u64> = calm
        .chain((0..40).map(|n| 24 * SECOND + n * SECOND / 20))
        .collect();
    burst.sort_unstable();
    let around = |boundary: u64| (0..60).map(move |n| (boundary - 1) * SECOND + n * SECOND / 30);
    [
        Shape {
            title: "Steady: 3 a second",
            arrivals: steady,
            axis_ends: (4.0, 190.0),
        },
        Shape {
            title: "Burst: 1 a second, and 40 at 24 s",
            arrivals: burst,
            axis_ends: (24.0, 140.0),
        },
        Shape {
            title: "Boundary attack: 60 around 10 s and 40 s",
            arrivals: around(10).chain(around(40)).collect(),
            axis_ends: (18.0, 140.0),
        },
    ]
}

fn pictures() -> Vec<Picture> {
    let picture = |kind, name, title, caption, strategy| Picture {
        name,
        title,
        caption,
        strategy,
        kind,
    };
    vec![
        picture(
            Kind::Single,
            "fixed_window",
            "fixed_window",
            "Each window starts a new count, so the limits of two windows can pass at once around a boundary.",
            |throttle| throttle,
        ),
        picture(
            Kind::Single,
            "sliding_log",
            "sliding_log",
            "No stretch of 10 s contains more than 20. The units of a burst come back when they are 10 s old.",
            |throttle| throttle.strategy(SlidingLog::new()),
        ),
        picture(
            Kind::Single,
            "sliding_counter",
            "sliding_counter",
            "The previous window counts in part: after a boundary little room is left, and it grows as that window ages.",
            |throttle| throttle.strategy(SlidingCounter::new()),
        ),
        picture(
            Kind::Single,
            "token_bucket",
            "token_bucket(burst = 30)",
            "A full bucket admits 30 at once; afterwards tokens come back at the rate.",
            |throttle| throttle.strategy(TokenBucket::new().burst(30)),
        ),
        picture(
            Kind::Single,
            "leaky_bucket",
            "leaky_bucket(capacity = 10)",
            "Ten units fit at once, however long the client was idle; afterwards as many pass as leak out.",
            |throttle| throttle.strategy(LeakyBucket::new().capacity(10)),
        ),
        picture(
            Kind::Queued,
            "leaky_bucket_with_queue",
            "leaky_bucket_with_queue(queue_size = 20)",
            "Admitted hits wait in the queue and run at the rate, never faster. A full queue refuses.",
            |throttle| throttle.strategy(LeakyBucketWithQueue::new()),
        ),
        picture(
            Kind::Single,
            "gcra",
            "gcra(burst_tolerance = \"2s\")",
            "Hits are 0.5 s apart. One may come up to 2 s early, so five pass at once before the spacing applies.",
            |throttle| throttle.strategy(Gcra::new().burst_tolerance(Duration::from_secs(2))),
        ),
        picture(
            Kind::Morning,
            "time_of_day",
            "time_of_day(windows = [\"08:00-18:00\" = 2.0])",
            "A fixed window whose limit is doubled by day: it is eight o'clock at 20 s.",
            |throttle| throttle.strategy(TimeOfDay::new().window("08:00-18:00", 2.0)),
        ),
        picture(
            Kind::Single,
            "quota_with_rollover",
            "quota_with_rollover(percent = 50)",
            "Half of the unused quota of a window is added to the next: up to 30 in a window instead of 20.",
            |throttle| throttle.strategy(QuotaWithRollover::new()),
        ),
        picture(
            Kind::Single,
            "adaptive",
            "adaptive",
            "More than 16 of 20 in a window cut the limit to 12; each calm window gives 2 back.",
            |throttle| throttle.strategy(Adaptive::new()),
        ),
        picture(
            Kind::Ranked,
            "priority",
            "priority",
            "Hits of three priorities share 20: low ones stop when 10 are used in all, normal ones at 16, critical ones at 20.",
            |throttle| throttle.strategy(Priorities::new()),
        ),
        picture(
            Kind::Double,
            "cost_based_token_bucket",
            "cost_based_token_bucket",
            "Every hit costs 2 units, so the bucket of 20 refills at half the rate.",
            |throttle| throttle.strategy(CostBasedTokenBucket::new()),
        ),
    ]
}

impl Picture {
    async fn simulate(&self, shape: &Shape) -> PlotResult<Vec<PlottedHit>> {
        // Both starts are whole numbers of periods after 1970.
        let start = match self.kind {
            Kind::Morning => Duration::from_secs(8 * 3_600 - 20),
            _ => Duration::from_secs(1_000_000_000),
        };
        let clock = ManualClock::at(start);
        let throttle = (self.strategy)(DynThrottle::builder(self.name).rate(RATE.parse()?))
            .backend(Backend::memory().clock(clock.clone()))
            .build()?;
        let units = if self.kind == Kind::Double { 2 } else { 1 };
        let priorities = [Priority::Low, Priority::Normal, Priority::Critical];
        let mut hits = Vec::new();
        for (n, at) in shape.arrivals.iter().step_by(units).enumerate() {
            let lane = if self.kind == Kind::Ranked { n % 3 } else { 0 };
            let priority = match self.kind {
                Kind::Ranked => priorities[lane],
                _ => Priority::Normal,
            };
            let at = Duration::from_micros(*at);
            clock.set(start + at);
            let client = Identity::new("client").priority(priority);
            let decision = throttle.hit(&client, units as u64).await?;
            hits.push(PlottedHit {
                at: at.as_secs_f64(),
                units: units as f64,
                lane,
                runs: decision
                    .admitted
                    .then(|| (at + decision.delay).as_secs_f64()),
            });
        }
        Ok(hits)
    }

    fn draw(&self, file: &Path, columns: &[(Shape, Vec<PlottedHit>)]) -> PlotResult {
        let root = SVGBackend::new(file, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, body) = root.margin(12, 8, 8, 8).split_vertically(98);
        head.draw(&Text::new(self.title, (8, 0), bold(26)))?;
        head.draw(&Text::new(self.caption, (8, 34), text_style(19)))?;
        self.legend(&head)?;
        let (upper, lower) = body.split_vertically(300);
        let uppers = upper.split_evenly((1, columns.len()));
        let lowers = lower.split_evenly((1, columns.len()));
        for (place, (shape, hits)) in columns.iter().enumerate() {
            let labels = place == 0;
            self.draw_rates(&uppers[place], shape, hits, labels)?;
            self.draw_totals(&lowers[place], shape, hits, labels)?;
        }
        root.present()?;
        Ok(())
    }

    /// Draws the legend of the colours, in one row.
    fn legend(&self, head: &Area<'_>) -> PlotResult {
        let mut entries = vec![("offered", OFFERED)];
        if self.kind == Kind::Ranked {
            let names = ["admitted: low", "normal", "critical"];
            entries.extend(names.into_iter().zip(LANES));
        } else {
            entries.push(("admitted", ADMITTED));
        }
        if self.kind == Kind::Queued {
            entries.push(("run, after their delay", RUNS));
        }
        let mut x = 8;
        for (name, colour) in entries {
            head.draw(&Rectangle::new([(x, 68), (x + 18, 82)], colour.filled()))?;
            head.draw(&Text::new(name, (x + 25, 66), text_style(19)))?;
            x += 25 + 9 * i32::try_from(name.len())? + 20;
        }
        for dash in 0..3 {
            let from = x + dash * 12;
            let ends = vec![(from, 75), (from + 8, 75)];
            head.draw(&PathElement::new(ends, INK.stroke_width(2)))?;
        }
        let text = "the rate, 20 units in 10 s; windows start at the vertical lines";
        head.draw(&Text::new(text, (x + 42, 66), text_style(19)))?;
        Ok(())
    }

    /// Draws the upper row: units a second.
    fn draw_rates(
        &self,
        area: &Area<'_>,
        shape: &Shape,
        hits: &[PlottedHit],
        labels: bool,
    ) -> PlotResult {
        let mut chart = frame(
            area,
            shape.title,
            shape.axis_ends.0,
            labels,
            "units a second",
        )?;
        let arrives = |hit: &PlottedHit| Some(hit.at);
        let admitted = |hit: &PlottedHit| hit.runs.map(|_| hit.at);
        chart.draw_series([area_of(&stepped(hits, arrives), OFFERED)])?;
        // The lanes are stacked: each lies on those before it, so the tallest is drawn first.
        for lane in (0..self.lanes().len()).rev() {
            let upto = |hit: &PlottedHit| admitted(hit).filter(|_| hit.lane <= lane);
            chart.draw_series([area_of(&stepped(hits, upto), self.lanes()[lane])])?;
        }
        if self.kind == Kind::Queued {
            let runs = stepped(hits, |hit| hit.runs);
            chart.draw_series(LineSeries::new(runs, RUNS.stroke_width(3)))?;
        }
        draw_rate(&mut chart, [(0.0, LIMIT / PERIOD), (SPAN, LIMIT / PERIOD)])
    }

    /// Draws the lower row: units since the start.
    fn draw_totals(
        &self,
        area: &Area<'_>,
        shape: &Shape,
        hits: &[PlottedHit],
        labels: bool,
    ) -> PlotResult {
        let units =
            |hits: &mut dyn Iterator<Item = &PlottedHit>| hits.map(|hit| hit.units).sum::<f64>();
        let admitted_units = units(&mut hits.iter().filter(|hit| hit.runs.is_some()));
        let title = format!(
            "admitted {admitted_units} of {}; maximum in any 10 s: {}",
            units(&mut hits.iter()),
            max_in_a_period(hits),
        );
        let mut chart = frame(
            area,
            &title,
            shape.axis_ends.1,
            labels,
            "units since the start",
        )?;
        let arrives = |hit: &PlottedHit| Some(hit.at);
        let admitted = |hit: &PlottedHit| hit.runs.map(|_| hit.at);
        let offered = summed(hits, arrives);
        chart.draw_series(LineSeries::new(offered, OFFERED.stroke_width(3)))?;
        draw_rate(&mut chart, [(0.0, 0.0), (SPAN, SPAN * LIMIT / PERIOD)])?;
        for (lane, colour) in self.lanes().iter().enumerate() {
            let own = |hit: &PlottedHit| admitted(hit).filter(|_| hit.lane == lane);
            let line = summed(hits, own);
            chart.draw_series(LineSeries::new(line, colour.stroke_width(3)))?;
        }
        if self.kind == Kind::Queued {
            let runs = summed(hits, |hit| hit.runs);
            chart.draw_series(LineSeries::new(runs, RUNS.stroke_width(3)))?;
        }
        Ok(())
    }

    const fn lanes(&self) -> &'static [RGBColor] {
        match self.kind {
            Kind::Ranked => &LANES,
            _ => &[ADMITTED],
        }
    }
}

/// Returns an empty chart with its axes.
fn frame<'a, 'b>(
    area: &'a Area<'b>,
    title: &str,
    axis_end: f64,
    labels: bool,
    label: &str,
) -> PlotResult<Chart<'a, 'b>> {
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .margin_right(14)
        .x_label_area_size(46)
        .y_label_area_size(62)
        .caption(title, bold(19))
        .build_cartesian_2d(0.0..SPAN, 0.0..axis_end)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(FRAME)
        .x_labels(7)
        .y_labels(5)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style(text_style(18))
        .axis_desc_style(text_style(19))
        .x_desc("seconds")
        .y_desc(if labels { label } else { "" })
        .draw()?;
    Ok(chart)
}

fn draw_rate(chart: &mut Chart<'_, '_>, ends: [(f64, f64); 2]) -> PlotResult {
    chart.draw_series(DashedLineSeries::new(ends, 10, 7, INK.stroke_width(2)))?;
    Ok(())
}

fn area_of(steps: &[(f64, f64)], colour: RGBColor) -> plotters::element::Polygon<(f64, f64)> {
    let ends = [(SPAN, 0.0), (0.0, 0.0)];
    let outline: Vec<_> = steps.iter().copied().chain(ends).collect();
    Polygon::new(outline, colour.filled())
}

/// Returns the units a second in each step of the time, as an outline.
fn stepped(hits: &[PlottedHit], when: impl Fn(&PlottedHit) -> Option<f64>) -> Vec<(f64, f64)> {
    let height = |step: u32| {
        let (start, end) = (f64::from(step) * STEP, f64::from(step + 1) * STEP);
        let within = |hit: &&PlottedHit| when(hit).is_some_and(|at| start <= at && at < end);
        let units: f64 = hits.iter().filter(within).map(|hit| hit.units).sum();
        [(start, units / STEP), (end, units / STEP)]
    };
    without_repeats((0..STEPS).flat_map(height))
}

/// Returns the units up to each moment, as steps.
fn summed(hits: &[PlottedHit], when: impl Fn(&PlottedHit) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut times: Vec<_> = hits
        .iter()
        .filter_map(|hit| Some((when(hit)?, hit.units)))
        .filter(|(at, _)| *at <= SPAN)
        .collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut sum = 0.0;
    let mut points = vec![(0.0, 0.0)];
    for (at, units) in times {
        points.push((at, sum));
        sum += units;
        points.push((at, sum));
    }
    points.push((SPAN, sum));
    points
}

/// Removes the points within level stretches.
fn without_repeats(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for point in points {
        if let [.., a, b] = corners[..]
            && a.1.total_cmp(&b.1).is_eq()
            && b.1.total_cmp(&point.1).is_eq()
        {
            corners.pop();
        }
        corners.push(point);
    }
    corners
}

/// Returns the largest number of units admitted in any half-open stretch of one period.
fn max_in_a_period(hits: &[PlottedHit]) -> f64 {
    let admitted = || hits.iter().filter(|hit| hit.runs.is_some());
    let from = |start: f64| {
        admitted()
            .filter(|hit| start <= hit.at && hit.at < start + PERIOD)
            .map(|hit| hit.units)
            .sum::<f64>()
    };
    admitted().map(|hit| from(hit.at)).fold(0.0, f64::max)
}

fn text_style(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

fn bold(size: u32) -> TextStyle<'static> {
    ("sans-serif", size, FontStyle::Bold)
        .into_font()
        .color(&INK)
}
