//! Pictures of some images, the worst cases first.

use anyhow::Result;
use image_file::Reader;
use maud::{Markup, html};

use super::subjects::Subject;
use crate::report::{self, Pictures};

/// Images on a page, so that it can be sent and opened.
const SHOWN: usize = 24;

/// An image, and what is said of it.
pub struct Exhibit<'a> {
    pub subject: &'a Subject,
    /// The lowest come first.
    pub badness: (f64, f64),
    pub text: String,
}

/// The worst ones.
pub fn gallery(mut exhibits: Vec<Exhibit>, reader: &Reader) -> Result<Markup> {
    exhibits.sort_by(|a, b| a.badness.0.total_cmp(&b.badness.0).then(a.badness.1.total_cmp(&b.badness.1)));
    let count = exhibits.len();
    let shown =
        exhibits.iter().take(SHOWN).map(|exhibit| exhibit.show(reader)).collect::<Result<Vec<_>>>()?;
    Ok(html! {
        section {
            h2 { "Images, worst cases first" }
            @if count > SHOWN { p class="note" { "The first " (SHOWN) " of " (count) "." } }
            @for exhibit in shown { (exhibit) }
        }
    })
}

impl Exhibit<'_> {
    fn show(&self, reader: &Reader) -> Result<Markup> {
        let original = reader.open(&self.subject.path)?.pixels.into_rgb8();
        let pictures = match &self.subject.released {
            Some(path) => {
                let released = reader.open(path)?.pixels.into_rgb8();
                report::row(&Pictures::compact(&original, &released)?.all())
            }
            None => report::single("original", &report::thumbnail(&original)?),
        };
        Ok(html! {
            h3 { (self.subject.name()) }
            p class="note" { (self.text) }
            (pictures)
        })
    }
}
