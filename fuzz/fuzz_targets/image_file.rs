//! Any bytes as an image file: refused in one line, or a picture that can be released and read again.

#![no_main]

use image_file::{Encoding, Error, Limits, Picture, Pixels, Reader};
use libfuzzer_sys::fuzz_target;

/// Small images cover as much code as large ones, at many more inputs per second.
fn reader() -> Reader {
    let limits = Limits { max_pixels: 1 << 16, max_memory: 1 << 28, max_seconds: 10.0, ..Limits::default() };
    Reader { limits, ..Reader::default() }
}

fuzz_target!(|bytes: &[u8]| {
    match reader().decode(bytes) {
        Ok(picture) => release(&picture),
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error:?}");
            assert!(!matches!(error, Error::DecoderPanicked { .. }), "{error}");
        }
    }
});

/// Releases the picture. A losslessly written file can be read and gives the same picture.
fn release(picture: &Picture) {
    let (width, height) = picture.dimensions();
    assert_eq!(picture.pixels.resampled(3, 2).len(), 18);
    for encoding in [Encoding::Png, Encoding::WebP, Encoding::Jpeg { quality: 90, full_chroma: true }] {
        let Ok(file) = picture.encode(&picture.pixels, encoding) else { continue };
        let again = reader().decode(&file.bytes).expect("what was written is read");
        assert_eq!(again.dimensions(), (width, height));
        if encoding == Encoding::Png && picture.transparency.is_none() {
            assert_eq!(again.pixels, picture.pixels);
        }
    }
    let eight = Pixels::Eight(picture.pixels.to_rgb8());
    picture.encode(&eight, Encoding::Png).expect("a PNG file takes any pixels");
}
