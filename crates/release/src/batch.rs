//! Batches of activated images: encoded, handed to the destination, reported.

use std::{path::Path, vec};

use activate::Activated;
use collection::{Digest, Entry};
use image::RgbImage;
use image_file::{Picture, path_of_text};

use crate::{
    activation::Activation,
    destination::{Destination, ReleasedFile, Taken},
    error::{Error, Result, one_line},
    events::Events,
    finished_image::{FinishedImage, finish},
    job::Job,
    original::Original,
    pair::Pair,
    released_image::ReleasedImage,
};

/// Row of a job, and its pair if it is kept.
pub type Row = (ReleasedImage, Option<Pair>);

/// Jobs to do at once, activated.
pub struct Batch<'j> {
    pub jobs: &'j [Job],
    /// One for each job.
    pub originals: Vec<Result<Original>>,
    /// One for each picture of the originals, in their order.
    pub activated: Vec<Result<Activated>>,
    /// Time of each picture.
    pub seconds: f64,
}

/// Encodes batches, hands them to the destination, and reports on them.
pub struct Writer<'a> {
    pub activation: &'a Activation<'a>,
    pub destination: &'a dyn Destination,
    pub events: &'a dyn Events,
    /// True if pairs are kept.
    pub keeps: bool,
}

/// Job that is done, but for handing its file to the destination.
enum Done {
    Row(Row),
    Encoded(Row),
    Repeated(Digest),
}

impl Writer<'_> {
    /// Writes a batch, and returns one row for each job.
    pub fn write(&self, batch: Batch<'_>) -> Vec<Row> {
        let Batch { jobs, originals, activated, seconds } = batch;
        let (mut activated, mut files) = (activated.into_iter(), Vec::new());
        let work = jobs.iter().zip(originals).map(|(job, original)| match original? {
            Original::Skipped => Ok(Done::Row(self.skipped(job)?)),
            Original::Known(entry) => Ok(Done::Row(self.known(job, &entry))),
            Original::Repeated(digest) => Ok(Done::Repeated(digest)),
            Original::Picture(picture, digest) => {
                let activated = activated.next().expect("one for each picture")?;
                let (file, row) = self.encode(job, *picture, digest, &activated, seconds)?;
                files.push(file);
                Ok(Done::Encoded(row))
            }
        });
        let done: Vec<Result<Done>> = work.collect();
        let mut taken = self.hand_over(files);
        let row = |(job, done): (&Job, Result<Done>)| {
            let row = done.and_then(|done| self.row(job, done, &mut taken));
            row.unwrap_or_else(|error| (ReleasedImage::refused(&job.input, one_line(&error)), None))
        };
        jobs.iter().zip(done).map(row).collect()
    }

    fn encode<'j>(
        &self,
        job: &'j Job,
        picture: Picture,
        digest: Option<Digest>,
        activated: &Activated,
        seconds: f64,
    ) -> Result<(ReleasedFile<'j>, Row)> {
        let witnesses = self.destination.witness_kind();
        let FinishedImage { bytes, descriptor, witness, figures, notes, pair } =
            finish(self.activation, picture, activated, seconds, witnesses, self.keeps)?;
        let file = ReleasedFile { job, digest, bytes, descriptor, witness };
        Ok((file, (ReleasedImage::released(&job.input, &job.output, figures, notes), pair)))
    }

    fn hand_over(&self, mut files: Vec<ReleasedFile<'_>>) -> vec::IntoIter<Result<Taken>> {
        let mut taken = Vec::new();
        if !files.is_empty() {
            self.events.uninterrupted(&mut || taken = self.destination.take(std::mem::take(&mut files)));
        }
        taken.into_iter()
    }

    fn row(&self, job: &Job, done: Done, taken: &mut vec::IntoIter<Result<Taken>>) -> Result<Row> {
        Ok(match done {
            Done::Row(row) => row,
            Done::Encoded((row, pair)) => match taken.next().ok_or(Error::NotTaken)?? {
                Taken::Written(id) => (row.with_id(id), pair),
                Taken::Known(entry) => (ReleasedImage::already(&job.input, &entry), pair),
            },
            Done::Repeated(digest) => self.known(job, &self.destination.entry_of(&digest)?),
        })
    }

    /// Reports an image that an earlier run released.
    fn skipped(&self, job: &Job) -> Result<Row> {
        let pair =
            || Ok::<_, Error>(Pair { original: self.read(&job.input)?, released: self.read(&job.output)? });
        Ok((ReleasedImage::skipped(&job.input, &job.output), self.keeps.then(pair).transpose()?))
    }

    /// Reports an image that has an entry. There is no pair if either file cannot be read any more.
    fn known(&self, job: &Job, entry: &Entry) -> Row {
        let pair = || {
            let released = path_of_text(entry.file.as_deref()?);
            Some(Pair { original: self.read(&job.input).ok()?, released: self.read(&released).ok()? })
        };
        (ReleasedImage::already(&job.input, entry), self.keeps.then(pair).flatten())
    }

    fn read(&self, path: &Path) -> Result<RgbImage> {
        Ok(self.activation.options.reader.open(path)?.pixels.into_rgb8())
    }
}
