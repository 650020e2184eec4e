package quartet.cluster.node;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long ended prompts are kept, in history and journal alike.
 *
 * @param age null for no limit; a limit in number is the store's
 */
public record Retention(@Nullable Duration age) {
  /** Only the number limits. */
  public static final Retention BY_COUNT = new Retention(null);
}
