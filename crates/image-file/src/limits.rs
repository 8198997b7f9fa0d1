//! Limits on the size and the cost of one image.

use crate::{Error, Result};

/// Limits on decoding one image. A file that announces more is refused before memory is allocated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Largest number of pixels.
    pub max_pixels: u64,
    /// Longest side, in pixels.
    pub max_side: u32,
    /// Largest length of the file, in bytes.
    pub max_file_bytes: u64,
    /// Most memory for the decoder and the decoded pixels, in bytes; the file itself is not counted.
    pub max_memory: u64,
    /// Longest time for reading and decoding, in seconds.
    pub max_seconds: f64,
}

impl Default for Limits {
    /// 50 megapixels, sides of 65,536, files of 1 GiB, memory of 2 GiB, 60 seconds.
    fn default() -> Self {
        Self {
            max_pixels: 50_000_000,
            max_side: 1 << 16,
            max_file_bytes: 1 << 30,
            max_memory: 2 << 30,
            max_seconds: 60.0,
        }
    }
}

impl Limits {
    /// Checks an image whose decoding takes `bytes_per_pixel`.
    ///
    /// # Errors
    /// If it has no pixels or exceeds a limit.
    pub(crate) fn check(&self, width: u32, height: u32, bytes_per_pixel: u64) -> Result<()> {
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 {
            return Err(Error::NoPixels { width, height });
        }
        if width.max(height) > self.max_side {
            return Err(Error::TooLong { width, height, limit: self.max_side });
        }
        if pixels > self.max_pixels {
            return Err(Error::TooManyPixels { width, height, limit: self.max_pixels });
        }
        if pixels.saturating_mul(bytes_per_pixel) > self.max_memory {
            return Err(Error::TooMuchMemory { limit: self.max_memory });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_named_by_its_error() {
        let limits = Limits { max_pixels: 100, max_side: 50, max_memory: 300, ..Limits::default() };
        let reason = |w, h, bytes| limits.check(w, h, bytes).map_err(|e| e.to_string());
        assert_eq!(reason(10, 10, 3), Ok(()));
        assert!(reason(0, 10, 3).unwrap_err().contains("0 x 10"));
        assert!(reason(51, 1, 3).unwrap_err().contains("longer than the 50"));
        assert!(reason(11, 10, 1).unwrap_err().contains("more than the 100"));
        assert!(reason(10, 10, 4).unwrap_err().contains("300 bytes"));
        assert!(reason(u32::MAX, u32::MAX, u64::MAX).is_err());
    }
}
