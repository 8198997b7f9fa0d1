//! One page with pictures and figures, self-contained.

use std::{io::Cursor, path::Path};

use anyhow::Result;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, imageops::FilterType};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    comparisons::Comparisons,
    files::write_whole,
    release::{Pair, Row},
};

/// Longest side of the pictures on the page, in pixels.
const THUMBNAIL: u32 = 320;
/// How much the difference is amplified.
const AMPLIFICATION: i32 = 20;

const STYLE: &str = "
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2024 }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse } th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #e3e6e8 }
th:first-child, td:first-child { text-align: left }
.bar { display: inline-block; height: .7rem; border-radius: 2px } .before { background: #b9c0c6 } .after { background: #2f7d4f }
figure { margin: 0 } .row { display: grid; grid-template-columns: repeat(3, 1fr); gap: .6rem }
img { width: 100%; border-radius: 3px } figcaption { color: #5b646b; font-size: .85rem }
@media (max-width: 40rem) { .row { grid-template-columns: 1fr } }
";

/// The pictures of one released image, as they stand on the page.
pub struct Pictures {
    original: String,
    released: String,
    difference: String,
}

impl Pictures {
    pub fn new(pair: &Pair) -> Result<Self> {
        Ok(Self {
            original: data_uri(&pair.original)?,
            released: data_uri(&pair.released)?,
            difference: data_uri(&amplify(&pair.original, &pair.released))?,
        })
    }
}

/// Writes the page. `gallery` holds the pictures of the rows that have a released file, in their order.
pub fn write(
    path: &Path,
    rows: &[Row],
    gallery: &[Pictures],
    comparisons: Option<&Comparisons>,
) -> Result<()> {
    let (shown, failed): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| !row.failed());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Activated images" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Activated images" }
                p { (shown.len()) " released, " (failed.len()) " failed. active-index " (env!("CARGO_PKG_VERSION")) }
                @if let Some(comparisons) = comparisons { (found(comparisons)) }
                @for (row, pictures) in shown.iter().zip(gallery) { (entry(row, pictures)) }
                @for row in failed { p { (row.input) ": " (row.error.as_deref().unwrap_or_default()) } }
            }
        }
    };
    write_whole(path, |file| file.write_all(page.into_string().as_bytes()))
}

fn found(comparisons: &Comparisons) -> Markup {
    let percent = |rate: f64| format!("{:.0} %", 100.0 * rate);
    let bar = |rate: f64, class: &str| {
        let width = format!("width: {:.1}rem", 8.0 * rate);
        html! { span class={ "bar " (class) } style=(width) {} " " (percent(rate)) }
    };
    html! {
        h2 { "Edited copies found first (R@1)" }
        table {
            tr { th { "edit" } th { "queries" } th { "originals" } th { "released" } }
            @for row in &comparisons.rows {
                tr {
                    td { (row.transform.to_string()) }
                    td { (row.passive.queries) }
                    td style="text-align: left" { (bar(row.passive.r1, "before")) }
                    td style="text-align: left" { @if let Some(m) = &row.released { (bar(m.r1, "after")) } }
                }
            }
        }
    }
}

fn entry(row: &Row, pictures: &Pictures) -> Markup {
    let Pictures { original, released, difference } = pictures;
    html! {
        h2 { (row.name()) }
        @if let Some(f) = &row.figures {
            p { (f.width) " x " (f.height) ", PSNR " (format!("{:.2}", f.psnr)) " dB, SSIM " (format!("{:.4}", f.ssim))
                ", L-inf " (f.linf) ", cosine to the target " (format!("{:.3}", f.cosine_before)) " -> "
                (format!("{:.3}", f.cosine_after)) }
        } @else {
            p { "released by an earlier run" }
        }
        div class="row" {
            @for (caption, uri) in [("original", original), ("released", released), ("difference x20", difference)] {
                figure { img src=(uri) alt=(caption); figcaption { (caption) } }
            }
        }
    }
}

/// Mid-grey plus the amplified difference.
fn amplify(original: &RgbImage, released: &RgbImage) -> RgbImage {
    let level = |a: u8, b: u8| (128 + AMPLIFICATION * (i32::from(b) - i32::from(a))).clamp(0, 255) as u8;
    RgbImage::from_fn(original.width(), original.height(), |x, y| {
        let (a, b) = (original.get_pixel(x, y), released.get_pixel(x, y));
        Rgb(std::array::from_fn(|c| level(a[c], b[c])))
    })
}

fn data_uri(image: &RgbImage) -> Result<String> {
    let image = DynamicImage::ImageRgb8(image.clone());
    let small = if image.width().max(image.height()) > THUMBNAIL {
        image.resize(THUMBNAIL, THUMBNAIL, FilterType::CatmullRom)
    } else {
        image
    };
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png)?;
    Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(png.into_inner())))
}
