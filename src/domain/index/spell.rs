//! Spells out what a test of a fact says, so that two that say the same are known to.

use crate::domain::condition::{Limit, Test, Wanted};

/// Adds to `out` what `tests` say. Different tests are spelled differently; so are tests of
/// which this cannot tell that they say the same.
pub(super) fn tests(tests: &[Test], out: &mut Vec<u8>) {
    number(tests.len(), out);
    tests.iter().for_each(|test| spell(test, out));
}

fn spell(test: &Test, out: &mut Vec<u8>) {
    match test {
        Test::OneOf(any) => list(0, any, out),
        Test::Not(not) => {
            out.push(1);
            tests(not, out);
        }
        Test::Order(bound, limit) => {
            out.extend([2, *bound as u8]);
            match limit {
                Limit::Number(number) => {
                    out.push(0);
                    out.extend(number.to_bits().to_le_bytes());
                }
                Limit::Rank(rank) => {
                    out.push(1);
                    number(*rank, out);
                }
                Limit::Seconds(seconds) => {
                    out.push(2);
                    out.extend(seconds.to_le_bytes());
                }
            }
        }
        Test::StartsWith(part) => text(3, part.as_str(), out),
        Test::EndsWith(part) => text(4, part.as_str(), out),
        Test::Contains(part) => text(5, part.as_str(), out),
        Test::Like(pattern) => text(6, pattern.as_str(), out),
        Test::Matches(pattern) => text(7, pattern.as_str(), out),
        Test::Present(presence) => out.extend([8, *presence as u8]),
        Test::HasAny(any) => list(9, any, out),
        Test::HasAll(all) => list(10, all, out),
        Test::HasNone(none) => list(11, none, out),
        Test::Changed(changed) => out.extend([12, u8::from(*changed)]),
    }
}

fn list(sign: u8, wanted: &[Wanted], out: &mut Vec<u8>) {
    out.push(sign);
    number(wanted.len(), out);
    for one in wanted {
        match one {
            Wanted::Text(part) => text(0, part.as_str(), out),
            Wanted::Glob(pattern) => text(1, pattern.as_str(), out),
            Wanted::Number(number) => {
                out.push(2);
                out.extend(number.to_bits().to_le_bytes());
            }
            Wanted::Flag(flag) => out.extend([3, u8::from(*flag)]),
        }
    }
}

fn text(sign: u8, text: &str, out: &mut Vec<u8>) {
    out.push(sign);
    number(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn number(number: usize, out: &mut Vec<u8>) {
    out.extend(number.to_le_bytes());
}
