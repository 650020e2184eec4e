package quartet.engine.sampling;

import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.model.control.ControlModel;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.tensor.HostTensor;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * A ControlNet or T2I-Adapter for the prompts of one call.
 *
 * <p>Owner: of the prepared hint and prompts, in the run's scope.
 */
record PreparedControl(Conditioning.ControlUse use, ControlModel.Prepared prepared) {
  static PreparedControl of(
      Conditioning.ControlUse use,
      ControlModel model,
      RunSetup setup,
      HostTensor tokens,
      List<PlacedEntry> group,
      @Nullable Window window) {
    LatentBatch latent = setup.latent();
    HostTensor labels = PromptBatch.labels(group, model.labelWidth(), setup);
    int factor = ControlModel.PIXELS_PER_LATENT;
    ControlModel.Hint hint =
        ControlModel.Hint.of(
            use.hint(), latent.height() * factor, latent.width() * factor, latent.batch());
    if (window != null) {
      hint =
          hint.part(
              window.y() * factor,
              window.x() * factor,
              window.height() * factor,
              window.width() * factor);
    }
    return new PreparedControl(
        use, model.prepare(setup.scope(), hint.repeated(group.size()), tokens, labels));
  }

  boolean acts(NoiseSchedule schedule, float sigma) {
    return RunSigmas.within(schedule, sigma, use.startPercent(), use.endPercent());
  }

  /** What it adds, not yet times its strength. */
  ControlModel.Output run(TensorScope scope, Tensor x, float[] timesteps) {
    return prepared.run(scope, x, timesteps);
  }
}
