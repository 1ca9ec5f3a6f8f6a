//! Error replies of servers and proxies: their kinds, and the connections that they close.

use std::time::{Duration, Instant};

use traffik::{Backend, ErrorKind};
use traffik_tests::FakeRedis;

use super::settings;

/// The outcome of an operation that gets an error reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing was done, and `on_error` applies.
    Refused,
    /// Nothing was done, `on_error` applies, and the connection is replaced.
    Replaced,
    /// The operation may have been done, and `on_error` applies.
    Lost,
    /// A mistake: no policy applies.
    Mistake,
}

use Outcome::{Lost, Mistake, Refused, Replaced};

/// Replies without their `-`.
const REPLIES: [(&str, Outcome); 33] = [
    (
        "OOM command not allowed when used memory > 'maxmemory'.",
        Refused,
    ),
    (
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist on disk.",
        Refused,
    ),
    ("NOREPLICAS Not enough good replicas to write.", Refused),
    (
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        Refused,
    ),
    ("LOADING Redis is loading the dataset in memory", Refused),
    (
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        Refused,
    ),
    ("CLUSTERDOWN The cluster is down", Refused),
    (
        "TRYAGAIN Multiple keys request during rehashing of slot",
        Refused,
    ),
    (
        "NOPERM User worker has no permissions to run the 'get' command",
        Refused,
    ),
    (
        "EXECABORT Transaction discarded because of previous errors.",
        Refused,
    ),
    (
        "DENIED Redis is running in protected mode because protected mode is enabled",
        Refused,
    ),
    ("ERR max number of clients reached", Refused),
    (
        "READONLY You can't write against a read only replica.",
        Replaced,
    ),
    ("NOAUTH Authentication required.", Replaced),
    (
        "WRONGPASS invalid username-password pair or user is disabled.",
        Replaced,
    ),
    // Replies of servers since version 7, from a script.
    (
        "READONLY You can't write against a read only replica. script: 6f1a, on @user_script:9.",
        Replaced,
    ),
    (
        "OOM command not allowed when used memory > 'maxmemory'. script: 6f1a, on @user_script:9.",
        Refused,
    ),
    (
        "NOPERM ACL failure in script: User worker has no permissions to run the 'set' command script: 6f1a, on @user_script:9.",
        Refused,
    ),
    (
        "ERR The user executing the script can't run this command or subcommand script: 6f1a, on @user_script:9.",
        Refused,
    ),
    // Replies of servers before version 7.
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: @user_script: 9: -READONLY You can't write against a read only replica. ",
        Replaced,
    ),
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: @user_script: 9: -OOM command not allowed when used memory > 'maxmemory'. ",
        Refused,
    ),
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: @user_script: 9: -MISCONF Redis is configured to save RDB snapshots. ",
        Refused,
    ),
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: @user_script: 9: -NOREPLICAS Not enough good replicas to write. ",
        Refused,
    ),
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: @user_script: 9: The user executing the script can't run this command or subcommand ",
        Refused,
    ),
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: Script killed by user with SCRIPT KILL... ",
        Refused,
    ),
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: READONLY You can't write against a read only replica.",
        Replaced,
    ),
    // Replies of proxies.
    ("no upstream host", Refused),
    ("ERR no server connection avaliable", Refused),
    ("upstream failure", Lost),
    ("ERR server connection close", Lost),
    // Mistakes of this program or another.
    (
        "ERR Error running script (call to f_6f1a): @user_script:9: @user_script: 9: WRONGTYPE Operation against a key holding the wrong kind of value ",
        Mistake,
    ),
    (
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        Mistake,
    ),
    (
        "ERR unknown command 'EVAL', with args beginning with: 'return 1' ",
        Mistake,
    ),
];

async fn connect(server: &FakeRedis) -> Backend {
    let backend = settings(server.url()).connect().await;
    backend.expect("the server is there")
}

/// Runs a script on a server with this reply.
async fn outcome(reply: &str) -> Outcome {
    let server = FakeRedis::start().await;
    let backend = connect(&server).await;
    server.set_reply(&["GET"], "$-1");
    server.set_reply(&["EVALSHA", "EVAL"], &format!("-{reply}"));
    let increment = backend.increment_with_ttl("n", 1, Duration::from_secs(60));
    let error = increment.await.unwrap_err();
    // A connection that stays replies at once; a replaced one follows within a moment.
    let start = Instant::now();
    while backend.get("n").await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5), "{reply}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let replaced = server.connections() > 1;
    match (error.is_transient(), error.may_have_counted(), replaced) {
        (true, false, false) => Refused,
        (true, false, true) => Replaced,
        (true, true, false) => Lost,
        (false, _, false) => Mistake,
        _ => panic!("{reply}: {error}, replaced: {replaced}"),
    }
}

#[tokio::test]
async fn classifies_every_error_reply() {
    let mut wrong = Vec::new();
    for (reply, expected) in REPLIES {
        let outcome = outcome(reply).await;
        if outcome != expected {
            wrong.push(format!("{outcome:?}, not {expected:?}: {reply}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A client without permission for its key does not close the connection of the others.
#[tokio::test]
async fn keeps_the_connection_after_a_missing_permission() {
    let server = FakeRedis::start().await;
    let backend = connect(&server).await;
    server.set_reply(&["GET"], "$-1");
    server.set_reply(&["INCRBY"], "-NOPERM No permissions to access a key");
    for _ in 0..50 {
        let error = backend.increment("n", 1).await.unwrap_err();
        assert!(error.to_string().contains("No permissions"), "{error}");
        backend.get("n").await.expect("it is shared");
    }
    assert_eq!(server.connections(), 1);
}

/// Some commands of a pipeline may have been done.
#[tokio::test]
async fn reports_that_a_refused_pipeline_may_have_counted() {
    let server = FakeRedis::start().await;
    let backend = connect(&server).await;
    for reply in ["-OOM command not allowed", "-LOADING Redis is loading"] {
        server.set_reply(&["SET"], reply);
        let entries = [("a", b"1".as_slice()), ("b", b"2")];
        let error = backend.multi_set(&entries, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
        assert!(error.may_have_counted(), "{error}");
    }
}
