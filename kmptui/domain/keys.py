"""Key algorithms and sizes, as SCM's profiles name them."""

from __future__ import annotations

from dataclasses import dataclass

from kmptui.errors import BadInput

RSA_SIZES = ("2048", "3072", "4096", "8192")
EC_CURVES = ("P-256", "P-384", "P-521")


@dataclass(frozen=True, slots=True, order=True)
class KeySpec:
    """An algorithm, "RSA" or "EC", and its parameter: bits as text, or the curve's name ("2048", "P-256")."""

    algorithm: str
    parameter: str

    def __str__(self) -> str:
        return f"{self.algorithm} {self.parameter}"

    @property
    def option(self) -> str:
        """The same as the command line takes it: rsa:2048, ec:P-256."""
        return f"{self.algorithm.lower()}:{self.parameter}"

    @classmethod
    def parse(cls, text: str) -> KeySpec:
        """`rsa:2048`, `ec:P-256`, `RSA 3072`, `EC - P-384`, `rsa` and `ec` alone (2048, P-256).

        Raises BadInput("key") on anything else; RSA below 2048 bits is refused (CA/B Baseline Requirements 6.1.5).
        """
        words = text.replace(":", " ").replace(" - ", " ").split()
        algorithm = words[0].upper() if words else ""
        parameter = words[1].upper() if len(words) > 1 else ""
        if len(words) <= 2 and algorithm in {"EC", "ECC", "ECDSA"}:
            curve = {"": "P-256", "P256": "P-256", "P384": "P-384", "P521": "P-521"}.get(parameter, parameter)
            if curve in EC_CURVES:
                return cls("EC", curve)
        if len(words) <= 2 and algorithm == "RSA":
            if parameter.isascii() and parameter.isdigit() and int(parameter[:6]) < 2048:
                raise BadInput("key", f"RSA {parameter} is too short", cure="Take RSA 2048 or longer")
            if (parameter or "2048") in RSA_SIZES:
                return cls("RSA", parameter or "2048")
        raise BadInput(
            "key", f"{text!r} is no key type", cure="Write rsa:2048, rsa:3072, rsa:4096, ec:P-256 or ec:P-384"
        )
