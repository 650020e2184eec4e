package quartet.engine.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import quartet.engine.files.Folders;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.DeviceMemory;
import quartet.tensor.Parameters;
import quartet.tensor.TensorScope;

class DeviceThreadTest {
  private final AtomicInteger closed = new AtomicInteger();
  private final CompletableFuture<String> closedOn = new CompletableFuture<>();

  /** A device that only counts how often it is closed. */
  private final class Counted implements Backend {
    @Override
    public Device device() {
      return Device.cpu(0);
    }

    @Override
    public String description() {
      return "counted";
    }

    @Override
    public TensorScope openScope(String purpose) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Parameters openParameters(String sourceId) {
      throw new UnsupportedOperationException();
    }

    @Override
    public DeviceMemory memory() {
      return new DeviceMemory(0, 0, 0, 0);
    }

    @Override
    public void close() {
      closed.incrementAndGet();
      closedOn.complete(Thread.currentThread().getName());
    }
  }

  private DeviceWorker worker() {
    return new DeviceWorker(
        5, new Counted(), new LocalHostModels(), Folders.below(Path.of("target")), true, 1);
  }

  @Test
  void all_work_and_the_closing_happen_on_the_device_s_own_thread() throws Exception {
    Future<String> ranOn;
    try (DeviceThread thread = new DeviceThread(5, this::worker)) {
      ranOn = thread.submit(worker -> Thread.currentThread().getName());
    }
    assertThat(ranOn.get()).isEqualTo("gpu-5");
    assertThat(closedOn).isCompletedWithValue("gpu-5");
    assertThat(closed).hasValue(1);
  }

  @Test
  void a_worker_that_is_still_being_made_when_the_thread_closes_is_closed_too() throws Exception {
    CountDownLatch closing = new CountDownLatch(1);
    DeviceThread thread =
        new DeviceThread(
            5,
            () -> {
              awaitQuietly(closing);
              return worker();
            });
    Thread closer = Thread.ofPlatform().start(thread::close);
    while (closer.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    closing.countDown();
    closer.join();
    assertThat(closed).hasValue(1);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void a_worker_that_cannot_be_made_fails_what_is_submitted() {
    try (DeviceThread thread =
        new DeviceThread(
            5,
            () -> {
              throw new IllegalStateException("no such device");
            })) {
      assertThatThrownBy(() -> thread.submit(worker -> 1).join())
          .isInstanceOf(CompletionException.class)
          .hasMessageContaining("no such device");
    }
  }

  @Test
  void what_is_submitted_after_the_close_fails_and_does_not_hang() {
    DeviceThread thread = new DeviceThread(5, this::worker);
    thread.close();
    assertThatThrownBy(() -> thread.submit(worker -> 1).join())
        .isInstanceOf(CompletionException.class);
    assertThat(closed).hasValue(1);
  }
}
