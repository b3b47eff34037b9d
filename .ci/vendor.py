"""Fetches the browser libraries that lie in api/static/vendor, anew from their registry: `make vendor`.

    package and version, exact -> npm pack -> the archive's SHA-512 as pinned below -> the named files, as they came
    -> VENDOR.json: package, version, licence, and of each file its SHA-256 and SHA-384

Installing and running need none of this: the files are committed. A test hashes them again (tests/test_vendor.py). To
take a newer version, change its line here, run, read the difference, and commit script, files and VENDOR.json together.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

VENDOR = Path(__file__).resolve().parent.parent / "api" / "static" / "vendor"


class Package(NamedTuple):
    """What is taken from one package: `files` maps names in the archive to ours."""

    name: str
    version: str
    licence: str
    integrity: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "@noble/ed25519",
        "3.2.0",
        "MIT",
        "sha512-criDgRlnUA09hchYrTy/JUWPIEap5rZxQe6wDWzRx51oWWpDRcUpuNzlgPxDJaOK6AsW9c0wKcj3rKRv6t+bPQ==",
        {"index.js": "noble-ed25519.js", "LICENSE": "noble-ed25519.LICENSE"},
    ),
    # SHA-2 for pages that came over plain http, where browsers have no WebCrypto at all. Its modules name each other.
    Package(
        "@noble/hashes",
        "2.4.0",
        "MIT",
        "sha512-X5XaVWZIBCT7HHZGm5I7ZQXDwLG+bGXuSrMQAW+7Zvl87h1kmc1ZB1VSRJcpUfoUrGQp4Fkoxm5kZ+Ms+aW+eA==",
        {name: name for name in ("sha2.js", "_md.js", "_u64.js", "utils.js")} | {"LICENSE": "noble-hashes.LICENSE"},
    ),
    # What OpenSSH makes the key of a private key file from its passphrase with. CommonJS: keyfile-worker.js gives it
    # `module` and `require`, and SHA-512 of the package above in place of tweetnacl's.
    Package(
        "bcrypt-pbkdf",
        "1.0.2",
        "BSD-3-Clause",
        "sha512-qeFIXtP4MSoi6NLqO12WfqARWWuCKi2Rn/9hJLEmtB5yTNr9DqFWkJRCf2qShWzPeAMRnOgCrq0sg/KLv5ES9w==",
        {"index.js": "bcrypt-pbkdf.js", "LICENSE": "bcrypt-pbkdf.LICENSE"},
    ),
)


def fetch(package: Package, folder: Path) -> dict[str, bytes]:
    """The named files of a package, by our names. Ends the program where the archive is not the one that is pinned."""
    wanted = f"{package.name}@{package.version}"
    packed = subprocess.run(["npm", "pack", wanted, "--json"], cwd=folder, capture_output=True, text=True, check=True)
    archive = (folder / json.loads(packed.stdout)[0]["filename"]).read_bytes()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if integrity != package.integrity:
        sys.exit(f"{wanted}: the archive is {integrity}, and not the pinned one")
    found: dict[str, bytes] = {}
    with tarfile.open(folder / json.loads(packed.stdout)[0]["filename"]) as opened:
        for theirs, ours in package.files.items():
            member = opened.extractfile(f"package/{theirs}")
            assert member is not None, theirs
            found[ours] = member.read()
    return found


def main() -> None:
    """Write the files and VENDOR.json."""
    listed: list[dict[str, object]] = []
    VENDOR.mkdir(exist_ok=True)
    for package in PACKAGES:
        with tempfile.TemporaryDirectory() as folder:
            files = fetch(package, Path(folder))
        for name, content in files.items():
            (VENDOR / name).write_bytes(content)
        listed.append(
            {
                "package": package.name,
                "version": package.version,
                "licence": package.licence,
                "integrity": package.integrity,
                "files": {
                    name: {
                        "sha256": hashlib.sha256(content).hexdigest(),
                        "sha384": "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode(),
                    }
                    for name, content in files.items()
                },
            }
        )
    (VENDOR / "VENDOR.json").write_text(json.dumps(listed, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
