//! Writing of transforms and of the index behind them.

use super::*;
use crate::{
    kinds::transformed::Transformed,
    quantise::transform::{Linear, Pca, Transform},
};

impl Writer<'_> {
    pub fn transformed(&mut self, index: &Transformed<Kind>) -> io::Result<()> {
        self.out.write_all(&TRANSFORMED)?;
        self.header_of(index)?;
        self.dimension(index.chain.len())?;
        index.chain.iter().try_for_each(|transform| self.transform(transform))?;
        self.index(&index.inner)
    }

    fn transform(&mut self, transform: &Transform) -> io::Result<()> {
        match transform {
            Transform::Linear(linear) => {
                self.out.write_all(&LINEAR)?;
                self.linear(linear)?;
            }
            Transform::Rotation(linear) => {
                self.out.write_all(&ROTATION)?;
                self.linear(linear)?;
            }
            Transform::Pca(pca) => self.pca(pca)?,
            Transform::Normalise(normalise) => {
                self.out.write_all(&NORMALISE)?;
                self.f32(normalise.norm())?;
            }
        }
        self.trained_dimensions(transform.d_in(), transform.d_out())
    }

    fn pca(&mut self, pca: &Pca) -> io::Result<()> {
        self.out.write_all(&PCA)?;
        self.f32(pca.eigen_power)?;
        self.f32(pca.epsilon)?;
        self.byte(u8::from(pca.random_rotation))?;
        self.i32(pca.balanced_bins)?;
        self.floats(&pca.mean)?;
        self.floats(&pca.eigenvalues)?;
        self.floats(&pca.components)?;
        self.linear(&pca.linear)
    }

    pub fn linear(&mut self, linear: &Linear) -> io::Result<()> {
        self.byte(u8::from(!linear.b().is_empty()))?;
        self.floats(linear.a())?;
        self.floats(linear.b())
    }

    /// Writes the fields that end every transform.
    pub fn trained_dimensions(&mut self, d_in: usize, d_out: usize) -> io::Result<()> {
        self.dimension(d_in)?;
        self.dimension(d_out)?;
        self.byte(1)
    }
}
