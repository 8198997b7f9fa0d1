//! Table of released images.

use release::ReleasedImage;

use super::table::{decimal, table};

const HEADINGS: [&str; 10] =
    ["image", "size", "cell", "kept", "cosine to target", "distance", "PSNR dB", "SSIM", "L-inf", "s"];

/// Formats a table of the images that have figures.
pub fn released_images(images: &[ReleasedImage]) -> String {
    table(&HEADINGS, 1, images.iter().filter_map(cells))
}

fn cells(image: &ReleasedImage) -> Option<Vec<String>> {
    let f = image.figures.as_ref()?;
    Some(vec![
        image.name(),
        format!("{}x{}", f.width, f.height),
        f.cell.map_or_else(|| "-".to_owned(), |cell| cell.to_string()),
        decimal(f.kept, 2),
        format!("{:.3} -> {:.3}", f.cosine_before, f.cosine_after),
        format!("{:.3} -> {:.3}", f.distance_before, f.distance_after),
        decimal(Some(f.psnr), 2),
        decimal(Some(f.ssim), 4),
        f.linf.to_string(),
        decimal(Some(f.seconds), 1),
    ])
}
