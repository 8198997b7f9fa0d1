//! Adaptive non-maximal suppression: strong corners, spread over the picture.
//!
//! Brown, Szeliski, Winder: *Multi-image matching using multi-scale oriented patches*, CVPR 2005, section 3. A corner is
//! as good as its distance to the nearest corner that is clearly stronger.

use super::corners::Corner;

/// A stronger corner suppresses where this share of its strength exceeds the other's (the paper's c).
const ROBUST: f32 = 0.9;
/// Candidates for each corner that is kept; the weakest are left out, which bounds the time.
const CANDIDATES: usize = 4;

/// Keeps at most `most` corners, best first.
pub(super) fn spread(mut corners: Vec<Corner>, most: usize) -> Vec<Corner> {
    // Equal strengths keep the order of rows, so that the choice is the same everywhere.
    corners.sort_by(|a, b| b.strength.total_cmp(&a.strength));
    corners.truncate(CANDIDATES * most);
    if corners.len() <= most {
        return corners;
    }
    let mut radii: Vec<(usize, usize)> = (0..corners.len()).map(|i| (radius(&corners, i), i)).collect();
    radii.sort_by_key(|&(radius, i)| (std::cmp::Reverse(radius), i));
    radii.truncate(most);
    radii.into_iter().map(|(_, i)| corners[i]).collect()
}

/// Squared distance to the nearest corner that suppresses corner `i` of corners by falling strength.
fn radius(corners: &[Corner], i: usize) -> usize {
    let corner = corners[i];
    let stronger = corners[..i].iter().take_while(|other| ROBUST * other.strength > corner.strength);
    stronger
        .map(|other| squared(corner.x.abs_diff(other.x), corner.y.abs_diff(other.y)))
        .min()
        .unwrap_or(usize::MAX)
}

fn squared(x: usize, y: usize) -> usize {
    x * x + y * y
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corner(x: usize, y: usize, strength: f32) -> Corner {
        Corner { x, y, strength, offset: [0.0; 2] }
    }

    #[test]
    fn a_lone_corner_wins_over_a_stronger_one_in_a_crowd() {
        let corners = vec![corner(10, 10, 9.0), corner(11, 10, 5.0), corner(90, 90, 2.0)];
        let places: Vec<_> = spread(corners, 2).iter().map(|corner| corner.x).collect();
        assert_eq!(places, [10, 90]);
    }

    #[test]
    fn few_corners_are_all_kept() {
        assert_eq!(spread(vec![corner(1, 1, 1.0)], 5).len(), 1);
        assert_eq!(spread(vec![corner(1, 1, 1.0)], 0).len(), 0);
    }
}
