//! Sides of a rectangle, placed to a pixel of the whole picture.

use image::RgbImage;

use crate::frame::Frame;

/// Stretches of a side that are compared.
const STRETCHES: u32 = 14;

/// Samples of a stretch.
const SAMPLES: u32 = 8;

/// Most places tried on either way from the first guess.
const MOST_STEPS: i32 = 32;

/// Largest step that counts, in levels: a few strong edges do not outweigh a long one.
const CAP: f32 = 48.0;

/// Least mean step at a side that is moved.
const LEAST_MEAN: f32 = 4.0;

/// Moves the sides of `inner`, an upright rectangle on the view `outer`, to the strongest edge within `reach` shares of the
/// view. `own` tells which of left, top, right, bottom may move. Returns the frame on the picture.
pub(crate) fn refine(
    picture: &RgbImage,
    outer: &Frame,
    inner: &Frame,
    own: [bool; 4],
    reach: [f32; 2],
) -> Frame {
    let [[left, top], _, [right, bottom], _] = inner.corners();
    let sides = outer.sides(picture.dimensions());
    let mut bounds = [left, top, right, bottom];
    for side in (0..4).filter(|side| own[*side]) {
        let axis = side % 2;
        let between = [bounds[1 - axis], bounds[3 - axis]];
        let line = |place: f32, share: f32| {
            let along = between[0] + (between[1] - between[0]) * share;
            if axis == 0 { outer.at(place, along) } else { outer.at(along, place) }
        };
        bounds[side] = strongest(picture, line, bounds[side], 1.0 / sides[axis].max(1.0), reach[axis]);
    }
    outer.inner(&Frame::upright([bounds[0], bounds[1]], [bounds[2], bounds[3]]))
}

/// Returns the place within `reach` of `guess`, in steps of a pixel, across which the picture changes most.
fn strongest(
    picture: &RgbImage,
    line: impl Fn(f32, f32) -> [f32; 2],
    guess: f32,
    pixel: f32,
    reach: f32,
) -> f32 {
    let count = ((reach / pixel).ceil() as i32).clamp(1, MOST_STEPS);
    let step = (reach / count as f32).max(pixel);
    // Edges lie between pixels, so places are rounded to whole pixels of the view.
    let first = (guess / pixel).round() * pixel;
    let places = (-count..=count).map(|i| first + i as f32 * step);
    let scored = places.map(|place| (change(picture, &line, place, pixel), place));
    match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((change, place)) if change >= LEAST_MEAN => place,
        _ => guess,
    }
}

/// Returns the mean over stretches of a line of the difference between its sides. Within a stretch, differences of either
/// sign cancel out, as those of noise do.
fn change(picture: &RgbImage, line: &impl Fn(f32, f32) -> [f32; 2], place: f32, pixel: f32) -> f32 {
    let sample = |place: f32, share: f32| {
        let [x, y] = line(place, share);
        let at = |share: f32, side: u32| ((share * side as f32) as u32).min(side - 1);
        picture.get_pixel(at(x, picture.width()), at(y, picture.height())).0.map(i32::from)
    };
    let difference = |sample_number: u32| {
        let share = (sample_number as f32 + 0.5) / (STRETCHES * SAMPLES) as f32;
        let [before, behind] = [-0.5, 0.5].map(|half| sample(place + half * pixel, share));
        [0, 1, 2].map(|c| behind[c] - before[c])
    };
    let stretch = |first: u32| {
        let sums = (first..first + SAMPLES)
            .map(difference)
            .fold([0; 3], |sum, step| [0, 1, 2].map(|c| sum[c] + step[c]));
        let most = sums.into_iter().map(i32::abs).max().unwrap_or(0);
        (most as f32 / SAMPLES as f32).min(CAP)
    };
    (0..STRETCHES).map(|i| stretch(i * SAMPLES)).sum::<f32>() / STRETCHES as f32
}
