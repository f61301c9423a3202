//! Profiles, read back: what a CPU and a heap profile say of programs whose answer is known.
//!
//! Invariant: nothing depends on how fast the machine is; estimates are held against bounds of several standard
//! deviations.

use selvedge::debug::{self, CpuProfileError, HeapProfiler};
use selvedge::{go, go_named};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: HeapProfiler = HeapProfiler::new();

/// One CPU profile at a time.
static CPU: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    CPU.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A profile, as far as these tests look.
#[derive(Default)]
struct Profile {
    strings: Vec<String>,
    kinds: Vec<u64>,
    /// By location: functions.
    locations: BTreeMap<u64, Vec<u64>>,
    /// By function: its name.
    functions: BTreeMap<u64, u64>,
    samples: Vec<Sample>,
    duration: u64,
}

#[derive(Default)]
struct Sample {
    locations: Vec<u64>,
    values: Vec<u64>,
    labels: Vec<(u64, u64)>,
}

/// A field of a protocol buffer: its number, and a number or bytes.
enum Field<'a> {
    Number(u64, u64),
    Bytes(u64, &'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn fields(mut bytes: &[u8]) -> Vec<Field<'_>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        match tag & 7 {
            0 => found.push(Field::Number(tag >> 3, varint(&mut bytes))),
            2 => {
                let len = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(len);
                found.push(Field::Bytes(tag >> 3, value));
                bytes = rest;
            }
            kind => panic!("a field of kind {kind}"),
        }
    }
    found
}

fn numbers(mut bytes: &[u8]) -> Vec<u64> {
    std::iter::from_fn(|| (!bytes.is_empty()).then(|| varint(&mut bytes))).collect()
}

/// The number of field `wanted` of a message.
fn number_of(bytes: &[u8], wanted: u64) -> u64 {
    let number = |field: Field<'_>| match field {
        Field::Number(field, number) if field == wanted => Some(number),
        _ => None,
    };
    fields(bytes).into_iter().find_map(number).unwrap_or(0)
}

impl Profile {
    fn read(file: &[u8]) -> Profile {
        let body = miniz_oxide::inflate::decompress_to_vec(&file[10..file.len() - 8]).expect("deflated");
        let mut profile = Profile::default();
        for field in fields(&body) {
            match field {
                Field::Bytes(1, kind) => profile.kinds.push(number_of(kind, 1)),
                Field::Bytes(2, sample) => profile.samples.push(Sample::read(sample)),
                Field::Bytes(4, location) => {
                    let lines = fields(location).into_iter().filter_map(|field| match field {
                        Field::Bytes(4, line) => Some(number_of(line, 1)),
                        _ => None,
                    });
                    profile.locations.insert(number_of(location, 1), lines.collect());
                }
                Field::Bytes(5, function) => {
                    profile.functions.insert(number_of(function, 1), number_of(function, 2));
                }
                Field::Bytes(6, text) => profile.strings.push(String::from_utf8(text.to_vec()).unwrap()),
                Field::Number(10, nanos) => profile.duration = nanos,
                _ => {}
            }
        }
        profile
    }

    fn text(&self, string: u64) -> &str {
        &self.strings[string as usize]
    }

    /// Whether a function whose name ends so is on the stack.
    fn is_in(&self, sample: &Sample, end: &str) -> bool {
        let functions = sample.locations.iter().flat_map(|location| &self.locations[location]);
        functions.map(|function| self.text(self.functions[function])).any(|name| name.ends_with(end))
    }

    fn label(&self, sample: &Sample, key: &str) -> Option<&str> {
        sample.labels.iter().find(|(found, _)| self.text(*found) == key).map(|(_, value)| self.text(*value))
    }

    /// The sum of the numbers of `kind` over the samples that `which` takes.
    fn sum(&self, kind: &str, which: impl Fn(&Sample) -> bool) -> u64 {
        let at =
            self.kinds.iter().position(|&known| self.text(known) == kind).expect("a kind of this profile");
        self.samples.iter().filter(|sample| which(sample)).map(|sample| sample.values[at]).sum()
    }
}

impl Sample {
    fn read(bytes: &[u8]) -> Sample {
        let mut sample = Sample::default();
        for field in fields(bytes) {
            match field {
                Field::Bytes(1, packed) => sample.locations = numbers(packed),
                Field::Bytes(2, packed) => sample.values = numbers(packed),
                Field::Bytes(3, label) => sample.labels.push((number_of(label, 1), number_of(label, 2))),
                _ => {}
            }
        }
        sample
    }
}

/// Write a profile where `PROFILES` says, for a look with pprof.
fn keep(name: &str, file: &[u8]) {
    if let Ok(folder) = std::env::var("PROFILES") {
        std::fs::write(format!("{folder}/{name}.pb.gz"), file).unwrap();
    }
}

#[inline(never)]
fn burns(for_so_long: Duration) -> u64 {
    let (end, mut x) = (Instant::now() + for_so_long, 1_u64);
    while Instant::now() < end {
        for _ in 0..10_000 {
            x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005) + 1);
        }
    }
    x
}

/// A profile in which `burns` was seen: how much processor time it gets is not ours to say.
fn profile_of(burner: fn(Duration)) -> Profile {
    for attempt in 1..=10 {
        let profile = debug::start_cpu_profile().unwrap();
        burner(Duration::from_millis(400 * attempt));
        let file = profile.stop();
        let read = Profile::read(&file);
        if read.sum("samples", |sample| read.is_in(sample, "burns")) >= 5 {
            keep("cpu", &file);
            return read;
        }
    }
    panic!("a goroutine that computes is never seen");
}

#[test]
#[cfg(target_os = "linux")]
fn a_cpu_profile_shows_who_computes() {
    let _one = alone();
    let profile = profile_of(|for_so_long| {
        let hot = go_named("hot", move || burns(for_so_long));
        hot.join().unwrap();
    });
    let hot = |sample: &Sample| profile.label(sample, "goroutine") == Some("hot");
    // Other tests compute beside this one.
    let seen = profile.sum("samples", hot);
    assert!(seen >= 5, "{seen}");
    assert_eq!(profile.sum("cpu", hot), seen * 10_000_000);
    assert!(profile.sum("samples", |sample| hot(sample) && profile.is_in(sample, "burns")) * 10 >= seen * 9);
    let places: Vec<_> = profile.samples.iter().filter_map(|s| profile.label(s, "created")).collect();
    assert!(places.iter().any(|place| place.contains("profiles.rs:")), "{places:?}");
    assert!(profile.duration >= 400_000_000);
}

#[test]
#[cfg(target_os = "linux")]
fn there_is_one_cpu_profile_at_a_time() {
    let _one = alone();
    let running = debug::start_cpu_profile().unwrap();
    assert_eq!(debug::start_cpu_profile().unwrap_err(), CpuProfileError::AlreadyRunning);
    drop(running);
    let of_a_goroutine = go(|| debug::cpu_profile(Duration::from_millis(30)).map(|file| file.len()));
    assert!(of_a_goroutine.join().unwrap().unwrap() > 50);
}

/// Goroutines that start, wait, panic and end while signals come in: nothing is lost.
#[test]
#[cfg(target_os = "linux")]
fn signals_disturb_nobody() {
    let _one = alone();
    let profile = debug::start_cpu_profile().unwrap();
    let end = Instant::now() + Duration::from_millis(500);
    while Instant::now() < end {
        let all: Vec<_> = (0..50_u64)
            .map(|n| {
                go_named("short", move || {
                    let inner =
                        go(move || if n % 7 == 0 { std::panic::resume_unwind(Box::new(n)) } else { n });
                    selvedge::runtime::gosched();
                    inner.join().is_ok()
                })
            })
            .collect();
        let fine = all.into_iter().map(|g| g.join().unwrap()).filter(|fine| *fine).count();
        assert_eq!(fine, 42);
    }
    keep("cpu_short", &profile.stop());
}

const BLOCK: usize = 64 << 10;
const BLOCKS: usize = 2_000;

#[inline(never)]
fn keeps_blocks() -> Vec<Vec<u8>> {
    (0..BLOCKS).map(|n| std::hint::black_box(vec![n as u8; BLOCK])).collect()
}

#[inline(never)]
fn grows() -> Vec<u8> {
    let mut all = Vec::new();
    (0..64 << 20).for_each(|n: u32| all.push(n as u8));
    all
}

#[test]
fn a_heap_profile_shows_who_holds_memory() {
    let held = go(keeps_blocks).join().unwrap();
    let file = debug::heap_profile().unwrap();
    let profile = Profile::read(&file);
    let ours = |sample: &Sample| profile.is_in(sample, "keeps_blocks");
    // 128 MB in blocks of an eighth of the rate: 250 samples are expected, so the standard deviation is six
    // per cent.
    let (space, blocks) = (profile.sum("inuse_space", ours), profile.sum("inuse_objects", ours));
    let all = (BLOCK * BLOCKS) as u64;
    assert!((all * 7 / 10..all * 13 / 10).contains(&space), "{space} of {all}");
    assert!((1_400..2_600).contains(&blocks), "{blocks}");
    keep("heap", &file);

    drop(held);
    let profile = Profile::read(&debug::heap_profile().unwrap());
    let ours = |sample: &Sample| profile.is_in(sample, "keeps_blocks");
    assert_eq!(profile.sum("inuse_space", ours), 0, "it was given back");
    assert!(profile.sum("alloc_space", ours) >= space);
}

#[test]
fn what_is_moved_is_counted_once() {
    let grown = go(grows).join().unwrap();
    let profile = Profile::read(&debug::heap_profile().unwrap());
    let ours = |sample: &Sample| profile.is_in(sample, "grows");
    // An allocation as large as this one is always sampled.
    let space = profile.sum("inuse_space", ours);
    assert!((64 << 20..=65 << 20).contains(&space), "{space}");
    drop(grown);
    let profile = Profile::read(&debug::heap_profile().unwrap());
    assert_eq!(profile.sum("inuse_space", |sample| profile.is_in(sample, "grows")), 0);
}
