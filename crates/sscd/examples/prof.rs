#![allow(missing_docs, clippy::all)]
use burn::tensor::{Device, Distribution, Tensor};
use sscd::{Sscd, weights::Manifest};
fn main() {
    let b: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let n: usize = std::env::args().nth(2).unwrap().parse().unwrap();
    let weights = Manifest::bundled().default_model().fetch("weights".as_ref(), &mut |_| ()).unwrap();
    let device = Device::flex();
    let sscd = Sscd::load(&weights, &device).unwrap();
    let x = Tensor::<4>::random([b, 3, 288, 288], Distribution::Normal(0.0, 1.0), &device);
    let t = Tensor::<2>::random([b, 512], Distribution::Normal(0.0, 1.0), &device);
    let mut best = f64::MAX;
    let mut fw = f64::MAX;
    for i in 0..n {
        let s = std::time::Instant::now();
        drop(sscd.describe(x.clone()).into_data());
        fw = fw.min(s.elapsed().as_secs_f64());
        let s = std::time::Instant::now();
        let input = x.clone().autodiff().require_grad();
        let mut g = (sscd.describe(input.clone()) * t.clone().autodiff()).sum().backward();
        drop(input.grad_remove(&mut g).map(Tensor::into_data));
        best = best.min(s.elapsed().as_secs_f64());
        let _ = i;
    }
    let st = std::fs::read_to_string("/proc/self/status").unwrap();
    println!(
        "batch {b} forward {:.1} step {:.1} ms {}",
        fw * 1e3,
        best * 1e3,
        st.lines().find(|l| l.starts_with("VmHWM")).unwrap()
    );
}
