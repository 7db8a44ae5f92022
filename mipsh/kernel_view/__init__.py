"""Mobile IPv6 as a kernel has it: bindings, the objects that each needs, and how these differ from an engine's."""
