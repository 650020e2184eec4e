package quartet.cuda.raw;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.cuda.GpuReading;
import quartet.cuda.GpuSensors;

/**
 * The binding against a library of the same functions, written here and compiled by gcc: two cards,
 * of which the second measures no power. Where gcc is missing the test is skipped and says so.
 */
final class NvmlTest {
  private static final String LIBRARY =
      """
      #include <stdio.h>
      #include <string.h>
      typedef struct { unsigned gpu, memory; } rates;
      typedef struct { void *device; unsigned long long type, data; unsigned gi, ci; } event;
      static int cards[2], told, open;
      int nvmlInit_v2(void) { open = 1; return INIT; }
      int nvmlShutdown(void) { open = 0; return 0; }
      int nvmlSystemGetDriverVersion(char *out, unsigned size) { strncpy(out, "580.65.06", size); return 0; }
      int nvmlSystemGetCudaDriverVersion_v2(int *out) { *out = 13020; return 0; }
      int nvmlDeviceGetCount_v2(unsigned *out) { *out = 2; return 0; }
      int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **out) { *out = &cards[i]; return i > 1 ? 2 : 0; }
      int nvmlDeviceGetUUID(void *card, char *out, unsigned size) {
        snprintf(out, size, "GPU-0000-%d", card == &cards[1]); return 0; }
      int nvmlDeviceGetName(void *card, char *out, unsigned size) { strncpy(out, "NVIDIA H200", size); return 0; }
      int nvmlDeviceGetUtilizationRates(void *card, rates *out) {
        out->gpu = card == &cards[1] ? 100 : 37; out->memory = 99; return 0; }
      int nvmlDeviceGetPowerUsage(void *card, unsigned *out) { *out = 412345; return card == &cards[1] ? 3 : 0; }
      int nvmlDeviceGetTemperature(void *card, int sensor, unsigned *out) { *out = 61 + sensor; return 0; }
      int nvmlEventSetCreate(void **set) { *set = &told; return 0; }
      int nvmlDeviceRegisterEvents(void *card, unsigned long long types, void *set) {
        return types == 8 && set == &told ? 0 : 2; }
      int nvmlEventSetWait_v2(void *set, event *out, unsigned timeout) {
        if (set != &told || timeout != 0 || told >= 3) return 10;
        out->device = &cards[1]; out->type = 8; out->data = told == 0 ? 31 : 79; told++; return 0; }
      """;

  private static LibrarySearch library(Path folder, int init) throws Exception {
    Path source = Files.writeString(folder.resolve("nvml.c"), LIBRARY);
    try {
      Process gcc =
          new ProcessBuilder(
                  "gcc",
                  "-shared",
                  "-fPIC",
                  "-w",
                  "-DINIT=" + init,
                  "-o",
                  folder.resolve("libnvidia-ml.so.1").toString(),
                  source.toString())
              .inheritIO()
              .start();
      assertThat(gcc.waitFor(1, TimeUnit.MINUTES)).isTrue();
      assertThat(gcc.exitValue()).isZero();
    } catch (IOException e) {
      System.out.println("SKIPPED NvmlTest: gcc is not installed");
      abort("gcc is not installed: " + e.getMessage());
    }
    return new LibrarySearch(List.of(folder));
  }

  @Test
  void readsWhatEachCardMeasuresAndCountsItsFaults(@TempDir Path folder) throws Exception {
    GpuSensors sensors = Nvml.open(library(folder, 0)).orElseThrow();
    List<GpuReading> readings = sensors.read();
    assertThat(readings).extracting(GpuReading::uuid).containsExactly("0000-0", "0000-1");
    GpuReading first = readings.getFirst();
    assertThat(first.name()).isEqualTo("NVIDIA H200");
    assertThat(first.driver()).isEqualTo("580.65.06, CUDA 13.2");
    assertThat(first.utilisation()).isCloseTo(0.37, within(1e-9));
    assertThat(first.watts()).isCloseTo(412.345, within(1e-9));
    assertThat(first.celsius()).isEqualTo(61);
    assertThat(first.faults()).isEmpty();
    GpuReading second = readings.get(1);
    assertThat(second.utilisation()).isEqualTo(1);
    assertThat(second.watts()).as("not measured is not zero").isNull();
    assertThat(second.faults()).isEqualTo(Map.of(31, 1L, 79, 2L));
    assertThat(sensors.read().get(1).faults()).as("told once").isEqualTo(second.faults());
    sensors.close();
    assertThat(sensors.read()).isEmpty();
  }

  @Test
  void aLibraryWithoutADriverIsAsGoodAsNone(@TempDir Path folder) throws Exception {
    assertThat(Nvml.open(library(folder, 9))).isEmpty(); // NVML_ERROR_DRIVER_NOT_LOADED
  }

  @Test
  void aMachineWithoutTheLibraryHasNoSensors(@TempDir Path folder) {
    LibrarySearch nowhere = new LibrarySearch(List.of(folder));
    org.junit.jupiter.api.Assumptions.assumeFalse(nowhere.canLoad(LibrarySearch.NVML));
    assertThat(Nvml.open(nowhere)).isEmpty();
  }
}
