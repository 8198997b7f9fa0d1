//! The stack machine that executes a pickle's instructions.

use std::{collections::HashMap, str};

use super::{
    super::strided_view::{Storage, View},
    value::{Global, Heap, Id, Value},
};

/// Largest number of values; pickles of published models have far fewer.
const MAX_VALUES: usize = 1 << 20;

/// Reads a pickle.
///
/// # Errors
/// The byte and the reason at which it is damaged or not allowed.
pub fn load(bytes: &[u8]) -> Result<Heap, String> {
    let mut machine = Machine { bytes, at: 0, values: Vec::new(), stack: Vec::new(), memo: HashMap::new() };
    let root = loop {
        let at = machine.at;
        match machine.step() {
            Ok(None) => {}
            Ok(Some(root)) => break root,
            Err(reason) => return Err(format!("data.pkl, byte {at}: {reason}")),
        }
    };
    Ok(Heap { values: machine.values, root })
}

/// An item of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// A value.
    Value(Id),
    /// The beginning of a container's items.
    Mark,
}

/// State of the machine.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Slot>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Executes one instruction; the last one returns the index of the whole value.
    fn step(&mut self) -> Result<Option<Id>, String> {
        match self.byte()? {
            0x80 => self.check_protocol()?,
            b'.' => return self.pop().map(Some),
            b'(' => self.push_slot(Slot::Mark)?,
            b'q' => {
                let place = u32::from(self.byte()?);
                self.remember(place)?;
            }
            b'r' => {
                let place = self.u32()?;
                self.remember(place)?;
            }
            b'h' => {
                let place = u32::from(self.byte()?);
                self.recall(place)?;
            }
            b'j' => {
                let place = self.u32()?;
                self.recall(place)?;
            }
            code => self.build(code)?,
        }
        Ok(None)
    }

    /// Executes an instruction that creates or fills a value.
    fn build(&mut self, code: u8) -> Result<(), String> {
        match code {
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' | b')' => self.push(Value::Sequence(Vec::new())),
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Value::Sequence(items))
            }
            0x85..=0x87 => {
                let items = (0..code - 0x84).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                self.push(Value::Sequence(items.into_iter().rev().collect()))
            }
            b'a' | b'e' | b's' | b'u' => self.fill(code),
            b'c' => {
                let global = Global::named(self.line()?, self.line()?)?;
                self.push(Value::Global(global))
            }
            b'Q' => self.storage(),
            b'R' => self.call(),
            0x81 => self.instance(),
            b'b' => self.set_state(),
            code => self.plain(code),
        }
    }

    /// Pushes a number or a string.
    fn plain(&mut self, code: u8) -> Result<(), String> {
        let value = match code {
            b'N' | 0x88 | 0x89 => Value::Plain,
            b'G' => self.take(8).map(|_| Value::Plain)?,
            b'K' => Value::Int(self.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            0x8a => self.long()?,
            b'X' => {
                let length = self.u32()? as usize;
                self.text(length)?
            }
            code => return Err(format!("instruction {code:#04x} is not allowed")),
        };
        self.push(value)
    }

    fn text(&mut self, length: usize) -> Result<Value, String> {
        let text = str::from_utf8(self.take(length)?).map_err(|e| e.to_string())?;
        Ok(Value::Text(text.to_owned()))
    }

    /// Reads an integer of up to 8 bytes; longer ones, which no network needs, become [`Value::Plain`].
    fn long(&mut self) -> Result<Value, String> {
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        let Some(&last) = bytes.last() else { return Ok(Value::Int(0)) };
        if bytes.len() > 8 {
            return Ok(Value::Plain);
        }
        let mut wide = if last >= 0x80 { [0xff; 8] } else { [0; 8] };
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(wide)))
    }

    /// Adds items to the list or dict below them on the stack.
    fn fill(&mut self, code: u8) -> Result<(), String> {
        let items = match code {
            b'a' => vec![self.pop()?],
            b's' => {
                let value = self.pop()?;
                vec![self.pop()?, value]
            }
            _ => self.pop_to_mark()?,
        };
        let container = self.top()?;
        match (&mut self.values[container], code) {
            (Value::Sequence(list), b'a' | b'e') => list.extend(items),
            (Value::Dict(dict), b's' | b'u') if items.len().is_multiple_of(2) => dict.extend(items),
            _ => return Err("items for a value that is no such container".to_owned()),
        }
        Ok(())
    }

    /// Reads a reference to a storage: the tuple `("storage", kind, key, device, count)`.
    fn storage(&mut self) -> Result<(), String> {
        let parts = self.sequence()?;
        let [_, kind, key, _, count] = parts.as_slice() else {
            return Err(format!("a reference of {} parts, expected the 5 of a storage", parts.len()));
        };
        match (&self.values[*kind], &self.values[*key], &self.values[*count]) {
            (Value::Global(Global::Storage(kind)), Value::Text(key), Value::Int(count)) => {
                let count = u64::try_from(*count).map_err(|_| format!("a storage of {count} numbers"))?;
                self.push(Value::Storage(Storage { kind: *kind, key: key.clone(), count }))
            }
            _ => Err("a reference to something other than a storage".to_owned()),
        }
    }

    /// Replaces a call of a known function by the value that it would return.
    fn call(&mut self) -> Result<(), String> {
        let arguments = self.sequence()?;
        let function = self.pop()?;
        let value = match (&self.values[function], arguments.as_slice()) {
            (Value::Global(Global::Tensor), [storage, offset, size, stride, ..]) => {
                Value::Tensor(self.view(*storage, *offset, *size, *stride)?)
            }
            (Value::Global(Global::Parameter | Global::Typed), [first, ..]) => {
                self.stack.push(Slot::Value(*first));
                return Ok(());
            }
            (Value::Global(Global::Dict), []) => Value::Dict(Vec::new()),
            _ => return Err("a call that is not allowed".to_owned()),
        };
        self.push(value)
    }

    fn view(&self, storage: Id, offset: Id, size: Id, stride: Id) -> Result<View, String> {
        let Value::Storage(storage) = &self.values[storage] else {
            return Err("a tensor without storage".to_owned());
        };
        let number = |id: &Id| match self.values[*id] {
            Value::Int(value) => u64::try_from(value).map_err(|_| format!("a tensor's view of {value}")),
            _ => Err("a tensor's view without number".to_owned()),
        };
        let numbers = |id: Id| match &self.values[id] {
            Value::Sequence(ids) => ids.iter().map(number).collect::<Result<Vec<_>, _>>(),
            _ => Err("a tensor's view without shape".to_owned()),
        };
        View::new(storage.clone(), number(&offset)?, numbers(size)?, numbers(stride)?)
    }

    /// Pushes an object of a known class, without attributes yet.
    fn instance(&mut self) -> Result<(), String> {
        self.sequence()?;
        let class = self.pop()?;
        match self.values[class] {
            Value::Global(Global::Class) => self.push(Value::Object(None)),
            _ => Err("an object of a class that is not allowed".to_owned()),
        }
    }

    /// Sets the attributes of an object; those of a dict (`_metadata`) are dropped.
    fn set_state(&mut self) -> Result<(), String> {
        let state = self.pop()?;
        let object = self.top()?;
        match &mut self.values[object] {
            Value::Object(attributes) => *attributes = Some(state),
            Value::Dict(_) => {}
            _ => return Err("attributes of a value that is no object".to_owned()),
        }
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        if self.values.len() >= MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        self.stack.push(Slot::Value(self.values.len()));
        self.values.push(value);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        match self.stack.pop() {
            Some(Slot::Value(id)) => Ok(id),
            _ => Err("a value is missing".to_owned()),
        }
    }

    fn top(&self) -> Result<Id, String> {
        match self.stack.last() {
            Some(Slot::Value(id)) => Ok(*id),
            _ => Err("a value is missing".to_owned()),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self.stack.iter().rposition(|slot| *slot == Slot::Mark).ok_or("a mark is missing")?;
        let items = self.stack.split_off(mark).into_iter().skip(1);
        Ok(items.filter_map(|slot| if let Slot::Value(id) = slot { Some(id) } else { None }).collect())
    }

    /// Pops a tuple of up to 16 items.
    fn sequence(&mut self) -> Result<Vec<Id>, String> {
        let id = self.pop()?;
        match &self.values[id] {
            Value::Sequence(items) if items.len() <= 16 => Ok(items.clone()),
            _ => Err("expected a short tuple".to_owned()),
        }
    }

    fn remember(&mut self, place: u32) -> Result<(), String> {
        let id = self.top()?;
        if self.memo.len() >= MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        self.memo.insert(place, id);
        Ok(())
    }

    fn recall(&mut self, place: u32) -> Result<(), String> {
        let id = *self.memo.get(&place).ok_or_else(|| format!("the memo has no value {place}"))?;
        self.push_slot(Slot::Value(id))
    }

    fn push_slot(&mut self, slot: Slot) -> Result<(), String> {
        if self.stack.len() >= MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        self.stack.push(slot);
        Ok(())
    }

    fn check_protocol(&mut self) -> Result<(), String> {
        match self.byte()? {
            2 => Ok(()),
            other => Err(format!("pickle protocol {other}, expected 2")),
        }
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let rest: &'a [u8] = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or("a line does not end")?;
        self.at += end + 1;
        str::from_utf8(&rest[..end]).map_err(|e| e.to_string())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let rest: &'a [u8] = &self.bytes[self.at..];
        let taken =
            rest.get(..length).ok_or_else(|| format!("{} bytes left, expected {length}", rest.len()))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, String> {
        self.array().map(u32::from_le_bytes)
    }
}
