package quartet.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
  @ParameterizedTest
  @CsvSource({"cpu:0, CPU, 0", "CUDA:3, CUDA, 3", "' sim:12 ', SIM, 12", "cuda:9999, CUDA, 9999"})
  void a_device_is_read_from_its_text(String text, Device.Kind kind, int index) {
    assertThat(Device.parse(text)).isEqualTo(new Device(kind, index));
  }

  @Test
  void what_is_written_can_be_read() {
    for (Device.Kind kind : Device.Kind.values()) {
      Device device = new Device(kind, 7);
      assertThat(Device.parse(device.toString())).isEqualTo(device);
    }
    assertThat(Device.cpu(2)).hasToString("cpu:2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "cpu",
        "cpu:",
        ":0",
        "cpu:-1",
        "cpu:+1",
        "cpu: 1",
        "gpu:0",
        "cuda:0,1",
        "cuda:99999",
        "cuda:0x1",
        "cpu:0 cpu:1"
      })
  void anything_else_is_refused_with_the_right_form(String text) {
    assertThatThrownBy(() -> Device.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cpu:0");
  }

  @Test
  void a_negative_index_is_refused() {
    assertThatThrownBy(() -> Device.cpu(-1)).isInstanceOf(IllegalArgumentException.class);
  }
}
