"""All enumerations of the protocol."""

from .commands import Opcode
from .enumerations import RECORDS, ComplianceAction, Mode, Record, Request, Selection, Status

__all__ = ["RECORDS", "ComplianceAction", "Mode", "Opcode", "Record", "Request", "Selection", "Status"]
