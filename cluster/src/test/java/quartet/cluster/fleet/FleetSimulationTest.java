package quartet.cluster.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Clusters of two to five servers in trouble, from hundreds of seeds. */
final class FleetSimulationTest {
  private static final int SEEDS = Integer.getInteger("quartet.test.seeds", 300);

  @Test
  void nothingIsLostAndNothingEndsTwice() {
    int moved = 0;
    int takenOver = 0;
    int refused = 0;
    int lost = 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      FleetSimulation simulation = new FleetSimulation(seed, 2 + (int) (seed % 4));
      simulation.run(60);
      moved += simulation.moved;
      takenOver += simulation.takenOver;
      refused += simulation.refused();
      lost += simulation.lostServers;
    }
    System.out.printf(
        "%d clusters: %d servers lost, %d prompts moved, %d taken over, %d facts refused%n",
        SEEDS, lost, moved, takenOver, refused);
    assertThat(moved).as("prompts move to idle servers").isPositive();
    assertThat(takenOver).as("prompts of lost servers are taken over").isPositive();
    assertThat(refused).as("servers that come back are refused").isPositive();
  }
}
