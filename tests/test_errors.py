"""Errors as they travel: to logs and programs in English, to people in both languages, to other processes whole."""

import errno
import os
import pickle

import pytest

from ledger.errors import CannotRun, reason

ERROR = CannotRun("El diario falta.", "The journal is missing.", "Recupérelo.", "Restore it.")


def test_logs_and_programs_read_the_english_of_an_error() -> None:
    assert str(ERROR) == "The journal is missing. Restore it."
    assert (ERROR.detail, ERROR.advice) == ("The journal is missing.", "Restore it.")
    assert (ERROR.es, ERROR.advice_es) == ("El diario falta.", "Recupérelo.")


def test_an_error_without_advice_is_one_sentence() -> None:
    assert str(CannotRun("El diario está cerrado.", "The journal is closed.")) == "The journal is closed."


def test_an_error_reaches_another_process_whole() -> None:
    again = pickle.loads(pickle.dumps(ERROR))
    assert isinstance(again, CannotRun)
    assert (again.es, again.detail, again.advice_es, again.advice) == (
        "El diario falta.", "The journal is missing.", "Recupérelo.", "Restore it.",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "es", "en"),
    [
        (errno.ENOSPC, "el disco está lleno", "no space left on device"),
        (errno.EACCES, "no hay permiso", "permission denied"),
        (errno.EIO, "el disco falló al leer o escribir", "input/output error"),
    ],
)
def test_what_the_machine_refuses_has_a_reason_in_both_languages(number: int, es: str, en: str) -> None:
    assert reason(OSError(number, os.strerror(number))) == (es, en)


@pytest.mark.parametrize("error", [OSError(-2, "Name or service not known"), OSError("Name or service not known")])
def test_a_reason_that_we_have_no_word_for_is_given_as_the_machine_said_it(error: OSError) -> None:
    assert reason(error) == ("name or service not known", "name or service not known")
