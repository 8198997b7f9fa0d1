//! Plan of a release: the released file of each image.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use collection::Meta;
use image_file::{Encoding, path_text};
use object_files::is_address;
use release::{Decision, Job};

use super::image_files::Input;
use crate::{
    outputs::{Content, FileIdentity},
    session::output::one_line,
};

/// Plans the release of images below `out`, under the names of the originals with the extension of the format.
///
/// Images that would overwrite an original, one of `others`, an earlier released image or a file that is no image are
/// refused; with `resume`, images whose released file exists are skipped.
pub fn plan(inputs: Vec<Input>, others: &[Input], out: &Path, encoding: Encoding, resume: bool) -> Vec<Job> {
    let originals = Originals::new(inputs.iter().chain(others));
    let mut taken = HashMap::<PathBuf, PathBuf>::new();
    let jobs = inputs.into_iter().map(|input| {
        let output = out.join(input.name.with_extension(encoding.ending()));
        let decision = match taken.get(&output) {
            Some(other) => Decision::Refuse(format!(
                "{} is already released as {}",
                path_text(other),
                path_text(&output)
            )),
            None if originals.contain(&output) => {
                Decision::Refuse(format!("would overwrite the original {}", path_text(&output)))
            }
            None => match Content::Image.check(&output) {
                Err(error) => Decision::Refuse(one_line(&error)),
                Ok(()) if resume && is_written(&output) => Decision::Skip,
                Ok(()) => Decision::Release,
            },
        };
        taken.entry(output.clone()).or_insert_with(|| input.path.clone());
        Job { input: input.path, name: input.name, output, meta: Meta::new(), decision }
    });
    jobs.collect()
}

/// Originals of a release: files by their identity, objects by their addresses.
struct Originals {
    files: HashSet<FileIdentity>,
    objects: HashSet<PathBuf>,
}

impl Originals {
    fn new<'a>(inputs: impl Iterator<Item = &'a Input>) -> Self {
        let (objects, files): (Vec<&Input>, Vec<&Input>) = inputs.partition(|input| is_address(&input.path));
        Self {
            files: files.iter().filter_map(|input| FileIdentity::of(&input.path)).collect(),
            objects: objects.iter().map(|input| input.path.clone()).collect(),
        }
    }

    fn contain(&self, path: &Path) -> bool {
        match is_address(path) {
            true => self.objects.contains(path),
            false => FileIdentity::of(path).is_some_and(|file| self.files.contains(&file)),
        }
    }
}

/// Returns true if there is a file with content. A released file is complete once it has its name.
fn is_written(path: &Path) -> bool {
    path.metadata().is_ok_and(|about| about.is_file() && about.len() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(names: &[&str], out: &Path, resume: bool) -> Vec<Decision> {
        let inputs = names.iter().map(|&name| Input { path: out.join(name), name: name.into() }).collect();
        plan(inputs, &[], out, Encoding::Png, resume).into_iter().map(|job| job.decision).collect()
    }

    #[test]
    fn originals_and_released_images_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.png"), b"original").unwrap();
        let found = decisions(&["a.png", "b.jpg", "b.webp"], folder.path(), false);
        assert!(matches!(&found[0], Decision::Refuse(reason) if reason.contains("overwrite the original")));
        assert_eq!(found[1], Decision::Release);
        assert!(
            matches!(&found[2], Decision::Refuse(reason) if reason.contains("b.jpg is already released as"))
        );
    }

    /// No store is asked: an object that is no input is left to it, which replaces nothing.
    #[test]
    fn original_objects_are_never_overwritten() {
        let object = |name: &str| Input { path: format!("s3://b/photos/{name}").into(), name: name.into() };
        for out in ["s3://b/photos", "s3://b/photos/"] {
            let plan = |inputs: &[&str], others: &[&str]| -> Vec<Decision> {
                let [inputs, others]: [Vec<Input>; 2] =
                    [inputs, others].map(|names| names.iter().map(|name| object(name)).collect());
                let jobs = plan(inputs, &others, Path::new(out), Encoding::Png, false);
                jobs.into_iter().map(|job| job.decision).collect()
            };
            let reason = "would overwrite the original s3://b/photos/a.png";
            let refused = |decision: &Decision| *decision == Decision::Refuse(reason.to_owned());
            let found = plan(&["a.png", "b.jpg"], &[]);
            assert!(refused(&found[0]) && found[1] == Decision::Release, "{found:?}");
            assert!(refused(&plan(&["a.jpg"], &["a.png"])[0]), "an original of another shard");
        }
        let input = || vec![object("a.png")];
        let elsewhere = plan(input(), &[], Path::new("s3://b/photos-2"), Encoding::Png, false);
        assert_eq!(elsewhere[0].decision, Decision::Release);
    }

    #[test]
    fn files_that_are_no_images_and_other_inputs_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("notes.png"), b"what I wrote down").unwrap();
        std::fs::create_dir(path("folder.png")).unwrap();
        std::fs::write(path("other.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        let found = decisions(&["notes.jpg", "folder.jpg"], folder.path(), true);
        assert!(
            matches!(&found[0], Decision::Refuse(reason) if reason.contains("notes.png: exists and is no image"))
        );
        assert!(matches!(&found[1], Decision::Refuse(reason) if reason.contains("is not a regular file")));
        let input = |name: &str| Input { path: path(name), name: name.into() };
        let jobs = plan(vec![input("other.jpg")], &[input("other.png")], folder.path(), Encoding::Png, false);
        assert!(
            matches!(&jobs[0].decision, Decision::Refuse(reason) if reason.contains("overwrite the original"))
        );
    }

    #[test]
    fn resuming_skips_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("done.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        assert_eq!(
            decisions(&["done.jpg", "new.jpg"], folder.path(), true),
            [Decision::Skip, Decision::Release]
        );
    }
}
