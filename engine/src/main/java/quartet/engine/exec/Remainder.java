package quartet.engine.exec;

import java.util.function.Function;
import java.util.function.Supplier;

/**
 * What is left of a prompt when its device has done its part.
 *
 * @param <R> how a prompt ends
 */
public sealed interface Remainder<R> {
  /** Nothing: it has ended. */
  record Nothing<R>(R end) implements Remainder<R> {}

  /**
   * Nodes that need no device.
   *
   * @param rest runs them to the prompt's end; to be called exactly once, on whatever thread, which
   *     then has the prompt's whole state
   */
  record HostNodes<R>(Supplier<R> rest) implements Remainder<R> {}

  /** Runs what is left, here and now. */
  default R finish() {
    return switch (this) {
      case Nothing<R>(R end) -> end;
      case HostNodes<R>(Supplier<R> rest) -> rest.get();
    };
  }

  /** The same with another kind of end. */
  default <S> Remainder<S> map(Function<R, S> end) {
    return switch (this) {
      case Nothing<R>(R reached) -> new Nothing<>(end.apply(reached));
      case HostNodes<R>(Supplier<R> rest) -> new HostNodes<>(() -> end.apply(rest.get()));
    };
  }
}
