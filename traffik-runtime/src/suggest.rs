//! Suggestions for unknown words: the nearest of the accepted ones.

use std::borrow::Cow;

/// Letters of other alphabets, each with the ASCII letter that it looks like. These are the ones of
/// Unicode's list of confusable characters (Unicode Technical Standard 39) that keyboards and
/// copied text produce.
const LOOK_ALIKES: [(&str, &str); 4] = [
    // Cyrillic.
    (
        "аАВсСԁеЕһНіІјЈКӏМоОрРԛѕЅТѵԝхХуУ",
        "aABcCdeEhHiIjJKlMoOpPqsSTvwxXyY",
    ),
    // Greek.
    ("αΑΒΕΗιΙκΚΜνΝοΟρΡΤυΥχΧΖ", "aABEHiIkKMvNoOpPTuYxXZ"),
    // Armenian.
    ("հոսօ", "hnuo"),
    // Latin, without a dot.
    ("ı", "i"),
];

/// Returns the ASCII letter that a letter of another alphabet looks like; `None` for all other
/// characters.
///
/// ```
/// use traffik_runtime::suggest::look_alike;
///
/// assert_eq!(look_alike('\u{430}'), Some('a'));
/// assert_eq!(look_alike('a'), None);
/// ```
pub fn look_alike(letter: char) -> Option<char> {
    // The full-width forms of ASCII.
    if let 'Ａ'..='Ｚ' | 'ａ'..='ｚ' = letter {
        return char::from_u32(u32::from(letter) - 0xFEE0);
    }
    LOOK_ALIKES.iter().find_map(|(letters, ascii)| {
        let mut pairs = letters.chars().zip(ascii.chars());
        pairs
            .find(|(foreign, _)| *foreign == letter)
            .map(|(_, ascii)| ascii)
    })
}

/// Replaces letters of other alphabets with the ASCII letters that they look like.
pub(crate) fn in_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let ascii = |letter| look_alike(letter).unwrap_or(letter);
    Cow::Owned(text.chars().map(ascii).collect())
}

/// Returns the question that ends a message about an unknown word: "did you mean `rate`?". It names
/// a letter of another alphabet that looks like one of the name, since readers cannot see the
/// difference.
///
/// ```
/// use traffik_runtime::suggest::did_you_mean;
///
/// assert_eq!(did_you_mean("rat", "rate"), "did you mean `rate`?");
/// assert_eq!(
///     did_you_mean("r\u{430}te", "rate"),
///     "did you mean `rate`, without `\u{430}` (U+0430), a letter of another alphabet?"
/// );
/// ```
pub fn did_you_mean(word: &str, name: &str) -> String {
    match word.chars().find(|letter| look_alike(*letter).is_some()) {
        None => format!("did you mean `{name}`?"),
        Some(letter) => format!(
            "did you mean `{name}`, without `{letter}` (U+{:04X}), a letter of another alphabet?",
            u32::from(letter)
        ),
    }
}

/// Returns the candidate that `word` was most likely meant to be, or `None` if none is near.
///
/// Upper and lower case count as equal, and so do letters of other alphabets that look alike. One
/// slip (a letter too many, too few, wrong, or two swapped) is forgiven for every three letters of
/// the word, so words of one or two letters must match but for their case. Of equally near
/// candidates the first is returned.
///
/// ```
/// use traffik_runtime::suggest::nearest;
///
/// let strategies = ["fixed_window", "token_bucket", "gcra"];
/// assert_eq!(nearest("tokn_bukcet", strategies), Some("token_bucket"));
/// assert_eq!(nearest("GCRA", strategies), Some("gcra"));
/// assert_eq!(nearest("bucket", strategies), None);
/// ```
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = &*in_ascii(word);
    let length = word.chars().count();
    let slips = length / 3;
    candidates
        .into_iter()
        // This also bounds the time for a long word: only candidates of about its length are
        // compared.
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= slips)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the candidate that `word` almost certainly misspells: it differs in case, or by one slip
/// inside the word, with the first and the last letter in place. Letters of other alphabets that
/// look alike count as equal. This is for words that may also be names of the user's.
///
/// ```
/// use traffik_runtime::suggest::misspelt;
///
/// let words = ["ip", "header", "everyone"];
/// assert_eq!(misspelt("Header", words), Some("header"));
/// assert_eq!(misspelt("heder", words), Some("header"));
/// assert_eq!(misspelt("reader", words), None);
/// assert_eq!(misspelt("headers", words), None);
/// ```
pub fn misspelt<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = &*in_ascii(word);
    let ends = |word: &str| {
        let lower = word.to_lowercase();
        (lower.chars().next(), lower.chars().next_back())
    };
    let mut candidates = candidates.into_iter();
    candidates
        .find(|candidate| ends(candidate) == ends(word) && one_slip(word, [*candidate]).is_some())
}

/// Returns the candidate that is at most one slip away from a word.
pub(crate) fn one_slip<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = &*in_ascii(word);
    let mut candidates = candidates.into_iter();
    candidates.find(|candidate| {
        candidate.len().abs_diff(word.len()) <= 1 && distance(word, candidate) <= 1
    })
}

fn distance(one: &str, other: &str) -> usize {
    strsim::damerau_levenshtein(&one.to_lowercase(), &other.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{LOOK_ALIKES, misspelt, nearest};

    #[test]
    fn forgives_one_slip_in_three_letters() {
        let words = ["burst", "debt"];
        for near in ["brust", "burs", "bursts", "bust", "BURST", "Burzt"] {
            assert_eq!(nearest(near, words), Some("burst"), "{near}");
        }
        for far in ["", "b", "bu", "bzrzt", "cost", "bursting"] {
            assert_eq!(nearest(far, words), None, "{far}");
        }
    }

    #[test]
    fn short_words_match_but_for_their_case() {
        assert_eq!(nearest("IP", ["ip"]), Some("ip"));
        assert_eq!(nearest("id", ["ip"]), None);
    }

    #[test]
    fn a_misspelling_keeps_the_ends_of_the_word() {
        let words = ["ip", "header", "everyone", "route"];
        for (word, meant) in [
            ("IP", "ip"),
            ("Everyone", "everyone"),
            ("evryone", "everyone"),
            ("everyyone", "everyone"),
            ("haeder", "header"),
            ("h\u{435}ader", "header"),
        ] {
            assert_eq!(misspelt(word, words), Some(meant), "{word}");
        }
        for own in [
            "", "i", "ips", "id", "reader", "headers", "bearer", "loader", "everyon", "rout",
            "router", "hder",
        ] {
            assert_eq!(misspelt(own, words), None, "{own}");
        }
    }

    #[test]
    fn letters_that_look_alike_count_as_equal() {
        assert_eq!(nearest("і\u{440}", ["ip"]), Some("ip"));
        assert_eq!(nearest("ｒａｔｅ", ["rate"]), Some("rate"));
        assert_eq!(nearest("r\u{430}te", ["rate"]), Some("rate"));
        assert_eq!(nearest("ж\u{440}", ["ip"]), None);
    }

    #[test]
    fn every_look_alike_has_its_letter() {
        for (letters, ascii) in LOOK_ALIKES {
            assert_eq!(letters.chars().count(), ascii.len(), "{letters}");
            assert!(letters.chars().all(|letter| !letter.is_ascii()));
        }
    }

    #[test]
    fn takes_the_nearest_and_of_equals_the_first() {
        assert_eq!(nearest("minutse", ["minute", "minutes"]), Some("minute"));
        assert_eq!(nearest("minutess", ["minute", "minutes"]), Some("minutes"));
    }

    #[test]
    fn a_very_long_word_is_near_to_nothing() {
        assert_eq!(nearest(&"x".repeat(1_000_000), ["burst"]), None);
    }
}
