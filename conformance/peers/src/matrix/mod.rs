//! The interoperability matrix: Keyward's engine as server and as client, against every peer, in every combination of
//! what both know.
//!
//! | file | what is in it |
//! |---|---|
//! | `values.rs` | versions, suites, groups, certificates, ways to resume |
//! | `case.rs`, `report.rs` | one combination; what a side says of a connection, and whether it is right |
//! | `capabilities.rs`, `plan.rs` | what each side can do; the cases, and why others are none |
//! | `credentials.rs` | certificates and keys for both |
//! | `keyward/` | our engine on a socket, in both roles |
//! | `peers/` | a driver for each peer; those for libraries talk with a program of ours in `programs/` |
//! | `runner.rs`, `page.rs` | running them, and `conformance/MATRIX.md` |

pub mod capabilities;
pub mod case;
pub mod credentials;
pub mod keyward;
pub mod page;
pub mod peers;
pub mod plan;
pub mod report;
pub mod runner;
pub mod values;
