"""Which memories an NPU has next to it: sections of a configuration file of Vela."""

from __future__ import annotations

import os
from collections.abc import Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass
from functools import cache

from cmopt.support.diagnostics import CompileError
from cmopt.support.names import names_hint
from cmopt.support.targets import Npu

STANDARD = "Arm/vela.ini"
"""The configuration file that Vela is installed with."""
MOST_BYTES = 1 << 20
_ADDRESS_SPACE = {"u55": 1 << 32, "u65": 1 << 32, "u85": 1 << 40}


@dataclass(frozen=True)
class VelaSettings:
    """Names of sections, without "System_Config." and "Memory_Mode.", and the text of the file that
    has them; "" is the one of the NPU's family, and the standard file."""

    system_config: str = ""
    memory_mode: str = ""
    config: str = ""

    def text_for(self, npu: Npu) -> str:
        """The configuration that Vela's core gets."""
        return (
            f"[architecture]\nmacs={npu.macs}\ncores={npu.cores}\n"
            f"[vela]\nsystem_config_name={self.system_config or npu.defaults.system_config}\n"
            f"memory_mode_name={self.memory_mode or npu.defaults.memory_mode}\n"
            f"{self.config or standard_config()}"
        )

    def arena_size_limit(self, npu: Npu) -> int:
        """Bytes that the scheduler may use for feature maps: `arena_cache_size` of the memory mode,
        or the whole address space."""
        if not self.memory_mode and not self.config:
            return npu.defaults.arena_size_limit
        sections = _sections(self.config or standard_config())
        name: str | None = f"Memory_Mode.{self.memory_mode or npu.defaults.memory_mode}"
        for _ in range(len(sections)):
            section = sections.get(name or "", {})
            if "arena_cache_size" in section:
                return int(section["arena_cache_size"])
            name = section.get("inherit")
        return _ADDRESS_SPACE[npu.family]

    def flags_for(self, npu: Npu) -> tuple[str, ...]:
        """The command-line options of Vela that say the same."""
        return (
            f"--accelerator-config={npu.name}",
            f"--config={'vela.ini' if self.config else STANDARD}",
            "--output-format=raw",
            f"--system-config={self.system_config or npu.defaults.system_config}",
            f"--memory-mode={self.memory_mode or npu.defaults.memory_mode}",
        )


@dataclass(frozen=True)
class VelaChoice:
    """What a user chooses: names of sections, and the path of a configuration file; None is the
    default of the NPU's family, and the standard file."""

    system_config: str | None = None
    memory_mode: str | None = None
    path: str | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The options of `delegate-to-ethos-u`."""
        given = {
            "system-config": self.system_config,
            "memory-mode": self.memory_mode,
            "vela-config": self.path,
        }
        return tuple(f'{name}="{value}"' for name, value in given.items() if value)

    def settings(self, npu: Npu | None) -> VelaSettings:
        """The settings for an NPU.

        Raises CompileError if there is no NPU to choose them for, if the file cannot be read, and
        for a section that it does not have.
        """
        if npu is None:
            if self.options:
                raise CompileError(
                    "system_config, memory_mode and vela_config are for an NPU",
                    hint="name a target with one, as in cortex-m55+ethos-u55-128",
                )
            return VelaSettings()
        config = "" if self.path is None else _read(self.path)
        if self.options:
            sections = _sections(config or standard_config(), self.path or STANDARD)
            for kind, name in (
                ("System_Config", self.system_config or npu.defaults.system_config),
                ("Memory_Mode", self.memory_mode or npu.defaults.memory_mode),
            ):
                known = [s.partition(".")[2] for s in sections if s.startswith(f"{kind}.")]
                if name not in known:
                    for_family = [each for each in known if f"_{npu.family.upper()}_" in each]
                    known = for_family or known
                    raise CompileError(
                        f"'{self.path or STANDARD}' has no {kind} {name!r}",
                        hint=names_hint(name, known) if known else None,
                    )
        return VelaSettings(self.system_config or "", self.memory_mode or "", config)


@cache
def standard_config() -> str:
    """The text of the configuration file that Vela is installed with."""
    from importlib.resources import files

    path = files("ethosu") / "config_files" / "Arm" / "vela.ini"
    return path.read_text(encoding="utf-8")


def _read(path: str) -> str:
    if os.path.exists(path) and not os.path.isfile(path):
        raise CompileError(f"cannot read '{path}': not a file")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise CompileError(f"cannot read '{path}': {reason}") from None
    if len(text) > MOST_BYTES:
        raise CompileError(f"cannot read '{path}': it is too long for a configuration of Vela")
    return text


def _sections(text: str, path: str = STANDARD) -> Mapping[str, Mapping[str, str]]:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except Error as error:
        reason = str(error).splitlines()[0]
        raise CompileError(f"'{path}' is not a configuration of Vela: {reason}") from None
    return {name: dict(parser[name]) for name in parser.sections()}
