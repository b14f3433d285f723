//! `where:`: from a YAML text to a checked expression, and its flaws at their places.

use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread;

use super::fields::text;
use super::findings::{Findings, Place};
use super::nearest::did_you_mean;
use super::node::Node;
use crate::domain::expression::{COMPILE_STACK_BYTES, Expression, Flaw, Vocabulary};

/// Reads an expression. `None` when it is broken; the reasons are reported.
pub fn read(node: &Node, findings: &mut Findings) -> Option<Expression> {
    let source = text(node, "'where'", findings)?;
    match compile(source, findings.words().expressions()) {
        Ok(mut expression) => {
            expression.line = u32::try_from(findings.line(node.at)).unwrap_or(0);
            if expression.reads().is_empty() {
                let message = "this names no fact, so it is the same for every event";
                findings.warning(node.at, message, "facts are named without quotes: severity == \"blocker\"");
            }
            Some(expression)
        }
        Err(flaws) => {
            for flaw in flaws {
                report(flaw, source, node.at, findings);
            }
            None
        }
    }
}

/// A text to compile; its reader waits for the answer.
type Order = Box<dyn FnOnce() + Send>;

/// The thread that compiles: the parser needs more stack than the caller may have, and a
/// thread for each of thousands of expressions would take longer than compiling them.
static COMPILER: LazyLock<io::Result<mpsc::Sender<Order>>> = LazyLock::new(|| {
    let (sender, orders) = mpsc::channel::<Order>();
    let compiler = thread::Builder::new().name("expressions".to_owned()).stack_size(COMPILE_STACK_BYTES);
    compiler.spawn(move || {
        for order in orders {
            // An answer that is missing says that the parser panicked.
            drop(catch_unwind(AssertUnwindSafe(order)));
        }
    })?;
    Ok(sender)
});

fn compile(source: &str, words: Arc<Vocabulary>) -> Result<Expression, Vec<Flaw>> {
    compile_by(source, move |source| Expression::compile(source, &words))
}

/// Compiles `source` where there is stack enough for it.
pub(super) fn compile_by<T: Send + 'static>(
    source: &str,
    how: impl FnOnce(&str) -> Result<T, Vec<Flaw>> + Send + 'static,
) -> Result<T, Vec<Flaw>> {
    let broken = |message: String| vec![Flaw { at: 0..source.len(), message, help: None, unknown: None }];
    let compiler =
        COMPILER.as_ref().map_err(|error| broken(format!("there is no memory to read this expression: {error}")))?;
    let (answer, compiled) = mpsc::channel();
    let unreadable = || broken("this is no expression that can be read".to_owned());
    let text = source.to_owned();
    compiler.send(Box::new(move || drop(answer.send(how(&text))))).map_err(|_| unreadable())?;
    compiled.recv().map_err(|_| unreadable())?
}

pub(super) fn report(flaw: Flaw, source: &str, whole: Place, findings: &mut Findings) {
    let at = place(&flaw.at, source, whole, findings);
    let meant = flaw.unknown.map(|(word, known)| did_you_mean(&word, known)).unwrap_or_default();
    let message = format!("{}{meant}", flaw.message);
    match flaw.help {
        Some(help) => findings.error_help(at, message, help),
        None => findings.error(at, message),
    }
}

/// Where in the file the bytes `at` of the text `source` stand: the text is followed
/// through the file, past its indentation, quotes and backslashes.
fn place(at: &Range<usize>, source: &str, whole: Place, findings: &Findings) -> Place {
    let written = findings.text_at(whole);
    // The head of a block, such as '>-', is no part of the text.
    let head = if written.starts_with(['|', '>']) { written.find('\n').unwrap_or(0) } else { 0 };
    let mut from = head;
    let mut found = None;
    for (offset, sign) in source.char_indices().take_while(|(offset, _)| *offset < at.end) {
        let Some(seen) = written[from..].find(sign) else { continue };
        if offset >= at.start {
            let start = whole.start + from + seen;
            let first = found.map_or(start, |(first, _)| first);
            found = Some((first, start + sign.len_utf8()));
        }
        from += seen + sign.len_utf8();
    }
    match found {
        Some((start, end)) => Place { start, end, ..whole },
        None => whole,
    }
}
