//! Opening log files: compressed or not, from standard input, in whatever order they are named.

use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

use crate::logs::{LinePrefix, Logged, Reader, Tally};

/// Bytes at the beginning of a file in which its first time is looked for.
const BEGINNING: usize = 64 * 1024;

/// What gzip's files begin with (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A log file that cannot be read.
#[derive(Debug, Error)]
#[error("cannot read the log {}: {cause}; name a file that this user may read, or - for standard input", path.display())]
pub struct LogError {
    path: PathBuf,
    cause: io::Error,
}

/// The files of a log, in the order in which they were written.
#[derive(Debug)]
pub struct LogFiles {
    reader: Reader,
    inputs: Vec<Input>,
}

#[derive(Debug)]
struct Input {
    path: PathBuf,
    first_time: Option<i64>,
    size: Option<u64>,
    /// What was opened already: what is no file cannot be opened twice.
    stream: Option<Box<dyn Stream>>,
}

trait Stream: Read + std::fmt::Debug {}

impl<T: Read + std::fmt::Debug> Stream for T {}

impl LogFiles {
    /// Opens files, in which lines have this prefix or one that is found out, and orders them by their first times.
    ///
    /// # Errors
    /// Where one cannot be opened or read at all.
    pub fn open(paths: &[PathBuf], prefix: Option<LinePrefix>) -> Result<Self, LogError> {
        let mut reader = Reader::new(prefix);
        let open =
            |path: &PathBuf| Input::open(path, &mut reader).map_err(|cause| error(path, cause));
        let mut inputs: Vec<Input> = paths.iter().map(open).collect::<Result<_, _>>()?;
        // Files without a time, such as empty ones, stay behind those that they were named after.
        let mut latest = None;
        for input in &mut inputs {
            latest = input.first_time.or(latest);
            input.first_time = latest;
        }
        inputs.sort_by_key(|input| input.first_time);
        Ok(Self { reader, inputs })
    }

    /// The files in their order: [`Logged::file`] is an index of it.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.inputs.iter().map(|input| input.path.as_path())
    }

    /// How many bytes there are to read, before decompression, where that can be known.
    pub fn size(&self) -> Option<u64> {
        self.inputs.iter().map(|input| input.size).sum()
    }

    /// Reads all files and gives each statement to `each`. Before more is read, `watch` hears of which file and how
    /// many bytes were read of all, and ends the reading where it returns false.
    ///
    /// # Errors
    /// Where one cannot be read at all.
    pub fn read(
        mut self,
        mut watch: impl FnMut(&Path, u64) -> bool,
        mut each: impl FnMut(&Logged<'_>),
    ) -> Result<Tally, LogError> {
        let mut read = 0;
        for input in self.inputs {
            let path = input.path.clone();
            let result = input.stream().and_then(|stream| {
                let watched = Watched {
                    stream,
                    path: &path,
                    read: &mut read,
                    watch: &mut watch,
                };
                self.reader.read(decompressed(watched)?, &mut each)
            });
            result.map_err(|cause| error(&path, cause))?;
        }
        Ok(self.reader.finish(each))
    }
}

fn error(path: &Path, cause: io::Error) -> LogError {
    LogError {
        path: path.to_owned(),
        cause,
    }
}

impl Input {
    fn open(path: &Path, reader: &mut Reader) -> io::Result<Self> {
        let from_file = path.as_os_str() != STANDARD_INPUT;
        let mut stream: Box<dyn Stream> = if from_file {
            Box::new(File::open(path)?)
        } else {
            Box::new(io::stdin())
        };
        let mut beginning = Vec::with_capacity(BEGINNING);
        let limit = u64::try_from(BEGINNING).unwrap_or(u64::MAX);
        stream.by_ref().take(limit).read_to_end(&mut beginning)?;
        let metadata = if from_file {
            Some(std::fs::metadata(path)?)
        } else {
            None
        };
        let size = metadata
            .filter(std::fs::Metadata::is_file)
            .map(|file| file.len());
        Ok(Self {
            path: path.to_owned(),
            first_time: first_time(&beginning, reader),
            size,
            stream: match size {
                // Thousands of files may not be open at the same time.
                Some(_) => None,
                None => Some(Box::new(Cursor::new(beginning).chain(stream))),
            },
        })
    }

    fn stream(self) -> io::Result<Box<dyn Stream>> {
        match self.stream {
            Some(stream) => Ok(stream),
            None => Ok(Box::new(File::open(&self.path)?)),
        }
    }
}

fn first_time(beginning: &[u8], reader: &mut Reader) -> Option<i64> {
    if !beginning.starts_with(&GZIP) {
        return reader.first_time(beginning);
    }
    // What is cut off here ends in an error, after what could be decompressed.
    let mut text = vec![0; BEGINNING];
    let mut decoder = MultiGzDecoder::new(beginning);
    let mut length = 0;
    while let Ok(count @ 1..) = decoder.read(&mut text[length..]) {
        length += count;
    }
    reader.first_time(&text[..length])
}

/// A source that tells how much of it was read, and that ends where nobody wants more.
struct Watched<'a, R, W> {
    stream: R,
    path: &'a Path,
    read: &'a mut u64,
    watch: &'a mut W,
}

impl<R: Read, W: FnMut(&Path, u64) -> bool> Read for Watched<'_, R, W> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if !(self.watch)(self.path, *self.read) {
            return Ok(0);
        }
        let count = self.stream.read(to)?;
        *self.read += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

/// A source of which the beginning was read already.
type Begun<R> = Chain<Cursor<Vec<u8>>, R>;

/// A source that is decompressed where it needs to be.
enum Decompressed<R: Read> {
    Plain(Begun<R>),
    Gzip(Box<MultiGzDecoder<io::BufReader<Begun<R>>>>),
}

fn decompressed<R: Read>(mut source: R) -> io::Result<Decompressed<R>> {
    let mut magic = Vec::with_capacity(GZIP.len());
    source.by_ref().take(2).read_to_end(&mut magic)?;
    let compressed = magic == GZIP;
    let whole = Cursor::new(magic).chain(source);
    Ok(if compressed {
        let buffered = io::BufReader::with_capacity(BEGINNING, whole);
        Decompressed::Gzip(Box::new(MultiGzDecoder::new(buffered)))
    } else {
        Decompressed::Plain(whole)
    })
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(to),
            Self::Gzip(source) => source.read(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn log(day: u32, lines: u32) -> String {
        let line = |number| {
            format!(
                "2026-01-0{day} 00:00:00.000 UTC [7] LOG:  duration: 1.000 ms  statement: SELECT {day}{number}\n"
            )
        };
        (0..lines).map(line).collect()
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn read(files: &[(&str, Vec<u8>)]) -> (Vec<String>, Tally) {
        let folder = tempfile::tempdir().unwrap();
        let write = |(name, bytes): &(&str, Vec<u8>)| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let paths: Vec<PathBuf> = files.iter().map(write).collect();
        let size: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut statements = Vec::new();
        let mut progress = 0;
        let files = LogFiles::open(&paths, None).unwrap();
        assert_eq!(files.size(), u64::try_from(size).ok());
        let each = |logged: &Logged<'_>| {
            statements.push(String::from_utf8_lossy(logged.statement).into_owned());
        };
        let tally = files
            .read(
                |_, read| {
                    progress = read;
                    true
                },
                each,
            )
            .unwrap();
        assert_eq!(u64::try_from(size).unwrap(), progress);
        (statements, tally)
    }

    #[test]
    fn files_are_read_in_the_order_of_their_times() {
        let files = [
            ("c", log(3, 1).into_bytes()),
            ("empty", Vec::new()),
            ("a.gz", gzip(&log(1, 1))),
            // Two members, as `cat a.gz b.gz` makes them.
            ("b", [gzip(&log(2, 1)), gzip(&log(2, 1))].concat()),
        ];
        let (statements, tally) = read(&files);
        assert_eq!(
            statements,
            ["SELECT 10", "SELECT 20", "SELECT 20", "SELECT 30"]
        );
        assert!(tally.skipped.is_empty());
    }

    #[test]
    fn a_compressed_file_that_is_cut_off_gives_what_it_has() {
        let mut whole = gzip(&log(1, 20_000));
        whole.truncate(whole.len() / 2);
        let (statements, tally) = read(&[("cut.gz", whole), ("next", log(2, 1).into_bytes())]);
        assert!(statements.len() > 5_000);
        assert_eq!(statements.last().map(String::as_str), Some("SELECT 20"));
        assert_eq!(tally.skips(crate::logs::Reason::Unreadable), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = LogFiles::open(&["no/such/log".into()], None).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read the log no/such/log: ")
        );
    }
}
