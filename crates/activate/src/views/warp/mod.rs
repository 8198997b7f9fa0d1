//! Geometric edits as differentiable weighted sums of pixels.

mod sampling;
mod table;
mod taps;

use burn::tensor::Tensor;

pub(super) use self::table::Table;
use self::{
    sampling::{centre, points_per_side},
    taps::Taps,
};
use super::affine::Affine;

/// Bilinear interpolation of an image at the points of an affine map. A shrunk image is averaged over several points
/// per pixel. Outside the image the result is 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Warp {
    map: Affine,
    /// Height and width of both the image and the result.
    size: [usize; 2],
}

impl Warp {
    /// Warp by a map from the result to an image of the same height and width.
    pub fn new(map: Affine, size: [usize; 2]) -> Self {
        Self { map, size }
    }

    /// Returns true if a point of any pixel lies outside the image. The outermost points are those of the corners,
    /// also after rounding.
    pub fn leaves_room(&self) -> bool {
        let points = points_per_side(self.map, self.size);
        let ends =
            self.size.map(|side| [centre(0, 0, points, side), centre(side - 1, points - 1, points, side)]);
        let corners = ends[1].into_iter().flat_map(|u| ends[0].map(|v| self.map.at([u, v])));
        !corners.flatten().all(|at| (0.0..1.0).contains(&at))
    }

    /// Weights of all sums, for the CPU.
    pub fn table(&self) -> Table {
        Table::new(self.map, self.size)
    }

    /// Warped images, and the share of each pixel that comes from the image. All weights are computed on the device
    /// from the numbers of the map.
    ///
    /// # Shapes
    /// `[n, c, h, w]` -> `[n, c, h, w]`, `[1, 1, h, w]`
    pub fn on_device(&self, images: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let ([n, c, height, width], points) = (images.dims(), points_per_side(self.map, self.size));
        let planes: Tensor<2> = images.reshape([n * c, height * width]);
        let each = (0..points * points).map(|point| {
            let (point, device) = ([point / points, point % points], planes.device().inner());
            let taps = Taps::new(self.map, self.size, point, points, &device);
            (taps.sum(planes.clone()), taps.inside)
        });
        let (sum, inside) = each.reduce(|a, b| (a.0 + b.0, a.1 + b.1)).expect("at least one point per pixel");
        let share = 1.0 / (points * points) as f64;
        ((sum * share).reshape([n, c, height, width]), (inside * share).reshape([1, 1, height, width]))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::affine::Canvas, *};
    use burn::tensor::Device;
    use device_math::transfer::upload;

    fn image(values: &[f32], height: usize, width: usize) -> Tensor<4> {
        let values = [values, values, values].concat();
        upload(values, [1, 3, height, width], &Device::flex())
    }

    fn warped(canvas: Canvas, image: Tensor<4>) -> Vec<f32> {
        let [_, _, height, width] = image.dims();
        let warped = Warp::new(canvas.map, [height, width]).table().apply(image);
        let data = warped.into_data().try_to_vec::<f32>().unwrap();
        data[..height * width].to_vec()
    }

    #[test]
    fn a_quarter_turn_moves_every_pixel() {
        let found = warped(Canvas::new(2, 2).rotated(90.0), image(&[1.0, 2.0, 3.0, 4.0], 2, 2));
        assert!(found.iter().zip([3.0, 1.0, 4.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?}");
    }

    #[test]
    fn a_shrunk_image_is_averaged_and_the_rest_is_empty() {
        let checks: Vec<f32> = (0..64).map(|i| ((i + i / 8) % 2) as f32).collect();
        let found = warped(Canvas::new(8, 8).inset([0.0, 0.0], [0.5, 0.5]), image(&checks, 8, 8));
        for (place, value) in found.iter().enumerate() {
            let expected = if place % 8 < 4 && place / 8 < 4 { 0.5 } else { 0.0 };
            assert!((value - expected).abs() < 1e-5, "{place}: {value}");
        }
    }

    #[test]
    fn weights_of_a_pixel_are_its_coverage() {
        let warp = Warp::new(Canvas::new(7, 5).rotated(30.0).map, [5, 7]).table();
        let ones = warp.apply(Tensor::ones([1, 3, 5, 7], &Device::flex()));
        let ones = ones.into_data().try_to_vec::<f32>().unwrap();
        assert!(warp.coverage().zip(ones).all(|(share, one)| (share - one).abs() < 1e-6));
        assert!(warp.coverage().any(|share| share < 0.1) && warp.coverage().any(|share| share > 0.99));
    }

    /// Compares scalar products: the gradient of a sum of products is the transpose.
    #[test]
    fn gradients_are_transposes() {
        let warp = Warp::new(Canvas::new(6, 4).rotated(-35.0).cropped(0.6, [0.2, 0.7]).map, [4, 6]).table();
        let values = |salt: usize| (0..72).map(move |i| ((i * 7919 + salt) % 251) as f32 / 251.0);
        let of = |salt| upload(values(salt).collect(), [1, 3, 4, 6], &Device::flex());
        let (x, y): (Tensor<4>, Tensor<4>) = (of(1), of(90));
        let leaf = x.clone().autodiff().require_grad();
        let mut gradients = (warp.apply(leaf.clone()) * y.clone().autodiff()).sum().backward();
        let transposed = leaf.grad_remove(&mut gradients).unwrap();
        let [a, b] = [warp.apply(x.clone()) * y, transposed * x].map(|t| t.sum().into_scalar::<f32>());
        assert!((a - b).abs() < 1e-4 * a.abs(), "{a} and {b}");
    }

    fn canvases() -> Vec<Canvas> {
        let whole = Canvas::new(60, 40);
        vec![
            whole,
            whole.rotated(90.0),
            whole.rotated(-31.0),
            whole.mirrored(),
            whole.flipped().rotated(7.0),
            whole.cropped(0.4, [0.3, 0.9]),
            whole.cropped(0.6, [0.5, 0.5]).rotated(20.0),
            whole.inset([0.2, 0.1], [0.5, 0.8]),
            whole.inset([0.0, 0.3], [1.0, 0.7]).inset([0.25, 0.25], [0.5, 0.4]),
        ]
    }

    #[test]
    fn corners_tell_if_the_image_covers_its_canvas() {
        for canvas in canvases() {
            for size in [[32, 32], [18, 27]] {
                let warp = Warp::new(canvas.map, size);
                let expected = warp.table().coverage().any(|share| share < 1.0 - 1e-3);
                assert_eq!(warp.leaves_room(), expected, "{canvas:?}");
            }
        }
    }

    /// Compares warped images and gradients by the CPU's table and by every device's operations.
    #[test]
    fn the_table_of_the_cpu_is_what_every_device_computes() {
        for (canvas, size @ [h, w]) in canvases().into_iter().flat_map(|c| [(c, [32, 32]), (c, [18, 27])]) {
            let (warp, table) = (Warp::new(canvas.map, size), Warp::new(canvas.map, size).table());
            let noise = |salt: usize| -> Tensor<4> {
                let values = (0..3 * h * w).map(|i| ((i * 7919 + salt) % 251) as f32 / 251.0).collect();
                upload(values, [1, 3, h, w], &Device::flex())
            };
            let run = |apply: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                let leaf = noise(1).autodiff().require_grad();
                let warped = apply(leaf.clone());
                let mut gradients = (warped.clone() * noise(90).autodiff()).sum().backward();
                (warped.inner(), leaf.grad_remove(&mut gradients).unwrap())
            };
            let (expected, found) = (run(&|image| table.apply(image)), run(&|image| warp.on_device(image).0));
            let far = |a: Tensor<4>, b: Tensor<4>| (a - b).abs().max().into_scalar::<f32>();
            // Rounding moves a point by at most 1e-5 of a pixel, and neighbouring pixels differ by at most 1.
            assert!(far(found.0, expected.0) < 2e-5, "{canvas:?}");
            assert!(far(found.1, expected.1) < 1e-4, "{canvas:?}: gradient");
            let coverage = upload(table.coverage().collect(), [1, 1, h, w], &Device::flex());
            assert!(far(warp.on_device(noise(3)).1, coverage) < 1e-5, "{canvas:?}: coverage");
        }
    }
}
