//! The trace of a run: a fingerprint always, and lines if they are wanted.

use super::schedule::Event;
use super::weather::Fault;

/// A trace.
#[derive(Debug)]
pub(super) struct Trace {
    /// A number that depends on everything that has happened while tasks worked (FNV-1a). Idle
    /// connections check afterwards if their server is there, which is no part of it.
    pub(super) fingerprint: u64,
    is_complete: bool,
    /// Set if each event is printed.
    prints: bool,
}

impl Trace {
    pub(super) const fn new(prints: bool) -> Self {
        Self {
            fingerprint: 0xcbf2_9ce4_8422_2325,
            is_complete: false,
            prints,
        }
    }

    const fn add(&mut self, number: u64) {
        if self.is_complete {
            return;
        }
        self.fingerprint = (self.fingerprint ^ number).wrapping_mul(0x0100_0000_01b3);
    }

    /// Adds an event.
    pub(super) fn note(&mut self, now: u64, event: &Event) {
        self.add(now);
        self.add(match event {
            Event::Message(link, direction) => 16 * *link as u64 + *direction as u64,
            Event::Wake(process, _) => 16 * *process as u64 + 2,
            Event::Tick(process) => 16 * *process as u64 + 3,
            Event::Start(process) => 16 * *process as u64 + 4,
            Event::Fault => 5,
            Event::End => 6,
        });
        self.is_complete |= matches!(event, Event::End);
        if self.prints && !matches!(event, Event::Tick(_) | Event::Wake(..)) {
            println!("{now:>9} {event:?}");
        }
    }

    /// Adds bytes that the server has sent.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for eight in bytes.chunks(8) {
            let mut number = [0; 8];
            number[..eight.len()].copy_from_slice(eight);
            self.add(u64::from_le_bytes(number));
        }
        if self.prints {
            println!("          {}", bytes.escape_ascii());
        }
    }

    /// Adds a fault.
    pub(super) fn fault(&mut self, now: u64, fault: Fault, process: usize) {
        self.add(fault as u64);
        if self.prints {
            println!("{now:>9} {fault:?} of process {process}");
        }
    }
}
