//! Every level compared with the specification, and the specification with double precision.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simd::Level;

use super::*;

const SIZES: [usize; 14] = [0, 1, 3, 7, 8, 15, 16, 17, 31, 64, 65, 127, 200, 513];
const FORMS: [Form; 2] = [Form::SquaredL2, Form::InnerProduct];

fn floats(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Bits of the values, because NaN is not equal to itself.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn codes(row: &[f32]) -> (f64, Vec<i64>) {
    let scale = row.iter().fold(0.0f32, |largest, x| largest.max(x.abs())) / 127.0;
    (f64::from(scale), row.iter().map(|x| (x / scale).round_ties_even() as i64).collect())
}

#[test]
fn int8_products_are_the_same_integers_at_every_level() {
    for (n, k, d) in
        [(1, 1, 1), (1, 100, 65), (2, 33, 7), (3, 130, 16), (5, 16, 4), (25, 49, 31), (13, 513, 64)]
    {
        let (rows, queries) = (floats(k * d, 1), floats(n * d, 2));
        let panels = Int8Panels::new(&rows, d).expect("small");
        let quantised = Int8Queries::new(Level::detected(), &queries, d);
        let mut expected = Vec::new();
        for query in queries.chunks(d) {
            let query = codes(query).1;
            let product = |row| codes(row).1.iter().zip(&query).map(|(a, b)| a * b).sum::<i64>() as i32;
            expected.extend(rows.chunks(d).map(product));
        }
        for level in Level::available() {
            let mut out = vec![0; n * k];
            panels.products(level, &quantised, &mut out);
            assert_eq!(out, expected, "{level:?} {n} {k} {d}");
        }
    }
}

#[test]
fn queries_are_quantised_alike_at_every_level() {
    for d in SIZES.into_iter().filter(|&d| d > 0) {
        let queries = floats(3 * d, 8);
        let expected = Int8Queries::new(Level::SCALAR, &queries, d);
        for level in Level::available() {
            assert_eq!(Int8Queries::new(level, &queries, d), expected, "{level:?} {d}");
        }
    }
}

#[test]
fn extreme_int8_products_do_not_saturate() {
    let d = 4096;
    let mut rows = vec![1.0; 2 * d];
    rows[d..].fill(-1.0);
    let panels = Int8Panels::new(&rows, d).expect("small");
    let queries = Int8Queries::new(Level::detected(), &rows, d);
    let most = 127 * 127 * d as i32;
    for level in Level::available() {
        let mut out = [0; 4];
        panels.products(level, &queries, &mut out);
        assert_eq!(out, [most, -most, -most, most], "{level:?}");
    }
}

#[test]
fn int8_norms_bound_the_errors() {
    for (scale, d) in [(1.0, 1), (1e-6, 17), (1e18, 64), (1e-20, 513), (1e-42, 9), (0.0, 5)] {
        let rows: Vec<f32> = floats(20 * d, 3).iter().map(|x| x * scale).collect();
        let (panels, queries) =
            (Int8Panels::new(&rows, d).expect("small"), Int8Queries::new(Level::detected(), &rows, d));
        let mut products = vec![0; 400];
        panels.products(Level::SCALAR, &queries, &mut products);
        for (i, query) in rows.chunks(d).enumerate() {
            for (c, row) in rows.chunks(d).enumerate() {
                let exact: f64 = query.iter().zip(row).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                let scales = f64::from(queries.scales[i]) * f64::from(panels.scales[c]);
                let error = (exact - scales * f64::from(products[i * 20 + c])).abs();
                let bound = f64::from(queries.error_norms[i]) * f64::from(panels.code_norms[c])
                    + f64::from(queries.norms[i]) * f64::from(panels.error_norms[c]);
                assert!(error <= bound, "{error} {bound}, scale {scale}, d {d}");
            }
        }
    }
}

#[test]
fn f32_products_stay_within_their_bound() {
    for (n, k, d) in
        [(0, 5, 3), (1, 1, 1), (1, 100, 65), (2, 33, 7), (3, 130, 16), (25, 49, 31), (13, 513, 64)]
    {
        let (rows, queries) = (floats(k * d, 1), floats(n * d, 2));
        let panels = F32Panels::new(&rows, d);
        for level in Level::available() {
            let mut out = vec![f32::NAN; n * k];
            panels.products(level, &queries, &mut out);
            for (i, &found) in out.iter().enumerate() {
                let (query, row) = (&queries[i / k * d..][..d], &rows[i % k * d..][..d]);
                let terms = || query.iter().zip(row).map(|(&a, &b)| f64::from(a) * f64::from(b));
                let bound = d as f64 * f64::from(f32::EPSILON) * terms().map(f64::abs).sum::<f64>();
                let error = (f64::from(found) - terms().sum::<f64>()).abs();
                assert!(error <= bound, "{level:?} {n} {k} {d}: {error} {bound}");
            }
        }
    }
}

#[test]
fn distances_are_the_same_bits_at_every_level() {
    for d in SIZES {
        let (query, rows) = (floats(d, 1), floats(5 * d, 2));
        let mut stored = bytes(&rows);
        stored.insert(0, 0);
        for form in FORMS {
            let mut expected = vec![0.0; 5];
            many(Level::SCALAR, form, &query, &rows, &mut expected);
            for level in Level::available() {
                let (mut direct, mut unaligned) = (vec![0.0; 5], vec![0.0; 5]);
                many(level, form, &query, &rows, &mut direct);
                many_bytes(level, form, &query, &stored[1..], &mut unaligned);
                assert_eq!(bits(&direct), bits(&expected), "{level:?} {form:?} {d}");
                assert_eq!(bits(&unaligned), bits(&expected), "{level:?} {form:?} {d}");
                assert_eq!(one(level, form, &query, &rows[4 * d..]).to_bits(), expected[4].to_bits());
            }
        }
    }
}

#[test]
fn distances_agree_with_double_precision() {
    for d in SIZES {
        let (a, b) = (floats(d, 5), floats(d, 6));
        let sum = |term: fn(f64, f64) -> f64| -> f64 {
            a.iter().zip(&b).map(|(&a, &b)| term(f64::from(a), f64::from(b))).sum()
        };
        let l2 = sum(|a, b| (a - b) * (a - b));
        let ip = sum(|a, b| a * b);
        let tolerance = d as f64 * f64::from(f32::EPSILON);
        assert!((f64::from(one(Level::SCALAR, Form::SquaredL2, &a, &b)) - l2).abs() <= 4.0 * tolerance);
        assert!((f64::from(one(Level::SCALAR, Form::InnerProduct, &a, &b)) - ip).abs() <= tolerance);
    }
}

#[test]
fn pq_sums_follow_the_order_of_the_parts() {
    for m in [0, 1, 3, 4, 7, 8, 16, 17, 32, 64, 65] {
        let table = floats(m * 256, 1);
        for n in SIZES {
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            let codes: Vec<u8> = (0..n * m).map(|_| rng.random()).collect();
            let mut out = vec![0.0; n];
            pq8_scan(&table, 0.25, &codes, &mut out);
            for (i, &found) in out.iter().enumerate() {
                let sum = (0..m).fold(0.25f32, |sum, j| sum + table[j * 256 + usize::from(codes[i * m + j])]);
                assert_eq!(found.to_bits(), sum.to_bits(), "m {m}, n {n}");
            }
        }
    }
}

#[test]
fn added_tables_are_the_same_bits_at_every_level() {
    for n in SIZES {
        let (base, other) = (floats(n, 1), floats(n, 2));
        let expected: Vec<f32> = base.iter().zip(&other).map(|(a, b)| a + -2.0 * 0.3 * b).collect();
        for level in Level::available() {
            let mut out = vec![0.0; n];
            table_add(level, &base, -2.0 * 0.3, &other, &mut out);
            assert_eq!(bits(&out), bits(&expected), "{level:?} {n}");
        }
    }
}

#[test]
fn hits_are_the_values_not_above_the_threshold() {
    for n in SIZES {
        let mut values = floats(n, 4);
        values.iter_mut().skip(5).step_by(11).for_each(|value| *value = f32::NAN);
        for threshold in [-0.9, 0.1, f32::INFINITY, f32::NAN, values.first().copied().unwrap_or(0.0)] {
            let expected: Vec<u32> = (0..n).filter(|&i| values[i] <= threshold).map(|i| i as u32).collect();
            for level in Level::available() {
                let mut hits = vec![7];
                below(level, &values, threshold, &mut hits);
                assert_eq!(hits[1..], expected, "{level:?} {n} {threshold}");
            }
        }
    }
}

#[test]
fn bounds_and_minima_are_the_same_bits_at_every_level() {
    let weights = BoundWeights { offset: 1.5, product: 0.7, code_norm: 0.01, error_norm: 0.02 };
    for k in SIZES {
        let columns: Vec<Vec<f32>> = (0..4).map(|seed| floats(k, seed)).collect();
        let products: Vec<i32> = floats(k, 9).iter().map(|x| (x * 1e6) as i32).collect();
        let [scales, base, code_norms, error_norms] = [0, 1, 2, 3].map(|i| &columns[i][..]);
        let terms = BoundTerms { products: &products, scales, base, code_norms, error_norms };
        let run = |level| {
            let (mut out, mut minima) = (vec![0.0; k], vec![0.0; minima_of(k)]);
            lower_bounds(level, terms, weights, &mut out, &mut minima);
            (out, minima)
        };
        let (expected, minima) = run(Level::SCALAR);
        for (i, &minimum) in minima.iter().enumerate() {
            let set = expected.chunks(256).nth(i / 16).into_iter().flatten().skip(i % 16).step_by(16);
            assert_eq!(set.copied().fold(f32::INFINITY, f32::min), minimum);
        }
        for level in Level::available() {
            let (out, found) = run(level);
            assert_eq!((bits(&out), bits(&found)), (bits(&expected), bits(&minima)), "{level:?} {k}");
        }
    }
}

#[test]
fn the_smallest_score_is_the_first_of_equals() {
    for k in SIZES {
        let (norms, products) = (floats(k, 1), floats(k, 2));
        let score = |i: &usize| norms[*i] - 2.0 * products[*i];
        let best = (0..k).min_by(|a, b| score(a).total_cmp(&score(b)));
        let expected = best.map_or((0, f32::INFINITY), |i| (i as u32, score(&i)));
        for level in Level::available() {
            assert_eq!(argmin(level, &norms, &products), expected, "{level:?} {k}");
            let place = if k == 0 { f32::INFINITY } else { 1.0 };
            assert_eq!(argmin(level, &vec![1.0; k], &vec![0.0; k]), (0, place));
        }
    }
}
