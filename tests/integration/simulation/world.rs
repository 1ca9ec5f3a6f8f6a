//! The simulated world: one thread, virtual time, and a queue of events. A seed gives one run.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::io::ErrorKind;
use std::sync::Arc;
use std::task::Waker;

use traffik::testing::simulation;

use super::account::{Account, Call, Promise};
use super::desk::Desk;
use super::network::{Direction, Link};
use super::process::Process;
use super::sabotage::Sabotage;
use super::schedule::{Event, Scheduled};
use super::server::Server;
use super::trace::Trace;
use super::weather::{Fault, Weather};
use super::wire::next_command;
use crate::chance::Chance;

/// The time between two runs of a process that nothing has woken, so that its timers fire.
const TICK: u64 = 8_000;

/// The time between them once all tasks have ended.
const SLOW_TICK: u64 = 100_000;

/// The time for which a refusal is remembered, and what a slow clock adds to it.
const LOCAL_REFUSALS: u64 = 1_002_000;

/// The beginning of an hour, in microseconds since 1970.
const HOUR: u64 = 1_699_999_200_000_000;

/// The longest time from there to the beginning of a run, which ends in the same hour.
const LONGEST_DELAY: u64 = 3_500_000_000;

/// A run.
pub(super) struct World {
    now: u64,
    pub(super) desk: Arc<Desk>,
    pub(super) server: Server,
    pub(super) weather: Weather,
    pub(super) trace: Trace,
    chance: Chance,
    events: BinaryHeap<Scheduled>,
    scheduled: u64,
    processes: Vec<Slot>,
    links: Vec<Link>,
    server_stalled_until: u64,
    sabotage: Option<Sabotage>,
}

/// The place of a process.
pub(super) struct Slot {
    process: Option<Process>,
    /// The time until which it does not run.
    paused_until: u64,
    /// All times at which it did not run, with their ends.
    pub(super) pauses: Vec<(u64, u64)>,
    /// Its connections.
    links: Vec<usize>,
}

impl World {
    pub(super) fn new(seed: u64, sabotage: Option<Sabotage>, trace: Trace) -> Self {
        let mut chance = Chance::new(seed);
        let weather = Weather::draw(&mut chance);
        let epoch = HOUR + chance.below(LONGEST_DELAY);
        simulation::seed_chance(Some(chance.next()));
        let mut world = Self {
            now: 0,
            desk: Arc::default(),
            server: Server::new(epoch, weather.lease > 0, sabotage),
            weather,
            trace,
            chance,
            events: BinaryHeap::new(),
            scheduled: 0,
            processes: Vec::new(),
            links: Vec::new(),
            server_stalled_until: 0,
            sabotage,
        };
        for number in 0..world.weather.processes {
            world.processes.push(Slot {
                process: None,
                paused_until: 0,
                pauses: Vec::new(),
                links: Vec::new(),
            });
            world.schedule(0, Event::Start(number));
            world.schedule(0, Event::Tick(number));
        }
        world.schedule_fault();
        world
    }

    /// Runs to the end.
    pub(super) fn run(&mut self) {
        let length = self.weather.length;
        self.schedule(length, Event::End);
        // Late replies are awaited for five seconds, and refunds follow them.
        let rest = if self.weather.is_fine() {
            1_500_000
        } else {
            8_000_000
        };
        while let Some(next) = self.events.peek() {
            if next.at > length + rest {
                break;
            }
            self.step(next.at);
        }
        simulation::seed_chance(None);
    }

    /// Returns the times at which a process did not run.
    pub(super) fn pauses(&self, process: usize) -> &[(u64, u64)] {
        &self.processes[process].pauses
    }

    /// Returns the processes whose tasks have not ended.
    pub(super) fn stuck(&self) -> Vec<usize> {
        let slots = self.processes.iter().enumerate();
        let stuck = slots.filter(|(_, slot)| !slot.process.as_ref().is_none_or(Process::is_done));
        stuck.map(|(number, _)| number).collect()
    }

    fn schedule(&mut self, at: u64, event: Event) {
        self.scheduled += 1;
        self.events.push(Scheduled {
            at,
            number: self.scheduled,
            event,
        });
    }

    /// Handles all events of a moment, and then lets the processes run that they concern.
    fn step(&mut self, now: u64) {
        self.now = now;
        self.desk.set_now(now);
        let mut woken = BTreeSet::new();
        while self.events.peek().is_some_and(|next| next.at == now) {
            let Some(next) = self.events.pop() else { break };
            self.trace.note(now, &next.event);
            if let Some(process) = self.handle(next.event) {
                woken.insert(process);
            }
        }
        for process in woken {
            self.run_process(process);
        }
    }

    /// Handles an event, and returns the process that it concerns.
    fn handle(&mut self, event: Event) -> Option<usize> {
        match event {
            Event::Message(link, Direction::ToServer) => {
                self.deliver_to_server(link);
                None
            }
            Event::Message(link, Direction::ToClient) => self.deliver_to_client(link),
            Event::Wake(process, waker) => {
                Waker::wake(waker);
                Some(process)
            }
            Event::Tick(process) => {
                let is_done = self.now > self.weather.length && self.stuck().is_empty();
                let tick = if is_done { SLOW_TICK } else { TICK };
                self.schedule(self.now + tick, Event::Tick(process));
                Some(process)
            }
            Event::Start(process) => {
                let started = Process::start(
                    process,
                    &self.weather,
                    &self.desk,
                    &mut self.chance,
                    self.sabotage,
                );
                self.processes[process].process = Some(started);
                Some(process)
            }
            Event::Fault => {
                if self.now < self.weather.length {
                    self.fail();
                    self.schedule_fault();
                }
                None
            }
            Event::End => {
                self.desk.end();
                None
            }
        }
    }

    fn deliver_to_server(&mut self, number: usize) {
        let link = &mut self.links[number];
        let ready = link.stalled_until.max(self.server_stalled_until);
        if ready > self.now {
            return self.schedule(ready, Event::Message(number, Direction::ToServer));
        }
        let Some(message) = link.to_server.pop_front() else {
            return;
        };
        if link.loses_requests {
            return;
        }
        link.buffer.extend(message);
        let mut replies = Vec::new();
        while let Some(command) = next_command(&mut link.buffer) {
            let mut account = self.desk.account();
            self.server
                .execute(self.now, &command, &mut account, &mut replies);
        }
        self.trace.bytes(&replies);
        if link.is_broken || replies.is_empty() {
            return;
        }
        let split = match self.chance.below(10) {
            0 => self.chance.below(replies.len() as u64) as usize,
            _ => 0,
        };
        let rest = replies.split_off(split);
        for part in [replies, rest] {
            if !part.is_empty() {
                self.send(number, Direction::ToClient, part);
            }
        }
    }

    fn deliver_to_client(&mut self, number: usize) -> Option<usize> {
        let link = &mut self.links[number];
        if link.stalled_until > self.now {
            let ready = link.stalled_until;
            self.schedule(ready, Event::Message(number, Direction::ToClient));
            return None;
        }
        let message = link.to_client.pop_front()?;
        if link.loses_replies || link.is_broken {
            return None;
        }
        link.pipe.deliver(&message);
        Some(link.process)
    }

    fn send(&mut self, number: usize, direction: Direction, message: Vec<u8>) {
        let link = &mut self.links[number];
        let arrives = link.send(
            direction,
            message,
            self.now,
            &self.weather,
            &mut self.chance,
        );
        self.schedule(arrives, Event::Message(number, direction));
    }

    /// Lets a process run, and does what its tasks have requested.
    fn run_process(&mut self, number: usize) {
        let slot = &mut self.processes[number];
        if slot.paused_until > self.now {
            // The next tick after the pause runs it.
            return;
        }
        let Some(process) = &mut slot.process else {
            return;
        };
        process.run(self.now);
        let requests = std::mem::take(&mut *self.desk.requests());
        for pipe in requests.opened {
            self.processes[number].links.push(self.links.len());
            self.links.push(Link::new(number, pipe));
        }
        for (until, waker) in requests.naps {
            self.schedule(until, Event::Wake(number, waker));
        }
        let links = self.processes[number].links.clone();
        for link in links {
            let message = self.links[link].pipe.collect();
            if !message.is_empty() {
                self.send(link, Direction::ToServer, message);
            }
            if self.links[link].pipe.is_dropped() {
                self.links[link].is_broken = true;
            }
        }
        let links = &self.links;
        let is_usable = |link: &usize| !links[*link].is_broken;
        self.processes[number].links.retain(is_usable);
        self.check_local_refusals();
    }

    /// Checks local refusals of this moment: the server would refuse the hit now, unless quota
    /// came back within the documented time.
    ///
    /// Of several hits of a client, the cheapest is checked: where it is refused, all are.
    fn check_local_refusals(&mut self) {
        let mut account = self.desk.account();
        let account: &mut Account = &mut account;
        let mut cheapest = BTreeMap::new();
        for call in std::mem::take(&mut account.local_refusals) {
            let Call { client, cost, .. } = account.calls[call];
            let limit = account.calls[call].limits.start;
            let other = cheapest.entry((limit, client)).or_insert((cost, call));
            *other = (cost, call).min(*other);
        }
        let now = self.now;
        for (cost, call) in cheapest.into_values() {
            let call = &account.calls[call];
            let is_recent = |id| {
                let change = account.last_change.get(&id);
                change.is_some_and(|change| change + LOCAL_REFUSALS >= now)
            };
            let is_refused = call.keys().any(is_recent)
                || call
                    .keys()
                    .any(|id| self.server.would_refuse(now, id, cost));
            if !is_refused {
                let text = format!("{call:?} would be admitted");
                account.violate(Promise::LocalRefusal, text);
            }
        }
    }

    fn schedule_fault(&mut self) {
        let mean = self.weather.calm;
        if mean > 0 {
            let after = self.chance.between(mean / 2, mean * 3 / 2);
            self.schedule(self.now + after, Event::Fault);
        }
    }

    /// Lets something go wrong.
    fn fail(&mut self) {
        let faults = &self.weather.faults;
        let fault = faults[self.chance.below(faults.len() as u64) as usize];
        let process = self.chance.below(self.processes.len() as u64) as usize;
        self.trace.fault(self.now, fault, process);
        let lasts = self.chance.between(1_000, 900_000);
        let links = self.processes[process].links.clone();
        match fault {
            Fault::Cut => links.into_iter().for_each(|link| self.cut(link)),
            Fault::Stall => {
                for link in links {
                    self.links[link].stalled_until = self.now + lasts;
                }
            }
            Fault::Vanish => {
                for link in links {
                    self.links[link].loses_replies = true;
                    self.links[link].loses_requests = self.chance.per_mille(500);
                }
            }
            Fault::ServerStall => self.server_stalled_until = self.now + lasts,
            Fault::ServerRestart => {
                self.server.flush_scripts();
                self.desk.set_down_until(self.now + lasts / 2);
                for link in 0..self.links.len() {
                    self.cut(link);
                    self.links[link].to_server.clear();
                }
            }
            Fault::FlushScripts => self.server.flush_scripts(),
            Fault::Pause => {
                let slot = &mut self.processes[process];
                if slot.paused_until <= self.now {
                    slot.paused_until = self.now + 2 * lasts;
                    slot.pauses.push((self.now, slot.paused_until));
                }
            }
            Fault::Crash => self.crash(process, lasts / 3),
        }
    }

    fn cut(&mut self, link: usize) {
        let error = match self.sabotage {
            Some(Sabotage::DeniesDelivery) => ErrorKind::ConnectionRefused,
            _ => ErrorKind::ConnectionReset,
        };
        if !self.links[link].is_broken {
            self.links[link].cut(&mut self.chance, error);
        }
    }

    fn crash(&mut self, number: usize, restarts_after: u64) {
        let Some(process) = self.processes[number].process.take() else {
            return;
        };
        for link in std::mem::take(&mut self.processes[number].links) {
            self.cut(link);
        }
        process.crash();
        drop(std::mem::take(&mut *self.desk.requests()));
        self.schedule(self.now + restarts_after, Event::Start(number));
    }
}
