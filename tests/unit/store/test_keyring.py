"""Sealing: what was sealed for one row opens for that row only, under that key only."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import Misconfigured
from connector.store.keyring import DataKind, MasterKey, create_master_key, read_master_key, seal, unseal

KEY = bytes(range(32))
MASTER = MasterKey(KEY)


@given(data=st.binary(max_size=500), aad=st.text(max_size=60))
def test_what_was_sealed_opens_again(data: bytes, aad: str) -> None:
    assert unseal(KEY, seal(KEY, data, aad=aad), aad=aad) == data


@given(data=st.binary(min_size=4, max_size=80), other=st.text(max_size=20))
def test_a_sealed_value_does_not_open_under_another_name(data: bytes, other: str) -> None:
    sealed = seal(KEY, data, aad="visit_records|1|launch|1")
    with pytest.raises(Misconfigured):
        unseal(KEY, sealed, aad=other)


@given(place=st.integers(min_value=0), flip=st.integers(min_value=1, max_value=255))
def test_one_changed_byte_anywhere_is_noticed(place: int, flip: int) -> None:
    sealed = bytearray(seal(KEY, b"the patient said", aad="a"))
    sealed[place % len(sealed)] ^= flip
    with pytest.raises(Misconfigured):
        unseal(KEY, bytes(sealed), aad="a")


@pytest.mark.parametrize("cut", [0, 1, 11, 12, 27])
def test_a_cut_value_is_refused_and_never_half_read(cut: int) -> None:
    with pytest.raises(Misconfigured):
        unseal(KEY, seal(KEY, b"the patient said", aad="a")[:cut], aad="a")


def test_the_same_words_sealed_twice_do_not_look_the_same() -> None:
    assert seal(KEY, b"cough", aad="a") != seal(KEY, b"cough", aad="a")


def test_a_refusal_names_the_table_and_nothing_else() -> None:
    with pytest.raises(Misconfigured) as refused:
        unseal(KEY, seal(KEY, b"the patient said", aad="visit_records|7|x"), aad="visit_records|8|x")
    assert "visit_records" in str(refused.value)
    assert "|" not in str(refused.value)
    assert "patient" not in str(refused.value)


def test_a_wrapped_data_key_belongs_to_one_visit_one_kind_and_one_master_key() -> None:
    plain, wrapped = MASTER.new_data_key("v1", DataKind.WORDS)
    assert MASTER.unwrap(wrapped, "v1", DataKind.WORDS) == plain
    assert plain not in wrapped
    for visit, kind in (("v2", DataKind.WORDS), ("v1", DataKind.AUDIO)):
        with pytest.raises(Misconfigured):
            MASTER.unwrap(wrapped, visit, kind)
    with pytest.raises(Misconfigured):
        MasterKey(b"x" * 32).unwrap(wrapped, "v1", DataKind.WORDS)


def test_the_canary_knows_the_key_that_made_it() -> None:
    canary = MASTER.make_canary()
    assert MASTER.fits_canary(canary)
    assert not MasterKey(b"x" * 32).fits_canary(canary)
    assert not MASTER.fits_canary(b"no canary")


def test_keys_of_different_purposes_differ_and_pseudonyms_are_stable() -> None:
    assert len({MASTER.derive(purpose) for purpose in ("wrap", "canary", "pending", "pseudonym")}) == 4
    assert MASTER.pseudonym("Practitioner/1") == MASTER.pseudonym("Practitioner/1")
    assert MASTER.pseudonym("Practitioner/1") != MASTER.pseudonym("Practitioner/2")
    assert MASTER.pseudonym("Practitioner/1") != MasterKey(b"x" * 32).pseudonym("Practitioner/1")


def test_the_secret_does_not_show() -> None:
    assert KEY.hex() not in f"{MASTER!r}{MASTER}"
    assert repr(KEY) not in repr(MASTER)


# The file


def test_a_new_key_file_is_for_its_owner_alone_and_reads_back(tmp_path: Path) -> None:
    made = create_master_key(tmp_path / "keys" / "master.key")
    assert stat.S_IMODE((tmp_path / "keys" / "master.key").stat().st_mode) == 0o600
    assert read_master_key(tmp_path / "keys" / "master.key") == made


def test_an_existing_key_file_is_never_replaced(tmp_path: Path) -> None:
    made = create_master_key(tmp_path / "master.key")
    with pytest.raises(FileExistsError):
        create_master_key(tmp_path / "master.key")
    assert read_master_key(tmp_path / "master.key") == made


def test_where_there_is_no_file_there_is_no_key(tmp_path: Path) -> None:
    assert read_master_key(tmp_path / "master.key") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    create_master_key(tmp_path / "master.key")
    (tmp_path / "master.key").chmod(mode)
    with pytest.raises(Misconfigured, match=r"master\.key can be read by others: run chmod 600"):
        read_master_key(tmp_path / "master.key")


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "ab" * 31, "ab" * 33, "äö" * 32])
def test_a_key_file_that_holds_no_key_is_refused_without_being_quoted(tmp_path: Path, content: str) -> None:
    path = tmp_path / "master.key"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode())
    with pytest.raises(Misconfigured, match="64 hexadecimal digits") as refused:
        read_master_key(path)
    assert not content or content not in str(refused.value)
