//! The pprof format: a protocol buffer, gzipped, which `go tool pprof` and `pprof` read.
//!
//! Invariants: a string, a function and a location stand in the file once; string 0 is empty; numbers from
//! 1 on name functions and locations. Where functions were inlined into one another a location has all of
//! them, the innermost first.
//!
//! Source: github.com/google/pprof, `proto/profile.proto`; RFC 1952 for gzip.

use crate::port::wait::symbols::{Frame, Symbols};
use std::collections::BTreeMap;

/// What one number of each sample means.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
}

/// A profile that is being put together.
pub(super) struct Builder {
    body: Message,
    strings: BTreeMap<String, u64>,
    functions: BTreeMap<(String, String), u64>,
    locations: BTreeMap<Vec<Frame>, u64>,
    symbols: Symbols,
}

impl Builder {
    pub(super) fn new(kinds: &[Kind], period: Option<(Kind, u64)>) -> Builder {
        let mut builder = Builder {
            body: Message::default(),
            strings: BTreeMap::from([(String::new(), 0)]),
            functions: BTreeMap::new(),
            locations: BTreeMap::new(),
            symbols: Symbols::new(),
        };
        for kind in kinds {
            let kind = builder.kind(*kind);
            builder.body.message(1, &kind);
        }
        if let Some((kind, period)) = period {
            let kind = builder.kind(kind);
            builder.body.message(11, &kind);
            builder.body.number(12, period);
        }
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        builder.body.number(9, since.map_or(0, |since| since.as_nanos() as u64));
        builder
    }

    fn kind(&mut self, kind: Kind) -> Message {
        let mut message = Message::default();
        message.number(1, self.string(kind.name));
        message.number(2, self.string(kind.unit));
        message
    }

    /// The frames of a stack, to be added with [`Builder::sample`].
    pub(super) fn frames(&mut self, trace: &[usize]) -> Vec<Frame> {
        self.symbols.of(trace)
    }

    /// All frames of a stack, also those of the runtime.
    pub(super) fn all_frames(&mut self, trace: &[usize]) -> Vec<Frame> {
        trace.iter().flat_map(|&address| self.symbols.at(address)).collect()
    }

    /// How long the profile took, in nanoseconds.
    pub(super) fn duration(&mut self, nanos: u64) {
        self.body.number(10, nanos);
    }

    /// Which kind of number is shown if nobody asks for another.
    pub(super) fn show_first(&mut self, kind: &str) {
        let kind = self.string(kind);
        self.body.number(14, kind);
    }

    /// What a reader is to know.
    pub(super) fn comment(&mut self, text: &str) {
        let text = self.string(text);
        self.body.number(13, text);
    }

    /// One stack, the innermost first, with its numbers and labels.
    pub(super) fn sample(&mut self, frames: &[Frame], values: &[u64], labels: &[(&str, &str)]) {
        let locations: Vec<u64> =
            frames.chunk_by(|a, b| a.address == b.address).map(|at| self.location(at)).collect();
        let mut sample = Message::default();
        sample.packed(1, &locations);
        sample.packed(2, values);
        for (key, value) in labels {
            let mut label = Message::default();
            label.number(1, self.string(key));
            label.number(2, self.string(value));
            sample.message(3, &label);
        }
        self.body.message(2, &sample);
    }

    fn location(&mut self, frames: &[Frame]) -> u64 {
        if let Some(&known) = self.locations.get(frames) {
            return known;
        }
        let id = self.locations.len() as u64 + 1;
        self.locations.insert(frames.to_vec(), id);
        let mut location = Message::default();
        location.number(1, id);
        location.number(3, frames.first().map_or(0, |frame| frame.address as u64));
        for frame in frames {
            let mut line = Message::default();
            line.number(1, self.function(frame));
            line.number(2, u64::from(frame.line.unwrap_or(0)));
            location.message(4, &line);
        }
        self.body.message(4, &location);
        id
    }

    fn function(&mut self, frame: &Frame) -> u64 {
        let file = frame.file.as_ref().map_or(String::new(), |file| file.display().to_string());
        let key = (frame.function.clone(), file);
        if let Some(&known) = self.functions.get(&key) {
            return known;
        }
        let id = self.functions.len() as u64 + 1;
        let (name, file) = (self.string(&key.0), self.string(&key.1));
        self.functions.insert(key, id);
        let mut function = Message::default();
        [(1, id), (2, name), (3, name), (4, file)].iter().for_each(|&(field, n)| function.number(field, n));
        self.body.message(5, &function);
        id
    }

    fn string(&mut self, text: &str) -> u64 {
        let next = self.strings.len() as u64;
        *self.strings.entry(text.to_owned()).or_insert(next)
    }

    /// The file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let mut strings: Vec<(u64, String)> = self.strings.into_iter().map(|(text, id)| (id, text)).collect();
        strings.sort_unstable();
        strings.iter().for_each(|(_, text)| self.body.bytes(6, text.as_bytes()));
        gzip(&self.body.0)
    }
}

/// A protocol buffer.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    fn number(&mut self, field: u64, n: u64) {
        self.varint(field << 3);
        self.varint(n);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }

    fn packed(&mut self, field: u64, numbers: &[u64]) {
        let mut packed = Message::default();
        numbers.iter().for_each(|&n| packed.varint(n));
        self.message(field, &packed);
    }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    const LEVEL: u8 = 6;
    // No name, no time, a system that is not told.
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    file.extend(miniz_oxide::deflate::compress_to_vec(data, LEVEL));
    file.extend(crc32(data).to_le_bytes());
    file.extend((data.len() as u32).to_le_bytes());
    file
}

/// The sum of RFC 1952, section 8, bit by bit: profiles are small.
fn crc32(data: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0xedb8_8320 };
    !data.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[test]
fn numbers_and_sums_are_those_of_the_standards() {
    let mut message = Message::default();
    message.number(1, 150);
    assert_eq!(message.0, [0x08, 0x96, 0x01]);
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
