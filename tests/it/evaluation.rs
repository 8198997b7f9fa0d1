//! `eval retrieval` and `eval copy-detection` on a tiny network.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::fixtures::{golden, program, root};

const PHOTOS: [&str; 4] = ["05_grace_hopper.jpg", "14_moose.jpg", "17_igloo.jpg", "19_dahlia.jpg"];

/// A folder with `photos`, `others`, `released` (the same pixels) and an index of all photos.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (i, name) in PHOTOS.iter().enumerate() {
            let photo = image::open(root().join("samples").join(name)).unwrap().thumbnail(96, 96).into_rgb8();
            let name = Path::new(name).with_extension("png");
            let of = |part: &str| folder.path(part).join(&name);
            for part in ["photos", "released", "others"] {
                fs::create_dir_all(folder.path(part)).unwrap();
            }
            if i < 3 {
                photo.save(of("photos")).unwrap();
                photo.save(of("released")).unwrap();
            } else {
                photo.save(of("others")).unwrap();
            }
        }
        folder.succeeds("describe photos --out db.npy");
        folder.succeeds("index train --factory IVF2,Flat --input db.npy --out db.faiss");
        folder.succeeds("index add --index db.faiss --input db.npy --names db.names.tsv");
        folder
    }

    /// Descriptors of `n` crops of the photos, in `many.npy`.
    fn describe_crops(&self, n: u32) {
        let photo = image::open(self.path("others/19_dahlia.png")).unwrap().into_rgb8();
        let crops = tempfile::tempdir_in(self.0.path()).unwrap();
        for i in 0..n {
            let crop = image::imageops::crop_imm(&photo, i % 8 * 4, i / 8 * 4, 40, 40).to_image();
            crop.save(crops.path().join(format!("{i}.png"))).unwrap();
        }
        let folder = crops.path().file_name().unwrap().to_str().unwrap();
        self.succeeds(&format!("describe {folder} --out many.npy"));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut program = program();
        program.current_dir(self.0.path()).args(line.split(' '));
        program.arg("--weights").arg(golden().join("extractors/sscd.classy.pt"));
        program
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn succeeds(&self, line: &str) -> Output {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn json(&self, line: &str) -> Value {
        parse(&self.succeeds(&format!("{line} --json")))
    }

    fn is_refused(&self, line: &str, reason: &str) {
        let output = self.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{line}: {stderr}");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn parse(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Removes the keys that differ from run to run.
fn without_time(mut document: Value) -> Value {
    for key in ["seconds", "network_seconds", "network_share", "described", "settings"] {
        document.as_object_mut().unwrap().remove(key);
    }
    document
}

const RETRIEVAL: &str = "eval retrieval --images photos --index db.faiss --released released";
const EDITS: &str = "--transforms none,hflip,jpeg=50,auto,screenshot";

#[test]
fn retrieval_has_intervals_several_nprobe_and_tables() {
    let folder = Folder::new();
    let line = format!("{RETRIEVAL} {EDITS} --nprobe 1,2 --csv out/queries.csv");
    let document = folder.json(&line);
    assert_eq!((&document["images"], &document["partial"]), (&3.into(), &false.into()), "{document}");
    assert_eq!((&document["distractors"], &document["synthetic"]), (&0.into(), &0.into()));
    assert_eq!(document["by_nprobe"].as_array().unwrap().len(), 2);
    let edits = document["transforms"].as_array().unwrap();
    assert_eq!((&edits[4]["name"], &edits[4]["averaged"]), (&"screenshot".into(), &false.into()));
    for edit in edits {
        let (passive, released) = (&edit["passive"], &edit["released"]);
        assert_eq!(passive, released, "released images are the originals");
        assert_eq!(
            (&edit["gain"]["r1"], &edit["gain"]["interval"]["r1"]),
            (&0.0.into(), &vec![0.0, 0.0].into())
        );
        let [low, high] = [0, 1].map(|end| passive["interval"]["r1"][end].as_f64().unwrap());
        let r1 = passive["r1"].as_f64().unwrap();
        assert!(low <= r1 && r1 <= high && passive["same_cell"].is_number(), "{edit}");
    }
    let all = edits[..4].iter().map(|edit| edit["passive"]["r1"].as_f64().unwrap()).sum::<f64>() / 4.0;
    assert!((document["mean"]["passive"]["r1"].as_f64().unwrap() - all).abs() < 1e-12, "{document}");
    // The unedited originals, then the edits of both kinds of image; the unedited released images have the
    // same pixels.
    assert_eq!(document["described"], 3 + 3 * 2 * 4);
    let share = document["network_share"].as_f64().unwrap();
    assert!(0.0 < share && share < 1.0);
    assert!(document["settings"]["extractor"]["fingerprint"].is_string());

    let queries = folder.text("out/queries.csv");
    assert_eq!(queries.lines().count(), 1 + 3 * 5 * 2 * 2);
    let first: Vec<&str> = queries.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(first[..7], ["photos/05_grace_hopper.png", "none", "", "passive", "1", "1", "1"]);
    assert_eq!(folder.text("out/queries.summary.csv").lines().count(), 1 + 2 * 6);
    assert_eq!(
        without_time(folder.json(&line)),
        without_time(document),
        "the same seed gives the same figures"
    );
}

#[test]
fn originals_in_several_cells_are_found_as_by_visiting_several() {
    let folder = Folder::new();
    folder.succeeds("index train --factory IVF3,Flat --input db.npy --out empty.faiss");
    let line = format!("eval retrieval --images photos --index empty.faiss {EDITS}");
    let several = format!("{line} --cells 1,3 --nprobe 1,3 --csv q.csv --report r.html");
    let document = folder.json(&several);
    assert_eq!((&document["distractors"], &document["added"]), (&0.into(), &3.into()), "{document}");
    assert_eq!(document["described"], 3 + 3 * 4, "descriptors are made once");
    let tables = document["by_setting"].as_array().unwrap();
    let settings = tables
        .iter()
        .map(|table| ["cells", "nprobe", "bytes_per_image"].map(|key| table[key].as_u64().unwrap()));
    // 12 numbers of 4 bytes, and an id of 8.
    assert_eq!(
        settings.collect::<Vec<_>>(),
        [[1, 1, 56], [1, 3, 56], [3, 1, 168], [3, 3, 168]],
        "{document}"
    );
    let rates =
        |at: usize| ["r1", "r10", "r100", "map", "interval"].map(|rate| &tables[at]["mean"]["passive"][rate]);
    assert_eq!(rates(2), rates(1), "in every cell, or every cell visited: all is found");
    assert_eq!(rates(3), rates(1));
    assert_eq!((rates(1)[2], &tables[2]["mean"]["passive"]["same_cell"]), (&1.0.into(), &1.0.into()));
    assert!(tables[0]["mean"]["passive"]["same_cell"].as_f64() == rates(0)[2].as_f64(), "{document}");
    assert_eq!((&document["mean"], &document["cells"]), (&tables[0]["mean"], &1.into()));
    assert_eq!(document["by_nprobe"], Value::Array(tables[..2].to_vec()));

    let told = "nprobe 3, an image in 3 cells at 168 bytes";
    let table = String::from_utf8(folder.succeeds(&several).stdout).unwrap();
    assert!(table.contains(told) && table.contains("bytes per image"), "{table}");
    assert!(folder.text("r.html").contains(told) && folder.text("r.html").contains("Means of R@1"));
    let summary = folder.text("q.summary.csv");
    assert!(summary.lines().next().unwrap().contains(",cells,bytes_per_image,images,"), "{summary}");
    assert!(summary.lines().last().unwrap().ends_with(",3,168,3,0,0,0"), "{summary}");
    assert_eq!(folder.text("q.csv").lines().count(), 1 + 3 * 5 * 4);

    folder.succeeds("index train --factory Flat --input db.npy --out flat.faiss");
    for (line, reason) in [
        (line.replace("empty", "db"), "--cells 2: photos/05_grace_hopper.png is in db.faiss already"),
        (line.replace("empty", "flat"), "flat.faiss: index Flat does not support entries in several lists"),
    ] {
        folder.is_refused(&format!("{line} --cells 1,2"), reason);
    }
    folder.is_refused(&format!("{line} --cells 4"), "empty.faiss: lists of an entry must be 1 to 3, found 4");
}

/// Released images that show something else than their originals: their copies are found only if the index
/// stores them.
#[test]
fn released_images_can_be_what_the_index_stores() {
    let folder = Folder::new();
    folder.succeeds("index train --factory IVF2,Flat --input db.npy --out empty.faiss");
    fs::create_dir(folder.path("swapped")).unwrap();
    let names: Vec<_> =
        files(&folder.path("photos")).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    for (name, other) in names.iter().zip(names.iter().cycle().skip(1)) {
        let photo = image::open(folder.path("photos").join(name)).unwrap();
        let other = image::open(folder.path("photos").join(other)).unwrap();
        let other = other.resize_exact(photo.width(), photo.height(), image::imageops::FilterType::Triangle);
        other.save(folder.path("swapped").join(name)).unwrap();
    }
    let line =
        "eval retrieval --images photos --index empty.faiss --released swapped --transforms none,jpeg=90";
    let rates = |document: &Value| ["passive", "released"].map(|side| document["mean"][side]["r1"].clone());
    let by_originals = folder.json(line);
    assert_eq!(rates(&by_originals), [1.0, 0.0].map(Value::from), "{by_originals}");
    let by_released = folder.json(&format!("{line} --stored released --report page.html"));
    assert_eq!(rates(&by_released), [1.0, 1.0].map(Value::from), "{by_released}");
    assert_eq!((&by_originals["stored"], &by_released["stored"]), (&"originals".into(), &"released".into()));
    assert!(folder.text("page.html").contains("searched against the codes of the released images"));

    let named = format!("{RETRIEVAL} --stored released");
    folder.is_refused(&named, "--stored released: photos/05_grace_hopper.png is in db.faiss already");
    let retrieval = "eval retrieval --images photos --index empty.faiss";
    folder.is_refused(&format!("{retrieval} --stored released"), "name the released images with --released");
    folder.is_refused(&format!("{retrieval} --activate --choose-cell"), "pass --stored released");
    let detection = "eval copy-detection --images photos --distractors others --index empty.faiss";
    folder.is_refused(&format!("{detection} --activate --choose-cell"), "--choose-cell is for an index");
    let activate =
        "activate photos --index empty.faiss --out chosen --iterations 1 --views 2 --choose-cell=3";
    folder.is_refused(&format!("{activate} --objective reconstruction"), "which does not aim at cells");
    let chosen = folder.json(activate);
    assert!(chosen["images"][0]["cell"].is_u64(), "{chosen}");
}

#[test]
fn advice_is_that_of_an_evaluation_and_leaves_nothing_behind() {
    let folder = Folder::new();
    folder.describe_crops(40);
    folder.succeeds("index train --factory IVF4,PQ4x4 --input many.npy --out empty.faiss");
    folder.succeeds("index add --index empty.faiss --input many.npy");
    let line = "advise --images photos --index empty.faiss --sample 2 --nprobe 1,2 --iterations 2 --transforms hflip,auto";
    let before = files(&folder.path(""));
    let temporary = tempfile::tempdir().unwrap();
    let run = |line: &str| folder.command(line).env("TMPDIR", temporary.path()).output().unwrap();
    let document = parse(&run(&format!("{line} --json")));
    assert_eq!((&document["schema"], &document["images"]), (&1.into(), &2.into()), "{document}");
    let cells = &document["index"]["entries_per_cell"];
    assert_eq!((&document["index"]["ntotal"], &cells["mean"]), (&40.into(), &10.0.into()), "{document}");
    assert!(cells["max"].as_u64().unwrap() >= 10 && document["seconds_per_image"].as_f64().unwrap() > 0.0);
    assert!(document["quality"]["psnr"]["min"].as_f64().unwrap() > 20.0, "{document}");
    assert!(document["recommendations"][0].as_str().unwrap().starts_with("at nprobe 1 expect"), "{document}");
    assert_eq!(
        document["by_setting"].as_array().unwrap().len(),
        8,
        "1 and 4 cells, 1 and 4 looks, nprobe 1 and 2"
    );
    let table = String::from_utf8(run(line).stdout).unwrap();
    assert!(table.contains("4 cells of 10.0 entries on average") && table.contains("dB (least"), "{table}");
    assert_eq!(files(&folder.path("")), before);
    assert_eq!(files(temporary.path()), Vec::<PathBuf>::new(), "released images are not kept");

    // The same photographs, edits and strength.
    let evaluation = "eval retrieval --images photos --index empty.faiss --sample 2 --nprobe 1,2 --cells 1,4 --looks 1,4 --activate \
                      --iterations 2 --transforms hflip,auto";
    let evaluation = folder.json(evaluation);
    assert_eq!(evaluation["by_setting"].as_array().unwrap().len(), 8);
    for (advised, evaluated) in
        document["by_setting"].as_array().unwrap().iter().zip(evaluation["by_setting"].as_array().unwrap())
    {
        assert_eq!(advised["released"], evaluated["mean"]["released"]);
        assert_eq!(advised["bytes_per_image"], evaluated["bytes_per_image"]);
    }
    assert_eq!(document["quality"], evaluation["quality"]);
}

#[test]
fn advice_is_given_for_any_index_and_refused_in_one_line() {
    let folder = Folder::new();
    folder.succeeds("index train --factory SQ8 --input db.npy --out flat.faiss");
    let options = "--iterations 1 --transforms hflip --out kept --report r.html";
    let line = format!("advise --images photos --index flat.faiss {options}");
    let table = String::from_utf8(folder.succeeds(&line).stdout).unwrap();
    assert!(table.contains("no cells: each search visits all entries"), "{table}");
    assert!(table.contains("the index holds nothing but these photographs"), "{table}");
    assert_eq!(files(&folder.path("kept")).len(), 3);
    assert!(folder.text("r.html").contains("05_grace_hopper.png"));
    // Originals named in the index stay in their cells.
    let document =
        folder.json("advise --images photos --index db.faiss --nprobe 1 --iterations 1 --target centroid --transforms hflip");
    assert_eq!(document["by_setting"].as_array().unwrap().len(), 2, "1 and 4 looks: {document}");
    folder.is_refused("advise --images photos --index none.faiss", "none.faiss: No such file");
    folder.is_refused("advise --images nothing --index db.faiss", "nothing");
    fs::write(folder.path("photos/bad.png"), b"no image").unwrap();
    let output = folder.run(&format!("{line} --json"));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), stderr.lines().count()), (Some(1), 1), "{stderr}");
    assert!(stderr.contains("photos/bad.png") && parse(&output)["images"] == 3, "{stderr}");
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn synthetic_entries_are_reported_everywhere() {
    let folder = Folder::new();
    let line =
        format!("{RETRIEVAL} --transforms none --synthetic 5000 --fit db.npy --csv q.csv --report r.html");
    let document = folder.json(&line);
    assert_eq!((&document["distractors"], &document["synthetic"]), (&5000.into(), &5000.into()));
    let told = "5000 of these synthetic";
    assert!(folder.text("r.html").contains(told));
    assert!(folder.text("q.summary.csv").lines().nth(1).unwrap().ends_with(",5000,5000,0"));
    let table = String::from_utf8(folder.succeeds(&line).stdout).unwrap();
    assert!(table.contains(told), "{table}");
    folder.is_refused(&format!("{RETRIEVAL} --synthetic 9 --fit none.npy"), "none.npy");
}

#[test]
fn a_second_run_reuses_the_descriptors_of_the_first() {
    let folder = Folder::new();
    let line = format!("{RETRIEVAL} {EDITS} --resume known.state");
    let first = folder.json(&line);
    let second = folder.json(&line);
    assert_eq!(second["described"], 0, "{second}");
    assert_eq!(without_time(first), without_time(second));
    let other = folder.json(&format!("{line} --seed 5"));
    assert!(other["described"].as_u64().unwrap() > 0, "another seed, other edits");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_reports_its_finished_images() {
    let folder = Folder::new();
    for i in 0..40 {
        fs::copy(folder.path("photos/17_igloo.png"), folder.path(&format!("photos/copy{i}.png"))).unwrap();
    }
    let line = "eval retrieval --images photos --index db.faiss --transforms paper --resume known.state";
    let mut command = folder.command(&format!("{line} --report r.html --json"));
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let known = || fs::metadata(folder.path("known.state")).map_or(0, |about| about.len());
    // 43 originals and five images with their edits, at 72 bytes a descriptor of 12 numbers.
    while known() < 72 * (43 + 5 * 15) {
        assert!(running.try_wait().unwrap().is_none(), "ended before it could be interrupted");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let document = parse(&output);
    let images = document["images"].as_u64().unwrap();
    assert_eq!((&document["partial"], &document["planned"]), (&true.into(), &43.into()), "{document}");
    assert!((1..43).contains(&images), "{images}");
    assert!(folder.text("r.html").contains(&format!("Partial: interrupted after {images} of 43 images")));
    let whole = folder.json(line);
    assert_eq!((&whole["partial"], &whole["images"]), (&false.into(), &43.into()));
}

#[test]
fn pages_are_self_contained() {
    let folder = Folder::new();
    let changed = folder.path("released/17_igloo.png");
    let mut released = image::open(&changed).unwrap().into_rgb8();
    released.pixels_mut().for_each(|pixel| pixel[1] ^= 1);
    released.save(&changed).unwrap();
    folder.succeeds(&format!("{RETRIEVAL} {EDITS} --report retrieval.html"));
    let detection =
        "eval copy-detection --images photos --distractors others --index db.faiss --released released";
    folder.succeeds(&format!("{detection} {EDITS} --report detection.html"));
    for (page, plots) in [("retrieval.html", 3), ("detection.html", 3)] {
        let text = folder.text(page);
        assert!(!text.replace("http://www.w3.org/2000/svg", "").contains("http"), "{page}");
        assert!(!text.contains("<script") && !text.contains("NaN"), "{page}");
        assert_eq!(text.matches("<svg").count(), plots, "{page}");
        assert_eq!(text.matches("data:image/jpeg;base64,").count(), 3 * 3, "{page}");
        for part in ["05_grace_hopper.png", "difference x20", "sscd.classy.pt", "IVF2,Flat", "1000 resamples"]
        {
            assert!(text.contains(part), "{page} lacks {part}");
        }
    }
}

#[test]
fn copies_are_detected_among_queries_without_a_match() {
    let folder = Folder::new();
    let line =
        "eval copy-detection --images photos --distractors others --index db.faiss --released released -k 3";
    let document = folder.json(&format!("{line} {EDITS} --nprobe 2 --isc-out isc --normalise-by db.npy"));
    assert_eq!((&document["images"], &document["distractors"]), (&4.into(), &1.into()), "{document}");
    assert_eq!((&document["queries"], &document["matches"]), (&20.into(), &15.into()));
    assert_eq!(document["passive"], document["released"], "released images are the originals");
    assert_eq!(document["transforms"][0]["passive"]["micro_ap"], 1.0, "{document}");
    let by_code = &document["passive"]["by_code"];
    assert_eq!(by_code["micro_ap"], document["passive"]["micro_ap"], "codes of Flat are the descriptors");
    let curve = document["passive"]["curve"].as_array().unwrap();
    assert_eq!((&curve[0]["recall"], &curve[0]["precision"]), (&0.0.into(), &1.0.into()));

    let judged = folder
        .json("eval copy-detection --predictions isc/predictions.csv --ground-truth isc/groundtruth.csv");
    assert_eq!(judged["passive"]["micro_ap"], document["passive"]["normalised"]["micro_ap"]);
    assert_eq!(folder.text("isc/predictions_released.csv"), folder.text("isc/predictions.csv"));
    assert!(
        folder
            .text("isc/groundtruth.csv")
            .starts_with("query_id,reference_id\n05_grace_hopper/auto,05_grace_hopper\n")
    );
}

/// DISC21 as downloaded: folders of references and queries, and a table of matches.
#[test]
fn queries_and_ground_truth_of_disc21_work_as_they_are() {
    let folder = Folder::new();
    fs::create_dir(folder.path("queries")).unwrap();
    for (from, to) in [
        ("photos/14_moose.png", "Q1.png"),
        ("photos/17_igloo.png", "Q2.png"),
        ("others/19_dahlia.png", "Q3.png"),
    ] {
        fs::copy(folder.path(from), folder.path("queries").join(to)).unwrap();
    }
    fs::write(folder.path("truth.csv"), "query_id,reference_id\nQ1,14_moose\nQ2,17_igloo\nQ3,\n").unwrap();
    let line =
        "eval copy-detection --images photos --queries queries --ground-truth truth.csv --index db.faiss";
    let document = folder.json(line);
    assert_eq!((&document["queries"], &document["matches"]), (&3.into(), &2.into()), "{document}");
    assert_eq!(
        (&document["passive"]["micro_ap"], &document["passive"]["recall_at_p90"]),
        (&1.0.into(), &1.0.into())
    );
    for (table, reason) in [
        (
            "Q1,14_moose\nQ1,R9\n",
            "the reference R9 of --ground-truth is neither in db.faiss nor an image in --images",
        ),
        ("Q9,14_moose\n", "the query Q9 of --ground-truth is not an image in --queries"),
        ("Q1;14_moose\n", "truth.csv: line 1: expected query_id,reference_id"),
        ("Q1,\n", "truth.csv: no query has a match"),
    ] {
        fs::write(folder.path("truth.csv"), table).unwrap();
        folder.is_refused(line, reason);
    }
    folder.is_refused(
        "eval copy-detection --predictions none.csv --ground-truth none.csv",
        "none.csv: No such file",
    );
}

#[test]
fn inconsistent_inputs_are_refused_in_one_line() {
    let folder = Folder::new();
    for name in ["empty", "strange"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    fs::copy(root().join("tests/golden/ivf32_pq8x8_l2.index"), folder.path("d32.faiss")).unwrap();
    fs::write(folder.path("other.state"), "something of somebody else").unwrap();
    let retrieval = "eval retrieval --index db.faiss --transforms none";
    folder.is_refused(&format!("{retrieval} --images empty"), "no images in empty");
    folder.is_refused(
        &format!("{retrieval} --images photos --released strange"),
        "none of the 3 originals has a released image of its name in strange, such as 05_grace_hopper.png",
    );
    folder.is_refused(
        "eval retrieval --images photos --index d32.faiss",
        "d32.faiss: has dimension 32, but the extractor computes 12",
    );
    folder.is_refused(
        &format!("{retrieval} --images photos --resume other.state"),
        "other.state: holds no descriptors",
    );
    let detection = "eval copy-detection --images photos --index db.faiss --transforms none";
    folder.is_refused(&format!("{detection} --distractors photos"), "is among --images and --distractors");
    folder.is_refused(&format!("{detection} --distractors empty"), "no images in empty");
    folder.is_refused(&format!("{detection} --distractors others --ground-truth db.npy"), "db.npy");
    assert_eq!(fs::read(folder.path("other.state")).unwrap(), b"something of somebody else");
}

#[test]
fn one_image_that_fails_is_named_and_left_out() {
    let folder = Folder::new();
    image::RgbImage::new(9, 9).save(folder.path("released/14_moose.png")).unwrap();
    fs::remove_file(folder.path("released/17_igloo.png")).unwrap();
    let output = folder.run(&format!("{RETRIEVAL} --transforms none,hflip --json"));
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(stderr.lines().count(), 2, "{stderr}");
    assert!(stderr.contains("photos/14_moose.png: is (") && stderr.contains("is (9, 9)"), "{stderr}");
    assert!(
        stderr.contains("photos/17_igloo.png: has no released image in released: activate it first"),
        "{stderr}"
    );
    assert_eq!(parse(&output)["images"], 1);
}
