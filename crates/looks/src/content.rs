//! Upright rectangles in a picture with edges of their own.

use image::{RgbImage, imageops};

use crate::{frame::Frame, lines::Lines, page, plane::Sums, refine::refine};

/// Least side of a rectangle in cells.
const LEAST_SIDE: f32 = 12.0;

/// Least and largest share of the picture that a rectangle fills.
const AREAS: std::ops::RangeInclusive<f32> = 0.03..=0.97;

/// Least part of a rectangle's own sides that lies on edges.
const LEAST_EDGES: f32 = 0.45;

/// Largest share of content in a strip that is plain page.
const STRAY: f32 = 0.02;

/// Support of a side that only parts content from a strip of plain page.
const PLAIN_SUPPORT: f32 = 0.8;

/// Rectangle in a picture, with what speaks for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// Part of the picture.
    pub frame: Frame,
    /// Trust in it, from 0 to 1.
    pub trust: f32,
}

/// Finds rectangles in the part of a picture that `view` shows at a reduced size.
///
/// The first kind lies on a page: of all rectangles between long edges its outside has most of the page's colours and its
/// inside least, weighted by the part of its own sides that lies on edges. The second kind does so on a smooth ground of any
/// colours. The third lies over anything else, and has edges on all sides that are not the picture's own.
pub(crate) fn find(picture: &RgbImage, outer: &Frame, view: &RgbImage) -> Vec<Found> {
    let search = Search::of(view);
    let (width, height) = (view.width() as f32, view.height() as f32);
    let found = search.best().into_iter().filter(|(trust, _)| *trust > 0.0);
    found
        .map(|(trust, sides)| {
            let [left, top, right, bottom] = sides.map(|side| side.place);
            let inner = Frame::upright([left / width, top / height], [right / width, bottom / height]);
            let own = sides.map(|side| side.line.is_some());
            Found { frame: refine(picture, outer, &inner, own, [1.5 / width, 1.5 / height]), trust }
        })
        .collect()
}

/// Trust in a rectangle that lies on a page, or on a smooth ground.
fn on_page(mean: f32, Parting { contrast, page }: Parting) -> f32 {
    if contrast >= 0.3 && page >= 0.4 { contrast * mean } else { 0.0 }
}

/// Trust in a rectangle that lies over another picture.
fn laid_over(Edges { mean, least, own }: Edges, area: f32) -> f32 {
    if own >= 3 && least >= 0.4 && mean >= 0.55 {
        (own as f32 / 4.0 * mean).powi(2) * area.sqrt()
    } else {
        0.0
    }
}

/// One possible side of a rectangle.
#[derive(Clone, Copy)]
struct Side {
    /// Distance from the picture's first row or column, in cells.
    place: f32,
    /// Row or column of the edge; none at the picture's own border.
    line: Option<usize>,
}

/// Sides of a rectangle that are not the picture's.
#[derive(Clone, Copy)]
struct Edges {
    /// Part of all of them that lies on edges, and the least of one.
    mean: f32,
    least: f32,
    /// Number of them.
    own: usize,
}

/// Difference of a rectangle from its outside.
#[derive(Clone, Copy, Default)]
struct Parting {
    /// Sum over the page's colours of their part of the outside times the rest of the inside; on a smooth ground, the
    /// intersection of the rectangle and all that is rough over their union.
    contrast: f32,
    /// Part of the outside that is page.
    page: f32,
}

/// Edges and content of a reduced picture.
struct Search {
    width: usize,
    height: usize,
    rows: Lines,
    columns: Lines,
    /// Cells that are not page.
    content: Sums,
    /// Cells of each of the page's colours.
    colours: Vec<Sums>,
    /// Cells like their neighbours.
    smooth: Sums,
    across: Vec<Side>,
    along: Vec<Side>,
}

impl Search {
    fn of(view: &RgbImage) -> Self {
        let (width, height) = (view.width() as usize, view.height() as usize);
        let (rows, columns) =
            (Lines::of(view), Lines::of(&imageops::rotate270(&imageops::flip_horizontal(view))));
        let colours = page::cells(view);
        let is_content = |cell: usize| colours.iter().all(|cells| !cells[cell]);
        let content = Sums::of(&(0..width * height).map(is_content).collect::<Vec<_>>(), width);
        let colours = colours.iter().map(|cells| Sums::of(cells, width)).collect();
        let smooth = Sums::of(&page::smooth(view), width);
        let (across, along) = (sides(&rows.rows, height), sides(&columns.rows, width));
        let mut search = Self { width, height, rows, columns, content, colours, smooth, across, along };
        search.add_trimmed();
        search
    }

    /// Adds the sides of the smallest rectangle whose outside is plain page.
    fn add_trimmed(&mut self) {
        let (width, height) = (self.width, self.height);
        let plain = |bounds| self.stray(bounds) <= STRAY;
        let first =
            |n: usize, strip: &dyn Fn(usize) -> [usize; 4]| (0..n).find(|i| !plain(strip(*i))).unwrap_or(0);
        let top = first(height, &|y| [0, y, width, y + 1]);
        let bottom = height - first(height, &|y| [0, height - 1 - y, width, height - y]);
        let left = first(width, &|x| [x, 0, x + 1, height]);
        let right = width - first(width, &|x| [width - 1 - x, 0, width - x, height]);
        add(&mut self.across, [top, bottom], height);
        add(&mut self.along, [left, right], width);
    }

    /// Returns the part of a rectangle of cells that is content.
    fn stray(&self, bounds: [usize; 4]) -> f32 {
        let [left, top, right, bottom] = bounds;
        self.content.within(bounds) as f32 / ((right - left) * (bottom - top)).max(1) as f32
    }

    /// Returns the rectangle most trusted of each kind: left, top, right, bottom.
    fn best(&self) -> [(f32, [Side; 4]); 3] {
        let mut best = [(0.0, [self.along[0]; 4]); 3];
        let across = pairs(&self.across);
        for [left, right] in pairs(&self.along) {
            for [top, bottom] in &across {
                let sides = [left, *top, right, *bottom];
                for (best, trust) in best.iter_mut().zip(self.trust(sides).unwrap_or_default()) {
                    if trust > best.0 {
                        *best = (trust, sides);
                    }
                }
            }
        }
        best
    }

    /// Returns the trust in a rectangle as one of each kind.
    fn trust(&self, sides: [Side; 4]) -> Option<[f32; 3]> {
        let bounds = sides.map(|side| side.place as usize);
        let area = self.area(bounds);
        if !AREAS.contains(&area) {
            return None;
        }
        let edges = self.edges(sides, bounds)?;
        let [page, smooth] = [self.by_colours(bounds), self.by_smoothness(bounds)];
        Some([on_page(edges.mean, page), on_page(edges.mean, smooth), laid_over(edges, area)])
    }

    /// Returns what speaks for the sides, unless little does.
    fn edges(&self, sides: [Side; 4], bounds: [usize; 4]) -> Option<Edges> {
        let (mut marked, mut length, mut least, mut own) = (0.0, 0.0, 1.0_f32, 0);
        for (support, side) in self.supports(sides, bounds).into_iter().flatten() {
            (marked, length) = (marked + support * side, length + side);
            (least, own) = (least.min(support), own + 1);
        }
        (marked >= LEAST_EDGES * length).then_some(Edges { mean: marked / length, least, own })
    }

    /// Compares the inside with the outside by the page's colours.
    fn by_colours(&self, bounds: [usize; 4]) -> Parting {
        let parting = |sum: Parting, cells: &Sums| {
            let [inside, outside] = self.shares(cells, bounds);
            Parting { contrast: sum.contrast + outside * (1.0 - inside), page: sum.page + outside }
        };
        self.colours.iter().fold(Parting::default(), parting)
    }

    /// Compares the inside with the outside by their smoothness.
    fn by_smoothness(&self, bounds: [usize; 4]) -> Parting {
        let [inside, outside] = self.shares(&self.smooth, bounds);
        let area = self.area(bounds);
        let rough = (1.0 - outside) * (1.0 - area);
        Parting { contrast: (1.0 - inside) * area / (area + rough), page: outside }
    }

    /// Returns the parts of the inside and of the outside of a rectangle that are marked.
    fn shares(&self, cells: &Sums, bounds: [usize; 4]) -> [f32; 2] {
        let whole = (self.width * self.height) as f32;
        let area = self.area(bounds) * whole;
        let (inside, all) = (cells.within(bounds), cells.within([0, 0, self.width, self.height]));
        [inside as f32 / area, (all - inside) as f32 / (whole - area).max(1.0)]
    }

    fn area(&self, [left, top, right, bottom]: [usize; 4]) -> f32 {
        ((right - left) * (bottom - top)) as f32 / (self.width * self.height) as f32
    }

    /// Returns the part of each side that lies on an edge, with the length of the side; none for the picture's own.
    fn supports(&self, sides: [Side; 4], [left, top, right, bottom]: [usize; 4]) -> [Option<(f32, f32)>; 4] {
        let (width, height) = (self.width, self.height);
        let strips = [
            [0, top, left, bottom],
            [left, 0, right, top],
            [right, top, width, bottom],
            [left, bottom, right, height],
        ];
        std::array::from_fn(|i| {
            let (lines, from, to) =
                if i % 2 == 0 { (&self.columns, top, bottom) } else { (&self.rows, left, right) };
            let marked = lines.marked(sides[i].line?, from, to) as f32;
            let length = (to - from).max(1) as f32;
            let support = marked / length;
            let is_plain = support < PLAIN_SUPPORT && self.stray(strips[i]) <= STRAY;
            Some((if is_plain { PLAIN_SUPPORT } else { support }, length))
        })
    }
}

/// Returns the picture's own two sides, and one in the middle of each row with an edge.
fn sides(rows: &[usize], length: usize) -> Vec<Side> {
    let border = [0, length].map(|place| Side { place: place as f32, line: None });
    let edges = rows.iter().map(|row| Side { place: *row as f32 + 0.5, line: Some(*row) });
    border.into_iter().chain(edges).collect()
}

/// Returns all pairs of sides that are far enough apart.
fn pairs(sides: &[Side]) -> Vec<[Side; 2]> {
    let pairs = sides.iter().flat_map(|a| sides.iter().map(move |b| [*a, *b]));
    pairs.filter(|[a, b]| b.place - a.place >= LEAST_SIDE).collect()
}

/// Adds sides at `places`, unless there is one already.
fn add(sides: &mut Vec<Side>, places: [usize; 2], length: usize) {
    for place in places {
        if sides.iter().all(|side| (side.place - place as f32).abs() > 1.0) {
            sides.push(Side { place: place as f32, line: Some(place.min(length - 1)) });
        }
    }
}
