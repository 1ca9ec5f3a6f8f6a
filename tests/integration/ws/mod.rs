//! Throttled messages: with a real client over a real socket, or through a pipe under a paused
//! clock.

mod browser;
mod burst;
mod cancel;
mod client;
mod closing;
mod control;
mod costs;
mod custom;
mod failures;
mod halves;
mod notice;
mod pipe;
mod pressure;
mod queue;
mod upgrade;

use client::Client;
use pipe::server_side;
