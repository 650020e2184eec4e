package quartet.engine.sim;

import quartet.engine.value.ImageBatch;

/**
 * The picture of a simulated device: the word SIMULATED, in letters of its own so that no font is
 * needed.
 */
final class SimPicture {
  private static final int SCALE = 3;
  private static final int MARGIN = 2;
  private static final int GLYPH_WIDTH = 5;
  private static final int GLYPH_HEIGHT = 7;
  private static final float PAPER = 0.13f;
  private static final float INK = 0.95f;

  /** Rows of S I M U L A T E D, five bits each, top first. */
  private static final int[][] GLYPHS = {
    {0x0F, 0x10, 0x10, 0x0E, 0x01, 0x01, 0x1E},
    {0x0E, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0E},
    {0x11, 0x1B, 0x15, 0x15, 0x11, 0x11, 0x11},
    {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0E},
    {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1F},
    {0x0E, 0x11, 0x11, 0x1F, 0x11, 0x11, 0x11},
    {0x1F, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04},
    {0x1F, 0x10, 0x10, 0x1E, 0x10, 0x10, 0x1F},
    {0x1E, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1E}
  };

  private SimPicture() {}

  /** That many of them, {@code [B, H, W, 3]}. */
  static ImageBatch of(int batch) {
    int width = (GLYPHS.length * (GLYPH_WIDTH + 1) - 1 + 2 * MARGIN) * SCALE;
    int height = (GLYPH_HEIGHT + 2 * MARGIN) * SCALE;
    float[] values = new float[batch * height * width * 3];
    int at = 0;
    for (int b = 0; b < batch; b++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          float value = inked(x / SCALE - MARGIN, y / SCALE - MARGIN) ? INK : PAPER;
          values[at++] = value;
          values[at++] = value;
          values[at++] = value;
        }
      }
    }
    return new ImageBatch(values, batch, height, width, 3);
  }

  private static boolean inked(int x, int y) {
    int glyph = Math.floorDiv(x, GLYPH_WIDTH + 1);
    int column = Math.floorMod(x, GLYPH_WIDTH + 1);
    return y >= 0
        && y < GLYPH_HEIGHT
        && glyph >= 0
        && glyph < GLYPHS.length
        && column < GLYPH_WIDTH
        && (GLYPHS[glyph][y] >> (GLYPH_WIDTH - 1 - column) & 1) == 1;
  }
}
