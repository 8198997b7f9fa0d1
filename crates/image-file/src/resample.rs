//! Antialiased bilinear resampling of pixels, as in Pillow and in torchvision on tensors.
//!
//! The weights are those of the differentiable resize of `extractor`, a product with a matrix on either side. Here zero
//! weights are skipped and 8 or 16-bit samples are read directly, so a photograph of 12 megapixels takes a tenth of the
//! time and no more memory than a row.

use image::{Rgb, RgbImage};
use triangle_filter::Taps;

use crate::Pixels;

impl Pixels {
    /// Resamples the pixels to another size, in one plane per channel.
    ///
    /// # Shapes
    /// -> `[3, height, width]` in [0, 1]
    ///
    /// # Panics
    /// If a side is empty.
    ///
    /// ```
    /// let grey = active_index_image_file::Pixels::Eight(image::RgbImage::from_pixel(40, 30, image::Rgb([51; 3])));
    /// let small = grey.resampled(7, 5);
    /// assert_eq!(small.len(), 3 * 5 * 7);
    /// assert!(small.iter().all(|value| (value - 0.2).abs() < 1e-6));
    /// ```
    pub fn resampled(&self, width: usize, height: usize) -> Vec<f32> {
        let (from_width, from_height) = self.dimensions();
        let size = Sizes { from: [from_height, from_width].map(|side| side as usize), to: [height, width] };
        match self {
            Self::Eight(image) => resampled(image.as_raw(), 255.0, size),
            Self::Sixteen(image) => resampled(image.as_raw(), 65535.0, size),
        }
    }
}

impl Pixels {
    /// Converts to 8 bits, and reduces the image to at most `longest` pixels a side with the filter of
    /// [`Self::resampled`]. Smaller images keep their size.
    ///
    /// # Panics
    /// If a side or `longest` is 0.
    ///
    /// ```
    /// let tall = active_index_image_file::Pixels::Eight(image::RgbImage::from_pixel(30, 90, image::Rgb([51; 3])));
    /// let small = tall.into_reduced(45);
    /// assert_eq!((small.dimensions(), small.get_pixel(3, 4)), ((15, 45), &image::Rgb([51; 3])));
    /// ```
    pub fn into_reduced(self, longest: u32) -> RgbImage {
        let (width, height) = self.dimensions();
        let side = width.max(height);
        if side <= longest {
            return self.into_rgb8();
        }
        let reduced = |length: u32| {
            let rounded = (u64::from(length) * u64::from(longest) + u64::from(side) / 2) / u64::from(side);
            rounded.clamp(1, u64::from(longest)) as u32
        };
        let (width, height) = (reduced(width), reduced(height));
        let planes = self.resampled(width as usize, height as usize);
        let size = width as usize * height as usize;
        let level = |value: f32| (255.0 * value + 0.5) as u8;
        RgbImage::from_fn(width, height, |x, y| {
            let place = y as usize * width as usize + x as usize;
            Rgb([0, 1, 2].map(|channel| level(planes[channel * size + place])))
        })
    }
}

/// Height and width before and after resampling.
#[derive(Clone, Copy)]
struct Sizes {
    from: [usize; 2],
    to: [usize; 2],
}

fn resampled<T: Copy + Into<f32>>(samples: &[T], top: f32, Sizes { from, to }: Sizes) -> Vec<f32> {
    let [rows, columns] = [taps(from[0], to[0]), taps(from[1], to[1])];
    let mut planes = vec![0.0; 3 * to[0] * to[1]];
    let mut sum = vec![0.0; 3 * from[1]];
    for (y, row) in rows.iter().enumerate() {
        sum.fill(0.0);
        for (weight, j) in row.weights.iter().zip(row.range()) {
            let samples = &samples[j * sum.len()..][..sum.len()];
            sum.iter_mut().zip(samples).for_each(|(sum, &sample)| *sum += weight * sample.into());
        }
        for (x, column) in columns.iter().enumerate() {
            let pixels = sum.as_chunks::<3>().0[column.range()].iter().zip(&column.weights);
            let mean =
                pixels.fold([0.0; 3], |mean, (pixel, weight)| [0, 1, 2].map(|c| mean[c] + weight * pixel[c]));
            [0, 1, 2].into_iter().for_each(|c| planes[(c * to[0] + y) * to[1] + x] = mean[c] / top);
        }
    }
    planes
}

/// Taps of every output pixel. Equal sizes have one tap each, without the zeros of the filter.
fn taps(from: usize, to: usize) -> Vec<Taps> {
    if from == to && from > 0 {
        (0..to).map(|first| Taps { first, weights: vec![1.0] }).collect()
    } else {
        triangle_filter::taps(from, to).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::ImageBuffer;

    #[test]
    fn weights_sum_to_one_at_any_reduction() {
        for (from, to) in [(1, 288), (7, 5), (288, 288), (1000, 288), (65536, 1)] {
            for taps in taps(from, to) {
                assert!((taps.weights.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{from} -> {to}");
                assert!(taps.range().end <= from);
            }
        }
    }

    #[test]
    fn a_reduced_image_has_its_longest_side_and_the_resampled_levels() {
        let image = RgbImage::from_fn(300, 7, |x, y| Rgb([(x % 256) as u8, (y * 30) as u8, 9]));
        let planes = Pixels::Eight(image.clone()).resampled(100, 2);
        let reduced = Pixels::Eight(image.clone()).into_reduced(100);
        assert_eq!(reduced.dimensions(), (100, 2));
        for (place, pixel) in reduced.pixels().enumerate() {
            for (channel, level) in pixel.0.iter().enumerate() {
                assert!((planes[channel * 200 + place] - f32::from(*level) / 255.0).abs() < 0.51 / 255.0);
            }
        }
        assert_eq!(Pixels::Eight(image.clone()).into_reduced(300), image);
        assert_eq!(Pixels::Eight(image).into_reduced(1).dimensions(), (1, 1));
    }

    #[test]
    fn depths_agree_and_an_equal_size_changes_nothing() {
        let eight = RgbImage::from_fn(31, 17, |x, y| Rgb([(x * 8) as u8, (y * 15) as u8, (x * y) as u8]));
        let deep: crate::Rgb16Image =
            ImageBuffer::from_fn(31, 17, |x, y| Rgb(eight.get_pixel(x, y).0.map(|v| u16::from(v) * 257)));
        let red: Vec<f32> = eight.pixels().map(|pixel| f32::from(pixel[0]) / 255.0).collect();
        let (eight, deep) = (Pixels::Eight(eight), Pixels::Sixteen(deep));
        for (a, b) in eight.resampled(9, 50).iter().zip(deep.resampled(9, 50)) {
            assert!((a - b).abs() < 1e-6);
        }
        assert_eq!(eight.resampled(31, 17)[..31 * 17], red);
    }
}
