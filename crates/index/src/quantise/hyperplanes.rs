//! Hyperplanes of `LSH` codes, and their preimages under transforms.

use burn::tensor::Device;

use crate::{error::Result, quantise::transform::Transform};

/// Hyperplanes of dimension `d`; a vector `x` is on the positive side where `normals_j . x >= offsets_j`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hyperplanes {
    /// Normals of any length, row-major `[nbits, d]`.
    pub normals: Vec<f32>,
    /// Offsets `[nbits]`.
    pub offsets: Vec<f32>,
}

/// Sides of hyperplanes that vectors lie on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sides {
    pub planes: Hyperplanes,
    /// Row-major `[n, nbits]`: 1 on the positive side, -1 on the other.
    pub wanted: Vec<f32>,
}

impl Hyperplanes {
    /// Pulls the hyperplanes back through `transform`, to vectors that have not passed it yet:
    /// `n . (A x + b) >= o` is `(n A) . x >= o - n . b`, and normalisation keeps the sides of hyperplanes
    /// through the origin. `None` if normalisation would bend a hyperplane: one that misses the origin
    /// becomes a cone.
    pub fn before(self, transform: &Transform, device: &Device) -> Result<Option<Self>> {
        let Some(linear) = transform.as_linear() else {
            return Ok(Some(self).filter(|planes| planes.offsets.iter().all(|&offset| offset == 0.0)));
        };
        let normals = linear.pull_back(&self.normals, device)?;
        let shift = |normal: &[f32]| -> f64 {
            normal.iter().zip(linear.b()).map(|(&n, &b)| f64::from(n) * f64::from(b)).sum()
        };
        let rows = self.normals.chunks_exact(linear.d_out()).zip(&self.offsets);
        let offsets = rows.map(|(normal, &offset)| (f64::from(offset) - shift(normal)) as f32).collect();
        Ok(Some(Self { normals, offsets }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantise::transform::{Linear, Normalise};

    #[test]
    fn a_linear_map_is_composed_and_normalisation_keeps_the_origin() {
        let device = Device::flex();
        let planes = Hyperplanes { normals: vec![1.0, 2.0, 0.0, -1.0], offsets: vec![0.5, 0.0] };
        let linear = Linear::new(3, vec![1.0, 0.0, 3.0, 0.0, 2.0, 1.0], vec![10.0, 20.0]).expect("fits");
        let before = planes.clone().before(&Transform::Linear(linear), &device).expect("multiplies");
        let normals = vec![1.0, 4.0, 5.0, 0.0, -2.0, -1.0];
        assert_eq!(before, Some(Hyperplanes { normals, offsets: vec![-49.5, 20.0] }));

        let normalise = Transform::Normalise(Normalise::new(2, 2.0).expect("supported"));
        assert_eq!(planes.clone().before(&normalise, &device).expect("no failure"), None);
        let central = Hyperplanes { offsets: vec![0.0, -0.0], ..planes };
        assert_eq!(central.clone().before(&normalise, &device).expect("no failure"), Some(central));
    }
}
