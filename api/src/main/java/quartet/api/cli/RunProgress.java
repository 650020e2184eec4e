package quartet.api.cli;

import java.util.Optional;
import java.util.function.Consumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.graph.ExecutionPlan;
import quartet.engine.node.ClientMessage;

/** Shows on standard error which node runs and, while it samples, how far it is. */
final class RunProgress implements Consumer<ExecutionEvent>, AutoCloseable {
  private static final int REFRESH_MILLIS = 250;

  private final ExecutionPlan plan;
  private @Nullable ProgressBar bar;

  RunProgress(ExecutionPlan plan) {
    this.plan = plan;
  }

  @Override
  public synchronized void accept(ExecutionEvent event) {
    switch (event) {
      case ExecutionEvent.Cached ignored -> {}
      case ExecutionEvent.NodeStarted started ->
          System.err.println(
              Optional.ofNullable(plan.nodes().get(started.nodeId()))
                  .map(node -> "node %s: %s".formatted(node.id(), node.className()))
                  .orElse("node " + started.nodeId()));
      case ExecutionEvent.Progress progress -> step(progress.value(), progress.max());
      case ExecutionEvent.NodeFinished ignored -> end();
      case ExecutionEvent.Message told -> {
        end();
        System.err.println("node " + told.nodeId() + ": " + text(told.message()));
      }
    }
  }

  private static String text(ClientMessage message) {
    return switch (message) {
      case ClientMessage.Text text -> text.text();
      case ClientMessage.NotRun notRun -> "not run: " + notRun.message();
      case ClientMessage.Picture picture ->
          "a picture of %d bytes for a WebSocket client".formatted(picture.png().length);
    };
  }

  private void step(int value, int max) {
    ProgressBar shown = bar;
    if (shown == null) {
      shown =
          new ProgressBarBuilder()
              .setTaskName("  step")
              .setInitialMax(max)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(REFRESH_MILLIS)
              .build();
      bar = shown;
    }
    shown.stepTo(value);
  }

  @Override
  public void close() {
    end();
  }

  /** Takes the bar away, so that what is printed next stands on its own line. */
  synchronized void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
