//! `keyward tickets`: the root of the session ticket keys.

use std::time::SystemTime;

use keyward_keyserver::tickets;

use crate::args::{TicketsArgs, TicketsCommand};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &TicketsArgs) -> Result<(), Failure> {
    let TicketsCommand::Init(args) = &args.command;
    tickets::init(&args.file, args.epoch, SystemTime::now()).map_err(Failure::run_time)?;
    output::print(&format!(
        "# In the configuration of every key server that has a copy of this file:\n\
         [tickets]\n\
         root = \"{}\"\n",
        args.file.display()
    ))
}
