//! Which values of images are above 0, a bit each: all that the gradient of a ReLU needs.

use crate::raw::Shared;

/// Channels in a word.
pub(crate) const BITS: usize = 16;

/// `[pixels, ceil(channels / 16)]` words: bit `i` of word `j` is channel `16 j + i`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signs {
    channels: usize,
    words: Vec<u16>,
}

/// The same while threads write it, each its own words.
#[derive(Clone, Copy)]
pub(crate) struct SharedSigns<'a> {
    channels: usize,
    words: Shared<'a, u16>,
}

impl Signs {
    /// Nothing is above 0.
    pub fn new(pixels: usize, channels: usize) -> Self {
        Self { channels, words: vec![0; pixels * channels.div_ceil(BITS)] }
    }

    pub fn share(&mut self) -> SharedSigns<'_> {
        SharedSigns { channels: self.channels, words: Shared::new(&mut self.words) }
    }

    /// The word of a pixel that channel `channel` is the first of.
    pub fn word(&self, pixel: usize, channel: usize) -> u16 {
        self.words(pixel, channel)[0]
    }

    /// The words of a pixel from the one on that channel `channel` is the first of.
    pub fn words(&self, pixel: usize, channel: usize) -> &[u16] {
        let words = self.channels.div_ceil(BITS);
        &self.words[pixel * words + channel / BITS..(pixel + 1) * words]
    }

    /// Sets the values of a pixel, `[channels]`, to 0 whose bits are not set.
    pub fn keep(&self, pixel: usize, values: &mut [f32]) {
        let words = self.words(pixel, 0);
        for (i, value) in values.iter_mut().enumerate() {
            *value = if words[i / BITS] >> (i % BITS) & 1 == 1 { *value } else { 0.0 };
        }
    }
}

impl SharedSigns<'_> {
    /// Where the word of a pixel lies that channel `channel` is the first of, and the pixel's next words.
    pub fn at(self, pixel: usize, channel: usize) -> *mut u16 {
        let words = self.channels.div_ceil(BITS);
        self.words.at(pixel * words + channel / BITS, words - channel / BITS)
    }

    /// Keeps a word.
    ///
    /// # Safety
    ///
    /// Nobody else accesses it meanwhile.
    pub unsafe fn set(self, pixel: usize, channel: usize, word: u16) {
        // SAFETY: there is such a word; the caller's.
        unsafe { self.at(pixel, channel).write(word) };
    }
}

/// Which of up to 16 values are above 0.
#[cfg(test)]
pub(crate) fn signs_of(values: &[f32]) -> u16 {
    let mut all = [0.0; BITS];
    match values.first_chunk() {
        Some(values) => all = *values,
        None => all[..values.len()].copy_from_slice(values),
    }
    let mut bits = [0; BITS];
    for (i, (bit, x)) in bits.iter_mut().zip(all).enumerate() {
        *bit = if x > 0.0 { 1u32 << i } else { 0 };
    }
    bits.into_iter().fold(0, |word, bit| word | bit) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_above_zero_is_kept() {
        for channels in [1, 15, 16, 17, 40] {
            let values: Vec<f32> = (0..channels).map(|i| [1.5, -2.0, 0.0, f32::NAN, 0.25][i % 5]).collect();
            let mut signs = Signs::new(3, channels);
            for (j, values) in values.chunks(BITS).enumerate() {
                // SAFETY: nobody else has the words.
                unsafe { signs.share().set(1, j * BITS, signs_of(values)) };
            }
            let mut out = vec![7.0; channels];
            signs.keep(1, &mut out);
            let expected: Vec<f32> = values.iter().map(|&x| if x > 0.0 { 7.0 } else { 0.0 }).collect();
            assert_eq!(out, expected);
            signs.keep(0, &mut out);
            assert_eq!(out, vec![0.0; channels]);
        }
    }
}
