//! Turned rectangles on a canvas of one colour, as a rotation leaves them.

use image::RgbImage;

use crate::{content::Found, frame::Frame, page::difference};

/// Largest difference to the canvas's colour in levels.
const NEAR: u8 = 20;

/// Least turn in degrees: less changes no descriptor.
const LEAST_DEGREES: f32 = 1.5;

/// Farthest edges of one direction lie from it, in degrees.
const SPREAD: f32 = 3.0;

/// Least share of the outline inside the picture that runs in the four directions of a rectangle.
const LEAST_STRAIGHT: f32 = 0.5;

/// Least share of the outline of all that lies inside the picture.
const LEAST_FREE: f32 = 0.15;

/// Least share of a turned rectangle that lies inside the hull.
const LEAST_FILLED: f32 = 0.95;

/// Least share of the picture that the content fills.
const LEAST_CONTENT: f32 = 0.1;

type Point = [f32; 2];

/// Finds a turned rectangle in the part of a picture that `outer` shows, reduced to `view`. Returns it on the picture, with
/// the angle by which it is turned clockwise in the view, in -45..45 degrees.
///
/// The canvas is what the corners' colour reaches from the corners. The outline of the rest is its convex hull; the edges of
/// the hull that lie inside the picture give the angle, by their mean direction modulo 90 degrees.
pub(crate) fn find(view: &RgbImage, outer: &Frame) -> Option<(Found, f32)> {
    let content = content(view)?;
    let hull = hull(outline(&content, view.width() as usize));
    let (degrees, straight) = direction(&hull, [view.width() as f32, view.height() as f32])?;
    let (centre, sides) = bounds(&hull, degrees)?;
    let factor = filled(&hull, centre, sides, degrees)?;
    let sides = sides.map(|side| side * factor);
    let inner = Frame::turned(centre, sides, degrees, view.dimensions());
    Some((Found { frame: outer.inner(&inner), trust: straight }, degrees))
}

/// Returns which cells the canvas does not reach, if at least three corners have one colour.
fn content(view: &RgbImage) -> Option<Vec<bool>> {
    let (width, height) = (view.width() as usize, view.height() as usize);
    let levels = view.as_raw().as_chunks::<3>().0;
    let corners = [0, width - 1, (height - 1) * width, height * width - 1];
    let alike = |corner: &usize| {
        corners.iter().filter(|other| difference(&levels[*corner], &levels[**other]) <= NEAR / 2).count()
    };
    let colour = levels[*corners.iter().find(|corner| alike(corner) >= 3)?];
    let mut content = vec![true; width * height];
    let mut open: Vec<usize> = corners.to_vec();
    while let Some(cell) = open.pop() {
        if !content[cell] || difference(&levels[cell], &colour) > NEAR {
            continue;
        }
        content[cell] = false;
        let (x, y) = (cell % width, cell / width);
        let ways = [(x > 0, cell.wrapping_sub(1)), (x + 1 < width, cell + 1)];
        let more = [(y > 0, cell.wrapping_sub(width)), (y + 1 < height, cell + width)];
        open.extend(ways.into_iter().chain(more).filter(|(inside, _)| *inside).map(|(_, cell)| cell));
    }
    let left = content.iter().filter(|content| **content).count() as f32 / content.len() as f32;
    (LEAST_CONTENT..1.0).contains(&left).then_some(content)
}

/// Returns the outer corners of the first and last two neighbouring content cells of each row, downwards.
fn outline(content: &[bool], width: usize) -> Vec<Point> {
    let ends = |row: &[bool]| {
        let pairs = || row.windows(2).enumerate().filter(|(_, pair)| pair[0] && pair[1]).map(|(x, _)| x);
        Some((pairs().min()?, pairs().max()? + 2))
    };
    let rows = content.chunks_exact(width).enumerate();
    let points = rows.filter_map(|(y, row)| ends(row).map(|(left, right)| (left, right, y)));
    let corners = |(left, right, y): (usize, usize, usize)| {
        [(left, y), (right, y), (left, y + 1), (right, y + 1)].map(|(x, y)| [x as f32, y as f32])
    };
    points.flat_map(corners).collect()
}

/// Returns the convex hull of points, clockwise as seen with y down (Andrew's monotone chain).
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    points.dedup();
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..]
                && turn(a, b, point) <= 0.0
            {
                chain.pop();
            }
            chain.push(point);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

/// Returns twice the area of the triangle, positive if `c` lies to the right of the way from `a` to `b`, with y down.
fn turn(a: Point, b: Point, c: Point) -> f32 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// Returns the edges of a hull.
fn edges(hull: &[Point]) -> impl Iterator<Item = (Point, Point)> {
    hull.iter().zip(hull.iter().cycle().skip(1)).map(|(a, b)| (*a, *b))
}

/// Returns the mean direction modulo 90 degrees of the hull's edges inside the picture, and the share of these edges that
/// run along it.
fn direction(hull: &[Point], size: [f32; 2]) -> Option<(f32, f32)> {
    let on_border = |a: Point, b: Point| {
        (0..2).any(|i| (a[i] <= 1.0 && b[i] <= 1.0) || (a[i] >= size[i] - 1.0 && b[i] >= size[i] - 1.0))
    };
    let length = |(a, b): &(Point, Point)| (b[0] - a[0]).hypot(b[1] - a[1]);
    let outline: f32 = edges(hull).map(|edge| length(&edge)).sum();
    let free: Vec<_> = edges(hull).filter(|(a, b)| !on_border(*a, *b)).collect();
    let total: f32 = free.iter().map(length).sum();
    let angle = |(a, b): &(Point, Point)| (b[1] - a[1]).atan2(b[0] - a[0]).to_degrees();
    let along = |guess: f32| -> (f32, f32) {
        let near = free.iter().map(|edge| (wrapped(angle(edge) - guess), length(edge)));
        let near = near.filter(|(off, _)| off.abs() <= SPREAD);
        near.fold((0.0, 0.0), |(sum, weight), (off, length)| (sum + off * length, weight + length))
    };
    let longest = free.iter().map(angle).max_by(|a, b| along(*a).1.total_cmp(&along(*b).1))?;
    let (sum, weight) = along(longest);
    let degrees = wrapped(longest + sum / weight);
    let straight = weight / total;
    let is_sound =
        total >= LEAST_FREE * outline && straight >= LEAST_STRAIGHT && degrees.abs() >= LEAST_DEGREES;
    is_sound.then_some((degrees, straight))
}

/// Returns an angle modulo 90 degrees, in -45..45.
pub(crate) fn wrapped(degrees: f32) -> f32 {
    (degrees + 45.0).rem_euclid(90.0) - 45.0
}

/// Returns centre and sides of the smallest rectangle turned by `degrees` around the points.
fn bounds(points: &[Point], degrees: f32) -> Option<(Point, [f32; 2])> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let turned = points.iter().map(|[x, y]| [cos * x + sin * y, cos * y - sin * x]);
    let (low, high) = turned.fold(([f32::INFINITY; 2], [f32::NEG_INFINITY; 2]), |(low, high), point| {
        ([0, 1].map(|i| low[i].min(point[i])), [0, 1].map(|i| high[i].max(point[i])))
    });
    let [x, y] = [0, 1].map(|i| (low[i] + high[i]) / 2.0);
    let sides = [0, 1].map(|i| high[i] - low[i]);
    (sides[0].min(sides[1]) >= 8.0).then_some(([cos * x - sin * y, sin * x + cos * y], sides))
}

/// Returns the largest factor of the sides, in tenths from 1 to 0.4, at which nearly all of the rectangle lies inside the
/// hull: a canvas that was cropped does not hold the whole of it.
fn filled(hull: &[Point], centre: Point, sides: [f32; 2], degrees: f32) -> Option<f32> {
    const STEPS: usize = 24;
    let (sin, cos) = degrees.to_radians().sin_cos();
    let share = |factor: f32| {
        let inside = |cell: &usize| {
            let [u, v] = [0, 1].map(|i| {
                let place = if i == 0 { cell % STEPS } else { cell / STEPS };
                factor * sides[i] * ((place as f32 + 0.5) / STEPS as f32 - 0.5)
            });
            let point = [centre[0] + cos * u - sin * v, centre[1] + sin * u + cos * v];
            edges(hull).all(|(a, b)| turn(a, b, point) >= 0.0)
        };
        (0..STEPS * STEPS).filter(inside).count() as f32 / (STEPS * STEPS) as f32
    };
    (4..=10).rev().map(|tenths| tenths as f32 / 10.0).find(|factor| share(*factor) >= LEAST_FILLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hull_of_a_grid_is_its_corners() {
        let points = (0..20).map(|i| [(i % 5) as f32, (i / 5) as f32]).collect();
        assert_eq!(hull(points), [[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0]]);
    }

    #[test]
    fn angles_are_taken_modulo_a_right_angle() {
        for (angle, expected) in
            [(0.0, 0.0), (100.0, 10.0), (-100.0, -10.0), (179.0, -1.0), (45.0, -45.0), (-44.0, -44.0)]
        {
            assert!((wrapped(angle) - expected).abs() < 1e-4, "{angle}");
        }
    }

    #[test]
    fn bounds_of_a_turned_square() {
        let square = [[50.0, 0.0], [100.0, 50.0], [50.0, 100.0], [0.0, 50.0]];
        let (centre, sides) = bounds(&square, -45.0).unwrap();
        assert!((centre[0] - 50.0).abs() < 1e-3 && (centre[1] - 50.0).abs() < 1e-3);
        assert!(sides.iter().all(|side| (side - 5000.0_f32.sqrt()).abs() < 1e-2), "{sides:?}");
    }
}
