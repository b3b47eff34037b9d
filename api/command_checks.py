"""Commands of those who check: `audit`, `mirror`, `verify`, `status`. They trust nothing that they read."""

from collections.abc import Sequence
from pathlib import Path

import rich_click as click

from api.command import (
    ANY_PATH,
    DAY,
    argument,
    as_json,
    command,
    constancia,
    option,
    say,
    spoken,
)

# --- for those who check ---------------------------------------------------------------------------------------------

# What `audit` and `mirror` share.
pinned_policy = option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "La política que usted fija: llaves del registro, testigos.",
        "The policy that you pin: the log's keys, witnesses.",
    ),
)
pinned_founding = option(
    "--founding",
    metavar=say("RESUMEN", "DIGEST"),
    help=say(
        "Identidad de la declaración fundacional: 64 dígitos hexadecimales, o un archivo que los contiene.",
        "Identity of the founding statement: 64 hexadecimal digits, or a file that holds them.",
    ),
)
every_option = option(
    "--every",
    type=click.IntRange(min=1, max=DAY),
    default=60,
    show_default=True,
    metavar=say("SEGUNDOS", "SECONDS"),
    help=say("Cada cuánto, con --follow.", "How often, with --follow."),
)


@command(
    constancia,
    help=say(
        "Comprueba un registro entero, por su carpeta o por su dirección, y vuelve a calcular todo lo que muestra.\n\n"
        "Sin --policy y --founding, que usted obtiene por otro camino, el veredicto no puede pasar de «coherente "
        "consigo mismo, origen sin probar»: cualquiera puede fundar un registro. Termina con 1 si encuentra faltas.\n\n"
        "Con --trusted CARPETA guarda lo verificado: la próxima vez prueba que el registro creció a partir de ahí y "
        "lee solo lo nuevo; de vez en cuando, audite también sin --trusted, que lee todo de nuevo. Con --follow no "
        "termina: vigila.",
        "Check a whole ledger, by its folder or its address, and compute again all that it shows.\n\n"
        "Without --policy and --founding, which you get by another way, the verdict can be no more than "
        "“self-consistent, origin unproven”: anybody can found a ledger. Ends with 1 when it finds misbehaviour.\n\n"
        "With --trusted FOLDER it keeps what is verified: the next time it proves that the ledger has grown from "
        "there, and reads only what is new; now and then audit without --trusted too, which reads every file again. "
        "With --follow it does not end: it keeps watch.",
    ),
)
@argument("where", metavar=say("URL_O_CARPETA", "URL_OR_FOLDER"))
@pinned_policy
@pinned_founding
@option(
    "--at",
    type=click.IntRange(min=1),
    metavar="N",
    help=say("Estado que interesa: el de los primeros N asientos.", "The state wanted: that of the first N entries."),
)
@option(
    "--workers",
    type=click.IntRange(min=1, max=64),
    metavar="N",
    help=say(
        "Procesos que verifican firmas; por omisión, uno por núcleo.",
        "Processes that verify signatures; by default one a core.",
    ),
)
@option(
    "--trusted",
    type=ANY_PATH,
    metavar=say("CARPETA", "FOLDER"),
    help=say(
        "Donde guardar lo verificado y seguir desde ahí; se puede interrumpir.",
        "Where to keep what is verified, and to go on from; may be broken off.",
    ),
)
@option(
    "--texts",
    "every_text",
    is_flag=True,
    help=say(
        "Con --trusted: mira de nuevo todos los textos, que pueden cambiar.",
        "With --trusted: look again at all texts, which can change.",
    ),
)
@option(
    "--max-age",
    type=click.IntRange(min=1),
    metavar=say("SEGUNDOS", "SECONDS"),
    help=say(
        "Qué edad puede tener la última cofirma del quórum; sin él, una vista congelada pasa.",
        "How old the quorum's last cosignature may be; without it, a frozen view passes.",
    ),
)
@option(
    "--evidence",
    type=ANY_PATH,
    metavar=say("CARPETA", "FOLDER"),
    help=say(
        "Si hay faltas, deja ahí los bytes que las prueban a terceros.",
        "Where there are findings, leave there the bytes that prove them to others.",
    ),
)
@option(
    "--follow",
    is_flag=True,
    help=say(
        "Vigila sin fin: audita cada --every segundos lo nuevo, y dice solo lo que cambia.",
        "Watch without end: audit what is new every --every seconds, and say only what changes.",
    ),
)
@every_option
@option(
    "--webhook",
    metavar="URL",
    help=say(
        "Con --follow: envía ahí cada novedad, un documento JSON por POST.",
        "With --follow: send each piece of news there, one JSON document by POST.",
    ),
)
@option(
    "--exit-on-finding",
    is_flag=True,
    help=say("Con --follow: termina con 1 ante la primera falta.", "With --follow: end with 1 at the first finding."),
)
@option(
    "--tsa-root",
    "tsa_roots",
    type=ANY_PATH,
    multiple=True,
    metavar=say("ARCHIVO", "FILE"),
    help=say(
        "Certificado raíz (PEM) de una autoridad de sellado de tiempo que usted fija; se puede repetir.",
        "Root certificate (PEM) of a time stamping authority that you pin; may be repeated.",
    ),
)
@as_json
@spoken
def audit(
    where: str,
    policy: Path | None,
    founding: str | None,
    at: int | None,
    workers: int | None,
    trusted: Path | None,
    every_text: bool,
    max_age: int | None,
    evidence: Path | None,
    follow: bool,
    every: int,
    webhook: str | None,
    exit_on_finding: bool,
    tsa_roots: Sequence[Path],
) -> int:
    """Audit."""
    from api.auditing import Wanted, audit_ledger

    wanted = Wanted(
        where=where,
        policy=policy,
        founding=founding,
        at=at,
        workers=workers,
        trusted=trusted,
        every_text=every_text,
        max_age=max_age,
        evidence=evidence,
        tsa_roots=tuple(tsa_roots),
    )
    if not follow:
        return audit_ledger(wanted)
    from api.monitoring import Watch, follow_ledger

    return follow_ledger(wanted, Watch(every=every, webhook=webhook, exit_on_finding=exit_on_finding))


@command(
    constancia,
    help=say(
        "Guarda una copia verificada de un registro, que se puede publicar y auditar como el original.\n\n"
        "Nada entra a la copia sin haber pasado la auditoría; ante una falta la copia queda como estaba, y la orden "
        "termina con 1. Otra vez, trae solo lo nuevo; los textos retirados se quitan también aquí.",
        "Keep a verified copy of a ledger, which can be published and audited like the original.\n\n"
        "Nothing gets into the copy that has not passed the audit; at a finding the copy stays as it was, and the "
        "command ends with 1. Run again, it fetches only what is new; texts taken from view go here too.",
    ),
)
@argument("url", metavar="URL")
@argument("place", type=ANY_PATH, metavar=say("CARPETA", "FOLDER"))
@pinned_policy
@pinned_founding
@option("--follow", is_flag=True, help=say("Sin fin, cada --every segundos.", "Without end, every --every seconds."))
@every_option
@as_json
@spoken
def mirror(url: str, place: Path, policy: Path | None, founding: str | None, follow: bool, every: int) -> int:
    """Mirror."""
    from api.mirroring import mirror_ledger

    return mirror_ledger(url, place, policy, founding, every if follow else None)


@command(
    constancia,
    help=say(
        "Comprueba una constancia sin conexión: que esa declaración, con esas firmas, está en el registro, en ese "
        "lugar y con esa hora. Termina con 1 si no es así.",
        "Check a receipt offline: that this statement, with these signatures, is in the ledger, at this place and "
        "with this time. Ends with 1 when it is not.",
    ),
)
@argument("receipt", type=ANY_PATH, metavar=say("CONSTANCIA", "RECEIPT"))
@option(
    "--policy",
    type=ANY_PATH,
    metavar=say("ARCHIVO", "FILE"),
    help=say("La política en la que usted confía.", "The policy that you trust."),
)
@option(
    "--ledger-key",
    metavar="VKEY",
    help=say(
        "O solo la llave del registro, como está en su `policy`: origen+código+llave.",
        "Or the log's key alone, as in its `policy`: origin+code+key.",
    ),
)
@option(
    "--contents",
    metavar=say("CARPETA_O_URL", "FOLDER_OR_URL"),
    help=say(
        "Mirar además, en el registro o en una copia, qué se muestra hoy de sus textos.",
        "Look also, at the ledger or a copy of it, what is shown of its texts today.",
    ),
)
@as_json
@spoken
def verify(receipt: Path, policy: Path | None, ledger_key: str | None, contents: str | None) -> int:
    """Verify."""
    from api.checking import verify_file

    return verify_file(receipt, policy, ledger_key, contents)


@command(
    constancia,
    help=say(
        "Dice cómo está un registro: su origen, cuántos asientos tiene, qué se puede fijar de él. No verifica nada; "
        "eso lo hace `audit`.",
        "Say how a ledger stands: its origin, how many entries it has, what can be pinned of it. Nothing is verified; "
        "`audit` does that.",
    ),
)
@argument("where", default=".", metavar=say("[CARPETA_O_URL]", "[FOLDER_OR_URL]"))
@as_json
@spoken
def status(where: str) -> None:
    """Status."""
    from api.checking import show_status

    show_status(where)
