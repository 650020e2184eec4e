package quartet.engine.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.errors.EngineException;

class OutputNamesTest {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 4, 5, 6, 7);
  @TempDir Path output;

  private OutputNames.Target target(String prefix) {
    return OutputNames.target(output, prefix, 640, 480, NOW);
  }

  private String save(String prefix, int batchIndex, String content) throws IOException {
    OutputNames.Target target = target(prefix);
    Path unfinished = OutputNames.unfinished(target);
    Files.writeString(unfinished, content);
    return OutputNames.publish(target, batchIndex, unfinished).getFileName().toString();
  }

  @ParameterizedTest
  @CsvSource({
    "ComfyUI, '', ComfyUI",
    "a/b/c, a/b, c",
    "a/, '', a",
    "a//b, a, b",
    "%width%x%height%, '', 640x480",
    "%year%-%month%-%day%/%hour%%minute%%second%, 2026-03-04, 050607",
    "%batch_num%, '', %batch_num%",
    "100%, '', 100%",
    "%unknown%, '', %unknown%",
    "a/../b, '', b",
  })
  void a_prefix_gives_folder_and_stem(String prefix, String subfolder, String stem) {
    OutputNames.Target target = target(prefix);
    assertThat(target.subfolder()).isEqualTo(subfolder);
    assertThat(target.stem()).isEqualTo(stem);
    assertThat(target.folder()).isDirectory().isEqualTo(output.resolve(subfolder).normalize());
  }

  @ParameterizedTest
  @ValueSource(strings = {"../x", "/tmp/x", "a/../../x", "..", ".", "a\0b"})
  void a_prefix_that_leads_out_is_refused_and_makes_nothing(String prefix) throws IOException {
    assertThatThrownBy(() -> target(prefix)).isInstanceOf(EngineException.class);
    try (Stream<Path> files = Files.list(output)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void a_link_leads_no_result_out_of_the_folder() throws IOException {
    Path inside = Files.createDirectory(output.resolve("out"));
    Files.createSymbolicLink(inside.resolve("link"), output);
    assertThatThrownBy(() -> OutputNames.target(inside, "link/new/x", 1, 1, NOW))
        .isInstanceOf(EngineException.class);
    assertThat(output.resolve("new")).doesNotExist();
  }

  @Test
  void numbers_go_on_after_the_highest_and_never_fill_gaps() throws IOException {
    assertThat(save("a", 0, "first")).isEqualTo("a_00001_.png");
    Files.writeString(output.resolve("a_00007_.png"), "theirs");
    Files.writeString(output.resolve("a_00009x.png"), "no number");
    Files.writeString(output.resolve("a_b_00050_.png"), "another prefix");
    Files.writeString(output.resolve("a_00011.jpg"), "any ending counts");
    assertThat(save("a", 0, "second")).isEqualTo("a_00012_.png");
    assertThat(output.resolve("a_00007_.png")).hasContent("theirs");
    assertThat(output.resolve("a_00012_.png")).hasContent("second");
  }

  @Test
  void numbers_beyond_five_digits_go_on() throws IOException {
    Files.writeString(output.resolve("a_99999_.png"), "");
    assertThat(save("a", 0, "x")).isEqualTo("a_100000_.png");
    Files.writeString(output.resolve("b_99999999999999999999_.png"), "");
    assertThat(save("b", 0, "x")).isEqualTo("b_00001_.png");
  }

  @Test
  void the_batch_number_stands_in_the_name() throws IOException {
    assertThat(save("p%batch_num%", 0, "x")).isEqualTo("p0_00001_.png");
    assertThat(save("p%batch_num%", 1, "x")).isEqualTo("p1_00001_.png");
  }

  @Test
  void an_empty_prefix_still_gives_a_name() throws IOException {
    assertThat(save("", 0, "x")).isEqualTo("_00001_.png");
  }

  @Test
  void nothing_unfinished_is_left_and_it_is_no_picture_while_it_is_there() throws IOException {
    OutputNames.Target target = target("a");
    assertThat(OutputNames.unfinished(target).getFileName().toString())
        .startsWith(".")
        .doesNotEndWith(".png");
    save("a", 0, "x");
    try (Stream<Path> files = Files.list(output)) {
      assertThat(files.map(file -> file.getFileName().toString())).containsExactly("a_00001_.png");
    }
  }

  @Test
  void a_name_too_long_for_the_disk_is_a_clear_error() {
    assertThatThrownBy(() -> save("x".repeat(300), 0, "x"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("Cannot write");
  }

  @Test
  void many_threads_saving_at_once_lose_nothing() throws Exception {
    int threads = 4;
    int each = 50;
    CountDownLatch ready = new CountDownLatch(threads);
    List<Future<List<String>>> saved = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      for (int t = 0; t < threads; t++) {
        int thread = t;
        saved.add(
            pool.submit(
                () -> {
                  ready.countDown();
                  ready.await();
                  List<String> names = new ArrayList<>();
                  for (int i = 0; i < each; i++) {
                    String content = thread + "/" + i;
                    String name = save("same", i, content);
                    assertThat(output.resolve(name)).hasContent(content);
                    names.add(name);
                  }
                  return names;
                }));
      }
    }
    List<String> names = new ArrayList<>();
    for (Future<List<String>> future : saved) {
      names.addAll(future.get());
    }
    assertThat(names).hasSize(threads * each).doesNotHaveDuplicates();
    try (Stream<Path> files = Files.list(output)) {
      assertThat(files).hasSize(threads * each);
    }
  }
}
