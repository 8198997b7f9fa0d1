//! Order, failures and batches of a stream, on a tiny network.

use std::{num::NonZeroUsize, path::Path};

use active_index_describe::{BatchRequest, Described, Describer, Error, Input, Prepared};
use burn::tensor::{Device, Tensor};
use extractor::Extractor;

fn tiny() -> Extractor {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/extractors/sscd.classy.pt");
    Extractor::load(&file, &Device::flex()).expect("the tiny network is a golden file")
}

fn of(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("tests ask for one at least")
}

/// Input whose pixels differ from level to level.
fn image(level: usize) -> Tensor<4> {
    let columns = Tensor::arange(0..32, &Device::flex()).float().div_scalar(32.0 + level as f64);
    columns.reshape([1, 1, 1, 32]).expand([1, 3, 32, 32])
}

#[test]
fn items_come_in_order_with_their_descriptors_or_their_failure() {
    let extractor = tiny();
    let alone = |level: usize| {
        let mut describer = Describer::new(&extractor, BatchRequest::Of(of(1)), false);
        describer.describe(&[image(level)]).unwrap().remove(0)
    };
    // Item `i` has `i % 4` images, so that batches of 3 begin and end inside of items; every fifth item fails.
    let items: Vec<usize> = (0..23).collect();
    let prepare = |&i: &usize| match i % 5 {
        4 => Err(format!("{i} is broken")),
        _ => Ok(Prepared {
            note: i,
            inputs: (0..i % 4).map(|part| Input::Image(image(10 * i + part))).collect(),
        }),
    };
    let (mut read, mut taken) = (Vec::new(), Vec::new());
    let progress = |&i: &usize| {
        read.push(i);
        Ok(())
    };
    let take = |&i: &usize, described: Result<Described<usize>, String>| {
        match described {
            Ok(Described { note, descriptors }) => {
                assert_eq!((note, descriptors.len()), (i, i % 4));
                for (part, descriptor) in descriptors.iter().enumerate() {
                    let expected = alone(10 * i + part);
                    let off =
                        descriptor.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(off < 1e-6, "item {i}, image {part}: {off}");
                }
            }
            Err(reason) => assert_eq!(reason, format!("{i} is broken")),
        }
        taken.push(i);
        Ok::<_, Error>(())
    };
    let mut describer = Describer::new(&extractor, BatchRequest::Of(of(3)), false);
    describer.stream(&items, of(2), prepare, progress, take).unwrap();
    assert_eq!((read, taken), (items.clone(), items.clone()));
    let images: usize = items.iter().filter(|&i| i % 5 != 4).map(|i| i % 4).sum();
    assert_eq!(describer.described, images);
}

#[test]
fn known_descriptors_are_handed_on_and_the_consumer_can_stop() {
    let extractor = tiny();
    let mut describer = Describer::new(&extractor, BatchRequest::Auto, false);
    let prepare =
        |&i: &usize| Ok::<_, Error>(Prepared { note: (), inputs: vec![Input::Known(vec![i as f32])] });
    let mut taken = Vec::new();
    let take = |&i: &usize, described: Result<Described<()>, Error>| {
        taken.push(described?.descriptors);
        if i == 3 { Err(Error::ThreadEnded) } else { Ok(()) }
    };
    let stopped = describer.stream(&[0, 1, 2, 3, 4, 5], of(2), prepare, |_| Ok(()), take);
    assert!(matches!(stopped, Err(Error::ThreadEnded)));
    assert_eq!(taken, [[[0.0]], [[1.0]], [[2.0]], [[3.0]]]);
    assert_eq!(describer.described, 0);
}

#[test]
fn unreadable_files_keep_their_place() {
    let extractor = tiny();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let paths = [samples.join("none.jpg"), samples.join("17_igloo.jpg"), samples.join("README.md")];
    let mut found = Vec::new();
    let take = |path: &std::path::PathBuf,
                described: active_index_describe::Result<(Vec<f32>, Vec<String>)>| {
        found.push((path.clone(), described.map(|(descriptor, _)| descriptor.len()).ok()));
        Ok::<_, Error>(())
    };
    let mut describer = Describer::new(&extractor, BatchRequest::Auto, false);
    describer.describe_files(&image_file::Reader::default(), &paths, |_| Ok(()), take).unwrap();
    let [none, igloo, readme] = paths;
    assert_eq!(found, [(none, None), (igloo, Some(extractor.dimension())), (readme, None)]);
}
