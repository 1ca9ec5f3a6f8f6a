//! The keys of the simulated Redis server, and the commands that scripts call.

use std::collections::BTreeMap;

/// The keys of a server.
#[derive(Debug, Default)]
pub(super) struct Keyspace {
    /// The time of the server, in microseconds since 1970.
    pub(super) now: u64,
    entries: BTreeMap<Vec<u8>, Entry>,
    /// The keys that were written without a time to live.
    pub(super) endless: Vec<Vec<u8>>,
}

/// A value and the last millisecond of its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) value: Vec<u8>,
    ends: Option<u64>,
}

/// The reply to a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Ok,
    Nil,
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Vec<u8>>),
}

impl Keyspace {
    fn now_millis(&self) -> u64 {
        self.now / 1_000
    }

    /// Returns a key's value and life. A key lives to the end of its last millisecond.
    pub(super) fn get(&self, key: &[u8]) -> Option<&Entry> {
        let now = self.now_millis();
        let entry = self.entries.get(key)?;
        entry.ends.is_none_or(|ends| now <= ends).then_some(entry)
    }

    /// Puts back what [`get`](Self::get) has returned.
    pub(super) fn restore(&mut self, key: &[u8], entry: Option<Entry>) {
        match entry {
            Some(entry) => self.entries.insert(key.to_vec(), entry),
            None => self.entries.remove(key),
        };
    }

    /// Runs a command.
    ///
    /// # Errors
    ///
    /// The error reply to a command that it does not know.
    pub(super) fn run(&mut self, words: &[Vec<u8>]) -> Result<Reply, String> {
        let (name, arguments) = words.split_first().ok_or("ERR no command")?;
        match (&**name, arguments) {
            (b"TIME", []) => {
                let (seconds, micros) = (self.now / 1_000_000, self.now % 1_000_000);
                let words = [seconds, micros].map(|number| number.to_string().into_bytes());
                Ok(Reply::List(words.into()))
            }
            (b"GET", [key]) => Ok(match self.get(key) {
                Some(entry) => Reply::Bytes(entry.value.clone()),
                None => Reply::Nil,
            }),
            (b"PTTL", [key]) => Ok(Reply::Number(self.pttl(key))),
            (b"DEL", [key]) => {
                let removed = self.get(key).is_some();
                self.entries.remove(key);
                Ok(Reply::Number(removed.into()))
            }
            (b"SET", [key, value, options @ ..]) => self.set(key, value, options),
            _ => {
                let name = String::from_utf8_lossy(name);
                Err(format!("ERR the simulated server does not know {name}"))
            }
        }
    }

    fn pttl(&self, key: &[u8]) -> i64 {
        match self.get(key).map(|entry| entry.ends) {
            None => -2,
            Some(None) => -1,
            Some(Some(ends)) => i64::try_from(ends - self.now_millis()).unwrap_or(i64::MAX),
        }
    }

    fn set(&mut self, key: &[u8], value: &[u8], options: &[Vec<u8>]) -> Result<Reply, String> {
        let old = self.get(key).map(|entry| entry.ends);
        let (mut ends, mut options) = (None, options.iter());
        while let Some(option) = options.next() {
            match &**option {
                b"NX" if old.is_some() => return Ok(Reply::Nil),
                b"XX" if old.is_none() => return Ok(Reply::Nil),
                b"NX" | b"XX" => {}
                b"KEEPTTL" => ends = old.flatten(),
                b"PX" => {
                    let millis = options.next().and_then(|it| str::from_utf8(it).ok());
                    let millis = millis.and_then(|it| it.parse::<u64>().ok());
                    let millis = millis.filter(|millis| *millis > 0);
                    let millis = millis.ok_or("ERR invalid expire time in 'set' command")?;
                    ends = Some(self.now_millis() + millis);
                }
                _ => return Err("ERR syntax error".to_owned()),
            }
        }
        if ends.is_none() {
            self.endless.push(key.to_vec());
        }
        let value = value.to_vec();
        self.entries.insert(key.to_vec(), Entry { value, ends });
        Ok(Reply::Ok)
    }
}
