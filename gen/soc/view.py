# SPDX-License-Identifier: Apache-2.0
"""The register map as the templates print it: every text of a register and of a field, worked out."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from wsfracbnn.gen.soc.registers import WORD_BITS, Field, Kind, Register
from wsfracbnn.gen.soc.wrapper import AxiWrapper

_ACCESS = {True: "read-write", False: "read-only"}
_INTERRUPTS = "IRQ_ENABLE"
"""The register that says which events interrupt: nothing outside the registers' module wants to know."""


@dataclass(frozen=True)
class FieldView:
    """A field.

    Attributes:
        signal: its name in Verilog; range: of a declaration, with a blank behind.
        selected: in Verilog, whether it is being written.
        contents: in Verilog, what it reads as; reset: what it holds after reset.
        mask: in C. xml_text, access, volatile, one_to_clear: in IP-XACT.
    """

    field: Field
    signal: str
    range: str
    selected: str
    contents: str
    reset: str
    mask: str
    xml_text: str
    access: str
    volatile: bool
    one_to_clear: bool

    @classmethod
    def of(cls, wrapper: AxiWrapper, register: Register, field: Field) -> FieldView:
        """Work it out."""
        signal = f"{register.name}_{field.name}".lower()
        contents = signal
        if field.kind is Kind.CONSTANT:
            contents = f"{field.width}'h{wrapper.constants[signal]:x}"
        elif field.kind is Kind.PULSE:
            contents = f"{field.width}'d0"
        return cls(
            field=field,
            signal=signal,
            range=f"[{field.width - 1}:0] " if field.width > 1 else "",
            selected=f"write && write_word == {wrapper.word_bits}'d{register.word} && write_strb[{field.byte}]",
            contents=contents,
            reset=f"{field.width}'d{field.reset}",
            mask=f"0x{field.mask:08X}u",
            xml_text=escape(field.text),
            access=_ACCESS[field.written],
            volatile=field.kind not in (Kind.CONSTANT, Kind.CONTROL),
            one_to_clear=field.kind is Kind.EVENT,
        )

    @property
    def c_name(self) -> str:
        """In C."""
        return self.field.name.upper()


@dataclass(frozen=True)
class RegisterView:
    """A register. offset, value: in hexadecimal; constant: whether `value` is all that it ever holds."""

    register: Register
    fields: tuple[FieldView, ...]
    offset: str
    value: str
    constant: bool
    xml_text: str
    access: str
    read: str

    @classmethod
    def of(cls, wrapper: AxiWrapper, register: Register) -> RegisterView:
        """Work it out."""
        fields = tuple(FieldView.of(wrapper, register, field) for field in register.fields)
        constants = sum(wrapper.constants.get(view.signal, 0) << view.field.low for view in fields)
        return cls(
            register=register,
            fields=fields,
            offset=f"0x{register.offset:02X}",
            value=f"0x{register.reset | constants:08X}",
            constant=all(field.kind is Kind.CONSTANT for field in register.fields),
            xml_text=escape(register.text),
            access=_ACCESS[register.written],
            read=f"(read_word == {wrapper.word_bits}'d{register.word} ? {_word(fields)} : {WORD_BITS}'d0)",
        )

    @property
    def several(self) -> bool:
        """Whether its fields have names of their own."""
        return len(self.fields) > 1


@dataclass(frozen=True)
class MapView:
    """The map."""

    registers: tuple[RegisterView, ...]

    @classmethod
    def of(cls, wrapper: AxiWrapper) -> MapView:
        """Work it out."""
        return cls(tuple(RegisterView.of(wrapper, register) for register in wrapper.registers))

    def _fields(self, kind: Kind) -> list[FieldView]:
        return [view for register in self.registers for view in register.fields if view.field.kind is kind]

    @property
    def statuses(self) -> list[FieldView]:
        """What the hardware says."""
        return self._fields(Kind.STATUS)

    @property
    def events(self) -> list[FieldView]:
        """What has happened."""
        return self._fields(Kind.EVENT)

    @property
    def pulses(self) -> list[FieldView]:
        """What software asks for."""
        return self._fields(Kind.PULSE)

    @property
    def controls(self) -> list[FieldView]:
        """What software decides."""
        return self._fields(Kind.CONTROL)

    @property
    def enables(self) -> list[FieldView]:
        """Those of them that nothing outside wants to know."""
        (found,) = [view.fields for view in self.registers if view.register.name == _INTERRUPTS]
        return list(found)

    @property
    def decisions(self) -> list[FieldView]:
        """The others."""
        return [view for view in self.controls if view not in self.enables]

    @property
    def interrupting(self) -> str:
        """In Verilog, whether an enabled event is there."""
        pairs = zip(self.events, self.enables, strict=True)
        return " || ".join(f"({event.signal} && {enable.signal})" for event, enable in pairs)

    @property
    def constants(self) -> list[RegisterView]:
        """Registers that say what was built."""
        return [view for view in self.registers if view.constant]


def _word(fields: tuple[FieldView, ...]) -> str:
    """What a register reads as, in Verilog; zeros between its fields."""
    parts: list[str] = []
    above = WORD_BITS
    for view in sorted(fields, key=lambda view: -view.field.low):
        if above > view.field.high + 1:
            parts.append(f"{above - view.field.high - 1}'d0")
        parts.append(view.contents)
        above = view.field.low
    if above:
        parts.append(f"{above}'d0")
    return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"
