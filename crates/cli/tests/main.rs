//! The real binary, as its users run it. One program, so that what the tests share is compiled once.

mod audit;
mod bench;
mod check;
mod connect;
mod daemons;
mod demo;
mod examples;
mod key_is_not_there;
mod looked_at;
mod pki;
mod policy;
mod serve;
mod support;
mod usage;
