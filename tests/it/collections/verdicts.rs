//! Verdicts of `find`, with the real network: matches confirmed by the pictures, strangers, calibration and the page.

use std::fs;

use serde_json::{Value, json};

use super::Folder;
use crate::{command_line::sample, fixtures::program};

const ENTRIES: [&str; 3] = ["17_igloo.jpg", "02_coffee.jpg", "06_dandelions.jpg"];

/// A folder in which the program runs with the real network.
struct RealFolder(tempfile::TempDir);

impl RealFolder {
    /// A folder with three photographs in `photos`, which the collection `shop` has as entries.
    fn new(create: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("photos")).unwrap();
        for name in ENTRIES {
            fs::copy(sample(name), folder.path("photos").join(name)).unwrap();
        }
        folder.done(create);
        folder.done("collection add photos --collection shop");
        folder
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, line: &str) -> String {
        let output = program().current_dir(self.0.path()).args(line.split(' ')).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn done(&self, line: &str) -> Value {
        serde_json::from_str(&self.text(&format!("{line} --json"))).unwrap()
    }

    /// Saves the middle of a sample, with half its width and height.
    fn put_crop(&self, name: &str, file: &str) {
        let photo = image::open(sample(name)).unwrap();
        let (width, height) = (photo.width(), photo.height());
        photo
            .crop_imm(width / 4, height / 4, width / 2, height / 2)
            .into_rgb8()
            .save(self.path(file))
            .unwrap();
    }
}

#[test]
fn a_crop_is_a_match_that_tells_its_place_and_a_stranger_is_none() {
    let folder = RealFolder::new("collection create shop");
    let info = folder.done("collection info shop");
    assert_eq!((&info["witness"], &info["witnesses"]), (&json!("keypoints"), &json!(3)), "{info}");
    folder.put_crop("02_coffee.jpg", "crop.png");
    fs::copy(sample("00_astronaut.jpg"), folder.path("stranger.jpg")).unwrap();

    let found = folder.done("find crop.png stranger.jpg --collection shop --report page.html");
    assert_eq!((&found["schema"], &found["entries"], &found["max_e"]), (&json!(1), &json!(3), &json!(0.001)));
    assert_eq!(found["calibration"]["standard"], true, "{found}");
    let best = &found["queries"][0]["matches"][0];
    assert_eq!((&best["name"], &best["verdict"]), (&json!("02_coffee.jpg"), &json!("match")), "{found}");
    assert!(best["e_value"].as_f64().unwrap() <= 1e-3 && best["inliers"].as_u64().unwrap() >= 8, "{best}");
    assert!(best["look"].is_string() && best["cosine"].is_number() && best["mirrored"] == false, "{best}");
    // Half of each side is left, so that the entry's picture is twice as large as the query, and begins half a side before it.
    for (corner, expected) in
        best["region"].as_array().unwrap().iter().zip([[-0.5, -0.5], [1.5, -0.5], [1.5, 1.5], [-0.5, 1.5]])
    {
        for (place, expected) in corner.as_array().unwrap().iter().zip(expected) {
            assert!((place.as_f64().unwrap() - expected).abs() < 0.05, "{best}");
        }
    }
    let stranger = &found["queries"][1];
    assert!(
        stranger["matches"].as_array().unwrap().iter().all(|found| found["verdict"] == "possible"),
        "{found}"
    );
    assert!(stranger["looks"].as_u64() > found["queries"][0]["looks"].as_u64(), "it was looked at again");

    let page = fs::read_to_string(folder.path("page.html")).unwrap();
    assert_eq!(page.matches("<polygon points=").count(), 1, "one outline");
    assert!(page.contains("query laid over it") && page.contains("stranger.jpg"));

    let bounded = folder.done("find stranger.jpg --collection shop --looks 2 --nprobe 3");
    assert_eq!((&bounded["looks"], &bounded["nprobe"]), (&json!(2), &json!(3)));
    assert!(bounded["queries"][0]["looks"].as_u64().unwrap() <= 2, "{bounded}");
    let shown = folder.text("find crop.png --collection shop");
    assert!(
        shown.contains("02_coffee.jpg") && shown.contains(" points") && shown.contains("1 matched"),
        "{shown}"
    );
}

#[test]
fn a_collection_without_witnesses_decides_by_descriptors() {
    let folder = RealFolder::new("collection create shop --witness none");
    let info = folder.done("collection info shop");
    assert!(info["witness"].is_null() && info["witnesses"] == 0, "{info}");
    folder.put_crop("02_coffee.jpg", "crop.png");
    let found = folder.done("find crop.png --collection shop");
    let best = &found["queries"][0]["matches"][0];
    assert_eq!(best["name"], "02_coffee.jpg", "{found}");
    assert!(best["inliers"].is_null() && best["region"].is_null() && best["e_value"].is_number(), "{best}");
}

#[test]
fn a_calibration_is_kept_and_told() {
    let folder = Folder::with_rows();
    folder.put_rows("rows", 0..600);
    folder.put_rows("background", 5000..5200);
    folder.done("collection add rows.npy --collection shop");
    let background = "collection calibrate shop background.npy";
    let told = folder.done(background);
    let calibration = &told["calibration"];
    assert_eq!((&calibration["standard"], &calibration["due"]), (&json!(false), &json!(false)), "{told}");
    assert_eq!((&calibration["entries"], &calibration["queries"]), (&json!(600), &json!(200)), "{told}");
    let thresholds = told["thresholds"].as_array().unwrap();
    // Of 16 dimensions, no cosine is as rare as the smallest E-values ask for.
    let cosines: Vec<f64> = thresholds.iter().filter_map(|told| told["first"].as_f64()).collect();
    assert!(thresholds.len() == 4 && cosines.len() >= 2, "{told}");
    assert!(cosines.is_sorted_by(|a, b| a > b), "a larger E asks for less: {told}");
    let info = folder.done("collection info shop");
    assert_eq!(info["calibration"], *calibration);
    assert_eq!(folder.done("find rows.npy --collection shop -k 1")["calibration"], *calibration);
    assert!(folder.text(background).contains("one in 1,000"));

    let again = folder.done("collection calibrate shop")["calibration"].clone();
    assert_eq!((&again["background"], &again["queries"]), (&json!("descriptors"), &json!(200)));
    folder.done("collection calibrate shop --entries 300");
    assert_ne!(folder.done("collection info shop")["calibration"], *calibration);
    folder.put_rows("more", 600..1300);
    let output = folder.run("collection add more.npy --collection shop");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("has doubled, and its E-values were fitted anew to 1300 entries"), "{stderr}");
    assert_eq!(folder.done("collection info shop")["calibration"]["entries"], 1300);
    let output = folder.run("collection calibrate shop nothing");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && stderr.contains("too few for a calibration"), "{stderr}");
    folder.done("collection create empty --quantiser quantiser.faiss");
    let output = folder.run("collection calibrate empty");
    assert_eq!(output.status.code(), Some(2), "nothing to calibrate by");
}
