//! Gallery of a page: pictures of the worst images.

use anyhow::Result;
use evaluation::pipeline::Subject;
use image_file::Reader;
use maud::{Markup, html};

use crate::report::page::{self, Pictures};

/// Largest number of images on a page, which keeps it small enough to send and to open.
const SHOWN: usize = 24;

/// An image with its caption.
pub struct Exhibit<'a> {
    pub subject: &'a Subject,
    /// Sort key; the lowest comes first.
    pub badness: (f64, f64),
    pub text: String,
}

/// Shows the worst images.
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
        let original = self.subject.original.read(reader)?;
        let pictures = match &self.subject.released {
            Some(released) => {
                let released = released.read(reader)?;
                page::row(&Pictures::compact(&original, &released)?.all())
            }
            None => page::single("original", &page::thumbnail(&original)?),
        };
        Ok(html! {
            h3 { (self.subject.name) }
            p class="note" { (self.text) }
            (pictures)
        })
    }
}
