//! E-values of two kinds of evidence together.

/// Share of the queries without a match that show a result with an E-value of at most `e`: `1 - exp(-e)`, because the number
/// of unrelated entries that pass is a Poisson variable of mean `e` (Karlin & Altschul 1990, eq. 5).
pub fn promised_share(e: f64) -> f64 {
    -(-e.max(0.0)).exp_m1()
}

/// Expected number of unrelated entries with as much evidence of cosine and witness together as one whose cosine has the
/// E-value `cosine_e` and whose comparison unrelated pairs reach with `probability`.
///
/// Evidence is the product `x = cosine_e * probability` (Fisher 1932, section 21.1). Two chances to be extreme make small
/// products more frequent than each of the two, which is made up for as follows. The E-values of a query's unrelated entries
/// are a Poisson process of rate 1, of which the first `trials` are compared. If cosine and comparison are independent among
/// the unrelated entries that are compared, the expected number with a product of at most `x` is
/// `x + integral of P(probability <= x / a) da from x to trials`. The probability of a comparison is 1 but for a `share` of
/// the pairs, among which it is uniform in `0..share`; so for `x < share * trials` the number is
/// `x (2 - share + ln(share * trials / x))`, and `x + share (trials - x)` up to `trials`.
///
/// The law of the comparisons must hold for near entries, those that are compared: it is measured on such.
pub fn combined(cosine_e: f64, probability: f64, share: f64, trials: f64) -> f64 {
    if cosine_e >= trials && probability >= 1.0 {
        return cosine_e;
    }
    let product = (cosine_e.min(trials) * probability).max(f64::MIN_POSITIVE);
    if product < share * trials {
        product * (2.0 - share + (share * trials / product).ln())
    } else {
        product + share * (trials - product)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    /// Share of simulated queries without a match that show an E-value of at most `e`.
    fn seen(e: f64, share: f64, trials: usize) -> f64 {
        let mut rng = StdRng::seed_from_u64(5);
        let queries = 40_000;
        let shows = |rng: &mut StdRng| {
            let mut cosine_e = 0.0;
            for _ in 0..trials {
                cosine_e -= (1.0 - rng.random::<f64>()).ln();
                let uniform = rng.random::<f64>();
                let probability = if uniform < share { uniform } else { 1.0 };
                if combined(cosine_e, probability, share, trials as f64) <= e {
                    return true;
                }
            }
            false
        };
        (0..queries).filter(|_| shows(&mut rng)).count() as f64 / f64::from(queries)
    }

    #[test]
    fn queries_without_a_match_show_results_as_often_as_promised() {
        for (share, trials) in [(0.01, 40), (0.1, 10), (0.001, 100)] {
            for e in [0.003, 0.01, 0.1, 1.0] {
                let (seen, promised) = (seen(e, share, trials), promised_share(e));
                let deviation = (promised * (1.0 - promised) / 40_000.0).sqrt();
                // A fixed number of entries is compared, where the derivation bounds their E-values: a fiftieth at most.
                let most = 4.0 * deviation + 0.02 * promised;
                assert!((seen - promised).abs() < most, "{seen} for {promised}: {share} {trials}");
            }
        }
    }

    #[test]
    fn more_evidence_never_raises_the_e_value() {
        let mut before = f64::INFINITY;
        for step in 0..400 {
            let cosine_e = 10f64.powf(3.0 - f64::from(step) / 20.0);
            let e = combined(cosine_e, 1.0, 0.01, 40.0);
            assert!(e <= before && e >= cosine_e, "{e} at {cosine_e}");
            assert!(combined(cosine_e, 1e-4, 0.01, 40.0) <= e);
            before = e;
        }
    }

    #[test]
    fn without_comparisons_the_cosine_alone_counts() {
        for cosine_e in [1e-6, 0.5, 30.0] {
            assert_eq!(combined(cosine_e, 1.0, 0.01, 0.0), cosine_e);
        }
    }

    #[test]
    fn few_results_are_promised_for_small_e_values() {
        assert!((promised_share(0.001) / 0.001 - 1.0).abs() < 1e-3);
        assert!((promised_share(1.0) - 0.632).abs() < 1e-3);
        assert_eq!(promised_share(f64::INFINITY), 1.0);
    }
}
