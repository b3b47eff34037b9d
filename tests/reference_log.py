"""The log of the worked examples: eight public leaves, a log key and a witness key of known seeds.

The leaves and their roots are those of the Certificate Transparency reference tree (RFC 6962).
"""

from nacl.signing import SigningKey

from ledger.tlog.merkle import leaf_hash, root_of

ORIGIN = "ledger.example/prueba"
WITNESS = "witness.example/w1"
TIME = 1_700_000_000

LOG_KEY = SigningKey(bytes(range(32)))
WITNESS_KEY = SigningKey(bytes(range(32, 64)))

LOG_VKEY = "ledger.example/prueba+01773d1c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS_VKEY = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"

ENTRIES = tuple(
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
LEAVES = tuple(leaf_hash(entry) for entry in ENTRIES)

CHECKPOINT_TEXT = f"""{ORIGIN}
8
XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=
""".encode()

LOG_LINE = (
    "— ledger.example/prueba AXc9HN7mdKEwtRP36uanecHeVtfKBfq5DYIG5si6fm1TfW9Wk4SgLWR8"
    "qZAgshHXwUScMgssSDdSDI5q+CUTp208WAU=\n"
).encode()
WITNESS_LINE = (
    "— witness.example/w1 IDJKvgAAAABlU/EADY8BdtnjWDfK8QZ3d8HqP5HpO+qPw+rsaxTp35CgwOEK"
    "nKiLB902WTReJr+VpY14BfLRu7MBnQ16PMaR9ZO/BQ==\n"
).encode()

CHECKPOINT = CHECKPOINT_TEXT + b"\n" + LOG_LINE + WITNESS_LINE
"""The checkpoint as the log signed it and the witness cosigned it at TIME."""


def subtree(level: int, index: int) -> bytes:
    """Give the complete subtrees of the eight leaves, the slow and plain way."""
    return root_of(LEAVES[index << level : (index + 1) << level])
