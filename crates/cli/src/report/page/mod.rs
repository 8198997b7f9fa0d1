//! HTML pages with pictures and figures, self-contained: they load nothing from elsewhere.

mod pictures;
pub mod plots;

use std::path::Path;

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub use self::pictures::{Pictures, thumbnail};
use crate::session::whole_file::write_whole;

const STYLE: &str = include_str!("style.css");

/// Writes a page with a title and a body.
///
/// # Errors
/// If the file cannot be written.
pub fn write(path: &Path, title: &str, body: Markup) -> Result<()> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (body)
            }
        }
    };
    write_whole(path, |file| file.write_all(page.into_string().as_bytes()))
}

/// Shows pictures side by side, each given by its caption and address.
pub fn row(pictures: &[(&str, &str)]) -> Markup {
    html! {
        div class="row" {
            @for (caption, uri) in pictures {
                figure { img src=(uri) alt=(caption); figcaption { (caption) } }
            }
        }
    }
}

/// Shows one picture.
pub fn single(caption: &str, uri: &str) -> Markup {
    html! { div class="row single" { figure { img src=(uri) alt=(caption); figcaption { (caption) } } } }
}

/// Shows a plot with its caption.
pub fn figure(heading: &str, plot: &str, caption: &str) -> Markup {
    html! {
        section {
            h2 { (heading) }
            div class="plot" { (PreEscaped(plot)) }
            p class="note" { (caption) }
        }
    }
}

/// Shows large numbers, each given by name, value and detail.
pub fn headlines(numbers: &[(&str, String, String)]) -> Markup {
    html! {
        div class="headlines" {
            @for (name, value, detail) in numbers {
                div { span class="name" { (name) } span class="value" { (value) } span class="note" { (detail) } }
            }
        }
    }
}

/// Shows a table of names and values.
pub fn settings(rows: &[(&str, String)]) -> Markup {
    html! {
        section {
            h2 { "Settings" }
            table class="settings" { @for (name, value) in rows { tr { th { (name) } td { (value) } } } }
        }
    }
}
