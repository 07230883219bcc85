"""The monitors: modules of one shape, each a frozen dataclass that observes, measures and suggests."""
