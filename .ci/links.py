#!/usr/bin/env python3
"""Checks that the map is true: every file, folder and relative link that the documents name is there."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# `crates/tls/src/lib.rs`, `conformance/peers`, and the like, in code spans and drawings.
NAMED = re.compile(r"(?<![\w/.-])((?:crates|conformance|bench|examples|docs)/[\w./-]*[\w/])")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def main():
    tracked = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True)
    documents = [ROOT / name for name in tracked.stdout.split("\0") if name]
    missing = []
    checked = 0
    for document in documents:
        text = document.read_text(encoding="utf-8")
        targets = {ROOT / name for name in NAMED.findall(text)} | {document.parent / name for name in LINK.findall(text)}
        checked += len(targets)
        missing += [f"{document.relative_to(ROOT)}: {target}" for target in sorted(targets) if not target.exists()]
    if missing or not checked:
        sys.exit("\n".join(["named, but not there:", *missing]))
    print(f"{len(documents)} documents name {checked} files, all there")


if __name__ == "__main__":
    main()
