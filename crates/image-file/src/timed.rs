//! Readers that end when the time is over: every decoder asks its reader again and again.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};

use zune_jpeg::zune_core::bytestream::{ZByteIoError, ZByteReaderTrait, ZCursor, ZSeekFrom};

use crate::limits::Deadline;

/// Bytes that are handed out between two looks at the clock.
const STRETCH: usize = 1 << 16;
/// Single bytes that are handed out between two looks at the clock: few, because a decoder can do much with one.
const BYTES: u32 = 256;

/// A file in memory for decoders that take [`BufRead`] and [`Seek`].
pub(crate) struct Timed<'a> {
    bytes: Cursor<&'a [u8]>,
    deadline: Deadline,
}

impl<'a> Timed<'a> {
    pub(crate) fn new(bytes: &'a [u8], deadline: Deadline) -> Self {
        Self { bytes: Cursor::new(bytes), deadline }
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Timed<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.deadline.is_over() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let rest = self.bytes.fill_buf()?;
        Ok(&rest[..rest.len().min(STRETCH)])
    }

    fn consume(&mut self, n: usize) {
        self.bytes.consume(n);
    }
}

impl Seek for Timed<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

/// The same for zune-jpeg, which reads single bytes.
pub(crate) struct TimedBytes<'a> {
    bytes: ZCursor<&'a [u8]>,
    deadline: Deadline,
    until_look: u32,
}

impl<'a> TimedBytes<'a> {
    pub(crate) fn new(bytes: &'a [u8], deadline: Deadline) -> Self {
        Self { bytes: ZCursor::new(bytes), deadline, until_look: BYTES }
    }

    /// Goes behind the last byte when the time is over.
    #[inline(always)]
    fn look(&mut self) {
        self.until_look -= 1;
        if self.until_look == 0 {
            self.until_look = BYTES;
            if self.deadline.is_over() {
                // Seeking in memory to the end does not fail.
                let _ = self.bytes.z_seek(ZSeekFrom::End(0));
            }
        }
    }
}

impl ZByteReaderTrait for TimedBytes<'_> {
    #[inline(always)]
    fn read_byte_no_error(&mut self) -> u8 {
        self.look();
        self.bytes.read_byte_no_error()
    }

    #[inline(always)]
    fn read_exact_bytes(&mut self, buffer: &mut [u8]) -> Result<(), ZByteIoError> {
        self.look();
        self.bytes.read_exact_bytes(buffer)
    }

    fn read_bytes(&mut self, buffer: &mut [u8]) -> Result<usize, ZByteIoError> {
        self.look();
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
