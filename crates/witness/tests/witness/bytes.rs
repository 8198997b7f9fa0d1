//! Bytes: compact, the same everywhere, and checked.

use std::process::Command;

use active_index_witness::{Error, Kind, Query, Witness};

use crate::pictures::{blocks, sample};

fn witness(kind: Kind) -> Witness {
    Witness::of(&sample(17), kind).expect("a photograph")
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn bytes_come_back_and_are_few() {
    for (kind, most) in [(Kind::Keypoints, 18_500), (Kind::Thumbnails, 60_000)] {
        let witness = witness(kind);
        let bytes = witness.to_bytes();
        assert!(bytes.len() <= most, "{kind}: {}", bytes.len());
        let read = Witness::from_bytes(&bytes).expect("what was written");
        assert_eq!(read, witness);
        assert_eq!((read.kind(), read.to_bytes()), (kind, bytes));
    }
    assert_eq!(Witness::of(&sample(17), Kind::None), None);
    assert_eq!(witness(Kind::Thumbnails).thumbnail().dimensions(), (320, 231));
    assert_eq!(witness(Kind::Keypoints).thumbnail().dimensions(), (64, 46));
}

/// The hashes stand for the version: whoever changes them has to raise it, or entries are no longer found.
#[test]
fn bytes_are_those_of_this_version() {
    let drawn = blocks(700, 500, 13, 1);
    let hashes = [Kind::Keypoints, Kind::Thumbnails]
        .map(|kind| hash(&Witness::of(&drawn, kind).expect("a picture").to_bytes()));
    assert_eq!(hashes, [5_027_541_010_355_079_597, 18_404_692_514_372_262_952]);
}

#[test]
fn bytes_are_the_same_at_every_level_of_vector_instructions() {
    let program = std::env::current_exe().expect("this test");
    for level in ["scalar", "avx2", "avx512f", "avx512"] {
        let mut test = Command::new(&program);
        test.args(["--exact", "bytes::bytes_are_those_of_this_version"]).env("ACTIVE_INDEX_SIMD", level);
        let output = test.output().expect("the test runs again");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{level}: {text}");
    }
}

#[test]
fn every_shorter_file_is_refused() {
    for kind in [Kind::Keypoints, Kind::Thumbnails] {
        let bytes = witness(kind).to_bytes();
        for length in (0..40).chain((40..bytes.len()).step_by(173)) {
            let error = Witness::from_bytes(&bytes[..length]).expect_err("something is missing");
            assert_eq!(error.to_string().lines().count(), 1, "{error:?}");
        }
    }
    let mut longer = witness(Kind::Keypoints).to_bytes();
    longer.push(0);
    assert!(matches!(Witness::from_bytes(&longer), Err(Error::Length { .. })));
}

#[test]
fn fields_out_of_range_are_refused_by_name() {
    let good = witness(Kind::Keypoints).to_bytes();
    let small = usize::from(good[18]) * usize::from(good[19]);
    let cases: [(usize, u8, &str); 9] = [
        (0, b'x', "not a witness"),
        (4, 9, "version 9"),
        (5, 2, "kind is 2"),
        (15, 0xff, "width of the keypoints' plane"),
        (17, 0xff, "height of the keypoints' plane"),
        (18, 65, "width of the grey picture is 65"),
        (21, 0xff, "number of keypoints"),
        (22 + small + 1, 0xff, "x is"),
        (22 + small + 4, 7, "level of a keypoint is 7, expected 0 to 6"),
    ];
    for (place, value, message) in cases {
        let mut bytes = good.clone();
        bytes[place] = value;
        let error = Witness::from_bytes(&bytes).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
    let mut empty = good;
    empty[6..10].fill(0);
    assert!(matches!(Witness::from_bytes(&empty), Err(Error::Field { field: "side of the picture", .. })));
}

/// Flips bits all over: refused, or compared without a panic.
#[test]
fn damaged_bytes_never_panic() {
    let query = Query::of(&sample(17));
    for kind in [Kind::Keypoints, Kind::Thumbnails] {
        let good = witness(kind).to_bytes();
        let mut state = 7u64;
        for _ in 0..60 {
            let mut bytes = good.clone();
            for _ in 0..8 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let place = (state >> 33) as usize % bytes.len();
                bytes[place] ^= 1 << (state >> 61);
            }
            if let Ok(witness) = Witness::from_bytes(&bytes) {
                query.compare(&witness);
                assert_eq!(witness.to_bytes().len(), bytes.len());
            }
        }
    }
}
