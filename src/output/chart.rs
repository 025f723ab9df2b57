//! Line charts in SVG: panels one under the other on one time axis. Colours are the page's, by class.

use std::fmt::Write as _;

use super::html::escape;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TITLE: f64 = 30.0;
const PLOT: f64 = 110.0;
const GAP: f64 = 14.0;
const AXIS: f64 = 34.0;
/// More points than columns of pixels are not seen.
const MOST_POINTS: usize = 800;

/// A line.
pub struct Series {
    /// Its name in the legend.
    pub name: &'static str,
    /// The class that gives it its colour.
    pub class: &'static str,
    /// Seconds and value; a line has a gap where there is no value.
    pub points: Vec<(f64, Option<f64>)>,
    /// Whether a value holds until the next one.
    pub stepped: bool,
}

/// One diagram.
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// Its lines.
    pub series: Vec<Series>,
    /// A value to compare with, and its name.
    pub reference: Option<(f64, String)>,
    /// Whether only whole numbers have a meaning.
    pub whole: bool,
}

/// Something that happened.
pub struct Mark {
    /// When.
    pub second: f64,
    /// A sign that a list beside the chart explains.
    pub sign: String,
    /// What, shown where a pointer rests on it.
    pub title: String,
}

/// The picture. The load ends at a time, and what is shown at another.
pub fn svg(panels: &[Panel], marks: &[Mark], warm_up: f64, load_end: f64, end: f64) -> String {
    let axis = Axis { end: end.max(0.1) };
    let mut body = String::new();
    let mut top = 16.0;
    for panel in panels {
        draw(&mut body, panel, &axis, top, warm_up, load_end);
        top += TITLE + PLOT + GAP;
    }
    let bottom = top - GAP;
    times(&mut body, &axis, bottom);
    for mark in marks {
        draw_mark(&mut body, mark, &axis, bottom);
    }
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"The load over time\">\n{body}</svg>\n",
        bottom + AXIS
    )
}

struct Axis {
    end: f64,
}

impl Axis {
    fn x(&self, second: f64) -> f64 {
        LEFT + (second / self.end).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }
}

fn draw(body: &mut String, panel: &Panel, axis: &Axis, top: f64, warm_up: f64, load_end: f64) {
    let base = top + TITLE + PLOT;
    let highest = panel
        .series
        .iter()
        .flat_map(|series| &series.points)
        .filter_map(|(_, value)| *value)
        .chain(panel.reference.as_ref().map(|(value, _)| *value))
        .fold(0.0, f64::max);
    let tick = tick(highest, panel.whole);
    let ceiling = ((highest / tick).ceil() * tick).max(tick);
    let y = |value: f64| base - value / ceiling * PLOT;
    legend(body, panel, top + 16.0);
    for (from, to) in [(0.0, warm_up), (load_end, axis.end)] {
        if to - from > 0.0 {
            let _ = writeln!(
                body,
                "<rect class=\"aside\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{PLOT}\"/>",
                axis.x(from),
                top + TITLE,
                axis.x(to) - axis.x(from)
            );
        }
    }
    let mut value = 0.0;
    while value <= ceiling + tick / 2.0 {
        let _ = writeln!(
            body,
            "<path class=\"grid\" d=\"M{LEFT} {0:.1}H{1}\"/><text class=\"tick\" x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
            y(value),
            WIDTH - RIGHT,
            LEFT - 8.0,
            y(value) + 4.0,
            short(value)
        );
        value += tick;
    }
    if let Some((value, _)) = &panel.reference {
        let _ = writeln!(
            body,
            "<path class=\"reference\" d=\"M{LEFT} {:.1}H{}\"/>",
            y(*value),
            WIDTH - RIGHT
        );
    }
    for series in &panel.series {
        let _ = writeln!(
            body,
            "<path class=\"line {}\" d=\"{}\"/>",
            series.class,
            path(series, axis, &y)
        );
    }
}

fn legend(body: &mut String, panel: &Panel, y: f64) {
    let _ = write!(
        body,
        "<text class=\"title\" x=\"{LEFT}\" y=\"{y:.1}\">{}</text>",
        escape(&panel.title)
    );
    let mut right = WIDTH - RIGHT;
    let lines = panel.series.iter().rev();
    let lines = lines.map(|series| (series.name, format!("line {}", series.class)));
    let reference = panel.reference.iter();
    let reference = reference.map(|(_, name)| (name.as_str(), "reference".to_owned()));
    for (name, class) in lines.chain(reference) {
        // Letters of this size are some 7 wide.
        let width = f64::from(u32::try_from(name.len()).unwrap_or(20)) * 7.0;
        let _ = write!(
            body,
            "<text class=\"name\" x=\"{right:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>\
             <path class=\"{class}\" d=\"M{:.1} {:.1}h18\"/>",
            escape(name),
            right - width - 24.0,
            y - 4.0,
        );
        right -= width + 44.0;
    }
    body.push('\n');
}

fn path(series: &Series, axis: &Axis, y: &impl Fn(f64) -> f64) -> String {
    let points = thinned(&series.points);
    let mut path = String::new();
    let mut pen_down = false;
    for (second, value) in points {
        let Some(value) = value else {
            pen_down = false;
            continue;
        };
        let (x, y) = (axis.x(second), y(value));
        let _ = match (pen_down, series.stepped) {
            (false, _) => write!(path, "M{x:.1} {y:.1}"),
            (true, false) => write!(path, "L{x:.1} {y:.1}"),
            (true, true) => write!(path, "H{x:.1}V{y:.1}"),
        };
        pen_down = true;
    }
    path
}

/// As many points as can be seen: of those that share one place, the highest.
fn thinned(points: &[(f64, Option<f64>)]) -> Vec<(f64, Option<f64>)> {
    let together = points.len().div_ceil(MOST_POINTS).max(1);
    points
        .chunks(together)
        .filter_map(|chunk| {
            let second = chunk.first()?.0;
            let highest = chunk.iter().filter_map(|(_, value)| *value).reduce(f64::max);
            Some((second, highest))
        })
        .collect()
}

fn times(body: &mut String, axis: &Axis, bottom: f64) {
    const STEPS: [f64; 16] = [
        0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 14400.0,
    ];
    let step = STEPS
        .into_iter()
        .find(|step| axis.end / step <= 12.0)
        .unwrap_or(86_400.0);
    let mut second = 0.0;
    while second <= axis.end {
        let _ = writeln!(
            body,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            axis.x(second),
            bottom + 18.0,
            clock(second, step)
        );
        second += step;
    }
}

fn clock(second: f64, step: f64) -> String {
    if step < 1.0 {
        return format!("{second:.1} s");
    }
    let (minutes, rest) = ((second / 60.0).floor(), second % 60.0);
    if minutes >= 1.0 {
        format!("{minutes:.0}:{rest:02.0}")
    } else {
        format!("{second:.0} s")
    }
}

fn draw_mark(body: &mut String, mark: &Mark, axis: &Axis, bottom: f64) {
    let x = axis.x(mark.second);
    let _ = writeln!(
        body,
        "<g class=\"mark\"><title>{}</title><path d=\"M{x:.1} 16V{bottom:.1}\"/>\
         <circle cx=\"{x:.1}\" cy=\"9\" r=\"8\"/><text x=\"{x:.1}\" y=\"13\" text-anchor=\"middle\">{}</text></g>",
        escape(&mark.title),
        escape(&mark.sign)
    );
}

/// The distance of lines that gives four of them or less, in numbers that people count in.
fn tick(highest: f64, whole: bool) -> f64 {
    let raw = (highest / 4.0).max(if whole { 1.0 } else { 1e-3 });
    let power = 10f64.powf(raw.log10().floor());
    let tick = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|tick| *tick >= raw * 0.999)
        .unwrap_or(raw);
    if whole { tick.ceil() } else { tick }
}

fn short(value: f64) -> String {
    if value >= 10_000.0 {
        format!("{}k", trimmed(value / 1000.0))
    } else {
        trimmed(value)
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{clock, short, tick};

    #[test]
    fn ticks_are_numbers_that_people_count_in() {
        for (highest, whole, expected) in [
            (4.0, true, "1"),
            (97.0, false, "25"),
            (0.3, false, "0.1"),
            (1.0, true, "1"),
            (31_000.0, false, "10k"),
        ] {
            assert_eq!(short(tick(highest, whole)), expected, "{highest}");
        }
    }

    #[test]
    fn times_read_as_clocks() {
        assert_eq!(
            [clock(30.0, 10.0), clock(90.0, 30.0), clock(0.5, 0.1)],
            ["30 s", "1:30", "0.5 s"]
        );
    }
}
