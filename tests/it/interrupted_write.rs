//! Writes of an index file, killed at any moment.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use burn::tensor::{Device, Tensor, TensorData};
use index::{Index, TrainConfig, npy};

use crate::fixtures::program;

const D: usize = 64;

/// 8 MiB of vectors, so that the write takes long enough to be interrupted.
const STORED: usize = 32 << 10;

const KILLS: usize = 100;

/// Numbers in 0..1 (splitmix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn rows(n: usize, random: &mut Random) -> Tensor<2> {
    let values: Vec<f32> = (0..n * D).map(|_| random.next() as f32).collect();
    Tensor::from_data(TensorData::new(values, [n, D]), &Device::flex())
}

/// The index before a run.
fn old_index(random: &mut Random) -> Index {
    let mut index =
        Index::train(&"IVF16,Flat".parse().unwrap(), rows(1000, random), &TrainConfig::default()).unwrap();
    index.add(rows(STORED, random)).unwrap();
    index
}

/// A run that adds the descriptors to the index.
struct Add {
    index: PathBuf,
    descriptors: PathBuf,
}

impl Add {
    fn start(&self) -> Child {
        let mut command: Command = program();
        command.args(["index", "add", "--index"]).arg(&self.index).arg("--input").arg(&self.descriptors);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs without interruption; returns the duration.
    fn finish(&self) -> Duration {
        let start = Instant::now();
        assert!(self.start().wait().unwrap().success());
        start.elapsed()
    }
}

fn names(folder: &Path) -> HashSet<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The file is always the old or the new one, byte for byte. A killed run leaves only temporary files and its lock file
/// beside it; the next run removes them.
#[test]
#[ignore = "slow: kills a program again and again"]
fn a_killed_add_leaves_the_old_file_or_the_new_one() {
    let mut random = Random(7);
    let folder = tempfile::tempdir().unwrap();
    let add = Add { index: folder.path().join("an.index"), descriptors: folder.path().join("more.npy") };
    npy::write_tensor(&add.descriptors, rows(100, &mut random)).unwrap();
    old_index(&mut random).write(&add.index).unwrap();
    let old = fs::read(&add.index).unwrap();
    add.finish();
    let new = fs::read(&add.index).unwrap();
    assert!(new.len() > old.len());
    fs::write(&add.index, &old).unwrap();
    let whole = add.finish();
    assert!(fs::read(&add.index).unwrap() == new, "the same run writes the same bytes");

    let lock = folder.path().join(".active-index-an.index.lock");
    let ours = &names(folder.path()) | &HashSet::from([lock.clone()]);
    let (mut replaced, mut abandoned) = (0, 0);
    for kill in 0..KILLS {
        fs::write(&add.index, &old).unwrap();
        let mut running = add.start();
        // A twentieth longer than a run, so that the end of a run is covered too.
        sleep(whole.mul_f64(1.05 * random.next()));
        running.kill().unwrap();
        running.wait().unwrap();
        let found = fs::read(&add.index).unwrap();
        assert!(found == old || found == new, "kill {kill} left {} bytes", found.len());
        let opened = Index::open(&add.index, &Device::flex()).unwrap();
        assert_eq!(opened.ntotal(), if found == old { STORED } else { STORED + 100 });
        replaced += usize::from(found == new);
        for left in names(folder.path()).difference(&ours) {
            assert!(left.extension().is_some_and(|extension| extension == "tmp"), "{}", left.display());
            abandoned += 1;
            // The last temporary file stays for the later runs.
            if kill + 1 < KILLS {
                fs::remove_file(left).unwrap();
            }
        }
    }
    println!(
        "{KILLS} runs killed within {whole:?}: {replaced} had replaced the file, {abandoned} left a temporary one"
    );
    assert!(abandoned > 0, "no kill met the write");
    fs::write(&add.index, &old).unwrap();
    add.finish();
    assert!(fs::read(&add.index).unwrap() == new, "what was left disturbs no later run");
    assert!(!lock.exists() || cfg!(not(unix)), "the lock file was taken over");
    assert!(names(folder.path()).is_subset(&ours), "what was left is removed");
}
