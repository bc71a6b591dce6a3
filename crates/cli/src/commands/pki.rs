//! `keyward pki`: certificates for the channel and for tests.

use std::path::{Path, PathBuf};

use keyward_pki::{Authority, InitOptions, Request, Usage, init_with};

use crate::args::{PkiArgs, PkiCommand, PkiInitArgs, PkiIssueArgs};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &PkiArgs) -> Result<(), Failure> {
    match &args.command {
        PkiCommand::Init(args) => init(args),
        PkiCommand::Issue(args) => issue(args),
    }
}

fn init(args: &PkiInitArgs) -> Result<(), Failure> {
    let options = InitOptions {
        key_server_names: args.keyserver_name.clone(),
        edge_name: args.edge_name.clone(),
        ..InitOptions::default()
    };
    for path in init_with(&args.dir, &options)? {
        output::line(&path.display().to_string())?;
    }
    Ok(())
}

fn issue(args: &PkiIssueArgs) -> Result<(), Failure> {
    // A file name is not a folder: without it there is nothing to add `.pem` to.
    let (Some(name), dir) = (args.out.file_name(), parent(&args.out)) else {
        return Err(Failure::usage(format!(
            "--out {} has no file name",
            args.out.display()
        )));
    };
    let name = name
        .to_str()
        .ok_or_else(|| Failure::usage("--out is not valid UTF-8"))?;
    let authority = Authority::load(&args.ca).map_err(Failure::configuration)?;
    let usage = match args.client {
        true => Usage::Client,
        false => Usage::Server,
    };
    let mut request = Request::new(&args.names, args.algorithm, usage);
    request.days = args.days;
    request.delegates = args.delegates;
    authority.issue(&request)?.save(&dir, name)?;
    for extension in ["pem", "key"] {
        let path = dir.join(format!("{name}.{extension}"));
        output::line(&path.display().to_string())?;
    }
    Ok(())
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}
