//! jsonlog: an object a line.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::severity;
use super::sink::Sink;
use super::statements::Entry;
use super::window::{Step, Window};
use super::{Logged, Place, Reason, time};

/// The members that are asked for.
#[derive(serde::Deserialize)]
struct Object<'a> {
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    user: Text<'a>,
    #[serde(borrow, default)]
    dbname: Text<'a>,
    #[serde(default)]
    pid: Option<u32>,
    #[serde(borrow, default)]
    session_id: Text<'a>,
    #[serde(borrow, default)]
    vxid: Text<'a>,
    #[serde(borrow)]
    error_severity: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    detail: Text<'a>,
    #[serde(borrow, default)]
    application_name: Text<'a>,
    #[serde(default)]
    query_id: Option<i64>,
}

/// A string in whatever encoding; borrowed where nothing in it is escaped.
#[derive(Default)]
struct Text<'a>(Option<Cow<'a, [u8]>>);

impl Text<'_> {
    fn get(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl<'de> Visitor<'de> for Bytes {
            type Value = Text<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a string")
            }

            fn visit_borrowed_bytes<E: Error>(self, text: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }

            fn visit_bytes<E: Error>(self, text: &[u8]) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// Reads such a log.
pub(super) fn read<R: Read, F: FnMut(&Logged<'_>)>(window: &mut Window<R>, sink: &mut Sink<'_, F>) {
    // The rest of a line that was too long.
    let mut passing = false;
    loop {
        match window.line() {
            Step::Line(line) => {
                let place = sink.next_line();
                let text = window.bytes()[line.from..line.to].trim_ascii();
                if !std::mem::take(&mut passing) && !text.is_empty() {
                    object(text, place, sink);
                }
                window.release(line.to);
            }
            Step::Full => {
                if !std::mem::replace(&mut passing, true) {
                    let place = sink.place();
                    let line = place.line + 1;
                    sink.tally.skip(Reason::TooLong, Place { line, ..place });
                }
                window.release(window.bytes().len());
            }
            Step::End => return,
        }
    }
}

fn object<F: FnMut(&Logged<'_>)>(text: &[u8], place: Place, sink: &mut Sink<'_, F>) {
    let Ok(object) = serde_json::from_slice::<Object<'_>>(text) else {
        return sink.tally.skip(Reason::BrokenRecord, place);
    };
    let Some(severity) = object.error_severity.get().and_then(severity::named) else {
        return sink.tally.skip(Reason::UnknownWords, place);
    };
    let stamp = object.timestamp.get().and_then(time::stamp);
    let mut process = [0; 10];
    let session = match (object.session_id.get(), object.pid) {
        (Some(session), _) => session,
        (None, Some(pid)) => decimal(pid, &mut process),
        (None, None) => b"",
    };
    sink.entry(&Entry {
        session,
        at: stamp.map(|stamp| stamp.at),
        zone_unknown: stamp.is_some_and(|stamp| !stamp.zone_known),
        user: object.user.get(),
        database: object.dbname.get(),
        application: object.application_name.get(),
        transaction: object.vxid.get(),
        query_id: object.query_id.filter(|id| *id != 0),
        severity,
        message: object.message.get().unwrap_or_default(),
        detail: object.detail.get(),
        place,
    });
}

/// The time of a line.
pub(super) fn time(line: &[u8]) -> Option<i64> {
    let object: Object<'_> = serde_json::from_slice(line.trim_ascii()).ok()?;
    Some(time::stamp(object.timestamp.get()?)?.at)
}

/// A number in decimal digits.
fn decimal(mut number: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut from = digits.len();
    loop {
        from -= 1;
        digits[from] = b"0123456789"[usize::try_from(number % 10).unwrap_or(0)];
        number /= 10;
        if number == 0 {
            return &digits[from..];
        }
    }
}
