//! Thousands of damaged image files, in the library and through the program: each is a picture or an error of one line.
//!
//! [`image_mutations`](crate::image_mutations) makes them of `tests/images/corpus.zip` and of `tests/images/findings`,
//! which holds what earlier runs and the fuzzer found.

use std::{collections::BTreeMap, fs, path::Path};

use image_file::{Error, Limits, Reader};

use crate::{
    command_line::{json, text},
    fixtures::{program, root},
    image_files::Corpus,
    image_mutations::mutated,
};

/// Files of a whole run.
const MANY: u64 = 10_000;
/// Most memory of the program, in KiB.
const MOST_MEMORY: u64 = 1 << 20;

/// The files that are mutated, in the order of their names.
fn seeds() -> BTreeMap<String, Vec<u8>> {
    let mut seeds = Corpus::open().into_files();
    for found in fs::read_dir(root().join("tests/images/findings")).into_iter().flatten() {
        let path = found.unwrap().path();
        seeds.insert(format!("found_{}", path.file_name().unwrap().display()), fs::read(path).unwrap());
    }
    seeds
}

/// Decodes `count` mutated files, and all findings as they are.
#[test]
fn mutated_images_are_pictures_or_errors_of_one_line() {
    let seeds = seeds();
    let found = seeds.iter().filter(|(name, _)| name.starts_with("found_"));
    let files: Vec<Vec<u8>> = seeds.values().cloned().collect();
    let some = (0..600).map(|i| (format!("mutated {i}"), mutated(&files, i)));
    let limits = Limits { max_seconds: 20.0, ..Limits::default() };
    let (mut readable, mut wrong) = (0, Vec::new());
    for (name, bytes) in found.map(|(name, bytes)| (name.clone(), bytes.clone())).chain(some) {
        match (Reader { limits, ..Reader::default() }).decode(&bytes) {
            Ok(_) => readable += 1,
            Err(error) if matches!(error, Error::DecoderPanicked { .. } | Error::TooSlow { .. }) => {
                wrong.push(format!("{name}: {error}"));
            }
            Err(error) if error.to_string().lines().count() != 1 => wrong.push(format!("{name}: {error:?}")),
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(readable > 60, "mutations of 600 files leave {readable} readable");
}

/// Writes the seeds and the mutated files into a folder.
fn write(folder: &Path) {
    let seeds = seeds();
    seeds.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    let files: Vec<Vec<u8>> = seeds.into_values().collect();
    (0..MANY).for_each(|i| fs::write(folder.join(format!("mutated_{i}.jpg")), mutated(&files, i)).unwrap());
}

/// Run by `cargo test -p cli --test it -- --ignored --nocapture thousands_of_mutated`. With `ACTIVE_INDEX_MUTATIONS`, the
/// files are also written into the folder that it names, which seeds the fuzzer.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "slow: describes 11,000 files"]
fn describe_finishes_thousands_of_mutated_images_within_1_gib() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    write(&photos);
    if let Some(corpus) = std::env::var_os("ACTIVE_INDEX_MUTATIONS") {
        write(Path::new(&corpus));
    }
    let [out, report, messages] = ["out.npy", "report.json", "stderr"].map(|name| folder.path().join(name));
    let mut describe = program();
    // A network of few layers, because it is not under test.
    let network = root().join("tests/golden/extractors/sscd.safetensors");
    describe.args(["describe", text(&photos), "--out", text(&out), "--json", "--size", "64"]);
    describe.args(["--weights", text(&network)]);
    describe.stdout(fs::File::create(&report).unwrap()).stderr(fs::File::create(&messages).unwrap());
    let mut running = describe.spawn().unwrap();
    let (mut peak, status) = (0, format!("/proc/{}/status", running.id()));
    while running.try_wait().unwrap().is_none() {
        let read = fs::read_to_string(&status).unwrap_or_default();
        let line = read.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
        peak = peak.max(line.trim().trim_end_matches(" kB").parse::<u64>().unwrap());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let status = running.wait().unwrap();
    let messages = fs::read_to_string(&messages).unwrap();
    assert_eq!(status.code(), Some(1), "{messages}");
    let output = std::process::Output { status, stdout: fs::read(&report).unwrap(), stderr: Vec::new() };
    let document = json(&output);
    let rows = document["images"].as_array().unwrap();
    assert_eq!(rows.len(), fs::read_dir(&photos).unwrap().count());
    let bad: Vec<_> =
        rows.iter().filter_map(|row| Some((row["input"].as_str()?, row["error"].as_str()?))).collect();
    println!("{} files, {} bad, peak {} MiB", rows.len(), bad.len(), peak >> 10);
    let mut expected: Vec<_> = bad.iter().map(|(input, error)| format!("{input}: {error}")).collect();
    // Every other line, such as one that a decoder prints, is a fault, too.
    let of_files = messages.lines().filter(|line| !line.contains(": note: "));
    let mut lines: Vec<_> = of_files.map(str::to_owned).collect();
    expected.sort();
    lines.sort();
    assert!(lines == expected, "a line for each bad file:\n{messages}");
    let panics =
        bad.iter().filter(|(_, error)| error.contains("decoder fails on this file")).collect::<Vec<_>>();
    assert!(panics.is_empty() && !messages.contains("panicked"), "{panics:?}");
    assert!(peak > 0 && peak <= MOST_MEMORY, "{peak} KiB");
}
