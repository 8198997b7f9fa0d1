//! Public checkpoints: the network in one, its conversion to this crate's tensor names, and its published settings.

use super::{efficientnet, resnet, vit};
use crate::{
    checkpoint::{Checkpoint, CheckpointError, Result},
    pooling::Pooling,
    preprocess::{Preprocess, Resize},
    spec::{Architecture, Spec},
};

/// ISC-dt1: 512 x 512, mean and deviation of timm's `tf_efficientnetv2_m_in21ft1k`.
const ISC: Preprocess = Preprocess { size: 512, resize: Resize::Stretch, mean: [0.5; 3], std: [0.5; 3] };

/// Settings that a public checkpoint does not store, if they differ from those of the published models.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Attention heads of a transformer [default: one for every 64 channels].
    pub heads: Option<usize>,
    /// Pooling of the features [default: SSCD's with a projection, DINO's without one, ISC-dt1's].
    pub pooling: Option<Pooling>,
    /// Preprocessing of the images [default: that of the published models].
    pub preprocess: Option<Preprocess>,
}

/// Finds the only network among tensor names, and the prefix of its names.
///
/// # Errors
/// If there is no known network, or more than one.
pub fn find<'a>(names: impl Iterator<Item = &'a str>) -> Result<(Architecture, String), String> {
    let mut found = Vec::new();
    for name in names {
        for architecture in Architecture::ALL {
            let prefixes = anchors(architecture).iter().filter_map(|anchor| name.strip_suffix(anchor));
            let whole = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
            found.extend(whole.map(|prefix| (architecture, prefix.to_owned())));
        }
    }
    let known = Architecture::ALL.map(|architecture| architecture.to_string()).join(", ");
    match found.as_slice() {
        [_] => Ok(found.remove(0)),
        [] => Err(format!("contains none of the known networks: {known}")),
        [(_, a), (_, b), ..] => {
            Err(format!("contains {} networks, with the prefixes `{a}` and `{b}`", found.len()))
        }
    }
}

/// Tensor names, without prefix, of which every public checkpoint of an architecture has one.
fn anchors(architecture: Architecture) -> &'static [&'static str] {
    match architecture {
        Architecture::ResNet => &resnet::ANCHORS,
        Architecture::Vit => &vit::ANCHORS,
        Architecture::EfficientNet => &efficientnet::ANCHORS,
    }
}

/// Takes the network with `prefix` out of a public checkpoint: this crate's names, batch norms folded.
///
/// # Errors
/// If a tensor is missing or misshapen.
pub fn convert(architecture: Architecture, source: &mut Checkpoint, prefix: &str) -> Result<Checkpoint> {
    match architecture {
        Architecture::ResNet => resnet::convert(source, prefix),
        Architecture::Vit => vit::convert(source, prefix),
        Architecture::EfficientNet => efficientnet::convert(source, prefix),
    }
}

/// The spec of a converted checkpoint. Pooling and preprocessing are those of the published models unless `options`
/// give others.
///
/// # Errors
/// If the descriptor length or the number of attention heads cannot be determined.
pub fn spec(architecture: Architecture, converted: &Checkpoint, options: &Options) -> Result<Spec> {
    let projects = converted.contains("fc.weight");
    let (pooling, preprocess) = published_settings(architecture, projects);
    let heads = match architecture {
        Architecture::Vit => Some(options.heads.map_or_else(|| vit::usual_heads(converted), Ok)?),
        _ => None,
    };
    let dimension = match architecture {
        _ if projects => converted.shape::<2>("fc.weight")?[0],
        Architecture::Vit => converted.shape::<1>("norm.weight")?[0],
        Architecture::ResNet => converted.shape::<4>("layer4.0.conv3.weight")?[0],
        Architecture::EfficientNet => return Err(CheckpointError::Missing("fc.weight".to_owned())),
    };
    Ok(Spec {
        architecture,
        dimension,
        pooling: options.pooling.unwrap_or(pooling),
        heads,
        preprocess: options.preprocess.unwrap_or(preprocess),
        source: None,
    })
}

/// Pooling and preprocessing of the published models: of the ResNets, SSCD's have a projection and DINO's have none.
fn published_settings(architecture: Architecture, projects: bool) -> (Pooling, Preprocess) {
    match architecture {
        Architecture::ResNet if projects => (Pooling::Gem(3.0), Preprocess::default()),
        Architecture::ResNet => (Pooling::Average, Preprocess::default()),
        Architecture::Vit => (Pooling::Class, Preprocess::default()),
        // Exponent 1: the mean of the features, each raised to at least 1e-6.
        Architecture::EfficientNet => (Pooling::Gem(1.0), ISC),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_found_below_its_prefix() {
        let find = |names: &[&str]| find(names.iter().copied());
        let prefix = "state_dict.module.backbone.".to_owned();
        assert_eq!(
            find(&["epoch", "state_dict.module.backbone.conv_stem.weight"]),
            Ok((Architecture::EfficientNet, prefix))
        );
        assert_eq!(find(&["layer1.0.conv1.weight"]), Ok((Architecture::ResNet, String::new())));
        assert!(find(&["xlayer1.0.conv1.weight"]).unwrap_err().contains("resnet, vit, efficientnet"));
        let two = find(&["student.patch_embed.proj.weight", "teacher.patch_embed.proj.weight"]);
        assert_eq!(two.unwrap_err(), "contains 2 networks, with the prefixes `student.` and `teacher.`");
    }
}
