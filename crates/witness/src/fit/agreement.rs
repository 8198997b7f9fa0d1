//! Agreement of the pictures where they overlap after the fit.

use super::affine::Affine;
use crate::plane::Plane;

/// Least share of the entry's picture that has to overlap, and pixels of its plane.
const LEAST_SHARE: f64 = 0.02;
const LEAST_PIXELS: usize = 48;
/// Means that are taken off reach this share of the longer side to every side.
const REACH: usize = 16;
/// Least deviation of what is compared, grey levels.
const LEAST_DEVIATION: f64 = 0.5;

/// Plane and its halves, down to a few pixels, to be sampled at any size.
#[derive(Debug, Clone)]
pub(crate) struct Halves(Vec<Plane>);

impl Halves {
    pub fn of(plane: &Plane) -> Self {
        let mut planes = vec![plane.clone()];
        while let Some(last) = planes.last().filter(|last| last.width.min(last.height) >= 8) {
            planes.push(last.resampled(last.width / 2, last.height / 2));
        }
        Self(planes)
    }

    /// Plane whose pixels are nearest to `size` pixels of the finest, and their true size by axis.
    fn level(&self, size: f64) -> (&Plane, [f64; 2]) {
        let i = (size.max(1.0).log2().round() as usize).min(self.0.len() - 1);
        let (plane, finest) = (&self.0[i], &self.0[0]);
        let ratio = |a: usize, b: usize| a as f64 / b as f64;
        (plane, [ratio(finest.width, plane.width), ratio(finest.height, plane.height)])
    }
}

/// Correlation of an entry's plane with the query's where `map`, from pixels of the plane to pixels of the query, takes it.
/// Slow changes of brightness are taken off first. `None` where too little overlaps or the overlap is flat.
pub(crate) fn agreement(entry: &Plane, query: &Halves, map: &Affine) -> Option<f32> {
    let seen = warped(entry, query, map);
    let overlap = seen.iter().filter(|level| level.is_some()).count();
    if overlap < LEAST_PIXELS || (overlap as f64) < LEAST_SHARE * seen.len() as f64 {
        return None;
    }
    let levels = entry.samples.iter().zip(&seen);
    let pairs: Vec<Option<[f64; 2]>> = levels.map(|(&a, b)| b.map(|b| [f64::from(a), b])).collect();
    let reach = entry.width.max(entry.height).div_ceil(REACH);
    correlation(&detail(&blurred(&pairs, entry.width), entry.width, reach))
}

/// Query in the pixels of the entry's plane; `None` outside of it.
fn warped(entry: &Plane, query: &Halves, map: &Affine) -> Vec<Option<f64>> {
    let (plane, size) = query.level(map.determinant().abs().sqrt());
    let place = |i: usize| [(i % entry.width) as f64 + 0.5, (i / entry.width) as f64 + 0.5];
    (0..entry.samples.len())
        .map(|i| {
            let [x, y] = map.apply(place(i));
            sample(plane, [x / size[0], y / size[1]])
        })
        .collect()
}

/// Bilinear sample at a place; pixel centres are at halves.
fn sample(plane: &Plane, [x, y]: [f64; 2]) -> Option<f64> {
    if !(0.0..plane.width as f64).contains(&x) || !(0.0..plane.height as f64).contains(&y) {
        return None;
    }
    let around = |v: f64, side: usize| {
        let v = (v - 0.5).clamp(0.0, (side - 1) as f64);
        (v as usize, (v as usize + 1).min(side - 1), v.fract())
    };
    let ((left, right, dx), (top, bottom, dy)) = (around(x, plane.width), around(y, plane.height));
    let across = |row: &[u8]| f64::from(row[left]) * (1.0 - dx) + f64::from(row[right]) * dx;
    Some(across(plane.row(top)) * (1.0 - dy) + across(plane.row(bottom)) * dy)
}

/// Means over 3 x 3 pixels, so that a fit may be wrong by a pixel of the plane.
fn blurred(pairs: &[Option<[f64; 2]>], width: usize) -> Vec<Option<[f64; 2]>> {
    means(pairs, width, 1)
}

/// Pairs without their local means.
fn detail(pairs: &[Option<[f64; 2]>], width: usize, reach: usize) -> Vec<[f64; 2]> {
    let means = means(pairs, width, reach);
    let both = pairs.iter().zip(&means).filter_map(|(pair, mean)| Some((pair.as_ref()?, mean.as_ref()?)));
    both.map(|(pair, mean)| [pair[0] - mean[0], pair[1] - mean[1]]).collect()
}

/// Means over the overlap within `reach` pixels, where there is one, from summed-area tables.
fn means(pairs: &[Option<[f64; 2]>], width: usize, reach: usize) -> Vec<Option<[f64; 2]>> {
    let height = pairs.len() / width;
    let table = summed(pairs, width);
    let stride = width + 1;
    let mean = |i: usize| {
        let (x, y) = (i % width, i / width);
        let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(width));
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(height));
        let at = |y: usize, x: usize| table[y * stride + x];
        let [a, b, c, d] = [at(bottom, right), at(top, right), at(bottom, left), at(top, left)];
        let sum: [f64; 3] = std::array::from_fn(|k| a[k] - b[k] - c[k] + d[k]);
        [sum[0] / sum[2], sum[1] / sum[2]]
    };
    (0..pairs.len()).map(|i| pairs[i].map(|_| mean(i))).collect()
}

/// Sums of both values and of their number above and left of each corner of pixels, `[height + 1, width + 1]`.
fn summed(pairs: &[Option<[f64; 2]>], width: usize) -> Vec<[f64; 3]> {
    let stride = width + 1;
    let mut table = vec![[0.0; 3]; stride * (pairs.len() / width + 1)];
    for (y, row) in pairs.chunks_exact(width).enumerate() {
        let mut sum = [0.0; 3];
        for (x, pair) in row.iter().enumerate() {
            if let Some([a, b]) = pair {
                sum = [sum[0] + a, sum[1] + b, sum[2] + 1.0];
            }
            let above = table[y * stride + x + 1];
            table[(y + 1) * stride + x + 1] = std::array::from_fn(|k| above[k] + sum[k]);
        }
    }
    table
}

/// Correlation coefficient. `None` where either side is flat.
fn correlation(pairs: &[[f64; 2]]) -> Option<f32> {
    let n = pairs.len() as f64;
    let mean = [0, 1].map(|k| pairs.iter().map(|pair| pair[k]).sum::<f64>() / n);
    let product =
        |j: usize, k: usize| pairs.iter().map(|p| (p[j] - mean[j]) * (p[k] - mean[k])).sum::<f64>() / n;
    let (a, b) = (product(0, 0), product(1, 1));
    let least = LEAST_DEVIATION * LEAST_DEVIATION;
    (a >= least && b >= least).then(|| (product(0, 1) / (a * b).sqrt()) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texture::texture;

    fn plane(seed: u32) -> Plane {
        Plane::of(&texture(256, 192, seed)).resampled(64, 48)
    }

    #[test]
    fn a_picture_agrees_with_itself_at_another_size_and_contrast() {
        let mut large = Plane::of(&texture(256, 192, 1));
        large.samples.iter_mut().for_each(|v| *v = 40 + *v / 3);
        let found =
            agreement(&plane(1), &Halves::of(&large), &Affine::scaling([4.0; 2])).expect("it is not flat");
        assert!(found > 0.97, "{found}");
    }

    #[test]
    fn other_pictures_shifts_and_negatives_do_not_agree() {
        let all = Halves::of(&Plane::of(&texture(256, 192, 1)));
        let other = agreement(&plane(2), &all, &Affine::scaling([4.0; 2])).expect("it is not flat");
        assert!(other.abs() < 0.3, "{other}");
        let shifted = Affine([[4.0, 0.0, 60.0], [0.0, 4.0, 0.0]]);
        assert!(agreement(&plane(1), &all, &shifted).expect("it is not flat") < 0.4);
        let mut negative = plane(1);
        negative.samples.iter_mut().for_each(|v| *v = 255 - *v);
        assert!(agreement(&negative, &all, &Affine::scaling([4.0; 2])).expect("it is not flat") < -0.97);
    }

    #[test]
    fn flat_pictures_and_small_overlaps_have_no_agreement() {
        let flat = Plane { width: 64, height: 48, samples: vec![99; 64 * 48] };
        let all = Halves::of(&Plane::of(&texture(256, 192, 1)));
        assert_eq!(agreement(&flat, &all, &Affine::scaling([4.0; 2])), None);
        assert_eq!(agreement(&plane(1), &all, &Affine([[4.0, 0.0, 250.0], [0.0, 4.0, 0.0]])), None);
        assert_eq!(agreement(&plane(1), &all, &Affine([[4.0, 0.0, 1e300], [0.0, 4.0, f64::NAN]])), None);
    }

    #[test]
    fn means_are_those_of_the_overlap() {
        let pairs = [Some([1.0, 2.0]), None, Some([5.0, 4.0]), Some([3.0, 3.0])];
        assert_eq!(means(&pairs, 2, 1), [Some([3.0, 3.0]), None, Some([3.0, 3.0]), Some([3.0, 3.0])]);
    }
}
