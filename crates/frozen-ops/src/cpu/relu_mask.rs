//! ReLU masks: one bit for each value of an image that is above 0, all that the gradient of a ReLU needs.

use std::ops::Range;

use simd::{LANES, Lanes, LanesWork};

use crate::threads::{SharedSlice, Team};

/// Number of channels of a word, a group of lanes.
pub(crate) const WORD_BITS: usize = LANES;

/// Number of values that a task masks.
const CHUNK: usize = 1 << 14;

/// Mask of images, `[pixels, ceil(channels / 16)]` words: bit `i` of word `j` is channel `16 j + i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReluMask {
    channels: usize,
    words: Vec<u16>,
}

/// Mask that threads write, each its own words.
#[derive(Clone, Copy)]
pub(crate) struct SharedReluMask<'a> {
    channels: usize,
    words: SharedSlice<'a, u16>,
}

impl ReluMask {
    /// Returns a mask without set bits.
    pub fn new(pixels: usize, channels: usize) -> Self {
        Self { channels, words: vec![0; pixels * channels.div_ceil(WORD_BITS)] }
    }

    /// Shares the mask for writing.
    pub fn share(&mut self) -> SharedReluMask<'_> {
        SharedReluMask { channels: self.channels, words: SharedSlice::new(&mut self.words) }
    }

    /// Word of a pixel that begins with channel `channel`, a multiple of 16.
    pub fn word(&self, pixel: usize, channel: usize) -> u16 {
        self.words(pixel, channel)[0]
    }

    /// Words of a pixel from the one that begins with channel `channel` on.
    pub fn words(&self, pixel: usize, channel: usize) -> &[u16] {
        let words = self.channels.div_ceil(WORD_BITS);
        &self.words[pixel * words + channel / WORD_BITS..(pixel + 1) * words]
    }

    /// Clears the values of a pixel, `[channels]`, whose bits are not set.
    pub fn apply_to_pixel(&self, pixel: usize, values: &mut [f32]) {
        let words = self.words(pixel, 0);
        for (i, value) in values.iter_mut().enumerate() {
            *value = if words[i / WORD_BITS] >> (i % WORD_BITS) & 1 == 1 { *value } else { 0.0 };
        }
    }
}

impl SharedReluMask<'_> {
    /// Pointer to the word of a pixel that begins with channel `channel`, and to the pixel's next words.
    pub fn at(self, pixel: usize, channel: usize) -> *mut u16 {
        let words = self.channels.div_ceil(WORD_BITS);
        self.words.at(pixel * words + channel / WORD_BITS, words - channel / WORD_BITS)
    }

    /// Writes the word of a pixel that begins with channel `channel`.
    ///
    /// # Safety
    /// No other thread accesses the word meanwhile.
    pub unsafe fn set(self, pixel: usize, channel: usize, word: u16) {
        // SAFETY: `at` checks that the word exists; the caller's.
        unsafe { self.at(pixel, channel).write(word) };
    }
}

/// Clears the values of images, `[pixels, channels]`, whose bits are not set.
pub(crate) fn apply_mask(team: Team<'_>, mask: &ReluMask, channels: usize, values: &mut [f32]) {
    let (rows, pixels) = ((CHUNK / channels).max(1), values.len() / channels);
    let values = SharedSlice::new(values);
    team.for_each(pixels.div_ceil(rows), |chunk| {
        let range = chunk * rows..((chunk + 1) * rows).min(pixels);
        team.level.with_lanes(MaskPixels { mask, channels, pixels: range, values });
    });
}

/// Range of pixels of [`apply_mask`].
struct MaskPixels<'a> {
    mask: &'a ReluMask,
    channels: usize,
    pixels: Range<usize>,
    values: SharedSlice<'a>,
}

impl LanesWork for MaskPixels<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        for pixel in self.pixels {
            for start in (0..self.channels).step_by(LANES) {
                let width = (self.channels - start).min(LANES);
                let place = self.values.at(pixel * self.channels + start, width);
                // SAFETY: `at` checks that the values exist, and these pixels are this thread's.
                unsafe { L::load(place, width).masked(self.mask.word(pixel, start)).store(place, width) };
            }
        }
    }
}

/// Mask of up to 16 values.
#[cfg(test)]
pub(crate) fn mask_of(values: &[f32]) -> u16 {
    values.iter().enumerate().map(|(i, &x)| u16::from(x > 0.0) << i).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_were_above_zero_are_kept() {
        for channels in [1, 15, 16, 17, 40] {
            let values: Vec<f32> = (0..channels).map(|i| [1.5, -2.0, 0.0, f32::NAN, 0.25][i % 5]).collect();
            let mut mask = ReluMask::new(3, channels);
            for (j, values) in values.chunks(WORD_BITS).enumerate() {
                // SAFETY: no other thread has the words.
                unsafe { mask.share().set(1, j * WORD_BITS, mask_of(values)) };
            }
            let mut out = vec![7.0; channels];
            mask.apply_to_pixel(1, &mut out);
            let expected: Vec<f32> = values.iter().map(|&x| if x > 0.0 { 7.0 } else { 0.0 }).collect();
            assert_eq!(out, expected);
            mask.apply_to_pixel(0, &mut out);
            assert_eq!(out, vec![0.0; channels]);
        }
    }
}
