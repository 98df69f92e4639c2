"""The security group and its rules, a behaviour a file."""
