package quartet.api.canary;

import quartet.tensor.cpu.CpuBackend;

/** Breaks: only Main's package knows the backends. */
public record KnowsABackend(CpuBackend backend) {}
