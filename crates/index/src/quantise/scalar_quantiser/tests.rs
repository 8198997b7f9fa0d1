//! Tests of scalar quantisers of every type.

use rand::RngExt;
use simd::Level;

use super::*;
use crate::{metric::Metric, quantise::random_streams::seeded};

const TRAINED: [ScalarType; 5] =
    [ScalarType::Bits8, ScalarType::Bits6, ScalarType::Bits4, ScalarType::Uniform8, ScalarType::Uniform4];

const OTHERS: [ScalarType; 4] =
    [ScalarType::Fp16, ScalarType::Bf16, ScalarType::Direct8, ScalarType::DirectSigned8];

fn rows(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let mut rng = seeded(seed, 0);
    (0..n * d).map(|i| rng.random_range(-1.0..1.0) * (1 + i % d) as f32).collect()
}

fn train(kind: ScalarType, d: usize, rows: &[f32]) -> ScalarQuantiser {
    ScalarQuantiser::train(kind, d, rows).expect("trains")
}

#[test]
fn decoded_training_vectors_are_within_a_step() {
    for (kind, d) in TRAINED.into_iter().flat_map(|kind| [1, 7, 16].map(|d| (kind, d))) {
        let rows = rows(300, d, 1);
        let sq = train(kind, d, &rows);
        let codes = sq.encode(&rows);
        let decoded = sq.decode(&codes);
        let last = sq.steps();
        for (i, (x, y)) in rows.iter().zip(&decoded).enumerate() {
            let step = sq.ranges().nth(i % d).expect("a range").1 / f32::from(last);
            let is_last = sq.step_bytes(&codes)[i] == last;
            assert!((x - y).abs() <= step * 0.501 || is_last, "{kind} {d}: {x} {y} of {step}");
        }
    }
}

#[test]
fn codes_are_truncated_and_clamped() {
    let sq = train(ScalarType::Bits8, 1, &[0.0, 255.0]);
    let values = [-9.0, 0.0, 0.99, 1.0, 254.0, 255.0, 300.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    assert_eq!(sq.encode(&values), [0, 0, 0, 1, 254, 255, 255, 0, 255, 0]);
    assert_eq!(sq.decode(&[0, 1, 255]), [0.5, 1.5, 255.5]);
}

/// Codes that faiss 1.15.1 writes for the same ranges and values.
#[test]
fn narrow_codes_are_packed_from_the_lowest_bits() {
    let row = [0.0, 1.0, 2.0, 3.0, 15.0];
    let ranges = [[0.0; 5], [15.0; 5]].concat();
    let sq = train(ScalarType::Bits4, 5, &ranges);
    assert_eq!(sq.encode(&row), [0x10, 0x32, 0x0f]);
    let ranges = [[0.0; 5], [63.0; 5]].concat();
    let sq = train(ScalarType::Bits6, 5, &ranges);
    assert_eq!(sq.encode(&row), [0x40, 0x20, 0x0c, 0x0f]);
}

/// Codes that faiss 1.15.1 writes for the same values.
#[test]
fn direct_codes_are_the_integers_themselves() {
    let row = [-1.5, -0.5, 0.9, 1.9, 127.9, 200.0, 255.9, 256.5];
    let sq = train(ScalarType::Direct8, 8, &[]);
    assert_eq!(sq.encode(&row), [255, 0, 0, 1, 127, 200, 255, 0]);
    let sq = train(ScalarType::DirectSigned8, 8, &[]);
    assert_eq!(sq.encode(&row), [126, 127, 128, 129, 255, 72, 127, 128]);
    assert_eq!(sq.decode(&sq.encode(&row)), [-2.0, -1.0, 0.0, 1.0, 127.0, -56.0, -1.0, 0.0]);
}

#[test]
fn a_constant_dimension_is_decoded_exactly() {
    let sq = train(ScalarType::Bits8, 2, &[1.5, 0.0, 1.5, 1.0]);
    assert_eq!(sq.encode(&[7.0, 0.0]), [0, 0]);
    assert_eq!(sq.decode(&[0, 0])[0], 1.5);
}

#[test]
fn distances_are_those_to_the_decoded_vectors() {
    for (kind, (d, n)) in TRAINED
        .into_iter()
        .chain(OTHERS)
        .flat_map(|kind| [(1, 3), (13, 40), (64, 10)].map(|sizes| (kind, sizes)))
    {
        let sq = train(kind, d, &rows(100, d, 1));
        let (codes, query) = (sq.encode(&rows(n, d, 2)), rows(1, d, 3));
        let decoded = sq.decode(&codes);
        for metric in [Metric::L2, Metric::InnerProduct] {
            let Some(tables) = sq.query(metric, &query) else { continue };
            let mut out = vec![0.0; n];
            tables.distances(Level::detected(), &sq.step_bytes(&codes), &mut out);
            for (out, vector) in out.iter().zip(decoded.chunks(d)) {
                let expected = metric.distance(&query, vector);
                let scale: f32 = query.iter().zip(vector).map(|(a, b)| a * a + b * b).sum();
                assert!((out - expected).abs() <= 1e-5 * scale, "{kind} {metric} {d}: {out}, {expected}");
            }
        }
    }
}

#[test]
fn inconsistent_sizes_are_errors() {
    for kind in TRAINED {
        assert!(ScalarQuantiser::train(kind, 2, &[]).is_err());
    }
    let sq = train(ScalarType::Bits8, 2, &[1.0, 2.0]);
    assert!(sq.check().is_ok());
    assert!(ScalarQuantiser { d: 3, ..sq.clone() }.check().is_err());
    assert!(ScalarQuantiser { kind: ScalarType::Fp16, ..sq }.check().is_err());
}
