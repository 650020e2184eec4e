/**
 * From noise to a latent: which sigmas a run visits (schedulers), how it walks them (samplers), and
 * how a network's output becomes a guided prediction. Owns a run's tensors, none beyond it.
 *
 * <p>To add a sampler, copy a neighbour and name it in {@link quartet.engine.sampling.Samplers}.
 */
@NullMarked
package quartet.engine.sampling;

import org.jspecify.annotations.NullMarked;
