package quartet.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * A full-size checkpoint in float16 with the true key layout (SD1.5: 859.5 M UNet parameters,
 * CLIP-L, the VAE; SDXL: 2567.5 M, CLIP-L, OpenCLIP-bigG, the VAE), for measurements without
 * anybody's weights. Values are seeded and at a sane scale: N(0, 1/fan-in) for matrices, 1 for norm
 * weights, 0 for biases. Without a seed the file is sparse zeros: made at once, for counting.
 */
final class SyntheticCheckpoint {
  private static final int CHUNK = 1 << 20;

  /** Where the families' UNets differ. */
  record Family(String name, List<Integer> widths, List<Integer> depths, int context, int label) {
    /** Stable Diffusion 1.5. */
    static final Family SD15 =
        new Family("sd15", List.of(320, 640, 1280, 1280), List.of(1, 1, 1, 0), 768, 0);

    /** SDXL base. */
    static final Family SDXL =
        new Family("sdxl", List.of(320, 640, 1280), List.of(0, 2, 10), 2048, 2816);

    boolean labelled() {
      return label > 0;
    }
  }

  private final Map<String, long[]> tensors = new LinkedHashMap<>();
  private final Family family;

  private SyntheticCheckpoint(Family family) {
    this.family = family;
  }

  /** Writes the file; with a null seed as sparse zeros. */
  static void write(Path file, Family family, @org.jspecify.annotations.Nullable Long seed)
      throws IOException {
    SyntheticCheckpoint layout = new SyntheticCheckpoint(family);
    if (family.labelled()) {
      layout.textEncoder("conditioner.embedders.0.transformer.text_model.");
      layout.bigTextEncoder("conditioner.embedders.1.model.");
    } else {
      layout.textEncoder("cond_stage_model.transformer.text_model.");
    }
    layout.unet();
    layout.vae();
    layout.store(file, seed);
  }

  private void conv(String name, int out, int in, int kernel) {
    tensors.put(name + ".weight", new long[] {out, in, kernel, kernel});
    tensors.put(name + ".bias", new long[] {out});
  }

  private void linear(String name, int out, int in) {
    tensors.put(name + ".weight", new long[] {out, in});
    tensors.put(name + ".bias", new long[] {out});
  }

  private void matrix(String name, int out, int in) {
    tensors.put(name + ".weight", new long[] {out, in});
  }

  private void norm(String name, int channels) {
    tensors.put(name + ".weight", new long[] {channels});
    tensors.put(name + ".bias", new long[] {channels});
  }

  private void bigTextEncoder(String root) {
    int width = 1280;
    matrix(root + "token_embedding", 49408, width);
    tensors.put(root + "positional_embedding", new long[] {77, width});
    tensors.put(root + "text_projection", new long[] {width, width});
    for (int n = 0; n < 32; n++) {
      String layer = root + "transformer.resblocks." + n + ".";
      norm(layer + "ln_1", width);
      norm(layer + "ln_2", width);
      tensors.put(layer + "attn.in_proj_weight", new long[] {3L * width, width});
      tensors.put(layer + "attn.in_proj_bias", new long[] {3L * width});
      linear(layer + "attn.out_proj", width, width);
      linear(layer + "mlp.c_fc", 4 * width, width);
      linear(layer + "mlp.c_proj", width, 4 * width);
    }
    norm(root + "ln_final", width);
  }

  private void textEncoder(String root) {
    matrix(root + "embeddings.token_embedding", 49408, 768);
    matrix(root + "embeddings.position_embedding", 77, 768);
    for (int n = 0; n < 12; n++) {
      String layer = root + "encoder.layers." + n + ".";
      norm(layer + "layer_norm1", 768);
      norm(layer + "layer_norm2", 768);
      for (String part : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
        linear(layer + "self_attn." + part, 768, 768);
      }
      linear(layer + "mlp.fc1", 3072, 768);
      linear(layer + "mlp.fc2", 768, 3072);
    }
    norm(root + "final_layer_norm", 768);
  }

  private void res(String name, int in, int out) {
    norm(name + ".in_layers.0", in);
    conv(name + ".in_layers.2", out, in, 3);
    linear(name + ".emb_layers.1", out, 1280);
    norm(name + ".out_layers.0", out);
    conv(name + ".out_layers.3", out, out, 3);
    if (in != out) {
      conv(name + ".skip_connection", out, in, 1);
    }
  }

  private void transformer(String name, int channels, int depth) {
    boolean matrices = family.labelled();
    norm(name + ".norm", channels);
    if (matrices) {
      linear(name + ".proj_in", channels, channels);
      linear(name + ".proj_out", channels, channels);
    } else {
      conv(name + ".proj_in", channels, channels, 1);
      conv(name + ".proj_out", channels, channels, 1);
    }
    for (int n = 0; n < depth; n++) {
      block(name + ".transformer_blocks." + n + ".", channels);
    }
  }

  private void block(String block, int channels) {
    for (Map.Entry<String, Integer> attention :
        Map.of("attn1", channels, "attn2", family.context).entrySet()) {
      String prefix = block + attention.getKey();
      matrix(prefix + ".to_q", channels, channels);
      matrix(prefix + ".to_k", channels, attention.getValue());
      matrix(prefix + ".to_v", channels, attention.getValue());
      linear(prefix + ".to_out.0", channels, channels);
    }
    for (int i = 1; i <= 3; i++) {
      norm(block + "norm" + i, channels);
    }
    linear(block + "ff.net.0.proj", 8 * channels, channels);
    linear(block + "ff.net.2", channels, 4 * channels);
  }

  private void unet() {
    String root = "model.diffusion_model.";
    int last = family.widths.size() - 1;
    linear(root + "time_embed.0", 1280, 320);
    linear(root + "time_embed.2", 1280, 1280);
    if (family.label > 0) {
      linear(root + "label_emb.0.0", 1280, family.label);
      linear(root + "label_emb.0.2", 1280, 1280);
    }
    conv(root + "input_blocks.0.0", 320, 4, 3);
    List<Integer> skips = new ArrayList<>(List.of(320));
    int channels = 320;
    int block = 1;
    for (int level = 0; level <= last; level++) {
      for (int i = 0; i < 2; i++) {
        String name = root + "input_blocks." + block++;
        res(name + ".0", channels, family.widths.get(level));
        channels = family.widths.get(level);
        if (family.depths.get(level) > 0) {
          transformer(name + ".1", channels, family.depths.get(level));
        }
        skips.add(channels);
      }
      if (level < last) {
        conv(root + "input_blocks." + block++ + ".0.op", channels, channels, 3);
        skips.add(channels);
      }
    }
    res(root + "middle_block.0", channels, channels);
    transformer(root + "middle_block.1", channels, Math.max(1, family.depths.get(last)));
    res(root + "middle_block.2", channels, channels);
    block = 0;
    for (int level = last; level >= 0; level--) {
      for (int i = 0; i < 3; i++) {
        String name = root + "output_blocks." + block++;
        res(name + ".0", channels + skips.removeLast(), family.widths.get(level));
        channels = family.widths.get(level);
        if (family.depths.get(level) > 0) {
          transformer(name + ".1", channels, family.depths.get(level));
        }
        if (level > 0 && i == 2) {
          String place = family.depths.get(level) > 0 ? ".2" : ".1";
          conv(name + place + ".conv", channels, channels, 3);
        }
      }
    }
    norm(root + "out.0", 320);
    conv(root + "out.2", 4, 320, 3);
  }

  private void vaeRes(String name, int in, int out) {
    norm(name + ".norm1", in);
    conv(name + ".conv1", out, in, 3);
    norm(name + ".norm2", out);
    conv(name + ".conv2", out, out, 3);
    if (in != out) {
      conv(name + ".nin_shortcut", out, in, 1);
    }
  }

  private void vaeMiddle(String root) {
    vaeRes(root + ".mid.block_1", 512, 512);
    norm(root + ".mid.attn_1.norm", 512);
    for (String part : List.of("q", "k", "v", "proj_out")) {
      conv(root + ".mid.attn_1." + part, 512, 512, 1);
    }
    vaeRes(root + ".mid.block_2", 512, 512);
  }

  private void vae() {
    String root = "first_stage_model.";
    int[] levels = {128, 256, 512, 512};
    conv(root + "encoder.conv_in", 128, 3, 3);
    int channels = 128;
    for (int level = 0; level < 4; level++) {
      for (int i = 0; i < 2; i++) {
        vaeRes(root + "encoder.down." + level + ".block." + i, channels, levels[level]);
        channels = levels[level];
      }
      if (level < 3) {
        conv(root + "encoder.down." + level + ".downsample.conv", channels, channels, 3);
      }
    }
    vaeMiddle(root + "encoder");
    norm(root + "encoder.norm_out", 512);
    conv(root + "encoder.conv_out", 8, 512, 3);
    conv(root + "quant_conv", 8, 8, 1);
    conv(root + "post_quant_conv", 4, 4, 1);
    conv(root + "decoder.conv_in", 512, 4, 3);
    vaeMiddle(root + "decoder");
    channels = 512;
    for (int level = 3; level >= 0; level--) {
      for (int i = 0; i < 3; i++) {
        vaeRes(root + "decoder.up." + level + ".block." + i, channels, levels[level]);
        channels = levels[level];
      }
      if (level > 0) {
        conv(root + "decoder.up." + level + ".upsample.conv", channels, channels, 3);
      }
    }
    norm(root + "decoder.norm_out", 128);
    conv(root + "decoder.conv_out", 3, 128, 3);
  }

  private static long elements(long[] shape) {
    long product = 1;
    for (long extent : shape) {
      product *= extent;
    }
    return product;
  }

  private void store(Path file, @org.jspecify.annotations.Nullable Long seed) throws IOException {
    StringBuilder json = new StringBuilder("{");
    long offset = 0;
    for (Map.Entry<String, long[]> tensor : tensors.entrySet()) {
      long end = offset + 2 * elements(tensor.getValue());
      json.append(json.length() > 1 ? "," : "")
          .append(
              "\"%s\":{\"dtype\":\"F16\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                  .formatted(
                      tensor.getKey(), java.util.Arrays.toString(tensor.getValue()), offset, end));
      offset = end;
    }
    json.append('}');
    while (json.length() % 8 != 0) {
      json.append(' ');
    }
    byte[] header = json.toString().getBytes(StandardCharsets.UTF_8);
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.setLength(0);
      out.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
      out.write(header);
      if (seed == null) {
        out.setLength(8 + header.length + offset);
        return;
      }
      RandomGenerator random = new SplittableRandom(seed);
      for (Map.Entry<String, long[]> tensor : tensors.entrySet()) {
        fill(out, tensor.getKey(), tensor.getValue(), random);
      }
    }
  }

  private static void fill(RandomAccessFile out, String name, long[] shape, RandomGenerator random)
      throws IOException {
    long left = elements(shape);
    boolean matrix = shape.length > 1;
    double scale = matrix ? Math.sqrt((double) shape[0] / elements(shape)) : 0;
    float constant = name.endsWith(".bias") ? 0f : 1f;
    ByteBuffer chunk = ByteBuffer.allocate(2 * CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    while (left > 0) {
      int count = (int) Math.min(CHUNK, left);
      chunk.clear();
      for (int i = 0; i < count; i++) {
        float value = matrix ? (float) (random.nextGaussian() * scale) : constant;
        chunk.putShort(Float.floatToFloat16(value));
      }
      out.write(chunk.array(), 0, 2 * count);
      left -= count;
    }
  }
}
