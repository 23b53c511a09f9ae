"""All enumerations of the protocol."""

from .commands import Opcode
from .enumerations import RECORDS, ComplianceAction, Destination, Mode, Record, Request, Selection, Status

__all__ = ["RECORDS", "ComplianceAction", "Destination", "Mode", "Opcode", "Record", "Request", "Selection", "Status"]
