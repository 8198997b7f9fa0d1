//! The program, called as a user calls it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;

use crate::fixtures::{program, root};

pub fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

pub fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|e| panic!("{e}: {text} {}", String::from_utf8_lossy(&output.stderr)))
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn sample(name: &str) -> PathBuf {
    root().join("samples").join(name)
}

/// A folder with one good photograph and one of each broken kind.
pub fn broken_folder(folder: &Path) {
    let photo = fs::read(sample("17_igloo.jpg")).unwrap();
    fs::write(folder.join("good.jpg"), &photo).unwrap();
    fs::write(folder.join("truncated.png"), truncated_png()).unwrap();
    fs::write(folder.join("cut.jpg"), &photo[..photo.len() / 2]).unwrap();
    fs::write(folder.join("empty.jpg"), b"").unwrap();
    fs::write(folder.join("misnamed.jpg"), b"This is no image.\n").unwrap();
    fs::write(folder.join("huge.png"), huge_png_header()).unwrap();
    fs::create_dir(folder.join("folder.jpg")).unwrap();
}

fn truncated_png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    let mut bytes = bytes.into_inner();
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A PNG that announces 60,000 x 60,000 pixels.
fn huge_png_header() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(1, 1).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    let mut bytes = bytes.into_inner();
    let side = 60_000_u32.to_be_bytes();
    bytes[16..20].copy_from_slice(&side);
    bytes[20..24].copy_from_slice(&side);
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn activate_finishes_the_batch_around_broken_images() {
    let folder = tempfile::tempdir().unwrap();
    broken_folder(folder.path());
    let out = folder.path().join("out");
    let output = run(&[
        "activate",
        text(folder.path()),
        "--out",
        text(&out),
        "--iterations",
        "1",
        "--json",
        "--batch",
        "3",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let document = json(&output);
    let images = document["images"].as_array().unwrap();
    assert_eq!(images.len(), 6, "{document}");
    for image in images {
        let input = image["input"].as_str().unwrap();
        let error = image["error"].as_str();
        let expected = [
            ("truncated.png", ""),
            ("cut.jpg", "the JPEG data ends too early"),
            ("empty.jpg", "the file is empty"),
            ("misnamed.jpg", "is no image of a known format"),
            ("huge.png", "60000 x 60000"),
        ];
        match expected.iter().find(|(name, _)| input.ends_with(name)) {
            Some((_, reason)) => {
                let error = error.unwrap_or_else(|| panic!("{input} was not refused"));
                assert!(error.contains(reason) && error.lines().count() == 1, "{input}: {error}");
            }
            None => assert_eq!(error, None, "{input}"),
        }
    }
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 5, "{stderr}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "only the good image, nothing half done");
    check_released(images.iter().find(|image| image["error"].is_null()).unwrap(), &out.join("good.png"));
}

fn check_released(row: &Value, file: &Path) {
    assert_eq!(row["output"].as_str(), file.to_str());
    let number = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("{key} in {row}"));
    assert!(number("cosine_after") > number("cosine_before"));
    assert!(number("distance_after") < number("distance_before"));
    let (original, released) = (image::open(sample("17_igloo.jpg")).unwrap(), image::open(file).unwrap());
    let (original, released) = (original.into_rgb8(), released.into_rgb8());
    assert_eq!((number("width"), number("height")), (original.width().into(), original.height().into()));
    assert_eq!(original.dimensions(), released.dimensions());
    let largest = original.iter().zip(released.iter()).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert_eq!(number("linf"), f64::from(largest));
    assert!(number("psnr") > 35.0 && number("ssim") > 0.9, "{row}");
    assert!(number("cell") >= 0.0 && number("iterations") == 1.0 && number("seconds") > 0.0);
}

#[test]
fn a_failed_start_is_one_line_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let whole = fs::read(root().join("weights/default.faiss")).unwrap();
    fs::write(path("truncated.faiss"), &whole[..whole.len() / 2]).unwrap();
    fs::write(path("text.faiss"), "no index").unwrap();
    let photo = sample("17_igloo.jpg");
    let other_dimension = path("d32.faiss");
    fs::copy(root().join("tests/golden/ivf32_pq8x8_l2.index"), &other_dimension).unwrap();
    for (index, reason) in [
        (path("missing.faiss"), "missing.faiss"),
        (path("truncated.faiss"), "more bytes"),
        (path("text.faiss"), "fourcc"),
        (other_dimension, "dimension 32"),
    ] {
        let output =
            run(&["activate", text(&photo), "--index", text(&index), "--out", text(&path("out")), "--json"]);
        assert_eq!(output.status.code(), Some(2), "{index:?}");
        let stderr = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{stderr}");
        let document = json(&output);
        assert_eq!(document["schema"], 1);
        assert_eq!(format!("error: {}\n", document["error"].as_str().unwrap()), stderr);
    }
    let output = run(&["activate", text(&path("nowhere.jpg"))]);
    assert_eq!(output.status.code(), Some(1), "a missing image is one of a batch");
    assert!(String::from_utf8(output.stderr).unwrap().contains("nowhere.jpg: No such file"));
}

#[test]
fn an_index_is_trained_filled_and_searched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let [descriptors, index] = ["samples.npy", "samples.faiss"].map(path);
    let samples = root().join("samples");
    let described = run(&["describe", text(&samples), "--out", text(&descriptors), "--json"]);
    assert_eq!(described.status.code(), Some(0), "{}", String::from_utf8_lossy(&described.stderr));
    assert_eq!(json(&described)["images"].as_array().unwrap().len(), 20);

    let train =
        ["index", "train", "--factory", "IVF4,Flat", "--input", text(&descriptors), "--out", text(&index)];
    assert_eq!(run(&train).status.code(), Some(0));
    let names = descriptors.with_extension("names.tsv").display().to_string();
    let added = run(&[
        "index",
        "add",
        "--index",
        text(&index),
        "--input",
        text(&descriptors),
        "--names",
        &names,
        "--json",
    ]);
    let document = json(&added);
    assert_eq!((document["ntotal"].as_u64(), document["nlist"].as_u64()), (Some(20), Some(4)));
    assert_eq!(document["bytes"].as_u64(), Some(fs::metadata(&index).unwrap().len()));
    assert_eq!(json(&run(&["index", "info", text(&index), "--json"]))["factory"], "IVF4,Flat");

    let photo = sample("14_moose.jpg");
    let arrays = path("found.npz");
    let found = json(&run(&[
        "search",
        text(&photo),
        "--index",
        text(&index),
        "-k",
        "2",
        "--out",
        text(&arrays),
        "--json",
    ]));
    let best = &found["queries"][0]["results"][0];
    assert_eq!((best["rank"].as_u64(), best["id"].as_u64()), (Some(1), Some(14)), "{found}");
    assert!(best["name"].as_str().unwrap().ends_with("14_moose.jpg"));
    assert!(best["distance"].as_f64().unwrap().abs() < 1e-5);
    let ids = crate::fixtures::npz_at(&arrays, "I").unwrap();
    assert_eq!(ids.shape, [1, 2]);
    assert_eq!(ids.values[0], 14.0);
}

#[test]
fn resuming_skips_and_a_budget_holds() {
    let folder = tempfile::tempdir().unwrap();
    let photo = sample("17_igloo.jpg");
    let out = text(folder.path());
    let mut arguments =
        vec!["activate", text(&photo), "--out", out, "--iterations", "2", "--json", "--format", "jpeg"];
    arguments.extend(["--min-psnr", "41.5", "--resume"]);
    let first = json(&run(&arguments));
    let psnr = first["images"][0]["psnr"].as_f64().unwrap();
    assert!((41.5..42.5).contains(&psnr), "{psnr} dB of the file as written");
    let written = fs::read(folder.path().join("17_igloo.jpg")).unwrap();
    let second = json(&run(&arguments));
    assert_eq!(second["images"][0]["skipped"], true);
    assert_eq!(fs::read(folder.path().join("17_igloo.jpg")).unwrap(), written);
}

#[test]
fn retrieval_is_measured_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("originals")).unwrap();
    for name in ["17_igloo.jpg", "14_moose.jpg"] {
        fs::copy(sample(name), folder.path().join("originals").join(name)).unwrap();
    }
    let [images, released] = ["originals", "released"].map(|name| folder.path().join(name));
    let index = root().join("weights/default.faiss");
    let output = run(&[
        "eval",
        "retrieval",
        "--images",
        text(&images),
        "--index",
        text(&index),
        "--released",
        text(&released),
        "--activate",
        "--iterations",
        "2",
        "--transforms",
        "none,contrast=2,meme",
        "--json",
    ]);
    let document = json(&output);
    assert_eq!(output.status.code(), Some(0), "{document}");
    let edits = document["transforms"].as_array().unwrap();
    assert_eq!(edits.len(), 3);
    assert_eq!((&edits[0]["name"], &edits[0]["passive"]["r1"]), (&Value::from("none"), &Value::from(1.0)));
    assert_eq!(
        (&document["schema"], &document["nprobe"], &document["images"]),
        (&1.into(), &1.into(), &2.into())
    );
    assert!(document["distractors"].as_u64().unwrap() > 100_000);
    let rate = |side: &str, name: &str| document["mean"][side][name].as_f64().unwrap();
    for name in ["r1", "r10", "r100", "map"] {
        assert!(
            (0.0..=1.0).contains(&rate("passive", name)) && (0.0..=1.0).contains(&rate("released", name))
        );
    }
    assert!(rate("released", "r1") >= rate("passive", "r1"));
    for name in ["psnr", "ssim"] {
        assert!(document["quality"][name]["mean"].as_f64() >= document["quality"][name]["min"].as_f64());
    }
    assert!(document["quality"]["psnr"]["min"].as_f64().unwrap() > 35.0);
    assert!(document["quality"]["linf"].as_f64().unwrap() > 0.0);
}

/// Originals named in the index are expected under their existing ids and not added again.
#[test]
fn retrieval_knows_the_images_that_are_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let [photos, descriptors, index] = ["photos", "photos.npy", "photos.faiss"].map(path);
    fs::create_dir(&photos).unwrap();
    for name in ["17_igloo.jpg", "14_moose.jpg"] {
        fs::copy(sample(name), photos.join(name)).unwrap();
    }
    fs::copy(root().join("weights/default.faiss"), &index).unwrap();
    assert_eq!(run(&["describe", text(&photos), "--out", text(&descriptors)]).status.code(), Some(0));
    let names = descriptors.with_extension("names.tsv");
    let add =
        ["index", "add", "--index", text(&index), "--input", text(&descriptors), "--names", text(&names)];
    assert_eq!(run(&add).status.code(), Some(0));
    let evaluate =
        ["eval", "retrieval", "--images", text(&photos), "--index", text(&index), "--transforms", "none"];
    let document = json(&run(&[&evaluate[..], &["--json"]].concat()));
    assert_eq!((&document["added"], &document["images"]), (&0.into(), &2.into()), "{document}");
    assert_eq!(document["mean"]["passive"]["r1"], 1.0);
}

/// A pipe would never answer, and a device file must not be replaced by a regular file.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.jpg");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = run(&["describe", text(&pipe), "--out", text(&folder.path().join("x.npy"))]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("pipe.jpg: is not a regular file"));
    let photo = sample("17_igloo.jpg");
    let output = run(&["transform", "hflip", text(&photo), "--out", text(&pipe)]);
    assert_eq!(output.status.code(), Some(2), "no extension of a known format, or not a regular file");
    assert!(!pipe.is_file());
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_whole_files_only() {
    interrupt(std::process::Stdio::null());
}

/// The handler of the interrupt has its say on stderr before it ends the program.
#[cfg(unix)]
#[test]
fn an_interrupt_ends_a_program_whose_stderr_is_closed() {
    interrupt(crate::streams::closed());
}

/// Interrupts `activate` after the second file.
#[cfg(unix)]
fn interrupt(stderr: std::process::Stdio) {
    let folder = tempfile::tempdir().unwrap();
    let (samples, out) = (root().join("samples"), folder.path().join("out"));
    let mut activate = program();
    activate.args(["activate", text(&samples), "--out", text(&out), "--iterations", "1"]);
    let mut running = activate.stdout(std::process::Stdio::null()).stderr(stderr).spawn().unwrap();
    let finished = || fs::read_dir(&out).map_or(0, Iterator::count);
    while finished() < 2 {
        assert!(running.try_wait().unwrap().is_none(), "ended before it could be interrupted");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::process::Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(130));
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        assert!(image::open(&path).is_ok(), "{} is not whole", path.display());
    }
    assert!(finished() < 20, "it went on to the end");
}

#[test]
fn a_report_shows_the_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let (photo, page) = (sample("17_igloo.jpg"), folder.path().join("report.html"));
    let out = folder.path().join("out");
    let released = run(&[
        "activate",
        text(&photo),
        "--out",
        text(&out),
        "--iterations",
        "1",
        "--report",
        text(&page),
        "--format",
        "webp",
    ]);
    assert_eq!(released.status.code(), Some(0), "{}", String::from_utf8_lossy(&released.stderr));
    let page = fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("data:image/png;base64,").count(), 3);
    assert!(page.contains("17_igloo.jpg") && page.contains("difference x20"));
    assert!(image::open(out.join("17_igloo.webp")).is_ok());
}

#[test]
fn usage_errors_are_json_too() {
    let output = run(&["activate", "--iterations", "-1", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(json(&output)["error"].as_str().unwrap().contains("--iterations"));
}
