package quartet.api.ws;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.PreviewSink;
import quartet.cluster.job.PromptJob;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;
import quartet.image.JpegWriter;
import quartet.image.PreviewScale;

/**
 * Makes JPEGs of latents while they are sampled, if somebody looks. The device's thread only leaves
 * the small picture here; scaling and encoding happen elsewhere, and a picture that is not encoded
 * when the next one of its prompt comes is never encoded.
 */
public final class LivePreviews implements PreviewSink {
  private static final Logger LOG = LoggerFactory.getLogger(LivePreviews.class);
  private static final int QUALITY = 95;

  private final PreviewOptions options;
  private final Audience audience;
  private final Executor encoder;
  private final Consumer<SocketHub.Preview> ready;
  private final Map<String, Sketch> waiting = new LinkedHashMap<>();

  private record Sketch(PromptJob job, String nodeId, ImageBatch picture) {}

  /**
   * Previews for the given audience.
   *
   * @param encoder where pictures are scaled and encoded
   * @param ready takes what is to be sent
   */
  public LivePreviews(
      PreviewOptions options,
      Audience audience,
      Executor encoder,
      Consumer<SocketHub.Preview> ready) {
    this.options = options;
    this.audience = audience;
    this.encoder = encoder;
    this.ready = ready;
  }

  @Override
  public PreviewMethod wanted(PromptJob job) {
    PreviewMethod method =
        PreviewMethod.named(job.extraData().path("preview_method").asText())
            .orElse(options.method());
    return method.draws() && audience.hears(SocketHub.address(job)) ? method : PreviewMethod.NONE;
  }

  @Override
  public void offer(PromptJob job, String nodeId, ImageBatch picture) {
    synchronized (waiting) {
      waiting.put(job.promptId(), new Sketch(job, nodeId, picture));
    }
    encoder.execute(() -> encode(job.promptId()));
  }

  private void encode(String promptId) {
    Sketch sketch;
    synchronized (waiting) {
      sketch = waiting.remove(promptId);
    }
    if (sketch == null) {
      return; // an earlier turn has taken the newer picture
    }
    ImageBatch picture = sketch.picture();
    try {
      byte[] jpeg =
          JpegWriter.encode(
              PreviewScale.fit(
                  picture.values(),
                  picture.height(),
                  picture.width(),
                  picture.channels(),
                  options.side()),
              QUALITY);
      ready.accept(new SocketHub.Preview(sketch.job(), sketch.nodeId(), jpeg));
    } catch (RuntimeException e) {
      LOG.warn("a preview could not be made: {}", e.toString()); // the prompt goes on without
    }
  }
}
