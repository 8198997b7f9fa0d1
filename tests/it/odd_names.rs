//! File names that are not UTF-8, or hold tabs, line breaks, backslashes and other characters of the tables they stand in:
//! every name survives exactly, and no two become one. bash is the independent reader of quoted names.
#![cfg(unix)]

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use image_file::{path_of_text, path_text};
use serde_json::Value;

use crate::{
    command_line::json,
    fixtures::{golden, program, root},
};

/// Several of them are equal once bytes that are not UTF-8, tabs or line breaks are replaced by others.
const NAMES: [&[u8]; 20] = [
    b"plain.png",
    b"caf\xe8.png",
    b"caf\xe9.png",
    b"caf\xc3\xa9.png",
    b"caf\xef\xbf\xbd.png",
    b"a b.png",
    b"a  b.png",
    b"a\tb.png",
    b"a\nb.png",
    b"a\rb.png",
    b"a\r\nb.png",
    b"a\\tb.png",
    b"a\\x09b.png",
    b"a\xe2\x80\xa8b.png",
    b"a\xc2\x85b.png",
    b"\x1b[31ma.png",
    b" b.png",
    b"it's.png",
    b"$'a\\tb'.png",
    b"0\tb.png",
];

/// A folder with pictures of these names, other ones for each name, and an index of them.
struct Folder {
    folder: tempfile::TempDir,
    /// Paths of the pictures, as the program is told them.
    photos: Vec<PathBuf>,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut this = Self { folder, photos: Vec::new() };
        let photo =
            image::open(root().join("samples/19_dahlia.jpg")).unwrap().thumbnail(160, 160).into_rgb8();
        for name in ["photos", "others"] {
            fs::create_dir(this.path(name)).unwrap();
        }
        for (i, name) in NAMES.iter().enumerate() {
            let (x, y) = (i as u32 % 5 * 20, i as u32 / 5 * 20);
            let crop = image::imageops::crop_imm(&photo, x, y, 40, 40).to_image();
            let path = Path::new("photos").join(OsStr::from_bytes(name));
            crop.save(this.path("others/new.png")).unwrap();
            match fs::rename(this.path("others/new.png"), this.path(&path)) {
                Ok(()) => this.photos.push(path),
                Err(error) => println!("skipped: the file system refuses {path:?}: {error}"),
            }
        }
        photo.save(this.path("others/other.png")).unwrap();
        this.photos.sort();
        this
    }

    /// With an index of all pictures.
    fn indexed() -> Self {
        let this = Self::new();
        this.succeeds("describe photos --out db.npy");
        this.succeeds("index train --factory IVF2,Flat --input db.npy --out db.faiss");
        this.succeeds("index add --index db.faiss --input db.npy --names db.names.tsv");
        this
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, line: &str) -> Output {
        self.run_with(line, &[])
    }

    fn run_with(&self, line: &str, further: &[&OsStr]) -> Output {
        let mut program = program();
        program.current_dir(self.folder.path()).args(line.split(' ')).args(further);
        program.arg("--weights").arg(golden().join("extractors/sscd.classy.pt"));
        program.output().unwrap()
    }

    fn succeeds(&self, line: &str) -> Output {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn json(&self, line: &str) -> Value {
        json(&self.succeeds(&format!("{line} --json")))
    }

    /// Texts of all paths, in the order of the paths.
    fn texts(&self) -> Vec<String> {
        self.photos.iter().map(|path| path_text(path)).collect()
    }

    fn lines(&self, name: &str) -> Vec<String> {
        fs::read_to_string(self.path(name)).unwrap().lines().map(str::to_owned).collect()
    }
}

fn texts<'a>(rows: &'a Value, key: &str) -> Vec<&'a str> {
    rows.as_array().unwrap().iter().map(|row| row[key].as_str().unwrap()).collect()
}

/// Bytes that bash reads a word as.
fn read_by_bash(word: &str) -> Option<Vec<u8>> {
    match Command::new("bash").env("LC_ALL", "C.UTF-8").args(["-c", &format!("printf %s {word}")]).output() {
        Ok(output) => Some(output.stdout),
        Err(error) => {
            println!("skipped: no bash: {error}");
            None
        }
    }
}

#[test]
fn descriptors_and_entries_keep_the_names_of_their_files() {
    let folder = Folder::indexed();
    let described = folder.json("describe photos --out db.npy");
    assert_eq!(texts(&described["images"], "input"), folder.texts());
    for (path, text) in folder.photos.iter().zip(folder.texts()) {
        assert_eq!(&path_of_text(&text), path);
        assert!(text.starts_with("$'") || Path::new(&text) == path, "{text}");
        if let Some(bytes) = text.starts_with("$'").then(|| read_by_bash(&text)).flatten() {
            assert_eq!(OsStr::from_bytes(&bytes), path, "{text}");
        }
    }
    for (file, heading) in [("db.names.tsv", "row\tpath"), ("db.faiss.names.tsv", "id\tpath")] {
        let rows = folder.texts().into_iter().enumerate().map(|(row, text)| format!("{row}\t{text}"));
        let expected: Vec<String> = [heading.to_owned()].into_iter().chain(rows).collect();
        assert_eq!(folder.lines(file), expected);
    }

    let found = folder.json("search photos --index db.faiss -k 1");
    assert_eq!(texts(&found["queries"], "query"), folder.texts());
    for query in found["queries"].as_array().unwrap() {
        let nearest = &query["results"][0];
        assert!(nearest["distance"].as_f64().unwrap().abs() < 1e-5, "{query}");
        assert_eq!(nearest["name"], query["query"]);
    }
    let table = String::from_utf8(folder.succeeds("search photos --index db.faiss -k 1").stdout).unwrap();
    assert!(folder.texts().iter().all(|text| table.contains(&format!("| {text} "))), "{table}");

    folder.succeeds("index remove --index db.faiss --ids 3..7");
    folder.succeeds("index merge --index db.faiss db.faiss --out both.faiss");
    let left: Vec<String> = [&folder.texts()[..3], &folder.texts()[7..]].concat();
    let names: Vec<String> = folder.lines("both.faiss.names.tsv").split_off(1);
    let names = names.iter().map(|line| line.split_once('\t').unwrap().1);
    assert_eq!(names.collect::<Vec<_>>(), [&left[..], &left].concat());
}

/// As with ASCII names.
#[test]
fn every_image_is_an_image_of_its_own_in_evaluations() {
    let folder = Folder::indexed();
    let n = folder.photos.len();
    let retrieval = "eval retrieval --images photos --index db.faiss --transforms none --csv queries.csv";
    let figures = folder.json(retrieval);
    assert_eq!((&figures["images"], &figures["distractors"]), (&n.into(), &0.into()), "{figures}");
    assert_eq!(figures["transforms"][0]["passive"]["r1"], 1.0);
    let mut queries = csv::Reader::from_path(folder.path("queries.csv")).unwrap();
    let named: Vec<String> = queries.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(named, folder.texts());

    let detection =
        "eval copy-detection --images photos --distractors others --index db.faiss --transforms none";
    let figures = folder.json(&format!("{detection} --isc-out isc --nprobe 2"));
    assert_eq!((&figures["references"], &figures["queries"]), (&n.into(), &(n + 1).into()), "{figures}");
    let judged = folder
        .json("eval copy-detection --predictions isc/predictions.csv --ground-truth isc/groundtruth.csv");
    assert_eq!(judged["passive"]["micro_ap"], figures["passive"]["micro_ap"], "{judged}");
    assert_eq!(judged["passive"]["micro_ap"], 1.0);
    let mut truth = csv::Reader::from_path(folder.path("isc/groundtruth.csv")).unwrap();
    let pairs: BTreeMap<String, String> =
        truth.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row[1].to_owned())).collect();
    let stem = |path: &PathBuf| path_text(Path::new(path.file_stem().unwrap()));
    let stems: BTreeSet<String> = folder.photos.iter().map(stem).collect();
    assert_eq!(stems.len(), n);
    assert!(stems.iter().all(|stem| pairs.get(&format!("{stem}/none")) == Some(stem)), "{pairs:?}");
}

#[test]
fn released_images_have_the_names_of_their_originals() {
    let folder = Folder::indexed();
    let activate = "activate photos --index db.faiss --iterations 1 --out out --report out.html";
    let released = folder.json(activate);
    let rows = &released["images"];
    assert_eq!(texts(rows, "input"), folder.texts());
    for (original, output) in folder.photos.iter().zip(texts(rows, "output")) {
        let expected = Path::new("out").join(original.file_name().unwrap());
        assert_eq!(path_of_text(output), expected);
        assert!(folder.path(expected).is_file(), "{output}");
    }
    assert_eq!(fs::read_dir(folder.path("out")).unwrap().count(), folder.photos.len());
    let names: Vec<String> =
        folder.photos.iter().map(|path| path_text(Path::new(path.file_name().unwrap()))).collect();
    let page = fs::read_to_string(folder.path("out.html")).unwrap();
    let escaped = |name: &String| name.replace('&', "&amp;").replace('<', "&lt;");
    assert!(names.iter().all(|name| page.contains(&format!("<h2>{}</h2>", escaped(name)))));

    let again = folder.json(&format!("{activate} --resume"));
    assert!(again["images"].as_array().unwrap().iter().all(|row| row["skipped"] == true), "{again}");
    let table = String::from_utf8(folder.succeeds(activate).stdout).unwrap();
    assert!(
        names.iter().all(|name| table.lines().any(|line| line.starts_with(&format!("| {name} ")))),
        "{table}"
    );

    let compared = folder.json(
        "eval retrieval --images photos --index db.faiss --transforms none --released out --report page.html",
    );
    assert_eq!(compared["images"], folder.photos.len(), "{compared}");
}

#[test]
fn arguments_may_be_odd_too() {
    let folder = Folder::indexed();
    let odd = OsStr::from_bytes(b"caf\xe9\n.faiss");
    if let Err(error) = fs::copy(folder.path("db.faiss"), folder.path(odd)) {
        return println!("skipped: the file system refuses {odd:?}: {error}");
    }
    let line = "eval retrieval --images photos --transforms none --json --index";
    let output = folder.run_with(line, &[odd]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let settings = &json(&output)["settings"];
    assert_eq!(settings["index"]["file"], r"$'caf\xe9\n.faiss'");
    assert!(settings["arguments"].as_array().unwrap().contains(&r"$'caf\xe9\n.faiss'".into()), "{settings}");
    let missing = OsStr::from_bytes(b"no\xff\t  one.png");
    let output = folder.run_with("describe --out none.npy", &[missing]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with(r"$'no\xff\t  one.png': No such file"), "{stderr}");
}

#[test]
fn equal_names_of_different_images_are_no_truth() {
    let folder = Folder::indexed();
    let n = folder.photos.len();
    let name = &folder.texts()[4];
    let mut lines = folder.lines("db.faiss.names.tsv");
    lines[8] = format!("7\t{name}");
    fs::write(folder.path("db.faiss.names.tsv"), lines.join("\n")).unwrap();
    let reason = format!("db.faiss: the entries 4 and 7 of the index are both called {name}");
    for line in [
        "eval retrieval --images photos --index db.faiss --transforms none",
        "eval copy-detection --images photos --distractors others --index db.faiss --transforms none",
        "advise --images photos --index db.faiss --transforms none --iterations 1",
    ] {
        let output = folder.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(&reason) && stderr.lines().count() == 1, "{line}: {stderr}");
    }

    // A released image that is of either of two originals is of neither.
    for name in ["first", "second", "released"] {
        fs::create_dir(folder.path(name)).unwrap();
    }
    for (from, to) in [
        (0, "first/a.png"),
        (1, "second/a.png"),
        (1, "released/a.png"),
        (2, "first/b.png"),
        (2, "released/b.png"),
    ] {
        fs::copy(folder.path(&folder.photos[from]), folder.path(to)).unwrap();
    }
    let index = "--index db.faiss --transforms none --released released --json";
    let output = folder.run(&format!("eval retrieval --images first second {index}"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &json_of(&output.stdout)["images"]), (Some(1), &1.into()), "{stderr}");
    assert!(stderr.contains("first/a.png: released/a.png is the released image of second/a.png"), "{stderr}");
    assert!(stderr.contains("second/a.png: released/a.png is the released image of first/a.png"), "{stderr}");
    assert_eq!(n, folder.photos.len());
}

fn json_of(stdout: &[u8]) -> Value {
    serde_json::from_slice(stdout).unwrap()
}

/// Names as version 0.1 and other programs write them: a backslash is a backslash.
#[test]
fn tables_of_names_without_quotations_still_name_the_same_files() {
    let folder = Folder::new();
    folder.succeeds("describe photos --out db.npy");
    folder.succeeds("index train --factory Flat --input db.npy --out db.faiss");
    let raw =
        |path: &PathBuf| path.to_str().filter(|text| !text.contains(['\t', '\n', '\r'])).map(str::to_owned);
    let rows = folder.photos.iter().enumerate().filter_map(|(row, path)| Some((row, raw(path)?)));
    let rows: Vec<String> = rows.map(|(row, path)| format!("{row}\t{path}\n")).collect();
    fs::write(folder.path("old.tsv"), format!("row\tpath\n{}", rows.concat())).unwrap();
    folder.succeeds("index add --index db.faiss --input db.npy --names old.tsv");
    let figures = folder.json("eval retrieval --images photos --index db.faiss --transforms none");
    let unnamed = folder.photos.len() - rows.len();
    assert_eq!((unnamed, &figures["distractors"]), (7, &unnamed.into()), "{figures}");
}
