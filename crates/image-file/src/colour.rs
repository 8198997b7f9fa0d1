//! Conversion of a file's colours to sRGB.

use std::sync::Arc;

use image::{DynamicImage, ImageBuffer, Luma, LumaA, Pixel, Primitive, Rgb, Rgba};
use moxcms::{
    BarycentricWeightScale, CmsError, ColorProfile, DataColorSpace, InterpolationMethod, Layout,
    Transform8BitExecutor, Transform16BitExecutor, TransformExecutor, TransformOptions,
};

use crate::{Error, deadline::Deadline, lightness::of_luminance};

/// Pixels that are converted between two checks of the deadline.
const CHUNK: usize = 1 << 18;
/// Levels per channel at which a profile is compared with sRGB.
const TESTED_LEVELS: [u8; 9] = [0, 16, 48, 80, 112, 144, 176, 224, 255];
/// Largest difference, in 8-bit levels, of a profile that counts as sRGB. The many profiles of that name have rounded
/// curves and matrices and differ by no more.
const TOLERANCE: u8 = 1;

/// Pixels from a decoder, in the colours of the file.
#[derive(Debug)]
pub(crate) enum Decoded {
    /// Grey or RGB, with or without alpha, 8 or 16 bits per channel.
    Image(DynamicImage),
    /// Amounts of four inks, 0 for none: `[height, width, 4]`.
    Cmyk { width: u32, height: u32, inks: Vec<u8> },
}

/// RGB or RGBA in sRGB, its profile, and a note if the file's profile was ignored.
#[derive(Debug)]
pub(crate) struct Converted {
    pub(crate) image: DynamicImage,
    pub(crate) profile: Option<Vec<u8>>,
    pub(crate) note: Option<String>,
}

/// Failure to convert pixels.
enum Failure {
    /// The profile cannot be read or used.
    Profile(CmsError),
    /// The profile is for another colour space than that of the pixels, for inks instead of RGB for example.
    OtherColours,
    /// The deadline has passed.
    Time(Error),
}

impl From<CmsError> for Failure {
    fn from(error: CmsError) -> Self {
        Self::Profile(error)
    }
}

/// Converts pixels to sRGB from the colours that `profile` describes. An unusable profile is ignored with a note.
///
/// # Errors
/// If the deadline has passed.
pub(crate) fn to_srgb(
    decoded: Decoded,
    profile: Option<Vec<u8>>,
    deadline: Deadline,
) -> crate::Result<Converted> {
    let Some(bytes) = profile else {
        return Ok(Converted { image: assumed_srgb(decoded), profile: None, note: None });
    };
    match convert(&decoded, &bytes, deadline) {
        Ok(Some(image)) => Ok(Converted { image, profile: srgb_profile(), note: None }),
        Ok(None) => Ok(Converted { image: assumed_srgb(decoded), profile: Some(bytes), note: None }),
        Err(Failure::Time(error)) => Err(error),
        Err(Failure::Profile(error)) => Ok(unconverted(decoded, &error.to_string())),
        Err(Failure::OtherColours) => {
            Ok(unconverted(decoded, "it is for another colour space than that of the file"))
        }
    }
}

fn unconverted(decoded: Decoded, reason: &str) -> Converted {
    let note = Some(format!("the colour profile is ignored: {reason}"));
    Converted { image: assumed_srgb(decoded), profile: None, note }
}

/// The sRGB profile.
fn srgb_profile() -> Option<Vec<u8>> {
    ColorProfile::new_srgb().encode().ok()
}

/// The pixels unchanged, with grey expanded to RGB and inks multiplied, as Pillow and browsers do without a profile.
fn assumed_srgb(decoded: Decoded) -> DynamicImage {
    match decoded {
        Decoded::Cmyk { width, height, inks } => {
            let rgb = inks.chunks_exact(4).flat_map(|i| [0, 1, 2].map(|c| reflected(i[c], i[3]))).collect();
            DynamicImage::ImageRgb8(ImageBuffer::from_raw(width, height, rgb).unwrap_or_default())
        }
        Decoded::Image(image) => expanded(image),
    }
}

/// Level of a channel that an ink and black reflect of the paper's white.
fn reflected(ink: u8, black: u8) -> u8 {
    ((u32::from(255 - ink) * u32::from(255 - black) + 127) / 255) as u8
}

/// Expands grey to RGB, the same level in all channels.
fn expanded(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma8(image) => DynamicImage::ImageRgb8(grey(&image)),
        DynamicImage::ImageLuma16(image) => DynamicImage::ImageRgb16(grey(&image)),
        DynamicImage::ImageLumaA8(image) => DynamicImage::ImageRgba8(grey_alpha(&image)),
        DynamicImage::ImageLumaA16(image) => DynamicImage::ImageRgba16(grey_alpha(&image)),
        colour => colour,
    }
}

fn grey<T: Primitive>(image: &ImageBuffer<Luma<T>, Vec<T>>) -> ImageBuffer<Rgb<T>, Vec<T>>
where
    Luma<T>: Pixel<Subpixel = T>,
    Rgb<T>: Pixel<Subpixel = T>,
{
    ImageBuffer::from_fn(image.width(), image.height(), |x, y| Rgb([image.get_pixel(x, y).0[0]; 3]))
}

fn grey_alpha<T: Primitive>(image: &ImageBuffer<LumaA<T>, Vec<T>>) -> ImageBuffer<Rgba<T>, Vec<T>>
where
    LumaA<T>: Pixel<Subpixel = T>,
    Rgba<T>: Pixel<Subpixel = T>,
{
    ImageBuffer::from_fn(image.width(), image.height(), |x, y| {
        let [level, alpha] = image.get_pixel(x, y).0;
        Rgba([level, level, level, alpha])
    })
}

/// Converts pixels by a profile. Returns `None` if the profile is sRGB up to rounding, where conversion would only
/// round the pixels.
fn convert(decoded: &Decoded, profile: &[u8], deadline: Deadline) -> Result<Option<DynamicImage>, Failure> {
    let profile = of_luminance(ColorProfile::new_from_slice(profile)?)?;
    match decoded {
        Decoded::Cmyk { width, height, inks } => {
            if profile.color_space != DataColorSpace::Cmyk {
                return Err(Failure::OtherColours);
            }
            // moxcms expects four inks in the layout of RGBA.
            let executor = eight(&profile, Layout::Rgba, Layout::Rgb)?;
            let rgb = run(&*executor, inks, [4, 3], deadline)?;
            Ok(Some(DynamicImage::ImageRgb8(ImageBuffer::from_raw(*width, *height, rgb).unwrap_or_default())))
        }
        Decoded::Image(_) if profile.color_space == DataColorSpace::Cmyk => Err(Failure::OtherColours),
        Decoded::Image(image) if profile.color_space == DataColorSpace::Rgb => {
            if is_srgb(&profile)? {
                return Ok(None);
            }
            // Grey pixels with an RGB profile are its greys.
            let grey = (!image.color().has_color()).then(|| expanded(image.clone()));
            convert_image(grey.as_ref().unwrap_or(image), &profile, deadline).map(Some)
        }
        Decoded::Image(image) => convert_image(image, &profile, deadline).map(Some),
    }
}

/// Converts grey or RGB, with or without alpha, and keeps the depth.
fn convert_image(
    image: &DynamicImage,
    profile: &ColorProfile,
    deadline: Deadline,
) -> Result<DynamicImage, Failure> {
    let (width, height, has_alpha) = (image.width(), image.height(), image.color().has_alpha());
    let (from, to) = layouts(image);
    profile.color_space.check_layout(from).map_err(|_| Failure::OtherColours)?;
    let channels = [usize::from(image.color().channel_count()), if has_alpha { 4 } else { 3 }];
    let wide = match image {
        DynamicImage::ImageLuma16(image) => image.as_raw(),
        DynamicImage::ImageLumaA16(image) => image.as_raw(),
        DynamicImage::ImageRgb16(image) => image.as_raw(),
        DynamicImage::ImageRgba16(image) => image.as_raw(),
        other => {
            let rgb = run(&*eight(profile, from, to)?, other.as_bytes(), channels, deadline)?;
            return Ok(if has_alpha {
                DynamicImage::ImageRgba8(ImageBuffer::from_raw(width, height, rgb).unwrap_or_default())
            } else {
                DynamicImage::ImageRgb8(ImageBuffer::from_raw(width, height, rgb).unwrap_or_default())
            });
        }
    };
    let rgb = run(&*sixteen(profile, from, to)?, wide, channels, deadline)?;
    Ok(if has_alpha {
        DynamicImage::ImageRgba16(ImageBuffer::from_raw(width, height, rgb).unwrap_or_default())
    } else {
        DynamicImage::ImageRgb16(ImageBuffer::from_raw(width, height, rgb).unwrap_or_default())
    })
}

/// Layouts of the pixels before and after conversion.
fn layouts(image: &DynamicImage) -> (Layout, Layout) {
    match (image.color().has_color(), image.color().has_alpha()) {
        (true, true) => (Layout::Rgba, Layout::Rgba),
        (true, false) => (Layout::Rgb, Layout::Rgb),
        (false, true) => (Layout::GrayAlpha, Layout::Rgba),
        (false, false) => (Layout::Gray, Layout::Rgb),
    }
}

/// Options equal to the defaults of lcms2: the profile's own curves, tetrahedral interpolation, full precision.
fn options() -> TransformOptions {
    TransformOptions {
        allow_use_cicp_transfer: false,
        prefer_fixed_point: false,
        interpolation_method: InterpolationMethod::Tetrahedral,
        barycentric_weight_scale: BarycentricWeightScale::High,
        ..TransformOptions::default()
    }
}

fn eight(profile: &ColorProfile, from: Layout, to: Layout) -> Result<Arc<Transform8BitExecutor>, CmsError> {
    profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, options())
}

fn sixteen(
    profile: &ColorProfile,
    from: Layout,
    to: Layout,
) -> Result<Arc<Transform16BitExecutor>, CmsError> {
    profile.create_transform_16bit(from, &ColorProfile::new_srgb(), to, options())
}

/// Returns true if a profile maps colours as sRGB does, within [`TOLERANCE`].
fn is_srgb(profile: &ColorProfile) -> Result<bool, CmsError> {
    let colours = TESTED_LEVELS
        .iter()
        .flat_map(|&r| TESTED_LEVELS.iter().flat_map(move |&g| TESTED_LEVELS.map(|b| [r, g, b])));
    let tested: Vec<u8> = colours.flatten().collect();
    let mut converted = vec![0; tested.len()];
    eight(profile, Layout::Rgb, Layout::Rgb)?.transform(&tested, &mut converted)?;
    Ok(tested.iter().zip(&converted).all(|(a, b)| a.abs_diff(*b) <= TOLERANCE))
}

/// Transforms samples with `from` channels per pixel to samples with `to` channels.
fn run<T: Copy + Default>(
    executor: &(dyn TransformExecutor<T> + Send + Sync),
    samples: &[T],
    [from, to]: [usize; 2],
    deadline: Deadline,
) -> Result<Vec<T>, Failure> {
    let mut converted = vec![T::default(); samples.len() / from * to];
    for (samples, converted) in samples.chunks(CHUNK * from).zip(converted.chunks_mut(CHUNK * to)) {
        deadline.check().map_err(Failure::Time)?;
        executor.transform(samples, converted)?;
    }
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    fn never() -> Deadline {
        Deadline::starting_now(f64::INFINITY)
    }

    fn gradient() -> RgbImage {
        RgbImage::from_fn(64, 64, |x, y| Rgb([(4 * x) as u8, (4 * y) as u8, (2 * (x + y)) as u8]))
    }

    fn converted(image: impl Into<DynamicImage>, profile: Option<Vec<u8>>) -> Converted {
        to_srgb(Decoded::Image(image.into()), profile, never()).unwrap()
    }

    #[test]
    fn srgb_pixels_stay_and_others_do_not() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let same = converted(gradient(), Some(srgb.clone()));
        assert_eq!((same.image.into_rgb8(), same.profile), (gradient(), Some(srgb)));
        let other = converted(gradient(), ColorProfile::new_display_p3().encode().ok());
        assert!(other.note.is_none() && other.profile == srgb_profile());
        assert_ne!(other.image.into_rgb8(), gradient());
    }

    #[test]
    fn both_depths_agree() {
        let profile = || ColorProfile::new_adobe_rgb().encode().ok();
        let eight = converted(gradient(), profile()).image.into_rgb8();
        let deep = DynamicImage::ImageRgb8(gradient()).into_rgb16();
        let sixteen = converted(deep, profile()).image.into_rgb16();
        let far = eight
            .iter()
            .zip(sixteen.iter())
            .any(|(a, b)| (f32::from(*a) - f32::from(*b) / 257.0).abs() > 1.0);
        assert!(!far);
    }

    #[test]
    fn unusable_profiles_are_ignored_with_a_note() {
        let mut broken = ColorProfile::new_display_p3().encode().unwrap();
        broken.truncate(150);
        for profile in [b"no profile".to_vec(), Vec::new(), broken] {
            let kept = converted(gradient(), Some(profile));
            assert_eq!((kept.image.into_rgb8(), kept.profile), (gradient(), None));
            assert!(kept.note.unwrap().contains("colour profile"));
        }
        let grey = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
        assert!(converted(gradient(), Some(grey)).note.is_some(), "a grey profile for RGB");
    }

    #[test]
    fn inks_without_a_profile_are_multiplied() {
        let inks = vec![0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255, 128, 0, 255, 64];
        let image = to_srgb(Decoded::Cmyk { width: 4, height: 1, inks }, None, never()).unwrap().image;
        let expected = [255, 255, 255, 0, 255, 255, 0, 0, 0, 95, 191, 0];
        assert_eq!(image.into_rgb8().into_raw(), expected);
    }
}
