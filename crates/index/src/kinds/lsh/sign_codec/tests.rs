//! Codes compared with faiss's definition, and errors.

use rand::RngExt;

use super::*;
use crate::quantise::random_streams::seeded;

fn rows(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let mut rng = seeded(seed, 0);
    (0..n * d).map(|_| rng.random_range(-1.0..1.5)).collect()
}

fn config(d: usize, nbits: usize, rotate_data: bool, train_thresholds: bool) -> SignCodecConfig {
    SignCodecConfig { d, nbits, rotate_data, train_thresholds, seed: 5 }
}

/// All variants, including numbers of bits that are not multiples of 8.
fn kinds() -> Vec<SignCodecConfig> {
    vec![
        config(16, 16, false, false),
        config(16, 11, false, true),
        config(16, 13, true, false),
        config(16, 40, true, true),
        config(3, 1, true, true),
    ]
}

#[test]
fn bits_are_the_sides_of_the_hyperplanes() {
    for config in kinds() {
        let rows = rows(101, config.d, 1);
        let codec = SignCodec::train(&config, &rows).expect("trains");
        let Hyperplanes { normals, offsets } = codec.hyperplanes();
        let codes = codec.encode(&rows);
        for (row, code) in rows.chunks(config.d).zip(codes.chunks(codec.code_size())) {
            for (j, (normal, offset)) in normals.chunks(config.d).zip(&offsets).enumerate() {
                let side: f64 = normal.iter().zip(row).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                let margin = side - f64::from(*offset);
                let set = code[j / 8] >> (j % 8) & 1 == 1;
                assert!(margin.abs() < 1e-5 || set == (margin > 0.0), "{config:?} bit {j}");
            }
            let padding = codec.code_size() * 8 - codec.nbits;
            assert!(code.last().expect("a byte").leading_zeros() as usize >= padding);
        }
    }
}

#[test]
fn equality_sets_the_bit_and_nan_does_not() {
    let codec = SignCodec::train(&config(8, 8, false, false), &[]).expect("trains");
    let row = [0.0, -0.0, f32::from_bits(1), -f32::from_bits(1), f32::NAN, f32::INFINITY, -1.0, 1.0];
    assert_eq!(codec.encode(&row), [0b1010_0111]);
}

#[test]
fn trained_thresholds_halve_the_training_vectors() {
    for (n, less) in [(101, 50), (100, 50)] {
        let rows = rows(n, 16, 2);
        let codec = SignCodec::train(&config(16, 24, true, true), &rows).expect("trains");
        let codes = codec.encode(&rows);
        for j in 0..24 {
            let clear = codes.chunks(3).filter(|code| code[j / 8] >> (j % 8) & 1 == 0).count();
            assert_eq!(clear, less, "bit {j} of {n}");
        }
    }
    assert_eq!(medians(&[5.0, 1.0, 2.0], 1), [2.0]);
    assert_eq!(medians(&[5.0, 0.0, 1.0, 0.0, 2.0, 0.0, 4.0, 0.0], 2), [3.0, 0.0]);
}

#[test]
fn decoded_vectors_encode_to_the_same_codes() {
    for config in kinds().into_iter().filter(|config| config.nbits <= config.d) {
        let rows = rows(50, config.d, 3);
        let codec = SignCodec::train(&config, &rows).expect("trains");
        let codes = codec.encode(&rows);
        assert_eq!(codec.encode(&codec.decode(&codes)), codes, "{config:?}");
    }
    let codec = SignCodec {
        thresholds: vec![0.25; 2],
        ..SignCodec::train(&config(3, 2, false, false), &[]).expect("trains")
    };
    assert_eq!(codec.decode(&[0b10]), [-0.75, 1.25, 0.0]);
}

#[test]
fn a_vector_finds_itself_and_missing_neighbours_are_marked() {
    let config = config(16, 64, true, true);
    let rows = rows(40, 16, 4);
    let codec = SignCodec::train(&config, &rows).expect("trains");
    let codes = codec.encode(&rows);
    let found = codec.search(&codes, &codes, 42).expect("searches");
    for i in 0..40 {
        assert_eq!((found.ids_of(i)[0], found.distances_of(i)[0]), (i as i64, 0.0));
        assert!(found.distances_of(i).is_sorted());
        assert_eq!(found.ids_of(i)[40..], [-1, -1]);
        assert_eq!(found.distances_of(i)[40..], [2_147_483_648.0; 2]);
    }
    assert!(codec.search(&codes, &codes, 0).is_err());
}

#[test]
fn inconsistent_sizes_are_errors() {
    assert!(SignCodec::train(&config(8, 9, false, false), &[]).is_err());
    assert!(SignCodec::train(&config(8, 0, true, false), &[]).is_err());
    assert!(SignCodec::train(&config(8, 8, true, true), &[]).is_err());
    let good = SignCodec::train(&config(8, 16, true, true), &rows(3, 8, 1)).expect("trains");
    assert!(good.check().is_ok());
    assert!(SignCodec { thresholds: vec![0.0; 15], ..good.clone() }.check().is_err());
    assert!(SignCodec { train_thresholds: false, ..good.clone() }.check().is_err());
    assert!(SignCodec { nbits: 24, ..good.clone() }.check().is_err());
    let rotation = random_rotation(8, 15, 1).ok();
    assert!(SignCodec { rotation, ..good.clone() }.check().is_err());
    let rotation = random_rotation(7, 16, 1).ok();
    assert!(SignCodec { rotation, ..good }.check().is_err());
}

#[test]
fn a_code_depends_only_on_its_vector() {
    let codec = SignCodec::train(&config(24, 40, true, false), &[]).expect("trains");
    let rows = rows(200, 24, 6);
    let alone: Vec<u8> = rows.chunks(24).flat_map(|row| codec.encode(row)).collect();
    assert_eq!(codec.encode(&rows), alone);
    let codes = alone.chunks(codec.code_size());
    assert_eq!(codec.decode(&alone), codes.flat_map(|code| codec.decode(code)).collect::<Vec<f32>>());
}
