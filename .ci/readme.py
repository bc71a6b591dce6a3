#!/usr/bin/env python3
"""Runs the commands of a Markdown file, so that it cannot say what is not so.

Every fenced block marked `sh` is run with bash (`set -euo pipefail`); a block marked `toml` whose first line is
`# NAME.toml` is written to that file. All blocks of one `##` section share a new, empty directory. A comment on the
line above a fence changes that:

    <!-- ci: in the clone -->       run in the folder of the Markdown file
    <!-- ci: keeps running -->      a server: started, given to the section's later blocks, ended with it
    <!-- ci: skip, REASON -->       not run

`keyward` is the release build, on PATH.
"""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

BLOCK = re.compile(r"^(?:<!-- ci: (?P<note>.*?) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S)
LIMIT_SECONDS = 1200
# How long a server may take until its port accepts connections.
START_SECONDS = 30


def main():
    readme = pathlib.Path(sys.argv[1]).resolve()
    clone = readme.parent
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=clone, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", clone / "target")).resolve()
    run = 0
    with tempfile.TemporaryDirectory(prefix="readme-install-") as root:
        path = f"{target / 'release'}:{os.environ['PATH']}"
        # `cargo install` must not replace what the user of this machine has installed.
        environment = dict(os.environ, PATH=path, CARGO_INSTALL_ROOT=root)
        for section in re.split(r"^(?=## )", readme.read_text(encoding="utf-8"), flags=re.M):
            run += run_section(section, clone, environment)
    # A slip in a fence or a comment must not turn the check into nothing.
    if run == 0:
        sys.exit(f"{readme.name}: no command found")
    print(f"{readme.name}: {run} blocks run")


def run_section(section, clone, environment):
    run = 0
    servers = []
    with tempfile.TemporaryDirectory(prefix="readme-") as directory:
        try:
            for block in BLOCK.finditer(section):
                run += run_block(block, directory, clone, environment, servers)
        finally:
            for server in servers:
                stop(server)
    return run


def run_block(block, directory, clone, environment, servers):
    note, kind, text = block["note"] or "", block["kind"], block["text"]
    if note.startswith("skip, "):
        return 0
    if kind == "toml":
        name = re.match(r"# (\S+\.toml)\b", text)
        if name:
            (pathlib.Path(directory) / name[1]).write_text(text, encoding="utf-8")
        return 0
    if kind != "sh":
        return 0
    print(f"$ {text.rstrip()}", flush=True)
    where = clone if note == "in the clone" else directory
    command = ["bash", "-c", f"set -euo pipefail\n{text}"]
    if note == "keeps running":
        servers.append(start(command, where, environment, text))
        return 1
    started = time.monotonic()
    done = subprocess.run(command, cwd=where, env=environment, stdin=subprocess.DEVNULL, timeout=LIMIT_SECONDS)
    if done.returncode != 0:
        sys.exit(f"exit code {done.returncode} of:\n{text}")
    print(f"  ({time.monotonic() - started:.1f} s)", flush=True)
    return 1


def start(command, where, environment, text):
    """Starts a server in a process group of its own and waits until it says on which address it listens."""
    log = tempfile.TemporaryFile()
    server = subprocess.Popen(
        command, cwd=where, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    deadline = time.monotonic() + START_SECONDS
    while True:
        log.seek(0)
        said = log.read().decode(errors="replace")
        if re.search(r"listening|serving", said, re.I):
            print(said, flush=True)
            return server
        if server.poll() is not None or time.monotonic() > deadline:
            stop(server)
            sys.exit(f"did not start:\n{text}\n{said}")
        time.sleep(0.05)


def stop(server):
    try:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(10)
    except ProcessLookupError:
        pass
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        sys.exit("a server did not end within 10 s of SIGTERM")


if __name__ == "__main__":
    main()
