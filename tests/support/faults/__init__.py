"""A campaign of faults over the whole product: mutated inputs, killed processes, doubled runs, refused uploads."""
