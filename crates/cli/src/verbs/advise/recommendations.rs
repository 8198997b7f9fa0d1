//! Recommendations from the figures of a few photographs.

use evaluation::retrieval::Variant;

use super::super::eval::retrieval::retrieval_report::{RetrievalTable, Sides};

/// Least gain of recall that is worth the bytes of further entries.
const WORTH: f64 = 0.02;
/// Number of photographs below which intervals mean little.
const FEW: usize = 4;

/// Figures that advice is derived from.
pub struct Basis {
    /// Means for each number of cells, of looks, and each nprobe; advice is for the first.
    pub means: Vec<Mean>,
    pub images: usize,
    pub has_cells: bool,
    /// True if the index holds nothing but the photographs.
    pub is_alone: bool,
}

/// Mean R@1 over the edits.
#[derive(Clone, Copy)]
pub struct Mean {
    pub variant: Variant,
    pub passive: f64,
    pub released: f64,
    /// Bounds of the gain's interval.
    pub gain: [f64; 2],
}

impl Mean {
    /// Returns the means of a table, or `None` without released images.
    pub fn new(table: &RetrievalTable) -> Option<Self> {
        let Sides { passive, released, gain } = table.mean;
        let (released, gain) = released.zip(gain)?;
        Some(Self {
            variant: table.variant,
            passive: passive.r1,
            released: released.r1,
            gain: gain.interval.r1,
        })
    }
}

/// Returns the recommendations, one sentence each, the most important first.
pub fn recommend(basis: &Basis) -> Vec<String> {
    let Some(first) = basis.means.first() else { return Vec::new() };
    let all = [
        basis.is_alone.then(|| {
            "the index holds nothing but these photographs: fill it first, other entries hide copies"
                .to_owned()
        }),
        Some(effect(first, basis)),
        visit(first, basis),
        store(first, basis),
        look(first, basis),
    ];
    all.into_iter().flatten().collect()
}

fn percent(rate: f64) -> String {
    format!("{:.0} %", 100.0 * rate)
}

/// States the effect of activation.
fn effect(first: &Mean, basis: &Basis) -> String {
    let Mean { passive, released, gain: [low, high], .. } = *first;
    let place = if basis.has_cells { format!("at nprobe {} ", first.variant.nprobe) } else { String::new() };
    let expected =
        format!("{place}expect {} -> {} of the copies found first", percent(passive), percent(released));
    if basis.images < FEW {
        format!("{expected}; {} photographs say little: pass more", basis.images)
    } else if low > 0.0 {
        format!("{expected}: activate")
    } else {
        let [low, high] = [low, high].map(|bound| format!("{:+.0}", 100.0 * bound));
        format!(
            "{expected}, a gain of {low} to {high} points: pass a larger --sample, or do without activation"
        )
    }
}

/// Compares activation with visiting more cells.
fn visit(first: &Mean, basis: &Basis) -> Option<String> {
    let nprobe = first.variant.nprobe;
    let is_like = |mean: &&Mean| {
        let Variant { cells, looks, .. } = first.variant;
        let is_same = mean.variant.cells == cells && mean.variant.looks == looks;
        basis.has_cells && is_same && mean.variant.nprobe > nprobe
    };
    let mut others: Vec<&Mean> = basis.means.iter().filter(is_like).collect();
    others.sort_by_key(|mean| mean.variant.nprobe);
    let is_enough = |mean: &&&Mean| mean.passive >= first.released && mean.passive > first.passive;
    if let Some(Mean { variant, passive, .. }) = others.iter().find(is_enough) {
        let (visited, found) = (variant.nprobe, percent(*passive));
        return Some(format!(
            "nprobe {visited} finds {found} already without activation, where a query visits {visited} cells instead of \
             {nprobe}"
        ));
    }
    let most = others.last().filter(|mean| mean.passive < first.released)?;
    let (visited, found) = (most.variant.nprobe, percent(most.passive));
    Some(format!("without activation nprobe {visited} finds {found}: more cells do not replace it"))
}

/// Recommends storing released images in more cells, if it pays.
fn store(first: &Mean, basis: &Basis) -> Option<String> {
    let is_like = |mean: &&Mean| {
        let Variant { nprobe, looks, cells, .. } = first.variant;
        mean.variant.nprobe == nprobe && mean.variant.looks == looks && mean.variant.cells > cells
    };
    let several = basis.means.iter().find(is_like).filter(|mean| mean.released >= first.released + WORTH)?;
    let Variant { cells, nprobe, bytes_per_image, .. } = several.variant;
    Some(format!(
        "store released images in {cells} cells (`index add --cells {cells}`): {} instead of {} at nprobe {nprobe}, for \
         {} bytes more an image",
        percent(several.released),
        percent(first.released),
        bytes_per_image - first.variant.bytes_per_image
    ))
}

/// Recommends looking several times, if it pays.
fn look(first: &Mean, basis: &Basis) -> Option<String> {
    let is_like = |mean: &&Mean| {
        let Variant { nprobe, cells, looks, .. } = first.variant;
        mean.variant.nprobe == nprobe && mean.variant.cells == cells && mean.variant.looks > looks
    };
    let several = basis.means.iter().find(is_like).filter(|mean| mean.released >= first.released + WORTH)?;
    let Variant { looks, nprobe, .. } = several.variant;
    let place = if basis.has_cells { format!(" at nprobe {nprobe}") } else { String::new() };
    Some(format!(
        "look {looks} times (`search --looks {looks}`): {} instead of {}{place}, for up to {looks} descriptions a query",
        percent(several.released),
        percent(first.released),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(cells: usize, nprobe: usize, passive: f64, released: f64) -> Mean {
        let gain = [released - passive - 0.1, released - passive + 0.1];
        Mean {
            variant: Variant { cells, nprobe, looks: 1, bytes_per_image: 16 * cells },
            passive,
            released,
            gain,
        }
    }

    fn basis(means: Vec<Mean>) -> Basis {
        Basis { means, images: 8, has_cells: true, is_alone: false }
    }

    #[test]
    fn a_paying_change_is_recommended_with_its_cost() {
        let means = vec![mean(1, 1, 0.52, 0.81), mean(1, 4, 0.85, 0.9), mean(4, 1, 0.7, 0.86)];
        assert_eq!(
            recommend(&basis(means)),
            [
                "at nprobe 1 expect 52 % -> 81 % of the copies found first: activate",
                "nprobe 4 finds 85 % already without activation, where a query visits 4 cells instead of 1",
                "store released images in 4 cells (`index add --cells 4`): 86 % instead of 81 % at nprobe 1, for 48 bytes \
                 more an image",
            ]
        );
    }

    #[test]
    fn looks_that_pay_are_recommended_and_compared_with_nothing_else() {
        let looked = |nprobe, released| {
            let mean = mean(1, nprobe, 0.9, released);
            Mean { variant: Variant { looks: 4, ..mean.variant }, ..mean }
        };
        let means = vec![mean(1, 1, 0.52, 0.81), mean(1, 4, 0.6, 0.9), looked(1, 0.93), looked(4, 0.95)];
        let [_, visit, look] = &recommend(&basis(means))[..] else { panic!("three sentences") };
        assert_eq!(visit, "without activation nprobe 4 finds 60 %: more cells do not replace it");
        assert_eq!(
            look,
            "look 4 times (`search --looks 4`): 93 % instead of 81 % at nprobe 1, for up to 4 descriptions a query"
        );
        let means = vec![mean(1, 1, 0.52, 0.81), looked(1, 0.82)];
        assert_eq!(recommend(&basis(means)).len(), 1);
    }

    #[test]
    fn a_change_that_does_not_pay_is_not_recommended() {
        let means = vec![mean(1, 1, 0.52, 0.55), mean(1, 4, 0.54, 0.6), mean(4, 1, 0.53, 0.56)];
        let [effect, visit] = &recommend(&basis(means))[..] else { panic!("two sentences") };
        assert!(
            effect.ends_with("a gain of -7 to +13 points: pass a larger --sample, or do without activation")
        );
        assert_eq!(visit, "without activation nprobe 4 finds 54 %: more cells do not replace it");
    }

    #[test]
    fn cells_without_a_gain_are_not_recommended() {
        let means = vec![mean(1, 1, 0.5, 0.5), mean(1, 4, 0.5, 0.5), mean(4, 1, 0.5, 0.5)];
        assert_eq!(recommend(&basis(means)).len(), 1);
    }

    #[test]
    fn indexes_without_cells_or_entries_and_few_photographs_are_named() {
        let means = vec![mean(1, 1, 0.5, 1.0), mean(1, 4, 0.5, 1.0)];
        let basis = Basis { means, images: 2, has_cells: false, is_alone: true };
        let [alone, effect] = &recommend(&basis)[..] else { panic!("two sentences") };
        assert!(alone.starts_with("the index holds nothing but these photographs"));
        assert_eq!(
            effect,
            "expect 50 % -> 100 % of the copies found first; 2 photographs say little: pass more"
        );
    }
}
