//! Grey profiles whose curve gives lightness: L* of CIELAB in place of luminance, which moxcms expects.

use moxcms::{CmsError, ColorProfile, DataColorSpace, ToneReprCurve};

/// Entries of a curve: one for each level of 16 bits.
const ENTRIES: usize = 1 << 16;
/// Lightness up to which luminance is proportional to it, of 100 (CIE 15).
const LINEAR_UP_TO: f32 = 8.0;
/// Quotient of lightness and luminance there.
const KAPPA: f32 = 24_389.0 / 27.0;

/// The profile with a curve that gives luminance, if it is a grey one with a curve that gives lightness. Colours without
/// a and b are those of the white point, as in XYZ.
///
/// # Errors
/// If the curve cannot be evaluated.
pub(crate) fn of_luminance(mut profile: ColorProfile) -> Result<ColorProfile, CmsError> {
    let is_grey = profile.color_space == DataColorSpace::Gray && profile.pcs == DataColorSpace::Lab;
    let has_table = profile.lut_a_to_b_perceptual.is_some() || profile.lut_a_to_b_colorimetric.is_some();
    if let Some(curve) = profile.gray_trc.take_if(|_| is_grey && !has_table) {
        let lightness = curve.make_linear_evaluator()?;
        let level = |i: usize| {
            let share = lightness.evaluate_value(i as f32 / (ENTRIES - 1) as f32);
            (luminance(100.0 * share.clamp(0.0, 1.0)) * 65_535.0).round() as u16
        };
        profile.gray_trc = Some(ToneReprCurve::Lut((0..ENTRIES).map(level).collect()));
        profile.pcs = DataColorSpace::Xyz;
    }
    Ok(profile)
}

/// Luminance of a lightness of 0 to 100 (CIE 15, section 8.2.1).
fn luminance(lightness: f32) -> f32 {
    if lightness <= LINEAR_UP_TO { lightness / KAPPA } else { ((lightness + 16.0) / 116.0).powi(3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luminance_is_that_of_cie_15() {
        for (lightness, expected) in
            [(0.0, 0.0), (4.0, 0.004_428), (8.0, 0.008_856), (50.0, 0.184_187), (100.0, 1.0)]
        {
            assert!((luminance(lightness) - expected).abs() < 1e-6, "{lightness}");
        }
    }

    #[test]
    fn other_profiles_stay() {
        for profile in [ColorProfile::new_srgb(), ColorProfile::new_gray_with_gamma(2.2)] {
            let kept = of_luminance(profile.clone()).unwrap();
            assert_eq!((kept.pcs, kept.gray_trc), (profile.pcs, profile.gray_trc));
        }
    }
}
