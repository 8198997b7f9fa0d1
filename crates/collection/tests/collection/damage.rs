//! Damage: changed bytes in every file, missing files, other versions, a copied folder, media that are full or read-only.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use active_index_collection::{Collection, Decision, Digest, Error, FindSettings, NewEntry, NewReview};
use burn::tensor::Device;

use crate::{
    folders::{collection, open},
    promises::{
        fixtures::{D, KIND, descriptors, entries, findings, tensor, with_witness, witness},
        reviews::review,
    },
};

/// Collection of two segments and some entries in the catalogue.
fn filled(path: &Path) -> Vec<f32> {
    let shop = collection(path);
    let rows = descriptors(300, 3);
    shop.store(&entries(0..100), tensor(&rows[..100 * D])).expect("stores");
    shop.compact().expect("compacts");
    shop.set_segment_entries(100).expect("sets");
    shop.store(&entries(100..200), tensor(&rows[100 * D..200 * D])).expect("stores");
    drop(shop);
    let shop = open(path);
    shop.store(&entries(200..300), tensor(&rows[200 * D..])).expect("stores");
    drop(shop);
    let info = open(path).info().expect("counts");
    assert_eq!((info.segments, info.live), (3, 300));
    rows
}

fn files(path: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| fs::read_dir(folder).expect("lists").map(|file| file.expect("file").path());
    let mut files: Vec<PathBuf> = list(path).chain(list(&path.join("segments"))).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("segments")).expect("creates");
    for file in files(from) {
        fs::copy(&file, to.join(file.strip_prefix(from).expect("inside"))).expect("copies");
    }
}

#[test]
fn a_changed_byte_in_any_file_is_found_and_named() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = folder.path().join("whole");
    filled(&whole);
    assert_eq!(findings(&open(&whole)), [""; 0]);
    let all = files(&whole);
    assert_eq!(all.len(), 2 + 2 * 3, "{all:?}");
    for (number, file) in all.iter().enumerate().filter(|(_, file)| !file.ends_with("catalogue.sqlite")) {
        for share in [1, 50, 99] {
            let damaged = folder.path().join(format!("{number}-{share}"));
            copy(&whole, &damaged);
            let name = file.strip_prefix(&whole).expect("inside");
            let path = damaged.join(name);
            let mut bytes = fs::read(&path).expect("reads");
            let place = bytes.len() * share / 100;
            bytes[place] ^= 0x10;
            fs::write(&path, bytes).expect("writes");
            let found = match Collection::open(&damaged, &Device::flex()) {
                Ok(shop) => findings(&shop).join("\n"),
                Err(error) => error.to_string(),
            };
            assert!(found.contains(&*name.to_string_lossy()), "{name:?} at {place}: {found:?}");
        }
    }
}

/// Bytes of a page that hold nothing may change unseen, so that the bytes of rows are searched for.
#[test]
fn a_changed_byte_in_a_row_of_the_catalogue_is_found_and_named() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = folder.path().join("whole");
    let shop = collection(&whole);
    let mut new = entries(0..50);
    new[17] = NewEntry {
        file: Some("out/seventeen.jpg".into()),
        original: Some(Digest::of_file(b"17")),
        ..NewEntry::added("seventeen", None)
    };
    new[17].meta.insert("licence".into(), "CC-BY".into());
    new[17].witness = Some(b"seen by seventeen people".repeat(300));
    shop.set_calibration("measured on seventeen pictures").expect("sets");
    let stored = shop.store(&new, tensor(&descriptors(50, 3))).expect("stores");
    let descriptor = shop.descriptor(stored[17].id()).expect("is there");
    let descriptor: Vec<u8> = descriptor.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
    let fingerprint = shop.description().fingerprint.clone();
    let reviewed = NewReview {
        name: "eighteen.jpg".to_owned(),
        picture: Some(b"drawn by eighteen people".repeat(300)),
        answer: "{\"text\":\"nineteen\"}".to_owned(),
        ..review(18, stored[17].id())
    };
    let added = shop.add_review(&reviewed).expect("adds").id();
    shop.decide(added, Decision::Confirmed, Some("decided by twenty")).expect("decides");
    drop(shop);
    let digest = Digest::of_file(b"17");
    let rows = [
        b"seventeen.jpg",
        &b"CC-BY"[..],
        b"seventeen",
        digest.bytes(),
        &descriptor,
        fingerprint.as_bytes(),
        b"seen by seventeen people",
        b"measured on seventeen pictures",
        b"eighteen.jpg",
        reviewed.query.bytes(),
        b"nineteen",
        b"drawn by eighteen people",
        b"decided by twenty",
    ];
    for needle in rows {
        let damaged = folder.path().join("damaged");
        copy(&whole, &damaged);
        let path = damaged.join("catalogue.sqlite");
        let mut bytes = fs::read(&path).expect("reads");
        let place = bytes.windows(needle.len()).rposition(|window| window == needle).expect("is kept");
        bytes[place + needle.len() / 2] ^= 1;
        fs::write(&path, bytes).expect("writes");
        let found = match Collection::open(&damaged, &Device::flex()) {
            Ok(shop) => findings(&shop).join("\n"),
            Err(error) => error.to_string(),
        };
        assert!(found.contains("catalogue.sqlite"), "{needle:?}: {found:?}");
        fs::remove_dir_all(&damaged).expect("removes");
    }
}

#[test]
fn a_torn_catalogue_is_found_and_named() {
    let folder = tempfile::tempdir().expect("folder");
    let whole = folder.path().join("whole");
    filled(&whole);
    let size = fs::metadata(whole.join("catalogue.sqlite")).expect("is there").len();
    for keep in [0, 50, 4096, size / 2, size - 4096] {
        let damaged = folder.path().join(format!("torn-{keep}"));
        copy(&whole, &damaged);
        let path = damaged.join("catalogue.sqlite");
        let bytes = fs::read(&path).expect("reads");
        fs::write(&path, &bytes[..keep as usize]).expect("writes");
        let found = match Collection::open(&damaged, &Device::flex()) {
            Ok(shop) => match shop.check(&mut |_| ()) {
                Ok(found) => found.into_iter().map(|finding| finding.place + &finding.reason).collect(),
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        assert!(found.contains("catalogue.sqlite"), "{keep} of {size} bytes: {found:?}");
    }
}

#[test]
fn what_is_sound_is_still_found() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("shop");
    let rows = filled(&path);
    let segments: Vec<PathBuf> =
        files(&path).into_iter().filter(|file| file.extension().is_some_and(|end| end == "faiss")).collect();
    let missing = segments.iter().find(|file| file.parent() != Some(&path)).expect("a segment");
    fs::remove_file(missing).expect("removes");
    let shop = open(&path);
    assert_eq!(shop.warnings().len(), 1, "{:?}", shop.warnings());
    assert!(shop.warnings()[0].contains(&*missing.to_string_lossy()), "{:?}", shop.warnings());
    let found = shop.find(tensor(&rows), &FindSettings::default()).expect("finds");
    let first = |(row, number): &(&Vec<active_index_collection::Candidate>, usize)| {
        row.first().is_some_and(|found| found.cosine > 0.999 && found.id == *number as i64 + 1)
    };
    assert_eq!(found.iter().zip(0..).filter(first).count(), 200);
    assert!(findings(&shop).iter().any(|found| found.contains(&*missing.to_string_lossy())));
    assert!(shop.compact().is_err(), "nothing is dropped because it is missing");
}

#[test]
fn a_copied_folder_is_the_same_collection() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, copied) = (folder.path().join("shop"), folder.path().join("elsewhere"));
    let rows = filled(&path);
    let shop = open(&path);
    let new: Vec<NewEntry> = entries(300..310).into_iter().map(with_witness).collect();
    let stored = shop.store(&new, tensor(&descriptors(10, 4))).expect("stores");
    let ids: Vec<i64> = stored.iter().map(active_index_collection::Stored::id).collect();
    shop.set_calibration("measured").expect("sets");
    drop(shop);
    copy(&path, &copied);
    let settings = FindSettings { nprobe: 4, ..FindSettings::default() };
    let found = |path: &Path| open(path).find(tensor(&rows), &settings).expect("finds");
    assert_eq!(found(&path), found(&copied));
    fs::remove_dir_all(&path).expect("removes");
    let shop = open(&copied);
    let witnesses = shop.witnesses(&ids).expect("reads");
    assert!(new.iter().zip(witnesses).all(|(entry, found)| found == Some(witness(&entry.name))));
    assert_eq!(shop.calibration().expect("reads").as_deref(), Some("measured"));
    assert_eq!(shop.description().witness_kind.as_deref(), Some(KIND));
    assert_eq!(findings(&shop), [""; 0]);
}

#[test]
fn a_later_version_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("shop");
    filled(&path);
    let connection = rusqlite::Connection::open(path.join("catalogue.sqlite")).expect("opens");
    connection.pragma_update(None, "user_version", 1000).expect("sets");
    drop(connection);
    let refused = Collection::open(&path, &Device::flex()).err();
    assert!(matches!(refused, Some(Error::Schema { found: 1000, .. })), "{refused:?}");
}

/// Mounts a small file system, which only root may; returns false where it cannot.
fn mount(at: &Path, options: &str) -> bool {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at);
    mount.output().is_ok_and(|output| output.status.success())
}

struct Unmount<'a>(&'a Path);

impl Drop for Unmount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_stored() {
    let folder = tempfile::tempdir().expect("folder");
    if !mount(folder.path(), "size=1m") {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    }
    let _unmount = Unmount(folder.path());
    let path = folder.path().join("shop");
    let shop = collection(&path);
    let (mut stored, mut refused) = (0, None);
    for round in 0..200 {
        match shop.store(&entries(0..50), tensor(&descriptors(50, round))) {
            Ok(_) => stored += 50,
            Err(error) => {
                refused = Some(error.to_string());
                break;
            }
        }
    }
    let refused = refused.expect("a megabyte is full in time");
    assert!(refused.contains("catalogue.sqlite") && !refused.contains('\n'), "{refused}");
    assert_eq!(shop.info().expect("counts").live, stored);
    let found = shop.find(tensor(&descriptors(50, 0)), &FindSettings::default()).expect("finds");
    assert!(found.iter().all(|row| row[0].cosine > 0.999));
    drop(shop);
    let shop = open(&path);
    assert_eq!((shop.info().expect("counts").live, findings(&shop)), (stored, Vec::new()));
}

#[test]
fn a_read_only_medium_is_read() {
    let folder = tempfile::tempdir().expect("folder");
    if !mount(folder.path(), "size=20m") {
        eprintln!("SKIPPED: no file system can be mounted here");
        return;
    }
    let _unmount = Unmount(folder.path());
    let path = folder.path().join("shop");
    let rows = filled(&path);
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(folder.path()).status();
    assert!(remounted.is_ok_and(|status| status.success()), "remounts");
    let shop = open(&path);
    let found = shop.find(tensor(&rows), &FindSettings::default()).expect("finds");
    assert!(found.iter().all(|row| row[0].cosine > 0.999));
    assert_eq!(findings(&shop), [""; 0]);
    for refused in
        [shop.store(&entries(0..1), tensor(&rows[..D])).map(drop), shop.withdraw(&[1]), shop.compact()]
    {
        let error = refused.expect_err("cannot be written").to_string();
        assert!(error.contains(&*path.to_string_lossy()) && !error.contains('\n'), "{error}");
    }
}
