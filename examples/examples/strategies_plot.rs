//! Draws what each strategy admits of the same traffic: `cargo run -p traffik-examples --example strategies_plot`.
//!
//! The pictures go to `traffik/docs/strategies`. Time is a manual clock's, so nothing sleeps and every run draws the same.

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
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../traffik/docs/strategies");
const RATE: &str = "20/10s";
const LIMIT: f64 = 20.0;
const PERIOD: f64 = 10.0;
/// How much time a picture shows, in seconds, and the steps of its upper row.
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

/// Traffic that every strategy is shown.
struct Shape {
    title: &'static str,
    /// When each unit arrives, in microseconds.
    arrivals: Vec<u64>,
    /// The ends of the vertical axes: units a second, and units in all.
    most: (f64, f64),
}

/// One strategy's picture.
struct Picture {
    name: &'static str,
    title: &'static str,
    /// What to look for.
    says: &'static str,
    strategy: fn(DynThrottleBuilder) -> DynThrottleBuilder,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// The picture starts twenty seconds before eight in the morning.
    Morning,
    /// Every hit costs two units; half as many arrive.
    Double,
    /// Hits are of low, normal and critical priority in turn.
    Ranked,
    /// Admitted hits are held back.
    Queued,
}

/// What became of a hit; times are seconds.
#[derive(Clone, Copy)]
struct Fate {
    at: f64,
    units: f64,
    lane: usize,
    /// When it runs, if it was admitted.
    runs: Option<f64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    std::fs::create_dir_all(FOLDER)?;
    for picture in pictures() {
        let file = Path::new(FOLDER).join(format!("{}.svg", picture.name));
        let mut columns = Vec::new();
        for shape in shapes() {
            let fates = picture.simulate(&shape).await?;
            columns.push((shape, fates));
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
            most: (4.0, 190.0),
        },
        Shape {
            title: "Burst: 1 a second, and 40 at 24 s",
            arrivals: burst,
            most: (24.0, 140.0),
        },
        Shape {
            title: "Boundary attack: 60 around 10 s and 40 s",
            arrivals: around(10).chain(around(40)).collect(),
            most: (18.0, 140.0),
        },
    ]
}

fn pictures() -> Vec<Picture> {
    let picture = |kind, name, title, says, strategy| Picture {
        name,
        title,
        says,
        strategy,
        kind,
    };
    vec![
        picture(
            Kind::Plain,
            "fixed_window",
            "fixed_window",
            "The count starts anew with each window: around a boundary, two windows' worth comes through at once.",
            |throttle| throttle,
        ),
        picture(
            Kind::Plain,
            "sliding_log",
            "sliding_log",
            "No stretch of 10 s ever holds more than 20. What one burst took comes back when it is 10 s old.",
            |throttle| throttle.strategy(SlidingLog::new()),
        ),
        picture(
            Kind::Plain,
            "sliding_counter",
            "sliding_counter",
            "The window before counts in part: after a boundary, little room is left, and it grows as that window fades.",
            |throttle| throttle.strategy(SlidingCounter::new()),
        ),
        picture(
            Kind::Plain,
            "token_bucket",
            "token_bucket(burst = 30)",
            "A full bucket lets 30 through at once; from then on, tokens come back at the rate.",
            |throttle| throttle.strategy(TokenBucket::new().burst(30)),
        ),
        picture(
            Kind::Plain,
            "leaky_bucket",
            "leaky_bucket(capacity = 10)",
            "Ten units fit at once, however long the client was away; from then on, as much as leaks out.",
            |throttle| throttle.strategy(LeakyBucket::new().capacity(10)),
        ),
        picture(
            Kind::Queued,
            "leaky_bucket_with_queue",
            "leaky_bucket_with_queue(queue_size = 20)",
            "What is admitted waits its turn and runs at the rate, never faster. A full queue refuses.",
            |throttle| throttle.strategy(LeakyBucketWithQueue::new()),
        ),
        picture(
            Kind::Plain,
            "gcra",
            "gcra(burst_tolerance = \"2s\")",
            "Hits 0.5 s apart; one may come up to 2 s early, so five pass at once before the spacing holds.",
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
            Kind::Plain,
            "quota_with_rollover",
            "quota_with_rollover(percent = 50)",
            "Half of what a window leaves unused is added to the next: up to 30 in a window instead of 20.",
            |throttle| throttle.strategy(QuotaWithRollover::new()),
        ),
        picture(
            Kind::Plain,
            "adaptive",
            "adaptive",
            "More than 16 of 20 in a window cut the limit to 12; each calm window gives 2 back.",
            |throttle| throttle.strategy(Adaptive::new()),
        ),
        picture(
            Kind::Ranked,
            "priority",
            "priority",
            "Hits of three priorities in turn share 20: low ones stop at 10 taken in all, normal ones at 16, critical ones at 20.",
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
    async fn simulate(&self, shape: &Shape) -> Outcome<Vec<Fate>> {
        // Both are whole numbers of periods after 1970.
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
        let mut fates = Vec::new();
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
            fates.push(Fate {
                at: at.as_secs_f64(),
                units: units as f64,
                lane,
                runs: decision
                    .admitted
                    .then(|| (at + decision.delay).as_secs_f64()),
            });
        }
        Ok(fates)
    }

    fn draw(&self, file: &Path, columns: &[(Shape, Vec<Fate>)]) -> Outcome {
        let root = SVGBackend::new(file, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, body) = root.margin(12, 8, 8, 8).split_vertically(98);
        head.draw(&Text::new(self.title, (8, 0), bold(26)))?;
        head.draw(&Text::new(self.says, (8, 34), plain(19)))?;
        self.legend(&head)?;
        let (upper, lower) = body.split_vertically(300);
        let uppers = upper.split_evenly((1, columns.len()));
        let lowers = lower.split_evenly((1, columns.len()));
        for (place, (shape, fates)) in columns.iter().enumerate() {
            let labels = place == 0;
            self.draw_rates(&uppers[place], shape, fates, labels)?;
            self.draw_totals(&lowers[place], shape, fates, labels)?;
        }
        root.present()?;
        Ok(())
    }

    /// What the colours stand for, in a row.
    fn legend(&self, head: &Area<'_>) -> Outcome {
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
            head.draw(&Text::new(name, (x + 25, 66), plain(19)))?;
            x += 25 + 9 * i32::try_from(name.len())? + 20;
        }
        for dash in 0..3 {
            let from = x + dash * 12;
            let ends = vec![(from, 75), (from + 8, 75)];
            head.draw(&PathElement::new(ends, INK.stroke_width(2)))?;
        }
        let text = "the rate, 20 units in 10 s; windows start at the vertical lines";
        head.draw(&Text::new(text, (x + 42, 66), plain(19)))?;
        Ok(())
    }

    /// The upper row: units a second.
    fn draw_rates(&self, area: &Area<'_>, shape: &Shape, fates: &[Fate], labels: bool) -> Outcome {
        let mut chart = frame(area, shape.title, shape.most.0, labels, "units a second")?;
        let arrives = |fate: &Fate| Some(fate.at);
        let admitted = |fate: &Fate| fate.runs.map(|_| fate.at);
        chart.draw_series([area_of(&stepped(fates, arrives), OFFERED)])?;
        // Stacked: the last lane's steps lie on those of all before it, so the tallest are drawn first.
        for lane in (0..self.lanes().len()).rev() {
            let upto = |fate: &Fate| admitted(fate).filter(|_| fate.lane <= lane);
            chart.draw_series([area_of(&stepped(fates, upto), self.lanes()[lane])])?;
        }
        if self.kind == Kind::Queued {
            let runs = stepped(fates, |fate| fate.runs);
            chart.draw_series(LineSeries::new(runs, RUNS.stroke_width(3)))?;
        }
        draw_rate(&mut chart, [(0.0, LIMIT / PERIOD), (SPAN, LIMIT / PERIOD)])
    }

    /// The lower row: units since the start.
    fn draw_totals(&self, area: &Area<'_>, shape: &Shape, fates: &[Fate], labels: bool) -> Outcome {
        let units =
            |fates: &mut dyn Iterator<Item = &Fate>| fates.map(|fate| fate.units).sum::<f64>();
        let taken = units(&mut fates.iter().filter(|fate| fate.runs.is_some()));
        let title = format!(
            "admitted {taken} of {}; most in any 10 s: {}",
            units(&mut fates.iter()),
            most_in_a_period(fates),
        );
        let mut chart = frame(area, &title, shape.most.1, labels, "units since the start")?;
        let arrives = |fate: &Fate| Some(fate.at);
        let admitted = |fate: &Fate| fate.runs.map(|_| fate.at);
        let offered = summed(fates, arrives);
        chart.draw_series(LineSeries::new(offered, OFFERED.stroke_width(3)))?;
        draw_rate(&mut chart, [(0.0, 0.0), (SPAN, SPAN * LIMIT / PERIOD)])?;
        for (lane, colour) in self.lanes().iter().enumerate() {
            let own = |fate: &Fate| admitted(fate).filter(|_| fate.lane == lane);
            let line = summed(fates, own);
            chart.draw_series(LineSeries::new(line, colour.stroke_width(3)))?;
        }
        if self.kind == Kind::Queued {
            let runs = summed(fates, |fate| fate.runs);
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

/// An empty chart with its axes.
fn frame<'a, 'b>(
    area: &'a Area<'b>,
    title: &str,
    most: f64,
    labels: bool,
    label: &str,
) -> Outcome<Chart<'a, 'b>> {
    let mut chart = ChartBuilder::on(area)
        .margin(6)
        .margin_right(14)
        .x_label_area_size(46)
        .y_label_area_size(62)
        .caption(title, bold(19))
        .build_cartesian_2d(0.0..SPAN, 0.0..most)?;
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
        .label_style(plain(18))
        .axis_desc_style(plain(19))
        .x_desc("seconds")
        .y_desc(if labels { label } else { "" })
        .draw()?;
    Ok(chart)
}

fn draw_rate(chart: &mut Chart<'_, '_>, ends: [(f64, f64); 2]) -> Outcome {
    chart.draw_series(DashedLineSeries::new(ends, 10, 7, INK.stroke_width(2)))?;
    Ok(())
}

fn area_of(steps: &[(f64, f64)], colour: RGBColor) -> plotters::element::Polygon<(f64, f64)> {
    let ends = [(SPAN, 0.0), (0.0, 0.0)];
    let outline: Vec<_> = steps.iter().copied().chain(ends).collect();
    Polygon::new(outline, colour.filled())
}

/// The units a second in each step of the time, as an outline.
fn stepped(fates: &[Fate], when: impl Fn(&Fate) -> Option<f64>) -> Vec<(f64, f64)> {
    let height = |step: u32| {
        let (start, end) = (f64::from(step) * STEP, f64::from(step + 1) * STEP);
        let within = |fate: &&Fate| when(fate).is_some_and(|at| start <= at && at < end);
        let units: f64 = fates.iter().filter(within).map(|fate| fate.units).sum();
        [(start, units / STEP), (end, units / STEP)]
    };
    without_repeats((0..STEPS).flat_map(height))
}

/// The units up to each moment, as steps.
fn summed(fates: &[Fate], when: impl Fn(&Fate) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut times: Vec<_> = fates
        .iter()
        .filter_map(|fate| Some((when(fate)?, fate.units)))
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

/// Leaves out the points within level stretches.
fn without_repeats(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in points {
        if let [.., a, b] = kept[..]
            && a.1.total_cmp(&b.1).is_eq()
            && b.1.total_cmp(&point.1).is_eq()
        {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

/// The most units admitted in any half-open stretch as long as the period.
fn most_in_a_period(fates: &[Fate]) -> f64 {
    let admitted = || fates.iter().filter(|fate| fate.runs.is_some());
    let from = |start: f64| {
        admitted()
            .filter(|fate| start <= fate.at && fate.at < start + PERIOD)
            .map(|fate| fate.units)
            .sum::<f64>()
    };
    admitted().map(|fate| from(fate.at)).fold(0.0, f64::max)
}

fn plain(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

fn bold(size: u32) -> TextStyle<'static> {
    ("sans-serif", size, FontStyle::Bold)
        .into_font()
        .color(&INK)
}
