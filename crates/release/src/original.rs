//! Originals, as they are read.

use std::collections::HashSet;

use collection::{Digest, Entry};
use image_file::{Picture, Reader};

use crate::{
    destination::{Destination, Examined},
    error::{Error, Result},
    job::{Decision, Job},
};

/// Original as it was read.
pub enum Original {
    /// To be activated; the digest goes with the released file.
    Picture(Box<Picture>, Option<Digest>),
    /// Known to the destination: nothing is to be released.
    Known(Box<Entry>),
    /// The same file as that of an earlier job: nothing is to be released.
    Repeated(Digest),
    /// Not read, because its released file exists.
    Skipped,
}

impl Original {
    /// Reads the image of a job, if it is to be released and not known.
    ///
    /// # Errors
    /// If the job is refused, or the image or the destination cannot be read.
    pub fn read(job: &Job, reader: &Reader, destination: &dyn Destination) -> Result<Self> {
        match &job.decision {
            Decision::Skip => return Ok(Self::Skipped),
            Decision::Refuse(reason) => return Err(Error::Refused(reason.clone())),
            Decision::Release => {}
        }
        let bytes = reader.read(&job.input)?;
        Ok(match destination.examine(&bytes)? {
            Examined::Known(entry) => Self::Known(entry),
            Examined::New(digest) => Self::Picture(Box::new(reader.decode(&bytes)?), digest),
        })
    }

    /// Returns a repetition if an earlier job has the same file; the digests of earlier jobs are `begun`.
    pub fn unless_begun(self, begun: &mut HashSet<Digest>) -> Self {
        match self {
            Self::Picture(_, Some(digest)) if !begun.insert(digest.clone()) => Self::Repeated(digest),
            original => original,
        }
    }

    /// Returns the picture, if it is to be activated.
    pub fn picture(&self) -> Option<&Picture> {
        match self {
            Self::Picture(picture, _) => Some(picture),
            Self::Known(_) | Self::Repeated(_) | Self::Skipped => None,
        }
    }
}
