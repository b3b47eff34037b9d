"""The public log formats, one C2SP spec per file, and nothing of Constancia's own.

    errors       what a parser or a check may raise
    note         c2sp.org/signed-note      signed texts, keys, strict Ed25519
    merkle       RFC 6962                  the tree: roots, inclusion, consistency
    tiles        c2sp.org/tlog-tiles       how the tree and its entries lie in files
    checkpoint   c2sp.org/tlog-checkpoint  the signed tree head
    cosignature  c2sp.org/tlog-cosignature what a witness adds to it
    policy       c2sp.org/tlog-policy      whom a reader trusts
    proof        c2sp.org/tlog-proof       the file that proves one entry, for ever
    witness      c2sp.org/tlog-witness     how a log asks for a cosignature, and what a witness answers

Imports go downwards only: errors; note, merkle; tiles, checkpoint; cosignature; policy, witness; proof.
Nothing here opens a file or a socket or reads a clock: bytes, callbacks and times come in as arguments.
"""
