//! Pictures of entries: from released files, from witnesses, and from files that are no pictures.

use std::{fs, path::Path, sync::Arc};

use collection::{Collection, NewEntry};
use image::{ImageFormat, Rgb, RgbImage};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use witness::{Kind, Witness};

use crate::{
    client::{Answer, Request},
    server::{Server, directions, entry, quantiser, tensor},
};

/// Picture with many corners, whose first pixel names entry `n` to the stand-in for a network.
pub fn photograph(n: u8) -> RgbImage {
    let mut rng = StdRng::seed_from_u64(n.into());
    let mut picture = RgbImage::from_pixel(320, 240, Rgb([90, 110, 130]));
    for _ in 0..160 {
        let (left, top) = (rng.random_range(0..300u32), rng.random_range(0..220u32));
        let (width, height) = (rng.random_range(4..40u32), rng.random_range(4..40u32));
        let colour = Rgb([0; 3].map(|_: u8| rng.random::<u8>()));
        for y in top..(top + height).min(240) {
            (left..(left + width).min(320)).for_each(|x| picture.put_pixel(x, y, colour));
        }
    }
    picture.put_pixel(0, 0, Rgb([n, 0, 0]));
    picture
}

/// Released entry whose file is at a path.
pub fn released(name: &str, file: &Path) -> NewEntry {
    NewEntry { file: Some(file.to_string_lossy().into_owned()), ..entry(name, 0) }
}

/// Service of a collection with witnesses: entry 0 has a file and a witness, entry 1 a witness, entry 2 a thumbnail as witness,
/// entry 3 nothing.
pub fn photographs() -> Server {
    let (folder, rows) = (tempfile::tempdir().expect("folder"), directions(4, 2));
    let collection =
        Collection::create_with_witnesses(&folder.path().join("shop"), &quantiser(), "keypoints");
    let (collection, file) = (collection.expect("creates"), folder.path().join("0.png"));
    photograph(0).save(&file).expect("writes");
    let witness = |n: u8, kind| Witness::of(&photograph(n), kind).map(|witness| witness.to_bytes());
    let entries = [
        NewEntry { witness: witness(0, Kind::Keypoints), ..released("0.jpg", &file) },
        NewEntry { witness: witness(1, Kind::Keypoints), ..entry("1.jpg", 1) },
        NewEntry { witness: witness(2, Kind::Thumbnails), ..entry("2.jpg", 2) },
        entry("3.jpg", 3),
    ];
    collection.store_under(&[0, 1, 2, 3], &entries, tensor(&rows)).expect("stores");
    let server = Server::serving(folder, rows, &[("shop", Arc::new(collection))], Arc::default(), |_| ());
    server.wait_until_ready();
    server
}

fn picture(server: &Server, id: i64, query: &str) -> Answer {
    server.send(&Request::get(format!("/v1/entries/{id}/picture?collection=shop{query}")))
}

fn decoded(answer: &Answer) -> RgbImage {
    assert_eq!((answer.status, answer.header("content-type")), (200, "image/jpeg"), "{}", answer.text());
    image::load_from_memory_with_format(&answer.body, ImageFormat::Jpeg).expect("a JPEG file").into_rgb8()
}

#[test]
fn a_picture_is_that_of_the_released_file_or_of_the_witness() {
    let server = photographs();
    let (whole, own) = (decoded(&picture(&server, 0, "&size=1024")), photograph(0));
    assert_eq!(whole.dimensions(), (320, 240), "a small picture keeps its size");
    let off = whole.pixels().zip(own.pixels()).flat_map(|(a, b)| (0..3).map(|c| a.0[c].abs_diff(b.0[c])));
    let mean = off.map(f64::from).sum::<f64>() / f64::from(3 * 320 * 240);
    assert!(mean < 12.0, "{mean}");
    assert_eq!(decoded(&picture(&server, 0, "&size=64")).dimensions(), (64, 48));
    assert_eq!(decoded(&picture(&server, 1, "")).dimensions(), (64, 48), "a grey one");
    assert_eq!(decoded(&picture(&server, 2, "")).dimensions(), (320, 240), "one in colour");
    assert_eq!(decoded(&picture(&server, 2, "&size=100")).dimensions(), (100, 75));
    let without = picture(&server, 3, "");
    assert_eq!(without.status, 404, "{}", without.text());
    assert!(without.detail().contains("no picture of entry 3"), "{}", without.detail());
    assert_eq!(picture(&server, 99, "").status, 404);
    for wrong in ["&size=15", "&size=1025", "&size=-1", "&size=x", "&other=1"] {
        assert_eq!(picture(&server, 0, wrong).status, 400, "{wrong}");
    }
}

#[test]
fn a_picture_is_known_again_by_its_tag_until_its_file_changes() {
    let server = photographs();
    let address = "/v1/entries/0/picture?collection=shop";
    let first = server.send(&Request::get(address));
    assert!(first.header("cache-control").starts_with("private"), "{}", first.header("cache-control"));
    let tag = first.header("etag").to_owned();
    let again = || server.send(&Request::get(address).header("if-none-match", tag.clone()));
    assert_eq!((again().status, again().body.len()), (304, 0));
    assert_ne!(picture(&server, 0, "&size=64").header("etag"), tag, "another size");
    let file = server.shop_folder().parent().expect("a folder").join("0.png");
    photograph(7).crop(100, 100).save(&file).expect("writes");
    let changed = again();
    assert_eq!(decoded(&changed).dimensions(), (100, 100));
    assert_ne!(changed.header("etag"), tag);
}

#[test]
fn files_that_are_no_pictures_are_no_pictures_of_entries() {
    let server = photographs();
    let folder = server.shop_folder().parent().expect("a folder").to_owned();
    let truncated = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        photograph(1).write_to(&mut bytes, ImageFormat::Png).expect("encodes");
        bytes.into_inner()[..600].to_vec()
    };
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("empty.png", Vec::new()),
        ("text.jpg", b"<script>alert(1)</script>".to_vec()),
        ("truncated.png", truncated),
        ("enormous.png", enormous_png()),
    ];
    for (name, bytes) in &files {
        fs::write(folder.join(name), bytes).expect("writes");
    }
    let names = ["empty.png", "text.jpg", "truncated.png", "enormous.png", "missing.png", ".", "\0"];
    let ids: Vec<i64> = (10..10 + names.len() as i64).collect();
    let entries: Vec<NewEntry> = names.iter().map(|name| released(name, &folder.join(name))).collect();
    server.shop.store_under(&ids, &entries, tensor(&directions(names.len(), 5))).expect("stores");
    for (id, name) in ids.iter().zip(names) {
        assert_eq!(picture(&server, *id, "").status, 404, "{name:?}");
    }
    assert_eq!(picture(&server, 0, "").status, 200, "others are answered");
}

/// PNG file that claims 60,000 x 60,000 pixels.
fn enormous_png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::new(1, 1).write_to(&mut bytes, ImageFormat::Png).expect("encodes");
    let mut bytes = bytes.into_inner();
    let sides = [60_000u32.to_be_bytes(), 60_000u32.to_be_bytes()].concat();
    bytes[16..24].copy_from_slice(&sides);
    let sum = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// CRC-32 of a chunk.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    })
}

/// Part of a picture from its upper left.
trait Crop {
    fn crop(&self, width: u32, height: u32) -> RgbImage;
}

impl Crop for RgbImage {
    fn crop(&self, width: u32, height: u32) -> RgbImage {
        image::imageops::crop_imm(self, 0, 0, width, height).to_image()
    }
}
