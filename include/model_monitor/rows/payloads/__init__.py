"""Which values were asked and answered? What captured requests say, decoded into columns."""
