//! The client against a key server that does what a test wants.

mod answers;
mod connections;
mod fleet;
mod names;
mod scripted;
