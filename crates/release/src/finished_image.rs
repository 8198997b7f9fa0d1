//! Encoding of an activated image within the limits on its quality.

use activate::Activated;
use image_file::Picture;
use witness::{Kind, Witness};

use crate::{
    activation::Activation,
    error::Result,
    options::Options,
    pair::Pair,
    pixel_tensor::{from_tensor, to_tensor},
    released_image::Figures,
};

/// Released image as it will be read back.
pub struct FinishedImage {
    pub bytes: Vec<u8>,
    /// Descriptor of the file's pixels.
    pub descriptor: Vec<f32>,
    /// Bytes of the witness of the file's pixels.
    pub witness: Option<Vec<u8>>,
    pub figures: Figures,
    /// Parts of the original that are not in the file, one sentence each.
    pub notes: Vec<String>,
    pub pair: Option<Pair>,
}

/// Encodes the strongest change that the limits allow. Figures and witness are those of the file as read back.
///
/// # Errors
/// If the image cannot be encoded within the limits, or the device fails.
pub fn finish(
    activation: &Activation,
    original: Picture,
    activated: &Activated,
    seconds: f64,
    witnesses: Kind,
    keeps: bool,
) -> Result<FinishedImage> {
    let Options { limits, encoding, reader, .. } = &activation.options;
    let depth = activation.depth(&original);
    let full = from_tensor(&activated.pixels, depth)?;
    let (file, released, measured) = limits.spend(&original.pixels, &full, |pixels| {
        let file = original.encode(pixels, *encoding)?;
        let read_back = reader.decode(&file.bytes)?.pixels;
        Ok((file, read_back))
    })?;
    let after = if released == full {
        activated.after.clone()
    } else {
        let pixels = to_tensor(&released, &activation.extractor.device())?;
        activation.activator(depth)?.position(&pixels, &activated.target)?
    };
    let (width, height) = original.dimensions();
    let figures = Figures {
        width,
        height,
        iterations: activated.trace.iterations,
        stopped: activated.trace.end.name(),
        seconds,
        cell: activated.cell,
        kept: activated.trace.kept,
        cosine_before: activated.before.cosine,
        cosine_after: after.cosine,
        distance_before: activated.before.distance,
        distance_after: after.distance,
        psnr: measured.psnr,
        ssim: measured.ssim,
        linf: measured.linf,
    };
    let notes = original.notes.into_iter().chain(file.notes).collect();
    let released = released.into_rgb8();
    let witness = Witness::of(&released, witnesses).map(|witness| witness.to_bytes());
    let pair = keeps.then(|| Pair { original: original.pixels.into_rgb8(), released });
    Ok(FinishedImage { bytes: file.bytes, descriptor: after.descriptor, witness, figures, notes, pair })
}
