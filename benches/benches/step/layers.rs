//! Time of each convolution of the default network beside its lower bound: its multiplications at the rate of
//! a large matrix product.

use std::time::Instant;

use anyhow::{Context, Result};
use burn::tensor::{Device, Distribution, Tensor};
use frozen_ops::{Conv, Window};

use crate::{median, random};

/// Counted measurements of a layer and of the matrix product, after one uncounted.
const RUNS: usize = 9;
/// Edge of the matrices of the matrix product.
const EDGE: usize = 1024;
/// Edge of the network's input.
const SIDE: usize = 288;
/// Inner channels of the bottlenecks of the four stages, and the number of bottlenecks.
const STAGES: [(usize, usize); 4] = [(64, 3), (128, 4), (256, 6), (512, 3)];
/// Output channels of a bottleneck per inner channel.
const EXPANSION: usize = 4;

/// Convolutions of one shape.
struct Layer {
    name: String,
    times: usize,
    /// Edge of its input.
    side: usize,
    from: usize,
    to: usize,
    window: Window,
}

/// Seconds and multiplications of the forward and the backward pass.
#[derive(Default)]
struct Cost {
    seconds: [f64; 2],
    multiplications: [usize; 2],
}

/// Prints the table for a batch of images, on the threads of the current pool.
pub fn print(batch: usize) -> Result<()> {
    let roof = roof()?;
    println!(
        "\nlayers at batch {batch}; a product of {EDGE} x {EDGE} matrices does {:.0} Gmul/s",
        roof / 1e9
    );
    println!("| layer | times | Mmul forward, gradient | ms forward, gradient | of the roof |");
    println!("|---|---|---|---|---|");
    let mut sum = Cost::default();
    for layer in network() {
        let cost = layer.cost(batch)?;
        row(&layer.name, layer.times, &cost, roof);
        for pass in 0..2 {
            sum.seconds[pass] += layer.times as f64 * cost.seconds[pass];
            sum.multiplications[pass] += layer.times * cost.multiplications[pass];
        }
    }
    row("all", network().iter().map(|layer| layer.times).sum(), &sum, roof);
    Ok(())
}

fn row(name: &str, times: usize, cost: &Cost, roof: f64) {
    let [forward, gradient] = cost.multiplications.map(|count| count as f64 / 1e6);
    let [there, back] = cost.seconds.map(|seconds| 1e3 * seconds);
    let [first, second] =
        [0, 1].map(|pass| 100.0 * cost.multiplications[pass] as f64 / roof / cost.seconds[pass]);
    println!(
        "| {name} | {times} | {forward:.0}, {gradient:.0} | {there:.2}, {back:.2} | {first:.0} %, {second:.0} % |"
    );
}

/// Multiplications per second of burn's matrix product.
fn roof() -> Result<f64> {
    let [a, b] =
        [0, 1].map(|_| Tensor::<2>::random([EDGE; 2], Distribution::Normal(0.0, 1.0), &Device::flex()));
    let seconds = timed(|| drop(a.clone().matmul(b.clone()).into_data()))?;
    Ok((EDGE * EDGE * EDGE) as f64 / seconds)
}

fn timed(work: impl Fn()) -> Result<f64> {
    work();
    let seconds = (0..RUNS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64()
    });
    median(seconds.collect()).context("no measurement")
}

/// The convolutions of a ResNet-50.
fn network() -> Vec<Layer> {
    let layer = |name: &str, times, side, [from, to]: [usize; 2], [size, stride]: [usize; 2]| {
        let window = Window { size, stride, padding: size / 2 };
        Layer {
            name: format!("{name}, {size}x{size}/{stride} {from} -> {to}, {side}x{side}"),
            times,
            side,
            from,
            to,
            window,
        }
    };
    let mut layers = vec![layer("stem", 1, SIDE, [3, 64], [7, 2])];
    let (mut side, mut from) = (SIDE / 4, 64);
    for (stage, (inner, blocks)) in STAGES.into_iter().enumerate() {
        let (name, outer) = (|part: &str| format!("{} {part}", stage + 1), EXPANSION * inner);
        let stride = if stage == 0 { 1 } else { 2 };
        let half = side / stride;
        layers.push(layer(&name("first in"), 1, side, [from, inner], [1, 1]));
        layers.push(layer(&name("first middle"), 1, side, [inner, inner], [3, stride]));
        layers.push(layer(&name("shortcut"), 1, side, [from, outer], [1, stride]));
        layers.push(layer(&name("in"), blocks - 1, half, [outer, inner], [1, 1]));
        layers.push(layer(&name("middle"), blocks - 1, half, [inner, inner], [3, 1]));
        layers.push(layer(&name("out"), blocks, half, [inner, outer], [1, 1]));
        (side, from) = (half, outer);
    }
    layers
}

impl Layer {
    fn cost(&self, batch: usize) -> Result<Cost> {
        let Window { size, stride, .. } = self.window;
        let out = self.side / stride;
        let conv = Conv::new(
            random([self.to, self.from, size, size]),
            Tensor::zeros([self.to], &Device::flex()),
            self.window,
        )?;
        let x = random([batch, self.side, self.side, self.from]);
        let y = random([batch, out, out, self.to]);
        let forward = timed(|| drop(conv.forward(x.clone(), None, true)))?;
        let gradient = timed(|| drop(conv.input_gradient(y.clone(), [self.side; 2])))?;
        let counted = conv.multiplications([batch, self.side, self.side]);
        Ok(Cost { seconds: [forward, gradient], multiplications: [counted.forward, counted.gradient] })
    }
}
