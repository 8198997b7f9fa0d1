use burn::tensor::Tensor;

/// Values below this are raised to it before pooling.
const FLOOR: f64 = 1e-6;

/// Generalised-mean pooling with exponent 3 (Radenović et al., TPAMI 2019): the cube root of the mean cube.
///
/// # Shapes
/// `[n, c, h, w]` -> `[n, c]`
pub fn gem(features: Tensor<4>) -> Tensor<2> {
    let x: Tensor<3> = features.flatten(2, 3);
    let x = x.clamp_min(FLOOR);
    let cubes = x.clone() * x.clone() * x;
    cubes.mean_dim(2).powf_scalar(1.0 / 3.0).squeeze_dim(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn pools_to_the_cube_root_of_the_mean_cube() {
        let device = Device::flex();
        let features = Tensor::<4>::from_floats([[[[1.0, 2.0], [3.0, -5.0]]]], &device);
        let pooled = gem(features).into_scalar::<f32>();
        let expected = ((1.0_f32 + 8.0 + 27.0) / 4.0).cbrt();
        assert!((pooled - expected).abs() < 1e-6, "{pooled} for {expected}");
    }
}
