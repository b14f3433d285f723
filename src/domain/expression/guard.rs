//! What is looked at before the parser is let loose: the parser recurses, and its words
//! about the commonest slips are not for people.

use super::{Flaw, Over, SOURCE_BYTES_MAX};

/// How deep brackets may nest.
const BRACKETS_MAX: usize = 16;

/// How many operators, dots and brackets there may be: each may be a step of recursion.
const JOINTS_MAX: usize = 200;

/// Refuses what is too long, too deep or plainly a slip.
pub(super) fn guard(source: &str, over: Over) -> Result<(), Flaw> {
    if source.len() > SOURCE_BYTES_MAX {
        let message = format!("this expression is longer than {} KiB", SOURCE_BYTES_MAX / 1024);
        return Err(Flaw::new(0..source.len(), message).help(match over {
            Over::Facts => "split the rule into several",
            Over::Webhook => "make several facts of it",
        }));
    }
    if source.trim().is_empty() {
        return Err(Flaw::new(0..source.len(), "this expression is empty").help(match over {
            Over::Facts => "write what must hold: cases >= 10",
            Over::Webhook => "write where the value stands: body.branch",
        }));
    }
    Scan { source, at: 0, open: Vec::new(), joints: 0 }.run()
}

struct Scan<'s> {
    source: &'s str,
    at: usize,
    open: Vec<(char, usize)>,
    joints: usize,
}

impl<'s> Scan<'s> {
    fn run(mut self) -> Result<(), Flaw> {
        while let Some(sign) = self.rest().chars().next() {
            let start = self.at;
            match sign {
                '"' | '\'' => self.text(sign)?,
                c if c.is_alphabetic() || c == '_' => self.word()?,
                '/' if self.rest().starts_with("//") => {
                    return Err(Flaw::new(start..start + 2, "'//' begins a comment, which an expression cannot have")
                        .help("put the comment into a YAML line of its own, after '#'"));
                }
                '(' | '[' | '{' => {
                    self.open.push((sign, start));
                    self.at += 1;
                    self.joint(start)?;
                    if self.open.len() > BRACKETS_MAX {
                        return Err(Flaw::new(
                            start..start + 1,
                            format!("brackets nest deeper than {BRACKETS_MAX} here"),
                        ));
                    }
                }
                ')' | ']' | '}' => self.close(sign)?,
                _ => self.sign(sign)?,
            }
        }
        match self.open.last() {
            Some((sign, at)) => Err(Flaw::new(*at..at + 1, format!("'{sign}' is opened and not closed"))),
            None => Ok(()),
        }
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn joint(&mut self, at: usize) -> Result<(), Flaw> {
        self.joints += 1;
        if self.joints <= JOINTS_MAX {
            return Ok(());
        }
        let message = format!("this expression has more than {JOINTS_MAX} operators, dots and brackets");
        Err(Flaw::new(at..at + 1, message)
            .help("compare with a list: title in [\"one\", \"two\"], or write several rules"))
    }

    fn close(&mut self, sign: char) -> Result<(), Flaw> {
        let at = self.at;
        self.at += 1;
        let fits = |open: char| matches!((open, sign), ('(', ')') | ('[', ']') | ('{', '}'));
        match self.open.pop() {
            Some((open, _)) if fits(open) => Ok(()),
            Some((open, from)) => Err(Flaw::new(from..from + 1, format!("'{open}' is opened, but '{sign}' follows"))),
            None => Err(Flaw::new(at..at + 1, format!("'{sign}' closes nothing"))),
        }
    }

    /// Leads past a text in quotes.
    fn text(&mut self, quote: char) -> Result<(), Flaw> {
        let start = self.at;
        let raw = self.source[..start].ends_with(['r', 'R']);
        let triple = quote.to_string().repeat(3);
        let (open, close) = if self.rest().starts_with(&triple) { (3, triple) } else { (1, quote.to_string()) };
        self.at += open;
        while !self.rest().is_empty() {
            if self.rest().starts_with(&close) {
                self.at += close.len();
                return Ok(());
            }
            let mut signs = self.rest().chars();
            let sign = signs.next().unwrap_or_default();
            if sign == '\n' && open == 1 {
                break;
            }
            self.at += sign.len_utf8();
            if sign == '\\' && !raw {
                self.at += signs.next().map_or(0, char::len_utf8);
            }
        }
        Err(Flaw::new(start..start + 1, format!("a text is opened with {quote} and not closed")))
    }

    fn word(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let word = &rest[..end];
        let meant = match word.to_ascii_lowercase().as_str() {
            "and" => "&&",
            "or" => "||",
            "not" => "!",
            _ => {
                self.at += end;
                return if word == "in" { self.joint(start) } else { Ok(()) };
            }
        };
        Err(Flaw::new(start..start + end, format!("'{word}' is no operator here")).help(format!("write {meant}")))
    }

    fn sign(&mut self, sign: char) -> Result<(), Flaw> {
        let start = self.at;
        let rest = self.rest();
        let slip = |length: usize, message: &str, help: &str| {
            Err(Flaw::new(start..start + length, message.to_owned()).help(help))
        };
        let long = ["==", "!=", "<=", ">=", "&&", "||"].into_iter().find(|long| rest.starts_with(long));
        match (sign, long) {
            _ if rest.starts_with("===") => return slip(3, "'===' does not exist here", "write =="),
            _ if rest.starts_with("<>") => return slip(2, "'<>' does not exist here", "write !="),
            _ if rest.starts_with("=~") => return slip(2, "'=~' does not exist here", "write title.matches(\"…\")"),
            _ if rest.starts_with("=>") || rest.starts_with("=<") => {
                return slip(2, "the '=' stands on the wrong side", "write >= or <=");
            }
            (_, Some("&&" | "||")) => {
                // These do not nest: the parser joins them side by side.
                self.at += 2;
                return Ok(());
            }
            (_, Some(_)) => self.at += 2,
            ('=', None) => return slip(1, "'=' sets a value, and nothing can be set here", "to compare, write =="),
            ('&', None) => return slip(1, "'&' does not exist here", "write &&"),
            ('|', None) => return slip(1, "'|' does not exist here", "write ||"),
            ('“' | '”' | '„' | '‘' | '’' | '«' | '»', None) => {
                return slip(sign.len_utf8(), "this is a typographic quotation mark", "write \"…\" or '…'");
            }
            (_, None) => self.at += sign.len_utf8(),
        }
        if sign.is_whitespace() || sign.is_ascii_digit() || sign == ',' { Ok(()) } else { self.joint(start) }
    }
}
