//! Work in shards: any number of them does what one run does, whatever dies half way.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Output, Stdio},
    thread::sleep,
    time::Duration,
};

use burn::tensor::Device;
use collection::Collection;
use serde_json::{Value, json};

use crate::{command_line::json, fixtures::npy_at, release::Folder};

/// Variables that schedulers set.
const VARIABLES: [&str; 7] = [
    "ACTIVE_INDEX_SHARDS",
    "JOB_COMPLETION_INDEX",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_STEP",
];

fn run_in(folder: &Folder, line: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = folder.command(line);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

/// JSON document of a run without variables of a scheduler.
fn document(folder: &Folder, line: &str, code: i32) -> Value {
    let output = run_in(folder, &format!("{line} --json"), &[]);
    assert_eq!(output.status.code(), Some(code), "{line}: {}", messages(&output));
    json(&output)
}

pub fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        match file.file_type().unwrap().is_dir() {
            true => copy_folder(&file.path(), &to.join(file.file_name())),
            false => drop(fs::copy(file.path(), to.join(file.file_name())).unwrap()),
        }
    }
}

/// Entries of a collection by their names, without what differs between two collections: ids and times.
pub fn content(path: &Path, out: &Path) -> BTreeMap<String, (String, bool, String, Vec<u32>)> {
    let collection = Collection::open(path, &Device::flex()).unwrap();
    assert_eq!(collection.check(&mut |_| ()).unwrap(), []);
    let page = collection::Page { limit: 10_000, ..Default::default() };
    let entries = collection.page(&page).unwrap();
    let described = |entry: &collection::Entry| {
        let file =
            entry.file.as_ref().map(|file| Path::new(file).strip_prefix(out).unwrap().display().to_string());
        let bits = collection.descriptor(entry.id).unwrap().iter().map(|value| value.to_bits()).collect();
        (
            file.unwrap_or_default(),
            entry.pending,
            entry.original.as_ref().map(ToString::to_string).unwrap(),
            bits,
        )
    };
    let content: BTreeMap<_, _> =
        entries.iter().map(|entry| (entry.name.clone(), described(entry))).collect();
    assert_eq!(content.len(), entries.len(), "nothing is there twice");
    content
}

pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// One process, three shards one after the other with one of them twice, and five shards of which each is killed once.
#[test]
fn shards_release_what_one_process_releases_whatever_dies() {
    let folder = Folder::new(16);
    copy_folder(&folder.path("shop"), &folder.path("three"));
    copy_folder(&folder.path("shop"), &folder.path("five"));
    document(&folder, "release photos --collection shop --out whole --iterations 1", 0);

    for shard in [2, 0, 2, 1] {
        let line = format!("release photos --collection three --out in3 --iterations 1 --shard {shard}/3");
        let report = document(&folder, &line, 0);
        assert_eq!((&report["shard"], &report["of"]), (&json!(shard), &json!(3)));
    }
    for (shard, delay) in [(0, 300), (1, 450), (2, 600), (3, 350), (4, 520)] {
        let line = format!("release photos --collection five --out in5 --iterations 1 --shard {shard}/5");
        let mut running = folder.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(delay));
        running.kill().unwrap();
        running.wait().unwrap();
        document(&folder, &line, 0);
    }

    let absolute = |name: &str| std::path::absolute(folder.path(name)).unwrap();
    let whole = content(&folder.path("shop"), &absolute("whole"));
    assert_eq!(whole.len(), 16);
    assert_eq!(content(&folder.path("three"), &absolute("in3")), whole);
    assert_eq!(content(&folder.path("five"), &absolute("in5")), whole);
    let expected = files(&folder.path("whole"));
    assert!(files(&folder.path("in3")) == expected && files(&folder.path("in5")) == expected);
}

#[test]
fn a_run_in_shards_is_seen_in_the_collection() {
    let folder = Folder::new(8);
    let info = |folder: &Folder| document(folder, "collection info shop", 0);
    document(&folder, "release photos --collection shop --out out --iterations 1", 0);
    assert!(info(&folder).get("shards").is_none(), "a run on all images has no record");

    fs::write(folder.path("photos/broken.png"), b"\x89PNG\r\n\x1a\n and no more").unwrap();
    let shards: Vec<shard::Shard> = (0..2).map(|i| shard::Shard::new(i, 2).unwrap()).collect();
    let breaks = |shard: &shard::Shard| shard.holds(Path::new("broken.png"));
    for shard in &shards {
        let line =
            format!("release photos --collection shop --out out --iterations 1 --run night --shard {shard}");
        document(&folder, &line, i32::from(breaks(shard)));
    }
    let line = "collection add photos --collection shop --shard 1/4";
    let code = i32::from("1/4".parse::<shard::Shard>().unwrap().holds(Path::new("broken.png")));
    document(&folder, line, code);

    let found = info(&folder)["shards"].as_array().unwrap().clone();
    let run = |shard: &Value| shard["run"].as_str().unwrap().to_owned();
    let (released, added): (Vec<_>, Vec<_>) = found.iter().partition(|shard| run(shard) == "night");
    assert_eq!((released.len(), added.len()), (2, 1));
    let sum = |key: &str| released.iter().map(|shard| shard[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!([sum("images"), sum("stored"), sum("already"), sum("failed")], [9, 0, 8, 1]);
    for (shard, found) in shards.iter().zip(&released) {
        assert_eq!(
            (&found["shard"], &found["of"], &found["done"]),
            (&json!(shard.index()), &json!(2), &json!(true))
        );
        assert_eq!(found["failed"], u64::from(breaks(shard)));
        assert!(found["updated"].as_i64().unwrap() > 1_700_000_000);
    }
    assert!(run(added[0]).starts_with("add-") && added[0]["work"] == "add of photos", "{added:?}");
    let text = String::from_utf8(run_in(&folder, "collection info shop", &[]).stdout).unwrap();
    assert!(text.contains("release of photos (night)") && text.contains("2 of 2 shards done"), "{text}");
    assert!(text.contains("1 of 4 shards done") && text.contains("not begun: 0 2 3"), "{text}");
}

#[test]
fn a_named_run_keeps_the_records_of_each_verb_and_number_of_shards() {
    let folder = Folder::new(4);
    for line in [
        "collection add photos --collection shop --shard 0/1",
        "collection add photos --collection shop --run day --shard 0/2",
        "collection add photos --collection shop --run day --shard 0/3",
        "collection add photos --collection shop --run day",
        "release photos --collection shop --out out --iterations 1 --run day --shard 0/2",
    ] {
        document(&folder, line, 0);
    }
    let info = document(&folder, "collection info shop", 0);
    let found: Vec<(&str, u64)> = info["shards"].as_array().unwrap().iter().map(verb_and_number).collect();
    assert_eq!(found, [("add", 1), ("add", 2), ("add", 3), ("release", 2)], "{info}");
    let whole = &info["shards"][0];
    assert_eq!([&whole["images"], &whole["already"], &whole["run"]], [&json!(4), &json!(4), &json!("day")]);
}

fn verb_and_number(record: &Value) -> (&str, u64) {
    (record["verb"].as_str().unwrap(), record["of"].as_u64().unwrap())
}

#[test]
fn a_shard_that_dies_is_not_done() {
    let folder = Folder::new(30);
    let line = "release photos --collection shop --out out --iterations 40 --shard 0/2";
    let mut running = folder.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let record = || {
        let collection = Collection::open(&folder.path("shop"), &Device::flex()).unwrap();
        collection
            .run_records()
            .unwrap()
            .pop()
            .map(|(_, record)| serde_json::from_str::<Value>(&record).unwrap())
    };
    while record().is_none() && running.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(5));
    }
    running.kill().unwrap();
    running.wait().unwrap();
    assert_eq!(record().unwrap()["done"], false);
    document(&folder, "release photos --collection shop --out out --iterations 1 --shard 0/2", 0);
    assert_eq!(record().unwrap()["done"], true);
}

#[test]
fn a_record_that_cannot_be_read_is_named_beside_the_others() {
    let folder = Folder::new(3);
    document(&folder, "collection add photos --collection shop --run day --shard 1/2", 0);
    let collection = Collection::open(&folder.path("shop"), &Device::flex()).unwrap();
    for (name, text) in [("later/000000", r#"{"run":"later","of":3}"#), ("junk/000001", "\u{1b}[31m")] {
        collection.set_run_record(name, text).unwrap();
    }
    drop(collection);
    let output = folder.command("collection info shop").output().unwrap();
    let [text, notes] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success() && text.contains("1 of 2 shards done"), "{text}{notes}");
    let expected = |name: &str| format!("shop: the record of the run {name} cannot be read");
    assert!(["later/000000", "junk/000001"].iter().all(|name| notes.contains(&expected(name))), "{notes}");
}

#[test]
fn descriptors_of_shards_are_those_of_one_run() {
    let folder = Folder::new(9);
    document(&folder, "describe photos --out all.npy", 0);
    let table = |file: &str| -> Vec<(String, Vec<f64>)> {
        let rows = npy_at(&folder.path(&format!("{file}.npy"))).unwrap();
        let names = fs::read_to_string(folder.path(&format!("{file}.names.tsv"))).unwrap();
        let names = names.lines().skip(1).map(|line| line.split('\t').nth(1).unwrap().to_owned());
        names.zip(rows.values.chunks_exact(rows.shape[1]).map(<[f64]>::to_vec)).collect()
    };
    let whole: BTreeMap<String, Vec<f64>> = table("all").into_iter().collect();
    let mut parts = BTreeMap::new();
    let mut empty = 0;
    for shard in 0..12 {
        let report = document(&folder, &format!("describe photos --out all.npy --shard {shard}/12"), 0);
        let rows = table(&format!("all.{shard:02}-of-12"));
        assert_eq!(report["images"].as_array().unwrap().len(), rows.len());
        empty += usize::from(rows.is_empty());
        for (name, row) in rows {
            assert!(parts.insert(name, row).is_none(), "each image in one shard");
        }
    }
    assert!(empty > 0, "a shard may be empty");
    assert_eq!(parts.keys().collect::<Vec<_>>(), whole.keys().collect::<Vec<_>>());
    for (name, row) in &whole {
        let difference = row.iter().zip(&parts[name]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        // Batches of other sizes sum in another order.
        assert!(difference < 1e-5, "{name}: {difference}");
    }
}

#[test]
fn queries_of_shards_are_answered_in_files_of_their_own() {
    let folder = Folder::new(6);
    document(&folder, "collection add photos --collection shop", 0);
    let line = "find photos --collection shop --looks 1 --nprobe 4 --all";
    let whole = document(&folder, &format!("{line} --out all.json --report all.html"), 0);
    let kept: Value = serde_json::from_slice(&fs::read(folder.path("all.json")).unwrap()).unwrap();
    assert_eq!(kept, whole);
    let best = |document: &Value| -> BTreeMap<String, String> {
        let queries = document["queries"].as_array().unwrap().iter();
        let best = |query: &Value| query["matches"][0]["name"].as_str().unwrap().to_owned();
        queries.map(|query| (query["query"].as_str().unwrap().to_owned(), best(query))).collect()
    };
    let mut parts = BTreeMap::new();
    for shard in 0..3 {
        // Twice, over its own file.
        for _ in 0..2 {
            document(&folder, &format!("{line} --out all.json --report all.html --shard {shard}/3"), 0);
        }
        let kept = fs::read(folder.path(&format!("all.{shard}-of-3.json"))).unwrap();
        parts.extend(best(&serde_json::from_slice(&kept).unwrap()));
        assert!(folder.path(&format!("all.{shard}-of-3.html")).is_file());
    }
    assert_eq!(parts, best(&whole));
    let refused = document(&folder, "find photos --collection shop --out photos/0.png --shard 0/1", 2);
    assert!(refused["error"].as_str().unwrap().contains("photos/0.png: is an input"), "{refused}");
}

#[test]
fn lookups_of_an_evaluation_are_split() {
    let folder = Folder::new(6);
    document(&folder, "collection add photos --collection shop", 0);
    let line = "eval find --images photos --collection shop --transforms none --looks 1 --csv all.csv";
    let images = document(&folder, line, 0)["images"].as_u64().unwrap();
    let (mut sum, mut rows) = (0, 0);
    for shard in 0..2 {
        sum += document(&folder, &format!("{line} --shard {shard}/2"), 0)["images"].as_u64().unwrap();
        let table = fs::read_to_string(folder.path(&format!("all.{shard}-of-2.csv"))).unwrap();
        rows += table.lines().count() - 1;
    }
    let whole = fs::read_to_string(folder.path("all.csv")).unwrap().lines().count() - 1;
    assert_eq!((sum, rows), (images, whole));
}

#[test]
fn a_shard_without_images_or_whose_images_all_fail_has_its_files() {
    let folder = Folder::new(1);
    document(&folder, "collection add photos --collection shop", 0);
    let holder = (0..2).find(|&i| shard::Shard::new(i, 2).unwrap().holds(Path::new("0.png"))).unwrap();
    let other = 1 - holder;
    let line = "eval find --images photos --collection shop --transforms none --looks 1 --csv all.csv";
    let headings = |shard: u32| {
        let table = fs::read_to_string(folder.path(&format!("all.{shard}-of-2.csv"))).unwrap();
        (table.lines().next().unwrap().to_owned(), table.lines().count())
    };
    document(&folder, &format!("{line} --shard {holder}/2"), 0);
    let report = document(&folder, &format!("{line} --shard {other}/2"), 0);
    assert_eq!([&report["images"], &report["planned"]], [&json!(0), &json!(0)], "{report}");
    assert!(report.get("copies").is_none() && report["partial"] == false, "{report}");
    assert_eq!(headings(other), (headings(holder).0, 1));
    let text = String::from_utf8(run_in(&folder, &format!("{line} --shard {other}/2"), &[]).stdout).unwrap();
    assert_eq!(text, "the shard has no copies, and no figures; 0 of its 0 images were looked up\n");

    fs::write(folder.path("photos/0.png"), b"\x89PNG\r\n\x1a\n and no more").unwrap();
    let report = document(&folder, &format!("{line} --shard {holder}/2"), 1);
    assert_eq!([&report["images"], &report["planned"]], [&json!(0), &json!(1)], "{report}");
    assert_eq!(headings(holder).1, 1);
    document(&folder, &format!("describe photos --out all.npy --shard {holder}/2"), 1);
    assert_eq!(npy_at(&folder.path(&format!("all.{holder}-of-2.npy"))).unwrap().shape[0], 0);
    let output = run_in(&folder, &format!("describe photos --out all.npy --shard {holder}/2"), &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("nothing described, 1 failed; all.") && text.contains("has no rows"), "{text}");
    document(&folder, "describe photos --out whole.npy", 1);
    assert!(!folder.path("whole.npy").exists(), "a run on all images has nothing to mark");
}

#[test]
fn schedulers_name_the_shard_and_a_note_says_so() {
    let folder = Folder::new(6);
    let slurm =
        [("SLURM_ARRAY_TASK_ID", "3"), ("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_COUNT", "3")];
    let kubernetes = [("JOB_COMPLETION_INDEX", "2"), ("ACTIVE_INDEX_SHARDS", "3")];
    let all = document(&folder, "describe photos --out named.npy --shard 2/3", 0)["images"].clone();
    for (variables, name) in [(&slurm[..], "SLURM_ARRAY_TASK_ID"), (&kubernetes[..], "JOB_COMPLETION_INDEX")]
    {
        let output = run_in(&folder, "describe photos --out by-task.npy --json", variables);
        assert_eq!(messages(&output), format!("shard 2/3 of the images, by {name}; --shard 0/1 takes all\n"));
        assert_eq!(json(&output)["images"], all);
        assert!(folder.path("by-task.2-of-3.npy").is_file());
        fs::remove_file(folder.path("by-task.2-of-3.npy")).unwrap();

        let output = run_in(&folder, "describe photos --out all.npy --json --shard 0/1", variables);
        assert_eq!((messages(&output).as_str(), json(&output)["images"].as_array().unwrap().len()), ("", 6));
        assert!(json(&output).get("shard").is_none() && folder.path("all.npy").is_file());
    }
    let unsized_job =
        run_in(&folder, "describe photos --out all.npy --json", &[("JOB_COMPLETION_INDEX", "2")]);
    assert!(messages(&unsized_job).contains("ACTIVE_INDEX_SHARDS would tell"), "{}", messages(&unsized_job));
    assert_eq!(json(&unsized_job)["images"].as_array().unwrap().len(), 6);
    let part = [
        ("SLURM_ARRAY_TASK_ID", "7"),
        ("SLURM_ARRAY_TASK_MIN", "3"),
        ("SLURM_ARRAY_TASK_MAX", "7"),
        ("SLURM_ARRAY_TASK_COUNT", "2"),
    ];
    let refused = run_in(&folder, "describe photos --out part.npy --json", &part);
    assert_eq!(refused.status.code(), Some(2));
    assert!(messages(&refused).contains("set ACTIVE_INDEX_SHARDS"), "{}", messages(&refused));
    // Verbs that are not split do not look at the environment.
    assert_eq!(run_in(&folder, "collection info shop", &part).status.code(), Some(0));
}

#[test]
fn descriptors_are_not_taken_by_every_task_of_a_scheduler() {
    let folder = Folder::new(3);
    document(&folder, "describe photos --out a.npy", 0);
    let slurm =
        [("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_COUNT", "3")];
    let kubernetes = [("JOB_COMPLETION_INDEX", "2"), ("ACTIVE_INDEX_SHARDS", "3")];
    for variables in [&slurm[..], &kubernetes[..]] {
        for verb in ["collection add", "find"] {
            let line = format!("{verb} a.npy --collection shop --json");
            let refused = run_in(&folder, &line, variables);
            assert_eq!(refused.status.code(), Some(2), "{line}: {}", messages(&refused));
            let error = json(&refused)["error"].as_str().unwrap().to_owned();
            assert!(error.starts_with("shard 2/3 of the environment: shards are for images"), "{error}");
            assert!(error.contains("pass --shard 0/1 in one task"), "{error}");
            let taken = run_in(&folder, &format!("{line} --shard 0/1"), variables);
            assert_eq!(taken.status.code(), Some(0), "{line}: {}", messages(&taken));
        }
    }
}

#[test]
fn what_is_no_shard_is_refused_in_one_line() {
    let folder = Folder::new(1);
    for (shard, reason) in [("3/3", "from 0 to N-1"), ("1", "from 0 to N-1"), ("0/0", "found 0/0")] {
        let error = document(&folder, &format!("describe photos --out a.npy --shard {shard}"), 2);
        assert!(error["error"].as_str().unwrap().contains(reason), "{error}");
    }
    let error = document(&folder, "release photos --collection shop --out out --run ../x --shard 0/2", 2);
    assert!(error["error"].as_str().unwrap().contains("letters, digits"), "{error}");
    document(&folder, "describe photos --out a.npy", 0);
    for line in
        ["find a.npy --collection shop --shard 0/2", "collection add a.npy --collection shop --shard 0/2"]
    {
        let error = document(&folder, line, 2);
        assert!(error["error"].as_str().unwrap().starts_with("--shard: is for images"), "{error}");
    }
    let error = document(&folder, "collection add a.npy --collection shop --run day", 2);
    assert!(error["error"].as_str().unwrap().starts_with("--run: is for images"), "{error}");
    let help = String::from_utf8(folder.run("release --help").stdout).unwrap();
    let words: Vec<&str> = help.split_whitespace().collect();
    assert!(words.join(" ").contains("numbered from 0 to N-1"), "{help}");
}

#[test]
fn a_list_in_a_file_is_split_as_the_list_on_stdin_is() {
    let folder = Folder::new(5);
    fs::create_dir(folder.path("photos/odd")).unwrap();
    for name in ["odd/ a b .png", "odd/@c.png", "odd/#d%20.png", "odd/-e.png"] {
        fs::copy(folder.path("photos/0.png"), folder.path("photos").join(name)).unwrap();
    }
    let list = "photos/0.png\r\nphotos/odd/ a b .png\r\n\r\nphotos/odd/@c.png\r\nphotos/odd/#d%20.png\r\nphotos/gone.png\r\nphotos/odd/-e.png";
    fs::write(folder.path("list.txt"), list).unwrap();
    let paths = |report: &Value| -> Vec<String> {
        let rows = report["images"].as_array().unwrap().iter();
        rows.map(|row| row["input"].as_str().unwrap().to_owned()).collect()
    };
    let mut command = folder.command("describe - --out stdin.npy --json");
    let stdin = fs::File::open(folder.path("list.txt")).unwrap();
    let piped = paths(&json(&command.stdin(stdin).output().unwrap()));
    assert_eq!(piped.len(), 6);
    let listed = paths(&document(&folder, "describe @list.txt --out file.npy", 1));
    assert_eq!(listed, piped);
    let mut split = BTreeSet::new();
    for shard in 0..3 {
        let line = format!("describe @list.txt --out file.npy --shard {shard}/3 --json");
        split.extend(paths(&json(&run_in(&folder, &line, &[]))));
    }
    assert_eq!(split, piped.into_iter().collect());

    // A file of that very name is the file.
    fs::copy(folder.path("photos/0.png"), folder.path("@list.txt")).unwrap();
    assert_eq!(paths(&document(&folder, "describe @list.txt --out one.npy", 0)), ["@list.txt"]);
    for (name, reason) in [
        ("@gone.txt", "gone.txt: cannot be read as a list of files: No such file or directory (os error 2)"),
        ("@photos", "photos: cannot be read as a list of files: is no regular file"),
        (
            "@photos/0.png",
            "photos/0.png: cannot be read as a list of files: expected paths, found an image: name the file",
        ),
    ] {
        let error = document(&folder, &format!("describe {name} --out a.npy"), 2);
        assert_eq!(error["error"], reason);
    }
    fs::write(folder.path("empty.txt"), "\n\n").unwrap();
    let error = document(&folder, "describe @empty.txt --out a.npy", 2);
    assert_eq!(error["error"], "no images in the list empty.txt");
}
