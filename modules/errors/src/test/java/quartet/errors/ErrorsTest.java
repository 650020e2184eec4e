package quartet.errors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ErrorsTest {
  private final List<String> closed = new ArrayList<>();

  private AutoCloseable resource(String name) {
    return () -> closed.add(name);
  }

  private AutoCloseable broken(String name) {
    return () -> {
      closed.add(name);
      throw new IOException(name + " is stuck");
    };
  }

  @Test
  void resources_are_closed_last_first() {
    CloseAll.reversed(List.of(resource("a"), resource("b"), resource("c")));
    assertThat(closed).containsExactly("c", "b", "a");
  }

  @Test
  void all_are_closed_though_some_fail_and_every_failure_is_kept() {
    assertThatThrownBy(() -> CloseAll.reversed(List.of(resource("a"), broken("b"), broken("c"))))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("c is stuck")
        .hasCauseInstanceOf(IOException.class)
        .satisfies(e -> assertThat(e.getSuppressed()).hasSize(1))
        .satisfies(e -> assertThat(e.getSuppressed()[0]).hasMessage("b is stuck"));
    assertThat(closed).containsExactly("c", "b", "a");
  }

  @Test
  void nothing_to_close_is_fine() {
    CloseAll.reversed(List.of());
    assertThat(closed).isEmpty();
  }

  @Test
  void a_required_value_is_returned_or_its_key_named() {
    assertThat(Required.in(Map.of("a", 1), "a")).isEqualTo(1);
    assertThatThrownBy(() -> Required.in(Map.of("a", 1), "b"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("'b'");
  }

  private enum SomeError implements ErrorCode {
    DISK_FULL;

    @Override
    public ErrorKind kind() {
      return ErrorKind.STORAGE;
    }
  }

  @Test
  void an_error_keeps_its_values_in_order_and_to_itself() {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("path", "/x");
    values.put("free", "0");
    EngineException error =
        new EngineException(SomeError.DISK_FULL, "The disk is full.", values, null);
    values.put("later", "no");
    assertThat(error.context().keySet()).containsExactly("path", "free");
    assertThat(error.kind()).isEqualTo(ErrorKind.STORAGE);
    assertThat(error.code().name()).isEqualTo("DISK_FULL");
    assertThatThrownBy(() -> error.context().put("a", "b"))
        .isInstanceOf(UnsupportedOperationException.class);
  }
}
