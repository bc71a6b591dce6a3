//! The client against a key server that does what a test wants.

mod answers;
mod connections;
mod scripted;
