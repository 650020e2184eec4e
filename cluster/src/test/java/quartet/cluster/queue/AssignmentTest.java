package quartet.cluster.queue;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The two numbers that decide between going now and waiting. */
final class AssignmentTest {
  @Test
  void waitingForABusyDeviceHasToSaveATenth() {
    assertThat(Assignment.soonEnough(10, 9.5)).isTrue();
    assertThat(Assignment.soonEnough(10, 9)).isTrue();
    assertThat(Assignment.soonEnough(10, 8.9)).isFalse();
  }

  @Test
  void aPromptWhoseModelIsOnSomeDeviceCanBeOvertakenSixteenTimesForEachDevice() {
    assertThat(Assignment.overtakingAllowed(true, 20, 1, 1)).isEqualTo(16);
    assertThat(Assignment.overtakingAllowed(true, 0.1, 100, 4)).isEqualTo(64);
  }

  @Test
  void oneWhoseModelIsNowhereWaitsForAsMuchWorkAsItsLoadingTakes() {
    assertThat(Assignment.overtakingAllowed(false, 6, 2, 1)).isEqualTo(3);
    assertThat(Assignment.overtakingAllowed(false, 6, 2, 2)).isEqualTo(6);
    assertThat(Assignment.overtakingAllowed(false, 6, 2.5, 1)).as("begun is whole").isEqualTo(3);
  }

  @Test
  void thatIsAtLeastOnceAndAtMostSixteenTimes() {
    assertThat(Assignment.overtakingAllowed(false, 0.1, 100, 1)).isEqualTo(1);
    assertThat(Assignment.overtakingAllowed(false, 100, 0.1, 1)).isEqualTo(16);
    assertThat(Assignment.overtakingAllowed(false, 100, 0, 1)).as("no run").isEqualTo(16);
  }
}
