//! Pictures of an answer: the query, and each entry with the query laid over it.

use base64::{Engine, prelude::BASE64_STANDARD};
use collection::{Collection, Entry};
use find::Verdict;
use image::RgbImage;
use image_file::{Pixels, Reader};
use witness::{
    Fit,
    overlay::{difference, laid_over},
};

use crate::{
    lookup::{Kept, Picture},
    pictures::{self, EntryPicture},
    problem::Problem,
};

/// Largest number of matches that are drawn.
pub const DRAWN: usize = 3;
/// Longest side of drawn pictures, in pixels.
const LONGEST: u32 = 640;
/// Quality of the JPEG files.
const QUALITY: u8 = 82;
/// Longest side of the grey pictures that witnesses keep.
const GREY: u32 = 64;
/// Amplification of differences.
const AMPLIFICATION: i32 = 2;

/// Picture with its data, for a page.
pub struct Drawn {
    /// Address that holds the data.
    pub address: String,
    pub width: u32,
    pub height: u32,
}

/// Pictures of one match.
pub struct DrawnMatch {
    pub entry: Drawn,
    /// True if the entry's picture is no more than what its witness keeps: grey, of at most [`GREY`] pixels a side.
    pub is_small: bool,
    /// The query laid over the entry, and their difference, if its place is known.
    pub laid: Option<[Drawn; 2]>,
}

impl Drawn {
    fn of(picture: &RgbImage) -> Result<Self, Problem> {
        let (width, height) = picture.dimensions();
        let data = BASE64_STANDARD.encode(pictures::jpeg(picture, QUALITY)?);
        Ok(Self { address: format!("data:image/jpeg;base64,{data}"), width, height })
    }
}

/// Place of the entry on the query; only a match confirms one.
pub fn place(found: &find::Match) -> Option<&Fit> {
    let comparison = found.comparison.as_ref().filter(|_| found.verdict == Verdict::Match)?;
    comparison.fit.as_ref()
}

/// Draws a query and its first matches; a match is `None` if there is no picture of its entry.
///
/// # Errors
/// If the collection cannot be read.
pub fn draw(
    collection: &Collection,
    reader: Reader,
    kept: &Kept,
) -> Result<(Option<Drawn>, Vec<Option<DrawnMatch>>), Problem> {
    let Some(picture) = &kept.picture else { return Ok((None, Vec::new())) };
    let query = Pixels::Eight(picture.pixels.clone()).into_reduced(LONGEST);
    let one =
        |(found, entry): &(find::Match, Entry)| draw_match(collection, reader, picture, place(found), entry);
    let matches = kept.matches.iter().take(DRAWN).map(one).collect::<Result<_, _>>()?;
    Ok((Some(Drawn::of(&query)?), matches))
}

fn draw_match(
    collection: &Collection,
    reader: Reader,
    Picture { pixels, .. }: &Picture,
    fit: Option<&Fit>,
    entry: &Entry,
) -> Result<Option<DrawnMatch>, Problem> {
    let picture = pictures::of_entry(collection, reader, entry, LONGEST)?;
    let Some(EntryPicture { pixels: picture, is_witness }) = picture else { return Ok(None) };
    let laid = fit.map(|fit| {
        // A witness keeps less of a picture than the query shows.
        let [large, small] =
            [enlarged(picture.dimensions()), picture.dimensions()].map(|size| laid_over(pixels, fit, size));
        Ok::<_, Problem>([Drawn::of(&large)?, Drawn::of(&difference(&picture, &small, AMPLIFICATION))?])
    });
    let is_small = is_witness && picture.width().max(picture.height()) <= GREY;
    Ok(Some(DrawnMatch { laid: laid.transpose()?, entry: Drawn::of(&picture)?, is_small }))
}

/// Size of the same shape whose longer side is [`LONGEST`].
fn enlarged((width, height): (u32, u32)) -> (u32, u32) {
    let scaled = |side: u32| (side * LONGEST / width.max(height).max(1)).max(1);
    (scaled(width), scaled(height))
}
