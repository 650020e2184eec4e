package quartet.engine.node;

/** Something a running node has the prompt's client told at once. */
public sealed interface ClientMessage {
  /**
   * A whole picture, as a binary frame.
   *
   * @param png a PNG file's bytes
   */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  record Picture(byte[] png) implements ClientMessage {}

  /** A line about what the node does. */
  record Text(String text) implements ClientMessage {}

  /** A node did not run, because what it needs is {@link Blocked}. */
  record NotRun(String nodeType, String message) implements ClientMessage {}
}
