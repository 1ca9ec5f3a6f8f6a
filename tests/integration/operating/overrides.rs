//! Overrides of rates and switches from a file. The loaded file belongs to the process, so the
//! tests run one after the other.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use traffik::registry::Pending;
use traffik::strategy::{Adaptive, Tiered};
use traffik::{DynThrottle, Error, ErrorKind, Identity, Rate, Throttle as _, registry};
use traffik_tests::{head, midnight};

use super::entry;

static EXCLUSIVE: Mutex<()> = Mutex::const_new(());

/// A file that exists while its test runs.
struct File {
    path: PathBuf,
    _exclusive: MutexGuard<'static, ()>,
}

impl File {
    async fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("traffik-{}-{name}", std::process::id()));
        Self {
            path,
            _exclusive: EXCLUSIVE.lock().await,
        }
    }

    fn load(&self, text: &str) -> Result<(), Error> {
        fs::write(&self.path, text).unwrap();
        registry().load_overrides(&self.path)
    }

    fn problems(&self, text: &str) -> Vec<String> {
        let error = self.load(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        let message = error.to_string();
        assert!(
            message.starts_with(&format!(
                "overrides file `{}` ignored: ",
                self.path.display()
            )),
            "{message}"
        );
        match error {
            Error::Overrides { problems, .. } => problems,
            other => panic!("{other}"),
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let is_json = self.path.extension().is_some_and(|it| it == "json");
        let none = if is_json {
            r#"{ "overrides": "none" }"#
        } else {
            "overrides = \"none\""
        };
        let _ = self.load(none);
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns the pending changes of this module's uids.
fn pending() -> Vec<Pending> {
    let mut pending = registry().pending();
    pending.retain(|pending| pending.uid.starts_with("overrides::"));
    pending
}

traffik::throttles! {
    throttle Registered(rate = "10/minute", uid = "overrides::known");
    throttle Later(rate = "10/minute", uid = "overrides::later");
    throttle Both(rate = "10/minute", uid = "overrides::both");
    throttle Waiting(rate = "10/minute", uid = "overrides::waiting");
}

#[tokio::test]
async fn applies_overrides_until_the_file_omits_them() {
    let file = File::new("holds.toml").await;
    let parts = head(&midnight().0);
    assert_eq!(Registered::hit(&parts).await.unwrap().remaining, 9);
    file.load("[\"overrides::known\"]\nrate = [\"4/minute\", \"100/hour\"]\n")
        .unwrap();
    assert_eq!(Registered::hit(&parts).await.unwrap().remaining, 2);
    assert_eq!(pending(), []);
    file.load("\"overrides::known\" = { rate = \"3/minute\", enabled = false }\n")
        .unwrap();
    assert_eq!(Registered::hit(&parts).await.unwrap().remaining, u64::MAX);
    file.load("\"overrides::known\" = { rate = \"3/minute\" }\n")
        .unwrap();
    assert_eq!(Registered::hit(&parts).await.unwrap().remaining, 0);
    file.load("overrides = \"none\"\n").unwrap();
    assert_eq!(Registered::hit(&parts).await.unwrap().remaining, 6);
}

#[tokio::test]
async fn reads_json() {
    let file = File::new("upper.JSON").await;
    let parts = head(&midnight().0);
    file.load(r#"{"overrides::known": {"rate": ["4/minute", "9/hour"]}, "overrides::other": {"enabled": false}}"#).unwrap();
    assert_eq!(Registered::hit(&parts).await.unwrap().limit, 4);
    assert_eq!(entry("overrides::known").unwrap().rates.len(), 2);
    let pending = pending();
    assert_eq!(pending[0].uid, "overrides::other");
    assert_eq!((pending.len(), pending[0].enabled), (1, Some(false)));
}

/// The process has just started and has no throttles yet.
#[tokio::test]
async fn applies_overrides_to_a_later_throttle_from_its_first_hit() {
    let file = File::new("later.toml").await;
    let parts = head(&midnight().0);
    file.load(
        "[\"overrides::later\"]\nrate = \"2/minute\"\n[\"overrides::latr\"]\nrate = \"2/minute\"\n",
    )
    .unwrap();
    let uids = |pending: Vec<Pending>| {
        pending
            .into_iter()
            .map(|pending| pending.uid)
            .collect::<Vec<_>>()
    };
    assert_eq!(uids(pending()), ["overrides::later", "overrides::latr"]);
    assert_eq!(Later::hit(&parts).await.unwrap().limit, 2);
    let pending = pending();
    assert_eq!(pending[0].suggestion.as_deref(), Some("overrides::later"));
    assert_eq!(uids(pending), ["overrides::latr"]);
}

#[tokio::test]
async fn keeps_the_definition_of_a_later_throttle_that_cannot_have_the_rate() {
    let file = File::new("cannot.toml").await;
    file.load("[\"overrides::strict\"]\nrate = \"5/minute\"\n")
        .unwrap();
    let builder = DynThrottle::builder("overrides::strict").rate(Rate::per_minute(100));
    let builder = builder.strategy(Tiered::new().tier("free", 0.1).default_tier("free"));
    let throttle = builder.backend(midnight().0).build().unwrap();
    assert_eq!(
        throttle.hit(&Identity::new("user"), 1).await.unwrap().limit,
        10
    );
    let pending = pending();
    let refused = "throttle `overrides::strict` cannot work: a tier's limit rounds below 1; use a larger multiplier or limit";
    assert_eq!(pending[0].refused.as_deref(), Some(refused));
    // The throttle exists now, so the same file is wrong.
    let again = file.problems("[\"overrides::strict\"]\nrate = \"5/minute\"\n");
    assert_eq!(
        again,
        [
            "line 1: `overrides::strict`: a tier's limit rounds below 1; use a larger multiplier or limit"
        ]
    );
}

#[tokio::test]
async fn prefers_changes_by_code() {
    let file = File::new("both.toml").await;
    let parts = head(&midnight().0);
    assert_eq!(Both::hit(&parts).await.unwrap().limit, 10);
    registry()
        .set_rate("overrides::both", Rate::per_minute(7))
        .unwrap();
    file.load("[\"overrides::both\"]\nrate = \"4/minute\"\nenabled = false\n")
        .unwrap();
    assert_eq!(Both::hit(&parts).await.unwrap().limit, u64::MAX);
    registry().enable("overrides::both").unwrap();
    assert_eq!(Both::hit(&parts).await.unwrap().limit, 7);
    file.load("overrides = \"none\"\n").unwrap();
    assert_eq!(Both::hit(&parts).await.unwrap().limit, 7);
    file.load("[\"overrides::both\"]\nrate = \"4/minute\"\n")
        .unwrap();
    registry().reset("overrides::both").unwrap();
    assert_eq!(Both::hit(&parts).await.unwrap().limit, 4);
}

#[tokio::test]
async fn prefers_pending_changes_by_code() {
    let file = File::new("waits.toml").await;
    let parts = head(&midnight().0);
    let text = "[\"overrides::waiting\"]\nrate = \"4/minute\"\nenabled = false\n";
    registry().disable("overrides::waiting").unwrap();
    registry().enable("overrides::waiting").unwrap();
    assert_eq!(pending(), []);
    file.load(text).unwrap();
    registry()
        .set_rate("overrides::waiting", Rate::per_minute(7))
        .unwrap();
    let waits = pending();
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].rates, [Rate::per_minute(7)]);
    assert_eq!(waits[0].enabled, Some(true));
    assert_eq!(Waiting::hit(&parts).await.unwrap().limit, 7);
    registry().reset("overrides::waiting").unwrap();
    assert_eq!(Waiting::hit(&parts).await.unwrap().limit, u64::MAX);
}

#[tokio::test]
async fn sets_the_life_of_leases() {
    let file = File::new("leases.toml").await;
    let _queue = DynThrottle::builder("overrides::adaptive")
        .rate(Rate::per_minute(10))
        .strategy(Adaptive::new())
        .build()
        .unwrap();
    Registered::hit(&head(&midnight().0)).await.unwrap();
    let lease = || entry("overrides::known").unwrap().lease;
    file.load(
        "[\"overrides::known\"]\nlease = \"200ms\"\n[\"overrides::nobody\"]\nlease = \"1s\"\n",
    )
    .unwrap();
    assert_eq!(lease(), Some(Duration::from_millis(200)));
    let json = serde_json::to_value(entry("overrides::known").unwrap()).unwrap();
    assert_eq!(json["lease"], "200ms");
    let waits = pending();
    assert_eq!(waits.len(), 1);
    assert_eq!(waits[0].lease, Some(Duration::from_secs(1)));
    let problems = file.problems(
        "[a]\nlease = 200\n[b]\nlease = \"200\"\n[\"overrides::adaptive\"]\nlease = \"1s\"\n",
    );
    let expected = [
        "line 2: `a`: `lease` is a number; write a string such as `\"200ms\"`, or `\"0ms\"` for none",
        "line 4: `b`: `lease`: ",
        "line 5: `overrides::adaptive`: the quota of `adaptive` cannot be leased; remove `lease`",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}");
    }
    assert_eq!(lease(), Some(Duration::from_millis(200)));
    registry()
        .set_lease("overrides::known", Duration::ZERO)
        .unwrap();
    assert_eq!(lease(), Some(Duration::ZERO));
    registry().reset("overrides::known").unwrap();
    assert_eq!(lease(), Some(Duration::from_millis(200)));
}

#[tokio::test]
async fn reports_all_mistakes_and_changes_nothing() {
    let file = File::new("wrong.toml").await;
    let parts = head(&midnight().0);
    file.load("[\"overrides::known\"]\nrate = \"8/minute\"\n")
        .unwrap();
    let problems = file.problems(
        "[\"overrides::known\"]\nrate = \"3/minute\"\n\n[a]\nrates = \"3/minute\"\nrate = \"3/minit\"\n\
         [b]\nenabled = \"no\"\nlimit = 3\n[c]\nd = 1\n[e]\nrate = [3, []]\n[f]\nrate = []\n[g]\n[top]\n[h]\nrate = 1979-05-27\n",
    );
    let expected = [
        "line 5: `a`: there is no setting `rates`; did you mean `rate`?",
        "line 6: `a`: unknown unit `minit`; write one of ",
        "line 8: `b`: `enabled` is a string; write `true` or `false`",
        "line 9: `b`: there is no setting `limit`; the settings are `rate`, `enabled` and `lease`",
        "line 11: `c`: there is no setting `d`; the settings are `rate`, `enabled` and `lease`",
        "line 13: `e`: its rate is a number; write a string such as `\"10/minute\"`",
        "line 13: `e`: its rate is a list; write a string such as `\"10/minute\"`",
        "line 15: `f`: its list of rates is empty; add a rate, or write `enabled = false`",
        "line 16: `g`: it has no setting; add `rate`, `enabled` or `lease`",
        "line 17: `top`: it has no setting; add `rate`, `enabled` or `lease`",
        "line 19: `h`: its rate is a date; write a string such as `\"10/minute\"`",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}");
    }
    assert_eq!(Registered::hit(&parts).await.unwrap().limit, 8);
}

#[tokio::test]
async fn refuses_an_empty_file_unless_it_is_marked() {
    let toml = File::new("empty.toml").await;
    let parts = head(&midnight().0);
    let table = "[\"overrides::known\"]\nrate = \"7/minute\"\n";
    toml.load(table).unwrap();
    assert_eq!(Registered::hit(&parts).await.unwrap().limit, 7);
    let empty = "it is empty, which would remove every override; if that is intended, write \
                 `overrides = \"none\"`";
    for text in ["", "\n", "# rates for the weekend\n"] {
        assert_eq!(toml.problems(text), [empty], "{text:?}");
    }
    let with_a_throttle = format!("overrides = \"none\"\n{table}");
    assert_eq!(
        toml.problems(&with_a_throttle),
        [
            "line 1: `overrides`: it is `\"none\"`, but there are throttles; remove it, or remove all throttles"
        ]
    );
    assert_eq!(
        toml.problems("overrides = \"off\"\n"),
        ["line 1: `overrides`: it is `\"off\"`; write `overrides = \"none\"`, or remove it"]
    );
    assert_eq!(
        toml.problems("overrides = false\n"),
        [
            "line 1: `overrides`: it is `true` or `false`; write `overrides = \"none\"`, or remove it"
        ]
    );
    // Nothing has changed.
    assert_eq!(Registered::hit(&parts).await.unwrap().limit, 7);
    toml.load("overrides = \"none\"\n").unwrap();
    assert_eq!(Registered::hit(&parts).await.unwrap().limit, 10);
    // A throttle may have this name.
    toml.load("[overrides]\nrate = \"7/minute\"\n").unwrap();
    assert_eq!(registry().pending()[0].uid, "overrides");
    drop(toml);

    let json = File::new("empty.json").await;
    let empty = "it is empty, which would remove every override; if that is intended, write \
                 `{ \"overrides\": \"none\" }`";
    assert_eq!(json.problems("{}"), [empty]);
    json.load(r#"{ "overrides": "none" }"#).unwrap();
    assert_eq!(registry().pending(), []);
}

#[tokio::test]
async fn refuses_malformed_documents() {
    let toml = File::new("none.toml").await;
    let syntax = toml.problems("[a]\nrate = \n[a]\nrate = '1/s'\n[b\n");
    assert!(
        syntax.len() > 1 && syntax[0].starts_with("line 2: "),
        "{syntax:?}"
    );
    let flat = toml.problems("a = '10/minute'\n");
    assert_eq!(
        flat,
        ["line 1: `a`: it is a string; write a table with `rate`, `enabled` or `lease`"]
    );
    drop(toml);

    let json = File::new("none.json").await;
    assert!(json.problems("{\"a\":\n 1,}")[0].contains("line 2"));
    assert_eq!(
        json.problems("[]"),
        ["it is a list; write an object with a member for each throttle"]
    );
    let twice = json.problems(r#"{"a": {"enabled": true}, "a": {"enabled": false}, "b": null}"#);
    let expected = [
        "`a`: it is there twice; remove one",
        "`b`: it is `null`; write a table with `rate`, `enabled` or `lease`",
    ];
    assert_eq!(twice, expected);
    drop(json);

    let yaml = File::new("none.yaml").await;
    assert_eq!(
        yaml.problems(""),
        ["its name has no known extension; end it in `.toml` or `.json`"]
    );
    let missing = registry()
        .load_overrides("/nonexistent/limits.toml")
        .unwrap_err();
    assert!(
        missing.to_string().contains("it cannot be read: "),
        "{missing}"
    );
}

#[tokio::test]
async fn closes_a_throttle_by_a_limit_of_zero() {
    let file = File::new("closed.toml").await;
    let parts = head(&midnight().0);
    assert!(Registered::hit(&parts).await.unwrap().admitted);
    let minute = std::time::Duration::from_secs(60);
    for text in ["0/minute", "0 per 1 min", "00/m"] {
        file.load(&format!("[\"overrides::known\"]\nrate = \"{text}\"\n"))
            .unwrap();
        let refused = Registered::hit(&parts).await.unwrap();
        assert!(!refused.admitted && refused.wait.is_none(), "{refused:?}");
        let entry = entry("overrides::known").unwrap();
        assert_eq!(entry.rates, [Rate::closed(minute)]);
        assert_eq!(entry.rates[0].to_string(), "0/m");
    }
    let problems = file.problems("[\"overrides::known\"]\nrate = \"0/0s\"\n");
    assert!(problems[0].contains("the period is 0"), "{problems:?}");
}
