package quartet.engine.canary;

import quartet.tensor.cpu.CpuBackend;

/** Breaks: the engine knows no backend. */
public record EngineKnowsABackend(CpuBackend backend) {}
