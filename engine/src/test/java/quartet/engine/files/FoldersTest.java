package quartet.engine.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.errors.EngineException;

/** Names stay inside their folders. */
class FoldersTest {
  @TempDir Path base;
  private Folders folders;

  @BeforeEach
  void create() throws IOException {
    folders = Folders.below(base.resolve("server"));
    folders.create();
    Files.createDirectories(folders.models().resolve("checkpoints/sub"));
  }

  private static void touch(Path file) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, "x");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", ".", "..", "../x", "a/../../x", "a/..", "/etc/passwd", "./../x.png", "a\0b"})
  void a_name_that_leads_out_is_refused(String name) {
    assertThatThrownBy(() -> Folders.inside(folders.input(), name))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> assertThat(e.code()).isEqualTo(FileError.PATH_OUTSIDE_FOLDER));
    assertThat(folders.imageExists(name)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.png", "sub/a.png", "a..png", "..a", "sub/../a.png", " ", "a b.png"})
  void a_name_inside_is_taken_whether_it_is_there_or_not(String name) {
    assertThat(Folders.inside(folders.input(), name)).startsWithRaw(folders.input());
  }

  @Test
  void links_lead_no_picture_out_of_its_folder() throws IOException {
    touch(base.resolve("secret/key.png"));
    Files.createSymbolicLink(folders.input().resolve("link"), base.resolve("secret"));
    Files.createSymbolicLink(folders.input().resolve("a.png"), base.resolve("secret/key.png"));
    assertThat(folders.imageExists("a.png")).isFalse();
    assertThat(folders.imageExists("link/key.png")).isFalse();
    assertThatThrownBy(() -> Folders.inside(folders.input(), "link/new.png"))
        .as("a file that is still to be made")
        .isInstanceOf(EngineException.class);
  }

  @Test
  void links_within_a_folder_are_fine() throws IOException {
    touch(folders.input().resolve("real/a.png"));
    Files.createSymbolicLink(folders.input().resolve("link"), folders.input().resolve("real"));
    assertThat(folders.imageExists("link/a.png")).isTrue();
  }

  @Test
  void annotations_name_the_folder() throws IOException {
    touch(folders.input().resolve("a.png"));
    touch(folders.output().resolve("sub/b.png"));
    touch(folders.temp().resolve("c.png"));
    assertThat(folders.image("a.png")).isEqualTo(folders.input().resolve("a.png"));
    assertThat(folders.image("a.png [input]")).isEqualTo(folders.input().resolve("a.png"));
    assertThat(folders.image("sub/b.png [output]"))
        .isEqualTo(folders.output().resolve("sub/b.png"));
    assertThat(folders.image("c.png [temp]")).isEqualTo(folders.temp().resolve("c.png"));
    assertThat(folders.imageExists("../input/a.png [output]")).isFalse();
    assertThatThrownBy(() -> folders.image("gone.png [output]"))
        .hasMessageContaining(folders.output().toString());
  }

  @Test
  void pictures_are_listed_directly_and_sorted() throws IOException {
    touch(folders.input().resolve("b.PNG"));
    touch(folders.input().resolve("a.webp"));
    touch(folders.input().resolve("notes.txt"));
    touch(folders.input().resolve("sub/c.png"));
    assertThat(folders.inputImages()).containsExactly("a.webp", "b.PNG");
    assertThat(Folders.below(base.resolve("nowhere")).inputImages()).isEmpty();
  }

  @Test
  void models_are_listed_from_all_their_folders_with_their_subfolders() throws IOException {
    touch(folders.models().resolve("text_encoders/a.safetensors"));
    touch(folders.models().resolve("clip/sub/b.SFT"));
    touch(folders.models().resolve("clip/readme.md"));
    touch(folders.models().resolve("clip/.git/c.safetensors"));
    assertThat(folders.models("text_encoders")).containsExactly("a.safetensors", "sub/b.SFT");
    assertThat(folders.model("text_encoders", "sub/b.SFT"))
        .isEqualTo(folders.models().resolve("clip/sub/b.SFT"));
    assertThat(folders.models("loras")).isEmpty();
  }

  @Test
  void models_may_be_linked_in_and_a_loop_of_links_is_passed_over() throws IOException {
    touch(base.resolve("disk/big.safetensors"));
    Path checkpoints = folders.models().resolve("checkpoints");
    Files.createSymbolicLink(checkpoints.resolve("disk"), base.resolve("disk"));
    Files.createSymbolicLink(
        checkpoints.resolve("own.safetensors"), base.resolve("disk/big.safetensors"));
    Files.createSymbolicLink(checkpoints.resolve("sub/loop"), checkpoints);
    assertThat(folders.models("checkpoints"))
        .containsExactly("disk/big.safetensors", "own.safetensors");
    assertThat(folders.model("checkpoints", "disk/big.safetensors")).isRegularFile();
    assertThat(folders.model("checkpoints", "own.safetensors")).isRegularFile();
  }

  @ParameterizedTest
  @ValueSource(strings = {"..", "../input", "/etc", "", "checkpoints/../.."})
  void a_folder_key_that_leads_out_of_the_models_is_refused(String key) {
    assertThatThrownBy(() -> folders.models(key)).isInstanceOf(EngineException.class);
  }

  @Test
  void a_missing_model_is_named_with_those_that_are_there() throws IOException {
    touch(folders.models().resolve("checkpoints/a.safetensors"));
    assertThatThrownBy(() -> folders.model("checkpoints", "b.safetensors"))
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.code()).isEqualTo(FileError.MODEL_NOT_FOUND))
        .hasMessageContaining("b.safetensors")
        .hasMessageContaining("[a.safetensors]");
    assertThatThrownBy(() -> folders.model("checkpoints", "../../input/a.png"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("leads out");
  }
}
