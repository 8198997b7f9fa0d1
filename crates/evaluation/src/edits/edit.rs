//! The edits, with their parameters and sources.

/// One edit of an image.
///
/// On at least 99 % of the pixels the result is within one 8-bit level of torchvision (on uint8 tensors), Pillow or
/// AugLy 1.0; each variant names its source. Random edits agree for the same draw; letters are of another font. Every
/// edit accepts every image of at least 1x1 and returns at least 1x1.
///
/// The text form is `name` or `name=parameter`:
///
/// ```
/// use active_index_evaluation::Edit;
///
/// let edit: Edit = "crop=0.5".parse()?;
/// let photo = image::RgbImage::from_pixel(40, 20, image::Rgb([90, 60, 30]));
/// assert_eq!(edit.apply(&photo, 0)?.dimensions(), (28, 14));
/// assert_eq!(edit.to_string(), "crop=0.5");
/// # Ok::<(), active_index_evaluation::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Edit {
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
    /// Keeps a part at a random place, uniformly drawn: both sides scaled by the square root of `area` (torchvision's
    /// `RandomCrop` of that size).
    OffCentreCrop {
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
    /// Encodes as baseline JPEG (standard tables, 4:2:0) and decodes: bit for bit the pixels of Pillow.
    Jpeg {
        /// Quality on libjpeg's scale, 1 to 100.
        quality: u8,
    },
    /// Rotates the hue (torchvision's `adjust_hue`).
    Hue {
        /// Share of the colour circle, in [-0.5, 0.5].
        shift: f32,
    },
    /// Scales the difference of each pixel to the image's mean grey (torchvision's `adjust_contrast`).
    Contrast {
        /// Factor of at least 0; 1 changes nothing.
        factor: f32,
    },
    /// Scales pixel values (torchvision's `adjust_brightness`).
    Brightness {
        /// Factor of at least 0; 1 changes nothing.
        factor: f32,
    },
    /// Scales the difference of each pixel to its own grey (torchvision's `adjust_saturation`).
    Saturation {
        /// Factor of at least 0; 1 changes nothing.
        factor: f32,
    },
    /// Makes all three channels grey (torchvision's `rgb_to_grayscale`).
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
    /// Stretches to another aspect ratio and keeps the area; bicubic (AugLy's `change_aspect_ratio`).
    AspectRatio {
        /// Width over height of the result, in [0.1, 10].
        ratio: f32,
    },
    /// Pads the shorter side with black on both ends until the image is square (Pillow's `ImageOps.pad`; AugLy's
    /// `pad_square` where both sides are odd or both even).
    PadSquare,
    /// Adds black bars above and below (Pillow's `ImageOps.expand`).
    Letterbox {
        /// Height of each bar over that of the image, in [0, 1].
        bar: f32,
    },
    /// Changes the perspective at random: each corner moves by a normal deviate of `sigma`, at most 2.5 `sigma`; bicubic,
    /// black outside (AugLy's `perspective_transform`, whose default of 50 pixels is 0.06 of the sides of a photograph of
    /// 1024x768).
    Perspective {
        /// Standard deviation as a share of the sides, in [0, 0.1].
        sigma: f32,
    },
    /// Shrinks and enlarges again; bicubic, which smooths the blocks (AugLy's `pixelization`).
    Pixelize {
        /// Sides of the small image over those of the image, in (0, 1].
        ratio: f32,
    },
    /// Permutes a random part of the pixels (AugLy's `shuffle_pixels`).
    ShufflePixels {
        /// Share of the pixels, in [0, 1].
        fraction: f32,
    },
    /// Strengthens edges (Pillow's `EDGE_ENHANCE_MORE`, the default of AugLy's `apply_pil_filter`).
    Edges,
    /// Reduces to the 216 colours of the web palette, dithered (Pillow's conversion to mode P, in AugLy `convert_color`).
    Palette,
    /// Draws a line of random letters and digits in a vivid colour at a random place (in the manner of AugLy's
    /// `overlay_text`).
    Text,
    /// Draws a random emoji of 15 to 50 % of the shorter side at a random place (AugLy's `overlay_emoji`, with Twemoji's
    /// art).
    Emoji,
    /// Adds a white banner above the image, 0.3 of its height, with a black centred caption (AugLy's `meme_format`).
    ///
    /// AugLy's default is a banner of 250 pixels for every image, a quarter to a third of the height of the photographs of
    /// DISC21.
    Meme,
    /// Shows the image as a post on a phone's screen of 828x1472 pixels, our own drawing (AugLy's
    /// `overlay_onto_screenshot`).
    Screenshot,
    /// Applies a random composition of 1 to 4 edits, see [`Edit::composition`].
    Auto,
}

impl Edit {
    /// Returns the 14 edits of the paper's result table, in its order.
    ///
    /// ```
    /// let names: Vec<String> = active_index_evaluation::Edit::paper().iter().map(|edit| edit.to_string()).collect();
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

    /// Returns edits that move, turn or cover most of an image, and that searches lose first.
    ///
    /// ```
    /// let names: Vec<String> = active_index_evaluation::Edit::hard().iter().map(|edit| edit.to_string()).collect();
    /// assert_eq!(names[..2], ["rotation=5", "rotation=15"]);
    /// assert_eq!(names.len(), 15);
    /// ```
    pub fn hard() -> Vec<Self> {
        let mut edits: Vec<Self> =
            [5.0, 15.0, 25.0, 45.0, 90.0, 180.0, 270.0].map(|degrees| Self::Rotation { degrees }).into();
        edits.extend([
            Self::CentreCrop { area: 0.5 },
            Self::CentreCrop { area: 0.25 },
            Self::OffCentreCrop { area: 0.4 },
            Self::Letterbox { bar: 0.3 },
            Self::FlipHorizontal,
            Self::Meme,
            Self::Screenshot,
            Self::Auto,
        ]);
        edits
    }

    /// Returns the paper's sweep of all parameters over their ranges, then meme, screenshot and auto.
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
