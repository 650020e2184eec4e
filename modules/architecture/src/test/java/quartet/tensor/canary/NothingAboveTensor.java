package quartet.tensor.canary;

import quartet.engine.value.LatentBatch;

/** Breaks: the tensor vocabulary knows nothing above it. */
public record NothingAboveTensor(LatentBatch latent) {}
