//! Sums of squares on the CPU. Loops rather than iterators' closures, so that [`simd::Level::run`] compiles them for
//! its level.

/// Number of partial sums, which vectors hold side by side.
const LANES: usize = 16;

/// Sum of squares, of at most some ten thousand values because lanes are summed in float32.
#[inline(always)]
pub(super) fn sum_of_squares(values: &[f32]) -> f64 {
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

/// Sum of the squares of `metric * x`, of at most some ten thousand values of one length.
#[inline(always)]
pub(super) fn weighted_sum_of_squares(x: &[f32], metric: &[f32]) -> f64 {
    let (runs, rest) = x.as_chunks::<LANES>();
    let (metrics, last) = metric.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (x, metric) in runs.iter().zip(metrics) {
        for lane in 0..LANES {
            let weighted = x[lane] * metric[lane];
            sums[lane] += weighted * weighted;
        }
    }
    for (sum, (x, metric)) in sums.iter_mut().zip(rest.iter().zip(last)) {
        *sum += x * metric * (x * metric);
    }
    sums.into_iter().map(f64::from).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_double_precision() {
        for len in [0, 1, LANES, LANES + 3, 1 << 14] {
            let x: Vec<f32> = (0..len).map(|i| (i % 97) as f32 / 40.0 - 1.2).collect();
            let metric: Vec<f32> = (0..len).map(|i| (i % 13) as f32 / 100.0).collect();
            let sum = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
            let plain = sum(&mut x.iter().map(|&x| f64::from(x)));
            assert!((sum_of_squares(&x) - plain).abs() <= 1e-5 * plain, "{len} values");
            let products = x.iter().zip(&metric).map(|(x, metric)| f64::from(x * metric));
            let weighted = sum(&mut products.into_iter());
            let found = weighted_sum_of_squares(&x, &metric);
            assert!((found - weighted).abs() <= 1e-5 * weighted, "{len} weighted values");
        }
    }
}
