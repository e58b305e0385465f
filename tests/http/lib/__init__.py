"""What the black-box tests stand on: a server, a wire, a client, and cases that compare engines."""
