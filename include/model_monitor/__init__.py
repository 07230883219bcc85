"""Do our models still work?

One rule: **a monitor turns rows into a State; States add; everything else reads a State.**

Start with ``core/states``, then ``monitors/data_quality.py``, then ``jobs.py``, which strings them together.
"""

__version__ = "0.1.0"
