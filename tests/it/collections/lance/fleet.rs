//! Several machines that release into one collection, each a shard of the pictures, while others find.

use std::{
    collections::BTreeSet,
    fs,
    process::{Child, Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::Shop;
use crate::command_line::json;

/// Processes that release, one for each shard.
const WORKERS: usize = 4;
/// Released files whose answers are looked at.
const ASKED: usize = 40;

/// Workers that release into a collection.
struct Fleet<'a> {
    shop: &'a Shop,
    address: String,
    /// Folder of the released files.
    out: String,
    /// Pictures of all shards.
    pictures: usize,
    /// Pictures that a worker commits together.
    batch: usize,
}

impl<'a> Fleet<'a> {
    fn new(shop: &'a Shop, pictures: usize, batch: usize, run: usize) -> Self {
        Self {
            shop,
            address: shop.create(&format!("fleet-{run}")),
            out: format!("out-{run}"),
            pictures,
            batch,
        }
    }

    /// Line that finds files. All codes are compared: ten times as many as there are matches.
    fn find(&self, files: &str) -> String {
        format!(
            "find {files} --collection {} --all -k {} --nprobe 4",
            self.address,
            self.pictures.div_ceil(10)
        )
    }

    fn release(&self, options: &str) -> String {
        let Self { address, out, batch, .. } = self;
        format!(
            "release photos --collection {address} --out {out} --fast --iterations 1 --batch {batch}{options}"
        )
    }

    fn start(&self, shard: usize) -> Child {
        let line = self.release(&format!(" --shard {shard}/{WORKERS} --threads 1"));
        let mut command = self.shop.command(&line);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Released files.
    fn files(&self) -> BTreeSet<String> {
        let files = fs::read_dir(self.shop.folder.path(&self.out)).into_iter().flatten();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".png")).collect()
    }

    /// Waits until so many files are released.
    fn wait_for(&self, files: usize) {
        let started = Instant::now();
        while self.files().len() < files {
            assert!(started.elapsed() < Duration::from_secs(300), "{} of {files} files", self.files().len());
            sleep(Duration::from_millis(20));
        }
    }

    /// Finds a picture until the workers have ended: no search fails, and none has an entry twice. Returns the number of
    /// searches.
    fn find_until(&self, picture: usize, has_ended: &AtomicBool) -> usize {
        let line = self.find(&format!("photos/{picture}.png"));
        let mut searches = 0;
        while !has_ended.load(Ordering::Relaxed) {
            let found = self.shop.done(&line);
            let matches = found["queries"][0]["matches"].as_array().unwrap();
            let names: BTreeSet<&str> = matches.iter().map(|found| found["name"].as_str().unwrap()).collect();
            assert_eq!(names.len(), matches.len(), "an entry is found twice: {found}");
            searches += 1;
        }
        searches
    }

    /// Runs the workers while two others find. Those in `killed` are killed when half of the files are there, and started
    /// again. Returns the number of pictures that the workers say they released, without those of killed ones.
    fn run(&self, killed: &[usize]) -> usize {
        let has_ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let find = |picture| {
                let has_ended = &has_ended;
                scope.spawn(move || self.find_until(picture, has_ended))
            };
            let finding = [find(3), find(self.pictures / 2)];
            let released = {
                let _ended = Ended(&has_ended);
                self.release_all(killed)
            };
            let searches: usize = finding.into_iter().map(|thread| thread.join().unwrap()).sum();
            println!("{searches} searches beside {WORKERS} workers");
            released
        })
    }

    fn release_all(&self, killed: &[usize]) -> usize {
        let mut workers: Vec<Child> = (0..WORKERS).map(|shard| self.start(shard)).collect();
        self.kill_and_start_again(&mut workers, killed);
        workers.into_iter().map(released).sum()
    }

    fn kill_and_start_again(&self, workers: &mut [Child], killed: &[usize]) {
        if killed.is_empty() {
            return;
        }
        self.wait_for(self.pictures / 2);
        for &shard in killed {
            workers[shard].kill().unwrap();
            workers[shard].wait().unwrap();
        }
        for &shard in killed {
            workers[shard] = self.start(shard);
        }
    }

    /// Requires each picture to be there once: entry, file and answer.
    fn require_everything_once(&self) {
        let Self { shop, address, out, pictures, .. } = self;
        let info = shop.done(&format!("collection info {address}"));
        assert_eq!((&info["entries"], &info["withdrawn"]), (&(*pictures).into(), &0.into()), "{info}");
        let listed = shop.done(&format!("collection list {address}"));
        let entries = listed["entries"].as_array().unwrap();
        let of = |field: &str| -> BTreeSet<String> {
            entries.iter().map(|entry| entry[field].as_str().unwrap_or_default().to_owned()).collect()
        };
        let names: BTreeSet<String> = (0..*pictures).map(|number| format!("{number}.png")).collect();
        assert_eq!((of("name"), of("original").len()), (names.clone(), *pictures), "lost or twice");
        assert!(entries.iter().all(|entry| entry["pending"].is_null()), "a file is not marked as written");
        assert_eq!(self.files(), names);
        shop.done(&format!("collection check {address}"));

        let again = shop.done(&self.release(""));
        let statuses: BTreeSet<&str> = again["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["status"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, BTreeSet::from(["already"]));
        let asked = (0..*pictures).step_by(pictures.div_ceil(ASKED));
        let files: Vec<String> = asked.map(|number| format!("{out}/{number}.png")).collect();
        let found = shop.done(&self.find(&files.join(" ")));
        assert_eq!(found["queries"].as_array().unwrap().len(), files.len());
        for query in found["queries"].as_array().unwrap() {
            let name = query["query"].as_str().unwrap().rsplit('/').next().unwrap();
            let own = query["matches"].as_array().unwrap().iter().find(|found| found["name"] == name);
            assert!(own.is_some_and(|own| own["cosine"].as_f64() > Some(0.99)), "{query}");
        }
    }
}

/// Notes that the workers have ended, also when the test fails.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Number of pictures that a worker says it released.
fn released(worker: Child) -> usize {
    let output: Output = worker.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = json(&output);
    let images = document["images"].as_array().unwrap();
    assert!(images.iter().all(|image| image["status"] != "failed"), "{document}");
    images.iter().filter(|image| image["status"] == "released").count()
}

/// Workers that release in shards into a collection, in turn undisturbed and with two of them killed half way.
fn fleets(runs: usize, pictures: usize, batch: usize) {
    let Some(shop) = Shop::with_photos(pictures) else { return };
    for run in 0..runs {
        let fleet = Fleet::new(&shop, pictures, batch, run);
        let killed: &[usize] = if run % 2 == 0 { &[] } else { &[run / 2 % WORKERS, (run / 2 + 1) % WORKERS] };
        let released = fleet.run(killed);
        if killed.is_empty() {
            assert_eq!(released, pictures, "run {run}");
        }
        fleet.require_everything_once();
        fs::remove_dir_all(shop.folder.path(&fleet.out)).unwrap();
    }
}

#[test]
fn four_workers_release_in_shards_while_two_find() {
    fleets(2, 40, 1);
}

#[test]
#[ignore = "slow: twenty times 400 pictures, with two of four workers killed in every other run"]
fn twenty_fleets_lose_nothing_and_store_nothing_twice() {
    fleets(20, 400, 4);
}
