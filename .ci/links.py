#!/usr/bin/env python3
"""Checks that the map is true: every file, folder, test and relative link that the documents name is there, and
docs/handshake.md names every file of the handshakes."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# `crates/tls/src/lib.rs`, `conformance/peers`, and the like, in code spans and drawings.
NAMED = re.compile(r"(?<![\w/.-])((?:crates|conformance|bench|examples|docs)/[\w./-]*[\w/])")
# `crates/tls/tests/engine/alpn.rs::nothing_in_common_is_an_error`: a test in a file.
TEST = re.compile(r"((?:crates|conformance|bench)/[\w./-]+\.rs)::(\w+)")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def has_test(path, name):
    """Whether the file has a test of this name."""
    attributes = r"#\[(?:tokio::)?test[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*"
    return path.exists() and re.search(attributes + rf"(?:async )?fn {name}\b", path.read_text(encoding="utf-8"))


def attacks_without_test(text):
    """The attacks of docs/attacks.md that no test is named for."""
    attacks = text.split("\n### ")[1:]
    return [attack.splitlines()[0] for attack in attacks if not TEST.search(attack) or "- Stopped" not in attack and "is stopped" not in attack]


def files_not_drawn(text):
    """The files of both handshakes that docs/handshake.md does not name; those of tests it need not."""
    names = []
    for side in ("server", "client"):
        for table in sorted(ROOT.glob(f"crates/tls/src/{side}/tls1[23]/mod.rs")):
            modules = re.findall(r"^(#\[cfg\(test\)\]\n)?mod (\w+);", table.read_text(encoding="utf-8"), re.M)
            names += [str(table.relative_to(ROOT).with_name(f"{name}.rs")) for test, name in modules if not test]
    return [name for name in names if f"`{name}`" not in text]


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
        tests = set(TEST.findall(text))
        checked += len(tests)
        missing += [f"{document.relative_to(ROOT)}: {path}::{name}" for path, name in sorted(tests) if not has_test(ROOT / path, name)]
        if document.name == "attacks.md":
            missing += [f"{document.relative_to(ROOT)}: a test for {attack}" for attack in attacks_without_test(text)]
        if document.name == "handshake.md":
            missing += [f"{document.relative_to(ROOT)}: no word of {name}" for name in files_not_drawn(text)]
    if missing or not checked:
        sys.exit("\n".join(["named, but not there:", *missing]))
    print(f"{len(documents)} documents name {checked} files and tests, all there")


if __name__ == "__main__":
    main()
