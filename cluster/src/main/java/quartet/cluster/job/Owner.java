package quartet.cluster.job;

/**
 * A server that a prompt belongs to: the only one that may run it and store what becomes of it.
 *
 * @param node the server's name
 * @param epoch tells its starts apart: a server that was started again is another owner
 */
public record Owner(String node, long epoch) {
  @Override
  public String toString() {
    return node + "#" + Long.toUnsignedString(epoch, Character.MAX_RADIX);
  }
}
