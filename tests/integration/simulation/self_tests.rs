//! Each checker notices the fault that it is there for.

use super::account::Promise;
use super::sabotage::Sabotage;
use super::simulate;

/// Expects that some of the first seeds break a promise, in a world with this fault.
#[track_caller]
fn breaks(sabotage: Sabotage, promise: Promise) {
    let is_broken = (0..40).any(|seed| {
        let violations = simulate(seed, Some(sabotage), false).violations;
        violations.iter().any(|it| it.promise == promise)
    });
    assert!(is_broken, "nobody notices {sabotage:?}");
}

#[test]
fn notices_a_command_that_is_executed_twice() {
    breaks(Sabotage::ExecutesTwice, Promise::Once);
}

#[test]
fn notices_admissions_beyond_a_limit() {
    breaks(Sabotage::LosesWrites, Promise::Limit);
}

#[test]
fn notices_the_answer_of_another_caller() {
    breaks(Sabotage::ExchangesAnswers, Promise::OwnAnswer);
}

#[test]
fn notices_a_refusal_that_writes() {
    breaks(Sabotage::WritesRefusals, Promise::RefusalWritesNothing);
}

#[test]
fn notices_a_key_that_never_ends() {
    breaks(Sabotage::LosesTimesToLive, Promise::TimeToLive);
}

#[test]
fn notices_a_refund_that_is_too_large() {
    breaks(Sabotage::RefundsTwice, Promise::Refund);
}

#[test]
fn notices_an_error_that_denies_what_was_counted() {
    breaks(Sabotage::DeniesDelivery, Promise::Ambiguity);
}

#[test]
fn notices_local_refusals_that_ignore_time() {
    breaks(Sabotage::StopsSteadyClocks, Promise::LocalRefusal);
}

#[test]
fn notices_a_call_that_ends_late() {
    breaks(Sabotage::SlowsTimers, Promise::Timeout);
}

#[test]
fn notices_a_refund_that_is_lost() {
    breaks(Sabotage::LosesRefunds, Promise::Waste);
}
