use crate::http::filter::error::FilterError;
use crate::http::filter::segment;
use crate::http::filter::segment::Segment;

const WILDCARDS: &str = "write `*` for one segment, `**` for any number";

/// The longest path that a request can have, in bytes; the `http` crate refuses longer ones.
const LONGEST_PATH: usize = 65_534;

/// A pattern of paths.
///
/// A star that is a whole segment matches what a parameter of axum's router does: an empty segment in the middle, as in
/// `//posts`, and none at the end.
#[derive(Debug)]
pub(super) struct Glob {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    /// One segment that is like this.
    One(Segment),
    /// Any number of segments, also none.
    Many,
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Result<Self, FilterError> {
        let Some(segments) = pattern.strip_prefix('/') else {
            return Err(FilterError::NoSlash(printable(pattern)));
        };
        let steps = segments.split('/').map(|segment| match segment {
            "**" => Ok(Step::Many),
            segment => match mistake(segment) {
                None => Ok(Step::One(Segment::new(segment))),
                Some((part, instead)) => Err(FilterError::Pattern {
                    pattern: printable(pattern),
                    part: printable(part),
                    instead,
                }),
            },
        });
        let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
        let lengths = steps.iter().map(|step| match step {
            Step::One(segment) => 1 + segment.least_length(),
            Step::Many => 0,
        });
        let last = matches!(steps.last(), Some(Step::One(segment)) if segment.is_star());
        if lengths.sum::<usize>() + usize::from(last) > LONGEST_PATH {
            return Err(FilterError::TooLong);
        }
        Ok(Self { steps })
    }

    /// Whether a path in its normal form, which begins with a slash, is like this.
    pub(super) fn matches(&self, path: &str) -> bool {
        let Some(path) = path.as_bytes().strip_prefix(b"/") else {
            return false;
        };
        // Where segments that are left over can be given to the last `**`: behind it, and before them.
        let mut retry = None;
        let (mut step, mut rest) = (0, Some(path));
        loop {
            match (self.steps.get(step), rest) {
                (None, None) => return true,
                (Some(Step::Many), _) => {
                    retry = Some((step + 1, rest));
                    step += 1;
                    continue;
                }
                (Some(Step::One(pattern)), Some(path)) => {
                    let (first, behind) = split(path);
                    let is_empty_end = first.is_empty() && behind.is_none();
                    if pattern.matches(first) && !(is_empty_end && pattern.is_star()) {
                        (step, rest) = (step + 1, behind);
                        continue;
                    }
                }
                _ => {}
            }
            let Some((behind, Some(given))) = retry else {
                return false;
            };
            let (_, left) = split(given);
            retry = Some((behind, left));
            (step, rest) = (behind, left);
        }
    }
}

/// The first segment, and those behind its slash.
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

/// What of a segment cannot be meant as it stands, and what to write instead.
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
    if let Some(place) = segment::lone_percent(segment) {
        let instead = "two hexadecimal digits stand behind a `%`; write `%25` for the sign";
        return Some((&segment[place..], instead));
    }
    if let Some(control) = segment.matches(char::is_control).next() {
        let instead =
            "a path holds no control characters; leave it out, or write its escape, such as `%0A`";
        return Some((control, instead));
    }
    let place = segment.find(['?', '#', '\\'])?;
    let instead = match &segment[place..=place] {
        "?" => "filters see no query; leave it out, or write `%3F` for a question mark",
        "#" => "a path has no fragment; leave it out, or write `%23` for the sign",
        _ => "nothing is escaped; write `%5C` for a backslash",
    };
    Some((&segment[place..=place], instead))
}
