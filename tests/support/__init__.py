"""What several tests share: inputs, servers, judges."""
