//! The arithmetic of the passes, on runs of values. Loops are written as such: closures of iterators would not be compiled
//! for the vector instructions of [`widest`].

use super::vectors::widest;
use crate::adam::Rates;

/// Sums that are kept beside each other, so that vectors can hold them.
const LANES: usize = 16;
/// Beyond, the hyperbolic tangent is 1 in float32.
const SATURATED: f32 = 7.905_311;

/// Writes `original + amplitude * map * tanh(delta)`, and says what the squares of the changes sum up to. All have one
/// length, at most some ten thousand, because the squares are summed in float32.
pub(super) fn change(
    original: &[f32],
    map: &[f32],
    delta: &[f32],
    amplitude: f32,
    pixels: &mut [f32],
) -> f64 {
    widest(
        #[inline(always)]
        || {
            for ((pixel, map), delta) in pixels.iter_mut().zip(map).zip(delta) {
                *pixel = tanh(*delta) * map * amplitude;
            }
            let squares = squares(pixels);
            for (pixel, x) in pixels.iter_mut().zip(original) {
                *pixel += x;
            }
            squares
        },
    )
}

#[inline(always)]
fn squares(values: &[f32]) -> f64 {
    let (runs, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for run in runs {
        for lane in 0..LANES {
            sums[lane] += run[lane] * run[lane];
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += x * x;
    }
    sums.into_iter().map(f64::from).sum()
}

/// A step of Adam for what is optimised and the two means of its gradients, which are `gradient` to the pixels, and that of
/// the image's term. All have one length.
pub(super) fn advance(
    [x, first, second]: [&mut [f32]; 3],
    gradient: &[f32],
    map: &[f32],
    [amplitude, weight]: [f32; 2],
    rates: Rates,
) {
    widest(
        #[inline(always)]
        || {
            let states = x.iter_mut().zip(first).zip(second);
            for (((x, first), second), (gradient, map)) in states.zip(gradient.iter().zip(map)) {
                let (slope, largest) = (tanh(*x), map * amplitude);
                let to_change = gradient + slope * largest * weight;
                rates.advance(x, first, second, to_change * largest * (1.0 - slope * slope));
            }
        },
    );
}

/// The sum of the squares of `metric * x`, of at most some ten thousand values.
pub(super) fn weighed(x: &[f32], metric: &[f32]) -> f64 {
    widest(
        #[inline(always)]
        || {
            let (runs, rest) = x.as_chunks::<LANES>();
            let (metrics, last) = metric.as_chunks::<LANES>();
            let mut sums = [0.0f32; LANES];
            for (x, metric) in runs.iter().zip(metrics) {
                for lane in 0..LANES {
                    let weighed = x[lane] * metric[lane];
                    sums[lane] += weighed * weighed;
                }
            }
            for (sum, (x, metric)) in sums.iter_mut().zip(rest.iter().zip(last)) {
                *sum += x * metric * (x * metric);
            }
            sums.into_iter().map(f64::from).sum()
        },
    )
}

/// Puts pixels where `x` was, changed by `factor * metric * x` but by no more than the smaller of `jnd * map` and `linf`,
/// and says what the squares of the changes sum up to, of at most some ten thousand.
pub(super) fn spend(
    x: &mut [f32],
    factor: f32,
    [original, map, metric]: [&[f32]; 3],
    [jnd, linf]: [f32; 2],
) -> f64 {
    widest(
        #[inline(always)]
        || {
            for (((x, original), map), metric) in x.iter_mut().zip(original).zip(map).zip(metric) {
                let limit = (map * jnd).min(linf);
                let change = (*x * metric * factor).min(limit).max(-limit);
                *x = (original + change).clamp(0.0, 1.0) - original;
            }
            let squares = squares(x);
            for (x, original) in x.iter_mut().zip(original) {
                *x += original;
            }
            squares
        },
    )
}

/// Clamps to [0, 1] and rounds to multiples of `1 / top`.
pub(super) fn round(values: &mut [f32], top: f32) {
    widest(
        #[inline(always)]
        || {
            for value in values {
                *value = (value.clamp(0.0, 1.0) * top).round() / top;
            }
        },
    );
}

/// The hyperbolic tangent within a few units in the last place, of numbers near 0 too: the rational function of degrees
/// 13 and 6 whose coefficients are those of Eigen.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297_2e-8,
        1.485_722_35e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const BELOW: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    let x = x.clamp(-SATURATED, SATURATED);
    let square = x * x;
    x * polynomial(&ABOVE, square) / polynomial(&BELOW, square)
}

#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f32; N], x: f32) -> f32 {
    let mut sum = 0.0;
    for c in coefficients {
        sum = sum * x + c;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tangent_is_near_that_of_double_precision() {
        for i in -60_000..=60_000 {
            let x = (i as f32 / 6000.0).powi(3) / 80.0;
            let (found, expected) = (f64::from(tanh(x)), f64::from(x).tanh());
            assert!((found - expected).abs() <= 5e-7 * expected.abs(), "{x}: {found} for {expected}");
        }
        assert!((tanh(1e-30) - 1e-30).abs() < 1e-36);
        assert!(tanh(f32::NAN).is_nan());
        assert!(tanh(f32::INFINITY) <= 1.0 && tanh(f32::INFINITY) > 1.0 - 1e-6);
    }

    #[test]
    fn squares_are_those_of_double_precision() {
        for len in [0, 1, LANES, LANES + 3, 1 << 14] {
            let delta: Vec<f32> = (0..len).map(|i| (i % 97) as f32 / 40.0 - 1.2).collect();
            let map: Vec<f32> = (0..len).map(|i| (i % 13) as f32 / 100.0).collect();
            let mut pixels = vec![0.0; len];
            let found = change(&vec![0.5; len], &map, &delta, 0.7, &mut pixels);
            let changes = delta.iter().zip(&map).map(|(x, map)| f64::from(x.tanh() * map * 0.7));
            let expected: f64 = changes.clone().map(|change| change * change).sum();
            assert!((found - expected).abs() <= 1e-5 * expected, "{found} for {expected}");
            assert!(
                pixels
                    .iter()
                    .zip(changes)
                    .all(|(pixel, change)| { (f64::from(*pixel) - 0.5 - change).abs() < 1e-6 })
            );
        }
    }
}
