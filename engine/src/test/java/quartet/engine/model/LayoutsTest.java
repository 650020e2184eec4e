package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.model.blocks.Weights;
import quartet.engine.model.layout.ControlLayout;
import quartet.engine.model.layout.DiffusersNames;
import quartet.engine.model.layout.UNetLayout;
import quartet.engine.model.layout.UpscaleLayout;
import quartet.engine.model.layout.VaeLayout;
import quartet.safetensors.SafetensorsFile;
import quartet.safetensors.SafetensorsWriter;
import quartet.tensor.HostTensor;
import quartet.testkit.Goldens;

/** The same numbers are found under every name in use. */
final class LayoutsTest {
  @TempDir Path directory;
  private int made;

  private SafetensorsFile renamed(SafetensorsFile file, UnaryOperator<String> names) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (String name : file.names()) {
      String other = names.apply(name);
      if (!other.isEmpty()) {
        tensors.put(other, file.tensor(name));
      }
    }
    Path path = directory.resolve("renamed" + made++ + ".safetensors");
    SafetensorsWriter.write(path, tensors, Map.of());
    return SafetensorsFile.open(path);
  }

  private static void assertSame(Weights actual, Weights expected) {
    assertThat(actual.names()).containsExactlyInAnyOrderElementsOf(expected.names());
    for (String name : expected.names()) {
      HostTensor one = actual.tensorOrNull(name);
      HostTensor other = expected.tensorOrNull(name);
      assertThat(one).isNotNull();
      assertThat(other).isNotNull();
      assertThat(one.toFloats()).as(name).containsExactly(other.toFloats());
    }
  }

  /** Published names of Stable Diffusion 1.5's and SDXL's UNets, two residual blocks per level. */
  @ParameterizedTest
  @CsvSource({
    "input_blocks.0.0, conv_in",
    "input_blocks.1.1.transformer_blocks.0.attn1.to_q, down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
    "input_blocks.3.0.op, down_blocks.0.downsamplers.0.conv",
    "input_blocks.5.0.in_layers.2, down_blocks.1.resnets.1.conv1",
    "input_blocks.8.0.skip_connection, down_blocks.2.resnets.1.conv_shortcut",
    "middle_block.0.emb_layers.1, mid_block.resnets.0.time_emb_proj",
    "middle_block.1.proj_in, mid_block.attentions.0.proj_in",
    "middle_block.2.out_layers.3, mid_block.resnets.1.conv2",
    "output_blocks.2.1.conv, up_blocks.0.upsamplers.0.conv",
    "output_blocks.5.2.conv, up_blocks.1.upsamplers.0.conv",
    "output_blocks.4.1.proj_out, up_blocks.1.attentions.1.proj_out",
    "output_blocks.11.0.in_layers.0, up_blocks.3.resnets.2.norm1",
    "time_embed.2, time_embedding.linear_2",
    "label_emb.0.0, add_embedding.linear_1",
    "out.2, conv_out",
  })
  void diffusersModulesHaveTheirPublishedNames(String ours, String theirs) {
    assertThat(DiffusersNames.fromOurs(ours, 2)).isEqualTo(theirs);
  }

  private static String theirs(String name, String prefix) {
    if (!name.startsWith(prefix)) {
      return "";
    }
    String rest = name.substring(prefix.length());
    int dot = rest.lastIndexOf('.');
    return DiffusersNames.fromOurs(rest.substring(0, dot), 1) + rest.substring(dot);
  }

  @Test
  void aUNetIsReadUnderDiffusersNames() {
    try (SafetensorsFile file = Goldens.tensors("tiny_sdxl");
        SafetensorsFile other = renamed(file, name -> theirs(name, "model.diffusion_model."))) {
      assertThat(other.has("up_blocks.0.upsamplers.0.conv.weight")).isTrue();
      assertSame(UNetLayout.find(other).orElseThrow(), UNetLayout.find(file).orElseThrow());
    }
  }

  @Test
  void aControlNetIsReadUnderDiffusersNames() {
    try (SafetensorsFile file = Goldens.tensors("tiny_controlnet");
        SafetensorsFile other =
            renamed(
                file,
                name -> {
                  String rest = name.substring("control_model.".length());
                  if (rest.startsWith("zero_convs.")) {
                    return rest.replaceFirst(
                        "zero_convs\\.(\\d+)\\.0", "controlnet_down_blocks.$1");
                  }
                  if (rest.startsWith("middle_block_out.0")) {
                    return rest.replace("middle_block_out.0", "controlnet_mid_block");
                  }
                  if (rest.startsWith("input_hint_block.")) {
                    String[] parts = rest.split("\\.", -1);
                    int number = Integer.parseInt(parts[1]) / 2;
                    String module =
                        number == 0
                            ? "conv_in"
                            : number == 7 ? "conv_out" : "blocks." + (number - 1);
                    return "controlnet_cond_embedding." + module + "." + parts[2];
                  }
                  return theirs(name, "control_model.");
                })) {
      assertSame(
          ControlLayout.findNet(other).orElseThrow(), ControlLayout.findNet(file).orElseThrow());
    }
  }

  @Test
  void aVaeIsReadUnderDiffusersNames() {
    int levels = 4;
    try (SafetensorsFile file = Goldens.tensors("tiny_sd15");
        SafetensorsFile other =
            renamed(
                file,
                name -> {
                  String prefix = "first_stage_model.";
                  if (!name.startsWith(prefix)) {
                    return "";
                  }
                  String rest =
                      name.substring(prefix.length())
                          .replace("mid.block_1.", "mid_block.resnets.0.")
                          .replace("mid.block_2.", "mid_block.resnets.1.")
                          .replace("mid.attn_1.norm.", "mid_block.attentions.0.group_norm.")
                          .replace("mid.attn_1.q.", "mid_block.attentions.0.to_q.")
                          .replace("mid.attn_1.k.", "mid_block.attentions.0.to_k.")
                          .replace("mid.attn_1.v.", "mid_block.attentions.0.to_v.")
                          .replace("mid.attn_1.proj_out.", "mid_block.attentions.0.to_out.0.")
                          .replace("norm_out", "conv_norm_out")
                          .replace("nin_shortcut", "conv_shortcut")
                          .replace(".block.", ".resnets.")
                          .replace(".downsample.conv", ".downsamplers.0.conv")
                          .replace(".upsample.conv", ".upsamplers.0.conv")
                          .replace("encoder.down.", "encoder.down_blocks.");
                  for (int n = 0; n < levels; n++) {
                    rest =
                        rest.replace(
                            "decoder.up." + n + ".", "decoder.up_blocks." + (levels - 1 - n) + ".");
                  }
                  return rest;
                })) {
      assertSame(VaeLayout.find(other).orElseThrow(), VaeLayout.find(file).orElseThrow());
    }
  }

  @Test
  void upscaleModelsAreReadUnderAllThreeNamings() {
    try (SafetensorsFile file = Goldens.tensors("tiny_esrgan");
        SafetensorsFile trunk =
            renamed(
                file,
                name ->
                    name.replace("conv_body", "trunk_conv")
                        .replace("body.", "RRDB_trunk.")
                        .replace(".rdb", ".RDB")
                        .replace("conv_up", "upconv")
                        .replace("conv_hr", "HRconv"));
        SafetensorsFile oldest =
            renamed(
                file,
                name ->
                    name.replace("conv_first.", "model.0.")
                        .replace("conv_body.", "model.1.sub.2.")
                        .replace("conv_up1.", "model.3.")
                        .replace("conv_up2.", "model.6.")
                        .replace("conv_hr.", "model.8.")
                        .replace("conv_last.", "model.10.")
                        .replaceFirst(
                            "^body\\.(\\d)\\.rdb(\\d)\\.conv(\\d)\\.",
                            "model.1.sub.$1.RDB$2.conv$3.0."))) {
      Weights expected = UpscaleLayout.find(file).orElseThrow();
      assertSame(UpscaleLayout.find(trunk).orElseThrow(), expected);
      assertSame(UpscaleLayout.find(oldest).orElseThrow(), expected);
    }
  }
}
