use super::*;
use std::time::Instant;
fn load(p: &str) -> Vec<f32> {
    bytemuck::pod_collect_to_vec(&std::fs::read(p).unwrap())
}
fn save(p: &str, v: &[f32]) {
    std::fs::write(p, bytemuck::cast_slice::<f32, u8>(v)).unwrap()
}
#[test]
fn small() {
    let x = load("/tmp/trdata/x64.f32");
    for (d_out, m) in [(64, 8), (32, 8), (96, 8)] {
        for seed in [1, 2, 3] {
            let t = Instant::now();
            let mut o = vec![];
            let l = OpqConfig::new(m, d_out, seed)
                .train(&x, 64, &Device::flex(), &mut |_, _, v| o.push(v))
                .unwrap();
            eprintln!("opq {d_out} seed {seed}: {:?} {} {} {}", t.elapsed(), o[0], o[9], o[49]);
            save(&format!("/tmp/trdata/opq64_{d_out}_{seed}.f32"), l.a());
        }
    }
    let t = Instant::now();
    let p = PcaConfig { d_out: 16, random_rotation: false, seed: 1 }.train(&x, 64, &Device::flex()).unwrap();
    eprintln!("pca64 {:?}", t.elapsed());
    save("/tmp/trdata/pca64_a.f32", p.linear.a());
    save("/tmp/trdata/pca64_e.f32", &p.eigenvalues);
    save("/tmp/trdata/pca64_b.f32", p.linear.b());
    let x = load("/tmp/trdata/x512.f32");
    for _ in 0..2 {
        let t = Instant::now();
        let p = PcaConfig { d_out: 128, random_rotation: false, seed: 1 }
            .train(&x, 512, &Device::flex())
            .unwrap();
        eprintln!("pca512 {:?}", t.elapsed());
        save("/tmp/trdata/pca512_a.f32", p.linear.a());
        save("/tmp/trdata/pca512_e.f32", &p.eigenvalues);
    }
}
#[test]
fn large() {
    let x = load("/tmp/trdata/x512.f32");
    let t = Instant::now();
    let l = OpqConfig { iterations: 10, ..OpqConfig::new(8, 512, 1) }
        .train(&x, 512, &Device::flex(), &mut |i, _, v| eprintln!("{i} {v} {:?}", t.elapsed()))
        .unwrap();
    eprintln!("opq512 {:?}", t.elapsed());
    save("/tmp/trdata/opq512.f32", l.a());
}
