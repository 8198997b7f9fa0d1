//! Maximum of a function of one variable by golden sections (Kiefer 1953).

/// Sections, each of which leaves .618 of the interval: `.618^48 = 1e-10`.
const SECTIONS: usize = 48;

/// Place and value of the largest value of `f` between `low` and `high`, if `f` rises to it and falls behind it.
pub fn maximum(low: f64, high: f64, mut f: impl FnMut(f64) -> f64) -> (f64, f64) {
    let ratio = 2.0 / (1.0 + 5f64.sqrt());
    let (mut low, mut high) = (low, high);
    let inner = |low: f64, high: f64| (high - ratio * (high - low), low + ratio * (high - low));
    let (mut left, mut right) = inner(low, high);
    let (mut at_left, mut at_right) = (f(left), f(right));
    for _ in 0..SECTIONS {
        if at_left >= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = inner(low, high).0;
            at_left = f(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = inner(low, high).1;
            at_right = f(right);
        }
    }
    if at_left >= at_right { (left, at_left) } else { (right, at_right) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_parabola_is_found_inside_and_at_the_ends() {
        for top in [-3.0, -0.2, 1.7, 4.0] {
            let (place, value) = maximum(-3.0, 4.0, |x| 5.0 - (x - top) * (x - top));
            assert!((place - top).abs() < 1e-6 && (value - 5.0).abs() < 1e-9, "{place} {value} for {top}");
        }
    }
}
