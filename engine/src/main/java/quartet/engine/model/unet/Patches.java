package quartet.engine.model.unet;

import org.jspecify.annotations.Nullable;

/**
 * Changes inside the network that a model's options ask for.
 *
 * @param middle how tokens attend in the middle block, or null for as everywhere
 * @param tiles self-attention in tiles, or null
 * @param freeU what is done to the upward half, or null
 */
public record Patches(
    @Nullable SelfAttention middle, @Nullable HyperTile tiles, @Nullable FreeU freeU) {
  /** None. */
  public static final Patches NONE = new Patches(null, null, null);

  /** The same with another way to attend in the middle block. */
  public Patches withMiddle(SelfAttention other) {
    return new Patches(other, tiles, freeU);
  }

  /** How tokens attend outside the middle block of a network that is shown that many pixels. */
  SelfAttention attention(int height, int width) {
    return tiles == null ? SelfAttention.PLAIN : tiles.of(height, width);
  }

  /** The same in the middle block. */
  SelfAttention middleAttention(int height, int width) {
    return middle == null ? attention(height, width) : middle;
  }
}
