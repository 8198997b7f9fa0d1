//! Properties of every edit.

use std::collections::HashSet;

use active_index_evaluation::{Edit, Error};
use image::{Rgb, RgbImage, imageops};

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(7 * x) as u8, (11 * y) as u8, (x * y) as u8]))
}

/// Every edit by name, with a parameter where it needs one.
fn every_edit() -> Vec<Edit> {
    let spelled = |known: String| {
        let value = match known.split('=').next() {
            Some("blur") => "5",
            Some("jpeg") => "40",
            Some("perspective") => "0.08",
            _ => "0.4",
        };
        known.replace("NUMBER", value).parse().expect("a known name")
    };
    Edit::known().into_iter().map(spelled).collect()
}

#[test]
fn spelling_round_trips() {
    for edit in Edit::full().into_iter().chain(Edit::paper()).chain(Edit::hard()).chain(every_edit()) {
        assert_eq!(edit.to_string().parse::<Edit>().expect("round trip"), edit);
        assert_eq!(edit.param().is_some(), edit.to_string().contains('='));
    }
    assert_eq!(" crop = 0.5 ".parse::<Edit>().expect("blanks"), Edit::CentreCrop { area: 0.5 });
}

#[test]
fn paper_set_is_the_table() {
    let names: Vec<&str> = Edit::paper().iter().map(Edit::name).collect();
    let expected =
        "none contrast contrast brightness brightness hue blur jpeg rotation rotation crop resize meme auto";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn errors_name_the_offending_part() {
    let message = |text: &str| text.parse::<Edit>().expect_err(text).to_string();
    let unknown = message("sepia=3");
    assert!(unknown.contains("`sepia`") && unknown.contains("rotation=NUMBER, crop=NUMBER"), "{unknown}");
    assert_eq!(message("crop=2"), "edit `crop`: expected a share above 0 and at most 1, found `2`");
    assert_eq!(
        message("crop"),
        "edit `crop`: expected a share above 0 and at most 1, found none: write `crop=NUMBER`"
    );
    assert_eq!(message("meme=3"), "edit `meme`: expected no parameter, found `3`");
}

#[test]
fn bad_parameters_are_refused() {
    for text in [
        "",
        "=",
        "=1",
        "crop=",
        "crop=0",
        "crop=-1",
        "crop=nan",
        "crop=0.5=3",
        "resize=inf",
        "resize=17",
        "blur=4",
        "blur=0",
        "blur=257",
        "blur=3.5",
        "jpeg=0",
        "jpeg=101",
        "jpeg=50.5",
        "hue=0.6",
        "contrast=-1",
        "contrast=inf",
        "rotation=NaN",
        "rotation=inf",
        "aspect=0",
        "perspective=0.2",
        "opacity=2",
        "shuffle=1.1",
        "pixelize=0",
        "offcentre=0",
        "offcentre=1.5",
        "letterbox=-0.1",
        "letterbox=1.1",
        "letterbox",
        "None",
    ] {
        assert!(text.parse::<Edit>().is_err(), "{text}");
    }
    for edit in [
        Edit::CentreCrop { area: f32::NAN },
        Edit::Blur { kernel: 2 },
        Edit::Blur { kernel: u32::MAX },
        Edit::Jpeg { quality: 0 },
        Edit::Rotation { degrees: f32::INFINITY },
    ] {
        assert!(matches!(edit.apply(&picture(4, 4), 0), Err(Error::Parameter { .. })), "{edit}");
    }
}

#[test]
fn extreme_parameters_are_accepted() {
    for text in [
        "rotation=1e30",
        "contrast=1e30",
        "brightness=0",
        "crop=1e-30",
        "resize=1e-30",
        "resize=16",
        "blur=255",
        "aspect=10",
    ] {
        let edit: Edit = text.parse().expect(text);
        let edited = edit.apply(&picture(9, 5), 0).expect(text);
        assert!(edited.width() > 0 && edited.height() > 0, "{text}");
    }
}

#[test]
fn small_and_thin_images_survive() {
    for (width, height) in [(1, 1), (1, 2), (2, 1), (1, 40), (40, 1), (3, 3), (2, 300), (300, 2), (17, 5)] {
        let image = picture(width, height);
        for edit in every_edit() {
            for seed in 0..8 {
                let edited =
                    edit.apply(&image, seed).unwrap_or_else(|e| panic!("{edit} {width}x{height}: {e}"));
                assert!(edited.width() > 0 && edited.height() > 0, "{edit} {width}x{height}");
            }
        }
        for seed in 0..60 {
            Edit::Auto.apply(&image, seed).unwrap_or_else(|e| panic!("auto {seed} {width}x{height}: {e}"));
        }
    }
}

/// Results stay within bounds: the largest is the square of 5000x5000 pixels, turned and with a banner.
#[test]
fn long_strips_survive() {
    for (width, height) in [(1, 5000), (5000, 1)] {
        let strip = picture(width, height);
        for edit in
            every_edit().into_iter().chain([3, 7].map(|ten| Edit::Rotation { degrees: 10.0 * ten as f32 }))
        {
            let edited = edit.apply(&strip, 1).unwrap_or_else(|e| panic!("{edit} {width}x{height}: {e}"));
            let pixels = u64::from(edited.width()) * u64::from(edited.height());
            assert!((1..100_000_000).contains(&pixels), "{edit} {width}x{height}: {:?}", edited.dimensions());
        }
    }
}

#[test]
fn neutral_parameters_change_nothing() {
    let image = picture(31, 18);
    for text in [
        "none",
        "rotation=0",
        "rotation=360",
        "crop=1",
        "resize=1",
        "blur=1",
        "hue=0",
        "contrast=1",
        "brightness=1",
        "saturation=1",
        "opacity=1",
        "pixelize=1",
        "perspective=0",
        "shuffle=0",
        "offcentre=1",
        "letterbox=0",
    ] {
        let edited = text.parse::<Edit>().expect(text).apply(&image, 3).expect(text);
        assert_eq!(edited.dimensions(), image.dimensions(), "{text}");
        let farthest = edited.iter().zip(image.iter()).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(farthest <= Some(1), "{text}: {farthest:?} levels");
    }
}

#[test]
fn flips_undo_themselves() {
    let image = picture(17, 6);
    for flip in [Edit::FlipHorizontal, Edit::FlipVertical] {
        let once = flip.apply(&image, 0).expect("flip");
        assert_ne!(once, image);
        assert_eq!(flip.apply(&once, 0).expect("flip"), image);
    }
}

#[test]
fn shuffling_moves_the_given_share_and_keeps_every_pixel() {
    let image = RgbImage::from_fn(40, 25, |x, y| Rgb([x as u8, y as u8, 9]));
    for (fraction, most) in [(0.0, 0), (0.3, 300), (0.7, 700), (1.0, 1000)] {
        let shuffled = Edit::ShufflePixels { fraction }.apply(&image, 5).expect("shuffle");
        let moved = shuffled.pixels().zip(image.pixels()).filter(|(a, b)| a != b).count();
        assert!(moved <= most && moved >= most * 9 / 10, "{fraction}: {moved}");
        let sorted = |image: &RgbImage| {
            let mut pixels: Vec<[u8; 3]> = image.pixels().map(|pixel| pixel.0).collect();
            pixels.sort_unstable();
            pixels
        };
        assert_eq!(sorted(&shuffled), sorted(&image));
    }
}

#[test]
fn palette_has_the_colours_of_the_web_and_keeps_the_mean() {
    let image = RgbImage::from_fn(64, 64, |x, y| Rgb([100 + x as u8 / 8, 70 + y as u8 / 8, 30]));
    let edited = Edit::Palette.apply(&image, 0).expect("palette");
    assert!(edited.iter().all(|level| level.is_multiple_of(51)));
    for channel in 0..3 {
        let mean = |image: &RgbImage| {
            image.pixels().map(|pixel| f64::from(pixel.0[channel])).sum::<f64>() / f64::from(64 * 64)
        };
        assert!((mean(&edited) - mean(&image)).abs() < 3.0, "channel {channel}");
    }
}

#[test]
fn edges_are_enhanced_and_plains_are_not() {
    let image = RgbImage::from_fn(20, 10, |x, _| if x < 10 { Rgb([100; 3]) } else { Rgb([120; 3]) });
    let edited = Edit::Edges.apply(&image, 0).expect("edges");
    assert_eq!(edited.get_pixel(4, 5), &Rgb([100; 3]));
    assert_eq!(edited.get_pixel(9, 5), &Rgb([40; 3]));
    assert_eq!(edited.get_pixel(10, 5), &Rgb([180; 3]));
    assert_eq!(edited.get_pixel(9, 0), &Rgb([100; 3]));
}

#[test]
fn overlays_leave_most_of_the_image() {
    let image = picture(120, 90);
    for edit in [Edit::Text, Edit::Emoji] {
        for seed in 0..40 {
            let edited = edit.apply(&image, seed).expect("overlay");
            let changed = edited.pixels().zip(image.pixels()).filter(|(a, b)| a != b).count();
            // an emoji's side is at most half of the shorter one; letters fill less than their line
            assert!((40..=2700).contains(&changed), "{edit} {seed}: {changed} pixels");
        }
    }
}

#[test]
fn empty_and_overgrown_images_are_errors() {
    for edit in every_edit() {
        assert!(matches!(edit.apply(&RgbImage::new(0, 5), 0), Err(Error::EmptyImage { .. })), "{edit}");
    }
    let strip = picture(1, 70_000);
    let turned = Edit::Rotation { degrees: 45.0 }.apply(&strip, 0);
    assert!(matches!(turned, Err(Error::TooLarge { .. })));
    assert!(matches!(Edit::PadSquare.apply(&strip, 0), Err(Error::TooLarge { .. })));
    assert!(matches!(Edit::Jpeg { quality: 50 }.apply(&strip, 0), Err(Error::JpegSize { .. })));
}

#[test]
fn the_seed_decides() {
    let image = picture(60, 45);
    for edit in every_edit() {
        assert_eq!(edit.apply(&image, 9).expect("first"), edit.apply(&image, 9).expect("second"), "{edit}");
        let distinct: HashSet<Vec<u8>> =
            (0..20).map(|seed| edit.apply(&image, seed).expect("edit").into_raw()).collect();
        let random = ["perspective", "shuffle", "text", "emoji", "auto", "offcentre"].contains(&edit.name());
        assert_eq!(distinct.len() > 1, random, "{edit}");
    }
}

/// A photograph and its released version, 3 levels apart, get the same edit: the results stay about as close as the
/// images are (contrast 2 and hue amplify differences a few times), compared at a low resolution, which averages dithering
/// out.
#[test]
fn passive_and_released_images_are_edited_alike() {
    let passive = RgbImage::from_fn(96, 64, |x, y| Rgb([60 + x as u8, 80 + y as u8, 120]));
    let released = RgbImage::from_fn(96, 64, |x, y| {
        Rgb(passive.get_pixel(x, y).0.map(|c| c + 3 * u8::from((x + y) % 2 == 0)))
    });
    for seed in 0..60 {
        for edit in every_edit() {
            let (a, b) = (
                edit.apply(&passive, seed).expect("passive"),
                edit.apply(&released, seed).expect("released"),
            );
            assert_eq!(a.dimensions(), b.dimensions(), "{edit} {seed}");
            let afar = |image: &RgbImage| imageops::thumbnail(image, 12, 8);
            let psnr = release::quality::psnr(&afar(&a), &afar(&b)).expect("same size");
            assert!(psnr > 25.0, "{edit} {seed}: {psnr} dB");
        }
    }
}

#[test]
fn compositions_have_the_documented_lengths() {
    let mut counts = [0.0_f64; 5];
    for seed in 0..4000 {
        let edits = Edit::composition(seed);
        let names: HashSet<&str> = edits.iter().map(Edit::name).collect();
        assert_eq!(names.len(), edits.len(), "an edit comes twice");
        assert!(edits.iter().all(|edit| edit.validate().is_ok() && *edit != Edit::Auto));
        counts[edits.len()] += 1.0 / 4000.0;
    }
    for known in Edit::known() {
        let name = known.split('=').next().expect("a name");
        let drawn = (0..4000).any(|seed| Edit::composition(seed).iter().any(|edit| edit.name() == name));
        // The last two are no augmentations of AugLy.
        let expected = !["none", "auto", "offcentre", "letterbox"].contains(&name);
        assert_eq!(drawn, expected, "{name}");
    }
    // 4 standard deviations of a share of 0.4 over 4000 draws are 0.031
    for (length, expected) in [(1, 0.1), (2, 0.2), (3, 0.3), (4, 0.4)] {
        assert!((counts[length] - expected).abs() < 0.031, "{counts:?}");
    }
}

#[test]
fn geometry_follows_the_parameters() {
    let image = picture(100, 50);
    let size = |text: &str| text.parse::<Edit>().expect(text).apply(&image, 0).expect(text).dimensions();
    assert_eq!(size("crop=0.64"), (80, 40));
    assert_eq!(size("offcentre=0.64"), (80, 40));
    assert_eq!(size("letterbox=0.3"), (100, 80));
    assert_eq!(size("resize=0.25"), (50, 25));
    assert_eq!(size("aspect=0.5"), (50, 100));
    assert_eq!(size("square"), (100, 100));
    assert_eq!(size("rotation=-90"), (50, 100));
    assert_eq!(size("meme"), (100, 65));
    assert_eq!(size("screenshot"), (828, 1472));
}

#[test]
fn rotation_is_counter_clockwise() {
    let mut image = RgbImage::new(4, 2);
    image.put_pixel(3, 0, Rgb([255, 0, 0]));
    let turned = Edit::Rotation { degrees: 90.0 }.apply(&image, 0).expect("rotation");
    assert_eq!(turned.get_pixel(0, 0), &Rgb([255, 0, 0]));
    let all_round = Edit::Rotation { degrees: 720.0 }.apply(&image, 0).expect("rotation");
    assert_eq!(all_round, image);
}

#[test]
fn letterbox_leaves_the_image_between_black_bars() {
    let image = picture(40, 20);
    let boxed = Edit::Letterbox { bar: 0.25 }.apply(&image, 0).expect("letterbox");
    assert_eq!(imageops::crop_imm(&boxed, 0, 5, 40, 20).to_image(), image);
    let mut bars = boxed.enumerate_pixels().filter(|(_, y, _)| !(5..25).contains(y));
    assert!(bars.all(|(_, _, pixel)| pixel.0 == [0; 3]));
}

#[test]
fn off_centre_crops_are_windows_of_the_image() {
    let image = picture(30, 20);
    for seed in 0..20 {
        let crop = Edit::OffCentreCrop { area: 0.25 }.apply(&image, seed).expect("crop");
        let is_at = |x: u32, y: u32| imageops::crop_imm(&image, x, y, 15, 10).to_image() == crop;
        assert!((0..=15).any(|x| (0..=10).any(|y| is_at(x, y))), "{seed}");
    }
}

#[test]
fn meme_leaves_the_image_and_writes_above_it() {
    let image = picture(120, 100);
    let meme = Edit::Meme.apply(&image, 0).expect("meme");
    assert_eq!(imageops::crop_imm(&meme, 0, 30, 120, 100).to_image(), image);
    let ink = (0..30)
        .flat_map(|y| (0..120).map(move |x| (x, y)))
        .filter(|(x, y)| meme.get_pixel(*x, *y).0 == [0; 3]);
    assert!(ink.count() > 200);
    assert_eq!(meme.get_pixel(0, 0), &Rgb([255; 3]));
}
