//! Hyperbolic tangent in float32.

/// Least argument whose hyperbolic tangent is 1 in float32.
const SATURATED: f32 = 7.905_311;

/// Hyperbolic tangent within a few units in the last place, also near 0: the rational function of degrees 13 and 6 with
/// Eigen's coefficients.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    const NUMERATOR: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297_2e-8,
        1.485_722_35e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const DENOMINATOR: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    let x = x.clamp(-SATURATED, SATURATED);
    let square = x * x;
    x * polynomial(&NUMERATOR, square) / polynomial(&DENOMINATOR, square)
}

/// Value of a polynomial with the highest coefficient first, by Horner's rule.
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
}
