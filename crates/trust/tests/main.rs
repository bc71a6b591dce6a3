//! One rule broken at a time: each chain here would be trusted but for what the test's name says.

mod algorithms;
mod certificates;
mod crl;
mod names;
mod ocsp;
mod openssl;
mod path;
mod report;
mod strength;
mod support;
mod usage;
mod validity;
