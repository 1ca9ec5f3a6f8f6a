//! Classifies the error replies of servers, and of the proxies in front of them.
//!
//! Servers from version 7 on put the code of an error first, also if a script met it. Earlier
//! servers, and some compatible ones, wrap it:
//! `ERR Error running script (call to f_…): @user_script:9: @user_script: 9: -READONLY …`.
//! Proxies reply with texts of their own.

/// The effect of an operation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It was not done.
    NotApplied,
    /// It was sent, and may have been done.
    Ambiguous,
    /// It was not done, because the server does not have the script.
    NoScript,
    /// The server does not understand the command, or the client the reply.
    Bug,
}

/// Codes of replies after which nothing was done. Scripts meet these errors before their first
/// write.
const REFUSALS: [&str; 16] = [
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "DENIED",
    "EXECABORT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "WRONGPASS",
];

/// Codes that concern the connection: the server behind it accepts no writes, or does not know this
/// client. A new connection would meet every other error again.
const BROKEN: [&str; 3] = ["NOAUTH", "READONLY", "WRONGPASS"];

/// Texts of proxies that forwarded nothing (Envoy, Predixy, twemproxy), and of servers that refuse
/// without a code.
const NOT_APPLIED: [&str; 8] = [
    "no upstream host",
    "no server avaliable",
    "no server connection avaliable",
    "Connection refused",
    "Host is down",
    "No route to host",
    "max number of clients",
    "Script killed by user",
];

/// Texts of proxies that forwarded the command and got no answer.
const AMBIGUOUS: [&str; 7] = [
    "upstream failure",
    "upstream protocol error",
    "server connection close",
    "deliver request fail",
    "Connection timed out",
    "Connection reset by peer",
    "Broken pipe",
];

/// Texts of errors in scripts that have no code on servers before version 7, and their codes.
const IN_SCRIPTS: [(&str, &str); 3] = [
    ("The user executing the script can't", "NOPERM"),
    ("while the cluster is down", "CLUSTERDOWN"),
    ("Script killed by user", "BUSY"),
];

/// Classifies an error reply, without its leading `-`.
pub(crate) fn class(reply: &str) -> Class {
    let code = code(reply);
    let text = reply.strip_prefix("ERR ").unwrap_or(reply);
    if code == "NOSCRIPT" {
        Class::NoScript
    } else if REFUSALS.contains(&code) || starts_with_any(text, &NOT_APPLIED) {
        Class::NotApplied
    } else if starts_with_any(text, &AMBIGUOUS) {
        Class::Ambiguous
    } else {
        Class::Bug
    }
}

/// Returns `true` if the connection on which an error reply was received must be replaced.
pub(crate) fn breaks_connection(reply: &str) -> bool {
    BROKEN.contains(&code(reply))
}

fn starts_with_any(text: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}

/// Returns the code of an error, or of the error that it wraps.
pub(crate) fn code(reply: &str) -> &str {
    let code = first_word(reply);
    if code != "ERR" {
        return code;
    }
    let in_script = IN_SCRIPTS.iter().find(|(text, _)| reply.contains(text));
    if let Some((_, code)) = in_script {
        return code;
    }
    let Some((_, wrapped)) = reply.split_once("Error running script") else {
        return code;
    };
    let mut words = wrapped
        .split(": ")
        .map(|part| first_word(part.trim_start_matches('-')));
    words.find(|word| REFUSALS.contains(word)).unwrap_or(code)
}

fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}
