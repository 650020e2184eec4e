package quartet.engine.sampling;

import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.LargeTensors;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.model.control.ControlModel;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.tensor.HostTensor;
import quartet.tensor.Tensor;

/**
 * A ControlNet or T2I-Adapter for the prompts of one call.
 *
 * <p>Owner: of what it saw in the hint and of the prepared prompts, in the run's scope.
 */
record PreparedControl(
    Conditioning.ControlUse use, ControlModel model, ControlModel.Prepared prepared) {
  private static final int FACTOR = ControlModel.PIXELS_PER_LATENT;

  static PreparedControl of(
      Conditioning.ControlUse use,
      ControlModel model,
      RunSetup setup,
      HostTensor tokens,
      List<PlacedEntry> group,
      @Nullable Window window) {
    HostTensor labels = PromptBatch.labels(group, model.labelWidth(), setup);
    ControlModel.Hint hint = hint(use, setup.latent(), window).repeated(group.size());
    int countable =
        LargeTensors.items(hint.height() / FACTOR, hint.width() / FACTOR, model.widestPixel());
    List<Tensor> seen =
        new NetworkCalls(setup.model().partsWhenFull(), setup.cancel())
            .show(
                setup.scope(),
                hint.batch(),
                countable,
                (call, part) -> model.look(call, hint.items(part)));
    return new PreparedControl(use, model, model.prepare(setup.scope(), seen, tokens, labels));
  }

  private static ControlModel.Hint hint(
      Conditioning.ControlUse use, LatentBatch latent, @Nullable Window window) {
    ControlModel.Hint whole =
        ControlModel.Hint.of(
            use.hint(), latent.height() * FACTOR, latent.width() * FACTOR, latent.batch());
    return window == null
        ? whole
        : whole.part(
            window.y() * FACTOR,
            window.x() * FACTOR,
            window.height() * FACTOR,
            window.width() * FACTOR);
  }

  boolean acts(NoiseSchedule schedule, float sigma) {
    return RunSigmas.within(schedule, sigma, use.startPercent(), use.endPercent());
  }
}
