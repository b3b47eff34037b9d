"""What the log formats may raise: the whole tree on one page.

    ValueError
    └── FormatError       carries `reason`, a short code that never changes, and a sentence
        ├── Malformed     these bytes are not of the format; nothing was believed, nothing verified
        ├── Unverified    well formed, but a key, a signature, a proof or a quorum does not fit
        └── Declined      what a witness answers instead of a cosignature; carries `status`, and `size` with a 409

Whoever calls with arguments that no input can excuse (a leaf hash of 31 bytes to be appended, a tile of
level 64 to be written) has a bug and gets a plain ValueError.

Reasons of Malformed:

    empty            no bytes at all
    too-large        over a limit of size or count, told before anything was hashed or verified
    bad-utf8         not strict UTF-8
    control-byte     a byte below 0x20 other than a line feed
    shape            lines or fields are missing, too many, or in another order
    no-signatures    a note without an empty line before at least one signature line
    encoding         base64, hexadecimal or decimal in another form than its only one
    name             a key name or origin that is empty, or holds a space or a plus sign
    key              a key of the wrong length, of a type that does not suit, or with another's key id
    extension        a checkpoint with extension lines
    reference        a policy that uses a name before it is defined, twice, or defines it twice

Reasons of Unverified:

    weak-key         a public key, or the R of a signature, that no honest signer makes
    bad-signature    a signature that does not verify, or has not the length of one
    unknown-origin   no key for this origin
    not-signed       no line of a key that had to sign
    not-cosigned     the quorum of witnesses is not reached
    inconsistent     a Merkle proof that does not lead to the root

Reasons of Declined, beside those of what made the witness decline:

    conflict         the old size is not that of the latest checkpoint that the witness cosigned (409)
    busy             another program holds what the witness has to write (503)
    clock            the witness's clock says less than a time that it has given (503)
"""


class FormatError(ValueError):
    """What both errors share: `reason` is for programs, the message for people."""

    def __init__(self, reason: str, message: str) -> None:
        """Keep both; `args` holds them too, so that the error survives a trip between processes."""
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return self.message


class Malformed(FormatError):
    """The bytes are not of the format."""


class Unverified(FormatError):
    """The bytes are of the format, but what they claim does not hold."""


class Declined(FormatError):
    """A witness does not cosign. `status` is that of HTTP; `size` of a 409 is what the witness cosigned last."""

    def __init__(self, status: int, reason: str, message: str, *, size: int | None = None) -> None:
        """As above."""
        super().__init__(reason, message)
        self.status = status
        self.size = size
