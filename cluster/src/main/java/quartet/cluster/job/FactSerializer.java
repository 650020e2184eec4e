package quartet.cluster.job;

import akka.serialization.SerializerWithStringManifest;

/**
 * Hands facts to Akka's journal as {@link FactCodec} writes them. The version stands inside the
 * bytes, so that an entry explains itself also without Akka.
 */
public final class FactSerializer extends SerializerWithStringManifest {
  /** In every row of the journal; never to be changed. */
  public static final int ID = 81880;

  private static final String MANIFEST = "prompt-fact";

  /**
   * The same for a prompt's last fact, so that a database finds the prompts that are still open
   * without reading every entry. Entries of earlier versions do without.
   */
  public static final String END_MANIFEST = "prompt-end";

  @Override
  public int identifier() {
    return ID;
  }

  @Override
  public String manifest(Object fact) {
    return fact instanceof PromptFact.Ended ? END_MANIFEST : MANIFEST;
  }

  @Override
  public byte[] toBinary(Object fact) {
    if (fact instanceof PromptFact known) {
      return FactCodec.bytes(known);
    }
    throw new IllegalArgumentException("no prompt fact: " + fact.getClass().getName());
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) {
    return MANIFEST.equals(manifest) || END_MANIFEST.equals(manifest)
        ? FactCodec.fact(bytes)
        : new PromptFact.Unreadable("an entry is of the unknown kind '" + manifest + "'");
  }
}
