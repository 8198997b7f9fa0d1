//! Readers of files in memory that fail or end at a deadline, which stops any decoder.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use zune_jpeg::zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZCursor, ZSeekFrom};

use crate::deadline::Deadline;

/// Most bytes that are returned between two checks of the deadline.
const CHUNK: usize = 1 << 16;
/// Calls between two checks of the deadline; few, because a decoder can compute much from one byte.
const CALLS: u32 = 256;

/// A reader for decoders that take [`BufRead`] and [`Seek`]; it fails after the deadline.
pub(crate) struct TimedReader<'a> {
    bytes: Cursor<&'a [u8]>,
    deadline: Deadline,
}

impl<'a> TimedReader<'a> {
    pub(crate) fn new(bytes: &'a [u8], deadline: Deadline) -> Self {
        Self { bytes: Cursor::new(bytes), deadline }
    }
}

impl Read for TimedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for TimedReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.deadline.has_passed() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let rest = self.bytes.fill_buf()?;
        Ok(&rest[..rest.len().min(CHUNK)])
    }

    fn consume(&mut self, n: usize) {
        self.bytes.consume(n);
    }
}

impl Seek for TimedReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// A reader for zune-jpeg, which reads single bytes; it ends after the deadline.
pub(crate) struct TimedByteReader<'a> {
    bytes: ZCursor<&'a [u8]>,
    deadline: Deadline,
    until_check: u32,
}

impl<'a> TimedByteReader<'a> {
    pub(crate) fn new(bytes: &'a [u8], deadline: Deadline) -> Self {
        Self { bytes: ZCursor::new(bytes), deadline, until_check: CALLS }
    }

    /// Counts a call, and moves to the end of the file if the deadline has passed.
    #[inline(always)]
    fn count_call(&mut self) {
        self.until_check -= 1;
        if self.until_check == 0 {
            self.until_check = CALLS;
            if self.deadline.has_passed() {
                // Seeking to the end of memory cannot fail.
                let _ = self.bytes.z_seek(ZSeekFrom::End(0));
            }
        }
    }
}

impl ZByteReaderTrait for TimedByteReader<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        self.count_call();
        self.bytes.read_byte_no_error()
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.count_call();
        self.bytes.read_exact_bytes(buffer)
    }

    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.count_call();
        self.bytes.read_bytes(buffer)
    }

    fn peek_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.bytes.peek_bytes(buffer)
    }

    fn peek_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.bytes.peek_exact_bytes(buffer)
    }

    fn z_seek(&mut self, from: ZSeekFrom) -> Result<u64, ZByteIoError> {
        self.bytes.z_seek(from)
    }

    fn is_eof(&mut self) -> Result<bool, ZByteIoError> {
        self.bytes.is_eof()
    }

    fn z_position(&mut self) -> Result<u64, ZByteIoError> {
        self.bytes.z_position()
    }

    fn read_remaining(&mut self, sink: &mut Vec<u8>) -> Result<usize, ZByteIoError> {
        self.bytes.read_remaining(sink)
    }
}
