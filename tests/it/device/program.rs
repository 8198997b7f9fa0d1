//! `--device` of the program of this build.

use std::process::{Command, Output};

use serde_json::Value;

use crate::fixtures::program_on_any_device as program;

fn output(program: &mut Command) -> (Output, String) {
    // OpenGL's libraries complain on stderr if it is unset.
    let output = program.env("XDG_RUNTIME_DIR", std::env::temp_dir()).output().unwrap();
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    (output, errors)
}

fn listed() -> Vec<Value> {
    let (output, errors) = output(program().args(["devices", "--json"]));
    assert!(output.status.success(), "{errors}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    document["devices"].as_array().unwrap().clone()
}

fn of(runtime: &str) -> Vec<Value> {
    let named = |row: &Value| row["device"].as_str().unwrap().starts_with(runtime);
    listed().into_iter().filter(named).collect()
}

#[test]
fn the_cpu_is_listed_and_every_runtime_works_or_says_why_not() {
    assert_eq!(of("cpu").len(), 1);
    for row in listed() {
        let why_not = row["why_not"].as_str();
        assert_eq!(row["works"] == true, why_not.is_none(), "{row}");
        assert!(why_not.is_none_or(|line| !line.is_empty() && !line.contains('\n')), "{row}");
    }
    assert!(!of("cuda").is_empty() && !of("wgpu").is_empty());
}

/// Asserts one line on stderr, no panic, and no file written.
fn refused(device: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.npy");
    let sample = crate::fixtures::root().join("samples/00_astronaut.jpg");
    let (output, errors) =
        output(program().args(["describe", "--device", device, "--out"]).arg(&out).arg(sample));
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(!out.exists());
    errors
}

#[test]
fn unknown_devices_are_refused_in_one_line() {
    assert!(refused("gpu").contains("expected auto, cpu, wgpu"));
    for runtime in ["cuda", "wgpu"] {
        // No machine has ten thousand devices.
        let error = refused(&format!("{runtime}:9999"));
        let reasons = ["--features", "the last device is", "NVIDIA driver", "no driver of Vulkan"];
        assert!(reasons.iter().any(|reason| error.contains(reason)), "{error}");
    }
}

#[test]
fn a_program_without_a_runtime_says_how_to_build_one_with_it() {
    let runtimes = [("cuda", cfg!(feature = "cuda")), ("wgpu", cfg!(feature = "wgpu-untuned"))];
    for (runtime, _) in runtimes.into_iter().filter(|(_, built)| !built) {
        assert!(refused(runtime).contains(&format!("build it with --features {runtime}")));
    }
}

#[cfg(any(feature = "cuda", feature = "wgpu-untuned"))]
mod on_devices {
    use std::{fs, path::Path};

    use super::*;
    use crate::fixtures::{golden, largest_difference, npy_at, root};

    const RUNTIMES: &[&str] = if cfg!(not(feature = "cuda")) {
        &["wgpu"]
    } else if cfg!(feature = "wgpu-untuned") {
        &["wgpu", "cuda"]
    } else {
        &["cuda"]
    };

    fn run(arguments: &[&str], device: &str, folder: &Path) -> (Value, String) {
        let network = golden().join("extractors/sscd.safetensors");
        let mut program = program();
        program.args(arguments).args(["--json", "--device", device, "--weights"]).arg(network);
        let (output, errors) = output(program.current_dir(folder));
        assert!(output.status.success(), "{arguments:?} on {device}: {errors}");
        (serde_json::from_slice(&output.stdout).unwrap(), errors)
    }

    /// The loop of a user with a tiny network: describe, train, add, activate, search, evaluate.
    fn whole_loop(device: &str, folder: &Path) -> (Vec<f64>, Value) {
        let photo = folder.join("photo.png");
        fs::copy(golden().join("img0.png"), &photo).unwrap();
        let samples = root().join("samples");
        let samples = samples.to_str().unwrap();
        let (described, errors) = run(&["describe", samples, "--out", "d.npy"], device, folder);
        assert!(described["device"].as_str().unwrap().starts_with(device), "{described}");
        let software = device == "wgpu" && of(device).iter().all(|row| row["kind"] == "software");
        assert_eq!(errors.contains("software driver"), software, "{errors}");
        let train = ["index", "train", "--factory", "IVF2,PQ3x4", "--input", "d.npy", "--out", "i.faiss"];
        run(&train, device, folder);
        run(&["index", "add", "--index", "i.faiss", "--input", "d.npy"], device, folder);
        let activate = ["activate", "photo.png", "--index", "i.faiss", "--out", "out", "--iterations", "3"];
        let (activated, _) = run(&activate, device, folder);
        let (found, _) = run(&["search", "out/photo.png", "--index", "i.faiss", "-k", "1"], device, folder);
        assert_eq!(found["queries"][0]["results"].as_array().unwrap().len(), 1);
        let evaluate =
            ["eval", "retrieval", "--images", ".", "--index", "i.faiss", "--transforms", "none,blur=11"];
        run(&evaluate, device, folder);
        (npy_at(&folder.join("d.npy")).unwrap().values, activated["images"][0].clone())
    }

    #[test]
    fn the_whole_loop_of_the_program_is_that_of_the_cpu() {
        let host = tempfile::tempdir().unwrap();
        let (expected, wanted) = whole_loop("cpu", host.path());
        for device in RUNTIMES {
            let there = tempfile::tempdir().unwrap();
            let (found, activated) = whole_loop(device, there.path());
            // As in the parity test of the network.
            assert!(largest_difference(&found, &expected) < 2e-5, "{device}");
            assert_eq!(activated["cell"], wanted["cell"], "{device}");
            for key in ["cosine_before", "cosine_after"] {
                let [found, wanted] = [&activated, &wanted].map(|row| row[key].as_f64().unwrap());
                assert!((found - wanted).abs() < 5e-3, "{device}, {key}: {found} for {wanted}");
            }
        }
    }

    /// Share of edited copies found before and after activation, with the spread due to chance.
    fn recall(device: &str, photos: &Path) -> Vec<(f64, f64)> {
        let folder = tempfile::tempdir().unwrap();
        let photos = photos.to_str().unwrap();
        run(&["describe", photos, "--out", "d.npy"], device, folder.path());
        let train = ["index", "train", "--factory", "IVF4,PQ6x4", "--input", "d.npy", "--out", "i.faiss"];
        run(&train, device, folder.path());
        let edits = ["--transforms", "blur=9,jpeg=20,crop=0.7,brightness=1.3", "--iterations", "2"];
        let measure = ["eval", "retrieval", "--images", photos, "--index", "i.faiss", "--activate"];
        let measure = [&measure[..], &edits, &["--min-psnr", "30", "--released", "out"]].concat();
        let (document, _) = run(&measure, device, folder.path());
        let rates = ["passive", "released"].map(|side| &document["mean"][side]);
        let interval = |rates: &Value, end: usize| rates["interval"]["r1"][end].as_f64().unwrap();
        rates.map(|of| (of["r1"].as_f64().unwrap(), interval(of, 1) - interval(of, 0))).to_vec()
    }

    #[test]
    fn every_device_finds_as_many_copies_as_the_cpu() {
        let photos = tempfile::tempdir().unwrap();
        for sample in fs::read_dir(root().join("samples")).unwrap() {
            let sample = sample.unwrap().path();
            if sample.extension().is_some_and(|extension| extension == "jpg") {
                let small = image::open(&sample).unwrap().thumbnail(96, 96).into_rgb8();
                let name = Path::new(sample.file_name().unwrap()).with_extension("png");
                small.save(photos.path().join(name)).unwrap();
            }
        }
        let expected = recall("cpu", photos.path());
        for device in RUNTIMES {
            for (side, (found, (wanted, interval))) in ["passive", "released"]
                .iter()
                .zip(recall(device, photos.path()).into_iter().map(|(r1, _)| r1).zip(&expected))
            {
                println!(
                    "{device}, {side}: R@1 {found:.3}, {wanted:.3} on the CPU, whose interval is {interval:.3} wide"
                );
                assert!((0.2..1.0).contains(wanted), "{side}: what is measured can rise and fall");
                assert!((found - wanted).abs() < interval / 2.0, "{device}, {side}");
            }
        }
    }

    #[test]
    fn a_device_number_past_the_last_is_refused() {
        for device in RUNTIMES {
            let last = of(device).len();
            let error = refused(&format!("{device}:{last}"));
            assert!(error.contains(&format!("the last device is {device}:{}", last - 1)), "{error}");
        }
    }

    /// The Vulkan loader finds no driver and EGL no real one: the CPU computes, and the program says why.
    #[cfg(all(not(feature = "cuda"), feature = "wgpu-untuned"))]
    #[test]
    fn without_a_driver_auto_takes_the_cpu_with_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let sample = root().join("samples/00_astronaut.jpg");
        let mut program = program();
        let nowhere = [("VK_DRIVER_FILES", "/nonexistent.json"), ("VK_ICD_FILENAMES", "/nonexistent.json")];
        program.envs(nowhere).env("__EGL_VENDOR_LIBRARY_FILENAMES", "/nonexistent.json");
        program.args(["describe", "--json", "--out", "d.npy", "--weights"]);
        program.arg(golden().join("extractors/sscd.safetensors")).arg(sample).current_dir(folder.path());
        let (output, errors) = output(&mut program);
        assert!(output.status.success(), "{errors}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["device"], "cpu");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(errors.contains("device cpu (wgpu: "), "{errors}");
    }
}
