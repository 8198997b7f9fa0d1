//! Exact confidence intervals of shares (Clopper and Pearson 1934, *The use of confidence or fiducial limits illustrated in
//! the case of the binomial*).

/// Interval of a share at 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Probability outside the interval on either side.
const OUTSIDE: f64 = 0.025;
/// Halvings of the bracket of a bound; the bracket ends at the resolution of float64.
const HALVINGS: usize = 60;
/// Share of a sum from which on a term changes nothing in float64.
const NEGLIGIBLE: f64 = 1e-18;

/// Returns the 95 % interval of a share of which `count` of `n` independent trials are known. Without trials it is [0, 1].
///
/// Its bounds are the shares at which so few, or so many, would be seen with a probability of 2.5 %.
///
/// # Panics
/// If `count` is above `n`.
///
/// ```
/// use active_index_find::binomial::clopper_pearson;
///
/// let never = clopper_pearson(0, 10_000);
/// assert_eq!(never.low, 0.0);
/// assert!((never.high - 3.688e-4).abs() < 1e-6, "about 3.7 / n: the rule of three, for two sides");
/// ```
pub fn clopper_pearson(count: usize, n: usize) -> Interval {
    assert!(count <= n, "{count} of {n} trials");
    // P(X <= count - 1) falls as the share rises, and P(X <= count) too.
    let low = if count == 0 { 0.0 } else { share_at(count - 1, n, 1.0 - OUTSIDE) };
    let high = if count == n { 1.0 } else { share_at(count, n, OUTSIDE) };
    Interval { low, high }
}

/// Returns the share at which at most `count` of `n` trials succeed with a probability of `target`.
fn share_at(count: usize, n: usize, target: f64) -> f64 {
    let ways = log_ways(count, n);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if at_most(count, n, ways, middle) > target { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Returns the logarithm of the number of ways to choose `count` of `n`.
fn log_ways(count: usize, n: usize) -> f64 {
    let fewer = count.min(n - count);
    (1..=fewer).map(|i| ((n - fewer + i) as f64 / i as f64).ln()).sum()
}

/// Returns the probability that at most `count` of `n` trials succeed, each with probability `share` in (0, 1). `ways` is
/// [`log_ways`]. Terms are added from `count` down, until they are too small to matter.
fn at_most(count: usize, n: usize, ways: f64, share: f64) -> f64 {
    let (success, failure) = (share.ln(), (-share).ln_1p());
    // Logarithm of the probability of exactly i successes.
    let mut log = ways + count as f64 * success + (n - count) as f64 * failure;
    let mut sum = log.exp();
    for i in (1..=count).rev() {
        let step = (i as f64 / (n - i + 1) as f64).ln() + failure - success;
        log += step;
        let term = log.exp();
        sum += term;
        if step < 0.0 && term <= NEGLIGIBLE * sum {
            break;
        }
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of SciPy 1.17.1, `scipy.stats.binomtest(count, n).proportion_ci()`, whose default method is the exact one.
    #[test]
    fn intervals_are_those_of_scipy() {
        for (count, n, low, high) in [
            (0, 1, 0.0, 0.975),
            (0, 30, 0.0, 0.11570330822202743),
            (1, 1, 0.025000000000000022, 1.0),
            (1, 30, 0.0008435709266493071, 0.17216945563341293),
            (15, 30, 0.3129702858679498, 0.6870297141320502),
            (3, 10_000, 6.187148574832521e-05, 0.0008764745225646691),
            (87, 3000, 0.02329157205001019, 0.035649696731663016),
            (1500, 3000, 0.48194876932676795, 0.5180512306732321),
            (2990, 3000, 0.9938784522215535, 0.9984004154496271),
            (5000, 100_000, 0.04865725520723964, 0.05136892088058044),
        ] {
            let found = clopper_pearson(count, n);
            assert!((found.low - low).abs() < 1e-9, "{count} of {n}: {found:?}, expected {low}");
            assert!((found.high - high).abs() < 1e-9, "{count} of {n}: {found:?}, expected {high}");
        }
    }

    #[test]
    fn intervals_mirror_and_contain_the_share() {
        assert_eq!(clopper_pearson(0, 0), Interval { low: 0.0, high: 1.0 });
        for n in [1, 7, 40] {
            for count in 0..=n {
                let (own, mirrored) = (clopper_pearson(count, n), clopper_pearson(n - count, n));
                assert!((own.low - (1.0 - mirrored.high)).abs() < 1e-12, "{count} of {n}");
                let share = count as f64 / n as f64;
                assert!(own.low <= share && share <= own.high, "{count} of {n}: {own:?}");
            }
        }
    }

    #[test]
    fn many_trials_are_as_exact_as_few() {
        let (rare, frequent) = (clopper_pearson(1_000, 1_000_000), clopper_pearson(999_000, 1_000_000));
        assert!((rare.low - (1.0 - frequent.high)).abs() < 1e-11, "{rare:?} {frequent:?}");
        // The normal law is near: 0.001 -+ 1.96 * sqrt(0.001 / 1e6), and 1.3e-6 beside it.
        assert!((rare.low - 0.000_938).abs() < 3e-6 && (rare.high - 0.001_062).abs() < 3e-6, "{rare:?}");
    }
}
