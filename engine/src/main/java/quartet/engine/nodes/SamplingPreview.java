package quartet.engine.nodes;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import quartet.engine.model.LatentFormat;
import quartet.engine.model.LatentPreview;
import quartet.engine.model.Vae;
import quartet.engine.node.NodeContext;
import quartet.engine.node.Preview;
import quartet.engine.node.PreviewMethod;
import quartet.engine.run.CancelToken;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;

/**
 * A picture of the first latent of a batch while it is sampled: by a tiny autoencoder if the viewer
 * wants that and {@code vae_approx} has the one of this model's latents, else by a linear map.
 *
 * @param denoised the clean latent as the model sees it now
 */
record SamplingPreview(NodeContext context, LatentFormat format, Supplier<LatentBatch> denoised)
    implements Preview {
  /** Ends of names under which models are kept. */
  static final List<String> SUFFIXES = List.of(".safetensors", ".sft");

  @Override
  public ImageBatch draw(PreviewMethod method) {
    LatentBatch first = first(denoised.get());
    return switch (method) {
      case NONE, AUTO, LATENT2RGB -> LatentPreview.rgb(first, format);
      case TAESD ->
          tiny()
              .flatMap(vae -> decoded(vae, first))
              .orElseGet(() -> LatentPreview.rgb(first, format));
    };
  }

  private Optional<Vae> tiny() {
    return SUFFIXES.stream()
        .map(suffix -> format.tinyName() + "_decoder" + suffix)
        .flatMap(name -> context.files().findModel("vae_approx", name).stream())
        .findFirst()
        .flatMap(context.models()::previewer);
  }

  /** Empty where there is no room: a smaller picture is better than a prompt that runs twice. */
  private static Optional<ImageBatch> decoded(Vae vae, LatentBatch latent) {
    try {
      return Optional.of(vae.decode(latent, CancelToken.NEVER));
    } catch (EngineException e) {
      if (e.kind() != ErrorKind.OUT_OF_MEMORY) {
        throw e;
      }
      return Optional.empty();
    }
  }

  private static LatentBatch first(LatentBatch latents) {
    int item = latents.values().length / latents.batch();
    return new LatentBatch(
        Arrays.copyOf(latents.values(), item),
        1,
        latents.channels(),
        latents.height(),
        latents.width(),
        null,
        null);
  }
}
