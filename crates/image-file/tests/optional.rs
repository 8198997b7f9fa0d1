//! JPEG XL and HEIC against libjxl and libheif. `optional/make_optional.py` made the files.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::{
    fs::{self, File},
    path::Path,
};

use active_index_image_file::{Format, Limits, Pixels, Reader};
use npyz::{NpyFile, npz::file_name_from_array_name};
use zip::ZipArchive;

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/optional"))
}

/// The expected pixels of a file.
fn expected(name: &str) -> Vec<u8> {
    let mut archive = ZipArchive::new(File::open(folder().join("references.npz")).unwrap()).unwrap();
    let array = archive.by_name(&file_name_from_array_name(&name.replace('.', "_"))).unwrap();
    NpyFile::new(array).unwrap().into_vec().unwrap()
}

#[test]
fn pixels_are_those_of_the_reference_decoders() {
    // For lossless files only the conversion of profiles and transparency is rounded. For lossy files the decoders also
    // round differently and interpolate chroma differently.
    for (name, format, tolerance) in [
        ("lossless.jxl", Format::JpegXl, 0),
        ("grey.jxl", Format::JpegXl, 0),
        ("alpha.jxl", Format::JpegXl, 1),
        ("lossy.jxl", Format::JpegXl, 2),
        ("plain.heic", Format::Heic, 2),
        ("alpha.heic", Format::Heic, 3),
        ("subsampled.heic", Format::Heic, 5),
    ] {
        let picture = Reader::default().open(&folder().join(name)).unwrap();
        assert_eq!((picture.format, picture.dimensions()), (format, (64, 48)), "{name}");
        assert_eq!(picture.transparency.is_some(), name.starts_with("alpha"), "{name}");
        let Pixels::Eight(pixels) = &picture.pixels else { panic!("{name} is of 8 bits") };
        let differences = pixels.iter().zip(expected(name)).map(|(a, b)| a.abs_diff(b));
        let largest = differences.max().unwrap();
        assert!(largest <= tolerance, "{name}: {largest} levels");
    }
}

#[test]
fn truncated_and_too_large_files_are_refused() {
    let small = Reader { limits: Limits { max_pixels: 1000, ..Limits::default() }, ..Reader::default() };
    for name in ["lossless.jxl", "lossy.jxl", "plain.heic"] {
        let whole = fs::read(folder().join(name)).unwrap();
        for tenth in 1..10 {
            let cut = Reader::default().decode(&whole[..whole.len() * tenth / 10]);
            let line = cut.err().unwrap_or_else(|| panic!("{name}, {tenth} tenths")).to_string();
            assert_eq!(line.lines().count(), 1, "{line}");
        }
        assert!(small.decode(&whole).unwrap_err().to_string().contains("64 x 48 pixels"), "{name}");
    }
}
