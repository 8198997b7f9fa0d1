//! Edge enhancement.

use image::{RgbImage, imageops};
use imageproc::{filter::filter_clamped, kernel::Kernel};

/// Enhances edges by nine times the pixel minus its eight neighbours (Pillow's `EDGE_ENHANCE_MORE`, the default of AugLy's
/// `apply_pil_filter`). Border pixels stay unchanged.
pub(super) fn edges(image: &RgbImage) -> RgbImage {
    const KERNEL: [i32; 9] = [-1, -1, -1, -1, 9, -1, -1, -1, -1];
    let (width, height) = image.dimensions();
    let mut edited = image.clone();
    if width > 2 && height > 2 {
        let sharp: RgbImage = filter_clamped(image, Kernel::new(&KERNEL, 3, 3));
        let inner = imageops::crop_imm(&sharp, 1, 1, width - 2, height - 2);
        imageops::replace(&mut edited, &*inner, 1, 1);
    }
    edited
}
