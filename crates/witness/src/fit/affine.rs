//! Affine maps of the plane, and their least-squares fits.

/// Map `[[a, b, c], [d, e, f]]`: (x, y) to (a x + b y + c, d x + e y + f).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Affine(pub [[f64; 3]; 2]);

/// A place and the place it is to go to.
pub(crate) type Places = [[f64; 2]; 2];

/// Places with the weight of their squared error.
pub(crate) type Weighted = (Places, f64);

impl Affine {
    /// Scales by axis.
    pub fn scaling([x, y]: [f64; 2]) -> Self {
        Self([[x, 0.0, 0.0], [0.0, y, 0.0]])
    }

    /// Mirrors a picture of this width left to right.
    pub fn mirror(width: f64) -> Self {
        Self([[-1.0, 0.0, width], [0.0, 1.0, 0.0]])
    }

    /// Similarity that multiplies by the complex number and takes `from` to `to`.
    pub fn similarity([re, im]: [f64; 2], [from, to]: Places) -> Self {
        let linear = Self([[re, -im, 0.0], [im, re, 0.0]]);
        let [x, y] = linear.apply(from);
        Self([[re, -im, to[0] - x], [im, re, to[1] - y]])
    }

    /// Image of a point.
    #[inline(always)]
    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        self.0.map(|[a, b, c]| a * x + b * y + c)
    }

    /// Map that applies `first` and then `self`.
    pub fn after(&self, first: &Self) -> Self {
        let [[a, b, c], [d, e, f]] = first.0;
        Self(self.0.map(|[x, y, z]| [x * a + y * d, x * b + y * e, x * c + y * f + z]))
    }

    /// Factor of areas; negative where the map mirrors.
    pub fn determinant(&self) -> f64 {
        let [[a, b, _], [d, e, _]] = self.0;
        a * e - b * d
    }

    /// Inverse map, of a determinant that is not 0.
    pub fn inverse(&self) -> Self {
        let [[a, b, c], [d, e, f]] = self.0;
        let by = 1.0 / self.determinant();
        let [[a, b], [d, e]] = [[e * by, -b * by], [-d * by, a * by]];
        Self([[a, b, -(a * c + b * f)], [d, e, -(d * c + e * f)]])
    }

    /// Complex number of the nearest similarity (least squares), for a map that does not mirror.
    pub fn turn(&self) -> [f64; 2] {
        let [[a, b, _], [d, e, _]] = self.0;
        [0.5 * (a + e), 0.5 * (d - b)]
    }

    /// Larger and smaller stretch, the singular values.
    pub fn stretches(&self) -> [f64; 2] {
        let [[a, b, _], [d, e, _]] = self.0;
        let (p, q) = ((a + e).hypot(d - b), (a - e).hypot(d + b));
        [0.5 * (p + q), 0.5 * (p - q).abs()]
    }

    /// Similarity of least squares (Umeyama, PAMI 13(4), 1991, in the plane). `None` for fewer than two places.
    pub fn fit_similarity(pairs: &[Weighted]) -> Option<Self> {
        let centre = centre(pairs)?;
        let [mut re, mut im, mut square] = [0.0; 3];
        for (places, weight) in pairs {
            let [[x, y], [u, v]] = centred(places, &centre);
            re += weight * (x * u + y * v);
            im += weight * (x * v - y * u);
            square += weight * (x * x + y * y);
        }
        (square > 0.0).then(|| Self::similarity([re / square, im / square], centre))
    }

    /// Affine map of least squares. `None` where the places lie on a line.
    pub fn fit(pairs: &[Weighted]) -> Option<Self> {
        let centre = centre(pairs)?;
        let [mut xx, mut xy, mut yy] = [0.0; 3];
        let mut targets = [[0.0; 2]; 2];
        for (places, weight) in pairs {
            let [[x, y], to] = centred(places, &centre);
            let (wx, wy) = (weight * x, weight * y);
            xx += wx * x;
            xy += wx * y;
            yy += wy * y;
            [0, 1]
                .into_iter()
                .for_each(|i| targets[i] = [targets[i][0] + to[i] * wx, targets[i][1] + to[i] * wy]);
        }
        let determinant = xx * yy - xy * xy;
        if determinant <= 1e-6 * (xx + yy).powi(2) {
            return None;
        }
        let solve = |[p, q]: [f64; 2]| [(p * yy - q * xy) / determinant, (q * xx - p * xy) / determinant];
        let [from, to] = centre;
        let row = |i: usize| {
            let [a, b] = solve(targets[i]);
            [a, b, to[i] - a * from[0] - b * from[1]]
        };
        Some(Self([row(0), row(1)]))
    }
}

/// Weighted means of both sides.
fn centre(pairs: &[Weighted]) -> Option<Places> {
    let total: f64 = pairs.iter().map(|(_, weight)| weight).sum();
    let mean = |side: usize, axis: usize| {
        pairs.iter().map(|(places, w)| w * places[side][axis]).sum::<f64>() / total
    };
    (total > 0.0).then(|| std::array::from_fn(|side| std::array::from_fn(|axis| mean(side, axis))))
}

fn centred(pair: &Places, centre: &Places) -> Places {
    std::array::from_fn(|side| std::array::from_fn(|axis| pair[side][axis] - centre[side][axis]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: Affine = Affine([[1.2, -0.4, 30.0], [0.5, 0.9, -7.0]]);
    const FROM: [[f64; 2]; 5] = [[0.0, 0.0], [10.0, 3.0], [-4.0, 80.0], [33.0, -21.0], [7.0, 7.0]];

    fn assert_near(a: Affine, b: Affine) {
        assert!(
            a.0.as_flattened().iter().zip(b.0.as_flattened()).all(|(a, b)| (a - b).abs() < 1e-9),
            "{a:?} {b:?}"
        );
    }

    #[test]
    fn exact_places_give_the_map_back() {
        assert_near(
            Affine::fit(&FROM.map(|from| ([from, MAP.apply(from)], 0.1 + from[0].abs()))).expect("no line"),
            MAP,
        );
        let similarity = Affine::similarity([0.6, -1.1], [[1.0, 2.0], [5.0, 4.0]]);
        let pairs = FROM.map(|from| ([from, similarity.apply(from)], 3.0));
        assert_near(Affine::fit_similarity(&pairs).expect("two places"), similarity);
        assert_near(Affine::fit(&pairs).expect("no line"), similarity);
        assert!((similarity.turn()[0] - 0.6).abs() < 1e-12 && (similarity.turn()[1] + 1.1).abs() < 1e-12);
    }

    #[test]
    fn places_on_a_line_have_no_affine_map() {
        let pairs: Vec<Weighted> = (0..9).map(|i| ([[f64::from(i); 2], [f64::from(i), 0.0]], 1.0)).collect();
        assert_eq!(Affine::fit(&pairs), None);
        assert_eq!(Affine::fit_similarity(&[([[1.0; 2]; 2], 1.0); 3]), None);
        assert_eq!(Affine::fit(&[]), None);
    }

    #[test]
    fn weights_are_those_of_repeated_places() {
        let moved = |i: usize, by: f64| [FROM[i], [MAP.apply(FROM[i])[0] + by, MAP.apply(FROM[i])[1]]];
        let places = [moved(0, 1.0), moved(1, -2.0), moved(2, 0.5), moved(3, 0.0), moved(4, 3.0)];
        let weighted: Vec<Weighted> =
            places.iter().zip([1.0, 2.0, 3.0, 1.0, 2.0]).map(|(&p, w)| (p, w)).collect();
        let repeated = [0, 1, 1, 2, 2, 2, 3, 4, 4].map(|i: usize| (places[i], 1.0));
        assert_near(Affine::fit(&weighted).expect("no line"), Affine::fit(&repeated).expect("no line"));
        let similarity = |pairs: &[Weighted]| Affine::fit_similarity(pairs).expect("two places");
        assert_near(similarity(&weighted), similarity(&repeated));
    }

    #[test]
    fn inverses_and_products_agree() {
        assert_near(MAP.after(&MAP.inverse()), Affine::scaling([1.0; 2]));
        let mirrored = MAP.after(&Affine::mirror(50.0));
        assert_eq!(mirrored.apply([20.0, 5.0]), MAP.apply([30.0, 5.0]));
        assert!((mirrored.determinant() + MAP.determinant()).abs() < 1e-12);
    }

    #[test]
    fn stretches_are_singular_values() {
        let [large, small] = MAP.stretches();
        assert!((large * small - MAP.determinant()).abs() < 1e-12);
        let squares = 1.2f64.powi(2) + 0.4 * 0.4 + 0.25 + 0.81;
        assert!((large * large + small * small - squares).abs() < 1e-12);
    }
}
