//! The operations against burn's own, which take channels first.

use active_index_frozen_ops::{BandedMatrix, Block, Conv, Resample, Residual, Window, max_pool};
use burn::tensor::{
    Device, Tensor, TensorData,
    activation::relu,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Returns random numbers up to 1, the same for the same shape.
fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let count = shape.iter().product();
    let mut rng = ChaCha8Rng::seed_from_u64(count as u64);
    let values: Vec<f32> = (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn first(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 3, 1, 2])
}

fn last(x: Tensor<4>) -> Tensor<4> {
    x.permute([0, 2, 3, 1])
}

/// Returns the values of `f` and the gradients of `sum(weights * f(x, residual))`.
fn run(
    x: &Tensor<4>,
    residual: &Tensor<4>,
    f: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> [TensorData; 3] {
    let (x, residual) = (x.clone().autodiff().require_grad(), residual.clone().autodiff().require_grad());
    let y = f(x.clone(), residual.clone());
    let weights = Tensor::<1, burn::tensor::Int>::arange(0..y.shape().num_elements() as i64, &Device::flex());
    let weights = (weights.float() * 0.37).sin().reshape(y.dims()).autodiff();
    let gradients = (y.clone() * weights).sum().backward();
    let gradient = |x: &Tensor<4>| x.grad(&gradients).expect("tracked").into_data();
    [y.inner().into_data(), gradient(&x), gradient(&residual)]
}

fn assert_close(found: &[TensorData; 3], expected: &[TensorData; 3], name: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.shape(), expected.shape(), "{name}");
        for (found, expected) in found.iter::<f32>().zip(expected.iter::<f32>()) {
            // Sums of 585 products of numbers up to 1: Winograd's filtering errs by up to 200 sqrt(585) 2^-23.
            assert!((found - expected).abs() < 6e-4, "{name}: {found} for {expected}");
        }
    }
}

#[test]
fn values_and_gradients_are_those_of_separate_operations() {
    for (size, stride, padding) in [(1, 1, 0), (3, 1, 1), (3, 2, 1), (1, 2, 0), (7, 2, 3)] {
        for (from, to) in [(3, 20), (32, 65)] {
            let (weight, bias, x) = (random([to, from, size, size]), random([to]), random([2, 15, 18, from]));
            let window = Window { size, stride, padding };
            let conv = Conv::new(weight.clone(), bias.clone(), window).expect("fits");
            let residual = random(conv.forward(x.clone(), None, false).dims());
            let options = ConvOptions::new([stride; 2], [padding; 2], [1, 1], 1);
            let plain = |x: Tensor<4>| {
                let (weight, bias) = (weight.clone().autodiff(), bias.clone().autodiff());
                last(conv2d(first(x), weight, Some(bias), options.clone()))
            };
            for with_relu in [false, true] {
                let positive = |x: Tensor<4>| if with_relu { relu(x) } else { x };
                let name = format!("{window:?} {from} {to} {with_relu}");
                let found = run(&x, &residual, |x, residual| conv.forward(x, Some(residual), with_relu));
                let expected = run(&x, &residual, |x, residual| positive(plain(x) + residual));
                assert_close(&found, &expected, &name);
                let found = run(&x, &residual, |x, residual| conv.forward(x, None, with_relu) * residual);
                let expected = run(&x, &residual, |x, residual| positive(plain(x)) * residual);
                assert_close(&found, &expected, &name);
            }
        }
    }
}

/// Convolution with half padding, and with weights so small that the results of a chain stay about 1.
fn small(from: usize, to: usize, [size, stride]: [usize; 2]) -> Conv {
    let scale = (2.0 / (from * size * size) as f32).sqrt();
    let window = Window { size, stride, padding: size / 2 };
    Conv::new(random([to, from, size, size]) * scale, random([to]) * 0.1, window).expect("fits")
}

fn blocks() -> Vec<Block> {
    let convs =
        |from, stride, to| vec![small(from, 24, [1, 1]), small(24, 24, [3, stride]), small(24, to, [1, 1])];
    let pair = vec![small(80, 16, [3, 1]), small(16, 80, [3, 1])];
    vec![
        Block { convs: convs(20, 1, 80), shortcut: Some(small(20, 80, [1, 1])) },
        Block { convs: convs(80, 1, 80), shortcut: None },
        Block { convs: convs(80, 2, 80), shortcut: Some(small(80, 80, [1, 2])) },
        Block { convs: pair, shortcut: None },
    ]
}

/// Computes blocks by separate operations.
fn separately(blocks: &[Block], x: Tensor<4>) -> Tensor<4> {
    blocks.iter().fold(x, |x, block| {
        let shortcut =
            block.shortcut.as_ref().map_or_else(|| x.clone(), |conv| conv.forward(x.clone(), None, false));
        let last = block.convs.len() - 1;
        let y = block.convs[..last].iter().fold(x, |x, conv| conv.forward(x, None, true));
        block.convs[last].forward(y, Some(shortcut), true)
    })
}

#[test]
fn a_chain_of_blocks_is_its_convolutions() {
    let chain = Residual::new(blocks()).expect("fits");
    assert_eq!(chain.out(), 80);
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        for shape in [[1, 1, 1, 20], [1, 13, 18, 20], [5, 9, 8, 20]] {
            pool.install(|| {
                let x = random(shape);
                let other = random(chain.forward(x.clone()).dims());
                let found = run(&x, &other, |x, other| chain.forward(x) * other);
                let expected = run(&x, &other, |x, other| separately(&blocks(), x) * other);
                assert_close(&found, &expected, &format!("{shape:?}, {threads} threads"));
                let tracked = chain.forward(x.clone().autodiff().require_grad()).inner();
                assert_eq!(chain.forward(x).into_data(), tracked.into_data());
            });
        }
    }
}

#[test]
fn blocks_that_do_not_fit_are_refused() {
    let error = |change: &dyn Fn(&mut Vec<Block>)| {
        let mut blocks = blocks();
        change(&mut blocks);
        Residual::new(blocks).unwrap_err().to_string()
    };
    assert!(error(&|blocks| blocks.clear()).contains("blocks: expected at least 1"));
    assert!(error(&|blocks| blocks[3].convs.truncate(1)).contains("at least 2"));
    assert!(error(&|blocks| blocks[2].shortcut = None).contains("shortcut"));
    assert!(error(&|blocks| blocks[0].shortcut = None).contains("shortcut"));
    assert!(error(&|blocks| blocks.swap(0, 1)).contains("channels into a block"));
}

#[test]
fn the_largest_of_windows_gets_the_gradient() {
    for (h, w) in [(1, 1), (9, 12), (16, 15)] {
        let (x, window) = (random([2, h, w, 19]), Window { size: 3, stride: 2, padding: 1 });
        let residual = random(max_pool(x.clone(), window).dims());
        let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
        let found = run(&x, &residual, |x, residual| max_pool(x, window) * residual);
        let expected =
            run(&x, &residual, |x, residual| last(max_pool2d(first(x), options.clone())) * residual);
        assert_close(&found, &expected, &format!("{h} x {w}"));
    }
}

#[test]
fn views_are_computed_as_copies_are() {
    let conv = Conv::new(random([8, 4, 3, 3]), random([8]), Window { size: 3, stride: 1, padding: 1 });
    let (conv, x) = (conv.expect("fits"), random([3, 4, 10, 9]));
    let second = x.clone().slice_dim(0, 1..2);
    let copy = Tensor::<4>::from_data(second.clone().into_data(), &Device::flex());
    let found = conv.forward(last(second), None, true).into_data();
    assert_eq!(found, conv.forward(last(copy), None, true).into_data());
}

#[test]
fn only_tracked_inputs_are_differentiated() {
    let conv = Conv::new(random([4, 4, 1, 1]), random([4]), Window { size: 1, stride: 1, padding: 0 });
    let (conv, x, residual) = (conv.expect("fits"), random([1, 3, 3, 4]), random([1, 3, 3, 4]));
    let tracked = residual.clone().autodiff().require_grad();
    let y = conv.forward(x.clone().autodiff(), Some(tracked.clone()), false);
    let gradient = tracked.grad(&y.sum().backward()).expect("tracked").into_data();
    assert_eq!(gradient, Tensor::<4>::ones([1, 3, 3, 4], &Device::flex()).into_data());
    let found = conv.forward(x.clone(), Some(residual.clone()), false).into_data();
    let on_autodiff = conv.forward(x.autodiff(), Some(residual.autodiff()), false);
    assert_eq!(found, on_autodiff.inner().into_data());
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let window = Window { size: 3, stride: 1, padding: 1 };
    let error = |weight, bias, window| Conv::new(weight, bias, window).unwrap_err().to_string();
    let [weight, oblong] = [random([4, 2, 3, 3]), random([4, 2, 3, 1])];
    assert!(error(oblong, random([4]), window).contains("window of the weights"));
    assert!(error(weight.clone(), random([5]), window).contains("biases"));
    assert!(error(weight.clone(), random([4]), Window { stride: 0, ..window }).contains("stride"));
    assert!(error(weight, random([4]), Window { padding: 3, ..window }).contains("padding"));
}

#[test]
fn resampling_is_two_matrix_products() {
    let rows = BandedMatrix::new(9, vec![(0, vec![0.5, 0.25]), (3, vec![1.0, -2.0, 0.5]), (7, vec![1.5])]);
    let columns = BandedMatrix::new(5, vec![(1, vec![0.5]), (0, vec![]), (2, vec![1.0, 0.5, 0.25])]);
    let resample = Resample::new(rows.clone(), columns.clone(), &Device::flex());
    let dense = |matrix: &BandedMatrix| {
        let data = TensorData::new(matrix.dense(), [1, 1, matrix.rows(), matrix.columns()]);
        Tensor::<4>::from_data(data, &Device::flex()).autodiff()
    };
    let (x, residual) = (random([2, 3, 9, 5]), random([2, 3, 3, 3]));
    let found = run(&x, &residual, |x, residual| resample.forward(x) * residual);
    let expected = run(&x, &residual, |x, residual| {
        dense(&rows).matmul(x).matmul(dense(&columns).swap_dims(2, 3)) * residual
    });
    assert_close(&found, &expected, "resample");
}
