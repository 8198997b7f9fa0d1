//! Pages with pictures and figures, self-contained: nothing in them is fetched from elsewhere.

pub mod activation;
mod pictures;
pub mod plots;

use std::path::Path;

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::files::write_whole;

pub use pictures::{Pictures, thumbnail};

const STYLE: &str = include_str!("style.css");

/// Writes a page of a title and what is below it.
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

/// Pictures side by side, each with what it is.
pub fn row(pictures: &[(&str, &str)]) -> Markup {
    html! {
        div class="row" {
            @for (caption, uri) in pictures {
                figure { img src=(uri) alt=(caption); figcaption { (caption) } }
            }
        }
    }
}

/// One picture alone.
pub fn single(caption: &str, uri: &str) -> Markup {
    html! { div class="row single" { figure { img src=(uri) alt=(caption); figcaption { (caption) } } } }
}

/// A plot with what it shows.
pub fn figure(heading: &str, plot: &str, caption: &str) -> Markup {
    html! {
        section {
            h2 { (heading) }
            div class="plot" { (PreEscaped(plot)) }
            p class="note" { (caption) }
        }
    }
}

/// Large numbers, each with what it is.
pub fn headlines(numbers: &[(&str, String, String)]) -> Markup {
    html! {
        div class="headlines" {
            @for (name, value, detail) in numbers {
                div { span class="name" { (name) } span class="value" { (value) } span class="note" { (detail) } }
            }
        }
    }
}

/// Names and values.
pub fn settings(rows: &[(&str, String)]) -> Markup {
    html! {
        section {
            h2 { "Settings" }
            table class="settings" { @for (name, value) in rows { tr { th { (name) } td { (value) } } } }
        }
    }
}
