//! Literal text within Slack's mrkdwn.

use crate::destination::text::within_word;

/// The marks of mrkdwn and what is shown instead of one that would format. mrkdwn has no
/// escape for them, and invisible characters would spoil what people copy even more.
const MARKS: [(char, char); 4] = [('*', '∗'), ('_', 'ˍ'), ('~', '∼'), ('`', 'ˋ')];

/// `text` so that mrkdwn shows it literally: it can neither mention, link, format nor
/// become an emoji.
#[must_use]
pub fn literal(text: &str) -> String {
    if is_harmless(text) {
        return text.to_owned();
    }
    let mut chars: Vec<char> = text.chars().collect();
    for (mark, shown) in MARKS {
        let live: Vec<usize> =
            (0..chars.len()).filter(|at| chars[*at] == mark && (mark == '`' || !within_word(&chars, *at))).collect();
        // A single mark formats nothing.
        if live.len() > 1 {
            live.into_iter().for_each(|at| chars[at] = shown);
        }
    }
    disarm_emoji(&mut chars);
    disarm_quotes(&mut chars);
    let mut literal = String::with_capacity(text.len() + 16);
    for character in chars {
        match character {
            '&' => literal.push_str("&amp;"),
            '<' => literal.push_str("&lt;"),
            '>' => literal.push_str("&gt;"),
            other => literal.push(other),
        }
    }
    literal
}

/// Whether nothing in `text` could mean anything to mrkdwn: most text is like that.
fn is_harmless(text: &str) -> bool {
    let mut colons = 0;
    text.bytes().all(|byte| match byte {
        b'*' | b'_' | b'~' | b'`' | b'&' | b'<' | b'>' => false,
        b':' => {
            colons += 1;
            colons < 2
        }
        _ => true,
    })
}

/// `text` so that it stays literal between asterisks: a label.
#[must_use]
pub fn bold(text: &str) -> String {
    format!("*{}*", literal(&text.replace('*', "∗")))
}

/// `:tada:` would become a picture; `10:30:05` would not.
fn disarm_emoji(chars: &mut [char]) {
    let mut at = 0;
    while at < chars.len() {
        if chars[at] == ':' {
            let length = chars[at + 1..].iter().take_while(|c| is_emoji_name(**c)).count();
            let name = &chars[at + 1..at + 1 + length];
            let closed = chars.get(at + 1 + length) == Some(&':');
            let numeric = !name.is_empty() && name.iter().all(char::is_ascii_digit);
            if closed && length > 0 && (!numeric || matches!(length, 3 | 4)) {
                chars[at] = '∶';
            }
        }
        at += 1;
    }
}

fn is_emoji_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '+' | '-' | '\'' | 'ˍ')
}

/// A `>` that begins a line would make a quotation, even escaped.
fn disarm_quotes(chars: &mut [char]) {
    let mut begins = true;
    for character in chars {
        if begins && *character == '>' {
            *character = '›';
            continue;
        }
        begins = *character == '\n' || (begins && character.is_whitespace());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_literal() {
        let cases = [
            ("<!channel> & <https://evil|click>", "&lt;!channel&gt; &amp; &lt;https://evil|click&gt;"),
            ("*bold* and 2 * 3", "∗bold∗ and 2 ∗ 3"),
            ("2 * 3", "2 * 3"),
            ("test_checkout_flow _it_", "test_checkout_flow ˍitˍ"),
            ("~~struck~~ `code`", "∼∼struck∼∼ ˋcodeˋ"),
            (":tada: at 10:30:05", "∶tada: at 10:30:05"),
            ("> quoted\n >> twice\na > b", "› quoted\n ›› twice\na &gt; b"),
        ];
        for (text, shown) in cases {
            assert_eq!(literal(text), shown, "{text}");
        }
        assert_eq!(bold("a*b"), "*a∗b*");
    }
}
