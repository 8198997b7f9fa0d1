//! The order of looks at a picture.

use image::RgbImage;

use crate::{
    content::{self, Found},
    frame::Frame,
    look::Look,
    slant, tilt,
    tone::{self, Tone},
    view::render,
};

/// Longest side of the pictures that are analysed, in pixels.
const REDUCED: f32 = 256.0;

/// Trust from which other looks are taken inside a content.
const SURE: f32 = 0.5;

/// Sides of the coarser view over those of the view.
const COARSE: f32 = 0.4;

/// Least side of a picture that is analysed, in pixels.
const LEAST_SIDE: u32 = 24;

/// Most pictures found in a picture that are looked at.
const MOST_CONTENTS: usize = 3;

/// Most pictures inside each other that are looked for.
const DEEPEST: usize = 4;

/// Returns looks at a picture in the order of what they are worth, the whole picture first.
///
/// There are at most `most`, and none for a picture without pixels. A smaller `most` gives the first looks of a larger one.
///
/// ```
/// use active_index_looks::plan;
/// use image::{Rgb, RgbImage};
///
/// let bars = RgbImage::from_fn(160, 160, |x, y| {
///     let shade = (x * 7 % 160 + y * 5 % 90) as u8;
///     if (40..120).contains(&y) { Rgb([shade, 200, 255 - shade]) } else { Rgb([0; 3]) }
/// });
/// let looks = plan(&bars, 8);
/// assert!(looks[0].is_whole());
/// assert_eq!(looks[1].to_string(), "content");
/// assert_eq!(looks[1].apply(&bars).dimensions(), (160, 80));
/// ```
pub fn plan(picture: &RgbImage, most: usize) -> Vec<Look> {
    let dimensions = picture.dimensions();
    if dimensions.0 == 0 || dimensions.1 == 0 {
        return Vec::new();
    }
    let mut looks: Vec<Look> = Vec::new();
    for look in candidates(picture) {
        if looks.len() < most && looks.iter().all(|known| !known.resembles(&look, dimensions)) {
            looks.push(look);
        }
    }
    looks
}

/// Returns all looks, those first that are worth most.
fn candidates(picture: &RgbImage) -> Vec<Look> {
    if tone::is_noisy(picture) {
        // Frames are relative, so those found in the smoothed picture hold for the picture as well.
        let smoothed = Look::WHOLE.toned(Tone::Smoothed).apply(picture);
        return ordered(&smoothed, Some(Tone::Smoothed));
    }
    ordered(picture, None)
}

/// Returns all looks at a picture, with one whose tones are changed by `tone` if it is known that they should be.
fn ordered(picture: &RgbImage, tone: Option<Tone>) -> Vec<Look> {
    let dimensions = picture.dimensions();
    let Contents { mut found, tilt } = contents(picture);
    found.sort_by(|a, b| b.trust.total_cmp(&a.trust));
    let sure = found.first().filter(|best| best.trust >= SURE);
    let base = sure.map_or(Look::WHOLE, |best| best.look);
    let quarters = [1, 3, 2].map(|quarters| base.quarter_turns(quarters));
    let is_faded = || reduced(picture, &base.frame()).is_some_and(|view| tone::is_faded(&view));
    let tone = tone.or_else(|| is_faded().then_some(Tone::Stretched));
    let mut looks = vec![Look::WHOLE, base];
    // A slant leaves open which side was up.
    looks.extend(quarters.iter().filter(|_| sure.is_some_and(|best| best.is_slanted)));
    looks.extend(tone.map(|tone| base.toned(tone)));
    looks.extend(found.iter().take(MOST_CONTENTS).map(|content| content.look));
    looks.extend(tilt.map(|degrees| base.turned_back(degrees, dimensions)));
    looks.extend(quarters);
    looks.extend([base.mirrored(), base.middle(80)]);
    looks.extend([15.0, -15.0, 25.0, -25.0].map(|turn| base.turned_back(turn, dimensions)));
    looks.push(base.middle(60));
    looks.extend([1, 3, 2].map(|quarters| base.mirrored().quarter_turns(quarters)));
    looks.extend([35.0, -35.0, 45.0].map(|turn| base.turned_back(turn, dimensions)));
    looks
}

/// Picture found in a picture.
struct Content {
    look: Look,
    trust: f32,
    /// True if it is turned by an angle that is none of the right ones.
    is_slanted: bool,
}

/// Pictures found in a picture, and the tilt of the innermost.
struct Contents {
    found: Vec<Content>,
    tilt: Option<f32>,
}

/// Finds the pictures inside a picture, one in the other.
fn contents(picture: &RgbImage) -> Contents {
    let (mut outer, mut slant, mut trust, mut found) = (Frame::WHOLE, 0.0, 1.0, Vec::new());
    for _ in 0..DEEPEST {
        let Some(view) = reduced(picture, &outer) else { break };
        let Some((best, degrees, others)) = inside(picture, &outer, &view) else {
            return Contents { found, tilt: tilt::find(&view).map(|(degrees, _)| degrees) };
        };
        // What lies inside a doubtful content is more doubtful than that.
        let content = |found: Found, slant: f32| Content {
            look: Look::content(found.frame, slant),
            trust: trust * found.trust,
            is_slanted: slant != 0.0,
        };
        found.extend(others.into_iter().map(|other| content(other, slant)));
        slant += degrees;
        found.push(content(best, slant));
        outer = best.frame;
        trust = if trust * best.trust >= SURE { 1.0 } else { trust * best.trust };
    }
    Contents { found, tilt: None }
}

/// Returns the picture inside a view that is trusted most, the angle it is turned by, and others.
fn inside(picture: &RgbImage, outer: &Frame, view: &RgbImage) -> Option<(Found, f32, Vec<Found>)> {
    if let Some((found, degrees)) = slant::find(view, outer) {
        return Some((found, degrees, Vec::new()));
    }
    let mut found = content::find(picture, outer, view);
    if found.is_empty() && *outer == Frame::WHOLE {
        // Noise and soft edges even out in a smaller view.
        let sides = [view.width(), view.height()].map(|side| (side as f32 * COARSE).round() as u32);
        if sides[0].min(sides[1]) >= LEAST_SIDE {
            found.extend(content::find(picture, outer, &render(view, &Frame::WHOLE, (sides[0], sides[1]))));
        }
    }
    found.sort_by(|a, b| b.trust.total_cmp(&a.trust));
    let best = found.first().copied()?;
    Some((best, 0.0, found.split_off(1)))
}

/// Returns what `frame` shows at the size of the analysis, unless it is too small.
fn reduced(picture: &RgbImage, frame: &Frame) -> Option<RgbImage> {
    let sides = frame.sides(picture.dimensions());
    let factor = (REDUCED / sides[0].max(sides[1])).min(1.0);
    let [width, height] = sides.map(|side| (side * factor).round() as u32);
    (width.min(height) >= LEAST_SIDE).then(|| render(picture, frame, (width, height)))
}
