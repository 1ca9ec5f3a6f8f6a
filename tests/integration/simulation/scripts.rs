//! The scripts of the simulated Redis server: the real sources, run by Lua 5.1 in this process.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mlua::{Error, Function, Lua, MultiValue, Result, Table, Value};

use super::keyspace::{Keyspace, Reply};
use super::packing;

/// An interpreter, the scripts that it has loaded, and the keys that they read and write.
pub(super) struct Scripts {
    lua: Lua,
    pub(super) keyspace: Rc<RefCell<Keyspace>>,
    loaded: BTreeMap<String, Function>,
    /// The hash of each source and what it compiles to, which outlive a flush.
    compiled: BTreeMap<String, (String, Function)>,
}

/// The reply of a script.
#[derive(Debug)]
pub(super) enum ScriptReply {
    Nil,
    Number(i64),
    Bytes(Vec<u8>),
    List(Vec<Self>),
    Error(String),
}

impl Scripts {
    pub(super) fn new() -> Result<Self> {
        let lua = Lua::new();
        let keyspace = Rc::new(RefCell::new(Keyspace::default()));
        let redis = lua.create_table()?;
        for (name, raises) in [("call", true), ("pcall", false)] {
            let keyspace = keyspace.clone();
            let command = move |lua: &Lua, words: MultiValue| run(lua, &keyspace, words, raises);
            redis.set(name, lua.create_function(command)?)?;
        }
        let structs = lua.create_table()?;
        structs.set("pack", lua.create_function(packing::pack)?)?;
        structs.set("unpack", lua.create_function(packing::unpack)?)?;
        lua.globals().set("redis", redis)?;
        lua.globals().set("struct", structs)?;
        Ok(Self {
            lua,
            keyspace,
            loaded: BTreeMap::new(),
            compiled: BTreeMap::new(),
        })
    }

    /// Loads a script, and returns its hash.
    pub(super) fn load(&mut self, source: &str) -> Result<String> {
        if !self.compiled.contains_key(source) {
            let hash = redis::Script::new(source).get_hash().to_owned();
            let function = self.lua.load(source).into_function()?;
            self.compiled.insert(source.to_owned(), (hash, function));
        }
        let (hash, function) = &self.compiled[source];
        self.loaded.insert(hash.clone(), function.clone());
        Ok(hash.clone())
    }

    /// Forgets all scripts.
    pub(super) fn flush(&mut self) {
        self.loaded.clear();
    }

    /// Runs a script by its hash. Returns `None` if it is not loaded.
    pub(super) fn run(
        &self,
        hash: &str,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Option<ScriptReply> {
        let function = self.loaded.get(hash)?;
        let list = |words: &[Vec<u8>]| {
            let list = self.lua.create_table_with_capacity(words.len(), 0)?;
            for word in words {
                list.raw_push(self.lua.create_string(word)?)?;
            }
            Ok::<Table, Error>(list)
        };
        let result = || {
            self.lua.globals().set("KEYS", list(keys)?)?;
            self.lua.globals().set("ARGV", list(arguments)?)?;
            function.call::<Value>(())
        };
        Some(match result() {
            Ok(value) => reply(value),
            Err(error) => ScriptReply::Error(format!("ERR {error}")),
        })
    }
}

/// Runs a command that a script calls.
fn run(
    lua: &Lua,
    keyspace: &RefCell<Keyspace>,
    arguments: MultiValue,
    raises: bool,
) -> Result<Value> {
    let mut words = Vec::with_capacity(arguments.len());
    for argument in arguments {
        words.push(match argument {
            Value::String(text) => text.as_bytes().to_vec(),
            Value::Integer(number) => number.to_string().into_bytes(),
            Value::Number(number) => number.to_string().into_bytes(),
            _ => return Err(Error::runtime("arguments must be strings or integers")),
        });
    }
    Ok(match keyspace.borrow_mut().run(&words) {
        Ok(Reply::Nil) => Value::Boolean(false),
        Ok(Reply::Number(number)) => Value::Number(number as f64),
        Ok(Reply::Bytes(bytes)) => Value::String(lua.create_string(bytes)?),
        Ok(Reply::Ok) => Value::Table(lua.create_table_from([("ok", "OK")])?),
        Ok(Reply::List(list)) => {
            let strings = list.into_iter().map(|word| lua.create_string(word));
            let strings: Vec<_> = strings.collect::<Result<_>>()?;
            Value::Table(lua.create_sequence_from(strings)?)
        }
        Err(error) if raises => return Err(Error::runtime(error)),
        Err(error) => Value::Table(lua.create_table_from([("err", error)])?),
    })
}

/// Converts the result of a script as Redis does.
fn reply(value: Value) -> ScriptReply {
    match value {
        Value::String(text) => ScriptReply::Bytes(text.as_bytes().to_vec()),
        Value::Integer(number) => ScriptReply::Number(number),
        Value::Number(number) => ScriptReply::Number(number as i64),
        Value::Boolean(true) => ScriptReply::Number(1),
        Value::Table(table) => {
            if let Ok(Some(error)) = table.raw_get::<Option<String>>("err") {
                return ScriptReply::Error(error);
            }
            let values = table.sequence_values::<Value>();
            ScriptReply::List(values.filter_map(Result::ok).map(reply).collect())
        }
        _ => ScriptReply::Nil,
    }
}
