//! The log as its users see it: appending, reading, what was done to it, a disk that fails, and being killed.

mod appending;
mod failing;
mod hostile;
mod killed;
mod proving;
mod support;
mod tampering;
