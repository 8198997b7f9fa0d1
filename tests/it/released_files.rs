//! Metadata and pixels that released files keep from their originals.

use std::{fs, io::Cursor};

use image::{ImageDecoder, ImageReader};
use image_file::{Encoding, Picture, Pixels, Reader};

use crate::{
    command_line::{json, run, text},
    fixtures::root,
};

const JPEG: Encoding = Encoding::Jpeg { quality: 95, full_chroma: true };
const LOSSY_WEBP: Encoding = Encoding::LossyWebP { quality: 95 };

/// File of the corpus made by `tests/images/make_images.py`.
fn corpus(name: &str) -> Vec<u8> {
    let bytes = fs::read(root().join("tests/images/corpus.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut file = archive.by_name(&format!("files/{name}")).unwrap();
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Picture {
    Reader::default().decode(bytes).unwrap()
}

/// Lowers all levels a little.
fn changed(pixels: &Pixels) -> Pixels {
    match pixels {
        Pixels::Eight(image) => {
            let mut image = image.clone();
            image.iter_mut().for_each(|level| *level = level.saturating_sub(2));
            Pixels::Eight(image)
        }
        Pixels::Sixteen(image) => {
            let mut image = image.clone();
            image.iter_mut().for_each(|level| *level = level.saturating_sub(77));
            Pixels::Sixteen(image)
        }
    }
}

/// The released file of an original.
fn released(name: &str, encoding: Encoding) -> (Picture, Vec<u8>) {
    let original = read(&corpus(name));
    let file = original.encode(&changed(&original.pixels), encoding).unwrap();
    assert_eq!(file.notes, Vec::<String>::new(), "{name}");
    (original, file.bytes)
}

/// Decoder of the `image` crate, which reads a file's metadata.
fn decoder(bytes: &[u8]) -> impl ImageDecoder {
    ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().into_decoder().unwrap()
}

#[test]
fn turned_images_are_released_upright_without_orientation() {
    for encoding in [Encoding::Png, Encoding::WebP, LOSSY_WEBP, JPEG] {
        let (original, file) = released("jpeg_orientation_6.jpg", encoding);
        let mut decoder = decoder(&file);
        assert_eq!(decoder.dimensions(), original.dimensions());
        assert_eq!(decoder.dimensions(), (30, 44), "44 x 30 before they are turned");
        assert_eq!(decoder.orientation().unwrap(), image::metadata::Orientation::NoTransforms);
        let exif = decoder.exif_metadata().unwrap().expect("EXIF stays");
        assert!(!exif.windows(2).any(|pair| pair == [0xFF, 0xD8]), "no thumbnail of the original");
    }
}

#[test]
fn colours_are_converted_once_and_the_file_has_their_profile() {
    for encoding in [Encoding::Png, Encoding::WebP, LOSSY_WEBP, JPEG] {
        let (original, file) = released("jpeg_profile_wide.jpg", encoding);
        let profile = decoder(&file).icc_profile().unwrap().expect("a profile of sRGB");
        assert_eq!(Some(&profile), original.metadata.icc.as_ref());
        assert_ne!(profile, decoder(&corpus("jpeg_profile_wide.jpg")).icc_profile().unwrap().unwrap());
        let again = read(&file);
        if ![JPEG, LOSSY_WEBP].contains(&encoding) {
            assert_eq!(again.pixels, changed(&original.pixels), "sRGB is not converted again");
        }
        let (original, file) = released("jpeg_profile_srgb.jpg", encoding);
        assert_eq!(decoder(&file).icc_profile().unwrap(), original.metadata.icc, "the file's own");
        let own = decoder(&corpus("jpeg_profile_srgb.jpg")).icc_profile().unwrap();
        assert!(own.is_some() && own == original.metadata.icc);
        let (_, file) = released("jpeg_baseline.jpg", encoding);
        assert_eq!(decoder(&file).icc_profile().unwrap(), None, "none where there was none");
    }
}

#[test]
fn xmp_stays_with_its_orientation_reset() {
    for encoding in [Encoding::Png, Encoding::WebP, LOSSY_WEBP, JPEG] {
        let (_, file) = released("webp_lossless_turned_wide.webp", encoding);
        let xmp = decoder(&file).xmp_metadata().unwrap().expect("XMP stays");
        let xmp = String::from_utf8(xmp).unwrap();
        assert!(xmp.contains("Drawn for a test") && xmp.contains("tiff:Orientation=\"1\""), "{xmp}");
    }
}

#[test]
fn transparency_is_released_untouched() {
    for name in ["png_rgba_8.png", "webp_lossless_alpha.webp", "png_palette_alpha.png", "gif_transparent.gif"]
    {
        let alpha = |bytes: &[u8]| -> Vec<u8> {
            image::load_from_memory(bytes).unwrap().into_rgba8().pixels().map(|pixel| pixel[3]).collect()
        };
        for encoding in [Encoding::Png, Encoding::WebP] {
            let (original, file) = released(name, encoding);
            assert_eq!(alpha(&file), alpha(&corpus(name)), "{name}");
            let (wanted, shown) = (changed(&original.pixels).to_rgb8(), read(&file).pixels.to_rgb8());
            // Fully transparent white cannot be made darker; elsewhere colours are rounded twice.
            let far = wanted.iter().zip(shown.iter()).filter(|(a, b)| a.abs_diff(**b) > 2).count();
            assert_eq!(far, 0, "{name}");
        }
        assert_eq!(alpha(&released(name, LOSSY_WEBP).1), alpha(&corpus(name)), "{name}");
        let (_, file) = released(name, JPEG);
        assert!(!decoder(&file).color_type().has_alpha());
    }
}

#[test]
fn sixteen_bits_are_released_where_the_format_has_them() {
    for name in ["png_rgb_16.png", "png_grey_16.png", "tiff_rgb_16_big_endian.tif"] {
        let (original, file) = released(name, Encoding::Png);
        assert_eq!(decoder(&file).color_type(), image::ColorType::Rgb16);
        assert_eq!(read(&file).pixels, changed(&original.pixels));
        for encoding in [Encoding::WebP, JPEG] {
            let (original, file) = released(name, encoding);
            assert_eq!(decoder(&file).color_type(), image::ColorType::Rgb8);
            assert_eq!(read(&file).dimensions(), original.dimensions());
        }
    }
    let (_, file) = released("png_rgba_16.png", Encoding::Png);
    assert_eq!(decoder(&file).color_type(), image::ColorType::Rgba16);
}

/// Metadata that does not fit is reported, and the file is written without it.
#[test]
fn metadata_that_a_format_cannot_hold_is_named() {
    let mut original = read(&corpus("jpeg_baseline.jpg"));
    original.metadata.xmp = Some(vec![b' '; 70_000]);
    let file = original.encode(&original.pixels, JPEG).unwrap();
    assert!(file.notes.len() == 1 && file.notes[0].contains("XMP"), "{:?}", file.notes);
    assert_eq!(read(&file.bytes).metadata.xmp, None);
    original.metadata.xmp = Some(vec![0xFF]);
    let file = original.encode(&original.pixels, Encoding::Png).unwrap();
    assert!(file.notes.len() == 1 && file.notes[0].contains("UTF-8"), "{:?}", file.notes);
}

/// Limits and the background reach the reader, and ignored metadata is reported.
#[test]
fn the_program_accepts_limits_and_reports_ignored_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["jpeg_baseline.jpg", "png_rgba_8.png", "jpeg_profile_noise.jpg"] {
        fs::write(path(name), corpus(name)).unwrap();
    }
    let out = path("out.npy");
    let describe = |name: &str, more: &[&str]| {
        let input = path(name);
        run(&[&["describe", text(&input), "--out", text(&out), "--size", "32"], more].concat())
    };
    let stderr = |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    for (flags, reason) in [
        (["--max-pixels", "1000"], "44 x 30 pixels, more than the 1000"),
        (["--max-seconds", "0"], "longer than the 0 seconds"),
    ] {
        let refused = describe("jpeg_baseline.jpg", &flags);
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(reason), "{}", stderr(&refused));
    }
    let noted = describe("jpeg_profile_noise.jpg", &[]);
    assert_eq!(noted.status.code(), Some(0));
    assert!(stderr(&noted).contains("note: the colour profile is ignored"), "{}", stderr(&noted));
    let [white, black] = ["ffffff", "000000"].map(|background| {
        assert_eq!(describe("png_rgba_8.png", &["--background", background]).status.code(), Some(0));
        crate::fixtures::npy_at(&out).unwrap().values
    });
    assert!(crate::fixtures::largest_difference(&white, &black) > 1e-3);
}

/// The figures in a row are those of the written file, for 16 bits and for JPEG.
#[test]
fn rows_describe_the_file_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let (photo, out) = (folder.path().join("deep.png"), folder.path().join("out"));
    fs::write(&photo, corpus("png_rgb_16.png")).unwrap();
    let index = root().join("weights/default.faiss");
    let shared =
        ["activate", text(&photo), "--out", text(&out), "--index", text(&index), "--iterations", "2"];
    let lossy = ["--lossy", "--quality", "90"];
    for (format, more) in [("png", &[] as &[&str]), ("webp", &[]), ("webp", &lossy), ("jpeg", &[])] {
        let document = json(&run(&[&shared[..], more, &["--format", format, "--json"]].concat()));
        let row = &document["images"][0];
        let file = row["output"].as_str().unwrap();
        let pixels = |path: &str| Reader::default().open(path.as_ref()).unwrap().pixels;
        let (original, released) = (pixels(text(&photo)), pixels(file));
        assert_eq!(released.is_deep(), format == "png");
        let (original, released) = (original.into_rgb8(), released.into_rgb8());
        let errors = original.iter().zip(released.iter()).map(|(a, b)| f64::from(a.abs_diff(*b)));
        let squared = errors.clone().map(|e| e * e).sum::<f64>() / original.len() as f64;
        let psnr = 10.0 * (255.0 * 255.0 / squared).log10();
        assert!((row["psnr"].as_f64().unwrap() - psnr).abs() < 1e-6, "{row}");
        assert_eq!(row["linf"].as_f64().unwrap(), errors.fold(0.0, f64::max));
    }
}
