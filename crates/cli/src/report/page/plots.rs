//! Plots as SVG embedded in a page. Text has the colour of the page; the background is transparent.

use anyhow::{Result, anyhow};
use plotters::{
    coord::Shift,
    coord::types::RangedCoordf64,
    prelude::{
        Cartesian2d, ChartBuilder, ChartContext, Circle, Color, DrawingArea, DrawingAreaErrorKind, ErrorBar,
        IntoDrawingArea, IntoFont, LineSeries, PathElement, RGBColor, Rectangle, SVGBackend,
        SeriesLabelPosition, ShapeStyle, Text,
    },
    style::text_anchor::{HPos, Pos, VPos},
};

/// Grey of originals, visible on white and on black.
pub const BEFORE: RGBColor = RGBColor(0x8d, 0x97, 0x9f);
/// Green of released images, visible on white and on black.
pub const AFTER: RGBColor = RGBColor(0x2f, 0x9e, 0x5f);
const FAINT: RGBColor = RGBColor(0x80, 0x88, 0x90);
const WIDTH: u32 = 860;
const HEIGHT: u32 = 380;
const FONT: (&str, u32) = ("sans-serif", 14);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A rate with its interval.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub value: f64,
    pub interval: [f64; 2],
}

/// One row of a bar chart.
pub struct Bars {
    pub label: String,
    pub passive: Rate,
    pub released: Option<Rate>,
}

/// An axis.
pub struct Axis<'a> {
    pub name: &'a str,
    pub range: [f64; 2],
}

/// A line or a cloud of points, and its name.
pub struct Series<'a> {
    pub name: &'a str,
    pub colour: RGBColor,
    /// True for a thin line.
    pub is_minor: bool,
    pub points: Vec<(f64, f64)>,
}

fn draw(height: u32, paint: impl FnOnce(&Area) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        paint(&area)?;
        area.present().map_err(failed)?;
    }
    Ok(svg)
}

fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow!("plot: {error}")
}

/// Draws bars of rates in [0, 1], with whiskers for their intervals.
///
/// # Errors
/// If the plot cannot be drawn.
pub fn bars(rows: &[Bars], name: &str) -> Result<String> {
    let pitch = if rows.iter().any(|row| row.released.is_some()) { 30 } else { 22 };
    let height = pitch * rows.len() as u32 + 76;
    draw(height, |area| {
        let mut builder = ChartBuilder::on(area);
        builder.margin(8).margin_right(20).x_label_area_size(44).set_left_and_bottom_label_area_size(44);
        let mut chart = builder
            .y_label_area_size(130)
            .build_cartesian_2d(0.0..1.0, rows.len() as f64..0.0)
            .map_err(failed)?;
        axes(&mut chart, name, "", false)?;
        for (i, row) in rows.iter().enumerate() {
            label(area, &chart, i, &row.label)?;
            let top = i as f64 + 0.12;
            match row.released {
                Some(released) => {
                    bar(&mut chart, [top, top + 0.36], row.passive, BEFORE)?;
                    bar(&mut chart, [top + 0.4, top + 0.76], released, AFTER)?;
                }
                None => bar(&mut chart, [top, top + 0.76], row.passive, BEFORE)?,
            }
        }
        Ok(())
    })
}

fn label(area: &Area, chart: &Chart, row: usize, text: &str) -> Result<()> {
    let (x, y) = chart.backend_coord(&(0.0, row as f64 + 0.5));
    let style = FONT.into_font().color(&FAINT).pos(Pos::new(HPos::Right, VPos::Center));
    area.draw(&Text::new(text.to_owned(), (x - 10, y), style)).map_err(failed)
}

fn bar(chart: &mut Chart, [top, bottom]: [f64; 2], rate: Rate, colour: RGBColor) -> Result<()> {
    let Rate { value, interval: [low, high] } = rate;
    let body = Rectangle::new([(0.0, top), (value, bottom)], colour.filled());
    chart.draw_series([body]).map_err(failed)?;
    let middle = (top + bottom) / 2.0;
    let whisker = ErrorBar::new_horizontal(middle, low, value, high, stroke(FAINT, 1), 6);
    chart.draw_series([whisker]).map_err(failed)?;
    Ok(())
}

fn stroke(colour: RGBColor, width: u32) -> ShapeStyle {
    colour.stroke_width(width)
}

fn axes(chart: &mut Chart, x: &str, y: &str, has_y: bool) -> Result<()> {
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(x)
        .y_desc(y)
        .label_style(FONT)
        .axis_desc_style(FONT)
        .axis_style(stroke(FAINT, 1))
        .bold_line_style(FAINT.mix(0.3))
        .light_line_style(FAINT.mix(0.0))
        .x_labels(8)
        .y_labels(if has_y { 6 } else { 0 });
    if !has_y {
        mesh.disable_y_mesh();
    }
    mesh.draw().map_err(failed)
}

fn chart_of<'a>(area: &Area<'a>, x: &Axis, y: &Axis) -> Result<Chart<'a, 'a>> {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(20)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(x.range[0]..x.range[1], y.range[0]..y.range[1])
        .map_err(failed)?;
    axes(&mut chart, x.name, y.name, true)?;
    Ok(chart)
}

/// Draws the legend.
fn legend<'a>(chart: &mut Chart<'a, 'a>, position: SeriesLabelPosition) -> Result<()> {
    let mut labels = chart.configure_series_labels();
    labels.position(position).label_font(FONT).margin(10);
    labels.background_style(FAINT.mix(0.0)).border_style(FAINT.mix(0.0));
    labels.draw().map_err(failed)
}

/// Draws lines.
///
/// # Errors
/// If the plot cannot be drawn.
pub fn lines(series: Vec<Series>, x: &Axis, y: &Axis) -> Result<String> {
    draw(HEIGHT, |area| {
        let mut chart = chart_of(area, x, y)?;
        for Series { name, colour, is_minor, points } in series {
            let style = stroke(colour, if is_minor { 1 } else { 3 });
            let line = chart.draw_series(LineSeries::new(points, style)).map_err(failed)?;
            line.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        legend(&mut chart, SeriesLabelPosition::LowerLeft)
    })
}

/// Draws points.
///
/// # Errors
/// If the plot cannot be drawn.
pub fn scatter(series: Vec<Series>, x: &Axis, y: &Axis) -> Result<String> {
    draw(HEIGHT, |area| {
        let mut chart = chart_of(area, x, y)?;
        for Series { name, colour, points, .. } in series {
            let style = colour.mix(0.75).filled();
            let dots = points.into_iter().map(|point| Circle::new(point, 4, style));
            let drawn = chart.draw_series(dots).map_err(failed)?;
            drawn.label(name).legend(move |(x, y)| Circle::new((x + 9, y), 4, style));
        }
        legend(&mut chart, SeriesLabelPosition::LowerLeft)
    })
}

/// Draws the share of values in each of `BINS` bins over the axis; the outer bins count the values beyond its ends.
///
/// # Errors
/// If the plot cannot be drawn.
pub fn histogram(series: Vec<(&str, RGBColor, Vec<f64>)>, x: &Axis) -> Result<String> {
    let counted: Vec<_> =
        series.into_iter().map(|(name, colour, values)| (name, colour, shares(&values, x.range))).collect();
    let highest = counted.iter().flat_map(|(_, _, shares)| shares).copied().fold(0.0, f64::max);
    let y = Axis { name: "share of the queries", range: [0.0, (1.1 * highest).max(0.01)] };
    draw(HEIGHT, |area| {
        let mut chart = chart_of(area, x, &y)?;
        let width = (x.range[1] - x.range[0]) / BINS as f64;
        for (name, colour, shares) in counted {
            let style = colour.mix(0.55).filled();
            let left = |i: usize| x.range[0] + i as f64 * width;
            let columns = shares.iter().enumerate().filter(|(_, share)| **share > 0.0);
            let columns =
                columns.map(|(i, share)| Rectangle::new([(left(i), 0.0), (left(i + 1), *share)], style));
            let drawn = chart.draw_series(columns).map_err(failed)?;
            drawn.label(name).legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 18, y + 5)], style));
        }
        legend(&mut chart, SeriesLabelPosition::UpperRight)
    })
}

/// Number of bins of a histogram.
const BINS: usize = 40;

/// Returns the share of values in each bin.
fn shares(values: &[f64], [low, high]: [f64; 2]) -> Vec<f64> {
    let mut counts = vec![0.0; BINS];
    for value in values {
        let place = (value - low) / (high - low) * BINS as f64;
        counts[(place.max(0.0) as usize).min(BINS - 1)] += 1.0 / values.len() as f64;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_name_their_data_and_load_nothing() {
        let rate = |value: f64| Rate { value, interval: [value - 0.05, value + 0.05] };
        let row =
            |label: &str| Bars { label: label.to_owned(), passive: rate(0.25), released: Some(rate(0.5)) };
        let plot = bars(&[row("jpeg 50"), row("a < b")], "R@1").unwrap();
        assert!(plot.contains("jpeg 50") && plot.contains("a &lt; b") && plot.contains("R@1"), "{plot}");
        assert!(!plot.replace("http://www.w3.org/2000/svg", "").contains("http"), "{plot}");
    }

    #[test]
    fn a_histogram_counts_every_value_once() {
        let shares = shares(&[-1.0, 0.0, 0.5, 0.99, 1.0, 7.0], [0.0, 1.0]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((shares[0] - 1.0 / 3.0).abs() < 1e-12 && (shares[BINS - 1] - 0.5).abs() < 1e-12);
    }
}
