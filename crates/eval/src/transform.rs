//! The edits of the evaluation.

mod blur;
mod canvas;
mod colour;
mod compose;
mod emoji;
mod geometry;
mod jpeg;
mod meme;
mod palette;
#[cfg(test)]
mod parity;
mod pixels;
mod resample;
mod sampling;
mod screenshot;
mod sharpen;
mod spelling;
mod text;
mod warp;

use image::RgbImage;

use crate::error::{Error, Result};

pub use canvas::MAX_PIXELS;

/// One edit of an image.
///
/// The result is within one 8-bit level of what torchvision (on uint8 tensors), Pillow or AugLy 1.0 computes on at
/// least 99 % of the pixels; each variant names its source. Random edits agree for the same draw, and letters are
/// of another font. Every edit accepts every image of at least 1x1 and returns at least 1x1.
///
/// Written and read as `name` or `name=parameter`:
///
/// ```
/// use eval::Transform;
///
/// let edit: Transform = "crop=0.5".parse()?;
/// let photo = image::RgbImage::from_pixel(40, 20, image::Rgb([90, 60, 30]));
/// assert_eq!(edit.apply(&photo, 0)?.dimensions(), (28, 14));
/// assert_eq!(edit.to_string(), "crop=0.5");
/// # Ok::<(), eval::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Transform {
    /// No edit.
    Identity,
    /// Rotates on a canvas that grows to hold the result; bilinear, black corners (torchvision's `rotate` of a Pillow
    /// image).
    Rotation {
        /// Degrees counter-clockwise, any finite number.
        degrees: f32,
    },
    /// Keeps the middle: both sides scaled by the square root of `area` (torchvision's `center_crop`).
    CentreCrop {
        /// Share of the area kept, in (0, 1].
        area: f32,
    },
    /// Resamples with antialiased bilinear filtering: both sides scaled by the square root of `area` (torchvision's
    /// `resize`).
    Resize {
        /// Area of the result over that of the image, in (0, 16].
        area: f32,
    },
    /// Gaussian blur with sigma = 0.3 ((kernel - 1) / 2 - 1) + 0.8 pixels and mirrored borders (torchvision's
    /// `gaussian_blur`).
    Blur {
        /// Width of the kernel in pixels, odd, 1 to 255.
        kernel: u32,
    },
    /// What a baseline JPEG (standard tables, 4:2:0) leaves, as Pillow writes and reads it: the same pixels.
    Jpeg {
        /// Quality on libjpeg's scale, 1 to 100.
        quality: u8,
    },
    /// Turns the hue (torchvision's `adjust_hue`).
    Hue {
        /// Turns of the colour circle, in [-0.5, 0.5].
        shift: f32,
    },
    /// Moves pixels away from (or towards) the image's mean grey (torchvision's `adjust_contrast`).
    Contrast {
        /// 1 changes nothing; at least 0.
        factor: f32,
    },
    /// Scales pixel values (torchvision's `adjust_brightness`).
    Brightness {
        /// 1 changes nothing; at least 0.
        factor: f32,
    },
    /// Moves pixels away from (or towards) their own grey (torchvision's `adjust_saturation`).
    Saturation {
        /// 1 changes nothing; at least 0.
        factor: f32,
    },
    /// Grey in all three channels (torchvision's `rgb_to_grayscale`).
    Greyscale,
    /// Blends with white, as a translucent image on a white page (AugLy's `opacity`).
    Opacity {
        /// Weight of the image, in [0, 1].
        level: f32,
    },
    /// Mirrors left and right.
    FlipHorizontal,
    /// Mirrors top and bottom.
    FlipVertical,
    /// Stretches to another aspect ratio, keeping the area; bicubic (AugLy's `change_aspect_ratio`).
    AspectRatio {
        /// Width over height of the result, in [0.1, 10].
        ratio: f32,
    },
    /// Pads the shorter side with black on both ends until the image is square (Pillow's `ImageOps.pad`; AugLy's
    /// `pad_square` where both sides are odd or both even).
    PadSquare,
    /// Looks at the image from a random side: each corner moves by a normal deviate of `sigma`, 2.5 `sigma` at most;
    /// bicubic, black outside (AugLy's `perspective_transform`, whose default of 50 pixels is 0.06 of the sides of
    /// a photograph of 1024x768).
    Perspective {
        /// Standard deviation in shares of the sides, in [0, 0.1].
        sigma: f32,
    },
    /// Shrinks and enlarges again; bicubic, so that blocks come out smooth (AugLy's `pixelization`).
    Pixelize {
        /// Small sides over the image's, in (0, 1].
        ratio: f32,
    },
    /// Permutes a random part of the pixels (AugLy's `shuffle_pixels`).
    ShufflePixels {
        /// Share of the pixels, in [0, 1].
        fraction: f32,
    },
    /// Strengthens edges (Pillow's `EDGE_ENHANCE_MORE`, the default of AugLy's `apply_pil_filter`).
    Edges,
    /// The 216 colours of the web palette, dithered (Pillow's conversion to mode P, in AugLy `convert_color`).
    Palette,
    /// A line of random letters and digits in a vivid colour somewhere on the image (in the manner of AugLy's `overlay_text`).
    Text,
    /// A random emoji over 15 to 50 % of the shorter side, somewhere (AugLy's `overlay_emoji`, with Twemoji's art).
    Emoji,
    /// A white banner above the image, 0.3 of its height, with a black centred caption (AugLy's `meme_format`).
    ///
    /// AugLy's default is a banner of 250 pixels whatever the image; on the photographs of DISC21 that is a
    /// quarter to a third of the height.
    Meme,
    /// The image as a post on a phone's screen of 828x1472 pixels, our own drawing (AugLy's
    /// `overlay_onto_screenshot`).
    Screenshot,
    /// A random composition of 1 to 4 edits; [`Transform::composition`] tells which.
    Auto,
}

impl Transform {
    /// The edited image.
    ///
    /// `seed` is used by the random edits only. They draw from it without looking at the pixels: a
    /// photograph and its released version get the same edit from the same seed.
    ///
    /// # Errors
    /// Parameters out of range, an empty image, or a result that cannot be held or encoded.
    ///
    /// ```
    /// use eval::Transform;
    ///
    /// let photo = image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([x as u8 * 8, y as u8 * 8, 0]));
    /// assert_eq!(Transform::Auto.apply(&photo, 7)?, Transform::Auto.apply(&photo, 7)?);
    /// # Ok::<(), eval::Error>(())
    /// ```
    pub fn apply(&self, image: &RgbImage, seed: u64) -> Result<RgbImage> {
        self.validate()?;
        let (width, height) = image.dimensions();
        if width == 0 || height == 0 {
            return Err(Error::EmptyImage { width, height });
        }
        self.edit(image, seed)
    }

    fn edit(&self, image: &RgbImage, seed: u64) -> Result<RgbImage> {
        match *self {
            Self::Identity => Ok(image.clone()),
            Self::Rotation { degrees } => warp::rotate(image, degrees),
            Self::CentreCrop { area } => Ok(geometry::centre_crop(image, area)),
            Self::Resize { area } => geometry::resize(image, area),
            Self::Blur { kernel } => Ok(blur::gaussian(image, kernel)),
            Self::Jpeg { quality } => jpeg::jpeg(image, quality),
            Self::Hue { shift } => Ok(colour::hue(image, shift)),
            Self::Contrast { factor } => Ok(colour::contrast(image, factor)),
            Self::Brightness { factor } => Ok(colour::brightness(image, factor)),
            Self::Saturation { factor } => Ok(colour::saturation(image, factor)),
            Self::Greyscale => Ok(colour::greyscale(image)),
            Self::Opacity { level } => Ok(colour::opacity(image, level)),
            Self::FlipHorizontal => Ok(image::imageops::flip_horizontal(image)),
            Self::FlipVertical => Ok(image::imageops::flip_vertical(image)),
            Self::AspectRatio { ratio } => geometry::aspect_ratio(image, ratio),
            Self::PadSquare => geometry::pad_square(image),
            Self::Perspective { sigma } => warp::perspective(image, sigma, seed),
            Self::Pixelize { ratio } => pixels::pixelize(image, ratio),
            Self::ShufflePixels { fraction } => Ok(pixels::shuffle(image, fraction, seed)),
            Self::Edges => Ok(sharpen::edges(image)),
            Self::Palette => Ok(palette::web(image)),
            Self::Text => Ok(text::overlay(image, seed)),
            Self::Emoji => emoji::overlay(image, seed),
            Self::Meme => meme::caption(image),
            Self::Screenshot => screenshot::post(image),
            Self::Auto => compose::auto(image, seed),
        }
    }

    /// The edits that [`Transform::Auto`] makes for `seed`, in order.
    ///
    /// 1, 2, 3 or 4 edits with probability 0.1, 0.2, 0.3, 0.4; each takes one of four families, then one of
    /// its members, with equal chances (drawn again where it would come twice), and parameters uniform in
    /// these ranges. They are AugLy 1.0's own, where it has one for the edit; the others are marked.
    ///
    /// | family | edit | parameter | source |
    /// |---|---|---|---|
    /// | colour | brightness | 0..2 | `RandomBrightness` |
    /// | | contrast, saturation | 0..2 | as brightness: AugLy names no range |
    /// | | hue | -0.5..0.5 | all that torchvision takes |
    /// | | opacity | 0.2..1 | ours: `Opacity` names no range |
    /// | | greyscale, palette | | `Grayscale`, `ConvertColor` |
    /// | overlay | text, emoji, meme, screenshot | | `OverlayText` and so on, each as here by itself |
    /// | pixel | blur | 3..=29 | the paper's sweep; `RandomBlur` goes on to kernels of 65 |
    /// | | pixelize | 0.1..1 | `RandomPixelization` |
    /// | | shuffle | 0..0.5 | ours: the default of `ShufflePixels` leaves nothing in its place |
    /// | | jpeg | 10..=90 | around the default of `EncodingQuality`, 50 |
    /// | | edges | | `ApplyPILFilter` |
    /// | spatial | crop | 0.25..1 | from the default of `Crop` |
    /// | | rotation | -180..180 | `RandomRotation`, both ways |
    /// | | hflip, vflip, square | | `HFlip`, `VFlip`, `PadSquare` |
    /// | | aspect | 0.5..2 | `RandomAspectRatio` |
    /// | | resize | 0.1..1 | the paper's sweep; the default of `Scale` is 0.25 |
    /// | | perspective | 0.06 | the default of `PerspectiveTransform`, 50 pixels, on 1024x768 |
    ///
    /// Of 106 photographs with four seeds each, 16 % (standard error 2 %) stay in their cell of an index of 4096;
    /// the paper's figure, on its own photographs and index, is 13 %.
    ///
    /// ```
    /// let edits = eval::Transform::composition(3);
    /// assert!((1..=4).contains(&edits.len()));
    /// assert_eq!(edits, eval::Transform::composition(3));
    /// ```
    pub fn composition(seed: u64) -> Vec<Self> {
        compose::plan(seed).into_iter().map(|step| step.transform).collect()
    }

    /// The 14 edits of the paper's result table, in its order.
    ///
    /// ```
    /// let names: Vec<String> = eval::Transform::paper().iter().map(|edit| edit.to_string()).collect();
    /// assert_eq!(names[..3], ["none", "contrast=0.5", "contrast=2"]);
    /// assert_eq!(names.len(), 14);
    /// ```
    pub fn paper() -> Vec<Self> {
        vec![
            Self::Identity,
            Self::Contrast { factor: 0.5 },
            Self::Contrast { factor: 2.0 },
            Self::Brightness { factor: 0.5 },
            Self::Brightness { factor: 2.0 },
            Self::Hue { shift: 0.2 },
            Self::Blur { kernel: 11 },
            Self::Jpeg { quality: 50 },
            Self::Rotation { degrees: 25.0 },
            Self::Rotation { degrees: 90.0 },
            Self::CentreCrop { area: 0.5 },
            Self::Resize { area: 0.5 },
            Self::Meme,
            Self::Auto,
        ]
    }

    /// The paper's fuller sweep: its parameters over their ranges, then meme, screenshot and auto.
    pub fn full() -> Vec<Self> {
        let tenths = |range: std::ops::RangeInclusive<i16>| range.map(|tenth| f32::from(tenth) / 10.0);
        let mut edits = vec![Self::Identity];
        edits.extend((-9..=9).map(|ten: i16| Self::Rotation { degrees: f32::from(10 * ten) }));
        edits.extend(tenths(1..=10).map(|area| Self::CentreCrop { area }));
        edits.extend(tenths(1..=10).map(|area| Self::Resize { area }));
        edits.extend((1..=29).step_by(2).map(|kernel| Self::Blur { kernel }));
        edits.extend((1..=10).map(|ten| Self::Jpeg { quality: 10 * ten }));
        edits.extend(tenths(5..=19).map(|factor| Self::Contrast { factor }));
        edits.extend(tenths(5..=19).map(|factor| Self::Brightness { factor }));
        edits.extend(tenths(-5..=5).map(|shift| Self::Hue { shift }));
        edits.extend([Self::Meme, Self::Screenshot, Self::Auto]);
        edits
    }
}
