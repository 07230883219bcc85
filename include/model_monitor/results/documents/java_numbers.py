"""Numbers in sentences, written as Java does, in which SageMaker's container is written."""

from __future__ import annotations

import math
from decimal import Decimal


def java_text(value: float | None) -> str:
    """A number as Java's ``Double.toString`` writes it, with the fewest digits that identify it; "NaN" for None.

    From 1e-3 to below 1e7 with a decimal point, else as a mantissa and a power of ten. Versions of Java before 19 write
    a digit more than needed of a few numbers; this is the text of later ones, which reads back as the same number.

    >>> java_text(0.0005092682820403929), java_text(1e7), java_text(100)
    ('5.092682820403929E-4', '1.0E7', '100.0')
    """
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = format(Decimal(repr(float(value))), "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = Decimal(repr(float(value))).as_tuple()
    power = len(digits) + int(exponent) - 1
    mantissa = "".join(map(str, digits)).rstrip("0")
    return f"{'-' * sign}{mantissa[0]}.{mantissa[1:] or '0'}E{power}"
