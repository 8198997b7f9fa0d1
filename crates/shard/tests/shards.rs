//! Tests of shards: every file is in one, environments of schedulers, records.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use active_index_shard::{Environment, Error, Record, RunName, Shard};
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn shard(text: &str) -> Shard {
    text.parse().expect("a shard")
}

/// Names of one to four parts of odd characters, with and without endings.
fn names(n: usize, seed: u64) -> Vec<PathBuf> {
    let mut rng = StdRng::seed_from_u64(seed);
    let letters: Vec<char> = "ab. -_'\"\\%#?é写\u{1f600}\t".chars().collect();
    let part = |rng: &mut StdRng| -> String {
        let length = rng.random_range(1..12);
        let word: String = (0..length).map(|_| letters[rng.random_range(0..letters.len())]).collect();
        if word.trim_matches('.').is_empty() { "x".to_owned() } else { word }
    };
    (0..n).map(|_| (0..rng.random_range(1..5)).map(|_| part(&mut rng)).collect()).collect()
}

#[test]
fn every_file_is_in_one_shard_whatever_their_number() {
    let names = names(400, 1);
    for of in [1, 2, 3, 7, 16, 100, 1009, u32::MAX] {
        for name in &names {
            let held = |index: &u32| Shard::new(*index, of).expect("below").holds(name);
            match of {
                u32::MAX => assert!((0..1000).filter(held).count() <= 1),
                _ => assert_eq!((0..of).filter(held).count(), 1, "{name:?} of {of}"),
            }
        }
    }
}

#[test]
fn shards_are_of_similar_size() {
    let files: Vec<PathBuf> = (0..64_000).map(|i| format!("{}/{i:06}.jpg", i % 100).into()).collect();
    for of in [2, 16, 61] {
        let expected = files.len() as f64 / f64::from(of);
        for index in 0..of {
            let shard = Shard::new(index, of).expect("below");
            let found = files.iter().filter(|name| shard.holds(name)).count() as f64;
            // Five standard deviations of a binomial distribution.
            assert!((found - expected).abs() < 5.0 * expected.sqrt(), "{shard}: {found} of {expected}");
        }
    }
}

/// Numbers that anyone computes: `printf 2026/a | sha256sum`, the first 16 digits modulo 1000.
#[test]
fn the_split_is_that_of_sha_256_and_stays() {
    for (name, index) in [("a.jpg", 250), ("2026/a.jpg", 242), ("2026/a", 242), ("./2026/a.png", 242)] {
        let holder = (0..1000).find(|&index| Shard::new(index, 1000).expect("below").holds(Path::new(name)));
        assert_eq!(holder, Some(index), "{name}");
    }
}

#[test]
fn names_that_are_released_as_one_file_are_in_one_shard() {
    for name in names(300, 2) {
        let both = [name.with_extension("jpg"), name.with_extension("webp")];
        for index in 0..13 {
            let shard = Shard::new(index, 13).expect("below");
            assert_eq!(shard.holds(&both[0]), shard.holds(&both[1]), "{name:?}");
        }
    }
}

#[test]
fn shards_are_written_as_a_number_from_0_and_their_count() {
    for text in ["0/1", "0/16", "15/16", "4294967294/4294967295"] {
        assert_eq!(shard(text).to_string(), text);
    }
    assert_eq!(shard("0/1"), Shard::ALL);
    for text in
        ["", "/", "1", "1/1", "16/16", "-1/4", "+1/4", "1/0", "0/0", "1/4/2", " 1/4", "1/4 ", "0/4294967296"]
    {
        let error = text.parse::<Shard>().expect_err(text);
        assert_eq!(error, Error::NoShard(text.to_owned()));
    }
}

#[test]
fn each_shard_has_a_file_of_its_own() {
    let file = |text: &str, path: &str| shard(text).file(Path::new(path)).display().to_string();
    assert_eq!(file("3/16", "a/b.c.npy"), "a/b.c.03-of-16.npy");
    assert_eq!(file("0/10", "x"), "x.0-of-10");
    assert_eq!(file("7/1000", "s3://bucket/out/found.json"), "s3://bucket/out/found.007-of-1000.json");
    let files: BTreeMap<String, u32> = (0..120).map(|i| (file(&format!("{i}/120"), "f.csv"), i)).collect();
    assert_eq!(files.len(), 120);
    assert!(files.values().is_sorted(), "files sort as their shards do");
}

fn look(variables: &[(&str, &str)]) -> Result<Environment, Error> {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    Environment::read(|name| variables.get(name).map(ToString::to_string))
}

fn shard_of(variables: &[(&str, &str)]) -> String {
    match look(variables).expect("a shard") {
        Environment::Shard { shard, variable } => format!("{shard} {variable}"),
        other => panic!("{other:?}"),
    }
}

/// Variables of `sbatch --array`, as Slurm's manual describes them.
fn array<'a>(id: &'a str, min: &'a str, max: &'a str, count: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("SLURM_ARRAY_TASK_ID", id),
        ("SLURM_ARRAY_TASK_MIN", min),
        ("SLURM_ARRAY_TASK_MAX", max),
        ("SLURM_ARRAY_TASK_COUNT", count),
    ]
}

#[test]
fn a_slurm_array_names_its_shards() {
    assert_eq!(shard_of(&array("3", "0", "15", "16")), "3/16 SLURM_ARRAY_TASK_ID");
    assert_eq!(shard_of(&array("16", "1", "16", "16")), "15/16 SLURM_ARRAY_TASK_ID");
    assert_eq!(shard_of(&array("0", "0", "0", "1")), "0/1 SLURM_ARRAY_TASK_ID");
    assert_eq!(
        shard_of(&[array("2", "1", "3", "3"), vec![("SLURM_ARRAY_TASK_STEP", "1")]].concat()),
        "1/3 SLURM_ARRAY_TASK_ID"
    );
    assert_eq!(
        shard_of(
            &array("3", "0", "15", "16")[..2]
                .iter()
                .copied()
                .chain([("SLURM_ARRAY_TASK_COUNT", "16")])
                .collect::<Vec<_>>()
        ),
        "3/16 SLURM_ARRAY_TASK_ID"
    );
}

/// `sbatch --array=3,7` and its like run some of sixteen tasks again.
#[test]
fn a_part_of_an_array_needs_the_number_of_shards() {
    let parts = [
        (7, array("7", "3", "7", "2")),
        (3, array("3", "3", "3", "1")),
        (3, array("3", "3", "4", "2")),
        (4, array("4", "3", "4", "2")),
        (2, array("2", "0", "2", "2")),
        (2, array("2", "0", "14", "8")),
        (4, [array("4", "0", "14", "8"), vec![("SLURM_ARRAY_TASK_STEP", "2")]].concat()),
        (1, vec![("SLURM_ARRAY_TASK_ID", "1")]),
    ];
    for (id, part) in parts {
        assert_eq!(look(&part), Err(Error::Part), "{part:?}");
        let known = [part, vec![("ACTIVE_INDEX_SHARDS", "16")]].concat();
        assert_eq!(shard_of(&known), format!("{id}/16 SLURM_ARRAY_TASK_ID"));
    }
    assert_eq!(
        look(&array("3", "3", "3", "1")).expect_err("a part").to_string(),
        "the tasks of this Slurm array are not 0 to N-1 or 1 to N: set ACTIVE_INDEX_SHARDS to the number of shards, whose tasks are numbered from 0, or pass --shard I/N"
    );
    for (id, min, max, count) in
        [("0", "0", "3", "3"), ("5", "0", "3", "4"), ("0", "1", "3", "3"), ("0", "0", "0", "0")]
    {
        assert_eq!(look(&array(id, min, max, count)), Err(Error::Part), "{id} of {min} to {max}");
    }
    let huge = array("18446744073709551615", "1", "18446744073709551615", "18446744073709551615");
    assert_eq!(look(&huge), Err(Error::Part));
}

#[test]
fn an_indexed_job_names_its_shard_if_the_number_is_known() {
    let index = ("JOB_COMPLETION_INDEX", "3");
    assert_eq!(shard_of(&[index, ("ACTIVE_INDEX_SHARDS", "16")]), "3/16 JOB_COMPLETION_INDEX");
    assert_eq!(look(&[index]), Ok(Environment::Unsized { variable: "JOB_COMPLETION_INDEX" }));
    let outside = look(&[index, ("ACTIVE_INDEX_SHARDS", "3")]).expect_err("outside");
    assert_eq!(
        outside.to_string(),
        "JOB_COMPLETION_INDEX is 3, expected 0 to 2: number the tasks from 0, or pass --shard I/N"
    );
}

#[test]
fn variables_that_say_nothing_or_too_much_are_told() {
    assert_eq!(look(&[]), Ok(Environment::Nothing));
    assert_eq!(look(&[("SLURM_ARRAY_TASK_ID", ""), ("SLURM_JOB_ID", "7")]), Ok(Environment::Nothing));
    assert_eq!(look(&[("ACTIVE_INDEX_SHARDS", "16")]), Err(Error::NoTask(16)));
    assert_eq!(look(&[("SLURM_ARRAY_TASK_ID", "1"), ("JOB_COMPLETION_INDEX", "1")]), Err(Error::TwoTasks));
    for value in ["0", "-1", "many", "4294967296"] {
        let error = look(&[("ACTIVE_INDEX_SHARDS", value), ("JOB_COMPLETION_INDEX", "0")]).expect_err(value);
        let expected = format!("the variable ACTIVE_INDEX_SHARDS is {value:?}, expected a number");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn records_are_read_back_and_other_texts_are_none() {
    let run = RunName::of_command("release", &["photos".to_owned()], 16);
    assert!(run.to_string().parse::<RunName>().is_ok());
    let mut record = Record::new(run, "release", "photos", shard("3/16"), 12);
    (record.stored, record.done, record.updated) = (12, true, 1_800_000_000);
    assert_eq!(Record::parse(&record.to_text()), Some(record.clone()));
    assert_eq!(record.work, "release of photos");
    assert_eq!(record.name(), format!("{}/release/16/000003", record.run));
    for text in [
        "",
        "{}",
        "null",
        "[1]",
        &record.to_text().replace("\"of\":16", "\"of\":3"),
        &record.to_text().replace("release-", "../"),
        &record.to_text().replace("\"release\"", "\"../x\""),
    ] {
        assert_eq!(Record::parse(text), None, "{text}");
    }
}

#[test]
fn a_named_run_has_a_record_for_each_verb_number_of_shards_and_shard() {
    let record = |verb: &str, text: &str| {
        Record::new("nightly".parse().expect("a name"), verb, "photos", shard(text), 12)
    };
    let records = [("release", "0/8"), ("release", "0/16"), ("add", "0/8"), ("release", "1/8")]
        .map(|(verb, text)| record(verb, text));
    let names: BTreeMap<String, &Record> = records.iter().map(|record| (record.name(), record)).collect();
    assert_eq!(names.len(), records.len(), "{names:?}");
    assert_eq!(record("release", "0/8").name(), records[0].name());
    let of_first: Vec<bool> = records.iter().map(|other| records[0].is_of_run(other)).collect();
    assert_eq!(of_first, [true, false, false, true]);
}

#[test]
fn a_command_names_its_run_and_another_one_another() {
    let of = |verb: &str, inputs: &[&str], n| {
        let inputs: Vec<String> = inputs.iter().map(ToString::to_string).collect();
        RunName::of_command(verb, &inputs, n)
    };
    let run = of("release", &["a", "b"], 4);
    assert_eq!(run, of("release", &["a", "b"], 4));
    for other in [of("add", &["a", "b"], 4), of("release", &["ab"], 4), of("release", &["a", "b"], 5)] {
        assert_ne!(run, other);
    }
    let long = "x".repeat(65);
    for text in ["", ".hidden", "a/b", "a b", "é", &long] {
        assert!(text.parse::<RunName>().is_err(), "{text}");
    }
}
