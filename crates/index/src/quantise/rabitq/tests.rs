//! Codes, decoded vectors and estimated distances.

use rand::RngExt;

use super::*;
use crate::{metric::squared_l2, quantise::random_streams::seeded};

fn rows(n: usize, d: usize, seed: u64) -> Vec<f32> {
    let mut rng = seeded(seed, 0);
    (0..n * d).map(|_| rng.random_range(-1.0..1.0)).collect()
}

#[test]
fn a_code_has_the_signs_and_the_factors_of_the_residual() {
    let quantiser = RaBitQuantiser { d: 3, metric: Metric::L2, centre: vec![1.0, 1.0, 1.0], qb: 0 };
    // The residual is (2, -1, 0): squared norm 5, sum of absolute values 3.
    let code = quantiser.encode(&[3.0, 0.0, 1.0]);
    assert_eq!((code.len(), code[0]), (9, 0b001));
    let (base, factor) = factors(&code);
    let expected = 5.0 * 3f32.sqrt() / 3.0;
    assert!(base == 5.0 && (factor - expected).abs() < 1e-6, "{base} {factor}");
    let mut decoded = [0.0; 3];
    quantiser.add_decoded(&code, &mut decoded);
    for (found, expected) in decoded.iter().zip([1.0 + 5.0 / 3.0, 1.0 - 5.0 / 3.0, 1.0 - 5.0 / 3.0]) {
        assert!((found - expected).abs() < 1e-6, "{decoded:?}");
    }
    let products = RaBitQuantiser { metric: Metric::InnerProduct, ..quantiser };
    assert_eq!(factors(&products.encode(&[3.0, 0.0, 1.0])).0, 5.0 - 10.0);
}

/// The mean is the centre, and a vector at the centre decodes to it.
#[test]
fn the_centre_is_the_mean() {
    let quantiser = RaBitQuantiser::train(Metric::L2, 2, &[1.0, 2.0, 3.0, 6.0]);
    assert_eq!(quantiser.centre, [2.0, 4.0]);
    let mut decoded = [0.0; 2];
    quantiser.add_decoded(&quantiser.encode(&[2.0, 4.0]), &mut decoded);
    assert_eq!(decoded, [2.0, 4.0]);
    assert_eq!(RaBitQuantiser::train(Metric::L2, 2, &[]).centre, [0.0; 2]);
}

/// Without rounding of the query, an estimate is that of the decoded residual.
#[test]
fn estimates_follow_from_the_decoded_vectors() {
    for d in [1, 7, 8, 9, 64] {
        let quantiser = RaBitQuantiser { qb: 0, ..RaBitQuantiser::train(Metric::L2, d, &rows(100, d, 1)) };
        let (vectors, query) = (rows(20, d, 2), rows(1, d, 3));
        let codes = quantiser.encode(&vectors);
        let mut out = vec![0.0; 20];
        quantiser.query(&query).distances(&codes, &mut out);
        for ((vector, code), out) in vectors.chunks(d).zip(codes.chunks(quantiser.code_size())).zip(&out) {
            let mut decoded = vec![0.0; d];
            quantiser.add_decoded(code, &mut decoded);
            let product: f32 =
                (0..d).map(|j| (query[j] - quantiser.centre[j]) * (decoded[j] - quantiser.centre[j])).sum();
            let norms = squared_l2(vector, &quantiser.centre) + squared_l2(&query, &quantiser.centre);
            let expected = (norms - 2.0 * product).max(0.0);
            assert!((out - expected).abs() < 1e-4 * norms.max(1.0), "{d}: {out} for {expected}");
        }
    }
}

#[test]
fn rounded_queries_are_near_unrounded_ones() {
    let d = 64;
    let exact = RaBitQuantiser { qb: 0, ..RaBitQuantiser::train(Metric::L2, d, &rows(100, d, 1)) };
    let codes = exact.encode(&rows(50, d, 2));
    let estimate = |qb| {
        let mut out = vec![0.0; 50];
        RaBitQuantiser { qb, ..exact.clone() }.query(&rows(1, d, 3)).distances(&codes, &mut out);
        out
    };
    for (qb, tolerance) in [(8, 0.5), (4, 8.0)] {
        let near = estimate(qb).iter().zip(estimate(0)).all(|(a, b)| (a - b).abs() < tolerance);
        assert!(near, "{qb} bits");
    }
    // Equal components have no range to round in.
    let mut out = vec![f32::NAN; 50];
    RaBitQuantiser { qb: 4, ..exact.clone() }.query(&exact.centre).distances(&codes, &mut out);
    assert!(out.iter().all(|distance| distance.is_finite()));
}
