package quartet.engine.value;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import quartet.errors.EngineException;

final class HeapRoomTest {
  @Test
  void whatFitsIsCounted() {
    assertThat(HeapRoom.forFloats(2, 3, 64, 32)).isEqualTo(2 * 3 * 64 * 32);
  }

  @Test
  void theOperatorsLargestPromptIsRefusedWithItsSizes() {
    assertThatThrownBy(() -> HeapRoom.forFloats(1024, 3, 4096, 4096))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("1024 x 3 x 4096 x 4096")
        .hasMessageContaining("-Xmx");
  }

  @Test
  void productsBeyondLongAreRefusedToo() {
    assertThatThrownBy(() -> HeapRoom.forFloats(1L << 40, 1L << 40, 1L << 40, 1L << 40))
        .isInstanceOf(EngineException.class);
  }
}
