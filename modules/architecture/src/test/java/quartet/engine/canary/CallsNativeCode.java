package quartet.engine.canary;

import java.lang.foreign.Linker;

/** Breaks: native calls only in the backends. */
public record CallsNativeCode(Linker linker) {}
