//! `release`: images are activated, remembered, and written, once each, whatever interrupts the run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use burn::tensor::{Device, Distribution, Tensor};
use collection::{Collection, FindSettings, Page, Selection, State};
use extractor::Extractor;
use index::{Index, TrainConfig, npy};
use serde_json::Value;

use crate::{
    command_line::{json, sample},
    fixtures::{golden, program},
};

fn weights() -> PathBuf {
    golden().join("extractors/sscd.classy.pt")
}

/// Folder with small photographs in `photos` and the empty collection `shop`.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new(photos: u32) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("photos")).unwrap();
        let photo = image::open(sample("17_igloo.jpg")).unwrap().into_rgb8();
        for i in 0..photos {
            let crop = image::imageops::crop_imm(&photo, i % 8 * 20, i / 8 * 20, 48, 48).to_image();
            crop.save(folder.path(&format!("photos/{i}.png"))).unwrap();
        }
        let d = Extractor::load(&weights(), &Device::flex()).unwrap().dimension();
        let vectors = Tensor::<2>::random([400, d], Distribution::Normal(0.0, 1.0), &Device::flex());
        let quantiser =
            Index::train(&"IVF4,PQ4x4".parse().unwrap(), vectors, &TrainConfig::default()).unwrap();
        Collection::create(&folder.path("shop"), &quantiser).unwrap();
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, line: &str) -> Command {
        let mut program = program();
        program.current_dir(self.0.path()).args(line.split(' ')).arg("--weights").arg(weights());
        program
    }

    pub fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Images of the report of a release that ends with the exit code.
    pub fn release(&self, line: &str, code: i32) -> Vec<Value> {
        let output = self.run(&format!("release {line} --iterations 1 --json"));
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
        json(&output)["images"].as_array().unwrap().clone()
    }

    pub fn collection(&self) -> Collection {
        Collection::open(&self.path("shop"), &Device::flex()).unwrap()
    }

    /// Names of the released files, without those that a killed run left aside.
    pub fn released(&self, out: &str) -> BTreeSet<String> {
        let Ok(files) = fs::read_dir(self.path(out)) else { return BTreeSet::new() };
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.ends_with(".tmp")).collect()
    }
}

fn statuses(images: &[Value]) -> Vec<&str> {
    images.iter().map(|image| image["status"].as_str().unwrap_or("failed")).collect()
}

fn entries(collection: &Collection) -> Vec<collection::Entry> {
    let selection = Selection { state: Some(State::Live), ..Selection::default() };
    let page = Page { selection, limit: 10_000, ..Page::default() };
    collection.page(&page).unwrap()
}

#[test]
fn released_images_are_remembered_once_and_found_again() {
    let folder = Folder::new(5);
    fs::copy(folder.path("photos/3.png"), folder.path("photos/same as 3.png")).unwrap();
    let images = folder.release("photos --collection shop --out out", 0);
    assert_eq!(statuses(&images), ["released", "released", "released", "released", "released", "already"]);
    assert_eq!(images[3]["id"], images[5]["id"]);
    assert_eq!(folder.released("out").len(), 5);

    let collection = folder.collection();
    let stored = entries(&collection);
    assert!(stored.iter().all(|entry| !entry.pending));
    for (entry, image) in stored.iter().zip(&images) {
        assert_eq!((image["id"].as_i64(), Path::new(&entry.name)), (Some(entry.id), Path::new(&entry.name)));
        assert!(Path::new(entry.file.as_ref().unwrap()).is_file());
    }
    // The descriptor that is kept is that of the released file, read back.
    assert_eq!(folder.run("describe out --out out.npy").status.code(), Some(0));
    let queries = npy::read_descriptors(&folder.path("out.npy"), &Device::flex()).unwrap();
    let found = collection.find(queries, &FindSettings { nprobe: 4, ..Default::default() }).unwrap();
    for (found, entry) in found.iter().zip(&stored) {
        assert!(found[0].id == entry.id && found[0].cosine > 0.9999, "{found:?} for {}", entry.name);
    }

    fs::rename(folder.path("photos/0.png"), folder.path("photos/renamed.png")).unwrap();
    let before = fs::metadata(folder.path("out/1.png")).unwrap().modified().unwrap();
    let again = folder.release("photos --collection shop --out out", 0);
    assert!(statuses(&again).iter().all(|status| *status == "already"), "{again:?}");
    assert_eq!(fs::metadata(folder.path("out/1.png")).unwrap().modified().unwrap(), before);
    assert_eq!(collection.info().unwrap().live, 5);
}

#[test]
fn a_picture_that_fails_leaves_no_entry_and_the_others_are_released() {
    let folder = Folder::new(3);
    fs::write(folder.path("photos/1.png"), b"\x89PNG\r\n\x1a\n and no more").unwrap();
    let images = folder.release("photos --collection shop --out out", 1);
    assert_eq!(statuses(&images), ["released", "failed", "released"]);
    assert_eq!(folder.collection().info().unwrap().live, 2);
    assert_eq!(folder.released("out").len(), 2);
}

#[test]
fn a_withdrawn_picture_is_not_released_again() {
    let folder = Folder::new(1);
    let id = folder.release("photos --collection shop --out out", 0)[0]["id"].as_i64().unwrap();
    folder.collection().withdraw(&[id]).unwrap();
    let images = folder.release("photos --collection shop --out out", 0);
    assert_eq!(statuses(&images), ["already"]);
    assert!(images[0]["notes"][0].as_str().unwrap().contains("withdrawn"), "{images:?}");
}

#[test]
fn what_is_no_collection_and_what_would_be_replaced_is_refused() {
    let folder = Folder::new(1);
    let refused = |line: &str, reason: &str| {
        let output = folder.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{line}: {stderr}");
    };
    refused("release photos --collection photos --out out", "no collection");
    refused("release nothing.png --collection missing --out out", "no collection");
    let images = folder.release("photos --collection shop --out photos", 1);
    assert!(images[0]["error"].as_str().unwrap().contains("overwrite the original"), "{images:?}");
}

/// Every released file has its entry, and every entry its file unless it is pending.
fn files_and_entries_agree(folder: &Folder) {
    let collection = folder.collection();
    let found = collection.check(&mut |_| ()).unwrap();
    assert_eq!(found, []);
    let stored = entries(&collection);
    let of_entries: BTreeSet<String> = stored.iter().map(|entry| entry.name.clone()).collect();
    assert_eq!(of_entries.len(), stored.len(), "nothing is stored twice");
    for name in folder.released("out") {
        assert!(of_entries.contains(&name), "{name} was released, but is no entry");
    }
    let written = stored.iter().filter(|entry| !entry.pending);
    for entry in written {
        assert!(Path::new(entry.file.as_ref().unwrap()).is_file(), "{} has no file", entry.name);
    }
}

fn kill_rounds(photos: u32, rounds: u64) {
    let folder = Folder::new(photos);
    let start = |folder: &Folder| -> Child {
        let mut command = folder.command("release photos --collection shop --out out --iterations 1");
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for round in 0..rounds {
        let mut running = start(&folder);
        sleep(Duration::from_millis(40 + 97 * round % 400));
        running.kill().unwrap();
        running.wait().unwrap();
        files_and_entries_agree(&folder);
        let done = folder.collection().info().unwrap();
        if done.live == u64::from(photos) && done.pending == 0 {
            // All are released: begin anew.
            fs::remove_dir_all(folder.path("out")).unwrap();
            fs::remove_dir_all(folder.path("photos")).unwrap();
            let fresh = Folder::new(photos);
            fs::rename(fresh.path("photos"), folder.path("photos")).unwrap();
            fs::remove_dir_all(folder.path("shop")).unwrap();
            fs::rename(fresh.path("shop"), folder.path("shop")).unwrap();
        }
    }
    assert!(start(&folder).wait().unwrap().success());
    files_and_entries_agree(&folder);
    let collection = folder.collection();
    assert!(
        entries(&collection).iter().all(|entry| !entry.pending),
        "the next run completes pending entries"
    );
    assert_eq!(folder.released("out").len(), photos as usize);
}

#[test]
fn kills_leave_no_released_file_without_an_entry() {
    kill_rounds(24, 8);
}

#[test]
#[ignore = "slow: kills the program 200 times"]
fn two_hundred_kills_leave_no_released_file_without_an_entry() {
    kill_rounds(24, 200);
}

#[test]
fn runs_side_by_side_release_each_picture_once() {
    let folder = Folder::new(12);
    let start = |number: usize| -> Child {
        let line = format!("release photos --collection shop --out out{number} --iterations 1");
        folder.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let running: Vec<Child> = (0..4).map(start).collect();
    running.into_iter().for_each(|mut child| assert!(child.wait().unwrap().success()));
    let collection = folder.collection();
    let stored = entries(&collection);
    assert_eq!(stored.len(), 12);
    assert!(stored.iter().all(|entry| !entry.pending && Path::new(entry.file.as_ref().unwrap()).is_file()));
    assert_eq!(collection.check(&mut |_| ()).unwrap(), []);
}

#[cfg(unix)]
#[test]
fn an_interrupted_release_reports_what_is_done_and_goes_on_later() {
    let folder = Folder::new(40);
    let mut command = folder.command("release photos --collection shop --out out --iterations 4 --json");
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while folder.released("out").len() < 2 {
        sleep(Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    let document = json(&output);
    let done = document["images"].as_array().unwrap().len();
    assert!(document["interrupted"] == true && (2..40).contains(&done), "{document}");
    files_and_entries_agree(&folder);
    assert_eq!(folder.collection().info().unwrap().live, done as u64);
    let images = folder.release("photos --collection shop --out out", 0);
    assert_eq!(statuses(&images).iter().filter(|status| **status == "already").count(), done);
    assert_eq!(folder.released("out").len(), 40);
}

/// Puts two pictures that no other call makes into a folder.
fn put_new_pictures(folder: &Folder, name: &str, number: u32) {
    fs::create_dir_all(folder.path(name)).unwrap();
    let photo = image::open(sample("02_coffee.jpg")).unwrap().into_rgb8();
    for i in 0..2 {
        let place = 2 * number + i;
        let crop = image::imageops::crop_imm(&photo, place % 60 * 4, place / 60 * 4, 48, 48).to_image();
        crop.save(folder.path(&format!("{name}/{number}-{i}.png"))).unwrap();
    }
}

/// Runs a program again and again until `end`, at least twice, and returns the number of runs.
fn again_until(end: Instant, mut run: impl FnMut(u32)) -> u32 {
    let runs = (0..).take_while(|&number| number < 2 || Instant::now() < end);
    runs.inspect(|&number| run(number)).count() as u32
}

/// Four programs release and four find, each again and again for the given time. All release the same twelve pictures, and
/// each two new ones a run.
fn programs_release_and_find(time: Duration) {
    let folder = Folder::new(12);
    for releaser in 0..4 {
        fs::create_dir(folder.path(&format!("out{releaser}"))).unwrap();
    }
    let end = Instant::now() + time;
    let release = |releaser: u32| -> u32 {
        again_until(end, |number| {
            let own = format!("own{releaser}");
            put_new_pictures(&folder, &own, 500 * releaser + number);
            let inputs = format!("photos {own} --collection shop --out out{releaser} --threads 1");
            folder.release(&inputs, 0);
            fs::remove_dir_all(folder.path(&own)).unwrap();
        })
    };
    let find = |releaser: u32| -> u32 {
        again_until(end, |_| {
            if folder.released(&format!("out{releaser}")).is_empty() {
                return;
            }
            let line = format!(
                "find out{releaser} --collection shop -k 1 --all --looks 1 --nprobe 4 --threads 1 --json"
            );
            let output = folder.run(&line);
            assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
            for query in json(&output)["queries"].as_array().unwrap() {
                let cosine = query["matches"][0]["cosine"].as_f64();
                assert!(cosine > Some(0.999), "a released file is found at once: {query}");
            }
        })
    };
    let (release, find) = (&release, &find);
    let runs = std::thread::scope(|scope| {
        let releasing: Vec<_> = (0..4).map(|number| scope.spawn(move || release(number))).collect();
        let finding: Vec<_> = (0..4).map(|number| scope.spawn(move || find(number))).collect();
        finding.into_iter().for_each(|thread| assert!(thread.join().unwrap() >= 2));
        releasing.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>()
    });
    let collection = folder.collection();
    let stored = entries(&collection);
    assert_eq!(stored.len() as u32, 12 + 2 * runs, "each picture once");
    assert!(stored.iter().all(|entry| !entry.pending && Path::new(entry.file.as_ref().unwrap()).is_file()));
    assert_eq!(collection.check(&mut |_| ()).unwrap(), []);
}

#[test]
fn eight_programs_release_and_find_at_once() {
    programs_release_and_find(Duration::ZERO);
}

#[test]
#[ignore = "slow: eight programs run for a minute"]
fn eight_programs_release_and_find_for_a_minute() {
    programs_release_and_find(Duration::from_secs(60));
}
