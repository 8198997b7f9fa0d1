//! Directions of patches: the intensity centroid, in steps of a 256th of a turn.
//!
//! Rosin: *Measuring corner properties*, CVIU 73(2), 1999; section 3.2 of the ORB paper. The steps are told apart by signs
//! of cross products, because `atan2` differs between machines.

use std::sync::OnceLock;

use crate::plane::Plane;

/// Directions of a full turn. Direction `i` is the angle (i + 1/2) / 256 of a turn, from the right downwards.
pub(crate) const DIRECTIONS: usize = 256;
/// Directions of a quarter.
const QUARTER: usize = DIRECTIONS / 4;
/// Radius of the disc whose centroid counts.
const RADIUS: i32 = 15;

/// Direction of the patch around a pixel that is at least 15 pixels inside the plane.
pub(super) fn of(plane: &Plane, x: usize, y: usize) -> u8 {
    let [mut across, mut down] = [0, 0];
    for dy in -RADIUS..=RADIUS {
        let half = half_width(dy);
        let row = plane.row((y as i32 + dy) as usize);
        let row = &row[x - half as usize..=x + half as usize];
        let mut sum = 0;
        for (&level, dx) in row.iter().zip(-half..) {
            sum += i32::from(level);
            across += dx * i32::from(level);
        }
        down += dy * sum;
    }
    nearest(across, down)
}

/// Half the width of the disc at a row.
fn half_width(dy: i32) -> i32 {
    (RADIUS * RADIUS + RADIUS - dy * dy).isqrt().min(RADIUS)
}

/// Nearest direction of a vector.
fn nearest(x: i32, y: i32) -> u8 {
    // Turned into the first quarter, exactly.
    let (quarter, x, y) = match (x >= 0, y >= 0) {
        (true, true) => (0, x, y),
        (false, true) => (1, y, -x),
        (false, false) => (2, -x, -y),
        (true, false) => (3, -y, x),
    };
    let borders = &table().borders;
    let passed =
        borders.partition_point(|&[cos, sin]| f64::from(cos) * f64::from(y) >= f64::from(sin) * f64::from(x));
    (quarter * QUARTER + passed) as u8
}

/// Direction in the picture mirrored left to right.
pub(super) fn mirrored(turn: u8) -> u8 {
    const LEFT: u8 = (DIRECTIONS / 2 - 1) as u8;
    LEFT.wrapping_sub(turn)
}

/// Cosine and sine of a direction.
pub(super) fn vector(turn: u8) -> [f32; 2] {
    let [cos, sin] = table().centres[usize::from(turn) % QUARTER];
    match usize::from(turn) / QUARTER {
        0 => [cos, sin],
        1 => [-sin, cos],
        2 => [-cos, -sin],
        _ => [sin, -cos],
    }
}

/// Cosines and sines of the first quarter.
struct Table {
    /// Directions between neighbouring steps, without the axes.
    borders: Vec<[f32; 2]>,
    /// Middles of the steps.
    centres: Vec<[f32; 2]>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let all = quarter();
        let every_other =
            |first: usize| all[first..].iter().step_by(2).map(|v| v.map(|v| v as f32)).collect();
        let mut borders: Vec<_> = every_other(2);
        borders.truncate(QUARTER - 1);
        Table { borders, centres: every_other(1) }
    })
}

/// Unit vectors from one axis to the other in 128 steps, by halving angles: square roots are exact everywhere, sines are
/// not. The upper half mirrors the lower one, so that tables are symmetric in every bit.
fn quarter() -> Vec<[f64; 2]> {
    let mut all = vec![[1.0, 0.0], [0.5f64.sqrt(); 2]];
    while all.len() <= QUARTER {
        let between = all.windows(2).map(|pair| middle(pair[0], pair[1]));
        let between: Vec<_> = between.collect();
        all = all.iter().zip(&between).flat_map(|(&a, &b)| [a, b]).chain(all.last().copied()).collect();
    }
    let mirror: Vec<_> = all.iter().rev().skip(1).map(|&[cos, sin]| [sin, cos]).collect();
    all.into_iter().chain(mirror).collect()
}

/// Unit vector half way between two.
fn middle(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    let sum = [a[0] + b[0], a[1] + b[1]];
    let length = (sum[0] * sum[0] + sum[1] * sum[1]).sqrt();
    sum.map(|component| component / length)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn angle(turn: u8) -> f64 {
        (f64::from(turn) + 0.5) / 256.0 * TAU
    }

    #[test]
    fn vectors_are_cosines_and_sines() {
        for turn in 0..=255 {
            let [cos, sin] = vector(turn).map(f64::from);
            assert!(
                (cos - angle(turn).cos()).abs() < 1e-7 && (sin - angle(turn).sin()).abs() < 1e-7,
                "{turn}"
            );
        }
    }

    #[test]
    fn a_vector_has_its_own_direction() {
        for turn in 0..=255 {
            let [x, y] = [angle(turn).cos(), angle(turn).sin()].map(|v| (v * 1e6) as i32);
            assert_eq!(nearest(x, y), turn);
            assert_eq!(nearest(-x, y), mirrored(turn));
        }
        assert_eq!([nearest(5, 0), nearest(0, 5), nearest(-5, -1), nearest(1, -500)], [0, 63, 136, 192]);
    }

    #[test]
    fn mirrored_vectors_are_equal_in_every_bit() {
        for turn in 0..=255u8 {
            let [cos, sin] = vector(turn);
            assert_eq!(vector(mirrored(turn)), [-cos, sin]);
            assert_eq!(mirrored(mirrored(turn)), turn);
        }
    }

    #[test]
    fn a_patch_that_brightens_downwards_points_down() {
        let samples = (0..40 * 40).map(|i| (i / 40 * 6) as u8).collect();
        let turn = of(&Plane { width: 40, height: 40, samples }, 20, 20);
        assert!([63, 64].contains(&turn), "{turn}");
    }
}
