//! Releases to a collection.

use std::{fs, path::Path, thread};

use activate::{describe, pixels};
use active_index_release::{Error, Options, QualityLimits, Remembering};
use collection::{Collection, Digest, NewEntry};
use device_math::transfer::{download, upload_rows};
use image_file::{Encoding, path_text};
use witness::{Kind, Witness};

use crate::fixtures::{Desk, options, outcomes, quantiser, read};

fn remembering(desk: &Desk) -> Remembering<'_> {
    Remembering::new(&desk.shop).expect("knows its witnesses")
}

#[test]
fn entries_hold_what_the_released_files_show() {
    let desk = Desk::new(4);
    let jobs = desk.jobs(4, "out");
    let rows = desk.release(&jobs, &remembering(&desk), options(2));
    assert_eq!(outcomes(&rows), ["released"; 4]);
    let entries = desk.entries();
    assert_eq!(entries.len(), 4);
    for ((job, row), entry) in jobs.iter().zip(&rows).zip(&entries) {
        assert_eq!(row.remembered.as_ref().map(|remembered| remembered.id), Some(entry.id));
        assert_eq!((entry.name.as_str(), entry.pending), (path_text(&job.name).as_str(), false));
        assert_eq!((entry.file.as_deref(), &entry.meta), (Some(path_text(&job.output).as_str()), &job.meta));
        let bytes = fs::read(&job.input).expect("reads");
        assert_eq!(entry.original, Some(Digest::of_file(&bytes)));

        let released = read(&job.output).pixels.into_rgb8();
        let witness = Witness::of(&released, Kind::Keypoints).map(|witness| witness.to_bytes());
        assert_eq!(desk.shop.witnesses(&[entry.id]).expect("reads"), [witness]);
        let tensor =
            pixels::from_rgb8(released.as_raw(), 64, 48, &desk.extractor.device()).expect("an image");
        let described = download(describe(&desk.extractor, vec![tensor])).expect("downloads");
        let kept = desk.shop.descriptor(entry.id).expect("is kept");
        let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let cosine = product(&described, &kept) / product(&kept, &kept).sqrt();
        // Descriptors are kept in float16, whose rounding also changes their length.
        assert!(cosine > 0.9999, "{cosine}");
    }
}

#[test]
fn each_original_is_released_once() {
    let desk = Desk::new(3);
    fs::copy(desk.path("1.png"), desk.path("same.png")).expect("copies");
    let mut jobs = desk.jobs(3, "out");
    jobs.insert(2, desk.job("same.png", "out"));
    for batch in [1, 4] {
        let desk_out = desk.names("out");
        let rows = desk.release(&jobs, &remembering(&desk), options(batch));
        let first = desk_out.is_empty();
        let new = if first { "released" } else { "already" };
        assert_eq!(outcomes(&rows), [new, new, "already", new], "in batches of {batch}");
        assert_eq!(rows[2].output, rows[1].output, "the file of the entry");
        assert_eq!(desk.names("out"), ["0.png", "1.png", "2.png"]);
        assert_eq!(desk.entries().len(), 3);
    }
}

/// A writer died between the commit of an entry and the rename of its file.
#[test]
fn a_pending_entry_is_completed_under_its_id() {
    let desk = Desk::new(1);
    let jobs = desk.jobs(1, "out");
    let digest = Digest::of_file(&fs::read(&jobs[0].input).expect("reads"));
    let file = Some(path_text(&jobs[0].output));
    let pending = NewEntry { file, pending: true, ..NewEntry::added("of a dead writer", Some(digest)) };
    let descriptor = vec![1.0 / (desk.extractor.dimension() as f32).sqrt(); desk.extractor.dimension()];
    let stored = desk.shop.store(&[pending], upload_rows([descriptor], &desk.extractor.device()));
    let id = stored.expect("stores")[0].id();

    let rows = desk.release(&jobs, &remembering(&desk), options(1));
    assert_eq!(outcomes(&rows), ["released"]);
    assert_eq!(rows[0].remembered.as_ref().map(|remembered| remembered.id), Some(id));
    let entries = desk.entries();
    assert!(entries.len() == 1 && !entries[0].pending && entries[0].id == id, "{entries:?}");
    assert!(jobs[0].output.is_file());
}

#[test]
fn runs_side_by_side_release_each_original_once() {
    let desk = Desk::new(8);
    let run = |out: &str| {
        let jobs = desk.jobs(8, out);
        desk.release(&jobs, &remembering(&desk), options(2))
    };
    let rows = thread::scope(|scope| {
        let running = ["first", "second", "third"].map(|out| scope.spawn(move || run(out)));
        running.map(|thread| thread.join().expect("ends"))
    });
    assert!(rows.iter().flatten().all(|row| row.is_released() || row.was_known()), "{rows:?}");
    let entries = desk.entries();
    assert_eq!(entries.len(), 8);
    for entry in entries {
        assert!(!entry.pending && entry.file.is_some_and(|file| Path::new(&file).is_file()));
    }
    assert_eq!(desk.shop.check(&mut |_| ()).expect("checks"), []);
}

#[test]
fn what_cannot_be_written_leaves_no_entry() {
    let desk = Desk::new(3);
    desk.write("file", b"is no folder");
    let jobs = [desk.job("0.png", "out"), desk.job("1.png", "file"), desk.job("2.png", "out")];
    let rows = desk.release(&jobs, &remembering(&desk), options(3));
    assert_eq!(outcomes(&rows), ["released", "failed", "released"]);
    assert!(rows[1].error.as_ref().is_some_and(|reason| reason.contains("file/1.png: ")), "{rows:?}");
    let names: Vec<String> = desk.entries().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["0.png", "2.png"]);
}

/// The collection refuses all descriptors of a batch, so that none of its files appears.
#[test]
fn what_cannot_be_stored_writes_no_file() {
    let desk = Desk::new(3);
    let path = desk.path("other");
    let other = Collection::create(&path, &quantiser(desk.extractor.dimension() + 4)).expect("creates");
    let other = Remembering::new(&other).expect("keeps no witnesses");
    let rows = desk.release(&desk.jobs(3, "out"), &other, options(2));
    assert_eq!(outcomes(&rows), ["failed"; 3]);
    for row in &rows {
        let reason = row.error.as_deref().expect("fails");
        assert!(reason.starts_with("dimension of the descriptors must be "), "{reason}");
    }
    assert!(desk.names("out").is_empty(), "{:?}", desk.names("out"));
}

#[test]
fn a_copy_of_a_picture_that_failed_fails_too() {
    let desk = Desk::new(2);
    fs::copy(desk.path("0.png"), desk.path("same.png")).expect("copies");
    let jobs = ["0.png", "1.png", "same.png"].map(|name| desk.job(name, "out"));
    let limits = QualityLimits { min_psnr: Some(60.0), ..QualityLimits::default() };
    let encoding = Encoding::Jpeg { quality: 10, full_chroma: false };
    for batch in [1, 3] {
        let rows = desk.release(&jobs, &remembering(&desk), Options { limits, encoding, ..options(batch) });
        assert_eq!(outcomes(&rows), ["failed"; 3]);
        let reason = rows[2].error.as_deref();
        assert_eq!(reason, Some("the same picture was to be released in this run, and failed"));
        assert!(rows[1].error.as_ref().is_some_and(|reason| reason.starts_with("the file format alone")));
    }
    assert!(desk.entries().is_empty() && desk.names("out").is_empty());
}

#[test]
fn a_withdrawn_entry_is_told_and_not_released_again() {
    let desk = Desk::new(1);
    let jobs = desk.jobs(1, "out");
    desk.release(&jobs, &remembering(&desk), options(1));
    let id = desk.entries()[0].id;
    desk.shop.withdraw(&[id]).expect("withdraws");
    let rows = desk.release(&jobs, &remembering(&desk), options(1));
    assert_eq!(outcomes(&rows), ["already"]);
    assert_eq!(rows[0].notes, [format!("its entry {id} is withdrawn; `restore` puts it back")]);
    assert!(desk.entries().is_empty());
}

#[test]
fn an_unknown_kind_of_witnesses_is_refused_by_name() {
    let desk = Desk::with_witnesses(0, "holograms");
    let error = Remembering::new(&desk.shop).err().expect("is refused");
    assert!(matches!(error, Error::WitnessKind { .. }));
    let line = error.to_string();
    assert!(line.contains("shop: its kind of witnesses: ") && line.contains("holograms"), "{line}");
}
