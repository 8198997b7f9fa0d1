//! Plots of the status page.

use collection::Day;
use find::Finder;
use maud::Markup;

use crate::{
    metrics::{MINUTES, Minute},
    pages::{
        moment::day,
        plot::{Axis, FIRST, Plot, SECOND, Series, Shape, power, upper, whole},
        words::{counted, duration, grouped},
    },
    problem::Problem,
};

/// Cosines that the curve of E-values shows, and its steps.
const COSINES: [f64; 2] = [0.1, 0.7];
const STEPS: u32 = 60;
/// Smallest power of ten on the axis of E-values.
const LEAST_POWER: f64 = -9.0;

/// Entries in time: how many there are that were stored by each day.
pub fn entries(days: &[Day]) -> Result<Markup, Problem> {
    let (mut total, mut points) = (0, Vec::new());
    for own in days {
        // A line that is level between days with new entries.
        points.push((own.day as f64, total as f64));
        total += own.stored();
        points.push((own.day as f64, total as f64));
    }
    let first = days.first().map_or(0, |own| own.day);
    let last = days.last().map_or(0, |own| own.day) + 1;
    points.push((last as f64, total as f64));
    let ends = [first as f64 - 1.0, last as f64];
    let label = |value: &f64| if value.fract() == 0.0 { day(*value as i64) } else { String::new() };
    Plot {
        summary: format!("{} from {} to {}", counted(total, "entry", "entries"), day(first), day(last - 1)),
        caption: "Entries of all states, by the day on which they were stored",
        x: Axis { range: ends, labels: 4, text: &label },
        y: Axis { range: [0.0, upper(total as f64)], labels: 5, text: &whole },
        series: vec![Series { name: None, colour: FIRST, shape: Shape::Line, points }],
    }
    .draw()
}

/// Lookups of each minute of the last hour.
pub fn lookups(minutes: &[Minute]) -> Result<Markup, Problem> {
    let counts: Vec<(f64, f64)> = placed(minutes).map(|(at, minute)| (at, minute.lookups as f64)).collect();
    let (most, total) = (most(&counts), minutes.iter().map(|minute| minute.lookups).sum());
    Plot {
        summary: format!(
            "{} in the last hour, at most {most} in a minute",
            counted(total, "lookup", "lookups")
        ),
        caption: "Lookups in each minute",
        x: HOUR,
        y: Axis { range: [0.0, upper(most)], labels: 5, text: &whole },
        series: vec![Series { name: None, colour: FIRST, shape: Shape::Bars, points: counts }],
    }
    .draw()
}

/// Durations of the lookups of each minute.
pub fn durations(minutes: &[Minute]) -> Result<Markup, Problem> {
    let of = |pick: fn(&Minute) -> Option<f64>| -> Vec<(f64, f64)> {
        placed(minutes).filter_map(|(at, minute)| Some((at, pick(minute)?))).collect()
    };
    let (median, p99) = (of(|minute| minute.median), of(|minute| minute.p99));
    let slowest = most(&p99);
    let text = |value: &f64| if *value == 0.0 { "0".to_owned() } else { duration(*value) };
    let line = |name, colour, points| Series { name: Some(name), colour, shape: Shape::Marks, points };
    Plot {
        summary: format!(
            "Of the slowest minute, one lookup in a hundred took more than {}",
            duration(slowest)
        ),
        caption: "Time from acceptance to answer in each minute with lookups",
        x: HOUR,
        y: Axis { range: [0.0, upper(slowest)], labels: 5, text: &text },
        series: vec![line("median", FIRST, median), line("slowest in a hundred", SECOND, p99)],
    }
    .draw()
}

/// Expected number of unrelated entries by the cosine, as the calibration promises.
pub fn promises(finder: &Finder<'_>, entries: u64) -> Result<Markup, Problem> {
    let (calibration, settings) = (finder.calibration(), finder.settings());
    let e = |cosine: f64| calibration.cosine_e(cosine as f32, entries, settings.looks, settings.nprobe);
    let [low, high] = COSINES;
    let points: Vec<(f64, f64)> = (0..=STEPS)
        .map(|step| low + (high - low) * f64::from(step) / f64::from(STEPS))
        .map(|cosine| (cosine, e(cosine).log10()))
        .take_while(|(_, power)| *power >= LEAST_POWER)
        .collect();
    let bound = settings.max_e.max(1e-9).log10();
    let top = points.iter().map(|point| point.1).fold(1.0, f64::max).ceil();
    let cosine = calibration.cosine_for(settings.max_e, entries, settings.looks, settings.nprobe);
    let label = |value: &f64| format!("{value:.1}");
    let line = |name, colour, points| Series { name: Some(name), colour, shape: Shape::Line, points };
    Plot {
        summary: format!(
            "A cosine of {cosine:.2} has an E-value of {} among {} entries",
            settings.max_e,
            grouped(entries)
        ),
        caption: "Unrelated entries that chance alone brings to a cosine, for the largest number of looks",
        x: Axis { range: COSINES, labels: 7, text: &label },
        y: Axis { range: [LEAST_POWER, top], labels: 10, text: &power },
        series: vec![
            line("expected entries", FIRST, points),
            line("bound of a match", SECOND, vec![(low, bound), (high, bound)]),
        ],
    }
    .draw()
}

/// Axis of the last hour, in minutes before now.
const HOUR: Axis<'static> = Axis { range: [-(MINUTES as f64), 0.5], labels: 7, text: &ago };

fn ago(minutes: &f64) -> String {
    match *minutes {
        0.0 => "now".to_owned(),
        minutes => format!("{minutes:.0} min"),
    }
}

/// Minutes with their distance to now.
fn placed(minutes: &[Minute]) -> impl Iterator<Item = (f64, &Minute)> {
    let last = minutes.len().saturating_sub(1);
    minutes.iter().enumerate().map(move |(place, minute)| (place as f64 - last as f64, minute))
}

fn most(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|point| point.1).fold(0.0, f64::max)
}
