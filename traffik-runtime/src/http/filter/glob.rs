use super::error::FilterError;
use super::segment::{self, Segment};

const WILDCARDS: &str = "write `*` for one segment, `**` for any number";

/// A pattern of paths.
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
            return Err(FilterError::NoSlash(pattern.to_owned()));
        };
        let steps = segments.split('/').map(|segment| match segment {
            "**" => Ok(Step::Many),
            segment => match mistake(segment) {
                None => Ok(Step::One(Segment::new(segment))),
                Some((part, instead)) => Err(FilterError::Pattern {
                    pattern: pattern.to_owned(),
                    part: part.to_owned(),
                    instead,
                }),
            },
        });
        Ok(Self {
            steps: steps.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a path, which begins with a slash, is like this.
    pub(super) fn matches(&self, path: &str) -> bool {
        let path = segment::normal(path);
        let Some(path) = path.strip_prefix(b"/") else {
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
                    if pattern.matches(first) {
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
    let place = segment.find(['?', '#', '\\'])?;
    let instead = match &segment[place..=place] {
        "?" => "filters see no query; leave it out, or write `%3F` for a question mark",
        "#" => "a path has no fragment; leave it out, or write `%23` for the sign",
        _ => "nothing is escaped; write `%5C` for a backslash",
    };
    Some((&segment[place..=place], instead))
}
