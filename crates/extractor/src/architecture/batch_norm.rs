//! Batch norms, folded into the layer before them while a public checkpoint is converted to this crate's names.

use crate::checkpoint::{Array, Checkpoint, CheckpointError, Result};

/// Moves layers from a public checkpoint to a converted one. In the methods, `theirs` is a name in the public
/// checkpoint and `ours` the name in the converted one.
pub struct Folding<'a> {
    source: &'a mut Checkpoint,
    converted: Checkpoint,
    epsilon: f64,
}

impl<'a> Folding<'a> {
    /// Starts a conversion of a network whose batch norms add `epsilon` to variances.
    pub fn new(source: &'a mut Checkpoint, epsilon: f64) -> Self {
        Self { source, converted: Checkpoint::default(), epsilon }
    }

    /// Continues a conversion with another epsilon.
    pub fn continuing(source: &'a mut Checkpoint, converted: Checkpoint, epsilon: f64) -> Self {
        Self { source, converted, epsilon }
    }

    /// Returns true if the public checkpoint has the layer.
    pub fn has(&self, theirs: &str) -> bool {
        self.source.contains(&format!("{theirs}.weight"))
    }

    /// Moves a convolution or linear layer and folds the batch norm after it. If the checkpoint has no norm, it was
    /// folded already, and the layer must have a bias.
    ///
    /// # Errors
    /// If a tensor is missing or of another length.
    pub fn layer(&mut self, ours: &str, theirs: &str, norm: &str) -> Result<()> {
        let mut weight = self.source.take(&format!("{theirs}.weight"))?;
        let channels = weight.shape.first().copied().unwrap_or(0);
        let bias = format!("{theirs}.bias");
        let normalises = self.source.contains(&format!("{norm}.running_mean"));
        let mut bias = match self.source.contains(&bias) {
            true => self.vector(&bias, channels)?,
            false if normalises => vec![0.0; channels],
            false => return Err(CheckpointError::Missing(format!("{norm}.running_mean"))),
        };
        if normalises {
            let [scale, shift] = self.norm(norm, channels)?;
            scale_rows(&mut weight, &scale);
            bias = bias.iter().zip(&scale).zip(&shift).map(|((b, scale), shift)| b * scale + shift).collect();
        }
        self.converted.insert(format!("{ours}.weight"), weight);
        self.converted.insert(format!("{ours}.bias"), narrow(&bias));
        Ok(())
    }

    /// Moves the weight and the bias of a layer without batch norm.
    ///
    /// # Errors
    /// If one is missing.
    pub fn plain(&mut self, ours: &str, theirs: &str) -> Result<()> {
        for part in ["weight", "bias"] {
            self.tensor(&format!("{ours}.{part}"), &format!("{theirs}.{part}"))?;
        }
        Ok(())
    }

    /// Moves one tensor.
    ///
    /// # Errors
    /// If it is missing.
    pub fn tensor(&mut self, ours: &str, theirs: &str) -> Result<()> {
        let array = self.source.take(theirs)?;
        self.converted.insert(ours, array);
        Ok(())
    }

    /// The converted checkpoint.
    pub fn finish(self) -> Checkpoint {
        self.converted
    }

    /// Scale and shift of a batch norm per channel: `gamma / sqrt(var + eps)` and `beta - mean * scale`.
    fn norm(&mut self, name: &str, channels: usize) -> Result<[Vec<f64>; 2]> {
        let mut part = |part: &str| self.vector(&format!("{name}.{part}"), channels);
        let (mean, variance) = (part("running_mean")?, part("running_var")?);
        let (gamma, beta) = (part("weight")?, part("bias")?);
        let scale: Vec<f64> =
            gamma.iter().zip(&variance).map(|(gamma, v)| gamma / (v + self.epsilon).sqrt()).collect();
        let shift =
            beta.iter().zip(&mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale).collect();
        Ok([scale, shift])
    }

    fn vector(&mut self, name: &str, length: usize) -> Result<Vec<f64>> {
        let array = self.source.take(name)?;
        if array.shape != [length] {
            let (name, found) = (name.to_owned(), array.shape);
            return Err(CheckpointError::Shape { name, expected: vec![length], found });
        }
        Ok(array.values.into_iter().map(f64::from).collect())
    }
}

/// Multiplies the weights of each output channel (axis 0) by its scale in double precision, then rounds.
fn scale_rows(weight: &mut Array, scale: &[f64]) {
    let row = (weight.values.len() / scale.len().max(1)).max(1);
    for (values, scale) in weight.values.chunks_exact_mut(row).zip(scale) {
        values.iter_mut().for_each(|v| *v = (f64::from(*v) * scale) as f32);
    }
}

fn narrow(values: &[f64]) -> Array {
    Array { shape: vec![values.len()], values: values.iter().map(|&v| v as f32).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(tensors: &[(&str, &[usize], &[f32])]) -> Checkpoint {
        let mut source = Checkpoint::default();
        for (name, shape, values) in tensors {
            source.insert(*name, Array { shape: shape.to_vec(), values: values.to_vec() });
        }
        source
    }

    fn normed() -> Checkpoint {
        source(&[
            ("conv.weight", &[2, 1], &[1.0, -2.0]),
            ("bn.running_mean", &[2], &[0.5, 1.0]),
            ("bn.running_var", &[2], &[3.0, 0.0]),
            ("bn.weight", &[2], &[4.0, 3.0]),
            ("bn.bias", &[2], &[0.25, -1.0]),
        ])
    }

    #[test]
    fn a_folded_layer_is_the_layer_and_its_norm() {
        let mut source = normed();
        let mut folding = Folding::new(&mut source, 1.0);
        folding.layer("c", "conv", "bn").unwrap();
        let mut folded = folding.finish();
        assert_eq!(folded.take("c.weight").unwrap().values, [2.0, -6.0]);
        assert_eq!(folded.take("c.bias").unwrap().values, [-0.75, -4.0]);
        assert_eq!(source.names().count(), 0, "nothing is left behind");
    }

    #[test]
    fn a_layer_without_norm_and_bias_is_refused() {
        let mut source = source(&[("conv.weight", &[2, 1], &[1.0, -2.0])]);
        let refused = Folding::new(&mut source, 0.0).layer("c", "conv", "bn").unwrap_err();
        assert_eq!(refused.to_string(), "no tensor `bn.running_mean`");
        let mut source = normed();
        source.insert("bn.bias", Array { shape: vec![1], values: vec![0.0] });
        let refused = Folding::new(&mut source, 0.0).layer("c", "conv", "bn").unwrap_err();
        assert_eq!(refused.to_string(), "tensor `bn.bias` has shape [1], expected [2]");
    }
}
