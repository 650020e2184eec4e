package quartet.engine.sampling;

import quartet.engine.model.DiffusionModel;
import quartet.engine.model.unet.Patches;
import quartet.engine.run.CancelToken;
import quartet.engine.value.LatentBatch;
import quartet.tensor.TensorScope;

/**
 * What stays the same in one run.
 *
 * @param patches changes inside the network
 * @param nets that the conditionings refer to
 * @param scope owns what is prepared; open for the whole run
 * @param latent that is sampled
 * @param seed of the run
 * @param cancel asked between long calls of the network
 */
record RunSetup(
    DiffusionModel model,
    Patches patches,
    ControlNets nets,
    TensorScope scope,
    LatentBatch latent,
    long seed,
    CancelToken cancel) {}
