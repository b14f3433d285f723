//! The webhook of an event as it came.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use crate::config::{Scrubber, Secrets, load};
use crate::relay::capture::shown;
use crate::source::RawHook;
use crate::store::EventRecord;

use super::super::output::plain_lines;

/// How much of a body is shown, in bytes.
const SHOWN_BYTES_MAX: usize = 8 * 1024;

/// The secrets that the configuration knows, as far as it can be read: it may be what is to
/// be mended.
pub(super) fn scrubber(config: &Path) -> Scrubber {
    load(config, Secrets::Resolve).map(|snapshot| snapshot.scrubber).unwrap_or_default()
}

/// The webhook of `event` for people, without secrets: its method and path, what was kept of
/// its headers, its body.
pub(super) fn as_text(event: &EventRecord, scrubber: &Scrubber) -> String {
    let hook = RawHook::restored(&event.headers, Bytes::new());
    let path = if hook.path.is_empty() { "(the address itself)" } else { &hook.path };
    let mut lines = vec![format!("{} {path}", hook.method)];
    lines.extend(shown(&hook.headers, scrubber).into_iter().map(|(name, value)| format!("{name}: {value}")));
    lines.push(String::new());
    let (head, rest) = event.body.split_at(event.body.len().min(SHOWN_BYTES_MAX));
    // A character that the cut parts belongs to the rest.
    let parted =
        head.utf8_chunks().last().map_or(0, |last| if last.invalid().len() < 4 { last.invalid().len() } else { 0 });
    let (head, more) = if rest.is_empty() { (head, 0) } else { (&head[..head.len() - parted], rest.len() + parted) };
    let body = if head.is_empty() { "(no body)".to_owned() } else { scrubber.scrub(&text(head)) };
    lines.push(body);
    if more > 0 {
        lines.push(format!("… and {more} more bytes; all of them: relaybell events show {} --raw", event.id));
    }
    let told = plain_lines(&lines.join("\n"));
    told.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// `body` as text; bytes that are none as `\xE4`.
pub(super) fn text(body: &[u8]) -> String {
    let mut text = String::new();
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a text cannot fail.
            write!(text, "\\x{byte:02X}").unwrap_or_default();
        }
    }
    text
}

/// The body of `event` as JSON gives it: what it says, or, of one that is no JSON, its text.
pub(super) fn as_json(event: &EventRecord) -> (Value, Option<String>) {
    match serde_json::from_slice(&event.body) {
        Ok(payload) => (payload, None),
        Err(_) => (Value::Null, Some(text(&event.body))),
    }
}

/// Writes exactly the bytes of the body of `event` to stdout.
pub(super) fn raw(event: &EventRecord) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(&event.body).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
