package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.fake.FakeContext;
import quartet.engine.fake.FakeNode;
import quartet.engine.node.Node;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.MaskBatch;
import quartet.errors.EngineException;
import quartet.image.Pixels;
import quartet.image.PngWriter;

class LoadImageTest {
  @TempDir Path base;
  private FakeContext context;
  private final Node node =
      FakeNode.registry(new CoreNodes().nodes()).find("LoadImage").orElseThrow().node();

  @BeforeEach
  void folders() {
    context = FakeContext.below(base);
  }

  private static void write(Path file, int channels, int... bytes) throws IOException {
    Files.createDirectories(file.getParent());
    byte[] pixels = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      pixels[i] = (byte) bytes[i];
    }
    PngWriter.write(file, new Pixels(pixels, 1, bytes.length / channels, channels), Map.of(), 4);
  }

  private NodeResult load(String name) {
    return Runs.run("LoadImage", Map.of("image", name), context);
  }

  private static ImageBatch image(NodeResult result) {
    return (ImageBatch) result.outputs().get(0);
  }

  private static MaskBatch mask(NodeResult result) {
    return (MaskBatch) result.outputs().get(1);
  }

  private Optional<String> problem(String name) {
    return node.check(new NodeInputs(Map.of("image", name)), context.folders());
  }

  @Test
  void transparency_becomes_the_mask_and_colours_stay() throws IOException {
    write(context.folders().input().resolve("a.png"), 4, 255, 0, 51, 255, 10, 20, 30, 0);
    NodeResult result = load("a.png");
    assertThat(image(result).values())
        .containsExactly(1, 0, 51 / 255f, 10 / 255f, 20 / 255f, 30 / 255f);
    assertThat(image(result).channels()).isEqualTo(3);
    assertThat(mask(result).values()).containsExactly(0, 1);
    assertThat(mask(result).width()).isEqualTo(2);
  }

  @Test
  void pictures_made_here_are_read_by_the_name_the_front_end_shows() throws IOException {
    write(context.folders().output().resolve("made.png"), 3, 51, 102, 255);
    NodeResult result = Runs.run("LoadImageOutput", Map.of("image", "made.png [output]"), context);
    assertThat(image(result).values()).containsExactly(51 / 255f, 102 / 255f, 1);
    Node other =
        FakeNode.registry(new CoreNodes().nodes()).find("LoadImageOutput").orElseThrow().node();
    assertThat(other.check(new NodeInputs(Map.of("image", "gone.png [output]")), context.folders()))
        .hasValueSatisfying(problem -> assertThat(problem).contains("gone.png"));
  }

  @Test
  void a_picture_whose_alpha_is_full_has_a_mask_of_its_own_size() throws IOException {
    write(context.folders().input().resolve("a.png"), 4, 1, 2, 3, 255, 4, 5, 6, 255);
    MaskBatch mask = mask(load("a.png"));
    assertThat(mask.width()).isEqualTo(2);
    assertThat(mask.height()).isEqualTo(1);
    assertThat(mask.values()).containsOnly(0f);
  }

  @Test
  void a_picture_without_alpha_has_an_empty_mask_of_64_by_64() throws IOException {
    write(context.folders().input().resolve("a.png"), 3, 1, 2, 3);
    MaskBatch mask = mask(load("a.png"));
    assertThat(mask.width()).isEqualTo(64);
    assertThat(mask.height()).isEqualTo(64);
    assertThat(mask.values()).containsOnly(0f);
  }

  @Test
  void subfolders_and_other_folders_may_be_named() throws IOException {
    write(context.folders().input().resolve("sub/a.png"), 3, 1, 1, 1);
    write(context.folders().output().resolve("b.png"), 3, 2, 2, 2);
    assertThat(problem("sub/a.png")).isEmpty();
    assertThat(problem("b.png [output]")).isEmpty();
    assertThat(image(load("sub/a.png")).values()).containsOnly(1 / 255f);
    assertThat(image(load("b.png [output]")).values()).containsOnly(2 / 255f);
  }

  @Test
  void what_is_not_there_or_outside_is_refused_before_and_while_it_runs() throws IOException {
    write(base.resolve("secret.png"), 3, 1, 1, 1);
    for (String name : new String[] {"gone.png", "../secret.png", "../secret.png [output]", ""}) {
      assertThat(problem(name))
          .as(name)
          .hasValueSatisfying(text -> assertThat(text).contains(name));
      assertThatThrownBy(() -> load(name)).as(name).isInstanceOf(EngineException.class);
    }
  }

  @Test
  void a_broken_file_is_a_clear_error() throws IOException {
    Files.writeString(context.folders().input().resolve("a.png"), "no picture");
    assertThat(problem("a.png")).as("it is there").isEmpty();
    assertThatThrownBy(() -> load("a.png"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("a.png");
  }

  @Test
  void the_stamp_follows_the_bytes_of_the_file() throws IOException {
    Path file = context.folders().input().resolve("a.png");
    NodeInputs inputs = new NodeInputs(Map.of("image", "a.png"));
    write(file, 3, 1, 1, 1);
    Optional<String> first = node.changeStamp(inputs, context.folders());
    assertThat(first).hasValueSatisfying(stamp -> assertThat(stamp).matches("[0-9a-f]{64}"));
    assertThat(node.changeStamp(inputs, context.folders())).isEqualTo(first);
    write(file, 3, 2, 2, 2);
    assertThat(node.changeStamp(inputs, context.folders())).isPresent().isNotEqualTo(first);
  }
}
