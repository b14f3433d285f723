//! A message made ready for a vendor: cleaned, laid flat, and cut to what fits.

use crate::domain::characters::is_blank;
use crate::domain::message::{Color, Field, Mention, Message};

use super::address::Address;
use super::flat::{Piece, Run, Style, flatten};
use super::text::{clean, cut, one_line, units};

/// What a message without a title is called.
pub const NO_TITLE: &str = "Notification";

/// The longest name of a field.
const NAME_UNITS_MAX: usize = 60;

/// The longest name of somebody mentioned.
const MENTION_UNITS_MAX: usize = 60;

/// The longest remark.
const REMARK_UNITS_MAX: usize = 300;

/// How often a message is made smaller before only its bare bones are left.
const STEPS_MAX: u32 = 16;

/// What is shown of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// One line, never empty.
    pub title: String,
    /// Who is notified; names are one line.
    pub mentions: Vec<Mention>,
    /// The body.
    pub pieces: Vec<Piece>,
    /// Labelled values; neither label nor value is empty.
    pub fields: Vec<Field>,
    /// Where the reader goes next.
    pub link: Option<Address>,
    /// The colour.
    pub color: Option<Color>,
    /// The relay's own remark.
    pub remark: Option<String>,
}

/// How much of a message is shown.
#[derive(Debug, Clone, Copy)]
struct Room {
    body_units: usize,
    value_units: usize,
    fields: usize,
    mentions: usize,
    /// The longest of everything else: title, names, remark.
    line_units: usize,
}

impl Room {
    const WHOLE: Self =
        Self { body_units: 30_000, value_units: 1_800, fields: 30, mentions: 20, line_units: REMARK_UNITS_MAX };
    /// So little that it fits even where every character is escaped by five others.
    const BARE: Self = Self { body_units: 0, value_units: 30, fields: 2, mentions: 5, line_units: 30 };

    /// The room after `step` steps of a third each.
    fn at(step: u32) -> Self {
        let shrink = |size: usize, least: usize| (0..step).fold(size, |size, _| size * 2 / 3).max(least);
        if step >= STEPS_MAX {
            return Self::BARE;
        }
        Self {
            body_units: shrink(Self::WHOLE.body_units, 0),
            value_units: shrink(Self::WHOLE.value_units, 60),
            fields: shrink(Self::WHOLE.fields, 8),
            mentions: shrink(Self::WHOLE.mentions, 10),
            line_units: Self::WHOLE.line_units,
        }
    }
}

impl Sheet {
    /// Everything `message` says, with a title of at most `title_units_max`; a longer one
    /// is repeated in full at the head of the body.
    #[must_use]
    pub fn new(message: &Message, title_units_max: usize) -> Self {
        let mut title = one_line(&message.title);
        if is_blank(&title) {
            NO_TITLE.clone_into(&mut title);
        }
        let mut pieces = flatten(&message.body);
        if units(&title) > title_units_max {
            let bold = Style { bold: true, ..Style::default() };
            pieces.insert(0, Piece::Text(vec![Run::styled(&title, bold)]));
            title = cut(&title, title_units_max).into_owned();
        }
        let mention = |mention: &Mention| {
            let name = cut(&one_line(&mention.name), MENTION_UNITS_MAX).into_owned();
            (!is_blank(&name)).then(|| Mention { name, ..mention.clone() })
        };
        let field = |field: &Field| {
            let name = cut(&one_line(&field.name), NAME_UNITS_MAX).into_owned();
            let value = clean(&field.value).trim().to_owned();
            (!is_blank(&name) && !is_blank(&value)).then_some(Field { name, value })
        };
        let remark = message.remark.as_deref().map(one_line).filter(|remark| !is_blank(remark));
        Self {
            title,
            mentions: message.mentions.iter().filter_map(mention).collect(),
            pieces,
            fields: message.fields.iter().filter_map(field).collect(),
            link: message.link.as_deref().and_then(Address::parse),
            color: message.color,
            remark: remark.map(|remark| cut(&remark, REMARK_UNITS_MAX).into_owned()),
        }
    }

    /// The whole message if `encode` makes something of it that `fits`; else as much as does.
    /// What is left out is marked.
    pub fn fit<T>(&self, encode: impl Fn(&Self) -> T, fits: impl Fn(&T) -> bool) -> T {
        let at = |step: u32| {
            let room = Room::at(step);
            if self.is_within(room) { encode(self) } else { encode(&self.within(room)) }
        };
        let whole = at(0);
        if fits(&whole) {
            return whole;
        }
        // The less is shown, the smaller it is: the first step that fits is found by halves.
        let (mut from, mut to) = (1, STEPS_MAX);
        let mut fitting = None;
        while from < to {
            let middle = u32::midpoint(from, to);
            let encoded = at(middle);
            if fits(&encoded) {
                fitting = Some(encoded);
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        fitting.unwrap_or_else(|| at(STEPS_MAX))
    }

    /// Whether all of it is shown in `room`.
    fn is_within(&self, room: Room) -> bool {
        self.fields.len() <= room.fields
            && self.mentions.len() <= room.mentions
            && self.fields.iter().all(|field| units(&field.value) <= room.value_units)
            && self.pieces.iter().map(Piece::units).sum::<usize>() <= room.body_units
    }

    fn within(&self, room: Room) -> Self {
        let mut sheet = self.clone();
        let mut left_out = Vec::new();
        for field in &mut sheet.fields {
            field.value = cut(&field.value, room.value_units).into_owned();
        }
        if room.line_units < Room::WHOLE.line_units {
            let short = |text: &mut String| *text = cut(text, room.line_units).into_owned();
            short(&mut sheet.title);
            sheet.fields.iter_mut().for_each(|field| short(&mut field.name));
            sheet.mentions.iter_mut().for_each(|mention| short(&mut mention.name));
            sheet.remark.iter_mut().for_each(short);
        }
        if sheet.fields.len() > room.fields {
            left_out.push(counted(sheet.fields.len() - room.fields, "field"));
            sheet.fields.truncate(room.fields);
        }
        if sheet.mentions.len() > room.mentions {
            left_out.push(counted(sheet.mentions.len() - room.mentions, "mention"));
            sheet.mentions.truncate(room.mentions);
        }
        let whole = sheet.pieces.iter().map(Piece::units).sum::<usize>() <= room.body_units;
        if !whole {
            sheet.pieces = cut_pieces(&self.pieces, room.body_units);
        }
        if !whole || !left_out.is_empty() {
            sheet.pieces.push(self.shortened(&left_out));
        }
        sheet
    }

    /// The mark of what was left out, with the way to the rest.
    fn shortened(&self, left_out: &[String]) -> Piece {
        let italic = Style { italic: true, ..Style::default() };
        let mark = match left_out {
            [] => "… (shortened)".to_owned(),
            some => format!("… (shortened; {} left out)", some.join(" and ")),
        };
        let mut runs = vec![Run::styled(&mark, italic)];
        if let Some(link) = &self.link {
            runs.push(Run::plain(" "));
            runs.push(Run { link: Some(link.clone()), ..Run::plain("Read it in full") });
        }
        Piece::Text(runs)
    }
}

fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn cut_pieces(pieces: &[Piece], max: usize) -> Vec<Piece> {
    let mut kept = Vec::new();
    let mut left = max;
    for piece in pieces {
        let size = piece.units();
        if size > left {
            // A few words of the next piece help nobody.
            if left >= 40 {
                kept.extend(piece.cut(left));
            }
            break;
        }
        left -= size;
        kept.push(piece.clone());
    }
    kept
}
