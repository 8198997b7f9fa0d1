//! Reading of transforms and of the index behind them.

use super::*;
use crate::{
    kinds::transformed::Transformed,
    quantise::transform::{Linear, Normalise, Pca, Transform},
};

/// Most transforms in a chain, far more than any factory string has in practice.
const MAX_TRANSFORMS: usize = 16;

impl Reader<'_, '_> {
    pub fn transformed(&mut self, depth: usize) -> Result<Transformed<Kind>> {
        let header = self.header()?;
        let count = positive("number of transforms", self.source.i32("number of transforms")?)?;
        if count > MAX_TRANSFORMS {
            return Err(Error::field("number of transforms", format!("at most {MAX_TRANSFORMS}"), count));
        }
        let mut d = header.d;
        let mut chain = Vec::new();
        for _ in 0..count {
            let transform = self.transform(d)?;
            d = transform.d_out();
            chain.push(transform);
        }
        let inner = self.index(depth - 1)?;
        let store = inner.store();
        expect("transformed index", (d, header.ntotal), (store.d(), store.ntotal()))?;
        expect("metric_type of the transformed index", header.metric, store.metric())?;
        Ok(Transformed { d: header.d, chain, inner, device: self.device.clone() })
    }

    /// Reads a transform of vectors of dimension `d`.
    fn transform(&mut self, d: usize) -> Result<Transform> {
        match self.source.fourcc("transform fourcc")? {
            LINEAR => Ok(Transform::Linear(self.linear(d)?)),
            ROTATION => Ok(Transform::Rotation(self.linear(d)?)),
            PCA => Ok(Transform::Pca(self.pca(d)?)),
            NORMALISE => {
                let norm = self.source.f32("norm of the normalisation")?;
                let [_, d_out] = self.trained_dimensions(d)?;
                expect("d_out of the normalisation", d, d_out)?;
                Normalise::new(d, norm).map(Transform::Normalise)
            }
            found => Err(unsupported_transform(found)),
        }
    }

    fn pca(&mut self, d: usize) -> Result<Pca> {
        let eigen_power = self.finite("eigen_power")?;
        let epsilon = self.finite("epsilon")?;
        let random_rotation = self.source.flag("random_rotation")?;
        let balanced_bins = self.source.i32("balanced_bins")?;
        let mean = self.finite_floats("mean of the PCA", "mean of the PCA", d, d)?;
        let eigenvalues = self.finite_floats("eigenvalues of the PCA", "eigenvalues of the PCA", d, d)?;
        let components = self.components(d)?;
        let linear = self.linear(d)?;
        Ok(Pca {
            linear,
            eigen_power,
            epsilon,
            random_rotation,
            balanced_bins,
            mean,
            eigenvalues,
            components,
        })
    }

    /// Reads at most `d` rows of `d` values; fewer if training had fewer vectors than dimensions.
    fn components(&mut self, d: usize) -> Result<Vec<f32>> {
        let components = self.counted_floats("components of the PCA")?;
        let rows = components.len() / d;
        if !components.len().is_multiple_of(d) || !(1..=d).contains(&rows) {
            let expected = format!("1 to {d} rows of {d} values");
            return Err(Error::field("components of the PCA", expected, components.len()));
        }
        check_finite("components of the PCA", &components, d)?;
        Ok(components)
    }

    /// Reads a linear map and the fields that end every transform.
    pub fn linear(&mut self, d: usize) -> Result<Linear> {
        let have_bias = self.source.flag("have_bias")?;
        let a = self.counted_floats("matrix of the transform")?;
        let b = self.counted_floats("bias of the transform")?;
        let [_, d_out] = self.trained_dimensions(d)?;
        let size = product("matrix of the transform", d, d_out)?;
        expect("size of the transform's matrix", size, a.len())?;
        expect("size of the transform's bias", if have_bias { d_out } else { 0 }, b.len())?;
        Linear::new(d, a, b)
    }

    /// Reads `d_in`, which must be `d`, and `d_out` of a trained transform.
    fn trained_dimensions(&mut self, d: usize) -> Result<[usize; 2]> {
        let d_in = positive("d_in of the transform", self.source.i32("d_in of the transform")?)?;
        let d_out = positive("d_out of the transform", self.source.i32("d_out of the transform")?)?;
        expect("d_in of the transform", d, d_in)?;
        expect("is_trained of the transform", 1, self.source.byte("is_trained of the transform")?)?;
        Ok([d_in, d_out])
    }

    fn finite(&mut self, field: &'static str) -> Result<f32> {
        let value = self.source.f32(field)?;
        if value.is_finite() { Ok(value) } else { Err(Error::field(field, "a finite number", value)) }
    }

    /// Reads a count and that many floats.
    pub fn counted_floats(&mut self, field: &'static str) -> Result<Vec<f32>> {
        let count = self.source.size(field)?;
        self.source.floats(field, count)
    }
}
