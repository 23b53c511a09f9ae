"""Every declared fault still applies."""

from pathlib import Path

import pytest
from source_faults import FAULTS, SourceFault

ROOT = Path(__file__).resolve().parent.parent.parent


def test_there_are_sixty() -> None:
    assert len(FAULTS) >= 60
    assert len(set(FAULTS)) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.new}")
def test_fault_applies(fault: SourceFault) -> None:
    assert (ROOT / fault.file).read_text().count(fault.old) == 1
    assert fault.old != fault.new
    assert fault.caught_by.startswith("prove ") or (ROOT / fault.caught_by).is_file()
