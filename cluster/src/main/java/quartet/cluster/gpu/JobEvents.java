package quartet.cluster.gpu;

import java.time.Clock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;

/**
 * The engine's events as events of a prompt. Thread: the device's, then the one that does what is
 * left.
 */
record JobEvents(
    PromptJob job, Clock clock, PreviewSink previews, Consumer<PromptEvent.OfPrompt> listener)
    implements Consumer<ExecutionEvent> {
  private static final Logger LOG = LoggerFactory.getLogger(JobEvents.class);

  @Override
  public void accept(ExecutionEvent event) {
    if (event instanceof ExecutionEvent.Progress progress) {
      PreviewMethod method = previews.wanted(job);
      if (method.draws()) {
        show(progress, method);
      }
    }
    listener.accept(
        switch (event) {
          case ExecutionEvent.Cached cached ->
              new PromptEvent.Cached(job, cached.nodeIds(), clock.millis());
          case ExecutionEvent.NodeStarted started ->
              new PromptEvent.NodeStarted(job, started.nodeId());
          case ExecutionEvent.Progress progress ->
              new PromptEvent.Progress(job, progress.nodeId(), progress.value(), progress.max());
          case ExecutionEvent.NodeFinished finished ->
              new PromptEvent.NodeFinished(
                  job, finished.nodeId(), finished.ui(), finished.cached());
          case ExecutionEvent.Message message ->
              new PromptEvent.Message(job, message.nodeId(), message.message());
        });
  }

  /** The latents are only there during this call; the picture made of them is small. */
  private void show(ExecutionEvent.Progress progress, PreviewMethod method) {
    ImageBatch picture;
    try {
      picture = progress.preview().draw(method);
    } catch (IllegalArgumentException e) {
      LOG.debug("no preview of prompt {}: {}", job.promptId(), e.getMessage());
      return; // latents that nobody knows how to draw: the prompt goes on without
    }
    previews.offer(job, progress.nodeId(), picture);
  }
}
