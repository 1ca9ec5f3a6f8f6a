//! Classifies the error replies of servers, and of the proxies in front of them.
//!
//! Servers from 7 on put the code of an error first, also where a script met it. Servers before 7, and some that are
//! compatible with them, wrap it: `ERR Error running script (call to f_…): @user_script:9: @user_script: 9: -READONLY …`.
//! Proxies answer with texts of their own.

use crate::store::redis::error::Class;

/// Codes of replies that say that nothing was done. Scripts check what these are about before their first write.
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

/// Codes of those that say something about the connection: the server behind it accepts no writes, or does not know this
/// client. All others would be the same on a new connection.
const BROKEN: [&str; 3] = ["NOAUTH", "READONLY", "WRONGPASS"];

/// Texts of proxies that sent nothing on (Envoy, Predixy, twemproxy), and of servers that refuse without a code.
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

/// Texts of proxies that sent it on and got no answer.
const AMBIGUOUS: [&str; 7] = [
    "upstream failure",
    "upstream protocol error",
    "server connection close",
    "deliver request fail",
    "Connection timed out",
    "Connection reset by peer",
    "Broken pipe",
];

/// Texts of errors that scripts meet and that have no code on servers before 7.
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
        Class::Elsewhere
    } else if REFUSALS.contains(&code) || starts_with_any(text, &NOT_APPLIED) {
        Class::NotApplied
    } else if starts_with_any(text, &AMBIGUOUS) {
        Class::Ambiguous
    } else {
        Class::Bug
    }
}

/// Returns whether the connection that an error reply came over has to be replaced.
pub(crate) fn breaks_connection(reply: &str) -> bool {
    BROKEN.contains(&code(reply))
}

fn starts_with_any(text: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| text.starts_with(start))
}

/// Returns the code of an error, or of the one that it wraps.
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
