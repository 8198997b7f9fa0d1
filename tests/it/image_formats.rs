//! The table of image formats in the book, generated from files of each variety: those that it says are read, are, and
//! those that it says are refused, are.

use std::{collections::BTreeMap, fs};

use image_file::{Format, Picture, Reader};

use crate::{fixtures::root, image_files::Corpus};

/// A variety, and a file of it in `tests/images/corpus.zip` or `crates/image-file/tests/optional`.
type Variety = (&'static str, &'static str);

/// A row of the table.
struct Row {
    format: Format,
    /// Varieties that are read.
    read: &'static [Variety],
    /// Varieties that are refused.
    refused: &'static [Variety],
    note: &'static str,
}

const ROWS: [Row; 9] = [
    Row {
        format: Format::Jpeg,
        read: &[
            ("baseline", "jpeg_baseline.jpg"),
            ("progressive", "jpeg_progressive.jpg"),
            ("a scan for each component", "jpeg_apart_2x2_1x1_1x1.jpg"),
            ("restarts", "jpeg_restarts.jpg"),
            ("all samplings", "jpeg_finer_colour_1x1_2x2_2x2.jpg"),
            ("grey", "jpeg_grey.jpg"),
            ("YCbCr", "jpeg_420.jpg"),
            ("RGB", "jpeg_rgb.jpg"),
            ("CMYK", "jpeg_cmyk.jpg"),
            ("YCCK", "jpeg_ycck.jpg"),
            ("without Huffman tables", "jpeg_420_without_tables.jpg"),
        ],
        refused: &[
            ("12 bits", "jpeg_12_bits.jpg"),
            ("arithmetic", "jpeg_arithmetic.jpg"),
            ("lossless", "jpeg_lossless.jpg"),
            ("hierarchical", "jpeg_hierarchical.jpg"),
            ("sampling factors that do not divide each other", "jpeg_apart_3x1_2x1_2x1.jpg"),
            ("a scan for each component of three samplings", "jpeg_apart_between.jpg"),
        ],
        note: "",
    },
    Row {
        format: Format::Png,
        read: &[
            ("1 to 16 bits", "png_grey_1.png"),
            ("palettes", "png_palette_4.png"),
            ("colour keys", "png_rgb_key.png"),
            ("alpha", "png_rgba_16.png"),
            ("interlaced", "png_rgb_16_interlaced.png"),
            ("the still image of an animation", "png_animated.png"),
        ],
        refused: &[],
        note: "",
    },
    Row {
        format: Format::WebP,
        read: &[
            ("lossy", "webp_lossy.webp"),
            ("lossless", "webp_lossless.webp"),
            ("alpha", "webp_lossy_alpha.webp"),
            ("the first frame of an animation", "webp_animated.webp"),
        ],
        refused: &[],
        note: "",
    },
    Row {
        format: Format::Gif,
        read: &[
            ("interlaced", "gif_interlaced.gif"),
            ("transparency", "gif_transparent.gif"),
            ("the first frame of an animation", "gif_animated.gif"),
        ],
        refused: &[],
        note: "",
    },
    Row {
        format: Format::Bmp,
        read: &[
            ("palettes of 1, 4 and 8 bits", "bmp_palette_4.bmp"),
            ("24 and 32 bits", "bmp_32.bmp"),
            ("rows from the top", "bmp_24_top_down.bmp"),
            ("OS/2", "bmp_os2_24.bmp"),
        ],
        refused: &[],
        note: "",
    },
    Row {
        format: Format::Tiff,
        read: &[
            ("1 to 16 bits", "tiff_rgb_12_bits_tiles_big.tif"),
            ("grey", "tiff_grey.tif"),
            ("white as 0", "tiff_white_is_zero_12_bits.tif"),
            ("palettes", "tiff_palette_of_2_bits_in_tiles.tif"),
            ("RGB", "tiff_rgb_16_big_endian.tif"),
            ("YCbCr", "tiff_jpeg_tiles_ycbcr_420.tif"),
            ("CMYK", "tiff_cmyk.tif"),
            ("alpha", "tiff_rgb_beside_2_tiles.tif"),
            ("samples beside the colours", "tiff_rgb_beside_00_predicted_tiles.tif"),
            ("strips", "tiff_rgb_raw.tif"),
            ("tiles", "tiff_tiles_of_1_bits_lzw.tif"),
            ("planes", "tiff_planes.tif"),
            ("LZW", "tiff_rgb_tiff_lzw.tif"),
            ("deflate", "tiff_rgb_tiff_adobe_deflate.tif"),
            ("PackBits", "tiff_rgb_packbits.tif"),
            ("JPEG", "tiff_jpeg.tif"),
            ("fax group 3", "tiff_fax_3_options_5_tiles.tif"),
            ("fax group 4", "tiff_fax.tif"),
            ("CCITT RLE", "tiff_fax_rows_tiles.tif"),
            ("both byte orders", "tiff_grey_16_big_endian.tif"),
            ("both fill orders", "tiff_bits_lowest_first_group4.tif"),
            ("BigTIFF", "tiff_big.tif"),
            ("the first page", "tiff_two_pages.tif"),
        ],
        refused: &[
            ("floating-point samples", "tiff_floats.tif"),
            ("signed samples", "tiff_signed.tif"),
            ("L\\*a\\*b\\*", "tiff_lab.tif"),
            ("CMYK with alpha", "tiff_cmyk_with_alpha.tif"),
            ("subsampled chroma outside JPEG", "tiff_subsampled_ycbcr.tif"),
            ("other compressions", "tiff_zstandard.tif"),
            ("DNG", "tiff_called_dng.tif"),
            ("other raw files", "tiff_thumbnail_of_raw.tif"),
        ],
        note: "",
    },
    Row { format: Format::Qoi, read: &[("RGB", "qoi.qoi")], refused: &[], note: "" },
    Row {
        format: Format::JpegXl,
        read: &[
            ("lossy", "lossy.jxl"),
            ("lossless", "lossless.jxl"),
            ("grey", "grey.jxl"),
            ("alpha", "alpha.jxl"),
        ],
        refused: &[],
        note: "with `--features jxl`, by jxl-oxide",
    },
    Row {
        format: Format::Heic,
        read: &[("subsampled", "subsampled.heic"), ("alpha", "alpha.heic")],
        refused: &[],
        note: "with `--features heic`, by heic-rs, which is young",
    },
];

/// Formats that are refused by name.
const FOREIGN: [Variety; 8] = [
    ("AVIF", "avif.jpg"),
    ("JPEG 2000", "jpeg_2000.jpg"),
    ("Photoshop", "photoshop.jpg"),
    ("ICO", "icon.bmp"),
    ("PPM", "ppm.bmp"),
    ("SVG", "svg.png"),
    ("PDF", "pdf.tif"),
    ("ISO media", "video.jpg"),
];

/// Files of the corpus and of the optional formats.
fn files() -> BTreeMap<String, Vec<u8>> {
    let mut files = Corpus::open().into_files();
    for file in fs::read_dir(root().join("crates/image-file/tests/optional")).unwrap() {
        let path = file.unwrap().path();
        files.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    }
    files
}

/// The pictures of a row's varieties; empty for a format that this build does not decode.
fn pictures(row: &Row, files: &BTreeMap<String, Vec<u8>>) -> Vec<Picture> {
    let mut pictures = Vec::new();
    for (variety, name) in row.read {
        match Reader::default().decode(&files[*name]) {
            Ok(picture) => pictures.push(picture),
            Err(error) if error.to_string().contains("by this build") => {}
            Err(error) => panic!("{} {variety}, {name}: {error}", row.format),
        }
    }
    for (variety, name) in row.refused {
        let refused = Reader::default().decode(&files[*name]).map(|picture| picture.format).unwrap_err();
        let is_named =
            ["not supported", "bits per channel"].iter().any(|part| refused.to_string().contains(part));
        assert!(is_named, "{} {variety}, {name}: {refused}", row.format);
    }
    assert!(pictures.iter().all(|picture| picture.format == row.format), "{}", row.format);
    pictures
}

/// Properties that released files keep of these pictures.
fn released(pictures: &[Picture]) -> String {
    let is_deep = pictures.iter().any(|picture| picture.pixels.is_deep());
    let is_transparent = pictures.iter().any(|picture| picture.transparency.is_some());
    let bits = if is_deep { "8 or 16 bits" } else { "8 bits" };
    format!("{bits}{}", if is_transparent { ", transparency" } else { "" })
}

fn list(varieties: &[Variety]) -> String {
    varieties.iter().map(|(variety, _)| *variety).collect::<Vec<_>>().join(", ")
}

/// Cells of a row of the table; `None` for what released files keep of a format that this build does not decode.
fn cells(row: &Row, files: &BTreeMap<String, Vec<u8>>) -> [Option<String>; 4] {
    let pictures = pictures(row, files);
    let note = if row.note.is_empty() { String::new() } else { format!(" ({})", row.note) };
    [
        Some(row.format.to_string()),
        Some(format!("{}{note}", list(row.read))),
        (!pictures.is_empty()).then(|| released(&pictures)),
        Some(list(row.refused)),
    ]
}

/// The rows of the book's table.
fn rows_of_book() -> Vec<Vec<String>> {
    let book = fs::read_to_string(root().join("docs/guide/images.md")).unwrap();
    let rows = book.lines().skip_while(|line| !line.starts_with("| format |")).skip(2);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    rows.take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn the_table_of_formats_is_that_of_the_files() {
    assert_eq!(ROWS.map(|row| row.format), Format::ALL);
    let files = files();
    let mut table: Vec<_> = ROWS.iter().map(|row| cells(row, &files)).collect();
    for (format, name) in FOREIGN {
        let refused = Reader::default().decode(&files[name]).map(|picture| picture.format).unwrap_err();
        assert_eq!(refused.to_string(), format!("is in {format} format, which is not supported"));
    }
    table.push([list(&FOREIGN), String::new(), String::new(), "all, by name".to_owned()].map(Some));
    let book = rows_of_book();
    let is_shown = |(found, expected): (&Vec<String>, &[Option<String>; 4])| {
        found.len() == 4
            && expected.iter().zip(found).all(|(cell, found)| cell.as_ref().is_none_or(|cell| cell == found))
    };
    let line = |row: &[Option<String>; 4]| {
        format!("| {} |", row.each_ref().map(|cell| cell.as_deref().unwrap_or("?")).join(" | "))
            .replace("  ", " ")
    };
    let is_right = book.len() == table.len() && book.iter().zip(&table).all(is_shown);
    let expected = table.iter().map(line).collect::<Vec<_>>().join("\n");
    assert!(is_right, "docs/guide/images.md should have these rows:\n{expected}");
}
