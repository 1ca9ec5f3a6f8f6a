//! Patterns of paths.

use crate::http::filter::error::FilterError;
use crate::http::filter::segment::{Segment, lone_percent};

const WILDCARDS: &str = "write `*` for one segment, `**` for any number";

/// The largest length of a path, in bytes. The `http` crate refuses longer ones.
const MAX_PATH: usize = 65_534;

/// A pattern of paths.
///
/// A star that is a whole segment matches like a parameter of axum's router: an empty segment in
/// the middle, as in `//posts`, but not at the end.
#[derive(Debug)]
pub(super) struct Glob {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    /// One segment.
    One(Segment),
    /// Any number of segments, or none.
    Many,
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Result<Self, FilterError> {
        let Some(segments) = pattern.strip_prefix('/') else {
            return Err(FilterError::NoSlash(printable(pattern)));
        };
        let pieces = segments.split('/').map(|segment| match segment {
            "**" => Ok(Piece::Many),
            segment => match mistake(segment) {
                None => Ok(Piece::One(Segment::new(segment))),
                Some((part, instead)) => Err(FilterError::Pattern {
                    pattern: printable(pattern),
                    part: printable(part),
                    instead,
                }),
            },
        });
        let pieces: Vec<Piece> = pieces.collect::<Result<_, _>>()?;
        let lengths = pieces.iter().map(|piece| match piece {
            Piece::One(segment) => 1 + segment.least_length(),
            Piece::Many => 0,
        });
        let last = matches!(pieces.last(), Some(Piece::One(segment)) if segment.is_star());
        if lengths.sum::<usize>() + usize::from(last) > MAX_PATH {
            return Err(FilterError::TooLong);
        }
        Ok(Self { pieces })
    }

    /// Returns `true` if a path in its normal form, which begins with a slash, matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        let Some(path) = path.as_bytes().strip_prefix(b"/") else {
            return false;
        };
        // The piece after the last `**`, and the segments from which it is tried again.
        let mut retry = None;
        let (mut piece, mut rest) = (0, Some(path));
        loop {
            match (self.pieces.get(piece), rest) {
                (None, None) => return true,
                (Some(Piece::Many), _) => {
                    retry = Some((piece + 1, rest));
                    piece += 1;
                    continue;
                }
                (Some(Piece::One(pattern)), Some(path)) => {
                    let (first, after) = split(path);
                    let is_empty_end = first.is_empty() && after.is_none();
                    if pattern.matches(first) && !(is_empty_end && pattern.is_star()) {
                        (piece, rest) = (piece + 1, after);
                        continue;
                    }
                }
                _ => {}
            }
            let Some((after, Some(skipped))) = retry else {
                return false;
            };
            let (_, left) = split(skipped);
            retry = Some((after, left));
            (piece, rest) = (after, left);
        }
    }
}

/// Returns the first segment, and those after its slash.
fn split(path: &[u8]) -> (&[u8], Option<&[u8]>) {
    match path.iter().position(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], Some(&path[slash + 1..])),
        None => (path, None),
    }
}

/// Returns a text with its control characters escaped, for a message.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_debug());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// Returns the part of a segment that is likely a mistake, and a suggestion.
fn mistake(segment: &str) -> Option<(&str, &'static str)> {
    if let Some(open) = segment.find('{') {
        let close = segment[open..].find('}').map(|close| open + close + 1);
        return Some((&segment[open..close.unwrap_or(segment.len())], WILDCARDS));
    }
    if segment.starts_with(':') {
        return Some((segment, WILDCARDS));
    }
    if segment.contains("**") {
        return Some((segment, "`**` is a whole segment, as in `/files/**`"));
    }
    if let Some(place) = lone_percent(segment) {
        let instead = "a `%` needs two hexadecimal digits after it; write `%25` for a percent sign";
        return Some((&segment[place..], instead));
    }
    if let Some(control) = segment.matches(char::is_control).next() {
        let instead =
            "a path has no control characters; leave it out, or write its escape, such as `%0A`";
        return Some((control, instead));
    }
    let place = segment.find(['?', '#', '\\'])?;
    let instead = match &segment[place..=place] {
        "?" => "filters ignore the query; leave it out, or write `%3F` for a question mark",
        "#" => "a path has no fragment; leave it out, or write `%23` for a number sign",
        _ => "a backslash escapes nothing; write `%5C` for a backslash",
    };
    Some((&segment[place..=place], instead))
}
