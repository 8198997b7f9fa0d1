//! Plan of a release: the released file of each image.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use collection::Meta;
use image_file::{Encoding, path_text};
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
    let identity = |input: &Input| FileIdentity::of(&input.path);
    let originals: HashSet<_> = inputs.iter().chain(others).filter_map(identity).collect();
    let mut taken = HashMap::<PathBuf, PathBuf>::new();
    let jobs = inputs.into_iter().map(|input| {
        let output = out.join(input.name.with_extension(encoding.ending()));
        let is_original = FileIdentity::of(&output).is_some_and(|file| originals.contains(&file));
        let decision = match taken.get(&output) {
            Some(other) => Decision::Refuse(format!(
                "{} is already released as {}",
                path_text(other),
                path_text(&output)
            )),
            None if is_original => {
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
