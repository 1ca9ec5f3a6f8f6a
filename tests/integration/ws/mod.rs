//! Throttled messages: by a real client over a real socket, and where time has to stand, through a
//! pipe.

mod browser;
mod burst;
mod cancel;
mod client;
mod closing;
mod control;
mod costs;
mod custom;
mod halves;
mod notice;
mod pipe;
mod pressure;
mod queue;
mod trouble;
mod upgrade;

use client::Client;
use pipe::server_side;
