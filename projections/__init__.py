"""Read models: what the log says, in the shape that questions are asked in. Each can be thrown away and built again."""
