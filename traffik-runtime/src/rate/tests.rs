//! Tests of the text of rates and durations, and of their errors.

use std::time::Duration;

use proptest::prelude::*;

use crate::rate::Rate;
use crate::rate::error::RateError;
use crate::rate::parse::parse_duration;

const MAX_PERIOD: u64 = 3_650 * 86_400 * 1_000_000;

fn rate(limit: u64, micros: u64) -> Rate {
    Rate::new(limit, Duration::from_micros(micros))
}

fn refusal(text: &str) -> String {
    text.parse::<Rate>().unwrap_err().to_string()
}

#[test]
fn reads_every_form() {
    for (text, limit, millis) in [
        ("5/s", 5, 1_000),
        ("2/5s", 2, 5_000),
        ("2/5 s", 2, 5_000),
        ("10/30 seconds", 10, 30_000),
        ("1000/500ms", 1_000, 500),
        ("  10  /  5S  ", 10, 5_000),
        ("20 per 2 mins", 20, 120_000),
        ("20 per 2mins", 20, 120_000),
        ("20per2mins", 20, 120_000),
        ("2 per10s", 2, 10_000),
        ("2 per second", 2, 1_000),
        ("2 persecond", 2, 1_000),
        ("2persecond", 2, 1_000),
        ("2 PER Second", 2, 1_000),
        ("5/15 minutes", 5, 900_000),
        ("100/12h", 100, 43_200_000),
        ("1000000/100000s", 1_000_000, 100_000_000),
        ("1_000/1_0s", 1_000, 10_000),
        ("007/05s", 7, 5_000),
        ("\t5\r\n/\x0c s\n", 5, 1_000),
        ("5000000000/day", 5_000_000_000, 86_400_000),
        ("9_007_199_254_740_992/s", 1 << 53, 1_000),
        ("1/3650d", 1, MAX_PERIOD / 1_000),
    ] {
        assert_eq!(text.parse(), Ok(rate(limit, millis * 1_000)), "{text:?}");
    }
}

#[test]
fn reads_every_unit() {
    for (words, micros) in [
        ("us microsecond microseconds", 1),
        ("ms millisecond milliseconds", 1_000),
        ("s sec secs second seconds", 1_000_000),
        ("m min mins minute minutes", 60_000_000),
        ("h hr hrs hour hours", 3_600_000_000),
        ("d day days", 86_400_000_000),
        ("w week weeks", 604_800_000_000),
    ] {
        for word in words.split(' ') {
            let (lower, upper) = (format!("1/{word}"), format!("1/{}", word.to_uppercase()));
            assert_eq!(lower.parse(), Ok(rate(1, micros)));
            assert_eq!(upper.parse(), Ok(rate(1, micros)));
        }
    }
}

#[test]
fn only_two_zeros_are_unlimited() {
    for text in ["0/0", " 0 / 0 ", "0/ 0", "\t0/0\n"] {
        assert_eq!(text.parse(), Ok(Rate::UNLIMITED), "{text:?}");
    }
    for text in [
        "0/0s", "00/0", "0/00", "0 per 0", "0/s", "0/10s", "000/m", "0/",
    ] {
        assert_eq!(text.parse::<Rate>(), Err(RateError::ZeroLimit), "{text:?}");
    }
    assert!("1/0".parse::<Rate>().is_err());
}

/// A text and its message on each line.
const REFUSED: &str = "\
5\u{a0}/s => white space U+00A0 is not accepted; write an ordinary space
5/s\u{b} => white space U+000B is not accepted; write an ordinary space
5s => no separator in `5s`; write `/` or `per` before the period, such as `100/minute`
super => no separator in `super`; write `/` or `per` before the period, such as `100/minute`
5/10/s => two separators in `5/10/s`; write one `/` or one `per`, such as `5/10s`
5/10 per s => two separators in `5/10 per s`; write one `/` or one `per`, such as `5/10s`
5 per/s => two separators in `5 per/s`; write one `/` or one `per`, such as `5/10s`
5/Persecond => two separators in `5/Persecond`; write one `/` or one `per`, such as `5/10s`
5perpers => two separators in `5perpers`; write one `/` or one `per`, such as `5/10s`
/s => no limit before `/`; write one, such as `100/minute`
5/ => no unit after `/`; write one, such as `s` or `minutes`
5/10 => no unit after `10`; write one, such as `s` or `minutes`
5/0 => no unit after `0`; write one, such as `s` or `minutes`
-5/s => the limit `-5` is negative; write a positive whole number
-5.5/s => the limit `-5.5` is negative; write a positive whole number
5/-5s => the multiplier `-5` is negative; write a positive whole number
+5/s => the limit `+5` has a sign; leave it out
5/+5s => the multiplier `+5` has a sign; leave it out
5.5/s => the limit `5.5` is a fraction; write a whole number, if need be over a longer period: `11/2s` for `5.5/s`
abc/s => the limit `abc` is not a number; write digits, such as `100` or `1_000`
1,000/s => the limit `1,000` is not a number; write digits, such as `100` or `1_000`
1 000/s => the limit `1 000` is not a number; write digits, such as `100` or `1_000`
1.2.3/s => the limit `1.2.3` is not a number; write digits, such as `100` or `1_000`
1e3/s => the limit `1e3` is not a number; write digits, such as `100` or `1_000`
_/s => the limit `_` is not a number; write digits, such as `100` or `1_000`
-/s => the limit `-` is not a number; write digits, such as `100` or `1_000`
5/1 000s => the multiplier `1 000` is not a number; write digits, such as `100` or `1_000`
\u{665}/s => `\u{665}` is not an ASCII digit; write `0` to `9`
5/\u{665}s => `\u{665}` is not an ASCII digit; write `0` to `9`
1__0/s => a `_` in `1__0` does not stand between two digits; write it as in `1_000`
_1/s => a `_` in `_1` does not stand between two digits; write it as in `1_000`
1_/s => a `_` in `1_` does not stand between two digits; write it as in `1_000`
5/1_s => a `_` in `1_` does not stand between two digits; write it as in `1_000`
0/s => the limit is 0; write at least 1, or `0/0` (`Rate::UNLIMITED`) for no limit
9007199254740993/s => the limit `9007199254740993` is over 9007199254740992; write a smaller one over a shorter period
5/5.5s => the multiplier `5.5` is a fraction; write a whole number, if need be of a smaller unit: `1500ms` for `1.5s`
100/minut => unknown unit `minut`; did you mean `minute`?
5 perminut => unknown unit `minut`; did you mean `minute`?
100/2 SECNODS => unknown unit `SECNODS`; did you mean `seconds`?
5/msec => unknown unit `msec`; did you mean `ms`?
5/\u{b5}s => unknown unit `\u{b5}s`; did you mean `us`?
5/dy => unknown unit `dy`; did you mean `day`?
5/DS => unknown unit `DS`; did you mean `days`?
5/mn => unknown unit `mn`; did you mean `min`?
5/hu => unknown unit `hu`; did you mean `hour`?
5/se => unknown unit `se`; did you mean `sec`?
5/wk => unknown unit `wk`; did you mean `week`?
5/mo => unknown unit `mo`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5/yr => unknown unit `yr`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5/milli_seconds => unknown unit `milli_seconds`; did you mean `milliseconds`?
5/10 micro-seconds => unknown unit `micro-seconds`; did you mean `microseconds`?
5 per milli_second => unknown unit `milli_second`; did you mean `millisecond`?
5/milli_ => unknown unit `milli`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5/s_ => unexpected `_` after the unit; leave it out, or write one unit: `90s`, not `1m 30s`
5/\u{455} => unknown unit `\u{455}`; did you mean `s`, without `\u{455}` (U+0455), a letter of another alphabet?
5/m\u{456}nut => unknown unit `m\u{456}nut`; did you mean `minute`, without `\u{456}` (U+0456), a letter of another alphabet?
5/\u{ff53} => unknown unit `\u{ff53}`; did you mean `s`, without `\u{ff53}` (U+FF53), a letter of another alphabet?
5/d\u{430}y => unknown unit `d\u{430}y`; did you mean `day`, without `\u{430}` (U+0430), a letter of another alphabet?
5 p\u{435}r s => no separator in `5 p\u{435}r s`; `\u{435}` (U+0435) only looks like one; write `/` or `per` before the period, such as `100/minute`
5\u{2215}s => no separator in `5\u{2215}s`; `\u{2215}` (U+2215) only looks like one; write `/` or `per` before the period, such as `100/minute`
5/x => unknown unit `x`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5/month => unknown unit `month`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5/period => unknown unit `period`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5/@ => unknown unit `@`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5/5s@ => unexpected `@` after the unit; leave it out, or write one unit: `90s`, not `1m 30s`
5/m s => unexpected `s` after the unit; leave it out, or write one unit: `90s`, not `1m 30s`
5/1m30s => unexpected `30s` after the unit; leave it out, or write one unit: `90s`, not `1m 30s`
5/s\0\u{202e} => unexpected `\\0\\u{202e}` after the unit; leave it out, or write one unit: `90s`, not `1m 30s`
5/0s => the period is 0; write at least one microsecond
1/3651d => the period is over ten years; write at most 3650 days
1/315360000000001us => the period is over ten years; write at most 3650 days
1/99999999999999999999999w => the period is over ten years; write at most 3650 days
 => the rate is empty; write a limit and a period, such as `100/minute`
 Per s => no limit before `Per`; write one, such as `100/minute`
5 per  => no unit after `per`; write one, such as `s` or `minutes`";

#[test]
fn names_the_mistake_and_what_to_write_instead() {
    for line in REFUSED.lines() {
        let (text, message) = line.split_once(" => ").unwrap();
        assert_eq!(refusal(text), message, "{text:?}");
    }
    assert_eq!(" \n\t".parse::<Rate>(), Err(RateError::Empty));
}

#[test]
fn repeats_a_line_at_most() {
    let long = refusal(&format!("5/{}", "é".repeat(1_000_000)));
    let shown = format!("unknown unit `{}…`;", "é".repeat(30));
    assert!(long.starts_with(&shown), "{long}");

    let lines = refusal("5\n/\n10/s");
    assert!(lines.starts_with("two separators in `5…`;"), "{lines}");
}

#[test]
fn prints_the_longest_unit() {
    for (text, printed) in [
        ("10/70d", "10/10w"),
        ("10/60s", "10/m"),
        ("5/10s", "5/10s"),
        ("1/90 minutes", "1/90m"),
        ("1/1500 ms", "1/1500ms"),
        ("1/1000us", "1/ms"),
        ("1/1_001us", "1/1001us"),
        ("1/24h", "1/d"),
        ("1/604800s", "1/w"),
        ("1/3650d", "1/3650d"),
        ("0 / 0", "0/0"),
    ] {
        assert_eq!(text.parse::<Rate>().unwrap().to_string(), printed);
    }
}

#[test]
fn is_built_in_const() {
    const RATES: [Rate; 8] = [
        Rate::per_microsecond(1),
        Rate::per_millisecond(2),
        Rate::per_second(3),
        Rate::per_minute(4),
        Rate::per_hour(5),
        Rate::per_day(6),
        Rate::per_week(7),
        Rate::unlimited(),
    ];
    const LONG: Rate = Rate::of(10)
        .weeks(1)
        .days(1)
        .hours(1)
        .minutes(30)
        .seconds(45)
        .milliseconds(10)
        .microseconds(3);

    let printed = RATES.map(|rate| rate.to_string()).join(" ");
    assert_eq!(printed, "1/us 2/ms 3/s 4/m 5/h 6/d 7/w 0/0");
    assert_eq!(LONG.period_micros(), 8 * 86_400_000_000 + 5_445_010_003);
    assert_eq!(Rate::of(100).minutes(5).seconds(0), rate(100, 300_000_000));
    assert_eq!(Rate::of(1).microseconds(MAX_PERIOD), rate(1, MAX_PERIOD));
}

#[test]
fn refuses_nonsense() {
    let second = Duration::from_secs(1);
    let tick = Duration::from_micros(1);
    let longest = Duration::from_micros(MAX_PERIOD);
    let error = |limit, period| Rate::try_new(limit, period).err();
    assert_eq!(error(1, longest), None);
    assert_eq!(error(0, second), Some(RateError::ZeroLimit));
    assert_eq!(error(0, Duration::ZERO), Some(RateError::ZeroLimit));
    assert_eq!(error(1, Duration::ZERO), Some(RateError::ZeroPeriod));
    assert_eq!(
        error(1, second + tick / 1_000),
        Some(RateError::PeriodNotWhole)
    );
    assert_eq!(error(1 << 53, second), None);
    let message = error((1 << 53) + 1, second).map(|error| error.to_string());
    assert_eq!(
        message.as_deref(),
        Some(
            "the limit `9007199254740993` is over 9007199254740992; write a smaller one over a shorter period"
        )
    );
    assert_eq!(error(1, longest + tick), Some(RateError::PeriodTooLong));
    assert_eq!(
        error(1, Duration::from_secs(u64::MAX)),
        Some(RateError::PeriodTooLong)
    );
}

#[test]
#[should_panic(expected = "the limit is 0; write at least 1")]
fn new_panics_at_a_limit_of_zero() {
    let _ = Rate::per_second(0);
}

#[test]
#[should_panic(expected = "the limit is over 9007199254740992; write a smaller one")]
fn new_panics_at_a_limit_that_doubles_cannot_count() {
    let _ = Rate::per_day((1 << 53) + 1);
}

#[test]
#[should_panic(expected = "the period is 0; write at least one microsecond")]
fn new_panics_at_a_period_of_zero() {
    let _ = Rate::of(5).hours(0);
}

#[test]
#[should_panic(expected = "the period is not a whole number of microseconds; round it to one")]
fn new_panics_below_a_microsecond() {
    let _ = Rate::new(5, Duration::from_nanos(1_500));
}

#[test]
#[should_panic(expected = "the period is over ten years; write at most 3650 days")]
fn a_sum_over_ten_years_panics() {
    let _ = Rate::of(5).days(3_650).weeks(u64::MAX);
}

#[test]
#[should_panic(expected = "an unlimited rate has no period; begin with `Rate::of`")]
fn an_unlimited_rate_gets_no_period() {
    let _ = Rate::UNLIMITED.seconds(5);
}

#[test]
#[allow(clippy::float_cmp, reason = "these quotients are exact")]
fn knows_its_means() {
    let rate = Rate::per_hour(120);
    assert_eq!((rate.rpm(), rate.rph(), rate.rpd()), (2.0, 120.0, 2_880.0));
    assert!((rate.rps() - 1.0 / 30.0).abs() < 1e-12);
    assert_eq!(Rate::of(10).milliseconds(100).rps(), 100.0);
    assert_eq!(
        (Rate::UNLIMITED.rps(), Rate::UNLIMITED.rpd()),
        (f64::INFINITY, f64::INFINITY)
    );
}

#[test]
fn is_subsecond_below_a_second() {
    assert!(Rate::of(1).milliseconds(999).is_subsecond());
    assert!(!Rate::of(1).milliseconds(1_000).is_subsecond());
    assert!(!Rate::UNLIMITED.is_subsecond());
    assert!(Rate::UNLIMITED.is_unlimited());
    assert!(!Rate::per_second(1).is_unlimited());
}

#[test]
#[allow(clippy::float_cmp, reason = "zero is exact")]
fn a_closed_rate_is_neither_unlimited_nor_text() {
    const CLOSED: Rate = Rate::closed(Duration::from_secs(60));
    assert!(CLOSED.is_closed() && !CLOSED.is_unlimited());
    assert!(!Rate::UNLIMITED.is_closed() && !Rate::per_second(1).is_closed());
    assert_eq!((CLOSED.limit(), CLOSED.rps()), (0, 0.0));
    assert_eq!(CLOSED.period(), Duration::from_secs(60));
    assert_eq!(CLOSED.to_string(), "0/m");
    assert_eq!("0/m".parse::<Rate>(), Err(RateError::ZeroLimit));
    assert_eq!(Rate::try_new(0, CLOSED.period()), Err(RateError::ZeroLimit));
    assert_eq!(CLOSED.minutes(1), Rate::closed(Duration::from_secs(120)));
    assert!(Rate::closed(Duration::from_millis(1)).is_subsecond());
    // What serde writes, it reads.
    let json = serde_json::to_string(&CLOSED).unwrap();
    assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), CLOSED);
}

#[test]
#[should_panic(expected = "the period is 0; write at least one microsecond")]
fn closed_panics_at_a_period_of_zero() {
    let _ = Rate::closed(Duration::ZERO);
}

#[test]
fn is_a_string_to_serde() {
    let read = serde_json::from_str::<Rate>;
    let rate = Rate::of(5).seconds(10);
    assert_eq!(serde_json::to_string(&rate).unwrap(), r#""5/10s""#);
    assert_eq!(read(r#""5 per 10 seconds""#).unwrap(), rate);
    // An escape makes the text one that is not borrowed.
    assert_eq!(read(r#""5\/10s""#).unwrap(), rate);
    assert_eq!(read(r#""0/0""#).unwrap(), Rate::UNLIMITED);

    let message = |json| read(json).unwrap_err().to_string();
    assert!(message(r#""5/x""#).starts_with("unknown unit `x`;"));
    assert!(message("123").contains("expected a rate such as `100/minute`"));
}

#[test]
fn reads_durations() {
    for (text, micros) in [
        ("500ms", 500_000),
        (" 2 Minutes\n", 120_000_000),
        ("1_000us", 1_000),
        ("0ms", 0),
        ("00 s", 0),
        ("3650d", MAX_PERIOD),
    ] {
        assert_eq!(
            parse_duration(text),
            Ok(Duration::from_micros(micros)),
            "{text:?}"
        );
    }
}

/// As above.
const REFUSED_DURATIONS: &str = "\
ms => no number before `ms`; write one, such as `1ms`
500 => no unit after `500`; write one, such as `s` or `minutes`
-5s => the number `-5` is negative; write a positive whole number
1.5s => the number `1.5` is a fraction; write a whole number, if need be of a smaller unit: `1500ms` for `1.5s`
5/s => unknown unit `/s`; write one of `us`, `ms`, `s`, `m`, `h`, `d`, `w`
5 s 3 => unexpected `3` after the unit; leave it out, or write one unit: `90s`, not `1m 30s`
5\u{2003}s => white space U+2003 is not accepted; write an ordinary space
3651d => the duration is over ten years; write at most 3650 days
 => the duration is empty; write a number and a unit, such as `500ms`";

#[test]
fn names_the_mistake_in_a_duration() {
    for line in REFUSED_DURATIONS.lines() {
        let (text, message) = line.split_once(" => ").unwrap();
        assert_eq!(
            parse_duration(text).unwrap_err().to_string(),
            message,
            "{text:?}"
        );
    }
}

/// The grammar a second time, by trying every way to take a text apart.
fn reference(text: &str) -> Option<Rate> {
    let text = text.to_ascii_lowercase();
    let mut splits = ["/", "per"]
        .into_iter()
        .flat_map(|separator| text.match_indices(separator));
    splits.find_map(|(at, separator)| {
        let (limit, period) = (trim(&text[..at]), trim(&text[at + separator.len()..]));
        if (limit, separator, period) == ("0", "/", "0") {
            return Some(Rate::UNLIMITED);
        }
        Rate::try_new(whole(limit)?, reference_period(period)?).ok()
    })
}

fn reference_period(text: &str) -> Option<Duration> {
    let units = [
        ("ms", 1_000),
        ("s", 1_000_000),
        ("m", 60_000_000),
        ("w", 604_800_000_000),
    ];
    units.into_iter().find_map(|(unit, micros)| {
        let multiplier = match trim(text.strip_suffix(unit)?) {
            "" => 1,
            number => whole(number)?,
        };
        Some(Duration::from_micros(multiplier.checked_mul(micros)?))
    })
}

/// Digits in groups: `None` for anything else.
fn whole(text: &str) -> Option<u64> {
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    text.split('_')
        .all(digits)
        .then(|| text.replace('_', ""))?
        .parse()
        .ok()
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\n'])
}

#[test]
fn agrees_with_the_reference_on_all_short_texts() {
    const PIECES: [&str; 16] = [
        "0", "5", "/", "per", "s", "m", "W", "_", " ", "\n", ".", "-", "+", "@", "\u{665}",
        "\u{a0}",
    ];
    let mut accepted = 0;
    for number in 0..PIECES.len().pow(5) {
        let text: String = (0..5)
            .map(|place| PIECES[number >> (4 * place) & 15])
            .collect();
        let rate = text.parse().ok();
        assert_eq!(rate, reference(&text), "{text:?}");
        accepted += usize::from(rate.is_some());
    }
    assert!(accepted > 500, "{accepted}");
}

proptest! {
    #[test]
    fn printed_rates_read_back(
        limit in prop_oneof![1_u64..=100, 1_u64..=1 << 53],
        micros in 1..=MAX_PERIOD,
        unit in prop::sample::select(&[1, 1_000, 60_000_000, 604_800_000_000]),
    ) {
        let rate = rate(limit, micros.next_multiple_of(unit).min(MAX_PERIOD));
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        let json = serde_json::to_string(&rate).unwrap();
        prop_assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate);
    }

    #[test]
    fn any_text_gets_an_answer_on_one_short_line(
        any in any::<String>(),
        near in "(5|5 per |5/)?.{0,80}",
    ) {
        for text in [&any, &near] {
            let errors = [text.parse::<Rate>().err(), parse_duration(text).err()];
            for message in errors.into_iter().flatten().map(|error| error.to_string()) {
                prop_assert!(message.len() < 200, "{message:?}");
                prop_assert!(!message.contains(char::is_control), "{message:?}");
            }
        }
    }
}
