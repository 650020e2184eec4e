package quartet.engine.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import quartet.engine.value.ModelOptions;
import quartet.engine.value.ModelRefs;
import quartet.engine.value.PartSource;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Device;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.Goldens;

class LocalHostModelsTest {
  private final Path file = Goldens.path("tiny_sd15.safetensors");
  private final LocalHostModels models = new LocalHostModels();

  private static boolean isOpen(SafetensorsFile mapped) {
    return mapped.tensor(mapped.names().iterator().next()).segment().scope().isAlive();
  }

  @Test
  void all_holders_get_the_same_mapping_and_the_last_one_closes_it() {
    SafetensorsFile first = models.acquire(file);
    SafetensorsFile second = models.acquire(file);
    assertThat(second).isSameAs(first);
    String name = first.names().iterator().next();
    var segment = first.tensor(name).segment();
    models.release(file);
    assertThat(segment.scope().isAlive()).isTrue();
    models.release(file);
    assertThat(segment.scope().isAlive()).isFalse();
  }

  @Test
  void a_file_that_was_closed_is_opened_anew() {
    SafetensorsFile first = models.acquire(file);
    models.release(file);
    SafetensorsFile second = models.acquire(file);
    assertThat(second).isNotSameAs(first);
    assertThat(isOpen(second)).isTrue();
    models.release(file);
  }

  @Test
  void releasing_what_nobody_holds_is_a_mistake_of_ours() {
    assertThatThrownBy(() -> models.release(file)).isInstanceOf(IllegalStateException.class);
    models.acquire(file);
    models.release(file);
    assertThatThrownBy(() -> models.release(file)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void a_file_that_is_not_there_is_held_by_nobody() {
    Path gone = file.resolveSibling("gone.safetensors");
    assertThatThrownBy(() -> models.acquire(gone)).isInstanceOf(EngineException.class);
    assertThatThrownBy(() -> models.release(gone)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void a_device_keeps_as_many_checkpoints_as_it_may_and_drops_the_oldest() {
    Path other = Goldens.path("tiny_sd15.safetensors");
    try (ReferenceBackend backend = new ReferenceBackend(Device.cpu(0));
        DeviceModels device = new DeviceModels(backend, models, 1)) {
      device.checkpoint(file);
      assertThat(device.checkpoint(file)).isSameAs(device.checkpoint(file));
      device.checkpoint(other);
      assertThat(device.resident()).containsExactly(other);
      assertThatThrownBy(() -> models.release(file))
          .as("the dropped one was given back")
          .isInstanceOf(IllegalStateException.class);
    }
    assertThatThrownBy(() -> models.release(other)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void a_file_that_is_no_checkpoint_is_given_back() {
    Path expected = Goldens.path("tiny_sd15_expected.safetensors");
    try (ReferenceBackend backend = new ReferenceBackend(Device.cpu(0));
        DeviceModels device = new DeviceModels(backend, models, 1)) {
      assertThatThrownBy(() -> device.checkpoint(expected)).isInstanceOf(EngineException.class);
      assertThat(device.resident()).isEmpty();
      assertThatThrownBy(() -> models.release(expected)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void what_a_job_uses_stays_until_it_ends_unless_memory_is_tight() {
    Path second = Goldens.path("tiny_sd15.safetensors");
    Path third = Goldens.path("tiny_sd15.safetensors");
    try (ReferenceBackend backend = new ReferenceBackend(Device.cpu(0));
        DeviceModels device = new DeviceModels(backend, models, 1)) {
      device.beginJob();
      device.checkpoint(file);
      device.checkpoint(second);
      assertThat(device.resident()).containsExactly(file, second);
      device.endJob();
      device.beginJob();
      device.checkpoint(second);
      device.checkpoint(third);
      assertThat(device.resident()).containsExactly(second, third);
      device.beginTightJob();
      device.checkpoint(file);
      assertThat(device.resident()).containsExactly(file);
    }
  }

  @Test
  void one_variant_of_a_part_stays_and_goes_with_its_file() {
    Path sdxl = Goldens.path("tiny_sdxl.safetensors");
    Path lora = Goldens.path("tiny_lora.safetensors");
    try (ReferenceBackend backend = new ReferenceBackend(Device.cpu(0));
        DeviceModels device = new DeviceModels(backend, models, 1)) {
      device.beginJob();
      device.checkpoint(sdxl);
      ModelRefs.ModelRef weak = changed(sdxl, lora, 0.5);
      device.diffusion(weak);
      long one = backend.memory().parameterBytes();
      device.diffusion(weak);
      assertThat(backend.memory().parameterBytes()).isEqualTo(one);
      device.endJob();
      device.beginJob();
      device.diffusion(changed(sdxl, lora, 1.0));
      assertThat(backend.memory().parameterBytes()).isEqualTo(one);
      device.endJob();
      device.checkpoint(file);
      assertThat(device.resident()).containsExactly(file);
      assertThat(backend.memory().parameterBytes()).isZero();
      assertThatThrownBy(() -> models.release(lora))
          .as("a LoRA's file is open only while its changes are taken")
          .isInstanceOf(IllegalStateException.class);
    }
  }

  private static ModelRefs.ModelRef changed(Path checkpoint, Path lora, double strength) {
    return new ModelRefs.ModelRef(
        new PartSource.WithLora(PartSource.of(checkpoint), lora, strength), ModelOptions.NONE);
  }

  @Test
  void a_device_that_may_keep_none_is_refused() {
    try (ReferenceBackend backend = new ReferenceBackend(Device.cpu(0))) {
      assertThatThrownBy(() -> new DeviceModels(backend, models, 0).close())
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
