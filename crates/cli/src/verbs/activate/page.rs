//! HTML page of `activate --report`.

use std::path::Path;

use anyhow::Result;
use maud::{Markup, html};
use release::ReleasedImage;

use super::demonstration::Demonstration;
use crate::report::page::{self, Pictures};

/// Writes the page. `gallery` holds the pictures of the rows with a released file, in their order.
///
/// # Errors
/// If the file cannot be written.
pub fn write(
    path: &Path,
    rows: &[ReleasedImage],
    gallery: &[Pictures],
    demonstration: Option<&Demonstration>,
) -> Result<()> {
    let (shown, failed): (Vec<&ReleasedImage>, Vec<&ReleasedImage>) =
        rows.iter().partition(|row| !row.failed());
    let body = html! {
        p { (shown.len()) " released, " (failed.len()) " failed. active-index " (env!("CARGO_PKG_VERSION")) }
        @if let Some(demonstration) = demonstration { (found(demonstration)) }
        @for (row, pictures) in shown.iter().zip(gallery) { (entry(row, pictures)) }
        @for row in failed { p { (row.input) ": " (row.error.as_deref().unwrap_or_default()) } }
    };
    page::write(path, "Activated images", body)
}

/// Shows R@1 of each edit.
fn found(demonstration: &Demonstration) -> Markup {
    let percent = |rate: f64| format!("{:.0} %", 100.0 * rate);
    let bar = |rate: f64, class: &str| {
        let width = format!("width: {:.1}rem", 8.0 * rate);
        html! { span class={ "bar " (class) } style=(width) {} " " (percent(rate)) }
    };
    html! {
        h2 { "Edited copies found first (R@1)" }
        table {
            tr { th { "edit" } th { "queries" } th { "originals" } th { "released" } }
            @for row in &demonstration.rows {
                tr {
                    td { (row.edit.to_string()) }
                    td { (row.passive.queries) }
                    td style="text-align: left" { (bar(row.passive.r1, "before")) }
                    td style="text-align: left" { (bar(row.released.r1, "after")) }
                }
            }
        }
    }
}

/// Shows one released image.
fn entry(row: &ReleasedImage, pictures: &Pictures) -> Markup {
    html! {
        h2 { (row.name()) }
        @if let Some(f) = &row.figures {
            p { (f.width) " x " (f.height) ", PSNR " (format!("{:.2}", f.psnr)) " dB, SSIM " (format!("{:.4}", f.ssim))
                ", L-inf " (f.linf) ", cosine to the target " (format!("{:.3}", f.cosine_before)) " -> "
                (format!("{:.3}", f.cosine_after)) }
        } @else {
            p { "released by an earlier run" }
        }
        (page::row(&pictures.all()))
    }
}
