//! Releases to a folder.

use activate::{
    Activator, Settings,
    pixels::{self, Depth},
};
use active_index_release::{Decision, Error, Folder, Options, QualityLimits, Releaser, quality};
use image::{ImageBuffer, Rgb};
use image_file::{Encoding, Pixels};

use crate::fixtures::{Desk, options, outcomes, read, unlimited};

#[test]
fn a_released_file_holds_the_pixels_that_activation_returns() {
    let desk = Desk::new(1);
    let jobs = desk.jobs(1, "out");
    let rows = desk.release(&jobs, &Folder, unlimited(1));
    let original = read(&jobs[0].input).pixels.into_rgb8();
    let tensor = pixels::from_rgb8(original.as_raw(), 64, 48, &desk.extractor.device()).expect("an image");
    let settings = Settings { depth: Depth::Eight, ..unlimited(1).settings };
    let activator = Activator::new(&desk.extractor, desk.shop.quantiser(), settings).expect("fits");
    let expected = activator.activate(&[tensor], &mut |_| ()).expect("activates").remove(0);

    let released = read(&jobs[0].output).pixels.into_rgb8();
    assert_eq!(released.as_raw(), &pixels::to_rgb8(&expected.pixels).expect("downloads"));
    let figures = rows[0].figures.as_ref().expect("is released");
    assert_eq!((figures.width, figures.height, figures.iterations), (64, 48, 2));
    assert_eq!((figures.cell, figures.stopped), (expected.cell, "iterations"));
    assert_eq!(figures.cosine_after, expected.after.cosine);
    let measured = quality::measure(&original, &released).expect("of one size");
    assert_eq!((figures.psnr, figures.ssim, figures.linf), (measured.psnr, measured.ssim, measured.linf));
}

#[test]
fn files_keep_the_limits_and_use_them_up() {
    let desk = Desk::new(2);
    let limited = |psnr| {
        let limits = QualityLimits { min_psnr: Some(psnr), ..QualityLimits::default() };
        Options { limits, ..options(1) }
    };
    let jobs = desk.jobs(2, "out");
    for row in desk.release(&jobs, &Folder, limited(50.0)) {
        let figures = row.figures.expect("is released");
        assert!(figures.psnr >= 50.0 && figures.psnr < 52.0, "{} dB", figures.psnr);
    }
    for job in &jobs {
        let [original, released] = [&job.input, &job.output].map(|path| read(path).pixels.into_rgb8());
        assert!(quality::psnr(&original, &released).expect("of one size") >= 50.0);
    }
}

#[test]
fn a_format_that_cannot_keep_the_limits_writes_no_file() {
    let desk = Desk::new(1);
    let limits = QualityLimits { min_psnr: Some(60.0), ..QualityLimits::default() };
    let encoding = Encoding::Jpeg { quality: 10, full_chroma: false };
    let rows = desk.release(&desk.jobs(1, "out"), &Folder, Options { limits, encoding, ..options(1) });
    let reason = rows[0].error.as_deref().expect("fails");
    assert!(reason.starts_with("the file format alone reduces the quality to "), "{reason}");
    assert!(desk.names("out").is_empty());
}

#[test]
fn rows_stand_in_the_order_of_the_jobs_whatever_becomes_of_them() {
    let desk = Desk::new(3);
    desk.write("broken.png", b"\x89PNG\r\n\x1a\n and no more");
    let names = ["0.png", "missing.png", "1.png", "skip.png", "refuse.png", "broken.png", "2.png"];
    let mut jobs = names.map(|name| desk.job(name, "out"));
    jobs[3].decision = Decision::Skip;
    jobs[4].decision = Decision::Refuse("is refused".to_owned());
    let expected = ["released", "failed", "released", "skipped", "failed", "failed", "released"];
    for batch in [1, 3, 7, 64] {
        let rows = desk.release(&jobs, &Folder, options(batch));
        assert_eq!(outcomes(&rows), expected, "in batches of {batch}");
        assert_eq!(rows.iter().map(|row| row.name()).collect::<Vec<_>>(), names);
        assert_eq!(rows[4].error.as_deref(), Some("is refused"));
        assert_eq!(desk.names("out"), ["0.png", "1.png", "2.png"]);
    }
    assert!(desk.release(&[], &Folder, options(1)).is_empty());
}

#[test]
fn reports_have_the_keys_that_outside_checks_read() {
    let desk = Desk::new(1);
    let jobs = [desk.job("0.png", "out"), desk.job("missing.png", "out")];
    let rows = serde_json::to_value(desk.release(&jobs, &Folder, options(1))).expect("serialises");
    let keys = |row: &serde_json::Value| row.as_object().expect("a map").keys().cloned().collect::<Vec<_>>();
    let mut expected: Vec<&str> =
        "input output width height iterations stopped seconds cell kept cosine_before \
        cosine_after distance_before distance_after psnr ssim linf"
            .split(' ')
            .filter(|key| !key.is_empty())
            .collect();
    let mut found = keys(&rows[0]);
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert_eq!(keys(&rows[1]), ["error", "input"]);
    assert_eq!(rows[0]["kept"].is_number(), rows[0]["cell"].is_number(), "{rows}");
}

#[test]
fn sixteen_bits_stay_sixteen_beside_eight() {
    let desk = Desk::new(1);
    let level = |x: u32, y: u32| 257 * ((7 * x + 11 * y) % 200) as u16 + 31;
    let deep = ImageBuffer::from_fn(64, 48, |x, y| Rgb([level(x, y), level(y, x), 9000]));
    deep.save(desk.path("deep.png")).expect("saves");
    let jobs = [desk.job("deep.png", "out"), desk.job("0.png", "out")];
    assert_eq!(outcomes(&desk.release(&jobs, &Folder, unlimited(2))), ["released", "released"]);
    let Pixels::Sixteen(released) = read(&jobs[0].output).pixels else { panic!("has 8 bits") };
    assert!(released.iter().any(|value| value % 257 != 31), "changes are smaller than 8-bit levels");
    assert!(!read(&jobs[1].output).pixels.is_deep());
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let desk = Desk::new(2);
    desk.write("file", b"is no folder");
    let jobs = [desk.job("0.png", "file"), desk.job("1.png", "out")];
    let rows = desk.release(&jobs, &Folder, options(2));
    assert_eq!(outcomes(&rows), ["failed", "released"]);
    let reason = rows[0].error.as_deref().expect("fails");
    assert!(reason.starts_with("cannot write ") && reason.contains("file/0.png: "), "{reason}");
}

#[test]
fn indexes_must_fit_and_be_there() {
    let desk = Desk::new(0);
    let none = Releaser::new(&desk.extractor, false, &[], options(1));
    assert!(matches!(none.err(), Some(Error::NoIndex)));
    let other = crate::fixtures::quantiser(desk.extractor.dimension() + 4);
    let other = Releaser::new(&desk.extractor, false, std::slice::from_ref(&other), options(1));
    assert!(matches!(other.err(), Some(Error::Activate(activate::Error::Dimension { .. }))));
}
