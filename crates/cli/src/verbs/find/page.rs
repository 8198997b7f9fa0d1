//! HTML page of `find --report`: each query with the outline of its matches, and the two laid over one another.

use std::path::Path;

use anyhow::Result;
use collection::{Collection, Entry};
use find::report::Answered;
use image::RgbImage;
use image_file::{Pixels, Reader, path_of_text};
use maud::{Markup, html};
use witness::{
    Witness,
    overlay::{difference, laid_over},
};

use super::find_report::FindReport;
use crate::report::page::{self, thumbnail};

/// Largest number of matches that are shown of a query.
const SHOWN: usize = 3;
/// Longest side of a picture, in pixels.
const LONGEST: u32 = 320;
/// Amplification of differences.
const AMPLIFICATION: i32 = 2;

/// Pictures of the queries with matches, kept while queries are looked up.
pub struct Gallery<'a> {
    collection: &'a Collection,
    reader: Reader,
    sections: Vec<Section>,
}

/// Pictures of one query, as addresses with the data.
struct Section {
    /// Place of the query in the report.
    place: usize,
    query: String,
    matches: Vec<Pictures>,
}

/// Pictures of one match.
struct Pictures {
    /// Corners of the entry's picture on the query, in shares of its width and height.
    region: Option<[[f32; 2]; 4]>,
    /// Picture of the entry, if its released file or its witness can be read.
    entry: Option<String>,
    /// The query laid over that picture, and their difference.
    aligned: Option<[String; 2]>,
}

impl<'a> Gallery<'a> {
    /// Reads released files with `reader`.
    pub fn new(collection: &'a Collection, reader: Reader) -> Self {
        Self { collection, reader, sections: Vec::new() }
    }

    /// Adds a query, the one at `place` in the report, if it has matches.
    ///
    /// # Errors
    /// If the collection cannot be read, or a picture not be encoded.
    pub fn add(&mut self, place: usize, query: &RgbImage, matches: &[(find::Match, Entry)]) -> Result<()> {
        if matches.is_empty() {
            return Ok(());
        }
        let pictures = |(found, entry): &(find::Match, Entry)| self.pictures(query, found, entry);
        let matches = matches.iter().take(SHOWN).map(pictures).collect::<Result<_>>()?;
        self.sections.push(Section { place, query: thumbnail(query)?, matches });
        Ok(())
    }

    fn pictures(&self, query: &RgbImage, found: &find::Match, entry: &Entry) -> Result<Pictures> {
        let fit = found.comparison.as_ref().and_then(|comparison| comparison.fit.as_ref());
        let region = fit.map(|fit| fit.region);
        let Some(picture) = self.picture(entry)? else {
            return Ok(Pictures { region, entry: None, aligned: None });
        };
        let reduced = Pixels::Eight(query.clone()).into_reduced(2 * LONGEST);
        let aligned = fit.map(|fit| {
            // A witness keeps less of a picture than the query shows.
            let [large, small] = [enlarged(picture.dimensions()), picture.dimensions()]
                .map(|size| laid_over(&reduced, fit, size));
            Ok::<_, anyhow::Error>([
                thumbnail(&large)?,
                thumbnail(&difference(&picture, &small, AMPLIFICATION))?,
            ])
        });
        Ok(Pictures { region, entry: Some(thumbnail(&picture)?), aligned: aligned.transpose()? })
    }

    /// Returns the picture of an entry: its released file, else what its witness keeps of it.
    fn picture(&self, entry: &Entry) -> Result<Option<RgbImage>> {
        let file = entry.file.as_deref().and_then(|file| self.reader.open(&path_of_text(file)).ok());
        if let Some(picture) = file {
            return Ok(Some(picture.pixels.into_reduced(LONGEST)));
        }
        let bytes = self.collection.witnesses(&[entry.id])?.pop().flatten();
        let witness = bytes.and_then(|bytes| Witness::from_bytes(&bytes).ok());
        Ok(witness.map(|witness| witness.thumbnail()))
    }

    /// Writes the page.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, path: &Path, report: &FindReport) -> Result<()> {
        let shown = |place| self.sections.iter().find(|section| section.place == place);
        let body = html! {
            @if report.interrupted { p class="partial" { "Partial: interrupted with " (report.left) " queries left." } }
            p { (report.summary()) ". active-index " (env!("CARGO_PKG_VERSION")) }
            @for (place, query) in report.queries.iter().enumerate() {
                h2 { (query.query) }
                @if let Some(error) = &query.error { p { (error) } }
                @else if query.matches.is_empty() { p class="note" { "nothing found in " (query.looks) " looks" } }
                @if let Some(section) = shown(place) { (matches(section, query)) }
            }
        };
        page::write(path, "Pictures found", body)
    }
}

/// Shows the matches of a query.
fn matches(section: &Section, query: &Answered) -> Markup {
    html! {
        @for (found, pictures) in query.matches.iter().zip(&section.matches) {
            h3 { (found.name) " (" (found.id) ")" }
            p class="note" { (found.text()) }
            div class="row four" {
                (outlined(&section.query, pictures.region))
                @if let Some(entry) = &pictures.entry { (picture("entry", entry)) }
                @if let Some([aligned, difference]) = &pictures.aligned {
                    (picture("query laid over it", aligned))
                    (picture("difference x2", difference))
                }
            }
        }
    }
}

fn picture(caption: &str, uri: &str) -> Markup {
    html! { figure { img src=(uri) alt=(caption); figcaption { (caption) } } }
}

/// Shows a query with the outline of an entry's picture on it.
fn outlined(query: &str, region: Option<[[f32; 2]; 4]>) -> Markup {
    let corners = region.map(|region| region.map(|[x, y]| format!("{x:.4},{y:.4}")).join(" "));
    html! {
        figure class="outlined" {
            div {
                img src=(query) alt="query";
                @if let Some(corners) = corners {
                    svg viewBox="0 0 1 1" preserveAspectRatio="none" { polygon points=(corners) {} }
                }
            }
            figcaption { "query" }
        }
    }
}

/// Returns a size of the same shape whose longer side is [`LONGEST`].
fn enlarged((width, height): (u32, u32)) -> (u32, u32) {
    let scaled = |side: u32| (side * LONGEST / width.max(height).max(1)).max(1);
    (scaled(width), scaled(height))
}
