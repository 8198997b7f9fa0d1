//! Edits of known geometry: looks find the rectangle to a few pixels, and the angle to two degrees.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test may panic")]

use active_index_looks::{Frame, Look, plan};
use image::{Rgb, RgbImage, imageops};

/// Looks at a picture by `find`.
const LOOKS: usize = 8;

/// Returns a number below 1 that depends on all arguments alone (the mixer of SplitMix64).
fn random(seed: u64, x: u64, y: u64) -> f32 {
    let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ x.wrapping_mul(0xbf58_476d_1ce4_e5b9)
        ^ y.wrapping_mul(0x94d0_49bb_1331_11eb);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32
}

/// Returns smooth noise: random values on a grid of `cell` pixels, interpolated.
fn smooth(seed: u64, x: f32, y: f32, cell: f32) -> f32 {
    let (x, y) = (x / cell, y / cell);
    let corner = |dx: u64, dy: u64| random(seed, x as u64 + dx, y as u64 + dy);
    let (u, v) = (x.fract(), y.fract());
    let [upper, lower] = [0, 1].map(|dy| corner(0, dy) + (corner(1, dy) - corner(0, dy)) * u);
    upper + (lower - upper) * v
}

/// Returns a picture of clouds, grain and blobs, as different from its surroundings as photographs are.
fn texture(width: u32, height: u32, seed: u64) -> RgbImage {
    let blob = |n: u64| [0, 1, 2].map(|i| random(seed + 77, n, i));
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32, y as f32);
        let mut colour = [0, 1, 2].map(|c| {
            let clouds = 170.0 * smooth(seed + c, u, v, 90.0) + 60.0 * smooth(seed + 10 + c, u, v, 17.0);
            clouds + 25.0 * random(seed + 20 + c, u64::from(x), u64::from(y))
        });
        for n in 0..12 {
            let [place, across, size] = blob(n);
            let (dx, dy) = (u - place * width as f32, v - across * height as f32);
            if dx * dx + dy * dy < (20.0 + 40.0 * size).powi(2) {
                colour = [0, 1, 2].map(|c| 0.4 * colour[c] + 150.0 * random(seed + 99, n, c as u64));
            }
        }
        Rgb(colour.map(|level| level.clamp(0.0, 255.0) as u8))
    })
}

/// Returns a picture of one colour.
fn plain(width: u32, height: u32, colour: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(colour))
}

/// Lays a picture over another one at `(x, y)`.
fn laid(mut under: RgbImage, picture: &RgbImage, x: u32, y: u32) -> RgbImage {
    imageops::replace(&mut under, picture, x.into(), y.into());
    under
}

/// Writes lines of dark strokes into the rectangle left, top, right, bottom.
fn write(page: &mut RgbImage, [left, top, right, bottom]: [u32; 4], seed: u64) {
    for (line, y) in (top..bottom.saturating_sub(14)).step_by(26).enumerate() {
        let end = left + ((right - left) as f32 * (0.5 + 0.5 * random(seed, line as u64, 1))) as u32;
        for x in (left..end).filter(|x| random(seed, u64::from(x / 5), line as u64) < 0.6) {
            (y..y + 12)
                .filter(|y| random(seed, u64::from(x / 2), u64::from(*y)) < 0.7)
                .for_each(|y| page.put_pixel(x, y, Rgb([40, 42, 50])));
        }
    }
}

/// Returns left, top, right and bottom of a frame's corners, in pixels.
fn bounds(frame: &Frame, picture: &RgbImage) -> [f32; 4] {
    let corners = frame.corners().map(|[x, y]| [x * picture.width() as f32, y * picture.height() as f32]);
    let by =
        |i: usize, fold: fn(f32, f32) -> f32| corners.iter().map(|corner| corner[i]).reduce(fold).unwrap();
    [by(0, f32::min), by(1, f32::min), by(0, f32::max), by(1, f32::max)]
}

/// Asserts that one of the first `within` looks shows the rectangle to `pixels`.
fn assert_found(name: &str, picture: &RgbImage, rectangle: [u32; 4], within: usize, pixels: f32) {
    let looks = plan(picture, within);
    let off = |look: &Look| {
        let bounds = bounds(&look.frame(), picture);
        (0..4).map(|i| (bounds[i] - rectangle[i] as f32).abs()).fold(0.0, f32::max)
    };
    let nearest = looks.iter().map(off).fold(f32::INFINITY, f32::min);
    let shown: Vec<_> = looks.iter().map(|look| (look.to_string(), bounds(&look.frame(), picture))).collect();
    assert!(nearest <= pixels, "{name}: {nearest} pixels off {rectangle:?}: {shown:?}");
}

#[test]
fn bars_above_and_beside_are_cut_off() {
    for (seed, colour) in [[0; 3], [255; 3], [30, 60, 140]].into_iter().enumerate() {
        for (width, height) in [(640, 400), (300, 450), (1500, 1100)] {
            let picture = texture(width, height, seed as u64);
            let wide = laid(plain(width, height + 2 * 97, colour), &picture, 0, 97);
            assert_found("letterbox", &wide, [0, 97, width, 97 + height], 2, 2.0);
            let tall = laid(plain(width + 2 * 81, height, colour), &picture, 81, 0);
            assert_found("pillarbox", &tall, [81, 0, 81 + width, height], 2, 2.0);
        }
    }
}

#[test]
fn captions_are_cut_off() {
    for seed in 0..4 {
        let (width, height, bar) = (700, 480, 130 + 20 * seed as u32);
        let picture = texture(width, height, seed);
        for (name, colour) in [("white", [255; 3]), ("yellow", [250, 230, 120])] {
            let mut above = laid(plain(width, height + bar, colour), &picture, 0, bar);
            write(&mut above, [60, 20, 640, bar - 10], seed);
            assert_found(&format!("caption above on {name}"), &above, [0, bar, width, bar + height], 2, 2.0);
            let mut below = laid(plain(width, height + bar, colour), &picture, 0, 0);
            write(&mut below, [60, height + 14, 640, height + bar - 10], seed);
            assert_found(&format!("caption below on {name}"), &below, [0, 0, width, height], 2, 2.0);
        }
    }
}

/// Returns a page of cards, discs and lines of writing with a free place of 700 x 525 at (30, 360).
fn phone(seed: u64, dark: bool) -> RgbImage {
    let (ground, card) = if dark { ([18, 18, 20], [36, 36, 40]) } else { ([242, 243, 247], [255; 3]) };
    let mut page = plain(760, 1400, ground);
    for (top, bottom) in [(0, 90), (110, 240), (260, 1250), (1290, 1400)] {
        page = laid(page, &plain(760, bottom - top, card), 0, top);
    }
    for (n, x) in [70, 200, 330, 460, 590].into_iter().enumerate() {
        let colour = [0, 1, 2].map(|c| (255.0 * random(seed, n as u64, c)) as u8);
        for (dx, dy) in (0..90).flat_map(|dy| (0..90).map(move |dx| (dx, dy))) {
            if (dx as i32 - 45).pow(2) + (dy as i32 - 45).pow(2) < 1900 {
                page.put_pixel(x + dx, 130 + dy, Rgb(colour));
            }
        }
    }
    write(&mut page, [40, 280, 400, 350], seed);
    write(&mut page, [40, 960, 640, 1200], seed + 1);
    page
}

#[test]
fn the_picture_in_a_screenshot_is_found() {
    for seed in 0..4 {
        for dark in [false, true] {
            let name = format!("screenshot {seed}, dark: {dark}");
            let post = laid(phone(seed, dark), &texture(700, 525, seed), 30, 360);
            assert_found(&name, &post, [30, 360, 730, 885], 3, 3.0);
            let boxed = laid(plain(700, 525, [0; 3]), &texture(400, 525, seed), 150, 0);
            let post = laid(phone(seed, dark), &boxed, 30, 360);
            assert_found(&format!("{name}, boxed"), &post, [180, 360, 580, 885], 4, 3.0);
        }
    }
}

#[test]
fn a_picture_over_anything_is_found() {
    let (width, height) = (900, 700);
    let grain = |x: u32, y: u32, c: u64| (80.0 + 90.0 * random(5 + c, x.into(), y.into())) as u8;
    let noise = RgbImage::from_fn(width, height, |x, y| Rgb([0, 1, 2].map(|c| grain(x, y, c))));
    let blurred = RgbImage::from_fn(width, height, |x, y| {
        Rgb([0, 1, 2].map(|c| (255.0 * smooth(8 + c, x as f32, y as f32, 240.0)) as u8))
    });
    for seed in 0..4 {
        let picture = texture(420, 330, 50 + seed);
        let (x, y) = (60 + 90 * seed as u32, 40 + 70 * seed as u32);
        let grounds = [
            ("plain", plain(width, height, [200, 180, 160])),
            ("blur", blurred.clone()),
            ("noise", noise.clone()),
            ("another", texture(width, height, seed)),
        ];
        for (name, ground) in grounds {
            assert_found(
                &format!("over {name}, {seed}"),
                &laid(ground, &picture, x, y),
                [x, y, x + 420, y + 330],
                4,
                3.0,
            );
        }
    }
}

/// Returns the picture turned clockwise by `degrees` on a canvas that holds it, and its corners there.
fn turned(picture: &RgbImage, degrees: f32, colour: [u8; 3]) -> (RgbImage, [[f32; 2]; 4]) {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let (columns, rows) = (width * cos.abs() + height * sin.abs(), width * sin.abs() + height * cos.abs());
    let (columns, rows) = (columns.ceil(), rows.ceil());
    let canvas = RgbImage::from_fn(columns as u32, rows as u32, |x, y| {
        let (dx, dy) = (x as f32 + 0.5 - columns / 2.0, y as f32 + 0.5 - rows / 2.0);
        let (u, v) = (cos * dx + sin * dy + width / 2.0, cos * dy - sin * dx + height / 2.0);
        let inside = u >= 0.0 && v >= 0.0 && u < width && v < height;
        if inside { *picture.get_pixel(u as u32, v as u32) } else { Rgb(colour) }
    });
    let corner = |x: f32, y: f32| [columns / 2.0 + cos * x - sin * y, rows / 2.0 + sin * x + cos * y];
    let (x, y) = (width / 2.0, height / 2.0);
    (canvas, [corner(-x, -y), corner(x, -y), corner(x, y), corner(-x, y)])
}

/// Returns the largest distance of the corners in pixels, and the difference of the angles in degrees.
fn off(look: &Look, canvas: &RgbImage, corners: &[[f32; 2]; 4]) -> (f32, f32) {
    let ours = look.frame().corners().map(|[x, y]| [x * canvas.width() as f32, y * canvas.height() as f32]);
    let distance =
        (0..4).map(|i| (ours[i][0] - corners[i][0]).hypot(ours[i][1] - corners[i][1])).fold(0.0, f32::max);
    let angle = |corners: &[[f32; 2]; 4]| {
        (corners[1][1] - corners[0][1]).atan2(corners[1][0] - corners[0][0]).to_degrees()
    };
    let difference = (angle(&ours) - angle(corners) + 180.0).rem_euclid(360.0) - 180.0;
    (distance, difference.abs())
}

#[test]
fn rotations_are_turned_back() {
    for (n, degrees) in
        [-170.0, -120.0, -80.0, -30.0, -12.0, -5.0, 3.0, 5.0, 15.0, 25.0, 40.0, 44.0, 65.0, 95.0, 133.0]
            .into_iter()
            .enumerate()
    {
        for colour in [[0; 3], [255; 3]] {
            let (canvas, corners) = turned(&texture(640, 430, n as u64), degrees, colour);
            let offs: Vec<_> = plan(&canvas, LOOKS).iter().map(|look| off(look, &canvas, &corners)).collect();
            assert!(
                offs.iter().any(|(pixels, angle)| *pixels <= 6.0 && *angle <= 2.0),
                "{degrees}, {colour:?}: {offs:?}"
            );
        }
    }
}

#[test]
fn a_rotation_under_a_caption_is_turned_back() {
    let (canvas, corners) = turned(&texture(500, 380, 3), 20.0, [0; 3]);
    let bar = 150;
    let mut page = laid(plain(canvas.width(), canvas.height() + bar, [255; 3]), &canvas, 0, bar);
    write(&mut page, [60, 20, 400, 140], 9);
    let corners = corners.map(|[x, y]| [x, y + bar as f32]);
    let offs: Vec<_> = plan(&page, LOOKS).iter().map(|look| off(look, &page, &corners)).collect();
    assert!(offs.iter().any(|(pixels, angle)| *pixels <= 6.0 && *angle <= 2.0), "{offs:?}");
}

#[test]
fn plans_are_sound_for_any_picture() {
    let noise = |width, height| {
        RgbImage::from_fn(width, height, |x, y| Rgb([(255.0 * random(1, x.into(), y.into())) as u8; 3]))
    };
    let mut pictures = Vec::new();
    for (width, height) in
        [(1, 1), (1, 20000), (20000, 1), (2, 3), (23, 24), (24, 24), (30, 400), (257, 25), (640, 480)]
    {
        pictures.extend([
            plain(width, height, [0; 3]),
            plain(width, height, [200, 10, 90]),
            noise(width, height),
            texture(width, height, 4),
        ]);
        pictures.push(RgbImage::from_fn(width, height, |x, y| {
            Rgb([if (x / 3 + y / 3) % 2 == 0 { 255 } else { 0 }; 3])
        }));
        pictures.push(RgbImage::from_fn(width, height, |x, y| {
            Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 0])
        }));
        pictures.push(RgbImage::from_fn(width, height, |x, y| Rgb([if x > y { 255 } else { 0 }; 3])));
    }
    for picture in pictures {
        let size = picture.dimensions();
        let looks = plan(&picture, 100);
        assert!(looks[0].is_whole() && looks[0] == Look::WHOLE, "{size:?}");
        for most in [0, 1, 3, LOOKS] {
            assert_eq!(plan(&picture, most), looks[..most.min(looks.len())], "{size:?}");
        }
        for (i, look) in looks.iter().enumerate() {
            assert!(
                look.frame().corners().iter().flatten().all(|place| (-0.1..=1.1).contains(place)),
                "{size:?} {look}"
            );
            assert!(looks[..i].iter().all(|other| other != look), "{size:?}: twice {look}");
            let view = look.apply(&picture);
            assert!(view.width() > 0 && view.height() > 0, "{size:?} {look}");
            assert!(i == 0 || view.width().max(view.height()) <= 1024, "{size:?} {look}");
        }
    }
    assert!(plan(&RgbImage::new(0, 7), LOOKS).is_empty());
    assert_eq!(Look::WHOLE.apply(&RgbImage::new(0, 7)).dimensions(), (0, 7));
}

#[test]
fn looks_apply_to_a_reduced_picture() {
    let picture = laid(plain(800, 900, [0; 3]), &texture(800, 500, 8), 0, 200);
    let look = plan(&picture, 2)[1];
    let half = imageops::resize(&picture, 400, 450, imageops::FilterType::Triangle);
    let (whole, reduced) = (look.apply(&picture), look.apply(&half));
    assert_eq!((whole.dimensions(), reduced.dimensions()), ((800, 500), (400, 250)));
}
