//! Verdicts and chances in words.

use find::{
    Verdict,
    report::{Match, Seen},
};

/// Chance of an E-value in one sentence.
pub fn chance(e_value: f64) -> String {
    if e_value >= 0.01 {
        return format!(
            "By chance alone, about {e_value:.2} entries of this collection would look this much like it."
        );
    }
    let share = match 1.0 / e_value.max(0.0) {
        pictures if pictures < 1e15 => format!("About 1 in {}", magnitude(pictures)),
        _ => "Fewer than 1 in a quadrillion".to_owned(),
    };
    format!("{share} unrelated pictures would find an entry that looks this much like it by chance.")
}

/// Number of one digit with the name of its magnitude: `300 billion`.
fn magnitude(number: f64) -> String {
    const NAMES: [(f64, &str); 5] =
        [(1e15, " quadrillion"), (1e12, " trillion"), (1e9, " billion"), (1e6, " million"), (1e3, ",000")];
    let ten = 10f64.powf(number.log10().floor());
    let rounded = (number / ten).round() * ten;
    // A power of ten may come out a little below itself.
    let name = NAMES.iter().find(|(size, _)| rounded >= size * (1.0 - 1e-9));
    name.map_or_else(|| format!("{rounded:.0}"), |(size, name)| format!("{:.0}{name}", rounded / size))
}

/// Number of lookups of which chance alone gives one as much, in one sentence.
pub fn lookups(e_value: f64) -> String {
    match 1.0 / e_value.max(0.0) {
        lookups if lookups < 1.5 => {
            "By chance alone, nearly every lookup finds something as like.".to_owned()
        }
        lookups if lookups < 1e15 => {
            format!("By chance alone, one lookup in {} finds something as like.", magnitude(lookups))
        }
        _ => "Chance alone does not explain it.".to_owned(),
    }
}

/// Outcome of comparing the pictures, in one sentence.
pub fn comparison(found: &Match) -> String {
    let Some(Seen { inliers, flat, place, .. }) = &found.seen else {
        return "The pictures could not be compared point by point.".to_owned();
    };
    match place {
        Some(place) if found.verdict == Verdict::Match => {
            let turn = match place.degrees.round() as i32 {
                0 => String::new(),
                degrees => format!(", turned by {degrees} degrees"),
            };
            let mirrored = if place.mirrored { ", mirrored" } else { "" };
            format!("{inliers} points of both lie at the same places{turn}{mirrored}.")
        }
        _ if *flat => "One of the pictures has too little detail to compare points.".to_owned(),
        _ => "Compared point by point, the pictures do not agree.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magnitudes_have_one_digit_and_a_name() {
        for (number, text) in [
            (100.0, "100"),
            (999.0, "1,000"),
            (1000.0, "1,000"),
            (4321.0, "4,000"),
            (250_000.0, "300,000"),
            (1e6, "1 million"),
            (3.3e11, "300 billion"),
            (9.7e11, "1 trillion"),
            (1e12, "1 trillion"),
            (1e15, "1 quadrillion"),
        ] {
            assert_eq!(magnitude(number), text);
        }
    }

    #[test]
    fn every_e_value_has_a_sentence() {
        assert!(chance(0.25).contains("about 0.25 entries"));
        assert!(chance(3e-12).starts_with("About 1 in 300 billion unrelated"));
        for none in [0.0, 1e-300, -1.0] {
            assert!(chance(none).starts_with("Fewer than 1 in a quadrillion"), "{none}");
        }
    }

    #[test]
    fn chance_is_told_by_the_number_of_lookups() {
        for (e_value, text) in [
            (1.0, "nearly every lookup"),
            (0.75, "nearly every lookup"),
            (0.25, "one lookup in 4 finds"),
            (0.1045, "one lookup in 10 finds"),
            (2e-7, "one lookup in 5 million finds"),
            (0.0, "does not explain it"),
        ] {
            assert!(lookups(e_value).contains(text), "{e_value}: {}", lookups(e_value));
        }
    }
}
