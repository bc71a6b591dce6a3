//! One file a subcommand; `serve` and `demo` have folders of their own.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod edge;
pub(crate) mod keyserver;
pub(crate) mod pki;
pub(crate) mod policy;
pub(crate) mod tickets;
