use std::time::{Duration, Instant};

use crate::{Error, Result};

/// What decoding one image may take. A file that claims more is refused before memory is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Pixels of an image.
    pub max_pixels: u64,
    /// Longest side, in pixels.
    pub max_side: u32,
    /// Length of a file, in bytes.
    pub max_file_bytes: u64,
    /// Memory of the decoder and of the decoded pixels, in bytes; the file itself is not counted.
    pub max_memory: u64,
    /// Time for reading and decoding, in seconds.
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
    /// Refuses an image that is too large, or whose decoding holds more than `bytes_per_pixel` allow.
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

/// The time by which an image must be decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// None where the limit is further away than a clock can tell.
    at: Option<Instant>,
    seconds: f64,
}

impl Deadline {
    pub(crate) fn starting_now(seconds: f64) -> Self {
        let limit = Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        Self { at: limit.and_then(|limit| Instant::now().checked_add(limit)), seconds }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.at.is_some_and(|at| Instant::now() >= at)
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.is_over() { Err(self.error()) } else { Ok(()) }
    }

    pub(crate) fn error(&self) -> Error {
        Error::TooSlow { limit: self.seconds }
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

    #[test]
    fn a_limit_beyond_all_clocks_never_passes() {
        assert!(Deadline::starting_now(f64::INFINITY).check().is_ok());
        assert!(Deadline::starting_now(0.0).check().is_err());
    }
}
