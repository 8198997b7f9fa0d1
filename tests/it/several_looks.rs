//! `eval retrieval --looks` and `search --looks` on a tiny network.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use image::{Rgb, RgbImage, imageops};
use serde_json::Value;

use crate::{
    command_line::json,
    fixtures::{golden, program, root},
};

/// A folder with two photographs in `photos/`, a letterboxed copy of the first in `copies/`, and an index of both.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        ["photos", "copies"].iter().for_each(|part| fs::create_dir(folder.path(part)).unwrap());
        for name in ["14_moose", "17_igloo"] {
            let photo = image::open(root().join(format!("samples/{name}.jpg"))).unwrap().thumbnail(160, 160);
            photo.to_rgb8().save(folder.path(&format!("photos/{name}.png"))).unwrap();
            let (width, height) = (photo.width(), photo.height());
            let mut copy = RgbImage::from_pixel(width, 2 * height, Rgb([0; 3]));
            imageops::replace(&mut copy, &photo.to_rgb8(), 0, i64::from(height / 2));
            copy.save(folder.path(&format!("copies/{name}.png"))).unwrap();
        }
        folder.done("describe photos --out db.npy");
        folder.done("index train --factory IVF2,Flat --input db.npy --out db.faiss");
        folder.done("index add --index db.faiss --input db.npy --names db.names.tsv");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, line: &str) -> Output {
        let mut program: Command = program();
        program.current_dir(self.0.path()).args(line.split(' '));
        program.arg("--weights").arg(golden().join("extractors/sscd.classy.pt")).output().unwrap()
    }

    fn done(&self, line: &str) -> Output {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn json(&self, line: &str) -> Value {
        json(&self.done(&format!("{line} --json")))
    }

    fn is_refused(&self, line: &str, reason: &str) {
        let output = self.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
        assert!(stderr.contains(reason) && stderr.lines().count() == 1, "{line}: {stderr}");
    }
}

/// Distances of the entries of a query by id.
fn distances(query: &Value) -> Vec<(i64, f64)> {
    let results = query["results"].as_array().unwrap().iter();
    let mut all: Vec<(i64, f64)> =
        results.map(|hit| (hit["id"].as_i64().unwrap(), hit["distance"].as_f64().unwrap())).collect();
    all.sort_by_key(|(id, _)| *id);
    all
}

#[test]
fn further_looks_find_the_picture_between_bars() {
    let folder = Folder::new();
    let search = "search copies --index db.faiss --nprobe 2";
    let (one, whole) = (folder.json(&format!("{search} --looks 1")), folder.json(search));
    assert_eq!(one["queries"], whole["queries"], "one look is the whole picture");
    let several = folder.json(&format!("{search} --looks 4"));
    for (number, (whole, several)) in
        whole["queries"].as_array().unwrap().iter().zip(several["queries"].as_array().unwrap()).enumerate()
    {
        let looks = several["looks"].as_u64().unwrap();
        assert!((2..=4).contains(&looks), "{several}");
        let pairs: Vec<_> = distances(whole).into_iter().zip(distances(several)).collect();
        assert_eq!(pairs.len(), 2, "every entry once: {several}");
        for ((id, before), (own, after)) in &pairs {
            assert!(id == own && after <= before, "{id}: {before} and {after}");
        }
        let (_, (_, best)) = pairs[number];
        assert!(best < 0.02, "the content of the copy is the photograph: {several}");
        assert_eq!(several["results"][0]["id"], number as u64);
    }
    let within = folder.json(&format!("{search} --looks 4 --radius 0.02"));
    assert_eq!(within["queries"][1]["results"].as_array().unwrap().len(), 1, "{within}");
    folder.is_refused(
        "search db.npy --index db.faiss --looks 2",
        "--looks: db.npy holds descriptors, and views are of images",
    );
}

#[test]
fn retrieval_has_a_table_for_each_number_of_looks() {
    let folder = Folder::new();
    let line = "eval retrieval --images photos --index db.faiss --transforms none,letterbox=1 --nprobe 2,1";
    let document = folder.json(&format!("{line} --looks 1,4 --csv queries.csv --resume known.state"));
    let tables = document["by_setting"].as_array().unwrap();
    let variants: Vec<(u64, u64)> = tables
        .iter()
        .map(|table| (table["looks"].as_u64().unwrap(), table["nprobe"].as_u64().unwrap()))
        .collect();
    assert_eq!(variants, [(1, 2), (1, 1), (4, 2), (4, 1)]);
    assert_eq!(document["by_nprobe"].as_array().unwrap().len(), 2);
    let alone = folder.json(line);
    assert_eq!(alone["transforms"], tables[0]["transforms"], "one look is the whole copy");
    let found = |table: &Value| table["transforms"][1]["passive"]["r1"].as_f64().unwrap();
    assert_eq!(found(&tables[2]), 1.0, "{document}");
    let csv = fs::read_to_string(folder.path("queries.csv")).unwrap();
    assert!(csv.lines().next().unwrap().ends_with(",looks,cells"), "{csv}");
    assert_eq!(csv.lines().filter(|line| line.ends_with(",4,1")).count(), 2 * 2 * 2);

    let again = folder.json(&format!("{line} --looks 1,4 --resume known.state"));
    assert_eq!((&again["described"], &again["by_setting"]), (&0.into(), &document["by_setting"]));
    let text = String::from_utf8(folder.done(&format!("{line} --looks 1,4")).stdout).unwrap();
    assert!(text.contains("nprobe 1, 4 looks, an image at"), "{text}");
}
