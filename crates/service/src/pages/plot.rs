//! Plots as SVG in pages, drawn by plotters. Text takes its colour from the style sheet.

use maud::{Markup, PreEscaped, html};
use plotters::{
    coord::types::RangedCoordf64,
    prelude::{
        Cartesian2d, ChartBuilder, ChartContext, Circle, Color, DrawingAreaErrorKind, IntoDrawingArea,
        LineSeries, PathElement, RGBColor, Rectangle, SVGBackend, SeriesLabelPosition,
    },
};

use crate::problem::Problem;

/// Green of the first series, visible on white and on black.
pub const FIRST: RGBColor = RGBColor(0x2f, 0x9e, 0x5f);
/// Orange of the second series.
pub const SECOND: RGBColor = RGBColor(0xc7, 0x7d, 0x1f);
const FAINT: RGBColor = RGBColor(0x80, 0x88, 0x90);
/// Size in pixels at which text is as large as that of the page; narrow, so that it can be read on telephones.
const SIZE: (u32, u32) = (520, 240);
const FONT: (&str, u32) = ("sans-serif", 17);
/// Attribute that an SVG in a page needs not, and that looks like an address of another site.
const NAMESPACE: &str = " xmlns=\"http://www.w3.org/2000/svg\"";

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Plot with its caption.
pub struct Plot<'a> {
    /// Content in a sentence, for those who do not see it.
    pub summary: String,
    /// Caption.
    pub caption: &'a str,
    /// Axis to the right.
    pub x: Axis<'a>,
    /// Axis upwards.
    pub y: Axis<'a>,
    /// Bars or lines.
    pub series: Vec<Series<'a>>,
}

/// An axis.
pub struct Axis<'a> {
    /// Ends, the smaller one first.
    pub range: [f64; 2],
    /// Largest number of labels.
    pub labels: usize,
    /// Text of a value.
    pub text: &'a dyn Fn(&f64) -> String,
}

/// Bars or a line.
pub struct Series<'a> {
    /// Name in the legend; none if there is no legend.
    pub name: Option<&'a str>,
    /// Colour.
    pub colour: RGBColor,
    /// Shape.
    pub shape: Shape,
    /// Places and values.
    pub points: Vec<(f64, f64)>,
}

/// Shape of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Bars about as wide as 1.
    Bars,
    /// A line.
    Line,
    /// A line with a mark at each place: one of a single place is to be seen, too.
    Marks,
}

impl Plot<'_> {
    /// Draws the plot.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn draw(self) -> Result<Markup, Problem> {
        let (summary, caption) = (self.summary.clone(), self.caption);
        let svg = self.svg().map_err(Problem::internal)?.replacen(NAMESPACE, "", 1);
        Ok(html! {
            figure class="plot" {
                div role="img" aria-label=(summary) { (PreEscaped(svg)) }
                figcaption { (caption) }
            }
        })
    }

    fn svg(self) -> Result<String, DrawingAreaErrorKind<std::io::Error>> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            let mut chart = ChartBuilder::on(&area)
                .margin(8)
                .margin_right(44)
                .x_label_area_size(32)
                .y_label_area_size(66)
                .build_cartesian_2d(self.x.range[0]..self.x.range[1], self.y.range[0]..self.y.range[1])?;
            axes(&mut chart, &self.x, &self.y)?;
            let has_legend = self.series.iter().any(|series| series.name.is_some());
            for series in self.series {
                draw(&mut chart, series)?;
            }
            if has_legend {
                let mut labels = chart.configure_series_labels();
                labels.position(SeriesLabelPosition::UpperRight).label_font(FONT).margin(6);
                labels.background_style(FAINT.mix(0.0)).border_style(FAINT.mix(0.0)).draw()?;
            }
            area.present()?;
        }
        Ok(svg)
    }
}

fn axes(chart: &mut Chart, x: &Axis, y: &Axis) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let mut mesh = chart.configure_mesh();
    mesh.label_style(FONT)
        .axis_style(FAINT.stroke_width(1))
        .bold_line_style(FAINT.mix(0.3))
        .light_line_style(FAINT.mix(0.0))
        .disable_x_mesh()
        .x_labels(x.labels)
        .y_labels(y.labels)
        .x_label_formatter(x.text)
        .y_label_formatter(y.text);
    mesh.draw()
}

fn draw<'a>(
    chart: &mut Chart<'a, '_>,
    series: Series<'a>,
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let Series { name, colour, shape, points } = series;
    let line = colour.stroke_width(2);
    if shape == Shape::Marks {
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, colour.filled())))?;
    }
    let drawn = match shape {
        Shape::Bars => {
            let bars = points.into_iter().filter(|(_, value)| *value > 0.0);
            chart.draw_series(
                bars.map(|(at, value)| Rectangle::new([(at - 0.4, 0.0), (at + 0.4, value)], colour.filled())),
            )?
        }
        Shape::Line | Shape::Marks => chart.draw_series(LineSeries::new(points, line))?,
    };
    if let Some(name) = name {
        drawn.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], line));
    }
    Ok(())
}

/// Text of a count on an axis: whole numbers alone.
pub fn whole(value: &f64) -> String {
    if value.fract() == 0.0 { super::words::grouped(value.max(0.0) as u64) } else { String::new() }
}

/// Text of a power of ten on an axis of logarithms.
pub fn power(value: &f64) -> String {
    match *value as i32 {
        _ if value.fract() != 0.0 => String::new(),
        power @ 0..=6 => whole(&10f64.powi(power)),
        power @ -2..0 => 10f64.powi(power).to_string(),
        power => format!("1e{power}"),
    }
}

/// Upper end of an axis that begins at 0 and shows values up to `most`.
pub fn upper(most: f64) -> f64 {
    if most > 0.0 { 1.08 * most } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_hold_their_data_and_load_nothing() {
        let axis = |range| Axis { range, labels: 5, text: &whole };
        let of = |shape, name| Series { name, colour: FIRST, shape, points: vec![(1.0, 2.0), (2.0, 0.0)] };
        let plot = Plot {
            summary: "two < three".to_owned(),
            caption: "a & b",
            x: axis([0.0, 3.0]),
            y: axis([0.0, upper(2.0)]),
            series: vec![of(Shape::Bars, None), of(Shape::Marks, Some("line"))],
        };
        let text = plot.draw().unwrap().into_string();
        assert_eq!((text.matches("<rect").count(), text.matches("<circle").count()), (1, 2), "{text}");
        for part in ["<polyline", "line", "two &lt; three", "a &amp; b"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("http") && !text.contains("style="), "{text}");
    }

    #[test]
    fn axes_are_labelled_with_whole_numbers_and_powers() {
        assert_eq!([0.0, 0.5, 1500.0].map(|value| whole(&value)), ["0", "", "1,500"]);
        assert_eq!([-3.0, -0.5, 0.0, 2.0].map(|value| power(&value)), ["1e-3", "", "1", "100"]);
        assert_eq!(upper(0.0), 1.0);
    }
}
