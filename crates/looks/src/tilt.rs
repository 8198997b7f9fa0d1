//! The tilt of a picture without a canvas around it, from its long edges.

use image::RgbImage;

use crate::slant::wrapped;

/// Bins of a right angle.
const BINS: usize = 180;

/// Cells around each over which gradients are averaged.
const REACH: usize = 2;

/// Half of the peak's width in degrees.
const PEAK: f32 = 2.0;

/// Least share of the edges that lies in the peak; directions at random have 4.5 %.
const LEAST_SHARE: f32 = 0.16;

/// Least tilt in degrees.
const LEAST_DEGREES: f32 = 3.0;

/// Least squared gradient in levels that is an edge.
const LEAST_ENERGY: f32 = 64.0;

/// Returns by how many degrees clockwise the straight edges of a picture are turned from the axes, in -45..45, with the share
/// of all edges that agree; none where they are upright or have no direction in common.
///
/// Directions are those of the structure tensor over 5 x 5 cells (Förstner and Gülch 1987), weighted by its coherence: edges
/// of texture, whose neighbours point elsewhere, count little.
pub(crate) fn find(view: &RgbImage) -> Option<(f32, f32)> {
    let weights = histogram(view);
    let total: f32 = weights.iter().sum();
    let width = 90.0 / BINS as f32;
    let reach = (PEAK / width) as isize;
    // Weight and first moment of the bins around one.
    let near = |bin: usize| {
        let around = (-reach..=reach)
            .map(|i| (i as f32, weights[(bin as isize + i).rem_euclid(BINS as isize) as usize]));
        around.fold((0.0, 0.0), |(sum, moment), (i, weight)| (sum + weight, moment + i * weight))
    };
    let (bin, (weight, moment)) =
        (0..BINS).map(|bin| (bin, near(bin))).max_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    let (degrees, share) = (wrapped((bin as f32 + 0.5 + moment / weight) * width), weight / total);
    (total > 0.0 && share >= LEAST_SHARE && degrees.abs() >= LEAST_DEGREES).then_some((degrees, share))
}

/// Returns the weight of edges in each direction of a right angle.
fn histogram(view: &RgbImage) -> Vec<f32> {
    let (width, height) = (view.width() as usize, view.height() as usize);
    let mut weights = vec![0.0; BINS];
    if width.min(height) < 16 {
        return weights;
    }
    let tensors = tensors(view);
    for y in (REACH + 1)..(height - REACH - 1) {
        for x in (REACH + 1)..(width - REACH - 1) {
            let [xx, yy, xy] = mean(&tensors, width, x, y);
            let energy = xx + yy;
            if energy >= LEAST_ENERGY {
                let coherence = ((xx - yy).hypot(2.0 * xy) / energy).powi(4);
                let degrees = (0.5 * (2.0 * xy).atan2(xx - yy)).to_degrees();
                let bin = (degrees.rem_euclid(90.0) / 90.0 * BINS as f32) as usize;
                weights[bin.min(BINS - 1)] += coherence * energy.sqrt().min(64.0);
            }
        }
    }
    weights
}

/// Returns the products of the gradients of the green channel, `[height][width]`.
fn tensors(view: &RgbImage) -> Vec<[f32; 3]> {
    let (width, height) = (view.width(), view.height());
    let level = |x: u32, y: u32| f32::from(view.get_pixel(x, y).0[1]);
    let product = |(x, y): (u32, u32)| {
        let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
        let (above, below) = (y.saturating_sub(1), (y + 1).min(height - 1));
        let (dx, dy) = (level(right, y) - level(left, y), level(x, below) - level(x, above));
        [dx * dx, dy * dy, dx * dy]
    };
    (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(product).collect()
}

fn mean(tensors: &[[f32; 3]], width: usize, x: usize, y: usize) -> [f32; 3] {
    let mut sum = [0.0; 3];
    for row in (y - REACH)..=(y + REACH) {
        for tensor in &tensors[row * width + x - REACH..=row * width + x + REACH] {
            (0..3).for_each(|i| sum[i] += tensor[i]);
        }
    }
    sum.map(|sum| sum / (2 * REACH + 1).pow(2) as f32)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// Returns stripes that run clockwise from the row by `degrees`.
    fn stripes(degrees: f32) -> RgbImage {
        let (sin, cos) = degrees.to_radians().sin_cos();
        RgbImage::from_fn(120, 90, |x, y| {
            let across = cos * y as f32 - sin * x as f32;
            Rgb([(127.0 + 120.0 * (across / 3.0).sin()) as u8; 3])
        })
    }

    #[test]
    fn the_tilt_of_stripes_is_theirs() {
        for degrees in [-40.0, -12.0, 5.0, 25.0, 44.0] {
            let (found, share) = find(&stripes(degrees)).unwrap();
            assert!(wrapped(found - degrees).abs() <= 1.0 && share > 0.8, "{degrees}: {found}, {share}");
        }
    }

    #[test]
    fn upright_stripes_and_plain_pictures_have_no_tilt() {
        assert!(find(&stripes(0.0)).is_none() && find(&stripes(90.0)).is_none());
        assert!(find(&RgbImage::new(80, 80)).is_none() && find(&RgbImage::new(3, 80)).is_none());
    }
}
